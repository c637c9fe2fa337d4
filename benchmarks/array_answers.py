"""How long judging one answer about arrays takes: the cases of tests/cases/arrays.yaml, right and wrong ones.

    PYTHONPATH=. python benchmarks/array_answers.py

The first answer to a problem builds its engine and is shown apart; then every case is judged three times and the least
counts. Processor time.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import yaml

from gradcheck_cli.parsing.text import parse
from gradcheck_cli.problem import Key, Question, load
from gradcheck_cli.source import Source
from gradcheck_cli.verifying.examiner import Examiner

CASES = Path(__file__).resolve().parents[1] / "tests" / "cases" / "arrays.yaml"


def judged(examiner: Examiner, ask: str, answer: str) -> tuple[str, float]:
    source = Source("ask", ask)
    question = Question(ask, parse(source, examiner.problem.scope), source)
    start = time.process_time()
    claim = examiner.claim(question, Key((Source("answer", answer),)))
    return claim.verdict, time.process_time() - start


def main() -> None:
    examiners: dict[str, Examiner] = {}
    times: dict[str, list[tuple[float, str]]] = {"first": [], "correct": [], "wrong": [], "other": []}
    for name, asks in yaml.safe_load(CASES.read_text(encoding="utf-8")).items():
        for ask, verdicts in asks.items():
            for answer in (one for answers in verdicts.values() for one in answers):
                label = f"{name} {ask} {answer}"
                if name not in examiners:
                    examiners[name] = Examiner(load(name))
                    times["first"].append((judged(examiners[name], ask, str(answer))[1], label))
                found = [judged(examiners[name], ask, str(answer)) for _ in range(3)]
                verdict = found[0][0] if found[0][0] in times else "other"
                times[verdict].append((min(seconds for _, seconds in found), label))
    for verdict, rows in times.items():
        if rows:
            seconds = [one for one, _ in rows]
            print(
                f"{verdict:8} {len(rows):4}  median {1000 * statistics.median(seconds):6.1f} ms, worst {1000 * max(rows)[0]:6.1f} ms  {max(rows)[1]}"
            )


if __name__ == "__main__":
    main()
