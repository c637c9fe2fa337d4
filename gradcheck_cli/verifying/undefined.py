r"""Answers that say there is no value: `undefined`, `DNE`, `\infty`, `1/0`. They are right where that is so."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from gradcheck_cli.expand import expand
from gradcheck_cli.expr import Call, walk
from gradcheck_cli.functions import FUNCTIONS
from gradcheck_cli.judge import at_kink, behaviour, void
from gradcheck_cli.parsing.absent import NONE
from gradcheck_cli.parsing.names import Scope
from gradcheck_cli.source import Span
from gradcheck_cli.symbolic.evaluate import plan
from gradcheck_cli.verifying.model import CORRECT, UNDECIDED, WRONG

if TYPE_CHECKING:
    from fractions import Fraction

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.grids import Grid
    from gradcheck_cli.judge import Behaviour, Space
    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.verifying.kept import Kept

LONGEST = 60  # characters of such an answer
_HINT = re.compile(r"undef|defin|défin|exist|DNE|D\.N|dne|[nN]a[nN]|indet|inf|∞|oo|unendl")
_INFINITE = r"(?P<sign>[-+−±]|\\pm)?\s*(?:\\infty|∞|infinity|infinite|inf|oo|unendlich)"
_WRAPPED = re.compile(
    r"\s*\$?\s*(?:\\(?:text|mathrm|textrm|textit|mbox|operatorname)\s*\{(?P<inner>[^{}]*)\}|(?P<bare>.*?))\s*[.!]?\s*\$?\s*"
)
AT_KINK = "there is none at a kink; by convention one of its sides is taken"
LEFT_OPEN = "whether it has a value at the given numbers is left open"
NO_VALUE = "it has no value at the given numbers"
HAS_VALUE = "it has a value"
CONVENTION = "at a kink this may be taken as well"
_MEANT = {"": "+pole", "+": "+pole", "-": "-pole", "−": "-pole", "±": "pole", "\\pm": "pole"}


def no_value(text: str, scope: Scope) -> str:
    """What a text says where it says that there is no value: `none`, or the sign of the pole; empty for any other text."""
    if len(text) > LONGEST or not _HINT.search(text):
        return ""
    found = _WRAPPED.fullmatch(text)
    inner = (found["inner"] if found["inner"] is not None else found["bare"]).strip() if found else ""
    if not inner or scope.name(inner) is not None:
        return ""
    if re.fullmatch(NONE, inner):
        return "none"
    infinite = re.fullmatch(_INFINITE, inner)
    return _MEANT[infinite["sign"] or ""] if infinite else ""


def has_none(expr: Expr) -> bool:
    """Whether arithmetic without names certainly has no value: 1/0."""
    steps = plan((expand(expr),))
    return steps.outputs[0] in void(steps, steps.run({}, 64, absorb=False))


def among_words(formula: Formula) -> bool:
    """Whether a formula that says there is no value stands among words, which may tell where that is meant."""
    last = formula.members[-1]
    if not no_value(last.text, Scope({})):
        return False
    whole, start = formula.members[0].whole(None)
    end = last.whole(Span(len(last.text), len(last.text)))[1].start
    line = whole.text[whole.text.rfind("\n", 0, start.start) + 1 : start.start]
    rest = whole.text[end:].partition("\n")[0]
    return bool(re.search(r"[A-Za-z]", re.sub(NONE, "", line + " " + rest)))


class WithoutValue:
    """Judges such answers in one problem; what a truth does at the given numbers is looked at once."""

    def __init__(self, space: Space, scope: Scope, kept: Kept) -> None:
        self.space = space
        self.scope = scope
        self.kept = kept

    def said(self, text: str) -> str:
        """What a text says where it says that there is no value; empty for any other text."""
        return no_value(text, self.scope)

    @cached_property
    def bends(self) -> bool:
        """Whether the problem is given exactly at a kink."""
        return at_kink(self.space)

    def here(self, truth: Expr) -> Behaviour:
        """What the truth does at the given numbers."""
        return next(self.kept.of(("behaviour", truth), lambda: iter((behaviour(expand(truth), self.space),))))

    def number(self, truth: Expr) -> tuple[str, str]:
        """The verdict on a number where the truth has none to compare it with."""
        if self.here(truth).kind in ("undefined", "pole", "+pole", "-pole"):
            return WRONG, "there is no value at the given numbers"
        return UNDECIDED, "the problem gives no numbers for this"

    def by_convention(self, value: Fraction, truth: Expr) -> bool:
        """Whether a number is what others take at a kink: it lies between what the sides have."""
        if not self.bends:
            return False
        here = self.here(truth)
        return here.kind == "jump" and here.low <= value <= here.high

    def judged(self, what: str, truth: Expr) -> tuple[str, str]:
        """The verdict on `none`, on `1/0`, or on a pole, against what is true, and a remark."""
        here = self.here(truth).kind
        if here == "unknown" or (here == "jump" and what != "none"):
            return UNDECIDED, LEFT_OPEN
        if here == "finite":
            return WRONG, HAS_VALUE if what == "none" else "this is no number, and there is one"
        if here == "jump":
            return CORRECT, AT_KINK
        if what in ("none", "1/0", here):
            return CORRECT, NO_VALUE
        mixed = "pole" in (what, here) and here != "undefined"
        return (UNDECIDED, "beside the given numbers it has both signs") if mixed else (WRONG, "")


def of_arrays(what: str, truth: Expr, number: Grid | None) -> tuple[str, str]:
    """The verdict where the truth is an array, or a number made of arrays; `number` has its entries."""
    if number is None or (None in number.items and any(item is not None for item in number.items)):
        return UNDECIDED, LEFT_OPEN
    if None in number.items:
        return (CORRECT, NO_VALUE) if what == "none" else (UNDECIDED, LEFT_OPEN)
    bent = any(
        isinstance(part, Call) and part.function in FUNCTIONS and FUNCTIONS[part.function].kinks for part in walk(truth)
    )
    return (UNDECIDED, LEFT_OPEN) if bent else (WRONG, HAS_VALUE)
