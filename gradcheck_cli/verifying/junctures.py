"""Claims one after the other with only a space between, `h1 = 0.65 h2 = 0.67`: one chain, or several."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.source import Span
from gradcheck_cli.verifying.model import CORRECT, WRONG

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.verifying.model import Claim

LEAST_RIGHT = 2  # claims, where one of them is wrong
MOST_PARTED = 20
_JUNCTURE = re.compile(r"([-+−–]?\s*[0-9][0-9.,]*)(?:[\s~]|\\[,;:!]|\\ )+(?=[A-Za-z∂\\])")


def parted(formula: Formula, judge: Callable[[Formula], Claim | None]) -> tuple[Formula, ...]:
    """The formula, or the several that it is where it is wrong as one chain and right in parts.

    `2 x = 6` is a product, `0.65 h2 = 0.67` may be the end of one claim and the beginning of the next.
    """
    places = [at for at, member in enumerate(formula.members[:-1]) if at and _JUNCTURE.match(member.text)]
    if not places or len(places) > MOST_PARTED:
        return (formula,)
    whole = judge(formula)
    if whole is None or whole.verdict != WRONG or whole.first_wrong is None:
        return (formula,)
    parts = _parts(formula, places)
    right = sum(claim is not None and claim.verdict == CORRECT for claim in map(judge, parts))
    between = whole.first_wrong + 1 in places
    return parts if right == len(parts) or (between and right >= LEAST_RIGHT) else (formula,)


def _parts(formula: Formula, places: list[int]) -> tuple[Formula, ...]:
    members = [formula.members[0]]
    found = []
    for at, member in enumerate(formula.members[1:], 1):
        match = _JUNCTURE.match(member.text) if at in places else None
        if match is None:
            members.append(member)
            continue
        found.append(replace(formula, members=(*members, member.slice(Span(0, match.end(1))))))
        members = [member.slice(Span(match.end(), len(member.text)))]
    return (*found, replace(formula, members=tuple(members)))
