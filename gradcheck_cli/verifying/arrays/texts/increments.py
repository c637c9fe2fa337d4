r"""`\Delta W` of an update: what a step adds to W. It may also be what `W - \Delta W` takes away: that is left open."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Name
from gradcheck_cli.parsing.text import read_quietly
from gradcheck_cli.verifying.model import CORRECT, WRONG
from gradcheck_cli.verifying.texts.chains import text_of, undecided
from gradcheck_cli.verifying.texts.lookalikes import exchanged

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.source import Source
    from gradcheck_cli.verifying.model import Claim
    from gradcheck_cli.verifying.texts.own import Own

_NAME = r"(?P<name>\\?[A-Za-z]+[0-9]*(?:[_^]\s*(?:\{[^{}]*\}|[A-Za-z0-9]))?)"
_DELTA = re.compile(rf"(?:\\Delta(?![A-Za-z])|Δ)\s*{_NAME}")
_BEGIN, _END = re.compile(r"\A"), re.compile(r"\Z")
ADDED = "Δ is what one step adds"
TAKEN = "Δ is what one step takes away"


class Increments:
    r"""Reads what a text says of `\Delta W`; `judge` judges a formula as it stands."""

    def __init__(self, own: Own, params: frozenset[str], output: str, judge: Callable[[Formula], Claim | None]) -> None:
        self.own = own
        self.output = output
        self.params = params
        self.judge = judge
        self.sign: dict[str, str] = {}  # of each in an update, as the text has used it

    def claim(self, formula: Formula) -> Claim | None:
        """A formula with increments of parameters; None for one without."""
        found = {name for member in formula.members for name in self.named(member, formula)}
        if not found:
            return None
        left, *members = formula.members
        whole = _DELTA.fullmatch(left.text.strip())
        if whole is None:
            return self.used(formula, found)
        name, mark = whole["name"], "^{+}" if formula.latex else "_new"
        added = self.stepped(formula, f"{name}{mark}", [self.wrapped(one, f"{name} + (") for one in members], "+")
        if added is None or added.verdict != WRONG:
            if added is not None and added.verdict == CORRECT:
                self.sign[name] = self.sign.get(name, "+")
            return added and replace(added, expected=_without(added.expected, self.known(name, formula)))
        taken = self.stepped(formula, f"{name}{mark}", [self.wrapped(one, f"{name} - (") for one in members], "-")
        gradient = rf"\nabla_{{{name}}} {self.output}" if formula.latex else f"d{name}"
        plain = self.stepped(formula, gradient, members, "+")
        for other in (taken, plain):
            if other is not None and other.verdict == CORRECT:
                self.sign[name] = "-" if self.sign.get(name, "-") == "-" else ""  # it may be either where both are said
                return undecided(
                    added,
                    f"right if an update takes it away; as what one step adds the {'sign' if other is taken else 'rate'} is wrong",
                )
        return replace(added, expected=_without(added.expected, self.known(name, formula)))

    def used(self, formula: Formula, found: set[str]) -> Claim | None:
        """An update with increments in it, each added or taken away as the text has said, or as makes it right."""
        signs = {self.sign.get(name, "") for name in found} - {""}
        ways = [
            self.stepped(formula, formula.members[0].text, formula.members[1:], sign) for sign in signs or ("+", "-")
        ]
        return next((one for one in ways if one is not None and one.verdict == CORRECT), ways[0])

    def named(self, member: Source, formula: Formula) -> list[str]:
        """The parameters of which a member has increments, as they are written."""
        if self.own.scope.name("Delta") is not None:
            return []
        return [
            match["name"] for match in _DELTA.finditer(member.text) if self.known(match["name"], formula) is not None
        ]

    def known(self, written: str, formula: Formula) -> str | None:
        """The parameter of that name."""
        left = formula.members[0]
        name = left.part(written, (0,) * (len(written) + 1))
        meant = read_quietly(name, self.own.scope, latex=formula.latex)
        return next((one.id for one in meant if isinstance(one, Name) and one.id in self.params), None)

    def wrapped(self, member: Source, lead: str) -> Source:
        """A member behind something and in brackets."""
        return exchanged(exchanged(member, _BEGIN, lambda _: lead), _END, ")")

    def stepped(
        self, formula: Formula, left: str, members: list[Source] | tuple[Source, ...], sign: str
    ) -> Claim | None:
        """The formula with another left side, and increments on the right as steps down the gradient; judged."""

        def put(match: re.Match[str]) -> str:
            if self.known(match["name"], formula) is None:
                return match.group()
            rate, slope = (
                (r"\eta", rf"\nabla_{{{match['name']}}} {self.output}")
                if formula.latex
                else ("eta", f"d{match['name']}")
            )
            return f"({'-' if sign == '+' else ''}{rate} * {slope})"

        first = formula.members[0]
        named = first if left == first.text else first.part(left, (0,) * len(left) + (len(first.text),))
        changed = (named, *(exchanged(one, _DELTA, put) for one in members))
        claim = self.judge(replace(formula, members=changed))
        if claim is None:
            return None
        texts = [one.text for one in formula.members[1:] if one.text]
        shown = tuple(replace(new, text=text) for new, text in zip(claim.members, texts, strict=False))
        note = claim.note or (ADDED if sign == "+" else TAKEN)
        return replace(claim, text=text_of(formula), left=first, members=shown, note=note)


def _without(expected: str, name: str | None) -> str:
    """What a step adds, of `W - lr*…`."""
    rest = expected.removeprefix(f"{name} - ")
    return expected if rest == expected else f"-{rest}"
