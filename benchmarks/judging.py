"""Cases of homework judged, counted and shown; the same for problems of numbers and of arrays."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from dataclasses import dataclass

from gradcheck_cli.judge.space import Point
from gradcheck_cli.parsing.document import read_document
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.problem import Key, Question
from gradcheck_cli.source import Source
from gradcheck_cli.symbolic.evaluate import Plan
from gradcheck_cli.verifying.texts.homework import grade


@dataclass(frozen=True)
class Case:
    """One claim: `codes` are the names of its fault that are right, empty for a right answer.

    A text is graded as homework, and its last claim counts; where `ask` is there, the text is the answer to that query.
    """

    problem: str
    form: str
    text: str
    codes: frozenset[str] = frozenset()
    answer: str = ""  # in LaTeX, for the peer
    gold: tuple[str, ...] = ()
    ask: str = ""


def judged(case, examiner):
    """The verdict on a case and the code of its diagnosis."""
    if case.ask:
        written = Source("ask", case.ask)
        question = Question(case.ask, parse(written, examiner.problem.scope), written)
        found = examiner.claim(question, Key((Source("answer", case.text),)))
    else:
        claims = grade([examiner], read_document(Source("case.md", case.text)))
        found = claims[-1] if claims else None
    if found is None or not found.points:  # nothing is claimed, or only a name of its own
        return "none", None
    return found.verdict, found.diagnosis.code if found.diagnosis else None


def measured(cases, examiners):
    rows, times, off = Counter(), [], []
    by_code = {}
    for case in cases:
        start = time.process_time()
        verdict, code = judged(case, examiners[case.problem])
        times.append((time.process_time() - start, case))
        kind = "wrong" if case.codes else "right"
        fault = case.form.split(",")[0]
        rows[kind, verdict] += 1
        rows[kind, "all"] += 1
        rows[kind, "diagnosed"] += code is not None
        named = code in case.codes
        rows[kind, "named"] += named
        rows[kind, "own name"] += code == fault
        rows[kind, "one name"] += len(case.codes) == 1
        rows[kind, "one name, named"] += named and len(case.codes) == 1
        if case.codes:
            total = by_code.setdefault(fault, [0, 0])
            total[0] += 1
            total[1] += named
        if verdict != ("wrong" if case.codes else "correct") or (case.codes and not named):
            off.append((case, verdict, code))
    return rows, times, off, by_code


def share(count, whole):
    return f"{count} of {whole} ({100 * count / max(whole, 1):.2f} %)"


def print_table(rows, times, by_code):
    right, faulty = rows["right", "all"], rows["wrong", "all"]
    undecided = rows["right", "undecided"] + rows["wrong", "undecided"]
    unread = sum(rows[kind, verdict] for kind in ("right", "wrong") for verdict in ("unreadable", "none", "missing"))
    ordered = sorted(seconds for seconds, _ in times)
    last, worst = 1000 * ordered[int(0.99 * len(ordered))], 1000 * ordered[-1]
    lines = [
        ("right answers called wrong", share(rows["right", "wrong"], right), "0"),
        ("wrong answers called right", share(rows["wrong", "correct"], faulty), "0"),
        ("single faults named right", share(rows["wrong", "named"], faulty), "95 %"),
        ("by the name of the fault that was put in, no other counting", share(rows["wrong", "own name"], faulty), ""),
        ("of faults with one right name", share(rows["wrong", "one name, named"], rows["wrong", "one name"]), ""),
        ("diagnoses on right answers", share(rows["right", "diagnosed"], right), "0"),
        ("undecided", share(undecided, right + faulty), "0.5 %"),
        ("not judged", share(unread, right + faulty), ""),
        ("a claim, median", f"{1000 * statistics.median(ordered):.2f} ms", "5 ms"),
        ("a claim, 99th percentile", f"{last:.2f} ms, worst {worst:.1f} ms", "50 ms"),
    ]
    print("| what | figure | bar |\n| --- | --- | --- |")
    for what, figure, bar in lines:
        print(f"| {what} | {figure} | {bar} |")
    print("\n| fault | named right |\n| --- | --- |")
    for code, (count, named) in sorted(by_code.items()):
        print(f"| {code} | {share(named, count)} |")


def print_off(off, times, count):
    """The cases that went wrong, and those that took longest."""
    for case, verdict, code in off[:count]:
        ask = f"{case.ask}: " if case.ask else ""
        wanted = sorted(case.codes) or "correct"
        print(f"\n{case.problem} [{case.form}] {verdict} {code}, expected {wanted}\n  {ask}{case.text.strip()}")
    for seconds, case in sorted(times, key=lambda one: -one[0])[: 5 if count else 0]:
        print(f"\n{1000 * seconds:.0f} ms: {case.problem} [{case.form}] {case.ask} {case.text.strip()}")


def print_shares(cases, examiners):
    """The part of the time that goes into values at points: of the graph's names, and of what was written."""
    spent, inside = Counter(), []

    def timed(owner, name):
        plain = getattr(owner, name)

        def run(*args, **options):
            start = time.process_time()
            inside.append(owner)
            try:
                return plain(*args, **options)
            finally:
                inside.pop()
                spent[owner, bool(inside)] += time.process_time() - start

        setattr(owner, name, run)

    timed(Point, "run")
    timed(Plan, "run")
    print("\n| claims | each | the graph's names at points | of that, arithmetic | what was written, at points |")
    print("| --- | --- | --- | --- | --- |")
    for kind in ("right", "wrong"):
        some = [case for case in cases if bool(case.codes) == (kind == "wrong")]
        measured(some, examiners)  # derivations are kept
        spent.clear()
        whole = sum(seconds for seconds, _ in measured(some, examiners)[1])
        parts = (spent[Point, False], spent[Plan, True], spent[Plan, False])
        shares = " | ".join(f"{part / whole:.1%}" for part in parts)
        print(f"| {len(some)} {kind} | {1000 * whole / len(some):.2f} ms | {shares} |")


def print_peer(cases, rows):
    """Math-Verify on the last member of the same cases, against the right expression, its closed form and its value."""
    try:
        from math_verify import parse as read
        from math_verify import verify
    except ImportError:
        print("\nMath-Verify is not installed: pip install math-verify, or --peer FOLDER")
        return
    found, times = Counter(), []
    for case in cases:
        start = time.process_time()
        try:
            answer = read(f"${case.answer}$")
            accepted = any(verify(read(f"${gold}$"), answer) for gold in case.gold)
        except Exception:  # noqa: BLE001 - whatever a peer raises is an answer it did not judge
            accepted = False
        times.append(time.process_time() - start)
        found["wrong" if case.codes else "right", accepted] += 1
    right = found["right", True] + found["right", False]
    faulty = found["wrong", True] + found["wrong", False]
    ours = [100 * rows[kind, "correct"] / max(rows[kind, "all"], 1) for kind in ("right", "wrong")]
    print("\n| on the same cases in LaTeX | gradcheck | Math-Verify |\n| --- | --- | --- |")
    print(
        f"| right answers accepted | {ours[0]:.1f} % | {100 * found['right', True] / max(right, 1):.1f} % of {right} |"
    )
    print(
        f"| wrong answers accepted | {ours[1]:.2f} % | {100 * found['wrong', True] / max(faulty, 1):.2f} % of {faulty} |"
    )
    print(f"| an answer, median |  | {1000 * statistics.median(times):.1f} ms |")
