"""`dZ` for the gradient of the output by Z, as code and many courses write it: `dW = dZ @ A.T / m`.

In a loss that is a mean over a batch, such a dZ may stand for the gradient of the sum, its 1/m coming later; which of
the two a text means shows where it says what dZ is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Index, Name, functions, mapped, names, walk
from gradcheck_cli.symbolic.build import times

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DIFFERENTIAL = "differential"


@dataclass(slots=True)
class Gradients:
    """What `dZ` stands for in one text.

    `batch`  the size of the batch, for each node that has an axis for it
    `said`   what the text has said it is, for each name: one expression, or several that it may be
    `sure`   whether a formula was right with it as a gradient
    """

    batch: Mapping[str, Expr] = field(default_factory=dict)
    said: dict[str, tuple[Expr, ...]] = field(default_factory=dict)
    sure: bool = False

    def of(self, name: str) -> tuple[Expr, ...]:
        """What dZ may stand for, the likeliest first."""
        arrives = Call("upstream", (Name(name),))
        return self.said.get(name) or (arrives, *(times(size, arrives) for size in self.sizes(name)))

    def sizes(self, name: str) -> tuple[Expr, ...]:
        """The size of the batch, where the name has an axis for it."""
        return (self.batch[name],) if name in self.batch else ()

    def say(self, name: str, *, summed: bool) -> None:
        """Keep whether dZ is the gradient of the sum over the batch, or of its mean."""
        arrives: Expr = Call("upstream", (Name(name),))
        self.said[name] = tuple(times(size, arrives) for size in self.sizes(name)) if summed else (arrives,)

    def put_in(self, expr: Expr) -> tuple[Expr, ...]:
        """The expression with every dZ as what it stands for, in as many ways as one of them has."""
        used = names_of(expr)
        if not used:
            return (expr,)
        ways = {name: self.of(name) for name in used}
        most = max(map(len, ways.values()))
        chosen = [{name: found[min(at, len(found) - 1)] for name, found in ways.items()} for at in range(most)]
        return tuple(dict.fromkeys(exchanged(expr, choice.__getitem__) for choice in chosen))


def base_of(call: Expr) -> str | None:
    """The Z of dZ or of an entry of it; None for what is neither."""
    if not isinstance(call, Call) or call.function != DIFFERENTIAL:
        return None
    inner = call.args[0].base if isinstance(call.args[0], Index) else call.args[0]
    return inner.id if isinstance(inner, Name) else None


def moved_expression(expr: Expr) -> Expr | None:
    """The expression in `d(X W)`, or in `dA^{-1}`, that is moved; None for what is no such thing."""
    if isinstance(expr, Call) and expr.function == "pow" and base_of(expr.args[0]) is not None:
        inner = expr.args[0]
        assert isinstance(inner, Call)  # noqa: S101 - dA is one
        return Call("pow", (inner.args[0], expr.args[1]), (), expr.span)
    if isinstance(expr, Call) and expr.function == DIFFERENTIAL and base_of(expr) is None:
        return expr.args[0]
    return None


def moved_names(expr: Expr) -> tuple[str, ...]:
    """The Z of every dZ in an expression, and the names in every expression that is moved, as in d(XW)."""
    inside = (moved_expression(part) for part in walk(expr))
    found = (name for one in inside if one is not None for name in names(one))
    return tuple(dict.fromkeys((*names_of(expr), *found)))


def names_of(expr: Expr) -> tuple[str, ...]:
    """The Z of every dZ in an expression."""
    if DIFFERENTIAL not in functions(expr):
        return ()
    found = (base_of(part) for part in walk(expr) if isinstance(part, Call) and part.function == DIFFERENTIAL)
    return tuple(dict.fromkeys(name for name in found if name is not None))


def exchanged(expr: Expr, put: Callable[[str], Expr]) -> Expr:
    """The expression with every dZ exchanged, an entry of it for that entry."""
    name = base_of(expr)
    if name is not None and isinstance(expr, Call):
        inner = expr.args[0]
        return Index(put(name), inner.indices, expr.span) if isinstance(inner, Index) else spanned(put(name), expr)
    return mapped(expr, lambda child: exchanged(child, put))


def spanned(expr: Expr, place: Expr) -> Expr:
    """An expression that stands where another was written."""
    return Name(expr.id, place.span) if isinstance(expr, Name) else expr
