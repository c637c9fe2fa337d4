"""Before training: the gradient is right, and the program that will train does what the tape says.

The tape (float64, nothing fused) is the reference for every program. The tape itself is held against differences of its
own values along random directions, on the first batch, and against the probe's fifty digits where the sizes of the
network are letters: there the same graph is small enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli import tape
from gradcheck_cli.errors import DisagreementError, GradcheckError, UnsupportedError
from gradcheck_cli.grids import Grid
from gradcheck_cli.late import late
from gradcheck_cli.lowering import at_sizes
from gradcheck_cli.train.backends.memory import padded
from gradcheck_cli.train.engine import Backend, Engine
from gradcheck_cli.train.programs.trace import shape_of
from gradcheck_cli.train.programs.updates import step_scalars

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli import probe
    from gradcheck_cli.graph import Graph
    from gradcheck_cli.train.network import Network
    from gradcheck_cli.train.recipes import Recipe
else:
    probe = late("gradcheck_cli.probe")

_STEPS, _RATE = 2, 0.1  # a rate of the user's that overflows is no fault of a program
_TOLERANCE = {"float32": 5e-3, "float64": 1e-7}
_EPSILON = {"float32": 1.2e-7, "float64": 2.3e-16}
_MOST_ROWS, _MOST_ERROR, _DISTANCE, _ASIDE = 16, 1e-4, 1e-5, 0.1
_ROWS = 64  # of a parameter, changed at a time
_SMALL = 3  # sizes of the copy that the probe measures
_MOST_PROBED = 20_000  # sums and products of the probe in an evaluation, of which there are five


@dataclass(frozen=True, slots=True)
class Checked:
    """`error`: largest relative distance between gradient and difference along `directions`; `digits`: the probe's."""

    directions: int
    error: float
    probed: float | None


def gradient(engine: Engine, feeds: Mapping[str, Any], rows: int) -> Checked:
    """Hold the tape's gradient against differences, for each parameter along a direction of its own.

    Where they differ they are looked at again beside the start, which may lie on a bend: all of relu(0) does. Raises
    DisagreementError where they differ there too.
    """
    rows = min(rows, _MOST_ROWS)
    graph = engine.network.at(rows)
    made = tape.compile_graph(graph)
    values = _values(graph, engine, feeds, rows)
    error = _error(made, values, tuple(engine.params))
    if not error < _MOST_ERROR:
        random = np.random.default_rng(1)
        for name in engine.params:
            values[name] += _ASIDE * random.normal(size=np.shape(values[name]))
        error = _error(made, values, tuple(engine.params))
    if not error < _MOST_ERROR:
        message = f"the gradient and differences along random directions differ by {error:.1e}"
        raise DisagreementError(message, hint="--no-check trains all the same")
    probed = _probed(engine.network)
    if probed is not None and not probed < _MOST_ERROR:
        message = f"the tape and the probe differ by {probed:.1e} on a small copy of the network"
        raise DisagreementError(message, hint="--no-check trains all the same")
    return Checked(len(engine.params), error, probed)


def _error(made: tape.Tape, values: Mapping[str, Any], names: tuple[str, ...]) -> float:
    """The largest relative distance of a slope from the gradient's.

    A direction is half the gradient's own, so that there is a slope to measure, and half drawn at random.
    """
    found = made.forward(values).gradients()
    random = np.random.default_rng(0)
    error = 0.0
    for name in names:
        way = _unit(found[name]) + _unit(random.normal(size=np.shape(values[name])))
        slope, told = _slope(made, values, name, way), float(np.sum(found[name] * way))
        error = max(error, abs(slope - told) / max(abs(slope), abs(told), 1e-6))
    return error


def _unit(array: Any) -> Any:
    size = float(np.linalg.norm(array))
    return array / size if size else array


def _values(graph: Graph, engine: Engine, feeds: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """What the tape gets; parameters are copies, which may be changed."""
    found: dict[str, Any] = {name: np.array(array, float) for name, array in engine.params.items()}
    for name, array in feeds.items():
        found[name] = np.asarray(array[:rows], float).reshape(shape_of(graph, name))
    for constant in graph.constants:
        found[constant.name] = float(constant.value or 0)
    return found


def _slope(made: tape.Tape, values: Mapping[str, Any], name: str, way: Any) -> float:
    """A central difference of the output."""

    def at(distance: float) -> float:
        return float(made.forward({**values, name: values[name] + distance * way}).values[made.graph.output])

    return (at(_DISTANCE) - at(-_DISTANCE)) / (2 * _DISTANCE)


def _probed(network: Network) -> float | None:
    """How far the tape is from the probe on a small copy of the network.

    None where there is none: a network without a batch, or one with sizes in numbers that would take seconds.
    """
    if not network.batch:
        return None
    letters = [letter for letter, _ in network.graph.dims]
    graph = at_sizes(network.graph, {letter: _SMALL + at % 2 for at, letter in enumerate(letters)})
    random = np.random.default_rng(1)
    values = {leaf.name: _drawn(graph, leaf.name, leaf.kind, random) for leaf in graph.inputs}
    exact = {name: _grid(array) for name, array in values.items()}
    values |= {constant.name: float(constant.value or 0) for constant in graph.constants}
    way = {leaf.name: random.integers(-9, 10, np.shape(values[leaf.name])) / 8 for leaf in graph.inputs if leaf.param}
    try:
        made = probe.compile_arrays(graph)
    except UnsupportedError:  # an operation that the probe has not, or sizes in numbers that are far too large
        return None
    if sum(program.cost for program in made.programs.values()) > _MOST_PROBED:
        return None
    slope = made.along(
        graph.output, {name: _grid(array) for name, array in way.items()}, Grid((), (Fraction(1),)), made.values(exact)
    )
    told = tape.compile_graph(graph).forward(values).gradients()
    total = float(sum(np.sum(told[name] * way[name]) for name in way))
    if slope.kink:  # the point lies on a bend: there is no one slope
        return None
    exact_slope = probe.as_float(slope.central)
    return abs(total - exact_slope) / max(abs(exact_slope), 1e-12)


def _drawn(graph: Graph, name: str, kind: str, random: Any) -> Any:
    shape = shape_of(graph, name)
    if kind in ("onehot", "distribution"):
        return np.eye(shape[-1])[random.integers(0, shape[-1], shape[:-1])]
    drawn = random.integers(-20, 21, shape) / 16
    return np.abs(drawn) + 0.25 if kind in ("positive", "nonnegative", "probability") else drawn


def _grid(array: Any) -> Grid:
    return Grid(np.shape(array), tuple(Fraction(float(item)) for item in np.ravel(array)))


def program(engine: Engine, backend: Backend, feeds: Mapping[str, Any], rows: int) -> str:
    """Do two steps on copies, with the tape and with the program: what differs, or an empty text."""
    rate = min(engine.recipe.lr, _RATE)
    scalars = step_scalars(engine.recipe.optimizer, np.full(_STEPS, rate), 0, engine.recipe.weight_decay)
    once = {name: array[:rows] for name, array in feeds.items()}
    values, losses = _stepped(engine, once, rows, scalars)  # first: it needs most memory, and a compiler is at work
    copy = Engine(engine.network, engine.recipe, backend, {}, usual=rows, programs=engine.programs)
    for name, array in engine.params.items():
        copy.params[name] = padded(array.shape, engine.recipe.dtype)
        copy.params[name][...] = array
    try:
        twice = {name: np.concatenate([array] * _STEPS) for name, array in once.items()}
        records = copy.run(twice, rows, scalars, train=True)
    except GradcheckError as error:
        return error.message
    if not records.finite.all():
        return "its first steps are not finite" if np.isfinite(losses).all() else ""
    for name, array in engine.params.items():
        start, dtype = np.asarray(array, float), engine.recipe.dtype
        moved, wanted = copy.params[name] - start, values.pop(name)
        wanted -= start
        sizes = tuple(float(np.linalg.norm(one)) for one in (moved, wanted, start))
        moved -= wanted
        if np.linalg.norm(moved) > _TOLERANCE[dtype] * sizes[1] + 4 * _EPSILON[dtype] * sizes[2]:
            return f"after {_STEPS} steps {name} has moved by {sizes[0]:.4g}, not {sizes[1]:.4g}"
    return ""


def _stepped(
    engine: Engine, feeds: Mapping[str, Any], rows: int, scalars: Mapping[str, Any]
) -> tuple[dict[str, Any], list[float]]:
    """The parameters after the steps, by the tape's gradients and the optimizers' definitions."""
    graph = engine.network.at(rows)
    made = tape.compile_graph(graph)
    values = _values(graph, engine, feeds, rows)
    counts = {name: len(engine.optimizer().states) for name in engine.params}
    states = {name: [np.zeros_like(values[name]) for _ in range(count)] for name, count in counts.items()}
    losses = []
    for step in range(_STEPS):
        run = made.forward(values)
        losses.append(float(run.values[graph.output]))
        told = run.gradients()
        del run
        rate = float(scalars["lr"][step])
        for name in engine.params:  # in place and part by part: each array is as large as the network
            g, value = told.pop(name), values[name]
            for part in _parts(value):
                value[part] *= scalars["keep"][step]
                value[part] -= _move(engine.recipe, g[part], [state[part] for state in states[name]], step, rate)
    return values, losses


def _parts(array: Any) -> list[Any]:
    """Places of an array, some rows each, that cover it."""
    return [slice(at, at + _ROWS) for at in range(0, len(array), _ROWS)] if array.ndim else [...]


def _move(recipe: Recipe, g: Any, states: list[Any], step: int, rate: float) -> Any:
    """What an optimizer subtracts, by its textbook form; its states are changed in place."""
    if recipe.optimizer == "sgd":
        return rate * g
    if recipe.optimizer == "adam":
        m, v = states
        m[...] = 0.9 * m + 0.1 * g
        v[...] = 0.999 * v + 0.001 * g * g
        return rate * (m / (1 - 0.9 ** (step + 1))) / (np.sqrt(v / (1 - 0.999 ** (step + 1))) + 1e-8)
    (velocity,) = states
    velocity[...] = recipe.momentum * velocity + rate * g
    return velocity if recipe.optimizer == "momentum" else recipe.momentum * velocity + rate * g
