r"""Differentials of arrays: `dZ = X\,dW` says how Z moves with W, `dL = \mathrm{tr}(G^\top dW)` what the gradient is.

Such a line is right if for every G the product of G with its right side is that of what arrives at each W from G with
dW: the derivatives are the ones that reverse mode sends back, those of one edge or those along all ways.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Expr, Name, names
from gradcheck_cli.graph import Input
from gradcheck_cli.judge import ArraySpace
from gradcheck_cli.parsing.text import readings
from gradcheck_cli.symbolic.build import plus
from gradcheck_cli.verifying.arrays.compare import compare
from gradcheck_cli.verifying.arrays.identity import identity_scope
from gradcheck_cli.verifying.arrays.paper import on_paper
from gradcheck_cli.verifying.arrays.reading import fitting, ways
from gradcheck_cli.verifying.gradients import exchanged
from gradcheck_cli.verifying.match import Read, unreadable
from gradcheck_cli.verifying.model import CORRECT, UNDECIDED, WRONG, Member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.source import Source
    from gradcheck_cli.verifying.arrays.match import ArrayMatcher
    from gradcheck_cli.verifying.own import Own


class ArrayDifferentials:
    """Judges right sides of differentials of one problem."""

    def __init__(self, matcher: ArrayMatcher) -> None:
        self.matcher = matcher
        self.engine = matcher.engine
        self._spaces: dict[frozenset[str], ArraySpace] = {}

    def member(self, source: Source, target: str, own: Own, *, latex: bool) -> Read:
        """The verdict on one right side: right if it is in one reading."""
        try:
            found = readings(source, identity_scope(own.scope), latex=latex)
        except GradcheckError as error:
            return unreadable(source, error)
        best = WRONG
        try:
            for expr in self.meant(found, source, own, latex=latex):
                verdict = self.judge(expr, target)
                best = verdict if verdict in (CORRECT, UNDECIDED) else best
                if best == CORRECT:
                    break
        except GradcheckError as error:  # a name of the text that means nothing as it stands
            return unreadable(source, error)
        return Read(Member(source.text, best, None, "", source), None)

    def meant(self, found: tuple[Expr, ...], source: Source, own: Own, *, latex: bool) -> Iterator[Expr]:
        """The readings, with each dW as a name of W's shape."""
        matcher = self.matcher
        named = tuple(exchanged(expr, self.moved) for expr in found)
        shape_of = matcher.shapes_with(own)
        written = tuple(on_paper(named, self.engine, shape_of, fitting(source, shape_of, latex=latex), latex=latex))
        yield from (own.expanded(way) for way in ways(written, source, shape_of, latex=latex))

    def moved(self, name: str) -> Name:
        """The name that dW has inside, with the shape of W."""
        inside = f"(d{name})"
        self.engine.shapes.setdefault(inside, self.engine.shapes[name])  # type: ignore[attr-defined]
        return Name(inside)

    def judge(self, expr: Expr, target: str) -> str:
        """One reading: which names move shows in it."""
        moving = tuple(name for name in self.engine.graph.by_name if f"(d{name})" in names(expr))
        above = self.engine.graph.ancestors.get(target, frozenset())
        if not moving or not set(moving) <= above:
            return UNDECIDED
        try:
            expr = self.engine.resolve(expr)
            if not self.fits(expr, target):
                return WRONG
            kinds: list[str] = []
            for partial in self.kinds(target, moving):
                kinds.append(self.compared(expr, target, moving, partial=partial))
                if kinds[-1] == "equal":
                    return CORRECT
        except GradcheckError:
            return WRONG
        if not kinds:
            return UNDECIDED
        return UNDECIDED if "undecided" in kinds else WRONG

    def kinds(self, target: str, moving: tuple[str, ...]) -> Iterator[bool]:
        """Whether derivatives of edges may be meant, and whether those along all ways."""
        if set(moving) <= set(self.engine.graph.sources.get(target, ())):
            yield True
        above = self.engine.graph.ancestors
        if not any(one in above.get(other, ()) for one in moving for other in moving):
            yield False

    def fits(self, expr: Expr, target: str) -> bool:
        """Whether a right side has the shape of its left side, or is added to every row of it."""
        found, wanted = self.matcher.shape_of(expr), self.engine.shapes[target]
        return shapes.broadcast(found, wanted) == wanted or shapes.count(found) == shapes.count(wanted) == shapes.ONE

    def compared(self, expr: Expr, target: str, moving: tuple[str, ...], *, partial: bool) -> str:
        """Both sides as numbers that are linear in what arrives and in what moves."""
        sent = [self.engine.sent(target, name, partial=partial) for name in moving]
        arriving = sent[0][1]
        total = plus(*(_inner(back, self.moved(name)) for name, (back, _) in zip(moving, sent, strict=True)))
        named = any(arriving in names(back) for back, _ in sent)  # at a number 1 may arrive
        side = _inner(Name(arriving), expr) if named else expr
        return compare(self.space(moving, arriving if named else None), side, total).kind

    def space(self, moving: tuple[str, ...], arriving: str | None) -> ArraySpace:
        """The problem's space, in which what moves and what arrives may be anything."""
        added = [*(self.moved(name).id for name in moving), *([arriving] if arriving else ())]
        key = frozenset(added)
        if key not in self._spaces:
            base = self.matcher.space
            free = {name: self.engine.shapes[name] for name in added}
            leaves = tuple(Input(name, shape=shape) for name, shape in free.items())
            graph = replace(
                base.graph, constants=(*base.graph.constants, *leaves), shapes={**base.graph.shapes, **free}
            )
            kept = tuple((name, expr) for name, expr in base.definitions if name not in free)
            self._spaces[key] = ArraySpace(graph, kept)
        return self._spaces[key]


def _inner(left: Expr, right: Expr) -> Expr:
    return Call("sum", (Call("mul", (left, right)),))
