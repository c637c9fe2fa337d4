"""Closed forms: adjoints put in, powers cancelled, products expanded up to a bound, common factors pulled out.

Every rewriting keeps the value; of two forms the one with less to read is kept. Nothing here knows of derivatives.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from math import gcd
from typing import TYPE_CHECKING

from gradcheck_cli.shapes import ONE, size
from gradcheck_cli.symbolic.terms import NOUGHT, UNIT, Powers, Term, calls, fit, is_zero

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gradcheck_cli.symbolic.algebra import Algebra

MOST_MONOMIALS = 12
_LARGEST_SUM = 24  # summands among which common factors are looked for


@dataclass
class Closing:
    """Rewrites terms of one algebra; equal parts are rewritten once.

    `values`  what stands for a name
    `named`   a definition and the name it has: it is put back where the definition comes up
    `base`    the same without values, whose results are used for what no value goes into
    `plain`   values are put in and nothing else: for names that stand in for names
    """

    algebra: Algebra
    values: Mapping[str, Term] = field(default_factory=dict)
    named: Mapping[Term, Term] = field(default_factory=dict)
    base: Closing | None = None
    plain: bool = False
    _done: dict[Term, Term] = field(default_factory=dict)
    tidied: dict[Term, Term] = field(default_factory=dict)
    known: dict[Term, frozenset[str]] = field(default_factory=dict)
    products: list[tuple[Term, Term]] = field(default_factory=list)
    roots: dict[Term, tuple[Fraction, Term]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.base is not None:
            self.tidied, self.known = self.base.tidied, self.base.known
            self.products, self.roots = self.base.products, self.base.roots
            return
        for definition, name in self.named.items():
            if definition.op == "had" and len(definition.args) > 1:
                self.products.append((definition, name))
            elif definition.op == "had" and definition.attr[0] == 1:
                self.roots.setdefault(definition.args[0], (definition.attr[1][0], name))

    def close(self, term: Term) -> Term:
        """The term with names' values put in, in its shortest form."""
        found = self._done.get(term)
        if found is None:
            if self.base is not None and not self.values.keys() & self.names(term):
                return self.base.close(term)
            rebuilt = self._rebuilt(term)
            found = self._done[term] = rebuilt if self.plain else self.tidy(rebuilt)
        return found

    def names(self, term: Term) -> frozenset[str]:
        """The names in a term."""
        found = self.known.get(term)
        if found is None:
            found = frozenset({term.attr}) if term.op == "name" else frozenset().union(*map(self.names, term.args))
            self.known[term] = found
        return found

    def _rebuilt(self, term: Term) -> Term:
        if term.op == "name":
            return self.values.get(term.attr, term)
        if not term.args:
            return term
        args = [self.close(arg) for arg in term.args]
        make = self.algebra
        match term.op:
            case "add":
                return make.stretched(make.add(*args), term.shape)
            case "had":
                powers = [make.power(arg, power) for arg, power in zip(args, term.attr[1], strict=True)]
                return make.mul(make.num(term.attr[0]), *powers)
            case "matmul" if len(args) == 2 and not term.shape:
                return self._sum(make.mul(*args), {})
            case "matmul":
                return self._chain(args)
            case "transpose":
                return make.transpose(args[0])
            case "fn":
                return self._function(term.attr, args)
        return self._recalled(term, args)

    def _function(self, function: str, args: list[Term]) -> Term:
        make = self.algebra
        if function == "sigmoid" and args[0].op == "had" and args[0].attr[0] < 0:  # sigmoid(-z) = 1 - sigmoid(z)
            return make.add(make.num(1), make.negative(make.fn("sigmoid", make.negative(args[0]))))
        return make.fn(function, *args)

    def _chain(self, args: list[Term]) -> Term:
        found = args[-1]
        for factor in reversed(args[:-1]):
            found = self.algebra.matmul(factor, found)
        return found

    def _recalled(self, term: Term, args: list[Term]) -> Term:
        function, options = term.attr
        if function == "sum":
            return self._sum(args[0], dict(options))
        if function == "entry" and all(one == ONE for one in args[0].shape):
            return self.algebra.lone(args[0])
        if function == "part" and (joined := self._joined(args, dict(options).get("axis", 0))) is not None:
            return joined
        if function in ("inv", "outer", "reshape"):
            return self.algebra.call(function, *args)
        return self.algebra.made(function, tuple(args), term.shape, **dict(options))

    def _joined(self, args: list[Term], axis: int) -> Term | None:
        """The operand of a concat of which a part is exactly what it put in."""
        inner, start, count = args
        if not calls(inner, "concat") or dict(inner.attr[1]).get("axis", 0) != axis:
            return None
        first, wanted = self.algebra.sizes((start, count))
        at = size(0)
        for arg in inner.args:
            if at == first and arg.shape[axis] == wanted:
                return arg
            at = at + arg.shape[axis]
        return None

    def _sum(self, inner: Term, options: dict[str, int]) -> Term:
        """A sum; of summands one by one where that is less to read."""
        make = self.algebra
        axis, keep = options.get("axis"), "keepdims" in options
        whole = make.sum(inner, axis, keep=keep)
        spread = self.expanded(inner)
        if spread.op != "add":
            return min(whole, make.sum(spread, axis, keep=keep), key=_weight)
        parts = make.add(*(make.sum(make.stretched(part, spread.shape), axis, keep=keep) for part in spread.args))
        return min((whole, self.tidy(parts)), key=_weight)

    # -- shorter forms

    def tidy(self, term: Term) -> Term:
        """The shortest form that is found of a term whose parts are tidy."""
        found = self.tidied.get(term)
        if found is None:
            found = self.tidied[term] = self._named(self._shortest(term))
            self.tidied.setdefault(found, found)
        return found

    def _shortest(self, term: Term) -> Term:
        if term.op not in ("add", "had"):
            return term
        spread = self.expanded(term)
        forms = [self._factored(term), self._factored(spread), term, spread]
        return min(forms, key=_weight)

    def _named(self, term: Term) -> Term:
        found = self.named.get(term)
        if found is not None:
            return found
        if term.op == "had":
            if any(base in self.roots for base in term.args):
                term = self._rooted(term)
            term = self._without_masks(term)
            for definition, name in self.products:
                term = self._turned(term, definition)
                term = self._into_sum(self._taken_together(term, definition, name), definition, name)
        return self.named.get(term, term)

    def _taken_together(self, term: Term, definition: Term, name: Term) -> Term:
        """The name of a product for its factors: N for X/s."""
        if term.op != "had" or not set(definition.args) <= set(term.args):
            return term
        coefficient, powers = self.algebra.factors(term)
        parts = self.algebra.factors(definition)
        for base, power in parts[1].items():
            if powers[base] / power < 1:
                return term
            powers[base] -= power
        powers[name] = powers.get(name, NOUGHT) + 1
        found = self.algebra.product(coefficient / parts[0], powers, term.shape)
        return found if found.weight < term.weight else term

    def _turned(self, term: Term, definition: Term) -> Term:
        """-(X - mu) for mu - X, where X - mu is a factor of the definition."""
        make = self.algebra
        for base in [base for base in definition.args if base.op == "add"]:
            other = make.add(*(make.negative(arg) for arg in base.args))
            if term.op == "had" and other in term.args and make.factors(term)[1][other] == 1:
                coefficient, powers = make.factors(term)
                del powers[other]
                return make.mul(make.product(-coefficient, powers), base)
        return term

    def _into_sum(self, term: Term, definition: Term, name: Term) -> Term:
        """sum(G*N) for sum(G*X)/s, where X/s is N and s does not vary along the sum."""
        top = [base for base, power in zip(definition.args, definition.attr[1], strict=True) if power > 0]
        below = [base for base, power in zip(definition.args, definition.attr[1], strict=True) if power == -1]
        if term.op != "had" or definition.attr[0] != 1 or len(top) != 1 or len(below) != 1 or len(definition.args) != 2:
            return term
        make = self.algebra
        coefficient, powers = make.factors(term)
        for total in [base for base, power in powers.items() if power == 1 and calls(base, "sum")]:
            (inner,), options = total.args, dict(total.attr[1])
            axis, keep = options.get("axis"), "keepdims" in options
            number, factors = make.factors(inner)
            lined_up = axis in (0, None) or keep
            if factors.get(top[0]) != 1 or powers.get(below[0], NOUGHT) > -1 or not lined_up:
                continue
            if not make.constant_along(below[0], inner.rank, axis):
                continue
            del factors[top[0]], powers[total]
            factors[name] = factors.get(name, NOUGHT) + 1
            powers[below[0]] += 1
            summed = make.sum(make.product(number, factors, inner.shape), axis, keep=keep)
            found = make.stretched(make.mul(make.product(coefficient, powers), summed), term.shape)
            return found if found.weight < term.weight else term
        return term

    def _without_masks(self, term: Term) -> Term:
        """relu(z)*step(z) is relu(z), also where it has a name."""
        masks = [base for base in term.args if base.op == "fn" and base.attr == "step"]
        if not masks:
            return term
        coefficient, powers = self.algebra.factors(term)
        for mask in masks:
            if any(self._positive_part(base) is mask.args[0] for base, power in powers.items() if power > 0):
                del powers[mask]
        return self.algebra.product(coefficient, powers, term.shape)

    def _positive_part(self, term: Term) -> Term | None:
        """Z where the term is max(0, z)."""
        if term.op == "name":
            term = self.algebra.defined.get(term.attr, term)
        if term.op == "fn" and term.attr == "relu":
            return term.args[0]
        if term.op == "fn" and term.attr == "maximum" and any(is_zero(arg) for arg in term.args):
            return next(arg for arg in term.args if not is_zero(arg))
        return None

    def _rooted(self, term: Term) -> Term:
        """The name sd for (v + eps)^(1/2), where the root has a name."""
        coefficient, powers = self.algebra.factors(term)
        found: Powers = {}
        for base, power in powers.items():
            exponent, name = self.roots.get(base, (UNIT, base))
            if (power / exponent).denominator != 1 or exponent == 1:
                exponent, name = UNIT, base
            found[name] = found.get(name, NOUGHT) + power / exponent
        return self.algebra.product(coefficient, found, term.shape)

    # -- expansion

    def expanded(self, term: Term) -> Term:
        """The term as a sum of products, where that has no more than so many summands."""
        parts = list(self._monomials(term, MOST_MONOMIALS))
        if not parts or len(parts) > MOST_MONOMIALS:
            return term
        return self.algebra.stretched(self.algebra.add(*parts), term.shape)

    def _monomials(self, term: Term, most: int) -> Iterator[Term]:
        """The summands of a term; more than `most` are cut off one after."""
        make = self.algebra
        if term.op == "add":
            count = 0
            for arg in term.args:
                for part in self._monomials(arg, most - count):
                    count += 1
                    yield part
                    if count > most:
                        return
            return
        coefficient, powers = make.factors(term)
        sums = [base for base, power in powers.items() if base.op == "add" and power in (1, 2)]
        if not sums:
            yield term
            return
        chosen = min(sums, key=lambda base: not _divides(base))  # its divisors may cancel another sum
        rest = make.product(coefficient, {**powers, chosen: powers[chosen] - 1})
        count = 0
        for arg in chosen.args:
            for part in self._monomials(make.mul(rest, arg), most - count):
                count += 1
                yield part
                if count > most:
                    return

    # -- common factors

    def _factored(self, term: Term) -> Term:
        """A sum with what all summands share before it; a product with its sums so."""
        make = self.algebra
        if term.op == "had":
            factors = [
                make.power(self._factored(base), power) for base, power in zip(term.args, term.attr[1], strict=True)
            ]
            return make.mul(make.num(term.attr[0]), *factors)
        if term.op != "add" or len(term.args) > _LARGEST_SUM:
            return term
        common, rest = self._common(list(term.args))
        inner = self._grouped(rest)
        return make.stretched(make.mul(common, inner), term.shape)

    def _common(self, terms: list[Term]) -> tuple[Term, list[Term]]:
        """What all terms share, and what then is left of each."""
        make = self.algebra
        split = [make.factors(term) for term in terms]
        shared: Powers = {}
        for base, power in split[0][1].items():
            exponents = [powers.get(base, NOUGHT) for _, powers in split]
            if base.op == "ones" or not (all(e > 0 for e in exponents) or all(e < 0 for e in exponents)):
                continue
            shared[base] = min(exponents, key=abs) if power else NOUGHT
        number = _content([coefficient for coefficient, _ in split])
        if not shared and number == 1:
            return make.num(1), terms
        common = make.product(number, shared)
        rest = []
        for term, (coefficient, powers) in zip(terms, split, strict=True):
            left = {base: power - shared.get(base, NOUGHT) for base, power in powers.items()}
            alone = make.product(coefficient / number, left)
            kept = fit(alone.shape, common.shape) == term.shape
            rest.append(alone if kept else make.stretched(alone, term.shape))
        return common, rest

    def _grouped(self, terms: list[Term]) -> Term:
        """The sum of terms, those that share a factor of a product of matrices, or a base, taken together."""
        make = self.algebra
        plain = make.add(*terms)
        forms = [plain, *self._by_matrices(terms)]
        if len(terms) > 2:
            bases = Counter(base for term in terms for base in make.factors(term)[1] if base.op != "ones")
            for base, times in bases.most_common(3):
                if 1 < times < len(terms):
                    inside = [term for term in terms if base in make.factors(term)[1]]
                    outside = [term for term in terms if term not in inside]
                    common, rest = self._common(inside)
                    forms.append(make.add(make.mul(common, make.add(*rest)), *outside))
        best = min(forms, key=_weight)
        return best if best.shape == plain.shape else plain

    def _by_matrices(self, terms: list[Term]) -> Iterator[Term]:
        """A @ x + B @ x as (A + B) @ x."""
        make = self.algebra
        split = [make.scalars_out(term) if term.shape else (make.num(1), term) for term in terms]
        chains = [(scalar, core) for scalar, core in split if core.op == "matmul" and core.shape]
        others = [term for term, (_, core) in zip(terms, split, strict=True) if core.op != "matmul" or not core.shape]
        for end in (-1, 0):
            ends = Counter((core.args[end], core.shape) for _, core in chains)
            (factor, shape), times = ends.most_common(1)[0] if ends else ((None, ()), 0)
            if factor is None or times < 2:
                continue
            parts, rest = [], list(others)
            for scalar, core in chains:
                if core.args[end] is factor and core.shape == shape:
                    parts.append(make.mul(scalar, self._chain(list(core.args[:-1] if end else core.args[1:]))))
                else:
                    rest.append(make.mul(scalar, core))
            inner = self.tidy(make.add(*parts))
            yield make.add(make.matmul(inner, factor) if end else make.matmul(factor, inner), *rest)


def _content(coefficients: list[Fraction]) -> Fraction:
    """The number that all coefficients share; negative where all are."""
    top = gcd(*(coefficient.numerator for coefficient in coefficients))
    bottom = 1
    for coefficient in coefficients:
        bottom = bottom * coefficient.denominator // gcd(bottom, coefficient.denominator)
    found = Fraction(top, bottom)
    return -found if all(coefficient < 0 for coefficient in coefficients) else found


def _divides(term: Term) -> bool:
    """Whether a sum has summands with divisors."""
    return any(arg.op == "had" and min(arg.attr[1]) < 0 for arg in term.args)


def _weight(term: Term) -> int:
    return term.weight


def depends(term: Term, names: frozenset[str]) -> bool:
    """Whether a term has one of the names in it."""
    seen: set[Term] = set()
    stack = [term]
    while stack:
        top = stack.pop()
        if top.op == "name" and top.attr in names:
            return True
        if top not in seen:
            seen.add(top)
            stack.extend(top.args)
    return False
