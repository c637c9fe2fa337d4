"""How a right answer about arrays comes about, in a few lines: what arrives at each name on the way back, by the rule of the
edge that sends it, with shapes; from the first step on that the answer does not have.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Expr, Index, Name, children, names, number, substitute, walk, with_children
from gradcheck_cli.problem import counts
from gradcheck_cli.solving.array_queries import fact_note
from gradcheck_cli.solving.numbers import number_text
from gradcheck_cli.solving.queries import is_update
from gradcheck_cli.symbolic.build import plus, times
from gradcheck_cli.symbolic.convert import as_typed
from gradcheck_cli.verifying.arrays.diagnosis.backprop import Backprop
from gradcheck_cli.verifying.arrays.local import factor_of
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.grids import Grid
    from gradcheck_cli.solving.array_engine import ArrayEngine
    from gradcheck_cli.symbolic.arrays import ArrayDerivation
    from gradcheck_cli.verifying.match import Truth

GAP = "   "  # between a line and its shape
RIGHT = "right so far"  # behind a step that the answer has
MOST_STEPS = 10
MOST_PARTS = 16  # parts of an answer that are looked up among what is right
MOST_SHOWN = 12  # entries of an array in numbers
LONGEST = 100  # characters of a closed form at the end
_BRACKETED = ("transpose", "div", "pow")


def array_steps(engine: ArrayEngine, truth: Truth, written: Expr | None = None) -> tuple[str, ...]:
    """The lines; empty for what needs none. `written` is the wrong answer, whose right parts are not told again."""
    try:
        return tuple(_lines(engine, truth, written))
    except GradcheckError:  # what cannot be worked out is not explained
        return ()


def _lines(engine: ArrayEngine, truth: Truth, written: Expr | None) -> Iterator[str]:
    ask = truth.ask.base if isinstance(truth.ask, Index) else truth.ask
    if truth.kind == "shape":
        yield from _of_shape(engine, truth)
    elif truth.kind == "count":
        yield from _of_count(engine, truth)
    elif is_update(engine, ask) and isinstance(ask, Call):
        yield from _of_update(engine, truth, ask, written)
    elif isinstance(ask, Call) and (ask.function == "local" or factor_of(truth) is not None):
        yield from _of_local(engine, truth)
    elif isinstance(ask, Call) and ask.function in ("d", "upstream", "downstream"):
        yield from _of_gradient(engine, truth, ask, written)
    elif truth.kind == "value":
        yield from _of_value(engine, truth)


def where(steps: tuple[str, ...]) -> str:
    """Where to look, told by the last step that the answer has; empty where it has none."""
    right = [line.partition(" = ")[0] for line in steps if line.endswith(GAP + RIGHT)]
    return f"{right[-1]} is right in it, look at what comes behind" if right else ""


# -- the way back


def _of_gradient(engine: ArrayEngine, truth: Truth, ask: Call, written: Expr | None) -> Iterator[str]:
    ends = _ends(engine, ask)
    if ends is None:
        yield from _plainly(engine, truth)
        return
    target, source = ends
    way = Way(engine, target)
    if ask.function == "downstream":
        user = write(ask.args[0])
        yield from way.lines(user, written)
        rule = way.shown(way.back.sent((source, user), way.arriving(user)))
        yield _line(f"what {user} sends back to {source} = {rule}", write(truth.expr), _numbers(engine, truth))
    elif truth.ask == ask and not any(isinstance(arg, Index) for arg in ask.args):
        yield from way.lines(source, written, end=truth)
    else:
        yield from way.lines(source, written)
        yield _line(_title(target, truth), write(truth.expr), _numbers(engine, truth))


def _title(target: str, truth: Truth) -> str:
    """The entry asked for, of a derivative by its place."""
    ask = truth.ask
    if isinstance(ask, Index) and isinstance(ask.base, Call):
        return f"entry [{', '.join(write(index) for index in ask.indices)}]"
    return f"d{target}/d{write(ask.args[-1])}" if isinstance(ask, Call) else write(ask)


def _ends(engine: ArrayEngine, ask: Call) -> tuple[str, str] | None:
    """The two ends of a derivative whose steps there are: of a number, or of an output at which a gradient arrives."""
    args = [arg.base if isinstance(arg, Index) else arg for arg in ask.args]
    found = [arg.id for arg in args if isinstance(arg, Name) and arg.id in engine.graph.by_name]
    if len(found) != len(args):
        return None
    if ask.function == "downstream":
        target, source = engine.output, found[1]
    elif ask.function == "upstream":
        target, source = (found[1] if len(found) > 1 else engine.output), found[0]
    else:
        target, source = found
    seeded = target == engine.output and engine.problem.seed is not None
    known = target != source and bool(engine.graph.between(target, source))
    return (target, source) if known and (seeded or not engine.shapes[target]) else None


class Way:
    """What arrives at the names between the output, or another number, and what it is differentiated by."""

    def __init__(self, engine: ArrayEngine, target: str) -> None:
        self.engine = engine
        self.target = target
        seeded = target == engine.output
        self.derivation: ArrayDerivation = engine.backward if seeded else engine.derivation(target)
        self.steps = dict(self.derivation.steps)
        self.called = {called: name for name, called in self.derivation.adjoints.items()}
        self.back = Backprop(engine)
        self.told: set[str] = set()  # facts about inputs that have been named

    def arriving(self, name: str) -> Expr:
        """What arrives at a name, as steps name it; at a number at the end it is 1."""
        called = self.derivation.adjoints[name]
        return number(1) if self.steps.get(called) == number(1) else Name(called)

    def title(self, name: str) -> str:
        """The name of what arrives at a name, as homework has it."""
        seeded = self.engine.problem.seed is not None and self.target == self.engine.output
        return f"upstream({name})" if seeded else f"d{self.target}/d{name}"

    def shown(self, expr: Expr) -> str:
        """A step with the adjoints by their titles."""
        return write(self._titled(expr))

    def _titled(self, expr: Expr) -> Expr:
        if isinstance(expr, Name):
            return Name(self.title(self.called[expr.id])) if expr.id in self.called else expr
        below = tuple(self._titled(child) for child in children(expr))
        if isinstance(expr, Call) and expr.function in _BRACKETED:
            below = tuple(Name(f"({arg.id})") if isinstance(arg, Name) and "/" in arg.id else arg for arg in below)
        return with_children(expr, below) if below else expr

    def lines(self, source: str, written: Expr | None, *, end: Truth | None = None) -> Iterator[str]:
        """A line for each step up to `source`, from the first one on that is not in the answer."""
        wanted, given = self._needed(source, self._right(written, source))
        for name in wanted[-MOST_STEPS:]:
            if name in given or (len(wanted) > MOST_STEPS and name == wanted[-MOST_STEPS]):
                remark = RIGHT if name in given else ""
                yield _line(self.title(name), write(self.derivation.totals[name]), "", self._shape(name), remark)
            else:
                yield from self._step(name, end if name == source else None)

    def _step(self, name: str, end: Truth | None) -> Iterator[str]:
        """What arrives at a name: what each user sends back, their sum, its shortest form, its numbers."""
        expr, total = self.steps[self.derivation.adjoints[name]], self.derivation.totals[name]
        lead, shape = self.title(name), self._shape(name)
        numbers = _numbers(self.engine, end) if end is not None else self._value(name)
        sent = self._sent(name)
        step = self.shown(expr)
        short = write(total)
        closed = short if self._is_short(expr, total, short, last=end is not None) and short != step else ""
        if len(sent) < 2:
            yield _line(lead, step, "", shape)
        else:
            for at, (user, text) in enumerate(sent):
                start = f"{lead} = " if at == 0 else " " * len(lead) + " + "
                yield f"{start}{text}{GAP}through {user}"
        for text in (closed, numbers):
            if text:
                yield f"{' ' * len(lead)} = {text}" + (f"{GAP}{shape}" if len(sent) > 1 and text == closed else "")
        note = fact_note(self.engine, name).partition("; without that")[0] if self.target == self.engine.output else ""
        if closed and note not in {"", *self.told}:
            self.told.add(note)
            yield f"{' ' * len(lead)}   ({note})"

    def _is_short(self, step: Expr, total: Expr, text: str, *, last: bool) -> bool:
        """Whether a closed form says more than its step: it is shorter, or the end of the way."""
        if set(names(total)) & set(self.called):
            return False
        return len(list(walk(total))) < len(list(walk(step))) or (last and len(text) <= LONGEST)

    def _sent(self, name: str) -> list[tuple[str, str]]:
        """What each user of a name sends back to it."""
        inside = self.engine.graph.ancestors[self.target] | {self.target}
        users = [user for user in reversed(self.engine.graph.targets[name]) if user in inside]
        if len(users) < 2:
            return []
        return [(user, self.shown(self.back.sent((name, user), self.arriving(user)))) for user in users]

    def _needed(self, source: str, right: set[str]) -> tuple[list[str], set[str]]:
        """The names whose steps lead to `source`, in the order of the way back, and those of them that are right."""
        found: set[str] = set()
        waiting = [source]
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            found.add(name)
            if name not in right:
                used = names(self.steps[self.derivation.adjoints[name]])
                waiting.extend(self.called[called] for called in used if called in self.called)
        order = [self.called[called] for called in self.steps if called in self.called]
        return [name for name in order if name in found], found & right

    def _right(self, written: Expr | None, source: str) -> set[str]:
        """The names whose right derivative is a part of the answer."""
        if written is None:
            return set()
        engine, calculus = self.engine, self.engine.calculus
        totals = calculus.backward(self.target, engine.problem.seed if self.target == engine.output else None).totals
        above = {total: name for name, total in totals.items() if name in engine.graph.between(self.target, source)}
        found = set()
        calls = (part for part in walk(written) if isinstance(part, Call) and len(part.args) > 1)
        for part, _ in zip(calls, range(MOST_PARTS), strict=False):
            try:
                term = calculus.close(calculus.read(part), facts=True)
            except GradcheckError:
                continue
            if term in above and above[term] != source:
                found.add(above[term])
        return found

    def _shape(self, name: str) -> str:
        return shapes.text_of(self.engine.shapes[name]) if self.engine.shapes[name] else ""

    def _value(self, name: str) -> str:
        """The numbers of a step, where there are few."""
        grid = self.engine.value(Name(self.derivation.adjoints[name]))
        return _told(self.engine, grid)


# -- other questions


def _of_update(engine: ArrayEngine, truth: Truth, ask: Call, written: Expr | None) -> Iterator[str]:
    name = engine.variable(ask.args[0])
    way = Way(engine, engine.output)
    yield from way.lines(name, written)
    rate = ask.args[1] if len(ask.args) > 1 else as_typed(engine.problem.learning_rate or Fraction(1))
    step = Call("mul", (rate, Name(way.title(name)))) if rate != number(1) else Name(way.title(name))
    numbers = _numbers(engine, truth)
    yield _line(f"new {name}", f"{name} - {write(step)}", "", "" if numbers else shapes.text_of(engine.shapes[name]))
    if numbers:
        yield f"{' ' * len(f'new {name}')} = {numbers}"


def _of_local(engine: ArrayEngine, truth: Truth) -> Iterator[str]:
    """The definition of the node, its derivative, and the two cases of an entry of a Jacobian."""
    ask = truth.ask.base if isinstance(truth.ask, Index) else truth.ask
    assert isinstance(ask, Call)  # noqa: S101 - asked for by the caller
    target, source = (write(arg) for arg in ask.args)
    node = next((node for node in engine.graph.nodes if node.name == target), None)
    if node is not None:
        yield f"{target} = {write(node.expr)}"
    entry = f"[{', '.join(write(index) for index in truth.ask.indices)}]" if isinstance(truth.ask, Index) else ""
    factor = factor_of(truth)
    if factor is not None:
        yield f"d{target}/d{source} = {write(factor)}, as the factor"
        yield f"what {target} sends back to {source} = {write(engine.local(source, target))}"
        return
    sent = f"upstream({target})" in names(truth.expr)
    title = f"what {target} sends back to {source}" if sent else f"(d{target}/d{source}){entry}"
    title = title if entry or sent else f"d{target}/d{source}"
    yield _line(title, write(truth.expr), _numbers(engine, truth))
    for sign, value in (("=", 1), ("≠", 0)):
        case = _case(truth.expr, value)
        if case is not None:
            letters, expr = case
            yield f"{' ' * len(title)} = {write(expr)} where {letters[0]} {sign} {letters[1]}"


def _case(expr: Expr, value: int) -> tuple[tuple[str, str], Expr] | None:
    """An entry with one Kronecker delta where its letters are the same, or differ."""
    deltas = {part for part in walk(expr) if isinstance(part, Call) and part.function == "delta"}
    if len(deltas) != 1:
        return None
    (delta,) = deltas
    if not all(isinstance(arg, Name) for arg in delta.args):
        return None
    first, second = (arg.id for arg in delta.args if isinstance(arg, Name))
    found = _with(expr, delta, number(value))
    return (first, second), substitute(found, {second: Name(first)}) if value else found


def _with(expr: Expr, delta: Expr, value: Expr) -> Expr:
    """An expression with a number for a delta, its sums and products without what that leaves over."""
    if expr == delta:
        return value
    below = tuple(_with(child, delta, value) for child in children(expr))
    if isinstance(expr, Call) and expr.function in ("add", "mul"):
        return plus(*below) if expr.function == "add" else times(*below)
    return with_children(expr, below) if below else expr


def _of_value(engine: ArrayEngine, truth: Truth) -> Iterator[str]:
    """A node from its parts: the products in it first, in numbers where there are some."""
    inner = truth.ask.args[0] if isinstance(truth.ask, Call) and truth.ask.function == "value" else truth.ask
    title, numbers = write(inner), _numbers(engine, truth)
    if title == write(truth.expr) and not numbers:
        return
    if numbers and isinstance(truth.expr, Call):
        for part in dict.fromkeys(arg for arg in truth.expr.args if isinstance(arg, Call) and len(arg.args) > 1):
            found = _told(engine, engine.value(part))
            if found:
                yield f"{write(part)} = {found}"
    yield _line(title, write(truth.expr) if title != write(truth.expr) else "", numbers)


def _of_shape(engine: ArrayEngine, truth: Truth) -> Iterator[str]:
    """The node's formula with shapes for its names."""
    inner = truth.ask.args[0] if isinstance(truth.ask, Call) else truth.ask
    wanted = shapes.text_of(truth.array.shape if truth.array else ())
    node = next((node for node in engine.graph.nodes if isinstance(inner, Name) and node.name == inner.id), None)
    if node is None:
        yield f"{write(inner)} has shape {wanted}"
        return
    known = {name: Name(_shape_name(engine.shapes[name])) for name in names(node.expr) if name in engine.shapes}
    yield f"{node.name} = {write(node.expr)}"
    yield f"{' ' * len(node.name)}   {write(substitute(node.expr, known))}"
    yield f"{' ' * len(node.name)} has shape {wanted}"


def _shape_name(shape: shapes.Shape) -> str:
    return shapes.text_of(shape) if shape else "number"


def _of_count(engine: ArrayEngine, truth: Truth) -> Iterator[str]:
    """The shares of the parameters, or the sizes of an array."""
    ask, graph = truth.ask, engine.graph
    total = write(truth.expr)
    if not isinstance(ask, Call):
        return
    if ask.function == "params":
        shares = [f"{name} has {size}" for name, size in counts.shares(graph)]
        yield f"{', '.join(shares)}: {total} together"
    elif ask.function == "size" and isinstance(ask.args[0], Name):
        yield f"the shape of {ask.args[0].id} is {shapes.text_of(engine.shapes[ask.args[0].id])}: {total} entries"
    elif ask.function == "nodes":
        leaves, inner = (", ".join(part.name for part in parts) for parts in (graph.inputs, graph.nodes))
        yield f"the inputs {leaves} and {inner}: {total}"
    elif ask.function == "edges":
        edges = [f"{node} from {', '.join(sources)}" for node, sources in graph.sources.items()]
        yield f"{'; '.join(edges)}: {total}"


def _plainly(engine: ArrayEngine, truth: Truth) -> Iterator[str]:
    """The expression and its numbers, where there are no steps."""
    yield _line(write(truth.ask), write(truth.expr), _numbers(engine, truth))


# -- text


def _line(lead: str, text: str, numbers: str, shape: str = "", remark: str = "") -> str:
    """`lead = text = numbers   shape   (remark)`, each where there is one."""
    found = " = ".join(dict.fromkeys(part for part in (lead, text, numbers) if part))
    found += f"{GAP}{shape}" if shape else ""
    return f"{found}{GAP}{remark}" if remark else found


def _numbers(engine: ArrayEngine, truth: Truth) -> str:
    """The numbers of what was asked for, where there are few."""
    return _told(engine, truth.array.number if truth.array else None, update=truth.kind == "update")


def _told(engine: ArrayEngine, grid: Grid | None, *, update: bool = False) -> str:
    if grid is None or len(grid.items) > MOST_SHOWN or any(item is None for item in grid.items):
        return ""
    decimal = update or engine.problem.decimal
    return str(grid.map(lambda value: number_text(value, decimal=decimal)).nested()).replace("'", "")
