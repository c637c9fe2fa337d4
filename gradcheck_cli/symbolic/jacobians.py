"""Derivatives entry by entry: Jacobians in index form, their cases, and proofs that go delta by delta.

The Jacobian of y by x has the shape of y followed by that of x. Its entry is what arrives at one entry of x when a one
arrives at one entry of y and nothing elsewhere: a product of Kronecker deltas.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Expr, Index, Name, Sum
from gradcheck_cli.symbolic.build import plus, times
from gradcheck_cli.symbolic.closed import depends
from gradcheck_cli.symbolic.derive import adjoint
from gradcheck_cli.symbolic.indices import LETTERS, Entries, Indices, Polynomial, cases, grouped

if TYPE_CHECKING:
    from gradcheck_cli.symbolic.arrays import ArrayCalculus
    from gradcheck_cli.symbolic.terms import Term


@dataclass(frozen=True, slots=True)
class IndexStep:
    """A line of a proof: an expression, and why it is the one before."""

    expr: Expr
    reason: str


@dataclass(frozen=True, slots=True)
class IndexProof:
    """How an entry of a gradient comes about.

    `local`  the entry of the Jacobian on the last edge; `same` and `differ` its cases i = j and i != j
    """

    edge: tuple[str, str]
    letters: tuple[str, str]
    local: Expr
    same: Expr
    differ: Expr
    steps: tuple[IndexStep, ...]


class Jacobians:
    """Index forms of one calculus."""

    def __init__(self, calculus: ArrayCalculus) -> None:
        self.calculus = calculus
        self.taken = frozenset({*calculus.graph.shapes, *calculus.letters})

    def free(self, count: int) -> tuple[Name, ...]:
        """Letters for indices that the problem does not use, in the alphabet's order."""
        letters = [letter for letter in LETTERS if letter not in self.taken]
        letters += [f"i{place}" for place in range(count)]
        return tuple(Name(letter) for letter in letters[:count])

    def entry(self, term: Term, at: Indices, deltas: dict[str, Indices] | None = None) -> Polynomial:
        """The entry of a term, deltas contracted."""
        used = {
            name.id
            for name in (*at, *(one for places in (deltas or {}).values() for one in places))
            if isinstance(name, Name)
        }
        return Entries(self.calculus.algebra, self.taken | used, deltas or {}).entry(term, at)

    def placed(self, sent: Term, seed: Term, at: Indices) -> Expr:
        """The entry of the Jacobian of what `seed` arrives at: its indices, then those of what is sent."""
        return grouped(self.entry(sent, at[seed.rank :], {str(seed.attr): at[: seed.rank]}))

    def of_number(self, sent: Term, at: Indices) -> Expr:
        """The entry of the gradient of a number."""
        return grouped(self.entry(sent, at))

    def local(self, target: str, source: str, at: Indices) -> Expr:
        """The entry of the Jacobian on an edge: `at` has the indices of the target, then those of the source."""
        return grouped(self._local(target, source, at))

    def _local(self, target: str, source: str, at: Indices) -> Polynomial:
        rank = len(self.calculus.shapes[target])
        return self.entry(self.calculus.rule(target)[source], at[rank:], {f"upstream({target})": at[:rank]})

    def total(self, target: str, source: str, at: Indices) -> Expr:
        """The entry of the total derivative of an array, or of a number."""
        rank = len(self.calculus.shapes[target])
        found = self.calculus.backward(target).totals[source]
        deltas = {adjoint(target, target): at[:rank]} if rank else {}
        return grouped(self.entry(found, at[rank:], deltas))

    def matrix(self, sent: Term, upstream: Term) -> Term | None:
        """The Jacobian of a vector by a vector as a matrix J, where what is sent back is upstream @ J; else None."""
        if upstream.rank != 1 or sent.rank > 1:
            return None
        found = self._matrix(self.calculus.close(sent), upstream)
        return None if found is None else self.calculus.close(found, facts=True)

    def _matrix(self, term: Term, upstream: Term) -> Term | None:
        make = self.calculus.algebra
        if term is upstream:
            return make.eye(term.shape[0])
        match term.op:
            case "zeros":
                return make.zeros((*upstream.shape, *term.shape))
            case "add":
                return self._all([make.stretched(arg, term.shape) for arg in term.args], upstream)
            case "had":
                return self._scaled(term, upstream)
            case "matmul" if depends(term.args[-1], frozenset({str(upstream.attr)})):
                inner = self._matrix(term.args[-1], upstream)
                return None if inner is None else self._after(term, inner)
            case "matmul" if not term.shape and len(term.args) == 2:
                inner = self._matrix(term.args[0], upstream)
                return None if inner is None else make.matmul(inner, term.args[1])
            case "call" if term.attr[0] == "sum" and not term.shape:
                inner = self._matrix(term.args[0], upstream)
                return None if inner is None else make.sum(inner, 1)
        return None

    def _all(self, parts: list[Term], upstream: Term) -> Term | None:
        """The sum of the Jacobians of summands."""
        found = [self._matrix(part, upstream) for part in parts]
        return None if None in found else self.calculus.algebra.add(*(part for part in found if part is not None))

    def _after(self, term: Term, inner: Term) -> Term:
        """The Jacobian of M @ g, or of u @ M @ g, from that of g."""
        make = self.calculus.algebra
        for factor in reversed(term.args[:-1]):
            inner = make.matmul(inner, make.transpose(factor))
        return inner

    def _scaled(self, term: Term, upstream: Term) -> Term | None:
        """The Jacobian of a product entry by entry with one factor that depends on upstream."""
        make = self.calculus.algebra
        name = frozenset({str(upstream.attr)})
        coefficient, powers = make.factors(term)
        moving = [base for base in powers if depends(base, name)]
        if len(moving) != 1 or powers[moving[0]] != 1:
            return None
        rest = make.product(coefficient, {base: power for base, power in powers.items() if base is not moving[0]})
        if moving[0].op == "add":
            parts = [make.stretched(make.mul(rest, arg), term.shape) for arg in moving[0].args]
            return self._all(parts, upstream)
        inner = self._matrix(moving[0], upstream)
        if inner is None or rest.rank > 1:
            return None
        if not moving[0].rank and term.rank:
            return make.call("outer", inner, make.stretched(rest, term.shape))
        return make.mul(inner, rest)

    def proof(self, output: str, source: str) -> IndexProof | None:
        """How d(output, source)[i] follows, where one vector y lies between: sum over j of d(output, y)[j]·dy[j]/dx[i].

        None where the graph has another form, or the Jacobian on the edge has no delta.
        """
        calculus = self.calculus
        targets = [name for name in calculus.graph.targets[source] if name == output or output in self._above(name)]
        if len(targets) != 1 or targets[0] == output:
            return None
        (middle,) = targets
        if len(calculus.shapes[middle]) != 1 or len(calculus.shapes[source]) != 1 or calculus.shapes[output]:
            return None
        i, j = self.free(2)
        if calculus.local(source, middle)[1]:
            return None  # entry by entry there is nothing to sum
        local = self._local(middle, source, (j, i))
        if not any(part.deltas for part in local) or len(local) < 2:
            return None
        return self._proved(output, middle, source, local)

    def _above(self, name: str) -> set[str]:
        graph = self.calculus.graph
        return {node.name for node in graph.nodes if name in graph.ancestors[node.name]}

    def _proved(self, output: str, middle: str, source: str, local: Polynomial) -> IndexProof:
        calculus = self.calculus
        i, j = self.free(2)
        back = calculus.backward(output)
        bound = calculus.shapes[middle][0].expr()
        arriving = self.entry(back.bare[middle], (j,))
        products = tuple(replace(a * b, sums=((j.id, bound),)) for a in arriving for b in local)
        title = Index(Name(adjoint(output, middle)), (j,))
        factors = _summed(grouped(arriving), grouped(local), j, bound)
        without = tuple(part.contracted() for part in products)
        shown = [
            IndexStep(_summed(title, Index(Name(f"local({middle}, {source})"), (j, i)), j, bound), "the chain rule"),
            IndexStep(factors, "both factors put in"),
            IndexStep(_plain(products), "multiplied out"),
            IndexStep(_plain(without), f"the sum over {j.id} leaves the term with {j.id} = {i.id}"),
        ]
        bare, total = (grouped(self.entry(term, (i,))) for term in (back.bare[source], back.totals[source]))
        shown.append(IndexStep(bare, "what does not depend on the letter stands before its sum"))
        if total != bare:
            names = ", ".join(name for name in calculus.algebra.sums_to_one if name)
            shown.append(IndexStep(total, f"the entries of {names} sum to 1"))
        same, differ = cases(local, i, j)
        kept = [shown[0], *(step for before, step in pairwise(shown) if step.expr != before.expr)]
        return IndexProof((source, middle), (i.id, j.id), grouped(local), same, differ, tuple(kept))


def _summed(left: Expr, right: Expr, letter: Name, bound: Expr) -> Expr:
    return Sum(times(left, right), letter.id, count=bound)


def _plain(parts: Polynomial) -> Expr:
    return plus(*(part.expr() for part in parts))
