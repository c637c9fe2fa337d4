"""Powers that were not taken: x where x^2 should stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Name, Num, exchanged, substitute, walk
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.solving.engine import Engine

_INDICATORS = frozenset({"gt", "ge", "lt", "le", "eq", "ne", "step", "delta"})


def without_powers(engine: Engine, expr: Expr) -> Iterator[tuple[str, Expr]]:
    """The expression with one power of it, or of a node in it, as its base; and what is missing, in words."""
    nodes = {node.name: node.expr for node in engine.graph.nodes}
    for part in dict.fromkeys(walk(expr)):
        power = nodes.get(part.id) if isinstance(part, Name) else part
        if not isinstance(power, Call) or power.function != "pow" or not isinstance(power.args[1], Num):
            continue
        base = power.args[0]
        if isinstance(base, Call) and base.function in _INDICATORS:
            continue  # 0 and 1 are their own powers
        changed = substitute(expr, {part.id: base}) if isinstance(part, Name) else exchanged(expr, power, base)
        yield f"the power {write(power)} is not taken: {write(base)} stands for it", changed
