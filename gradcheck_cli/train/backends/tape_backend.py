"""The reference as a back end: the tape walks the graph in float64, and optimizers change copies. Slow, and for any graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli import tape
from gradcheck_cli.train.programs.program import Program
from gradcheck_cli.train.programs.trace import shape_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.graph import Graph
    from gradcheck_cli.train.programs.updates import Micro, Update


@dataclass(slots=True)
class TapeProgram:
    """A graph, walked once a step; `prediction` is the node that is handed out beside the loss."""

    graph: Graph
    made: tape.Tape
    params: Mapping[str, Any]
    states: Mapping[str, Any]
    optimizer: Update | None
    prediction: str

    def run(self, feeds: Mapping[str, Any], steps: int, scalars: Mapping[str, Any], records: Mapping[str, Any]) -> None:
        """Do `steps` steps; every mapping's arrays have a first axis of steps."""
        fixed = {one.name: float(one.value or 0) for one in self.graph.constants}
        for step in range(steps):
            given = {name: rows[step] for name, rows in feeds.items()}
            run = self.made.forward({**fixed, **given, **self.params})
            records["prediction"][step] = run.values[self.prediction]
            records["loss"][step] = run.values[self.graph.output]
            if self.optimizer is not None:
                self._update(run.gradients(), {name: float(values[step]) for name, values in scalars.items()})

    def _update(self, gradients: Mapping[str, Any], scalars: Mapping[str, float]) -> None:
        assert self.optimizer is not None  # noqa: S101 - asked before
        for name, param in self.params.items():
            places = {state: self.states[f"{state}:{name}"] for state in self.optimizer.states} | {"param": param}
            np.multiply(param, scalars["keep"], out=param)
            for micro in self.optimizer.steps:
                _apply(micro, places, np.asarray(gradients[name], float), scalars)


def _apply(micro: Micro, places: dict[str, Any], g: Any, scalars: Mapping[str, float]) -> None:
    target = places[micro.target]
    if micro.op == "acc":
        target[...] = micro.beta * target + micro.alpha * scalars["lr"] * g
    elif micro.op == "axpy":
        target[...] = target + micro.alpha * places[micro.source]
    else:
        m, v = places["m"], places["v"]
        m[...] = micro.alpha * m + (1 - micro.alpha) * g
        v[...] = micro.beta * v + (1 - micro.beta) * g * g
        target[...] = target - scalars["rate"] * m / (np.sqrt(v) + scalars["epsilon"])


def walk(
    graph: Graph,
    feeds: tuple[str, ...],
    prediction: str,
    optimizer: Update | None,
    params: Mapping[str, Any],
    states: Mapping[str, Any],
) -> tuple[Program, TapeProgram]:
    """A graph as a program that is walked; `states` has to hold what the optimizer needs when it runs."""
    names = [f"{state}:{name}" for state in (optimizer.states if optimizer else ()) for name in params]
    shapes = {name: shape_of(graph, name) for name in (*feeds, *params)}
    program = Program(
        (),
        (),
        {name: shapes[name] for name in feeds},
        {name: shapes[name] for name in params},
        {name: shapes[name.split(":", 1)[1]] for name in names},
        {"prediction": shape_of(graph, prediction), "loss": ()},
        ("lr", "keep", "rate", "epsilon") if optimizer else (),
    )
    return program, TapeProgram(graph, tape.compile_graph(graph), params, states, optimizer, prediction)


class TapeBackend:
    """The reference."""

    name = "tape"
