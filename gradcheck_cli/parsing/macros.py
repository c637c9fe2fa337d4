r"""Commands of a text's own, `\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}}`, and those of packages, written out.

What is put in keeps its places: an argument stays where it was typed, the rest is where the command stands. A definition
holds from where it stands. Everything is bounded: commands that put in too much are left as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from gradcheck_cli.parsing.passages import LONGEST_GROUP, closing
from gradcheck_cli.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_ADDED = 60_000  # characters put in, in all of a text
MAX_DEPTH = 12  # commands within commands
MAX_MACROS = 500
MOST_FRACTIONS = 200  # written with \over
_COMMAND = re.compile(r"\\(?:(?P<name>[A-Za-z@]+)|.)", re.DOTALL)
_DEFINES = frozenset({"newcommand", "renewcommand", "providecommand", "DeclareRobustCommand"})
_DEFINES_OTHERWISE = frozenset(
    {"def", "gdef", "let", "DeclareMathOperator", "DeclarePairedDelimiter", "NewDocumentCommand"}
)
_NAME = re.compile(r"\s*(?:\{\s*\\([A-Za-z@]+)\s*\}|\\([A-Za-z@]+))")
_COUNT = re.compile(r"\s*\[\s*([0-9])\s*\]")
_PARAMETERS = re.compile(r"\s*((?:#[1-9])*)\s*(?=\{)")
_SPECIFIED = re.compile(r"\s*\{((?:\s*[mo]|\s*O\s*\{[^{}]*\})*)\s*\}")
_OPTIONAL = re.compile(r"\s*\[([^\[\]\n]*)\]")
_SINGLE = re.compile(r"\s*(\\[A-Za-z@]+|[^\s{}\\&$#])")
_SAME_AS = re.compile(r"\s*=?\s*\\([A-Za-z@]+)")
_LINE_ENDS = re.compile(r"[ \t]*\n")
_OPENED = re.compile(r"\s*\{")
_PLACE = re.compile(r"#([1-9])")
_OLD_LETTERS = re.compile(r"\{\s*\\rm\s+([A-Za-z]+)\s*\}")
_STARRED = re.compile(r"\\operatorname(\*)")
_OVER = re.compile(r"\\over(?![A-Za-z])")


@dataclass(frozen=True, slots=True)
class Macro:
    """`count` arguments, put into `body` at #1, #2, …; the first may be left out where it has a `default`."""

    count: int
    body: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class _Derivative:
    r"""`\pdv{a}{x}`, `\pdv{x}`, `\pdv[2]{a}{x}`, `\pdv{a}{x}{y}`: fractions of differentials with this sign.

    `alone`  whether one group alone makes an operator of it, else it is a differential
    """

    sign: str
    alone: bool = True


_PARTIAL, _TOTAL = _Derivative("\\partial "), _Derivative("\\mathrm{d} ")
_SAME, _NOTHING = Macro(1, "#1"), Macro(0, "")
PACKAGES: Mapping[str, Macro | _Derivative] = {
    **dict.fromkeys(("pdv", "pd", "diffp", "pderiv", "pdiff", "pder"), _PARTIAL),
    **dict.fromkeys(("dv", "od", "odv", "deriv"), _TOTAL),
    **dict.fromkeys(("diff", "dd", "dif", "differential"), _Derivative("\\mathrm{d} ", alone=False)),
    **dict.fromkeys(("vb", "va", "vu", "ensuremath", "mathop", "mathbin", "mathord", "mathinner"), _SAME),
    **dict.fromkeys(("qty", "xspace", "nolimits"), _NOTHING),
    "vdot": Macro(0, "\\cdot "),
    "grad": Macro(0, "\\nabla "),
    "eval": Macro(1, "#1\\bigg|"),
    "Tr": Macro(0, "\\operatorname{tr}"),
}  # physics, derivative, diffcoeff, commath, and what TeX itself has


@dataclass(slots=True)
class Macros:
    """The commands known so far, and how much more may be put in."""

    known: dict[str, Macro | _Derivative] = field(default_factory=lambda: dict(PACKAGES))
    room: int = MAX_ADDED

    def expanded(self, text: str) -> tuple[str, tuple[int, ...]]:
        """A text with its commands written out and its definitions left out; where each character was, and the end."""
        newer, places = _modern(text)
        if not any(match["name"] in self.known or _defines(match["name"]) for match in _COMMAND.finditer(newer)):
            return newer, places
        found, kept = self._expanded(newer, places, 0)
        return found, tuple(kept)

    def _expanded(self, text: str, places: Sequence[int], depth: int) -> tuple[str, list[int]]:
        pieces: list[str] = []
        kept: list[int] = []
        start = at = 0
        while match := _COMMAND.search(text, at):
            at = match.end()
            found = self._defined(text, match) or self._called(text, places, match, depth)
            if found is None:
                continue
            put, put_places, end = found
            pieces += [text[start : match.start()], put]
            kept += [*places[start : match.start()], *put_places]
            start = at = end
        return "".join([*pieces, text[start:]]), [*kept, *places[start:]]

    # -- definitions

    def _defined(self, text: str, match: re.Match[str]) -> tuple[str, list[int], int] | None:
        """Keep what a definition says: nothing is put in, up to where it ends; None where it is none."""
        kind = match["name"]
        if not _defines(kind):
            return None
        at = match.end() + (text[match.end() : match.end() + 1] == "*")
        named = _NAME.match(text, at)
        if named is None or len(self.known) >= MAX_MACROS + len(PACKAGES):
            return None
        name, at = named[1] or named[2], named.end()
        if kind == "let":
            other = _SAME_AS.match(text, at)
            made, end = (self.known.get(other[1], Macro(0, f"\\{other[1]} ")), other.end()) if other else (None, None)
        elif kind == "DeclarePairedDelimiter":
            left, right = _group(text, at), None
            right = _group(text, left.end + 1) if left else None
            both = f"{_inside(text, left)} #2 {_inside(text, right)}" if left and right else ""
            made, end = Macro(2, both, ""), right.end + 1 if right else None
        else:
            made, end = _made(kind, text, at)
        if made is None or end is None:
            return None
        self.known[name] = made
        alone = _LINE_ENDS.match(text, end)
        begins = text.rfind("\n", 0, match.start()) + 1
        return "", [], alone.end() if alone and not text[begins : match.start()].strip() else end

    # -- calls

    def _called(
        self, text: str, places: Sequence[int], match: re.Match[str], depth: int
    ) -> tuple[str, list[int], int] | None:
        """What a command stands for, with its places, and where the call ends."""
        macro = self.known.get(match["name"] or "")
        if macro is None or depth == MAX_DEPTH or self.room <= 0:
            return None
        at = match.end() + (text[match.end() : match.end() + 1] == "*")
        read = _arguments(text, at, macro) if isinstance(macro, Macro) else _differentiated(text, at, macro)
        if read is None:
            return None
        body, arguments, end = read
        here = places[match.start()]
        pieces: list[str] = []
        put: list[int] = []
        start = 0
        for place in (*_PLACE.finditer(body), None):
            literal = body[start : place.start() if place else len(body)]
            pieces.append(literal)
            put += [here] * len(literal)
            if place is not None:
                argument = arguments[int(place[1]) - 1] if int(place[1]) <= len(arguments) else ""
                if isinstance(argument, Span):
                    pieces.append(text[argument.start : argument.end])
                    put += places[argument.start : argument.end]
                else:
                    pieces.append(argument)
                    put += [here] * len(argument)
                start = place.end()
        whole = "".join(pieces)
        self.room -= len(whole)
        return (*self._expanded(whole, put, depth + 1), end)


def _defines(name: str | None) -> bool:
    return name in _DEFINES or name in _DEFINES_OTHERWISE


def _made(kind: str, text: str, at: int) -> tuple[Macro | None, int | None]:
    """What a definition behind its name says, and where it ends."""
    count, default = 0, None
    if kind in _DEFINES:
        if counted := _COUNT.match(text, at):
            count, at = int(counted[1]), counted.end()
        if counted and (optional := _OPTIONAL.match(text, at)):
            default, at = optional[1], optional.end()
    elif kind == "NewDocumentCommand":
        specified = _SPECIFIED.match(text, at)
        if specified is None:
            return None, None
        kinds = re.findall(r"[mo]|O\s*\{[^{}]*\}", specified[1])
        if any(one != "m" for one in kinds[1:]):
            return None, None
        count, at = len(kinds), specified.end()
        default = None if not kinds or kinds[0] == "m" else kinds[0][1:].strip(" {}")
    elif kind != "DeclareMathOperator":
        parameters = _PARAMETERS.match(text, at)
        if parameters is None:
            return None, None
        count, at = len(parameters[1]) // 2, parameters.end()
    body = _group(text, at)
    if body is None:
        return None, None
    inner = _inside(text, body).strip().replace("\n", " ")
    return Macro(count, f"\\operatorname{{{inner}}}" if kind == "DeclareMathOperator" else inner, default), body.end + 1


def _inside(text: str, span: Span | None) -> str:
    return text[span.start : span.end] if span else ""


def _group(text: str, at: int) -> Span | None:
    """What stands between the braces that open next."""
    opened = _OPENED.match(text, at)
    end = closing(text, opened.end(), "{}") if opened else None
    return Span(opened.end(), end) if opened and end is not None else None


def _argument(text: str, at: int) -> tuple[Span, int] | None:
    """The argument that comes next, in braces or a single sign, and where it ends."""
    if (group := _group(text, at)) is not None:
        return group, group.end + 1
    single = _SINGLE.match(text, at)
    return (Span(*single.span(1)), single.end()) if single else None


def _arguments(text: str, at: int, macro: Macro) -> tuple[str, list[Span | str], int] | None:
    """The body of a command, what it is given, and where the call ends; None where something is missing."""
    found: list[Span | str] = []
    if macro.default is not None:
        optional = _OPTIONAL.match(text, at)
        found.append(Span(*optional.span(1)) if optional else macro.default)
        at = optional.end() if optional else at
    while len(found) < macro.count:
        argument = _argument(text, at)
        if argument is None:
            return None
        found.append(argument[0])
        at = argument[1]
    if not macro.count and text[at : at + 2] == "{}":
        at += 2
    return macro.body, found, at


def _differentiated(text: str, at: int, macro: _Derivative) -> tuple[str, list[Span | str], int] | None:
    """A derivative as a fraction: of the first group by the others, or an operator where there is one group only."""
    optional = _OPTIONAL.match(text, at)
    order: list[Span | str] = [Span(*optional.span(1))] if optional else []
    at = optional.end() if optional else at
    groups: list[Span | str] = []
    while len(groups) < 3 and (group := _group(text, at)) is not None and (not groups or text[at] == "{"):
        groups.append(group)
        at = group.end + 1
    if not groups:
        return None if macro.alone else (macro.sign, [], at)
    times = f"^{{#{len(groups) + 1}}}" if order else ""
    sign = macro.sign
    if len(groups) == 1 and not macro.alone:
        body = f"{sign}#1"
    elif len(groups) == 1:
        body = f"\\frac{{{sign.rstrip()}{times}}}{{{sign}#1{times}}}"
    elif len(groups) == 2:
        body = f"\\frac{{{sign.rstrip()}{times} #1}}{{{sign}#2{times}}}"
    else:
        body = f"\\frac{{{sign.rstrip()}^2 #1}}{{{sign}#2 {sign}#3}}"
    return body, [*groups, *order], at


# -- what TeX wrote before LaTeX


def _modern(text: str) -> tuple[str, tuple[int, ...]]:
    r"""`{\rm d}` as `\mathrm{d}`, `{a \over b}` as `\frac{a}{b}`, operators without a star; and where each character was."""
    changes = [(Span(*match.span(1)), "") for match in _STARRED.finditer(text)]
    for match in _OLD_LETTERS.finditer(text):
        upright = f"\\mathrm{{{match[1]}}}"
        argument = text[match.start() - 1 : match.start()]  # of `_`, or of a command
        changes.append(
            (Span(*match.span()), f"{{{upright}}}" if argument.isalpha() or argument in ("_", "^", "}") else upright)
        )
    for opened, over, closed in _fractions(text):
        changes += [(Span(opened, opened + 1), "\\frac{"), (Span(*over.span()), "}{"), (Span(closed, closed), "")]
    pieces: list[str] = []
    kept: list[int] = []
    start = 0
    for span, put in sorted(changes, key=lambda change: change[0].start):
        pieces += [text[start : span.start], put]
        kept += [*range(start, span.start), *[span.start] * len(put)]
        start = span.end
    return "".join([*pieces, text[start:]]), (*kept, *range(start, len(text) + 1))


def _fractions(text: str) -> Iterator[tuple[int, re.Match[str], int]]:
    r"""For every `{a \over b}`: where it opens, the sign, where it closes."""
    for over in islice(_OVER.finditer(text), MOST_FRACTIONS):
        level, opened = 0, over.start() - 1
        least = max(0, over.start() - LONGEST_GROUP)
        while opened >= least and (level or text[opened] != "{"):
            level += (text[opened] == "}") - (text[opened] == "{")
            opened -= 1
        group = _group(text, opened) if opened >= least else None
        if group is not None and group.end > over.end():
            yield opened, over, group.end
