"""The tape: reverse mode in NumPy, float64, with hand-written vector-Jacobian products.

A graph is flattened once into steps; a run walks them forwards, `gradients` walks them backwards. The walker knows no
operation, the table knows no walker. This file may import the expression, the graph and NumPy; never SymPy, never
another witness.

Arrays broadcast as NumPy's do; a VJP's result is summed down to the shape of its operand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expand import expand
from gradcheck_cli.expr import Call, Expr, Name, Num

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from fractions import Fraction

    from gradcheck_cli.graph import Graph

Array = Any  # numpy.ndarray of float64, or a NumPy scalar


@dataclass(frozen=True, slots=True)
class Rule:
    """`value(a, b, …)`, and one VJP an operand: `vjp(g, y, a, b, …)` with the adjoint g and the value y."""

    value: Callable[..., Array]
    vjps: tuple[Callable[..., Array], ...] | Callable[[int], tuple[Callable[..., Array], ...]] = ()

    def vjp(self, place: int, count: int) -> Callable[..., Array]:
        """The VJP of the operand at `place`, of `count`."""
        vjps = self.vjps(count) if callable(self.vjps) else self.vjps
        return vjps[place]


_erf = np.vectorize(math.erf, otypes=[float])


def _sigmoid(a: Array) -> Array:
    small = np.exp(-np.abs(a))
    return np.where(a >= 0, 1 / (1 + small), small / (1 + small))


def _product(*factors: Array) -> Array:
    """An exact zero absorbs an infinite or undefined factor beside it, as in 0*log(-3)."""
    result = np.asarray(1.0)
    zero = np.asarray(False)
    for factor in factors:
        result = result * factor
        zero = zero | (np.asarray(factor) == 0)
    return np.where(zero, 0.0, result)


def _others(place: int) -> Callable[..., Array]:
    """d(a*b*c)/db: the product of the other factors."""
    return lambda g, _y, *x: _product(g, *x[:place], *x[place + 1 :])


def _power(a: Array, b: Array) -> Array:
    return np.power(np.asarray(a, float), b)


def _power_base(g: Array, _y: Array, a: Array, b: Array) -> Array:
    slope = np.where(np.asarray(b) == 0, 0.0, b * _power(a, np.asarray(b) - 1))
    return g * slope


def _power_exponent(g: Array, y: Array, a: Array, _b: Array) -> Array:
    return g * np.where((np.asarray(a) == 0) & (y == 0), 0.0, y * np.log(a))


def _nothing(count: int) -> tuple[Callable[..., Array], ...]:
    """Piecewise constant: the adjoint stops here."""
    return tuple([lambda g, _y, *_x: 0.0 * g] * count)


# g: adjoint of the value, y: the value, a, b, c: the operands
RULES: dict[str, Rule] = {
    "add": Rule(lambda *x: sum(x[1:], start=x[0]), lambda n: tuple([lambda g, _y, *_x: g] * n)),  # d(a+b)/da = 1
    "neg": Rule(lambda a: -a, (lambda g, _y, _a: -g,)),
    "mul": Rule(_product, lambda n: tuple(_others(place) for place in range(n))),  # d(ab)/da = b
    "div": Rule(lambda a, b: a / b, (lambda g, _y, _a, b: g / b, lambda g, y, _a, b: -g * y / b)),  # -a/b^2 = -y/b
    "pow": Rule(_power, (_power_base, _power_exponent)),  # b a^(b-1), a^b log a
    "gt": Rule(lambda a, b: np.greater(a, b) * 1.0, _nothing),
    "ge": Rule(lambda a, b: np.greater_equal(a, b) * 1.0, _nothing),
    "eq": Rule(lambda a, b: np.equal(a, b) * 1.0, _nothing),
    "pi": Rule(lambda: np.float64(np.pi)),
    "e": Rule(lambda: np.float64(np.e)),
    "exp": Rule(np.exp, (lambda g, y, _a: g * y,)),  # exp' = exp
    "log": Rule(np.log, (lambda g, _y, a: np.where(a > 0, g / a, np.nan),)),  # log' = 1/a
    "sin": Rule(np.sin, (lambda g, _y, a: g * np.cos(a),)),
    "cos": Rule(np.cos, (lambda g, _y, a: -g * np.sin(a),)),
    "asin": Rule(np.arcsin, (lambda g, _y, a: g / np.sqrt((1 - a) * (1 + a)),)),  # 1/sqrt(1 - a^2)
    "atan": Rule(np.arctan, (lambda g, _y, a: g / (1 + a * a),)),
    "sinh": Rule(np.sinh, (lambda g, _y, a: g * np.cosh(a),)),
    "cosh": Rule(np.cosh, (lambda g, _y, a: g * np.sinh(a),)),
    "tanh": Rule(np.tanh, (lambda g, y, _a: g * (1 - y) * (1 + y),)),  # 1 - y^2
    "erf": Rule(_erf, (lambda g, _y, a: g * (2 / np.sqrt(np.pi)) * np.exp(-a * a),)),
    "sigmoid": Rule(_sigmoid, (lambda g, y, a: g * y * _sigmoid(-a),)),  # y (1 - y)
    "relu": Rule(lambda a: np.maximum(a, 0.0), (lambda g, _y, a: g * (a > 0),)),  # 0 at the kink
    "softplus": Rule(lambda a: np.logaddexp(0.0, a), (lambda g, _y, a: g * _sigmoid(a),)),
    "abs": Rule(np.abs, (lambda g, _y, a: g * np.sign(a),)),
    "sign": Rule(np.sign, _nothing),
    "step": Rule(lambda a: np.greater(a, 0) * 1.0, _nothing),
    "floor": Rule(np.floor, _nothing),
    # a tie goes to the first
    "maximum": Rule(np.maximum, (lambda g, _y, a, b: g * (a >= b), lambda g, _y, a, b: g * (b > a))),
    "minimum": Rule(np.minimum, (lambda g, _y, a, b: g * (a <= b), lambda g, _y, a, b: g * (b < a))),
    "where": Rule(
        lambda c, a, b: np.where(np.asarray(c) != 0, a, b),
        (
            lambda g, _y, _c, _a, _b: 0.0 * g,
            lambda g, _y, c, _a, _b: np.where(np.asarray(c) != 0, g, 0.0),
            lambda g, _y, c, _a, _b: np.where(np.asarray(c) != 0, 0.0, g),
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One operation: the slots of its operands, and its own is its place on the tape."""

    function: str
    operands: tuple[int, ...]
    literal: float = 0.0
    name: str = ""  # of a leaf, or of the node that this step completes


@dataclass(frozen=True, slots=True)
class Tape:
    """A graph flattened into steps; `slots` says where each name's value lies, `owner` which node a step is part of."""

    graph: Graph
    steps: tuple[Step, ...]
    slots: Mapping[str, int]
    begins: Mapping[str, int]

    def forward(self, values: Mapping[str, Any]) -> Run:
        """All values, from those of the inputs and constants by name."""
        found: list[Array] = []
        with np.errstate(all="ignore"):
            for step in self.steps:
                if step.function == "leaf":
                    found.append(np.asarray(values[step.name], dtype=float))
                elif step.function == "number":
                    found.append(np.float64(step.literal))
                else:
                    found.append(RULES[step.function].value(*(found[at] for at in step.operands)))
        return Run(self, tuple(found))


@dataclass(frozen=True, slots=True)
class Run:
    """The tape with values: `values` by name, derivatives on demand."""

    tape: Tape
    slots: tuple[Array, ...]
    absorbed: tuple[str, ...] = field(default=())

    @property
    def values(self) -> dict[str, Array]:
        """The value of each input, constant and node."""
        return {name: self.slots[at] for name, at in self.tape.slots.items()}

    def gradients(self, output: str | None = None, seed: float = 1.0) -> dict[str, Array]:
        """d(output)/d(name) for every name, in the shape of its value; zeros where nothing arrives."""
        start = self.tape.slots[output or self.tape.graph.output]
        adjoints = self._backward(start, -1, np.full(np.shape(self.slots[start]), seed))
        return {name: _zeros(adjoints.get(at), self.slots[at]) for name, at in self.tape.slots.items()}

    def locals(self) -> dict[tuple[str, str], Array]:
        """For each edge (source, target) the partial derivative, other inputs fixed; a Jacobian for arrays."""
        found: dict[tuple[str, str], Array] = {}
        for node in self.tape.graph.nodes:
            found.update(self._local(node.name))
        return found

    def _local(self, target: str) -> dict[tuple[str, str], Array]:
        start, begin = self.tape.slots[target], self.tape.begins[target]
        shape = np.shape(self.slots[start])
        sources = self.tape.graph.sources[target]
        rows: dict[str, list[Array]] = {source: [] for source in sources}
        for entry in range(math.prod(shape)):
            seed = np.zeros(math.prod(shape))
            seed[entry] = 1.0
            adjoints = self._backward(start, begin - 1, seed.reshape(shape))
            for source in sources:
                at = self.tape.slots[source]
                rows[source].append(_zeros(adjoints.get(at), self.slots[at]))
        return {
            (source, target): np.reshape(np.stack(found), shape + np.shape(found[0])) for source, found in rows.items()
        }

    def _backward(self, start: int, stop: int, seed: Array) -> dict[int, Array]:
        """Adjoints of all slots that `start` depends on through steps after `stop`."""
        adjoints: dict[int, Array] = {start: seed}
        with np.errstate(all="ignore"):
            for at in range(start, stop, -1):
                step, adjoint = self.tape.steps[at], adjoints.get(at)
                if adjoint is None or not step.operands or not np.any(adjoint != 0):
                    continue  # an exact zero sends nothing back, whatever the local derivative is
                operands = [self.slots[operand] for operand in step.operands]
                rule = RULES[step.function]
                for place, operand in enumerate(step.operands):
                    if self.tape.steps[operand].function == "number":
                        continue
                    sent = rule.vjp(place, len(operands))(adjoint, self.slots[at], *operands)
                    sent = _summed(np.where(adjoint == 0, 0.0, sent), np.shape(operands[place]))
                    adjoints[operand] = adjoints[operand] + sent if operand in adjoints else sent
        return adjoints


def _zeros(adjoint: Array | None, like: Array) -> Array:
    return np.zeros(np.shape(like)) if adjoint is None else np.asarray(adjoint)


def _summed(adjoint: Array, shape: tuple[int, ...]) -> Array:
    """An adjoint summed over the axes along which its operand was broadcast."""
    adjoint = np.asarray(adjoint)
    while adjoint.ndim > len(shape):
        adjoint = adjoint.sum(axis=0)
    axes = tuple(axis for axis, size in enumerate(shape) if size == 1 and adjoint.shape[axis] != 1)
    return adjoint.sum(axis=axes, keepdims=True) if axes else adjoint


def compile_graph(graph: Graph) -> Tape:
    """The tape of a graph: leaves first, then each node's expression in primitive steps.

    A node is a step of its own even where its expression is a bare name, so that each edge has a local derivative.
    """
    steps: list[Step] = []
    slots: dict[str, int] = {}
    begins: dict[str, int] = {}
    for leaf in (*graph.inputs, *graph.constants):
        slots[leaf.name] = len(steps)
        steps.append(Step("leaf", (), name=leaf.name))
    for node in graph.nodes:
        begins[node.name] = len(steps)
        top = _flatten(expand(node.expr), slots, steps, {})
        if top < begins[node.name] or steps[top].function == "number":
            steps.append(Step("add", (top,)))
            top = len(steps) - 1
        slots[node.name] = top
    return Tape(graph, tuple(steps), slots, begins)


def _float(value: Fraction) -> float:
    """The nearest double; infinite where there is none."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _flatten(expr: Expr, slots: Mapping[str, int], steps: list[Step], known: dict[Expr, int]) -> int:
    """The slot of an expression; its depth is bounded by the parser. Equal parts of one node are one step."""
    if isinstance(expr, Name):
        return slots[expr.id]
    if expr in known:
        return known[expr]
    if isinstance(expr, Num):
        step = Step("number", (), _float(expr.value))
    elif isinstance(expr, Call) and expr.function in RULES:
        step = Step(expr.function, tuple(_flatten(arg, slots, steps, known) for arg in expr.args))
    else:
        what = expr.function if isinstance(expr, Call) else type(expr).__name__
        message = f"{what} has no place on the tape"
        raise UnsupportedError(message, hint="write it with functions of the table")
    steps.append(step)
    known[expr] = len(steps) - 1
    return known[expr]
