"""The tape itself: a graph is flattened once, a run walks the steps forwards, and backwards for derivatives.

The walker knows no operation, the tables know no walker.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.errors import ShapeError, UnsupportedError
from gradcheck_cli.tape.arith import Array, array, summed
from gradcheck_cli.tape.arrays import ARRAY_RULES, ArrayRule
from gradcheck_cli.tape.entries import LETTER_RULES, entry, scatter
from gradcheck_cli.tape.flatten import Step, flatten
from gradcheck_cli.tape.numbers import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gradcheck_cli.graph import Graph

MAX_JACOBIAN = 4_000_000  # entries: 32 MB
MAX_LOCAL = 10_000  # entries of a Jacobian that is worked out without being asked for


@dataclass(frozen=True, slots=True)
class Tape:
    """A graph flattened into steps; `slots` says where each name's value lies, `begins` at which step a node begins."""

    graph: Graph
    steps: tuple[Step, ...]
    slots: Mapping[str, int]
    begins: Mapping[str, int]

    def forward(self, values: Mapping[str, Any]) -> Run:
        """All values, from those of the inputs and constants by name: numbers, arrays, nested lists or grids.

        Raises ShapeError where a value has not the shape that the graph says.
        """
        found: list[Array] = []
        with np.errstate(all="ignore"):
            for step in self.steps:
                if step.function == "leaf":
                    found.append(self._leaf(step.name, values[step.name]))
                elif step.function == "number":
                    found.append(np.float64(step.literal))
                else:
                    found.append(_value(step)(*(found[at] for at in step.operands), **dict(step.options)))
        return Run(self, tuple(found))

    def _leaf(self, name: str, value: Any) -> Array:
        found = array(value)
        if name in self.graph.shapes:
            shape = tuple(one.number for one in self.graph.shapes[name])
            _same(name, found.shape, shape)
        return found


@dataclass(frozen=True, slots=True)
class Run:
    """The tape with values: `values` by name, derivatives on demand."""

    tape: Tape
    slots: tuple[Array, ...]

    @property
    def values(self) -> dict[str, Array]:
        """The value of each input, constant and node."""
        return {name: self.slots[at] for name, at in self.tape.slots.items()}

    def gradients(self, output: str | None = None, seed: Any = 1.0) -> dict[str, Array]:
        """d(output)/d(name) for every name, in the shape of its value; zeros where nothing arrives.

        `seed` is what arrives at the output; a number arrives at each of its entries.
        """
        target = output or self.tape.graph.output
        given = array(seed)
        return self.send(target, given if given.ndim else np.full(self._shape(target), given))

    def send(self, target: str, adjoint: Any) -> dict[str, Array]:
        """The adjoint of every name, in the shape of its value, when `adjoint` arrives at `target`.

        Raises ShapeError where the adjoint has not the shape of the target.
        """
        adjoints = self._backward(self.tape.slots[target], -1, self._arriving(target, adjoint))
        return {name: self._at(name, adjoints) for name in self.tape.slots}

    def send_local(self, target: str, adjoint: Any) -> dict[str, Array]:
        """What `target` alone sends to each of its sources when `adjoint` arrives at it."""
        adjoints = self._through(target, self._arriving(target, adjoint))
        return {source: self._at(source, adjoints) for source in self.tape.graph.sources[target]}

    def local(self, target: str, source: str) -> Array:
        """The partial derivative on the edge from `source` to `target`, other inputs fixed.

        A Jacobian of shape target.shape + source.shape. Raises UnsupportedError where that is too large to write out,
        KeyError where there is no such edge.
        """
        if source not in self.tape.graph.sources[target]:
            raise KeyError((source, target))
        if self._entries(target, source) > MAX_JACOBIAN:
            shape = f"{self._shape(target)} by {self._shape(source)}"
            message = f"the derivative of {target} by {source}, {shape}, is too large to write out"
            raise UnsupportedError(message, hint="use smaller sizes")
        return self._locals(target, (source,))[source]

    def locals(self) -> dict[tuple[str, str], Array]:
        """For each edge (source, target) the partial derivative, as `local` gives it; without large Jacobians."""
        found: dict[tuple[str, str], Array] = {}
        for node in self.tape.graph.nodes:
            sources = self.tape.graph.sources[node.name]
            small = tuple(source for source in sources if self._entries(node.name, source) <= MAX_LOCAL)
            for source, jacobian in self._locals(node.name, small).items():
                found[source, node.name] = jacobian
        return found

    def _locals(self, target: str, sources: tuple[str, ...]) -> dict[str, Array]:
        """Jacobians, a row for each entry of the target."""
        shape = self._shape(target)
        rows = {source: np.empty((math.prod(shape), *self._shape(source))) for source in sources}
        for at in range(math.prod(shape) if sources else 0):
            seed = np.zeros(math.prod(shape))
            seed[at] = 1.0
            adjoints = self._through(target, seed.reshape(shape))
            for source in sources:
                rows[source][at] = self._at(source, adjoints)
        return {source: found.reshape(shape + found.shape[1:]) for source, found in rows.items()}

    def _through(self, target: str, adjoint: Array) -> dict[int, Array]:
        return self._backward(self.tape.slots[target], self.tape.begins[target] - 1, adjoint)

    def _shape(self, name: str) -> tuple[int, ...]:
        return np.shape(self.slots[self.tape.slots[name]])

    def _entries(self, target: str, source: str) -> int:
        return math.prod(self._shape(target) + self._shape(source))

    def _arriving(self, target: str, adjoint: Any) -> Array:
        found = array(adjoint)
        _same(f"what arrives at {target}", found.shape, self._shape(target))
        return found

    def _at(self, name: str, adjoints: Mapping[int, Array]) -> Array:
        found = adjoints.get(self.tape.slots[name])
        return np.zeros(self._shape(name)) if found is None else np.asarray(found)

    def _backward(self, start: int, stop: int, seed: Array) -> dict[int, Array]:
        """Adjoints of all slots that `start` depends on through steps after `stop`."""
        adjoints: dict[int, Array] = {start: seed}
        gathered: set[int] = set()  # slots whose adjoint is an array of this pass alone, for entries to be added to
        with np.errstate(all="ignore"):
            for at in range(start, stop, -1):
                step, adjoint = self.tape.steps[at], adjoints.get(at)
                if adjoint is None or not step.operands or not np.any(adjoint != 0):
                    continue  # an exact zero sends nothing back, whatever the local derivative is
                if step.function == "entry":
                    self._gather(step, adjoint, adjoints, gathered)
                    continue
                for operand, sent in self._sent(at, step, adjoint):
                    adjoints[operand] = adjoints[operand] + sent if operand in adjoints else sent
        return adjoints

    def _gather(self, step: Step, adjoint: Array, adjoints: dict[int, Array], gathered: set[int]) -> None:
        """Add what an entry sends to the adjoint of its array; an index gets nothing."""
        base, *indices = step.operands
        if base not in gathered:
            adjoints[base] = adjoints.get(base, 0.0) + np.zeros(np.shape(self.slots[base]))
            gathered.add(base)
        scatter(adjoints[base], adjoint, *(self.slots[index] for index in indices), **dict(step.options))

    def _sent(self, at: int, step: Step, adjoint: Array) -> Iterator[tuple[int, Array]]:
        """What one step sends to each of its operands, in the operand's shape."""
        operands = [self.slots[operand] for operand in step.operands]
        rule = RULES.get(step.function)
        if rule is None:
            sent = _array_rule(step).vjp(adjoint, self.slots[at], *operands, **dict(step.options))
            yield from zip(step.operands, sent, strict=True)
            return
        for operand, value, vjp in zip(step.operands, operands, rule.row(len(operands)), strict=True):
            if self.tape.steps[operand].function != "number":
                entries = np.where(adjoint == 0, 0.0, vjp(adjoint, self.slots[at], *operands))
                yield operand, summed(entries, np.shape(value))


def _value(step: Step) -> Callable[..., Array]:
    """The forward rule of an operation."""
    if step.function == "entry":
        return entry
    return RULES[step.function].value if step.function in RULES else _array_rule(step).value


def _array_rule(step: Step) -> ArrayRule:
    return ARRAY_RULES.get(step.function) or LETTER_RULES[step.function]


def _same(what: str, found: tuple[int, ...], wanted: tuple[int | None, ...]) -> None:
    if found != wanted:
        message = f"{what} has shape {found}, not {wanted}"
        raise ShapeError(message, hint="shapes are given as NumPy has them")


def compile_graph(graph: Graph) -> Tape:
    """The tape of a graph; of one with arrays when all its sizes are numbers, as `lowering.at_sizes` makes it."""
    found = flatten(graph)
    return Tape(graph, tuple(found.steps), found.slots, found.begins)
