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
LONGEST_LABEL = 60  # characters
_LABELLED = re.compile(
    r"(?P<word>[^\W\d_]{2,})(?:\s+(?:is|are|equals|becomes|gives|yields|ist|wird))?\s*\${1,2}\s*&?\s*(?:=|\\approx)\s*$"
)
_GOING_ON = re.compile(  # words before `$= …$` that give it no left side of its own
    "and|also|are|as|becomes|but|equals|finally|finds|follows|gets?|gives|have|hence|is|it|means|now|obtains?|or|so|that|then"
    "|therefore|this|thus|to|we|what|simplifies|together|turn|which|with|yields|ergibt|folgt|somit|damit|daher|und|zusammen"
)
_JUNCTURE = re.compile(r"([-+−–]?\s*[0-9][0-9.,]*)(?:[\s~]|\\[,;:!]|\\ )+(?=[A-Za-z∂\\])")


def parted(formula: Formula, judge: Callable[[Formula], Claim | None]) -> tuple[Formula, ...]:
    """The formula, or the several that it is where it is wrong as one chain and right in parts.

    `2 x = 6` is a product, `0.65 h2 = 0.67` may be the end of one claim and the beginning of the next.
    """
    if labelled := _labelled(formula):
        whole = judge(formula)
        return (formula,) if whole is None or whole.verdict == CORRECT else labelled
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


def _labelled(formula: Formula) -> tuple[Formula, Formula] | None:
    """A chain that goes on behind a word, `so downstream $= 12$`, as two: the word may be a left side of its own."""
    for at, member in enumerate(formula.members[2:], 2):
        file, span = member.whole(Span(0, 0))
        match = _LABELLED.search(file.text, max(0, span.start - LONGEST_LABEL), span.start)
        if match is not None and not _GOING_ON.fullmatch(match["word"].lower()):
            left = file.slice(Span(*match.span("word")))
            head = replace(formula, members=formula.members[:at])
            return head, replace(formula, members=(left, *formula.members[at:]), loose=None)
    return None


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
