"""What comes back through a graph of arrays where edges of it are changed: what mistakes about gradients are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Name, number, substitute
from gradcheck_cli.symbolic.build import plus
from gradcheck_cli.symbolic.reading import written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gradcheck_cli.solving.array_engine import ArrayEngine

ONE = number(1)
Edge = tuple[str, str]


class Backprop:
    """What arrives at each name, in expressions of names of the graph and of adjoints; one edge may be changed."""

    def __init__(self, engine: ArrayEngine) -> None:
        self.engine = engine
        self.output = engine.output
        self.called = engine.backward.adjoints

    def arriving(self, name: str) -> Expr:
        """What arrives at a name, unchanged."""
        if name == self.output and self.engine.problem.seed is None:
            return ONE
        return Name(self.called[name])

    def rule(self, edge: Edge) -> Expr:
        """What an edge sends back, in terms of the name `upstream(target)`."""
        calculus = self.engine.calculus
        return written(calculus.algebra, calculus.close(calculus.rule(edge[1])[edge[0]]))

    def sent(self, edge: Edge, arriving: Expr) -> Expr:
        """What an edge sends back when this arrives."""
        return substitute(self.rule(edge), {f"upstream({edge[1]})": arriving})

    def total(self, name: str, edge: Edge, changed: Expr) -> Expr:
        """What would arrive at a name if that edge sent back something else."""
        return self.through(name, {edge: lambda _arrives: changed})

    def granted(self, name: str, other: str, arrives: Expr) -> Expr:
        """What would arrive at a name if that arrived at another."""
        return self._through(name, {(other, ""): lambda _arrives: arrives}, {other: arrives})

    def through(self, name: str, changed: Mapping[Edge, Callable[[Expr], Expr]]) -> Expr:
        """What would arrive at a name if edges sent back something else for what arrives at their ends."""
        return self._through(name, changed, {})

    def _through(self, name: str, changed: Mapping[Edge, Callable[[Expr], Expr]], done: dict[str, Expr]) -> Expr:
        graph = self.engine.graph
        if name not in done:
            done[name] = self.arriving(name)
            if any(name == start or name in graph.ancestors.get(start, ()) for start, _ in changed):
                parts = []
                for user in graph.targets[name]:
                    if user == self.output or user in graph.ancestors[self.output]:
                        arrives = self._through(user, changed, done)
                        change = changed.get((name, user))
                        parts.append(self.sent((name, user), arrives) if change is None else change(arrives))
                done[name] = plus(*parts)
        return done[name]


def gradient_by(engine: ArrayEngine, ask: Expr) -> str | None:
    """The x of a question for the derivative of the output by x, d(L, x) or upstream(x); None for any other."""
    if not isinstance(ask, Call) or ask.function not in ("d", "upstream"):
        return None
    ends = [arg.id for arg in ask.args if isinstance(arg, Name)]
    if len(ends) != len(ask.args):
        return None
    *target, source = ends if ask.function == "d" else reversed(ends)
    return source if target in ([], [engine.output]) else None


def zeros(engine: ArrayEngine, name: str) -> Expr:
    """Zeros in the shape of a name."""
    shape = engine.shapes[name]
    return Call("zeros", tuple(one.expr() for one in shape)) if shape else number(0)


def ones(engine: ArrayEngine, name: str) -> Expr:
    """Ones in the shape of a name."""
    shape = engine.shapes[name]
    return Call("ones", tuple(one.expr() for one in shape)) if shape else ONE
