"""What a formula sets for those below it: names of the student's own, second meanings of names, values of inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expand import scalar_only
from gradcheck_cli.expr import Call, Expr, Name
from gradcheck_cli.parsing.text import read_quietly
from gradcheck_cli.symbolic.evaluate import interval, to_float
from gradcheck_cli.verifying.gradients import base_of, moved_names
from gradcheck_cli.verifying.match import Truth
from gradcheck_cli.verifying.meanings import without_differentials
from gradcheck_cli.verifying.model import CORRECT, WRONG
from gradcheck_cli.verifying.texts.own import Own, own_name
from gradcheck_cli.verifying.texts.quotients import resolvable
from gradcheck_cli.verifying.texts.shorthand import LOSS_NAMES
from gradcheck_cli.verifying.typed import as_typed_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from fractions import Fraction

    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.solving.engine import Engine
    from gradcheck_cli.source import Source
    from gradcheck_cli.verifying.match import Matcher, Read

NEAR = 1 / 500  # of a number: so far it may be from a node's value, rounded on the way
APART = 5  # times as far is any other node


def learn(own: Own, engine: Engine, formula: Formula, last: tuple[Truth, list[Read]] | None) -> str:
    """Take in what a formula sets for those below it; what it assumes, in words."""
    if last is None or len(formula.members) != 2:
        return ""
    truth, reads = last
    written = reads[0].expr if reads else None
    if truth.kind == "defined" and isinstance(truth.ask, Name) and reads:
        own.seconds.pop(truth.ask.id, None)
        if reads[0].member.verdict != CORRECT and written is not None:
            own.seconds[truth.ask.id] = written
    literal = as_typed_number(written) if written is not None else None
    if truth.kind not in ("given", "assumed") or literal is None or not isinstance(truth.ask, Name):
        return ""
    name = truth.ask.id
    if engine.problem.given.get(name) == literal.value:
        own.assumed.pop(name, None)
        return ""
    own.assume(name, literal.value, formula.line)
    return f"line {formula.line} takes {name} = {literal.text}; what stands below may be right with that"


def new_name(own: Own, left: Source) -> str | None:
    """The name that a left side gives to something; None for one of the problem, and for what is no name."""
    spelling = own_name(left)
    known_as = own.scope.name(spelling) if spelling else None
    return None if known_as and known_as not in own.definitions else spelling


def meaning_of(own: Own, engine: Engine, matcher: Matcher, formula: Formula) -> tuple[int, Truth] | None:
    """The first member that can be read, by its place among the members, and what it says the left side is."""
    for at, member in enumerate(formula.members[1:], 1):
        try:
            found = without_differentials(resolvable(own, engine, matcher, member, latex=formula.latex), member)
            meaning = scalar_only(found[0], member)
            resolved = engine.resolve(meaning, text=member)
            return at, Truth(meaning, resolved, engine.value(resolved), "own")
        except GradcheckError:
            continue
    return None


def may_be_loss(engine: Engine, matcher: Matcher, name: str, truth: Truth) -> bool:
    """Whether a number is given for a name that losses have, and is not that of the problem's loss."""
    value = engine.values.get(engine.output)
    if name not in LOSS_NAMES or engine.output not in LOSS_NAMES or value is None:
        return False
    about = Truth(Name(engine.output), Name(engine.output), value, "value")
    return matcher.judge(truth.expr, about, None).verdict == WRONG


def number_of_node(engine: Engine, name: str, truth: Truth) -> Expr | None:
    """The node of which a name is said to have the number, `o = 0.73`; None where it is none, or may be several."""
    if name in LOSS_NAMES and engine.output in LOSS_NAMES:
        return Name(engine.output)
    value = to_float(truth.value)
    apart = sorted((abs(to_float(engine.values.get(node.name)) - value), node.name) for node in engine.graph.nodes)
    apart = [one for one in apart if one[0] == one[0]]
    near = [name for distance, name in apart if distance <= abs(value) * NEAR]
    alone = len(apart) == 1 or (near and apart[1][0] >= APART * apart[0][0] and apart[1][0] > 0)
    return Name(near[0]) if near and alone else None


def updated_by(truth: Truth, reads: Iterable[Read]) -> dict[str, Fraction]:
    """The value that a parameter has after a step, as a right formula ends with it."""
    typed = [literal for read in reads if read.expr is not None and (literal := as_typed_number(read.expr)) is not None]
    return {truth.ask.id: typed[-1].value} if typed and isinstance(truth.ask, Name) else {}


def stepped(engine: Engine) -> dict[str, Fraction]:
    """The values of all parameters after one step; none where the problem has no learning rate, or not every number."""
    if engine.problem.learning_rate is None or not engine.has_all_values:
        return {}
    found = {}
    for leaf in engine.graph.inputs:
        bounds = interval(engine.value(engine.update(Call("step", (Name(leaf.name),))))) if leaf.param else None
        if bounds is not None:
            found[leaf.name] = bounds[0]
    return found


def taken_with(own: Own, values: Mapping[str, Fraction], point: Mapping[str, Fraction]) -> str:
    """At which values a formula was judged, with the lines that say so."""
    lines = {name: line for name, (_, line) in own.assumed.items() if name not in point}
    told = [
        f"{name} = {_short(value)}" + (f" (line {lines[name]})" if name in lines else "")
        for name, value in values.items()
    ]
    return f"with {', '.join(told)}"


def _short(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{float(value):g}"


def gradient_of(engine: Engine, scope: Scope, left: Expr, members: Iterable[Source], *, latex: bool) -> Expr | None:
    """`dz` as the gradient by z, where no differential of what z is computed from stands on the right; else None."""
    name = base_of(left)
    if name is None:
        return None
    used: set[str] = set()
    for member in members:
        for likeliest in read_quietly(member, scope, latex=latex)[:1]:
            used |= set(moved_names(likeliest))
    above = engine.graph.ancestors.get(name, frozenset())
    return None if used & above else Call("d", (Name(engine.output), Name(name)), (), left.span)
