"""A graph of numbers at many points at once: its value and every derivative, by one program.

A program's calls cost about half a microsecond each whatever they work on, so a thousand points cost little more than one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expand import expand
from gradcheck_cli.graph import Graph
from gradcheck_cli.shapes import size
from gradcheck_cli.train.backends.numpy_backend import bind
from gradcheck_cli.train.programs.compiling import compile_program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.train.backends.numpy_program import NumpyProgram

_VALUE = "the value"


@dataclass(frozen=True, slots=True)
class Sampler:
    """A graph bound to a number of points."""

    points: int
    inputs: tuple[str, ...]
    bound: NumpyProgram
    arrays: dict[str, Any]
    records: dict[str, Any]

    def run(self, values: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The output at each point, and its derivative by each input; the arrays are used again by the next call."""
        for name, array in self.arrays.items():
            array[...] = values[name]
        self.bound.run({}, 1, {}, self.records)
        found = {name: self.records[name][0] for name in self.inputs}
        return self.records[_VALUE][0], found


def sampler(graph: Graph, points: int) -> Sampler:
    """A graph of numbers for so many points; UnsupportedError where it has arrays."""
    if any(graph.shapes.values()):
        message = "this graph has arrays"
        raise UnsupportedError(message, hint="its batch is what gives it many points")
    leaves = (*graph.inputs, *graph.constants)
    many = {leaf.name: (size(points),) for leaf in leaves}
    inputs = tuple(replace(leaf, param=True) for leaf in leaves)
    nodes = tuple(replace(node, expr=expand(node.expr)) for node in graph.nodes)
    wide = Graph(inputs, nodes, graph.output, (), (), many)
    names = tuple(leaf.name for leaf in graph.inputs)
    reached = tuple(name for name in names if name in graph.ancestors[graph.output])
    program = compile_program(wide, None, {_VALUE: graph.output} | {name: f"d:{name}" for name in reached})
    arrays = {leaf.name: np.zeros(points) for leaf in leaves}
    records = {name: np.zeros((1, points)) for name in (_VALUE, *names)}
    used = {name: arrays[name] for name in arrays}
    return Sampler(points, names, bind(program, "float64", used, {}), arrays, records)
