"""One expression in another exchanged for a third."""

from __future__ import annotations

from gradcheck_cli.expr import Expr, children, with_children


def exchanged(expr: Expr, old: Expr, new: Expr) -> Expr:
    """The expression with every part that is `old` exchanged."""
    if expr == old:
        return new
    below = children(expr)
    return with_children(expr, tuple(exchanged(child, old, new) for child in below)) if below else expr
