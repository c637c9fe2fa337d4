"""A graph of numbers at one point: every value and every derivative of its output in one call.

Compiled, the call is a machine function on an array that is packed and unpacked: less than a microsecond for homework's
graphs. Without a compiler it is NumPy's program, and the tape where neither does what the tape does.
"""

from __future__ import annotations

import ctypes
import math
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli import tape
from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expand import expand
from gradcheck_cli.graph import Graph
from gradcheck_cli.train.backends.c_backend import start
from gradcheck_cli.train.backends.c_scalars import scalar_source
from gradcheck_cli.train.backends.numpy_backend import bind
from gradcheck_cli.train.programs.compiling import compile_point

if TYPE_CHECKING:
    from collections.abc import Callable

_TRIED, _TOLERANCE = 3, 1e-9


@dataclass(frozen=True, slots=True)
class Point:
    """A graph that is ready to be evaluated.

    `run(*numbers)` takes one number for each of `leaves` and gives those of `records`: values by node, then `d:name` for
    the output's derivative by every leaf and node. One thread at a time: a call reads and writes the same memory.
    Outside of a function's domain the value is nan, and derivatives mean nothing.
    """

    leaves: tuple[str, ...]
    records: tuple[str, ...]
    backend: str
    run: Callable[..., tuple[float, ...]]


def point(graph: Graph, say: Callable[[str], None] | None = None) -> Point:
    """A graph of numbers by the fastest way that agrees with the tape; `say` gets a line for each that is not used.

    Raises UnsupportedError where the graph has arrays.
    """
    if any(graph.shapes.values()):
        message = "this graph has arrays"
        raise UnsupportedError(message, hint="gradcheck solve takes it, and a network can be trained")
    leaves = (*graph.inputs, *graph.constants)
    nodes = tuple(replace(node, expr=expand(node.expr)) for node in graph.nodes)
    shapes = {leaf.name: () for leaf in leaves}
    opened = Graph(tuple(replace(leaf, param=True) for leaf in leaves), nodes, graph.output, (), (), shapes)
    names = tuple(leaf.name for leaf in leaves)
    records = (*(node.name for node in nodes), *(f"d:{name}" for name in (*names, *(node.name for node in nodes))))
    reference = _walked(opened, records)
    for backend, make in (("c", _compiled), ("numpy", _called)):
        try:
            run = make(opened, names, records)
            wrong = _differs(run, reference, names, records)
        except UnsupportedError as error:
            wrong = error.message
        if not wrong:
            return Point(names, records, backend, run)
        if say is not None:
            say(f"{backend}: {wrong}; it is not used")
    return Point(names, records, "tape", reference)


def _compiled(graph: Graph, names: tuple[str, ...], records: tuple[str, ...]) -> Callable[..., tuple[float, ...]]:
    program = compile_point(graph)
    compilation = start(scalar_source(program, names))
    library = compilation.load(ctypes.PyDLL)  # so short that others need not get the lock
    function = library.gradcheck_point
    function.restype = None
    memory = (ctypes.c_double * (len(names) + len(records)))()
    order = tuple(program.records)
    if order != records:
        message = "the program's records are in another order"
        raise UnsupportedError(message)
    pack = struct.Struct(f"{len(names)}d").pack_into
    unpack, begin = struct.Struct(f"{len(records)}d").unpack_from, 8 * len(names)
    there = ctypes.c_void_p(ctypes.addressof(memory))

    def run(*numbers: float) -> tuple[float, ...]:
        pack(memory, 0, *numbers)
        function(there)
        return unpack(memory, begin)

    return run


def _called(graph: Graph, names: tuple[str, ...], records: tuple[str, ...]) -> Callable[..., tuple[float, ...]]:
    program = compile_point(graph)
    arrays = {name: np.zeros(()) for name in names}
    found = {name: np.zeros((1,)) for name in records}
    bound = bind(program, "float64", arrays, {})

    def run(*numbers: float) -> tuple[float, ...]:
        for array, number in zip(arrays.values(), numbers, strict=True):
            array[...] = number
        bound.run({}, 1, {}, found)
        return tuple(float(one[0]) for one in found.values())

    return run


def _walked(graph: Graph, records: tuple[str, ...]) -> Callable[..., tuple[float, ...]]:
    made = tape.compile_graph(graph)
    names = [leaf.name for leaf in graph.inputs]

    def run(*numbers: float) -> tuple[float, ...]:
        walk = made.forward(dict(zip(names, numbers, strict=True)))
        found: dict[str, Any] = {**walk.values, **{f"d:{name}": one for name, one in walk.gradients().items()}}
        return tuple(float(found[name]) for name in records)

    return run


def _differs(
    run: Callable[..., tuple[float, ...]],
    reference: Callable[..., tuple[float, ...]],
    names: tuple[str, ...],
    records: tuple[str, ...],
) -> str:
    """What differs from the tape at a few points, or an empty text."""
    random = np.random.default_rng(0)
    for _ in range(_TRIED):
        numbers = random.uniform(0.2, 0.9, len(names)).tolist()
        for name, found, told in zip(records, run(*numbers), reference(*numbers), strict=True):
            same = math.isclose(found, told, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
            if not same and not (math.isnan(found) and math.isnan(told)):
                return f"{name} is {found:.9g}, not {told:.9g}"
    return ""
