"""The shapes of what was written, over a problem's names and those of a text; what is shared is worked out once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.expr import has_letters
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.verifying.arrays.reading import quietly
from gradcheck_cli.verifying.gradients import names_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.shapes import Shape
    from gradcheck_cli.solving.array_engine import ArrayEngine
    from gradcheck_cli.verifying.texts.own import Own

MOST_KEPT = 5_000


class Sized:
    """`quiet` is `of` with None for what has no shape; each expression is worked out once."""

    def __init__(self, engine: ArrayEngine) -> None:
        self.engine = engine
        self.quiet = quietly(self.of)
        self._known = Shapes(engine.shapes, engine.letters)

    def of(self, expr: Expr) -> Shape:
        """The shape of an expression, whatever its index letters have run over before. Raises GradcheckError."""
        resolved = self.engine.resolve(expr)
        if has_letters(resolved):
            return lower(resolved, Shapes(self.engine.shapes, self.engine.letters)).shape
        if len(self._known.seen) > MOST_KEPT:
            self._known.seen.clear()
        return lower(resolved, self._known).shape

    def with_own(self, own: Own) -> Callable[[Expr], Shape | None]:
        """The shape of an expression in which a text's own names stand; None where its parts do not fit."""
        named = quietly(lambda expr: self.of(own.meanings(expr)[0]))
        if own.definitions or own.entries or own.unequal:
            return named
        return lambda expr: named(expr) if names_of(expr) else self.quiet(expr)
