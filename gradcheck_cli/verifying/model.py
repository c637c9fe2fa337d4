"""Claims and verdicts: what a student says, and what is true of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcheck_cli.parsing.document import Document
    from gradcheck_cli.problem import Key
    from gradcheck_cli.source import Source

CORRECT, WRONG, UNDECIDED, UNREADABLE, MISSING = "correct", "wrong", "undecided", "unreadable", "missing"
VERDICTS = (CORRECT, WRONG, UNDECIDED, UNREADABLE, MISSING)

# what a diagnosis may say; the table of the contract
CODES = (
    "sign", "missing-factor", "extra-factor", "missing-path", "wrong-node", "wrong-local", "transpose", "shape", "index",
    "constant", "upstream-local", "rounding", "count", "arithmetic", "notation", "carried-forward", "other",
)  # fmt: skip
WHOLE = "whole"  # what does not fit is the shape of the whole
RANK = (CORRECT, UNDECIDED, WRONG, UNREADABLE, MISSING)  # of several readings the first is taken


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Which mistake it is: a code of `CODES` and a sentence in the problem's names."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a chain: its text, its verdict, its value where it has one, and what to say about it.

    `misfit` says what does not fit in an array that is wrong for that: as in `ShapeError`, or `WHOLE`.
    """

    text: str
    verdict: str
    value: float | None = None
    note: str = ""
    source: Source | None = None
    excerpt: str = ""
    misfit: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """How the right answer comes about, a line each; and of a wrong one where in it to look, without what is right there."""

    steps: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """One answer, judged.

    `first_wrong`  the index of the first wrong member
    `note`         what a reader should know of how it was read
    `assumes`      what the line assumes for those below it
    `left`         the left side of a formula, which is no member
    `explain`      works out the explanation of one that is wrong: not every reader asks for it
    `hints`        the author's, of a wrong or missing answer to a question that has some
    """

    id: str | None
    line: int | None
    text: str
    members: tuple[Member, ...]
    verdict: str
    first_wrong: int | None = None
    follows_from: int | None = None
    expected: str = ""
    diagnosis: Diagnosis | None = None
    points: Fraction = Fraction(0)
    earned: Fraction = Fraction(0)
    note: str = ""
    cell: int | None = None  # of a notebook, counted from 1; `line` is then counted in it
    assumes: str = ""
    left: Source | None = None
    explain: Callable[[], Explanation] = field(default=Explanation, repr=False, compare=False)
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """Points earned, of those possible."""

    earned: Fraction
    possible: Fraction


@dataclass(frozen=True, slots=True)
class Page:
    """A text with claims in it: a whole file, or a cell of a notebook, counted from 1."""

    text: str
    cell: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One file of answers, judged.

    `pages`  the texts that claims were found in, none for a table of answers
    `names`  how a text writes names of the problem, where that is otherwise than the problem does
    """

    file: str
    problems: tuple[str, ...]
    claims: tuple[Claim, ...]
    student: str = ""
    notes: tuple[str, ...] = ()
    pages: tuple[Page, ...] = ()
    names: tuple[tuple[str, str], ...] = ()

    @property
    def score(self) -> Score:
        """The points of all claims."""
        earned = sum((claim.earned for claim in self.claims), Fraction(0))
        return Score(earned, sum((claim.points for claim in self.claims), Fraction(0)))

    @property
    def summary(self) -> dict[str, int]:
        """How many claims have each verdict."""
        return {verdict: sum(claim.verdict == verdict for claim in self.claims) for verdict in VERDICTS}

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong, missing or, as the answer to a question, unreadable."""
        bad = {WRONG, MISSING}
        return not any(claim.verdict in bad or (claim.id and claim.verdict == UNREADABLE) for claim in self.claims)


@dataclass(frozen=True, slots=True)
class Submission:
    """A file of answers as read: the problem it names, and an answer for each question id; or a text with formulas."""

    source: Source
    problem: str | None
    answers: tuple[tuple[str, Key, Source], ...]
    student: str = ""
    document: Document | None = None  # a text, where it is no table of answers

    @property
    def problems(self) -> tuple[str, ...]:
        """The problems that the file names."""
        if self.document is not None:
            return self.document.problems
        return (self.problem,) if self.problem else ()
