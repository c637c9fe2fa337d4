"""Where doubles put the tape beside a kink on which the exact values stand: 0.1*3 - 0.3 is 5.6e-17 to the tape."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli import tape
from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expand import kink_arguments
from gradcheck_cli.expr import Call, Expr, names, number, walk
from gradcheck_cli.graph import Graph, Node
from gradcheck_cli.grids import label
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.symbolic.entries import entries
from gradcheck_cli.symbolic.evaluate import inner, plan, sign_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gradcheck_cli.grids import Grid

_BORDER = "(border)"
BITS = 64


def beside(graph: Graph, bent: Iterable[str], given: Mapping[str, Grid], env: Mapping[str, Grid]) -> frozenset[str]:
    """The nodes of `bent` in which some entry is exactly on a border, and is not in doubles."""
    exprs = {node.name: node.expr for node in graph.nodes}
    return frozenset(name for name in bent if any(_off(graph, one, given, env) for one in _borders(exprs[name])))


def _borders(expr: Expr) -> list[Expr]:
    """What is 0 on the borders of an expression's branches; of a largest entry, the entries less that one."""
    found = list(kink_arguments(expr))
    for part in walk(expr):
        if isinstance(part, Call) and part.function in ("amax", "amin"):
            options = dict(part.options)
            kept = Call(part.function, part.args, tuple(sorted({**options, "keepdims": number(1)}.items())))
            found.append(Call("add", (part.args[0], Call("neg", (kept,)))))
    return found


def _off(graph: Graph, border: Expr, given: Mapping[str, Grid], env: Mapping[str, Grid]) -> bool:
    """Whether an entry is exactly 0, and not so on the tape; a border inside a sum over a letter is not looked at."""
    used = names(border)
    if not set(used) <= env.keys():
        return False
    try:
        shape = lower(border, Shapes(graph.shapes)).shape
        probed = replace(graph, nodes=(*graph.nodes, Node(_BORDER, border)), shapes={**graph.shapes, _BORDER: shape})
        taped = tape.compile_graph(probed).forward(dict(given)).values[_BORDER].reshape(-1).tolist()
        parts = entries(border, {name: env[name].shape for name in used})
    except UnsupportedError:
        return False
    point = {
        label(name, place): inner(item)
        for name in used
        for place, item in zip(env[name].places(), env[name].items, strict=True)
    }
    steps = plan(parts.items)
    results = steps.run(point, BITS)
    pairs = zip((results[slot] for slot in steps.outputs), taped, strict=True)
    return any(exact is not None and sign_of(exact) == 0 and double != 0 for exact, double in pairs)
