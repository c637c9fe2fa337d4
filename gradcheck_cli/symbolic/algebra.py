"""Terms of matrices: products in chains, transposes at the names, sums with what does not vary pulled out.

Canonical forms that like terms meet in: a chain has matrices and at its ends perhaps vectors; a vector that stands left
of a matrix goes to the right of its transpose; numbers stand before a chain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.inference import Operands, reduced, result_shape
from gradcheck_cli.shapes import ONE, Shape, Size
from gradcheck_cli.symbolic.terms import UNIT, Entrywise, Term, calls, fit, is_zero

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SHORT_SUM = 4
_REDUCTIONS = frozenset({"sum", "prod", "amax", "amin", "logsumexp"})


@dataclass(eq=False)
class Algebra(Entrywise):
    """Makes terms of arrays.

    `sums_to_one`  name -> axis along which its entries sum to 1, as far as that is known
    `symmetric`    names that are their own transpose
    `facts`        whether these may be used
    `defined`      nodes' definitions, which may say what their entries sum to
    `decimal`      whether numbers are written as decimals: one was typed with a point
    """

    sums_to_one: Mapping[str, int] = field(default_factory=dict)
    symmetric: frozenset[str] = frozenset()
    facts: bool = False
    defined: dict[str, Term] = field(default_factory=dict)
    decimal: bool = False
    _turned: dict[tuple[Term, bool], Term] = field(default_factory=dict)

    # -- products of matrices

    def matmul(self, left: Term, right: Term) -> Term:
        """The matrix product of terms with one or two axes."""
        shape = shapes.product(left.shape, right.shape)
        if is_zero(left) or is_zero(right):
            return self.zeros(shape)
        (first, left), (second, right) = self.scalars_out(left), self.scalars_out(right)
        for one, other in ((left, right), (right, left)):
            if one.shape == (ONE, ONE) and other.rank == 2 and other.shape == shape:
                return self.mul(first, second, self.lone(one), other)
        if right.op == "ones" and right.rank == 1 and left.op != "matmul" and left.rank == 2:
            return self.mul(first, second, self.sum(left, 1))
        if calls(right, "onehot") and left.op == "transpose":
            entry = self.made("entry", (left.args[0], right.args[0]), shape)
            return self.mul(first, second, entry)
        if left.rank == 1 and right.rank == 2:
            return self.mul(first, second, self.matmul(self.transpose(right), left))
        before = left.args if left.op == "matmul" else (left,)
        after = right.args if right.op == "matmul" else (right,)
        if left is right and left.rank == 1:
            return self.mul(first, second, self.sum(self.power(left, UNIT * 2)))
        if left.rank == 1:  # a dot product: a chain M @ u before it is u @ M.T
            before = tuple(self.transpose(factor) for factor in reversed(before))
        return self.mul(first, second, self.chain((*before, *after), shape))

    def lone(self, term: Term) -> Term:
        """The only entry of an array whose sizes are all 1."""
        match term.op:
            case "ones":
                return self.num(1)
            case "add":
                return self.add(*(self.lone(arg) for arg in term.args))
            case "had":
                powers = [self.power(self.lone(arg), power) for arg, power in zip(term.args, term.attr[1], strict=True)]
                return self.mul(self.num(term.attr[0]), *powers)
            case "call" if term.attr[0] == "reshape":
                return self.lone(term.args[0])
        if not term.rank:
            return term
        return self.made("entry", (term, *(self.num(0) for _ in term.shape)), ())

    def chain(self, factors: tuple[Term, ...], shape: Shape) -> Term:
        """A chain of canonical factors; a number is the same read from either end."""
        kept = tuple(factor for factor in factors if not calls(factor, "eye")) or factors[:1]
        kept = self._without_inverses(kept)
        if not kept:
            return self.eye(shape[0])
        if len(kept) == 1 and kept[0].shape == shape:
            return kept[0]
        if shape:
            return self.term("matmul", kept, None, shape)
        if len(kept) == 1:
            return self.sum(self.power(kept[0], UNIT * 2))
        allowed, self.facts = self.facts, False  # a term is the same whatever is known
        back = tuple(self.transpose(factor) for factor in reversed(kept))
        self.facts = allowed
        return self.term("matmul", kept, None, shape, ("matmul", frozenset((kept, back))))

    @staticmethod
    def _without_inverses(factors: tuple[Term, ...]) -> tuple[Term, ...]:
        """inv(A) @ A drops out."""
        kept: list[Term] = []
        for factor in factors:
            last = kept[-1] if kept else None
            if last is not None and (_inverts(last, factor) or _inverts(factor, last)):
                kept.pop()
            else:
                kept.append(factor)
        return tuple(kept)

    def transpose(self, term: Term) -> Term:
        """The transpose, pushed to the names where it can be; of a vector the vector itself."""
        if term.rank < 2:
            return term
        key = (term, self.facts)
        found = self._turned.get(key)
        if found is None:
            found = self._turned[key] = self._transposed(term)
        return found

    def _transposed(self, term: Term) -> Term:
        match term.op:
            case "transpose":
                return term.args[0]
            case "ones" | "zeros":
                return self.term(term.op, (), None, term.shape[::-1])
            case "name" if term.attr in self.symmetric and self.facts:
                return term
            case "call" if term.attr[0] == "eye":
                return term
            case "call" if term.attr[0] == "inv" and self.transpose(term.args[0]) is term.args[0]:
                return term
            case "call" if term.attr[0] == "outer":
                return self.call("outer", term.args[1], term.args[0])
        if (
            term.op == "had"
            and any(calls(arg, "eye") for arg in term.args)
            and all(arg.rank < 2 or calls(arg, "eye") for arg in term.args)
        ):
            return term  # v*eye(n) is a diagonal
        if term.op in ("matmul", "add", "had", "fn") and all(arg.rank in (0, 2) for arg in term.args):
            return self._inside(term)
        return self.term("transpose", (term,), None, term.shape[::-1])

    def _inside(self, term: Term) -> Term:
        """The transpose of a term whose operands are matrices and numbers: that of the operands."""
        turned = [self.transpose(arg) for arg in term.args]
        if term.op == "matmul":
            return self.chain(tuple(reversed(turned)), term.shape[::-1])
        return self._over(term, turned)

    def _over(self, term: Term, args: list[Term]) -> Term:
        """The same operation entry by entry on other operands."""
        if term.op == "add":
            return self.add(*args)
        if term.op == "fn":
            return self.fn(term.attr, *args)
        powers = [self.power(arg, power) for arg, power in zip(args, term.attr[1], strict=True)]
        return self.mul(self.num(term.attr[0]), *powers)

    def inv(self, term: Term) -> Term:
        """The inverse of a matrix."""
        if calls(term, "inv"):
            return term.args[0]
        if term.op == "transpose":
            return self.transpose(self.inv(term.args[0]))
        if term.op == "matmul" and all(factor.shape == term.shape for factor in term.args):
            return self.chain(tuple(self.inv(factor) for factor in reversed(term.args)), term.shape)
        scalar, rest = self.scalars_out(term)
        return self.mul(self.power(scalar, -UNIT), self.term("call", (rest,), ("inv", ()), term.shape))

    # -- functions

    def fn(self, function: str, *args: Term) -> Term:
        """An elementwise function."""
        shape: Shape = ()
        for arg in args:
            shape = fit(shape, arg.shape)
        if function == "gt" and (is_zero(args[1]) or is_zero(args[0])):
            above = args[0] if is_zero(args[1]) else self.negative(args[1])
            return self.stretched(self.fn("step", above), shape)
        return self.term("fn", args, function, shape)

    def call(self, function: str, *args: Term, **options: int) -> Term:
        """A function of arrays; `axis` is counted from 0."""
        match function:
            case "sum":
                return self.sum(args[0], options.get("axis"), keep="keepdims" in options)
            case "reshape":
                return self.reshape(args[0], self.sizes(args[1:]))
            case "inv":
                return self.inv(args[0])
            case "outer" if not (is_zero(args[0]) or is_zero(args[1])):
                (first, left), (second, right) = self.scalars_out(args[0]), self.scalars_out(args[1])
                if right.op == "ones" and right.shape == (ONE,):
                    return self.mul(first, second, self.reshape(left, (*left.shape, ONE)))
                pair = self.term("call", (left, right), ("outer", ()), (*left.shape, *right.shape))
                return self.mul(first, second, pair)
        operands = Operands(function, (), tuple(arg.shape for arg in args), options, self.letters)
        return self.term("call", args, (function, tuple(sorted(options.items()))), result_shape(operands))

    def made(self, function: str, args: tuple[Term, ...], shape: Shape, **options: int) -> Term:
        """A function whose shape its maker knows: of sizes (`eye(n)`), or an entry."""
        return self.term("call", args, (function, tuple(sorted(options.items()))), shape)

    def eye(self, one: Size) -> Term:
        """The identity matrix."""
        return self.term("call", (self.size(one),), ("eye", ()), (one, one))

    # -- sums over axes

    def reshape(self, term: Term, shape: Shape) -> Term:
        """The same entries in another shape."""
        if term.shape == shape:
            return term
        if term.op in ("ones", "zeros"):
            return self.ones(shape) if term.op == "ones" else self.zeros(shape)
        if not term.rank:
            return self.stretched(term, shape)
        if not shape:
            return self.lone(term)
        if calls(term, "reshape"):
            return self.reshape(term.args[0], shape)
        if term.op in ("had", "add", "fn") and all(arg.shape in ((), term.shape) for arg in term.args):
            return self.stretched(
                self._over(term, [self.reshape(arg, shape) if arg.shape else arg for arg in term.args]), shape
            )
        if (kept := self._kept(term, shape)) is not None:
            return kept
        return self.term("call", (term, *(self.size(one) for one in shape)), ("reshape", ()), shape)

    def _kept(self, term: Term, shape: Shape) -> Term | None:
        """A reduction with its axis kept, where that is the shape wanted."""
        if term.op != "call" or term.attr[0] not in _REDUCTIONS:
            return None
        function, options = term.attr[0], dict(term.attr[1])
        if (
            "axis" not in options
            or "keepdims" in options
            or reduced(term.args[0].shape, options["axis"], keep=True) != shape
        ):
            return None
        return self.made(function, term.args, shape, keepdims=1, **options)

    def sum(self, term: Term, axis: int | None = None, *, keep: bool = False) -> Term:
        """The sum of the entries, of all or along an axis; what does not vary along it stands before it."""
        shape = reduced(term.shape, axis, keep=keep)
        if keep and term.rank and (axis is None or term.rank == 1):
            return self.stretched(self.sum(term), shape)
        if term.rank == 1:
            axis = None
        axes = tuple(range(term.rank)) if axis is None else (axis,)
        if is_zero(term) or not term.rank:
            return self.zeros(shape) if is_zero(term) else term
        if all(term.shape[one] == ONE for one in axes):
            return self.reshape(term, shape)
        coefficient, powers = self.factors(term)
        still = {base: power for base, power in powers.items() if self._constant(base, term.rank, axes)}
        moving = {base: power for base, power in powers.items() if base not in still and base.op != "ones"}
        outer = [
            self._without_axes(self.product(UNIT, {base: power}, base.shape), term.rank, axes, keep=keep)
            for base, power in still.items()
        ]
        within: Shape = ()
        for base in moving:
            within = fit(within, base.shape)
        alone = [one for one in axes if _size_at(within, term.rank, one) == ONE]
        times = [self.size(term.shape[one]) for one in alone]
        if moving:
            inner = self.product(UNIT, moving, within)
            place = None if axis is None else axis - (term.rank - inner.rank)
            outer.append(self._whole_sum(inner, place, reduced(inner.shape, place, keep=keep), keep=keep))
        return self.stretched(self.mul(self.num(coefficient), *times, *outer), shape)

    def _whole_sum(self, term: Term, axis: int | None, shape: Shape, *, keep: bool) -> Term:
        """The sum of a term that varies along every axis summed over."""
        along = self.sums_to_one.get(term.attr) if term.op == "name" and self.facts else None
        if along is not None:
            along %= term.rank
            rest = tuple(one for at, one in enumerate(term.shape) if at != along)
            if axis in (along, None):
                return self.stretched(self.size(shapes.count(rest)) if axis is None else self.num(1), shape)
        if calls(term, "softmax") and axis in (dict(term.attr[1])["axis"], None if term.rank == 1 else -1):
            return self.ones(shape)
        if calls(term, "eye"):
            return self.stretched(self.size(term.shape[0]) if axis is None else self.num(1), shape)
        if not keep and (product := self._as_product(term, axis)) is not None:
            return product
        if term.op == "name" and term.attr in self.defined and (known := self._known_sum(term, axis, keep=keep)):
            return known
        if term.op == "add" and any(map(self._minus_a_node, term.args)):
            parts = self.add(*(self.sum(self.stretched(arg, term.shape), axis, keep=keep) for arg in term.args))
            if is_zero(self._unfolded(parts)):
                return self.zeros(shape)
        options = {} if axis is None else {"axis": axis}
        options |= {"keepdims": 1} if keep else {}
        return self.term("call", (term,), ("sum", tuple(sorted(options.items()))), shape)

    def _as_product(self, term: Term, axis: int | None) -> Term | None:
        """X @ y for sum(x*y), M @ v for sum(M*v, axis=1)."""
        if term.op == "transpose" and axis is not None:
            return self.sum(term.args[0], 1 - axis)
        if term.op != "had" or term.attr != (1, (1, 1)):
            return None
        left, right = sorted(term.args, key=lambda arg: arg.rank == 1 or calls(arg, "reshape"))
        if term.rank == 1 and left.shape == right.shape:
            hot = next((arg for arg in (left, right) if calls(arg, "onehot")), None)
            if hot is not None:
                return self.made("entry", (left if hot is right else right, hot.args[0]), ())
            return self.matmul(left, right)
        if term.rank != 2 or left.shape != term.shape:
            return None
        if axis == 1 and right.rank == 1:
            return self.matmul(left, right)
        if axis == 1 and calls(right, "reshape") and right.args[0].rank == 1 and right.shape[0] == ONE:
            return self.matmul(left, right.args[0])
        if axis == 0 and calls(right, "reshape") and right.args[0].rank == 1 and right.shape[1] == ONE:
            return self.matmul(self.transpose(left), right.args[0])
        return None

    def _known_sum(self, term: Term, axis: int | None, *, keep: bool) -> Term | None:
        """The sum of a node's entries, where its definition says that it is a number."""
        definition = self.defined[term.attr]
        parts = definition.args if definition.op == "add" else (definition,)
        found = self.add(*(self.sum(self.stretched(part, term.shape), axis, keep=keep) for part in parts))
        if found.op in ("num", "ones"):
            return found
        if found.op == "add" and not found.shape and found.weight < _SHORT_SUM:
            return found
        if is_zero(self._unfolded(found)):  # X - mean(X)
            return self.zeros(found.shape)
        return None

    def _minus_a_node(self, term: Term) -> bool:
        """Whether a summand takes away a node, as X - mu does."""
        names = [base for base in term.args if base.op == "name" and base.attr in self.defined]
        return term.op == "had" and term.attr[0] < 0 and bool(names)

    def _unfolded(self, term: Term) -> Term:
        """A sum of multiples of names with what the names stand for."""
        match term.op:
            case "name" if term.attr in self.defined:
                return self.defined[term.attr]
            case "add":
                return self.add(*(self._unfolded(arg) for arg in term.args))
            case "had":
                powers = [
                    self.power(self._unfolded(arg) if power == 1 else arg, power)
                    for arg, power in zip(term.args, term.attr[1], strict=True)
                ]
                return self.mul(self.num(term.attr[0]), *powers)
        return term

    def constant_along(self, base: Term, rank: int, axis: int | None) -> bool:
        """Whether a factor of a term with so many axes does not vary along one of them, or along any."""
        return self._constant(base, rank, range(rank) if axis is None else (axis,))

    @staticmethod
    def _constant(base: Term, rank: int, axes: Iterable[int]) -> bool:
        return all(_size_at(base.shape, rank, axis) == ONE for axis in axes)

    def _without_axes(self, factor: Term, rank: int, axes: Iterable[int], *, keep: bool) -> Term:
        """A factor that does not vary along the axes, without them."""
        if keep or not factor.rank:
            return factor
        gone = {axis - (rank - factor.rank) for axis in axes}
        return self.reshape(factor, tuple(one for at, one in enumerate(factor.shape) if at not in gone))

    def sum_to(self, term: Term, shape: Shape) -> Term:
        """A term summed over the axes along which an operand of that shape was broadcast."""
        if not shape:
            return self.sum(term)
        while term.rank > len(shape):
            term = self.sum(term, 0)
        for axis, one in enumerate(shape):
            if one == ONE and term.shape[axis] != ONE:
                term = self.sum(term, axis, keep=True)
        return term

    def widened(self, term: Term, axis: int | None, shape: Shape) -> Term:
        """A result of a reduction of an array of `shape`, with or without the axis, so that it broadcasts with it."""
        if axis is None:
            return self.reshape(term, ())
        return term if axis == 0 or term.rank == len(shape) else self.reshape(term, reduced(shape, axis, keep=True))


def _size_at(shape: Shape, rank: int, axis: int) -> Size:
    place = axis - (rank - len(shape))
    return shape[place] if place >= 0 else ONE


def _inverts(one: Term, other: Term) -> bool:
    return calls(one, "inv") and one.args[0] is other
