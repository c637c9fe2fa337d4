"""Expressions of arrays laid flat: steps that fill registers with grids, and loops for sums over an index letter.

What does not depend on a letter is computed once, before the loop over it. How much work a program is, is known before
it runs: about one for each sum or product of two numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expr import Call, Expr, Index, Name, Num, Sum
from gradcheck_cli.functions import FUNCTIONS
from gradcheck_cli.grids import Grid
from gradcheck_cli.inference import Operands, result_shape, whole
from gradcheck_cli.probe.arrays import ARRAY_RULES, lifted
from gradcheck_cli.probe.elementary import RULES
from gradcheck_cli.probe.numbers import CONTEXT, NAN, Real, real, total
from gradcheck_cli.probe.numbers import whole as nearest_whole
from gradcheck_cli.shapes import Shape, at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gradcheck_cli.source import Span

# these take no longer than a product does; of the others an entry counts ten times, as an exponential does
_CHEAP = frozenset(
    {"add", "neg", "mul", "div", "gt", "ge", "eq", "abs", "relu", "sign", "step", "maximum", "minimum", "where"}
)
_DEAR = frozenset({"softmax", "logsumexp"})


def scalar(value: Real) -> Grid:
    """The grid of one number."""
    return Grid((), (value,))


@dataclass(frozen=True, slots=True)
class Step:
    """Fills the register `place` by a rule of others."""

    rule: Callable[..., Grid]
    arguments: tuple[int, ...]
    place: int


@dataclass(frozen=True, slots=True)
class Loop:
    """Fills the register `place` with the sum of what `result` holds while `letter` runs from 0 to `count` - 1."""

    letter: int
    count: int
    body: tuple[Step | Loop, ...]
    result: int
    place: int


@dataclass(frozen=True, slots=True)
class ArrayProgram:
    """An expression laid flat: registers, some filled beforehand, some by name. `cost` is the work of one run."""

    registers: tuple[Grid, ...]
    loads: tuple[tuple[int, str], ...]
    steps: tuple[Step | Loop, ...]
    result: int
    cost: int

    def run(self, values: Mapping[str, Grid]) -> Grid:
        """The value of the expression where the names have these values.

        Raises UnsupportedError for an index that is beyond the last entry.
        """
        registers = list(self.registers)
        for place, name in self.loads:
            registers[place] = values[name]
        _run(self.steps, registers)
        return registers[self.result]


def _run(steps: Sequence[Step | Loop], registers: list[Grid]) -> None:
    for step in steps:
        if isinstance(step, Step):
            registers[step.place] = step.rule(*[registers[argument] for argument in step.arguments])
            continue
        terms = []
        for turn in range(step.count):
            registers[step.letter] = scalar(CONTEXT.mpf(turn))
            _run(step.body, registers)
            terms.append(registers[step.result])
        columns = zip(*(term.items for term in terms), strict=True)
        registers[step.place] = Grid(terms[0].shape, tuple(map(total, columns)))


def _entry(span: Span, base: Grid, *indices: Grid) -> Grid:
    """An entry, or a part of the array where there are fewer indices than axes; nan between two entries."""
    inner = math.prod(base.shape[len(indices) :])
    start = 0
    for index, size in zip(indices, base.shape, strict=False):
        number = nearest_whole(index.items[0])
        if not CONTEXT.isint(number):
            return Grid(base.shape[len(indices) :], (NAN,) * inner)
        if not 0 <= number < size:
            message = f"the index {int(number)} is none of the {size} that there are"
            raise UnsupportedError(message, hint=f"they are counted from 0 to {size - 1}", span=span)
        start = start * size + int(number)
    return Grid(base.shape[len(indices) :], base.items[start * inner : (start + 1) * inner])


# -- from expressions to steps


@dataclass(slots=True)
class _Scope:
    """The steps that depend on a letter (the outermost on none), what they need from outside, their work in one turn."""

    letter: str
    register: int
    serial: int
    steps: list[Step | Loop] = field(default_factory=list)
    uses: set[int] = field(default_factory=set)
    cost: int = 0


@dataclass(slots=True)
class _Layout:
    """A program in the making: for each register its value beforehand, its shape, and how deep in loops it is filled."""

    names: Mapping[str, Shape]
    registers: list[Grid] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    loads: list[tuple[int, str]] = field(default_factory=list)
    scopes: list[_Scope] = field(default_factory=lambda: [_Scope("", -1, 0)])
    serials: int = 0
    places: dict[tuple[int, int], int] = field(default_factory=dict)  # (identity of a part, scope) -> register
    known: dict[object, int] = field(default_factory=dict)

    def place_of(self, part: Expr) -> int:
        """The register of a part; what occurs twice, or is the same for all letters, is computed once."""
        key = (id(part), self.scopes[-1].serial)
        if key not in self.places:
            self.places[key] = self._place(part)
        return self.places[key]

    def _place(self, part: Expr) -> int:
        match part:
            case Num():
                return self._leaf(part, scalar(real(part.value)), ())
            case Name():
                return self._named(part)
            case Index():
                return self._entry(part)
            case Sum():
                return self._loop(part)
        return self._call(part)

    def _register(self, value: Grid, shape: Shape, depth: int) -> int:
        self.registers.append(value)
        self.shapes.append(shape)
        self.depths.append(depth)
        return len(self.registers) - 1

    def _leaf(self, part: Num | Name, value: Grid, shape: Shape) -> int:
        if part not in self.known:
            self.known[part] = self._register(value, shape, 0)
            if isinstance(part, Name):
                self.loads.append((self.known[part], part.id))
        return self.known[part]

    def _named(self, part: Name) -> int:
        for scope in reversed(self.scopes):
            if scope.letter == part.id:
                return scope.register
        if part.id not in self.names:
            raise UnsupportedError(f'"{part.id}" has no value', hint="give it a number", span=part.span)
        return self._leaf(part, scalar(NAN), self.names[part.id])

    def _call(self, part: Call) -> int:
        arguments = tuple(map(self.place_of, part.args))
        options = whole(part.options)
        key = (part.function, arguments, part.options)
        if key in self.known:
            return self.known[key]
        if part.function in RULES:
            rule = lifted(RULES[part.function])
        elif part.function in ARRAY_RULES:
            rule = partial(ARRAY_RULES[part.function], **options)
        else:
            message = f'the probe has no rule for "{part.function}"'
            raise UnsupportedError(message, hint="use the functions of the table", span=part.span)
        shapes = tuple(self.shapes[place] for place in arguments)
        shape = result_shape(Operands(part.function, part.args, shapes, options, ()))
        cost = _cost(part.function, [at(one, {}) for one in shapes], at(shape, {}))
        self.known[key] = place = self._step(rule, arguments, shape, cost)
        return place

    def _step(self, rule: Callable[..., Grid], arguments: tuple[int, ...], shape: Shape, cost: int) -> int:
        """A step in the outermost loop that has all its arguments."""
        depth = max((self.depths[argument] for argument in arguments), default=0)
        place = self._register(scalar(NAN), shape, depth)
        self._append(depth, Step(rule, arguments, place), arguments, cost)
        return place

    def _append(self, depth: int, step: Step | Loop, uses: Sequence[int], cost: int) -> None:
        scope = self.scopes[depth]
        scope.steps.append(step)
        scope.uses.update(used for used in uses if self.depths[used] < depth)
        scope.cost += cost

    def _entry(self, part: Index) -> int:
        base, indices = self.place_of(part.base), tuple(map(self.place_of, part.indices))
        key = ("[]", base, indices)
        if key not in self.known:
            if any(self.shapes[index] for index in indices):
                raise UnsupportedError("an index is an array", hint="write one entry at a time", span=part.span)
            shape = self.shapes[base][len(indices) :]
            rule = partial(_entry, part.span)
            self.known[key] = self._step(rule, (base, *indices), shape, math.prod(at(shape, {})))
        return self.known[key]

    def _loop(self, part: Sum) -> int:
        if not isinstance(part.count, Num) or part.count.value < 1:
            message = f"how far the index {part.index} runs is not known"
            raise UnsupportedError(message, hint="give sizes as numbers", span=part.span)
        depth, count = len(self.scopes), int(part.count.value)
        self.serials += 1
        scope = _Scope(part.index, self._register(scalar(NAN), (), depth), self.serials)
        self.scopes.append(scope)
        result = self.place_of(part.body)
        self.scopes.pop()
        uses = (*scope.uses, *((result,) if self.depths[result] < depth else ()))
        outside = max((self.depths[used] for used in uses), default=0)
        shape = self.shapes[result]
        place = self._register(scalar(NAN), shape, outside)
        loop = Loop(scope.register, count, tuple(scope.steps), result, place)
        self._append(outside, loop, uses, count * (scope.cost + math.prod(at(shape, {}))))
        return place


def _cost(function: str, operands: list[tuple[int, ...]], result: tuple[int, ...]) -> int:
    """About how many sums and products of two numbers a call takes."""
    size = math.prod(result)
    if FUNCTIONS[function].elementwise:
        return size * max(1, len(operands) - 1) * (1 if function in _CHEAP else 10)
    entries = sum(map(math.prod, operands))
    match function:
        case "matmul":
            return size * operands[0][-1]
        case "det" | "inv":
            return 3 * operands[0][0] ** 3
        case "conv2d":
            return size * math.prod(operands[1][1 if len(operands[1]) > 2 else 0 :])
        case "maxpool2d" | "avgpool2d":
            return size + 4 * entries
    return size + entries * (10 if function in _DEAR else 1)


def compile_arrays_expr(expr: Expr, names: Mapping[str, Shape]) -> ArrayProgram:
    """The program of an expression in primitive functions, the shapes of whose names are in numbers.

    Raises UnsupportedError where it has something without a rule, ShapeError where operands do not fit.
    """
    layout = _Layout(names)
    result = layout.place_of(expr)
    outermost = layout.scopes[0]
    return ArrayProgram(tuple(layout.registers), tuple(layout.loads), tuple(outermost.steps), result, outermost.cost)
