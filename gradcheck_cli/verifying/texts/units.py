r"""Units of measure behind numbers: `12 V`, `2.84\,\text{s}`, `9.81\,\mathrm{m/s^2}`.

A problem has no units, so they are left out; or what a prefix stands for is put in, as in 90.9 mA. That counts only where the
formula is right then: in which unit the problem's numbers are is not known.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.verifying.texts.lookalikes import exchanged

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.problem import Problem

_POWERS = {"p": -12, "n": -9, "µ": -6, "μ": -6, "u": -6, "m": -3, "c": -2, "d": -1, "k": 3, "M": 6, "G": 9, "": 0}
_WORDS = (
    "ohms?|Ohms?|volts?|amperes?|amps?|watts?|joules?|newtons?|seconds?|Sekunden|secondes|met(?:er|re)s?|Meter|grams?|Gramm|hertz|"
    "degrees?|radians?|rad|Hz|Pa|mol|min|Ω|V|A|W|J|N|K|C|F|H|T|m|s|g|h|l|L"
)
_ONE = rf"(?P<prefix>[pnµμumcdkMG]?)(?P<unit>{_WORDS})"
_REST = rf"[pnµμumcdkMG]?(?:{_WORDS})"
_RAISED = r"(?:\^\s*\{?\s*-?[0-9]\s*\}?|[²³])?"
_JOINT = r"\s*(?:/|·|\\cdot|\*|\\,|\s)\s*"
_UNIT = rf"{_ONE}(?P<more>{_RAISED}(?:{_JOINT}\(?{_REST}{_RAISED}\)?){{0,3}})"
_UPRIGHT = r"\\(?:text|mathrm|textrm|operatorname|unit|rm)"
_GAP = r"(?:\\[,;:! ]|~|\s)*"
_BEHIND = r"(?<=[0-9)}])"
_LATEX = re.compile(
    rf"{_BEHIND}{_GAP}{_UPRIGHT}\s*\{{\s*{_UNIT}\s*\}}(?P<behind>{_RAISED}(?:\s*(?:/|\\cdot|\\,)\s*{_UPRIGHT}\s*\{{\s*{_REST}{_RAISED}\s*\}}{_RAISED}){{0,3}})"
    rf"|{_BEHIND}{_GAP}(?P<ohm>(?P<scale>[kMm]|{_UPRIGHT}\s*\{{\s*[kMm]\s*\}})?\s*\\Omega)"
)
_PLAIN = re.compile(rf"(?<=[0-9)])\s*{_UNIT}(?![A-Za-z0-9_(^])")


def without_units(formula: Formula, scope: Scope, _problem: Problem, _output: str) -> tuple[Formula, str] | None:
    """The formula without units of measure behind its numbers."""

    def put(match: re.Match[str]) -> str:
        prefix = match["prefix"] or match["scale"] if formula.latex else match["prefix"]
        return match.group() if prefix and f"{prefix}{match['unit']}" != "kg" else " "

    return _put(formula, scope, put), "units of measure left out"


def with_prefixes(formula: Formula, scope: Scope, _problem: Problem, _output: str) -> tuple[Formula, str] | None:
    """The same with what their prefixes stand for: mA is a thousandth."""

    def put(match: re.Match[str]) -> str:
        found = match.groupdict()
        scale = re.sub(r".*\{\s*|[\s}]", "", found.get("scale") or "")
        alone = not (found["more"] or found.get("behind"))
        prefix = scale if found.get("ohm") else (found["prefix"] or "") if alone else ""
        sign = "e" if match.string[match.start() - 1].isdigit() else "*1e"
        return f"{sign}{_POWERS[prefix]} " if prefix else " "

    return _put(formula, scope, put), "units of measure left out, with what their prefixes stand for"


def _put(formula: Formula, scope: Scope, put: Callable[[re.Match[str]], str]) -> Formula:
    """The formula with units behind numbers exchanged; names of the problem are no units."""

    def exchange(match: re.Match[str]) -> str:
        unit = f"{match['prefix'] or ''}{match['unit'] or ''}"
        return match.group() if not formula.latex and scope.name(unit) else put(match)

    pattern = _LATEX if formula.latex else _PLAIN
    left, *members = formula.members
    return replace(formula, members=(left, *(exchanged(member, pattern, exchange) for member in members)))
