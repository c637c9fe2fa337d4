"""Reports for a terminal: each claim with a mark, what is wrong where, the score."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from rich.cells import cell_len

from gradcheck_cli.render.homework import print_lines
from gradcheck_cli.render.layout import words, wrap
from gradcheck_cli.render.lines import without_place
from gradcheck_cli.render.printer import counted
from gradcheck_cli.render.steps import step_lines, with_matrix
from gradcheck_cli.verifying.model import CORRECT, MISSING, UNDECIDED, UNREADABLE, WRONG
from gradcheck_cli.verifying.texts.spellings import renamed

if TYPE_CHECKING:
    from gradcheck_cli.render.canvas import Canvas
    from gradcheck_cli.verifying.model import Claim, Report

_MARKS = {
    CORRECT: ("✓", "good"),
    WRONG: ("✗", "bad"),
    UNDECIDED: ("?", "open"),
    UNREADABLE: ("?", "open"),
    MISSING: ("–", "open"),
}


@dataclass(frozen=True, slots=True)
class Detail:
    """How much is said.

    `hint`     the author's hints, and where to look: neither what is right nor which mistake it is
    `explain`  also how each right answer comes about
    """

    hint: bool = False
    explain: bool = False


_ALL = Detail()
_TELLS = "the problem has "  # how a reason begins that says what is right


def print_report(canvas: Canvas, report: Report, *, quiet: bool = False, detail: Detail = _ALL) -> None:
    """One file's claims, the first wrong step of each with a caret, and its score; `quiet`: the score only."""
    score = report.score
    head = f"{points(score.earned)} of {points(score.possible)} points"
    who = f"  {report.student}" if report.student else ""
    canvas.line((report.file, "head"), who, "  ", (", ".join(report.problems), "dim"), "  ", (head, "head"))
    if quiet:
        return
    report = renamed(report) if canvas.fancy else report
    if report.pages:
        print_lines(canvas, report, _MARKS, lambda claim, indent: _remark(canvas, claim, indent, report.claims, detail))
    width = max((len(_label(claim)) for claim in report.claims), default=0)
    for claim in report.claims if not report.pages else ():
        _claim(canvas, claim, width, report.claims, detail)
    for note in report.notes:
        _wrapped(canvas, f"note: {note}", 2, "open")
    canvas.line((_tally([report]), "head"))


def _claim(canvas: Canvas, claim: Claim, width: int, earlier: tuple[Claim, ...], detail: Detail) -> None:
    mark, style = _MARKS[claim.verdict if claim.follows_from is None else MISSING]
    label = f" {_label(claim).ljust(width)}  "
    indent = " " * (len(label) + 1)
    _chain(canvas, claim, (mark, style), label)
    _remark(canvas, claim, len(indent), earlier, detail)


def _remark(canvas: Canvas, claim: Claim, indent: int, earlier: tuple[Claim, ...], detail: Detail) -> None:
    """What is said below a claim; of a right one how it was read, where its line stands in a text."""
    if claim.verdict == CORRECT:
        if claim.id is None:
            _wrapped(canvas, f"({_notes(claim)})", indent, "dim")
        return
    if claim.follows_from is not None:
        first = earlier[claim.follows_from]
        place = f"answer {first.id}" if first.id is not None else _label(first)
        text = f"carried forward: this follows correctly from {place}; full points"
        _wrapped(canvas, text, indent, "open")
        return
    for hint in claim.hints if detail.hint else ():
        _wrapped(canvas, f"hint: {hint}", indent, "plain")
    if not detail.hint or claim.verdict in (UNREADABLE, UNDECIDED):
        _details(canvas, claim, indent, detail)
    elif claim.verdict == WRONG:
        here = "look here again" if len(claim.members) > 1 else "look at this again"
        where = claim.explain().where
        _wrapped(canvas, f"{here}: {where}" if where else here, indent, "plain")


def _notes(claim: Claim) -> str:
    """How a claim was read; where one of its members could not be, why."""
    said = [without_place(member.note) if member.verdict == UNREADABLE else member.note for member in claim.members]
    return "; ".join(dict.fromkeys(note for note in (*said, claim.note if claim.id is None else "") if note))


def _label(claim: Claim) -> str:
    """A question's id, the line of a text, or the cell of a notebook and the line in it."""
    if claim.id is not None:
        return claim.id
    return f"line {claim.line}" if claim.cell is None else f"cell {claim.cell} line {claim.line}"


def _chain(canvas: Canvas, claim: Claim, mark: tuple[str, str], label: str) -> None:
    """The claim on one line, or a member a line where it is too long; carets under the first wrong member."""
    notes = _notes(claim)
    note = f"   ({notes})" if notes and claim.verdict == CORRECT else ""
    members = [" ".join(member.text.split()) for member in claim.members] or [claim.text or "no answer"]
    indent = len(label) + 1
    wrong = None if claim.first_wrong is None or claim.follows_from is not None else claim.first_wrong
    whole = " = ".join(members)
    if indent + cell_len(whole + note) <= canvas.width:
        canvas.line(mark, label, whole, (note, "dim"))
        if wrong is not None and len(members) > 1:
            start = indent + cell_len(" = ".join(members[:wrong])) + (3 if wrong else 0)
            canvas.line(" " * start, ("^" * max(1, cell_len(members[wrong])), "bad"))
        return
    for at, member in enumerate(members):
        lead: list[str | tuple[str, str]] = [mark, label] if at == 0 else [" " * indent, "= "]
        start = indent + (2 if at else 0)
        lines = with_matrix(member, max(20, canvas.width - start))
        for row, line in enumerate(lines):
            said = (note if at == len(members) - 1 and row == len(lines) - 1 else "", "dim")
            canvas.line(*(lead if row == 0 else [" " * start]), line, said)
            if at == wrong and len(members) > 1:
                left = len(line) - len(line.lstrip())
                canvas.line(" " * (start + left), ("^" * max(1, cell_len(line.strip())), "bad"))


def _details(canvas: Canvas, claim: Claim, indent: int, detail: Detail) -> None:
    if claim.verdict in (UNREADABLE, UNDECIDED):
        member = next((member for member in claim.members if member.verdict == claim.verdict), claim.members[-1])
        reason = member.note or "this could not be settled either way"
        if claim.id is None:  # the formula stands above; what is wrong with it is enough
            reason = without_place(reason) if claim.verdict == UNREADABLE else claim.note or reason
        if detail.hint and reason.startswith(_TELLS):
            reason = reason.rpartition("; ")[2]
        _wrapped(canvas, f"{claim.verdict}: {reason}", indent, "open")
        for line in member.excerpt.splitlines() if claim.id is not None else ():
            canvas.line(" " * indent, (line, "dim"))
        return
    if claim.diagnosis:
        lead = "" if claim.verdict == MISSING else f"{claim.diagnosis.code}: "
        _wrapped(canvas, lead + claim.diagnosis.message, indent, "plain")
    elif claim.verdict == WRONG and claim.first_wrong is not None:
        note = claim.members[claim.first_wrong].note
        if note:
            _wrapped(canvas, note, indent, "plain")
    _right(canvas, claim, indent, explain=detail.explain)


def _right(canvas: Canvas, claim: Claim, indent: int, *, explain: bool) -> None:
    """What is right, or how it comes about."""
    lead, blank = "right: ", " " * indent
    steps = claim.explain().steps if explain else ()
    if steps:
        for at, line in enumerate(step_lines(steps, max(20, canvas.width - indent - len(lead)))):
            canvas.line(blank, (lead if at == 0 else " " * len(lead)) + line)
    elif claim.expected:
        for line in with_matrix(lead + claim.expected, max(20, canvas.width - indent)):
            canvas.line(blank, line)


def _wrapped(canvas: Canvas, text: str, indent: int, style: str) -> None:
    for line in wrap(words(text), max(20, canvas.width - indent), 2):
        canvas.line(" " * indent, (line, style))


def points(value: Fraction) -> str:
    """Points as people write them: 2, 1.5."""
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.4g}"


def _tally(reports: list[Report]) -> str:
    """How many answers, or claims of a text, have each verdict."""
    claims = [claim for report in reports for claim in report.claims]
    totals = {verdict: sum(report.summary[verdict] for report in reports) for verdict in reports[0].summary}
    counts = [f"{count} {verdict}" for verdict, count in totals.items() if count or verdict in (CORRECT, WRONG)]
    noun = "claim" if any(claim.id is None for claim in claims) else "answer"
    return f"{counted(len(claims), noun)}: {', '.join(counts)}"


def print_summary(canvas: Canvas, reports: list[Report], unusable: int) -> None:
    """The score and the verdicts of several files, and how many more could not be judged."""
    earned = sum((report.score.earned for report in reports), Fraction(0))
    possible = sum((report.score.possible for report in reports), Fraction(0))
    canvas.line()
    more = f"; {counted(unusable, 'more file')} could not be judged" if unusable else ""
    for line in (
        f"{counted(len(reports), 'file')}: {points(earned)} of {points(possible)} points{more}",
        _tally(reports),
    ):
        canvas.line((line, "head"))
