"""Notations that courses share, written out in those that are read: tried where a formula cannot be read as it stands.

A row that has one meaning only is judged by it. Where the notation may mean something else, only what is right counts.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.parsing.names import normal_latex
from gradcheck_cli.verifying.texts.lookalikes import exchanged
from gradcheck_cli.verifying.texts.units import with_prefixes, without_units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.problem import Problem
    from gradcheck_cli.verifying.texts.own import Own

LOSS_NAMES = frozenset(
    {
        "L",
        "l",
        "ell",
        "J",
        "E",
        "C",
        "loss",
        "Loss",
        "cost",
        "error",
        "mse",
        "bce",
        "MSE",
        "BCE",
        "NLL",
        "E_total",
        "Etotal",
    }
)
_GROUP = r"\{(?:[^{}]|\{[^{}]*\})*\}"
_NAME = rf"\\?[A-Za-z]+(?:[0-9]+|_(?:[A-Za-z0-9]|{_GROUP}))?"
_WORD = r"[A-Za-z]+_?[0-9]*"
_DELTAS = re.compile(r"\\frac\s*\{\s*\\delta\b.*\}\s*\{\s*\\delta\b|(?:\\delta|δ)\s*[^/=]{1,20}/\s*(?:\\delta|δ)")
_INDEXED = re.compile(r"(?P<base>\\?[A-Za-z]+)_(?:(?P<letter>[i-n])(?![A-Za-z0-9])|\{\s*(?P<braced>[i-n])\s*\})")
_SUMS = re.compile(r"\\(?:sum|prod)|[ΣΠ∑∏]")
MOST_INDICES = 20
SUBSCRIPT = "read as the derivative by "
_LATER = re.compile(r"\(\s*(?P<letter>[tkn])\s*\+\s*1\s*\)\s*$|_\{?\s*(?P<below>[tkn])\s*\+\s*1\s*\}?\s*$")
_NEW = re.compile(r"(?:_|\^)\{(?P<below>[0-9]+)\s*,\s*(?:\\(?:text|mathrm)\s*\{\s*)?(?:new|neu)\s*\}?\s*\}$")
_PRIMED = re.compile(rf"(?P<name>{_NAME})\s*(?:['’′]|\^\s*\{{?\s*(?:\\prime|')\s*\}}?)\s*$")
_BARE = re.compile(
    r"(?P<name>\\sigma|σ|\\tanh|\\operatorname\{(?:sigmoid|tanh|ReLU)\}|(?<![A-Za-z])(?:sigmoid|tanh|relu|ReLU)(?![A-Za-z]))"
    r"(?P<raised>'|\^\{?2\}?)?(?!\s*['^])(?!\s*(?:\\left\s*)?\((?!\s*1\s*[-−+]))"
)
_SUBSCRIPT = re.compile(rf"(?P<top>\\?[A-Za-z]+)_(?P<below>[A-Za-z]|\{{\s*{_NAME}\s*\}})\s*$")


def written_out(formula: Formula, own: Own, problem: Problem, output: str) -> Iterator[tuple[Formula, str, bool]]:
    """The formula in other words, how it was read, and whether that holds for a wrong one too."""
    told = []
    scope = own.scope
    if own.unread:  # names that the text gives a meaning which cannot be read
        scope = replace(scope, spellings={**dict.fromkeys(own.unread, ""), **scope.spellings})
    for row in _SURE:
        found = row(formula, scope, problem, output)
        if found is not None and _texts(found[0]) != _texts(formula):
            formula, note = found
            told.append(note)
    if told:
        yield formula, "; ".join(told), True
    for row in _PERHAPS:
        found = row(formula, scope, problem, output)
        if found is not None and _texts(found[0]) != _texts(formula):
            yield found[0], "; ".join(dict.fromkeys((*told, found[1]))), False


def _texts(formula: Formula) -> list[str]:
    return [member.text for member in formula.members]


def instances(formula: Formula, scope: Scope) -> list[tuple[Formula, str]]:
    r"""The formula for every number that its index letter may stand for, as in `\frac{\partial z}{\partial w_i} = x_i`."""
    if any(_SUMS.search(member.text) for member in formula.members):
        return []
    if not _INDEXED.search(formula.members[0].text):
        return []  # w_i x_i alone on the right may be a sum
    named = [match for member in formula.members for match in _INDEXED.finditer(member.text)]
    letters = {match["letter"] or match["braced"] for match in named}
    if len(letters) != 1:
        return []
    found = []
    for number in range(MOST_INDICES):
        if all(_named(match["base"], number, scope) for match in named):
            put = _exchange(formula, _INDEXED.pattern, rf"\g<base>_{number}")
            found.append((put, f"{min(letters)} = {number}"))
    return found if len(found) > 1 else []


def _named(base: str, number: int, scope: Scope) -> bool:
    """Whether a name with this number is known, also behind the d of a differential."""
    return any(_known(f"{name}_{number}", scope) for name in (base, base.removeprefix("d")) if name)


def _exchange(formula: Formula, pattern: str, right: str | Callable[[re.Match[str]], str]) -> Formula:
    """The formula with what a pattern finds in its members exchanged."""
    found = re.compile(pattern)
    return replace(formula, members=tuple(exchanged(member, found, right) for member in formula.members))


def _with_left(formula: Formula, match: re.Match[str], right: str) -> Formula:
    """The formula with a stretch of its left side exchanged."""
    left = formula.members[0]
    changed = exchanged(left, re.compile(re.escape(match.group()) + r"\s*$"), lambda _: right)
    return replace(formula, members=(changed, *formula.members[1:]))


Found = tuple["Formula", str] | None


# -- rows with one meaning


def _gradient_names(formula: Formula, scope: Scope, problem: Problem, output: str) -> Found:
    """`grad_w2`, `w2.grad`: the gradient of the output by it, as code writes it."""
    if len(problem.outputs) != 1:
        return None

    def put(match: re.Match[str]) -> str:
        name = match["of"] or match["below"] or match["before"]
        known = scope.name(match.group()) is None and scope.name(name.strip("{}")) is not None
        return f"d({output}, {name.strip('{}')})" if known else match.group()

    pattern = (
        rf"(?<![A-Za-z0-9_\\])(?:grad_(?P<of>{_WORD})(?![A-Za-z0-9_])|(?P<before>{_WORD})(?:\.|_)grad(?![A-Za-z0-9_]))"
        rf"|\\(?:mathrm|text)\{{grad\}}_(?P<below>\{{{_WORD}\}}|[A-Za-z])"
    )
    changed = _exchange(formula, pattern, put)
    return (changed, f"the gradient of {output}")


def _losses(formula: Formula, scope: Scope, _problem: Problem, output: str) -> Found:
    r"""`\frac{\partial E}{\partial w}` where the output is a loss of another name."""
    if output not in LOSS_NAMES:
        return None

    def put(match: re.Match[str]) -> str:
        return match["sign"] + output if scope.name(match["name"]) is None else match.group()

    letters = r"\\mathcal\{[LJE]\}|(?:L|J|E|C|loss|cost)(?:_(?:\{TOTAL\}|TOTAL|total|tot))?"
    letters = letters.replace("TOTAL", r"(?:total|tot|\\(?:text|mathrm)\{(?:total|tot)\})")
    pattern = rf"(?P<sign>\\partial\s*|∂\s*|(?<![A-Za-z\\])d\s?|\\mathrm\{{d\}}\s*)(?P<name>{letters})(?![A-Za-z0-9_'])"
    changed = _exchange(formula, pattern, put)
    return (changed, f"the loss is {output}")


def _deltas(formula: Formula, scope: Scope, _problem: Problem, _output: str) -> Found:
    r"""`\frac{\delta a}{\delta x}` for `\partial`."""
    if scope.name("delta") is not None or not any(_DELTAS.search(member.text) for member in formula.members):
        return None
    changed = _exchange(
        formula, r"(?:\\delta|δ)(?=\s|\\|[A-Za-z(])", lambda match: "∂" if match.group() == "δ" else "\\partial "
    )
    return changed, "δ read as ∂"


def _by(formula: Formula, _scope: Scope, _problem: Problem, _output: str) -> Found:
    r"""`\partial_x y` for `\frac{\partial}{\partial x} y`."""
    pattern = rf"(?:\\partial|∂)\s*_(?P<below>[A-Za-z]|\\[A-Za-z]+|{_GROUP})"

    def put(match: re.Match[str]) -> str:
        return f"\\frac{{\\partial}}{{\\partial {match['below'].strip('{')[:-1] if match['below'][0] == '{' else match['below']}}}"

    changed = _exchange(formula, pattern, put)
    return (changed, "∂ with a name below read as the derivative by it")


def _with_d(formula: Formula, scope: Scope, _problem: Problem, _output: str) -> Found:
    """`D_x y`, as Euler wrote the derivative of y by x."""
    if scope.name("D") is not None:
        return None
    pattern = rf"(?<![A-Za-z\\])D_(?P<below>[A-Za-z](?![A-Za-z])|\\[A-Za-z]+|{_GROUP}|{_WORD})(?=[\s(\[{{\\])"

    def put(match: re.Match[str]) -> str:
        name = match["below"].removeprefix("{").removesuffix("}")
        if _known(name, scope) is None:
            return match.group()
        return f"\\frac{{d}}{{d {name}}}" if formula.latex else f"d/d{name} "

    return _exchange(formula, pattern, put), "D with a name below read as the derivative by it"


def _dots(formula: Formula, scope: Scope, _problem: Problem, _output: str) -> Found:
    r"""`\dot{x}` and `\ddot{x}` for derivatives by the time t."""
    if scope.name("t") is None:
        return None

    def put(match: re.Match[str]) -> str:
        name = match["name"].removeprefix("{").removesuffix("}").strip()
        if "t" not in map(scope.name, scope.ancestors.get(_known(name, scope) or "", ())):
            return match.group()
        return f"\\frac{{d {name}}}{{d t}}" if match["more"] is None else f"\\frac{{d^2 {name}}}{{d t^2}}"

    pattern = rf"\\d(?P<more>d)?ot\s*(?P<name>{_GROUP}|\\[A-Za-z]+|[A-Za-z](?:_[0-9])?)"
    return _exchange(formula, pattern, put), "a dot above read as the derivative by t"


def _at_time(formula: Formula, scope: Scope, _problem: Problem, _output: str) -> Found:
    """`w_t` for a w that has no time in the problem."""

    def put(match: re.Match[str]) -> str:
        known = _known(match.group(), scope) is None and _known(match["name"], scope) is not None
        return match["name"] if known else match.group()

    changed = _exchange(formula, r"(?P<name>(?<![A-Za-z\\])[A-Za-z]|\\[A-Za-z]+)_(?:t|\{t\})(?![A-Za-z0-9+])", put)
    return changed, "the t below a name is when it has this value"


def _steps(formula: Formula, scope: Scope, problem: Problem, _output: str) -> Found:
    r"""`w(t+1) = w(t) - \eta …` and `w_{11,new}`: the value after an update."""
    left = formula.members[0]
    declared = normal_latex(left.text) in scope.latex
    later, new = (None, None) if declared else (_LATER.search(left.text), _NEW.search(left.text))
    mark = later or new
    inputs = {leaf.name for leaf in problem.graph.inputs}
    if mark is not None and _known(left.text[: mark.start()] + (new["below"] if new else ""), scope) not in inputs:
        return None
    changed = formula
    if later is not None:
        changed = _with_left(formula, later, "^{+}" if formula.latex else "_new")
        letter = later["letter"] or later["below"]
        rest = _exchange(
            replace(changed, members=changed.members[1:]), rf"\(\s*{letter}\s*\)|_\{{?{letter}\}}?(?![A-Za-z0-9+])", ""
        )
        changed = replace(changed, members=(changed.members[0], *rest.members))
    elif new is not None:
        changed = _with_left(formula, new, f"_{{{new['below']}}}^{{+}}")
    changed = _rates(changed, scope, problem)
    return (changed, "the value after one step")


def _rates(formula: Formula, scope: Scope, problem: Problem) -> Formula:
    r"""The learning rate as the problem's: `\eta`, `lr`."""
    if problem.learning_rate is None:
        return formula
    rate = f"({problem.learning_rate})"
    for name, pattern in (("eta", r"\\eta(?![A-Za-z_])|η"), ("lr", r"(?<![A-Za-z\\_])lr(?![A-Za-z0-9_])")):
        if scope.name(name) is None:
            rest = _exchange(
                replace(formula, members=formula.members[1:]), pattern, rate
            )  # eta = 0.1 is a value of its own
            formula = replace(formula, members=(formula.members[0], *rest.members))
    return formula


def _variations(formula: Formula, scope: Scope, _problem: Problem, _output: str) -> Found:
    r"""`\delta f = z \delta x` for `df = z dx`."""
    if scope.name("delta") is not None or not re.match(r"(?:\\delta|δ)\s*[A-Za-z\\]", formula.members[0].text.strip()):
        return None
    return _exchange(formula, r"(?:\\delta(?![A-Za-z_])|δ(?!_))\s*", "d"), "δ read as d"


def _outs(formula: Formula, scope: Scope, _problem: Problem, _output: str) -> Found:
    r"""`\mathrm{out}_{h_1}`, `out_{h1}`: what comes out of a node."""
    if any(scope.name(word) for word in ("outh1", "out_h1")):
        return None

    def put(match: re.Match[str]) -> str:
        name = match["name"].removeprefix("{").removesuffix("}")
        plain = re.sub(r"[{}\\_]", "", name)
        return name if scope.name(plain) in scope.ancestors else match.group()

    pattern = rf"(?:\\(?:mathrm|text)\{{\s*out\s*\}}|(?<![A-Za-z\\])out)_(?P<name>\{{\s*{_NAME}\s*\}}|{_WORD})"
    changed = _exchange(formula, pattern, put)
    return (changed, "out is what comes out of the node below it")


# -- rows that may mean something else: they count only where the formula is right then


def _primed(formula: Formula, scope: Scope, problem: Problem, _output: str) -> Found:
    """`w' = …` of an input, for its value after an update."""
    match = _PRIMED.fullmatch(formula.members[0].text.strip())
    if match is None or _known(match["name"], scope) not in {leaf.name for leaf in problem.graph.inputs}:
        return None
    mark = "^{+}" if formula.latex else "_new"
    changed = _with_left(formula, match, match["name"] + mark)
    return _rates(changed, scope, problem), "the value after one step"


def _increments(formula: Formula, scope: Scope, problem: Problem, output: str) -> Found:
    r"""`\Delta w` for what an update adds to w."""
    if problem.learning_rate is None or scope.name("Delta") is not None:
        return None
    inputs = {leaf.name for leaf in problem.graph.inputs}
    rate = str(problem.learning_rate)

    def put(match: re.Match[str]) -> str:
        known = _known(match["name"], scope) in inputs
        return f"(-({rate}) d({output}, {match['name']}))" if known else match.group()

    changed = _exchange(formula, rf"(?:\\Delta(?![A-Za-z])|Δ)\s*(?P<name>{_NAME})", put)
    return (_rates(changed, scope, problem), "Δ is what one step adds")


def _bare(formula: Formula, scope: Scope, _problem: Problem, _output: str) -> Found:
    r"""`\sigma' = \sigma(1 - \sigma)`: functions without what they are taken of, which may be anything."""
    name = next(iter(scope.activations), None)
    if name is None or not any(_BARE.search(member.text) for member in formula.members):
        return None

    def put(match: re.Match[str]) -> str:
        return f"{match['name']}{match['raised'] or ''}({name})"

    return _exchange(formula, _BARE.pattern, put), f"functions without argument read as of {name}"


def _below(formula: Formula, scope: Scope, _problem: Problem, _output: str) -> Found:
    """`a_{x_0}` for the derivative of a by x_0."""
    match = _SUBSCRIPT.fullmatch(formula.members[0].text.strip())
    if match is None:
        return None
    below = match["below"].removeprefix("{").removesuffix("}").strip()
    top = _known(match["top"], scope)
    if top is None or _known(below, scope) not in scope.ancestors.get(top, frozenset()):
        return None
    return _with_left(formula, match, f"d({match['top']}, {below})"), f"{SUBSCRIPT}{below}"


def _known(text: str, scope: Scope) -> str | None:
    return scope.name(re.sub(r"[{}\\_]", "", text)) or scope.name(re.sub(r"[{}\\]", "", text))


_SURE = (_gradient_names, _losses, _deltas, _by, _with_d, _dots, _at_time, _steps)
_PERHAPS = (_primed, _increments, _variations, _outs, _bare, _below, without_units, with_prefixes)
