"""Entries of a derivative where its formula has no value, or not the one that the conventions choose.

`[x == max(x)]` marks every largest entry, and a tie goes to the first; `det(A)*inv(A).T` are the cofactors of A, which
it has where it has no inverse, too; `prod(x)/x` are the products of the other entries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Name, number, parts
from gradcheck_cli.grids import Grid, grid, places
from gradcheck_cli.inference import whole
from gradcheck_cli.symbolic.entries import MOST_NODES, Entries
from gradcheck_cli.symbolic.minors import adjugate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_EXTREMES = ("amax", "amin")


class DerivedEntries(Entries):
    """Makes entries of derivatives; `definitions` has what names stand for, in primitives and sizes in numbers."""

    def __init__(
        self,
        known: Mapping[str, tuple[int, ...] | Grid],
        definitions: Mapping[str, Expr],
        most: int = MOST_NODES,
    ) -> None:
        super().__init__(known, most)
        self.definitions = definitions

    def _worked_out(self, expr: Expr, bound: dict[str, int]) -> Grid:
        if isinstance(expr, Call) and expr.function == "eq":
            made = super()._worked_out(expr, bound)
            extreme = self._extreme(*expr.args)
            return made if extreme is None else self._first(made, whole(extreme.options).get("axis"))
        if isinstance(expr, Call) and expr.function == "div" and (quotient := self._quotient(expr, bound)) is not None:
            return quotient
        if isinstance(expr, Call) and expr.function == "mul":
            factors = list(_factors(expr))
            found = self._cofactors(factors)
            if found is not None:
                inverse, rest = found
                return self.elementwise(
                    "mul", (self._times_det(inverse, bound), *(self._grid(one, bound) for one in rest))
                )
            made = super()._worked_out(expr, bound)
            if any(_is(self._defined(factor), "det") for factor in factors):
                made = self._unabsorbed(made, [self._grid(one, bound) for one in factors if self._inverts(one)])
            return made
        return super()._worked_out(expr, bound)

    def _quotient(self, expr: Call, bound: dict[str, int]) -> Grid | None:
        """prod(x)/x as the product of the other entries, which is there where an entry is 0, too."""
        above, below = (list(_factors(arg)) for arg in expr.args)
        for at, factor in enumerate(above):
            product = self._defined(_unshaped(factor))
            if not isinstance(product, Call) or product.function != "prod" or product.args[0] not in below:
                continue
            below.remove(product.args[0])
            del above[at]
            entries = self._grid(product.args[0], bound)
            found = self._others(entries, whole(product.options).get("axis"))
            found = self.elementwise("mul", (found, *(self._grid(one, bound) for one in above)))
            for one in below:
                found = self.elementwise("div", (found, self._grid(one, bound)))
            return found
        return None

    def _others(self, entries: Grid, axis: int | None) -> Grid:
        """For each entry the product of those that it is multiplied with."""
        found = []
        for place in places(entries.shape):
            rest = [
                entries[other]
                for other in places(entries.shape)
                if other != place
                and (axis is None or other[:axis] + other[axis + 1 :] == place[:axis] + place[axis + 1 :])
            ]
            found.append(self.make("mul", *rest) if len(rest) > 1 else rest[0] if rest else number(1))
        return grid(entries.shape, found)

    def _times_det(self, inverse: Expr, bound: dict[str, int]) -> Grid:
        """det(A) times inv(A) or inv(A).T."""
        turned = _is(inverse, "transpose")
        inner = self._defined(inverse.args[0] if turned and isinstance(inverse, Call) else inverse)
        assert isinstance(inner, Call)  # noqa: S101 - found as inv(A)
        found = adjugate(self._grid(inner.args[0], bound), self.make, self.afford)
        return grid(found.shape, (found[place[::-1] if turned else place] for place in places(found.shape)))

    def _unabsorbed(self, product: Grid, inverses: list[Grid]) -> Grid:
        """The product, without a value where one of these factors has none: a determinant of 0 does not absorb it."""
        for one in inverses:
            nothing = self.elementwise("add", (one, one.map(lambda item: self.make("neg", item))))
            product = self.elementwise("add", (product, nothing))
        return product

    def _inverts(self, expr: Expr) -> bool:
        return any(_is(self._defined(part), "inv") for part in parts(expr))

    def _defined(self, expr: Expr) -> Expr:
        return self.definitions.get(expr.id, expr) if isinstance(expr, Name) else expr

    # -- the largest entry

    def _extreme(self, array: Expr, value: Expr) -> Call | None:
        """The max(x) or min(x) to which x is compared."""
        value = self._defined(_unshaped(value))
        if isinstance(value, Call) and value.function in _EXTREMES and value.args[0] == array:
            return value
        return None

    def _first(self, mask: Grid, axis: int | None) -> Grid:
        """Each 1 with a 1 before it becomes 0."""
        found: dict[tuple[int, ...], Expr] = {}
        free: dict[tuple[int, ...], Expr] = {}  # whether none was marked before
        for place in places(mask.shape):
            line = () if axis is None else (*place[:axis], *place[axis + 1 :])
            before = free.get(line, number(1))
            found[place] = self.make("mul", before, mask[place])
            free[line] = self.make("mul", before, self.make("add", number(1), self.make("neg", mask[place])))
        return grid(mask.shape, (found[place] for place in places(mask.shape)))

    # -- cofactors

    def _cofactors(self, factors: list[Expr]) -> tuple[Expr, list[Expr]] | None:
        """The inv(A) or inv(A).T that stands beside det(A), and the other factors."""
        for factor in factors:
            inverse = self._defined(factor.args[0] if isinstance(factor, Call) and _is(factor, "transpose") else factor)
            if not (isinstance(inverse, Call) and inverse.function == "inv"):
                continue
            wanted = Call("det", inverse.args)
            at = next((place for place, other in enumerate(factors) if self._defined(other) == wanted), None)
            if at is not None:
                return factor, [other for place, other in enumerate(factors) if place != at and other is not factor]
        return None


def _unshaped(expr: Expr) -> Expr:
    """What a reshape only gave another shape."""
    while isinstance(expr, Call) and expr.function == "reshape":
        expr = expr.args[0]
    return expr


def _is(expr: Expr, function: str) -> bool:
    return isinstance(expr, Call) and expr.function == function


def _factors(expr: Expr) -> Iterator[Expr]:
    """The factors of a product of products."""
    if isinstance(expr, Call) and expr.function == "mul":
        for arg in expr.args:
            yield from _factors(arg)
    else:
        yield expr
