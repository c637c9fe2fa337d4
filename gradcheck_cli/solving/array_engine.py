"""The derivations of one problem with arrays, each worked out once. The same questions as `engine.Engine` answers."""

from __future__ import annotations

from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError, UnsupportedError
from gradcheck_cli.expr import Call, Expr, Index, Name, functions, has_letters, mapped, names, number, substitute
from gradcheck_cli.functions import QUERIES
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.problem import counts
from gradcheck_cli.solving.array_numbers import ArrayNumbers
from gradcheck_cli.solving.asking import rate_of, senseless, slope_at, variable_of
from gradcheck_cli.solving.letterwise import slope
from gradcheck_cli.symbolic.arrays import ArrayCalculus
from gradcheck_cli.symbolic.build import plus, times
from gradcheck_cli.symbolic.derive import adjoint
from gradcheck_cli.symbolic.jacobians import Jacobians
from gradcheck_cli.symbolic.reading import written
from gradcheck_cli.symbolic.terms import is_zero
from gradcheck_cli.write.formula import Formula

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.grids import Grid
    from gradcheck_cli.problem import Problem
    from gradcheck_cli.shapes import Shape, Size
    from gradcheck_cli.source import Source
    from gradcheck_cli.symbolic.arrays import ArrayDerivation
    from gradcheck_cli.symbolic.backward import Backward
    from gradcheck_cli.symbolic.indices import Indices
    from gradcheck_cli.symbolic.terms import Term

MOST_LOWERED = 5_000  # parts of expressions whose shapes are kept
MOST_JACOBIAN = 400  # entries of a local Jacobian that is worked out in numbers
_ASKED = frozenset({*QUERIES, "prime"})
_DERIVATIVES = frozenset({"d", "local", "upstream", "downstream"})


class ArrayEngine:
    """Derivations of a problem's graph with arrays. Everything is computed on demand and kept."""

    def __init__(self, problem: Problem, output: str | None = None) -> None:
        self.problem = problem
        self.graph = problem.graph
        self.output = output or problem.outputs[0]
        self.latex = problem.latex
        self.calculus = ArrayCalculus(self.graph)
        try:
            _ = self.calculus.definitions
        except GradcheckError as error:
            error.source = error.source or problem.source
            raise
        self.jacobians = Jacobians(self.calculus)
        self.numbers = ArrayNumbers(self.graph, self.calculus.shapes)
        self.runs: dict[str, Size] = {}  # index letters of derivatives that were asked for by place
        self._derivations: dict[str, ArrayDerivation] = {}
        self._plain: tuple[int, Shapes] | None = None

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """The shapes of names: of the graph, and of adjoints that have come up."""
        return self.calculus.shapes

    @cached_property
    def letters(self) -> frozenset[str]:
        """The letters of sizes."""
        return frozenset(letter for letter, _ in self.graph.dims)

    @cached_property
    def backward(self) -> ArrayDerivation:
        """The derivation of the output, with the gradient that the problem says arrives there."""
        if self.problem.seed is None:
            return self.derivation(self.output)
        found = self.calculus.derivation(self.output, self.problem.seed)
        self.numbers.define(found.steps)
        return found

    def derivation(self, target: str) -> ArrayDerivation:
        """All derivatives of one node."""
        if target not in self._derivations:
            self._derivations[target] = found = self.calculus.derivation(target)
            self.numbers.define(found.steps)
        return self._derivations[target]

    @cached_property
    def lets(self) -> dict[str, Expr]:
        """The let names, in names of the graph."""
        found: dict[str, Expr] = {}
        for name, expr in self.problem.lets:
            found[name] = substitute(self.resolve(expr), found)
            self.calculus.shapes.setdefault(name, self.shape_of(found[name]))
        self.numbers.define(found.items())
        return found

    def formula(self, expr: Expr) -> Formula:
        """An expression with the problem's LaTeX."""
        return Formula(expr, self.latex, self.shapes)

    # -- shapes and numbers

    def indices(self, expr: Expr, *, whole: bool = False) -> dict[str, Size]:
        """The free index letters of an expression with what they run over: in the order of a derivative's own places,
        then of the alphabet. Where it is a `whole` derivative, one with letters has all its places.

        Raises ShapeError.
        """
        known = Shapes(self.shapes, self.letters, dict(self.runs))
        used = set(names(lower(expr, known).expr)) - {*self.shapes, *self.letters}
        first = [letter for letter in self.runs if letter in used or (whole and used)]
        rest = sorted(letter for letter in used - set(first) if letter in known.ranges)
        return {letter: known.ranges[letter] for letter in (*first, *rest)}

    def shape_of(self, expr: Expr, indices: Mapping[str, Size] | None = None) -> Shape:
        """The shape of an expression, an axis for each of the free letters before its own.

        Raises ShapeError.
        """
        if not indices and not has_letters(expr):
            return lower(expr, self._without_letters()).shape
        found = lower(expr, Shapes(self.shapes, self.letters, dict(indices or self.runs))).shape
        return (*(indices or {}).values(), *found)

    def _without_letters(self) -> Shapes:
        """The shapes of names as far as they have come up, for expressions in which no letter runs over anything."""
        if self._plain is None or self._plain[0] != len(self.shapes) or len(self._plain[1].seen) > MOST_LOWERED:
            self._plain = len(self.shapes), Shapes(self.shapes, self.letters)
        return self._plain[1]

    def in_numbers(self, shape: Shape) -> tuple[int | str, ...]:
        """A shape for output: numbers where they are known, letters else."""
        sizes = self.numbers.sizes
        return tuple(one.at(sizes) if one.letters <= set(sizes) else str(one) for one in shape)

    def value(self, expr: Expr, indices: Mapping[str, Size] | None = None) -> Grid | None:
        """An expression in names of the graph, and of adjoints, at the given numbers."""
        _ = self.backward, self.lets
        try:
            return self.numbers.value(expr, (indices or {}).items())
        except UnsupportedError:
            return None

    # -- queries inside expressions

    def resolve(self, expr: Expr, *, partial: bool = False, text: Source | None = None, bare: bool = False) -> Expr:
        """The expression with derivatives and other queries worked out, in names of the graph.

        `partial` reads d(y, x) as the local derivative where an edge joins them; `bare` uses no facts about values, which
        hold at a point and not along a direction.
        Raises ParseError, with the place in `text`, for a query that makes no sense; UnsupportedError, ShapeError.
        """
        try:
            return self._resolve(expr, partial=partial, text=text, bare=bare)
        except GradcheckError as error:
            if text is not None and error.source is None and error.span is not None:
                error.source = text
            raise

    def _resolve(self, expr: Expr, *, partial: bool, text: Source | None, bare: bool) -> Expr:
        if functions(expr).isdisjoint(_ASKED):
            return expr
        if isinstance(expr, Index) and isinstance(expr.base, Call) and expr.base.function in _DERIVATIVES:
            return self._entry(expr, partial=partial, text=text)
        if isinstance(expr, Call) and expr.function in QUERIES and expr.function != "step":
            return self._query(expr, partial=partial, text=text, bare=bare)
        if isinstance(expr, Call) and expr.function == "step" and len(expr.args) == 2:
            return self.update(expr, text)
        if isinstance(expr, Call) and expr.function == "prime":
            return slope_at(self, expr, partial=partial, text=text)
        return mapped(expr, lambda child: self._resolve(child, partial=partial, text=text, bare=bare))

    def _query(self, call: Call, *, partial: bool, text: Source | None, bare: bool) -> Expr:
        args = call.args
        match call.function:
            case "value":
                return self._resolve(args[0], partial=partial, text=text, bare=bare)
            case "d":
                return self._derivative(call, partial=partial, text=text, bare=bare)
            case "local":
                return self.local(self.variable(args[1], text), self.node(args[0], text))
            case "upstream" if len(args) == 1:
                return self.backward.totals[self.variable(args[0], text)]
            case "upstream":
                return self.total(self.node(args[1], text), self.variable(args[0], text), bare=bare)
            case "downstream":
                return self.downstream(self.node(args[0], text), self.variable(args[1], text))
            case "size":
                return counts.size_of(self.graph, self.variable(args[0], text)).expr()
        return self.count(call, text)

    def count(self, call: Call, text: Source | None = None) -> Expr:
        """`nodes()`, `edges()`, `params()`, in numbers and letters."""
        if call.function in ("nodes", "edges", "params"):
            return getattr(counts, call.function)(self.graph).expr()  # type: ignore[no-any-return]
        raise senseless(f"{call.function}(…) is no number", "ask it by itself", call, text)

    def _derivative(self, call: Call, *, partial: bool, text: Source | None, bare: bool) -> Expr:
        """d(y, x); the x may be an entry, `W[0, 1]`."""
        target, source = call.args
        if isinstance(source, Index):
            return self._by_entry(target, source, text)
        wrt = self.variable(source, text)
        if isinstance(target, Name) and target.id in self.graph.by_name:
            if partial and wrt in self.graph.sources.get(target.id, ()):
                return self.local(wrt, target.id)
            return self.total(target.id, wrt, bare=bare)
        if isinstance(target, Name) and target.id not in dict(self.problem.lets):
            self.variable(target, text)  # a size, a constant, an index: tells which
        if isinstance(target, Name):
            return self._of_expression(self.lets[target.id], wrt)
        return self._of_expression(self._resolve(target, partial=partial, text=text, bare=True), wrt)

    def _by_entry(self, target: Expr, source: Index, text: Source | None) -> Expr:
        """d(y, W[0, 1]): the entry of the gradient of a number; of an array, of all its Jacobian."""
        wrt = self.variable(source.base, text)
        at: Indices = tuple(self._resolve(index, partial=False, text=text, bare=False) for index in source.indices)
        if len(at) == len(self.shapes[wrt]):
            self._note_runs(at, self.shapes[wrt])
            if isinstance(target, Name) and not self.shapes[self.node(target, text)]:
                return self.jacobians.total(target.id, wrt, at)
            if not isinstance(target, Name):
                inner = self._resolve(target, partial=False, text=text, bare=True)
                try:
                    back, seed = self.calculus.of_expression(inner)
                except UnsupportedError:
                    return slope(self.jacobians, inner, wrt, at)
                if seed is None:
                    return self.jacobians.of_number(back.totals[wrt], at)
        whole = self._derivative(
            Call("d", (target, source.base), (), source.span), partial=False, text=text, bare=False
        )
        rank = len(self.shapes.get(target.id, ())) if isinstance(target, Name) else 0
        free = self.jacobians.free(rank)
        return Index(whole, (*free, *at))

    def _of_expression(self, expr: Expr, wrt: str) -> Expr:
        back, seed = self.calculus.of_expression(expr)
        found = back.totals[wrt]
        if seed is None:
            return written(self.calculus.algebra, found)
        return self._jacobian(found, seed)

    def _jacobian(self, sent: Term, seed: Term) -> Expr:
        """A Jacobian as a matrix, or entry by entry with free letters."""
        matrix = self.jacobians.matrix(sent, seed)
        if matrix is not None:
            return written(self.calculus.algebra, matrix)
        at = self.jacobians.free(seed.rank + sent.rank)
        self._note_runs(at, (*seed.shape, *sent.shape))
        return self.jacobians.placed(sent, seed, at)

    def total(self, target: str, wrt: str, *, bare: bool = False) -> Expr:
        """The total derivative of a node; of an array its Jacobian."""
        back: Backward = self.calculus.backward(target)
        found = (back.bare if bare else back.totals)[wrt]
        if is_zero(found):
            return self.zeros(target, wrt)
        if not self.shapes[target]:
            self.derivation(target)
            return written(self.calculus.algebra, found)
        return self._jacobian(found, self.calculus.algebra.name(adjoint(target, target)))

    def local(self, source: str, target: str) -> Expr:
        """The partial derivative on an edge: a factor entry by entry, a matrix, or the rule with `upstream(target)`."""
        if source == target:
            return number(1)
        if source not in self.graph.sources.get(target, ()):
            return self.zeros(target, source)
        term, factor = self.calculus.local(source, target)
        if not factor:
            sent = self.calculus.rule(target)[source]
            matrix = self.jacobians.matrix(sent, self.calculus.algebra.name(f"upstream({target})"))
            term = term if matrix is None else matrix
        return written(self.calculus.algebra, term)

    def sent(self, target: str, source: str, *, partial: bool) -> tuple[Expr, str]:
        """What arrives at a source from a node, along one edge or along all ways; and the name of what arrives there."""
        if partial:
            return written(self.calculus.algebra, self.calculus.rule(target)[source]), f"upstream({target})"
        return written(self.calculus.algebra, self.calculus.backward(target).totals[source]), adjoint(target, target)

    def sent_by(self, expr: Expr, *, partial: bool) -> tuple[dict[str, Expr], str]:
        """What arrives at each name from an expression, along all ways or, `partial`, where it stands in it; and the name
        of what arrives at the expression, empty for a number.
        """
        back, seed = self.calculus.of_expression(self.resolve(expr, bare=True))
        found = back.start if partial else back.totals
        return {name: written(self.calculus.algebra, term) for name, term in found.items()}, str(
            seed.attr
        ) if seed else ""

    def jacobian_value(self, source: str, target: str) -> Grid | None:
        """The Jacobian on an edge at the given numbers, where it is small and has entries in index letters."""
        shape = self.in_numbers((*self.shapes[target], *self.shapes[source]))
        if not all(isinstance(size, int) for size in shape) or prod(int(size) for size in shape) > MOST_JACOBIAN:
            return None
        letters = self.jacobians.free(len(shape))
        sizes = (*self.shapes[target], *self.shapes[source])
        runs = {letter.id: size for letter, size in zip(letters, sizes, strict=True)}
        try:
            return self.value(self.jacobians.local(target, source, letters), runs)
        except UnsupportedError:
            return None

    def zeros(self, target: str, source: str) -> Expr:
        """The derivative where nothing joins two names."""
        return _zeros((*self.shapes[target], *self.shapes[source]))

    def downstream(self, target: str, source: str) -> Expr:
        """What an edge sends back."""
        found = next((edge for edge in self.backward.edges if (edge.source, edge.target) == (source, target)), None)
        return _zeros(self.shapes[source]) if found is None else found.downstream

    def _entry(self, expr: Index, *, partial: bool, text: Source | None) -> Expr:
        """An entry of a derivative by its place: `d(L, h)[i]`, `local(P, h)[i, j]`."""
        call = expr.base
        assert isinstance(call, Call)  # noqa: S101 - asked for by the caller
        at: Indices = tuple(self._resolve(index, partial=partial, text=text, bare=False) for index in expr.indices)
        target: str | None = None
        if call.function in ("d", "local") and isinstance(call.args[1], Name) and isinstance(call.args[0], Name):
            source, target = self.variable(call.args[1], text), self.node(call.args[0], text)
            rank = len(self.shapes[target]) + len(self.shapes[source])
            edge = source in self.graph.sources.get(target, ())
            if len(at) == rank:
                self._note_runs(at, (*self.shapes[target], *self.shapes[source]))
            if len(at) == rank and edge and (call.function == "local" or (partial and self.shapes[target])):
                return self.jacobians.local(target, source, at)
            if len(at) == rank and call.function == "d":
                return self.jacobians.total(target, source, at)
        if call.function == "upstream" and len(call.args) == 1:
            source = self.variable(call.args[0], text)
            if len(at) == len(self.shapes[source]) and self.problem.seed is None and not self.shapes[self.output]:
                self._note_runs(at, self.shapes[source])
                return self.jacobians.total(self.output, source, at)
        return Index(self._resolve(call, partial=partial, text=text, bare=False), at, expr.span)

    def _note_runs(self, at: Indices, shape: Shape) -> None:
        for index, size in zip(at, shape, strict=True):
            if isinstance(index, Name) and index.id not in self.shapes:
                self.runs[index.id] = size

    def variable(self, expr: Expr, text: Source | None = None) -> str:
        """An input or node that may be differentiated by."""
        return variable_of(self.problem, expr, text)

    def node(self, expr: Expr, text: Source | None = None) -> str:
        """A node, as the target of an edge or of a derivative."""
        return self.variable(expr, text)

    def update(self, call: Call, text: Source | None = None) -> Expr:
        """step(w) or step(w, lr): w - lr*d(output, w)."""
        name = self.variable(call.args[0], text)
        rate = rate_of(self, call, name, text)
        if self.shapes[self.output] and self.problem.seed is not None and self.output == self.problem.outputs[0]:
            return plus(Name(name), times(number(-1), rate, self.backward.totals[name]))
        if self.shapes[self.output]:
            hint = "ask with an output that is a number, or say with upstream: what arrives there"
            raise senseless(f"step({name}) needs a number to descend, and {self.output} is an array", hint, call, text)
        return plus(Name(name), times(number(-1), rate, self.total(self.output, name)))


def _zeros(shape: Shape) -> Expr:
    return Call("zeros", tuple(size.expr() for size in shape)) if shape else number(0)
