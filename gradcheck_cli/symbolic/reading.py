"""Expressions of arrays to terms and back.

Read are expressions in primitive functions, as `lowering.lower` gives them. Written are expressions that a student
recognises: simple factors before products of matrices, divisors last, `1 - a` rather than `-a + 1`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expr import Call, Expr, Index, Name, Num, Sum, number, size
from gradcheck_cli.functions import FUNCTIONS
from gradcheck_cli.inference import Operands, result_shape, whole
from gradcheck_cli.shapes import ONE, usual_axis
from gradcheck_cli.symbolic.build import plus, quotient, times
from gradcheck_cli.symbolic.convert import as_typed
from gradcheck_cli.symbolic.terms import UNIT, Term, calls, fit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gradcheck_cli.shapes import Shape, Size
    from gradcheck_cli.symbolic.algebra import Algebra

_HALF = Fraction(1, 2)
_RANKS = {"num": 0, "name": 1, "fn": 3, "add": 2, "transpose": 1, "had": 4, "call": 5, "matmul": 6}

_OPERATORS: dict[str, Callable[..., Term]] = {
    "add": lambda make, *args: make.add(*args),
    "neg": lambda make, arg: make.negative(arg),
    "mul": lambda make, *args: make.mul(*args),
    "div": lambda make, top, bottom: make.mul(top, make.power(bottom, -UNIT)),
    "sqrt": lambda make, arg: make.power(arg, _HALF),
}


# -- reading


def read(algebra: Algebra, expr: Expr, names: Mapping[str, Term] | None = None) -> Term:
    """An expression in primitive functions as a term; `names` stand for terms of their own.

    Raises UnsupportedError for what has no term: entries by letters outside a sum over them.
    """
    return _Reader(algebra, names or {}).term(expr)


class _Reader:
    def __init__(self, algebra: Algebra, names: Mapping[str, Term]) -> None:
        self.algebra = algebra
        self.names = names
        self.letters: dict[str, Size] = {}  # index letters that are summed over, the outermost first
        self.known: dict[Expr, Term] = {}

    def term(self, expr: Expr) -> Term:
        """The term; of a body of sums, with an axis for each of their letters, in their order."""
        if not self.letters and expr in self.known:
            return self.known[expr]
        found = self._term(expr)
        if not self.letters:
            self.known[expr] = found
        return found

    def _term(self, expr: Expr) -> Term:
        match expr:
            case Num():
                self.algebra.decimal = self.algebra.decimal or "." in expr.text
                return self.algebra.num(expr.value)
            case Name() if expr.id in self.letters:
                return self._unsupported(f"{expr.id} as a number inside a sum", expr)
            case Name():
                return self._whole(self.names.get(expr.id) or self.algebra.name(expr.id), expr)
            case Index():
                return self._entry(expr)
            case Sum():
                return self._sum(expr)
        return self._call(expr)

    def _call(self, expr: Call) -> Term:
        make = self.algebra
        if expr.function == "pow" and (exponent := rational(expr.args[1])) is not None:
            return make.power(self.term(expr.args[0]), exponent)
        if FUNCTIONS[expr.function].shape in ("filled", "eye"):
            return self._whole(self._filled(expr), expr)
        args = tuple(self.term(arg) for arg in expr.args)
        if expr.function in _OPERATORS:
            return _OPERATORS[expr.function](make, *args)
        if FUNCTIONS[expr.function].elementwise:
            return make.fn(expr.function, *args)
        if self.letters and any(arg.rank for arg in args):
            return self._unsupported(f"{expr.function}(…) of what a sum runs over", expr)
        if expr.function in ("matmul", "transpose"):
            return make.matmul(*args) if expr.function == "matmul" else make.transpose(*args)
        return self._with_options(expr, args, whole(expr.options))

    def _with_options(self, expr: Call, args: tuple[Term, ...], options: dict[str, int]) -> Term:
        """A function of arrays; of `part` and `concat` the axis is always said, as in what they send back."""
        make = self.algebra
        if expr.function == "concat":
            return make.call("concat", *args, **{"axis": 0, **options})
        if FUNCTIONS[expr.function].shape in ("pool2d", "pool2d_back"):
            operands = Operands(expr.function, expr.args, tuple(arg.shape for arg in args), options, make.letters)
            return make.made(expr.function, args, result_shape(operands), **options)
        if expr.function != "part":
            return make.call(expr.function, *args, **options)
        axis, inner = options.get("axis", 0), args[0].shape
        (count,) = make.sizes(args[2:])
        return make.made("part", args, (*inner[:axis], count, *inner[axis + 1 :]), axis=axis)

    def _filled(self, expr: Call) -> Term:
        make = self.algebra
        sizes = make.sizes(self.term(arg) for arg in expr.args)
        if expr.function == "eye":
            return make.eye(sizes[0])
        return make.ones(sizes) if expr.function == "ones" else make.zeros(sizes)

    # -- entries

    def _entry(self, expr: Index) -> Term:
        if self.letters and any(isinstance(index, Name) and index.id in self.letters for index in expr.indices):
            return self._along(expr)
        outside, self.letters = self.letters, {}
        base = self.term(expr.base)
        indices = tuple(self.term(index) for index in expr.indices)
        self.letters = outside
        if any(index.op not in ("num", "name") for index in indices):
            return self._unsupported("an index that is computed", expr)
        if any(index.op == "name" and index.attr not in self.algebra.shapes for index in indices):
            return self._unsupported("an entry by a letter that no sum runs over", expr)
        return self._whole(self.algebra.made("entry", (base, *indices), base.shape[len(indices) :]), expr)

    def _along(self, expr: Index) -> Term:
        """x[j] under a sum over j: x itself, its axes in the order of the letters."""
        names = [index.id if isinstance(index, Name) else "" for index in expr.indices]
        outside, self.letters = self.letters, {}
        base = self.term(expr.base)
        self.letters = outside
        if base.rank != len(names) or any(name not in self.letters for name in names) or len({*names}) != len(names):
            return self._unsupported("an entry by letters and numbers mixed", expr)
        order = list(self.letters)
        if [name for name in order if name in names] != names:
            base = self.algebra.transpose(base)
            names.reverse()
        shape = tuple(self.letters[name] if name in names else ONE for name in order)
        return self.algebra.reshape(base, shape)

    def _sum(self, expr: Sum) -> Term:
        assert expr.count is not None  # noqa: S101 - lowering has found it
        outside = self.letters
        if expr.index in outside or len(outside) > 1:
            return self._unsupported("a sum so deep inside sums", expr)
        self.letters = {**outside, expr.index: self.algebra.sizes((self.algebra_size(expr.count),))[0]}
        body = self.term(expr.body)
        shape = tuple(self.letters.values())
        self.letters = outside
        full = self.algebra.stretched(body, fit(body.shape, shape))
        return self.algebra.sum(full, len(shape) - 1, keep=False) if outside else self.algebra.sum(full)

    def algebra_size(self, count: Expr) -> Term:
        """A sum's bound as a term."""
        return _Reader(self.algebra, {}).term(count)

    def _whole(self, term: Term, expr: Expr) -> Term:
        """An array as it is; inside a sum the axes are those of its letters, and it has none of these."""
        return self._unsupported("a whole array inside a sum", expr) if self.letters and term.rank else term

    @staticmethod
    def _unsupported(what: str, expr: Expr) -> Term:
        message = f"{what} is not differentiated"
        raise UnsupportedError(message, hint="write it with whole arrays", span=expr.span)


def rational(expr: Expr) -> Fraction | None:
    """The number that an expression without names and functions is."""
    match expr:
        case Num():
            return expr.value
        case Call(function="neg", args=(inner,)):
            found = rational(inner)
            return None if found is None else -found
        case Call(function="div", args=(top, bottom)):
            over, under = rational(top), rational(bottom)
            return over / under if over is not None and under else None
    return None


# -- writing


def written(algebra: Algebra, term: Term) -> Expr:
    """A term as an expression."""
    return _Writer(algebra).expr(term)


class _Writer:
    def __init__(self, algebra: Algebra) -> None:
        self.algebra = algebra
        self.known: dict[Term, Expr] = {}
        self.plain: dict[Term, Expr] = {}

    def expr(self, term: Term) -> Expr:
        """The expression; (A*B).T rather than A.T*B.T."""
        found = self.known.get(term)
        if found is None:
            found = self._plain(term)
            if term.op in ("add", "had", "matmul") and term.rank == 2 and _transposes(term) > 1:
                turned = self.algebra.transpose(term)
                other = Call("transpose", (self._plain(turned),)) if _transposes(turned) < _transposes(term) else found
                found = other if size(other) < size(found) else found
            self.known[term] = found
        return found

    def _plain(self, term: Term) -> Expr:
        found = self.plain.get(term)
        if found is None:
            found = self.plain[term] = self._expr(term)
        return found

    def number(self, value: Fraction) -> Expr:
        return as_typed(value) if self.algebra.decimal else number(value)

    def _expr(self, term: Term) -> Expr:
        match term.op:
            case "num":
                return self.number(term.attr)
            case "name":
                return Name(term.attr)
            case "add":
                return plus(*(self.expr(arg) for arg in _positive_first(term.args)))
            case "had":
                return self._product(term)
            case "matmul":
                found = self.expr(term.args[0])
                for factor in term.args[1:]:
                    found = Call("matmul", (found, self.expr(factor)))
                return found
            case "fn":
                return Call(term.attr, tuple(self.expr(arg) for arg in term.args))
            case "transpose":
                return Call("transpose", (self.expr(term.args[0]),))
            case "ones" | "zeros":
                return Call(term.op, tuple(one.expr() for one in term.shape))
        return self._call(term)

    def _call(self, term: Term) -> Expr:
        function, options = term.attr
        if function == "sum" and not options and (traced := _traced(term.args[0])):
            return Call("trace", (self.expr(traced),))
        args = tuple(self.expr(arg) for arg in term.args)
        if function == "entry":
            return Index(args[0], args[1:])
        given = tuple((name, number(value)) for name, value in options)
        if function in ("concat", "part") and not dict(options).get("axis", 0):
            given = ()
        if function == "softmax" and dict(options)["axis"] == usual_axis(term.shape):
            given = ()
        if function == "sum" and (traced := _traced(term.args[0])) is not None and options:
            return Call("diag", (self.expr(traced),))
        return Call(function, args, given)

    def _product(self, term: Term) -> Expr:
        coefficient, powers = term.attr
        if any(calls(base, "eye") for base in term.args) and (found := self._diag(term)) is not None:
            return found
        top: list[tuple[int, Expr]] = []
        bottom: list[tuple[int, Expr]] = []
        shape: Shape = ()
        for base, power in zip(term.args, powers, strict=True):
            side = top if power > 0 else bottom
            if base.op != "ones":
                shape = fit(shape, base.shape)
                side.append((_place(base), self._power(base, abs(power))))
        if shape != term.shape:
            top.append((_RANKS["call"], self.expr(next(base for base in term.args if base.op == "ones"))))
        over = [expr for _, expr in sorted(top, key=lambda pair: pair[0])]
        under = [expr for _, expr in sorted(bottom, key=lambda pair: pair[0])]
        whole_product = times(self.number(coefficient), *over)
        return quotient(whole_product, times(*under)) if under else whole_product

    def _diag(self, term: Term) -> Expr | None:
        """c*diag(v) for a vector times the identity."""
        coefficient, powers = self.algebra.factors(term)
        vector = next((base for base in powers if _diagonal(base) is not None), None)
        identity = next(base for base in powers if calls(base, "eye"))
        rest = {base: power for base, power in powers.items() if base not in (vector, identity)}
        if vector is None or powers[vector] != 1 or any(base.rank for base in rest):
            return None
        inner = Call("diag", (self.expr(_diagonal(vector) or vector),))
        return times(self.expr(self.algebra.product(coefficient, rest)), inner)

    def _power(self, base: Term, exponent: Fraction) -> Expr:
        if exponent == 1:
            return self.expr(base)
        if exponent == _HALF:
            squared = _squared(base)
            if squared is None:
                return Call("sqrt", (self.expr(base),))
            return Call("norm", (self.expr(squared),), tuple((name, number(value)) for name, value in base.attr[1]))
        return Call("pow", (self.expr(base), number(exponent)))


def _traced(term: Term) -> Term | None:
    """A where the term is A*eye(n): its sum is the trace."""
    if term.op == "had" and len(term.args) == 2 and term.attr == (1, (1, 1)):
        for one, other in (term.args, term.args[::-1]):
            if calls(one, "eye") and other.rank == 2:
                return other.args[0] if other.op == "transpose" else other
    return None


def _diagonal(term: Term) -> Term | None:
    """V where the term is the vector v, or v as a column: times eye(n) it is diag(v)."""
    if calls(term, "reshape") and term.args[0].rank == 1 and term.rank == 2 and ONE in term.shape:
        return term.args[0]
    return term if term.rank == 1 else None


def _place(base: Term) -> int:
    """Where a factor stands: numbers, then names, then what is more to read."""
    if calls(base, "sum") or calls(base, "softmax"):
        return _RANKS["call"]
    if base.op == "name" and not base.shape:
        return 0
    return _RANKS.get(base.op, 5) if base.shape else min(_RANKS.get(base.op, 5), 2)


def _squared(term: Term) -> Term | None:
    """The vector or matrix whose squares the term sums over all entries."""
    if calls(term, "sum"):
        (inner,) = term.args
        if inner.op == "had" and inner.attr == (1, (2,)) and inner.rank:
            return inner.args[0]
    return None


def _transposes(term: Term) -> int:
    """How many transposes there are to read."""
    return (term.op == "transpose") + sum(map(_transposes, term.args))


def _positive_first(terms: tuple[Term, ...]) -> list[Term]:
    """`1 - a` rather than `-a + 1`."""
    lead = next((at for at, term in enumerate(terms) if not _negative(term)), 0)
    return [terms[lead], *terms[:lead], *terms[lead + 1 :]]


def _negative(term: Term) -> bool:
    return (term.op == "had" and term.attr[0] < 0) or (term.op == "num" and term.attr < 0)
