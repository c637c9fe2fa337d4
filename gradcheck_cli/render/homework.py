"""A piece of homework as its author wrote it, each line that claims something with a mark in the margin.

The first wrong step has a caret under it, and below that what is wrong with it. Lines that claim nothing are there to
find one's way, and folded where there are many.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gradcheck_cli.render.lines import PLACE, cells, rows
from gradcheck_cli.source import Span
from gradcheck_cli.verifying.model import CORRECT, MISSING, UNDECIDED, UNREADABLE, WRONG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gradcheck_cli.render.canvas import Canvas
    from gradcheck_cli.source import Source
    from gradcheck_cli.verifying.model import Claim, Page, Report

_RANK = (WRONG, UNREADABLE, UNDECIDED, MISSING, CORRECT)
_NEAR = 2  # lines that are shown before and behind one that claims something
_FEWEST = 3  # lines that are worth folding


@dataclass(slots=True)
class _Line:
    """What is known of one line: the marks, each from a column on, and what is said below it."""

    marks: list[tuple[int, str]] = field(default_factory=list)
    said: list[_Remark] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Remark:
    """A claim to be spoken of under a line, and the stretch of the line that it is about; carets where it is wrong there."""

    claim: Claim
    at: int
    end: int
    carets: bool = False


def print_lines(
    canvas: Canvas,
    report: Report,
    marks: dict[str, tuple[str, str]],
    say: Callable[[Claim, int], None],
) -> None:
    """The lines of a text with their marks; `say` tells of a claim, indented so far."""
    pages = _annotated(report.claims)
    numbers = [len(str(page.text.count("\n") + 1)) for page in report.pages]
    widest = max(cells(canvas.mark(mark)) for mark, _ in marks.values())
    margin = _Margin(canvas, marks, widest, max(numbers, default=1))
    for page in report.pages:
        canvas.line()
        if page.cell is not None:
            canvas.line((f"cell {page.cell}", "head"))
        _page(margin, page, pages.get(page.cell, {}), say)
    canvas.line()


@dataclass(frozen=True, slots=True)
class _Margin:
    """What stands left of a line: a mark, and its number."""

    canvas: Canvas
    marks: dict[str, tuple[str, str]]
    widest: int
    digits: int

    @property
    def width(self) -> int:
        """The cells it takes."""
        return self.widest + self.digits + 3

    def line(self, verdict: str | None, number: int | None, text: str) -> None:
        """One row of a text."""
        mark, style = self.marks[verdict] if verdict else ("", "plain")
        fill = " " * (self.widest - cells(self.canvas.mark(mark)))
        label = str(number) if number is not None else ""
        self.canvas.line((mark, style), fill + " ", (label.rjust(self.digits), "dim"), "  ", text.rstrip())


# -- claims to lines


def _annotated(claims: Iterable[Claim]) -> dict[int | None, dict[int, _Line]]:
    """For each page the lines of which something is to be said."""
    found: dict[int | None, dict[int, _Line]] = {}
    for claim in claims:
        lines = found.setdefault(claim.cell, {})
        if claim.verdict == CORRECT and claim.left is not None:
            line, column = claim.left.line_column(None)
            lines.setdefault(line, _Line()).marks.append((column - 1, CORRECT))
        for member in claim.members:
            if member.source is not None:
                line, column = member.source.line_column(None)
                lines.setdefault(line, _Line()).marks.append((column - 1, _verdict(claim, member.verdict)))
        remark = _remark(claim)
        if remark is not None:
            line, said = remark
            lines.setdefault(line, _Line()).said.append(said)
    return found


def _verdict(claim: Claim, verdict: str) -> str:
    """The mark of a member: one that follows from an earlier slip has no cross."""
    if verdict == WRONG and claim.follows_from is not None:
        return MISSING
    return CORRECT if claim.verdict == CORRECT else verdict


def _remark(claim: Claim) -> tuple[int, _Remark] | None:
    """The line under which a claim is spoken of, and where."""
    placed = [member for member in claim.members if member.source is not None]
    if not placed or (claim.verdict == CORRECT and not (claim.note or any(member.note for member in placed))):
        return None
    at = claim.first_wrong
    same = [member for member in placed if member.verdict == claim.verdict]
    member = claim.members[at] if at is not None and claim.members[at].source is not None else (same or placed)[0]
    if claim.verdict == CORRECT:
        member = placed[-1]
    line, start, end = _stretch(member.source)
    place = PLACE.search(member.note) if claim.verdict == UNREADABLE else None
    if place is not None:
        return int(place[1]), _Remark(claim, int(place[2]) - 1, int(place[2]), carets=True)
    return line, _Remark(claim, start, end, carets=claim.verdict == WRONG and claim.follows_from is None)


def _stretch(source: Source | None) -> tuple[int, int, int]:
    """The line on which a member begins, and the characters of that line which it takes."""
    if source is None:
        return 1, 0, 1
    line, column = source.line_column(None)
    whole, span = source.whole(Span(0, len(source.text)))
    length = len(whole.text[span.start : span.end].partition("\n")[0].rstrip())
    return line, column - 1, column - 1 + max(1, length)


# -- lines to rows


def _page(margin: _Margin, page: Page, known: dict[int, _Line], say: Callable[[Claim, int], None]) -> None:
    texts = page.text.split("\n")
    for number in _shown(texts, known):
        if number is None:
            margin.line(None, None, margin.canvas.mark("…"))
        elif number in known:
            _line(margin, number, texts[number - 1], known[number], say)
        elif not texts[number - 1].strip():
            margin.canvas.line()
        else:
            room = max(20, margin.canvas.width - margin.width - 2)
            start, end = rows(texts[number - 1].rstrip(), room)[0]
            cut = margin.canvas.mark(" …") if texts[number - 1][end:].strip() else ""
            margin.line(None, number, texts[number - 1][start:end].rstrip() + cut)


def _shown(texts: list[str], known: dict[int, _Line]) -> Iterator[int | None]:
    """The numbers of the lines that are shown; None for many that are not."""
    filled = [number for number, text in enumerate(texts, start=1) if text.strip() or number in known]
    places = [at for at, number in enumerate(filled) if number in known]
    near = {at + step for at in places for step in range(-_NEAR, _NEAR + 1)}
    last, run = 0, 0
    for at, number in enumerate(filled):
        if at in near or _short_run(at, near, len(filled)):
            if last and number > last + 1 and not run:
                yield last + 1  # blank
            yield number
            last, run = number, 0
        elif not run:
            yield None
            last, run = number, 1
        else:
            last = number


def _short_run(at: int, near: set[int], count: int) -> bool:
    """Whether the lines around this one that nothing is said of are too few to be folded."""
    start = end = at
    while start > 0 and start - 1 not in near and at - start < _FEWEST:
        start -= 1
    while end + 1 < count and end + 1 not in near and end - at < _FEWEST:
        end += 1
    return end - start + 1 < _FEWEST


def _line(margin: _Margin, number: int, text: str, line: _Line, say: Callable[[Claim, int], None]) -> None:
    """A line that claims something, in as many rows as it takes, each with its marks and what is said of it."""
    canvas, indent = margin.canvas, margin.width
    stretches = rows(text.rstrip(), max(20, canvas.width - indent - 2)) or [(0, 0)]
    for at, (start, end) in enumerate(stretches):
        begins = 0 if at == 0 else start
        stop = len(text) + 1 if at == len(stretches) - 1 else stretches[at + 1][0]
        verdicts = [verdict for column, verdict in line.marks if begins <= column < stop]
        lead = "" if at == 0 else "  "
        verdict = min(verdicts, key=_RANK.index) if verdicts else None
        margin.line(verdict, number if at == 0 else None, lead + text[start:end])
        for remark in line.said:
            if remark.carets and remark.at < end and start < remark.end:
                _carets(canvas, indent + len(lead), text[start:end], remark, start)
            if begins < remark.end <= stop or remark.end > stop > len(text):
                say(remark.claim, indent + 2)


def _carets(canvas: Canvas, indent: int, row: str, remark: _Remark, start: int) -> None:
    """Carets under the part of a row that a remark is about."""
    begin, end = max(0, remark.at - start), max(1, remark.end - start)
    length = max(1, cells(row[begin:end].rstrip()))
    style = "bad" if remark.claim.verdict == WRONG else "open"
    canvas.line(" " * (indent + cells(row[:begin])), ("^" * length, style))
