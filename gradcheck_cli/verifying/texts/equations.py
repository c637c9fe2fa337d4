r"""Equations to be solved: "setting $\partial L/\partial \mu = 0$ gives $\mu = x$" claims neither of both for the given values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gradcheck_cli.source import Span
from gradcheck_cli.verifying.model import UNDECIDED, WRONG
from gradcheck_cli.verifying.texts.chains import TAKEN, undecided

if TYPE_CHECKING:
    from gradcheck_cli.source import Source
    from gradcheck_cli.verifying.model import Claim

NEAR = 2  # lines between an equation and what solves it
_BEFORE = re.compile(
    r"\b(?:set|sets|setting|solve|solves|solving|require|requires|requiring|want|need|demand|suppose|assume|optimum|minimum"
    r"|maximum|minimise|minimize|maximise|maximize|stationary|critical|vanishes|setze|setzen|setzt|löse|nullsetzen)\b",
    re.IGNORECASE,
)
_CASE = re.compile(r"\b(?:if|for|when|where|at|suppose|assume|case|falls|wenn|für)\b[^.;]*$", re.IGNORECASE)
_BEHIND = re.compile(
    r"[\s$.,]*(?:\\iff|\\Leftrightarrow|\\Longleftrightarrow|⟺|⇔|<=>|\bif and only if\b|\bwhen\b|\bfor which\b"
    r"|(?:\\(?:Rightarrow|implies|Longrightarrow)|⇒|⟹|=>)(?=[^=]*=))"
)


def with_equations(claims: list[Claim]) -> list[Claim]:
    """The claims, with equations that something is set to zero by, and what solves them, left open."""
    found: list[Claim] = []
    solved = case = -NEAR
    for claim in claims:
        line, read = claim.line or 0, claim
        if claim.verdict == UNDECIDED and _case(claim):
            case = line
        if claim.verdict == WRONG and case == line:
            read = undecided(claim, "this may be right in the case that is set before it")
        elif claim.verdict == WRONG and _equation(claim):
            read, solved = undecided(claim, "this seems to be an equation to be solved"), line
        elif claim.verdict == WRONG and 0 <= line - solved <= NEAR and len(claim.members) == 1:
            read, solved = undecided(claim, "this seems to solve the equation before it"), -NEAR
        else:
            solved = -NEAR
        found.append(read)
    return found


def _equation(claim: Claim) -> bool:
    """Whether a claim sets something to zero, or says when it is."""
    last = claim.members[-1]
    if claim.left is None or last.source is None or last.text.strip() not in ("0", "0.0"):
        return False
    before, behind = _around(claim.left, last.source)
    return bool(_BEFORE.search(before) or _BEHIND.match(behind))


def _case(claim: Claim) -> bool:
    """Whether a claim sets an input to something with names in it, as in `if x = y`."""
    last = claim.members[-1]
    if TAKEN not in last.note or claim.left is None or last.source is None or not re.search(r"[A-Za-z]", last.text):
        return False
    return bool(_CASE.search(_around(claim.left, last.source)[0]))


def _around(left: Source, right: Source) -> tuple[str, str]:
    """What stands on the line before a formula, and what behind it."""
    file, start = left.whole(Span(0, 0))
    end = right.whole(Span(len(right.text), len(right.text)))[1].start
    begins = file.text.rfind("\n", 0, start.start) + 1
    stop = file.text.find("\n", end)
    return file.text[begins : start.start], file.text[end : stop if stop >= 0 else len(file.text)]
