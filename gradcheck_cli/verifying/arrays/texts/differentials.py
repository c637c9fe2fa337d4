r"""Differentials of arrays: `dZ = X\,dW` says how Z moves with W, `dL = \mathrm{tr}(G^\top dW)` what the gradient is.

Such a line is right if for every G the product of G with its right side is that of what arrives at each W from G with
dW: the derivatives are the ones that reverse mode sends back, those of one edge or those along all ways.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.errors import GradcheckError, UnsupportedError
from gradcheck_cli.expr import Call, Expr, Name, names, number, substitute, walk
from gradcheck_cli.graph import Input
from gradcheck_cli.judge import ArraySpace
from gradcheck_cli.parsing.text import readings
from gradcheck_cli.symbolic.build import plus
from gradcheck_cli.verifying.arrays.compare import compare
from gradcheck_cli.verifying.arrays.identity import identity_scope
from gradcheck_cli.verifying.arrays.paper import is_square, on_paper
from gradcheck_cli.verifying.arrays.reading import ENTRYWISE, fitting, ways
from gradcheck_cli.verifying.arrays.texts.moving import written_out
from gradcheck_cli.verifying.gradients import exchanged, moved_expression
from gradcheck_cli.verifying.match import Read, unreadable
from gradcheck_cli.verifying.model import CORRECT, UNDECIDED, WRONG, Diagnosis, Member
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gradcheck_cli.shapes import Shape
    from gradcheck_cli.source import Source
    from gradcheck_cli.verifying.arrays.match import ArrayMatcher
    from gradcheck_cli.verifying.texts.own import Own


class ArrayDifferentials:
    """Judges right sides of differentials of one problem."""

    def __init__(self, matcher: ArrayMatcher) -> None:
        self.matcher = matcher
        self.engine = matcher.engine
        self._spaces: dict[frozenset[str], ArraySpace] = {}

    def member(self, source: Source, target: Expr, own: Own, *, latex: bool) -> Read:
        """The verdict on one right side: right if it is in one reading."""
        try:
            found = readings(source, identity_scope(own.scope), latex=latex)
        except GradcheckError as error:
            return unreadable(source, error)
        best, other = WRONG, False
        try:
            for expr in self.meant(found, source, own, latex=latex):
                verdict = self.judge(expr, target)
                other = other or (verdict == WRONG and moved_expression(expr) is not None)  # the whole of another
                best = verdict if verdict == CORRECT or (verdict == UNDECIDED and not other) else best
                if best == CORRECT:
                    break
        except GradcheckError as error:  # a name of the text that means nothing as it stands
            return unreadable(source, error)
        return Read(Member(source.text, best, None, "", source), None)

    def meant(self, found: tuple[Expr, ...], source: Source, own: Own, *, latex: bool) -> Iterator[Expr]:
        """The readings, with each dW as a name of W's shape."""
        matcher = self.matcher
        whole = tuple(expr for expr in found if moved_expression(expr) is not None)
        named = tuple(exchanged(written_out(expr, self.moving), self.moved) for expr in found)
        named = tuple(dict.fromkeys((*(exchanged(expr, self.moved) for expr in whole), *named)))
        shape_of = matcher.shapes_with(own)
        written = tuple(on_paper(named, self.engine, shape_of, fitting(source, shape_of, latex=latex), latex=latex))
        yield from (own.expanded(way) for way in ways(written, source, shape_of, latex=latex))

    def moving(self, name: str) -> Name | None:
        """The name that dW has inside; None for a size, which does not move."""
        return None if name in self.engine.letters else self.moved(name)

    def moved(self, name: str) -> Name:
        """The name that dW has inside, with the shape of W."""
        inside = f"(d{name})"
        if name not in self.engine.shapes:
            message = f"{name} is no array of this problem"
            raise UnsupportedError(message, hint="write the differential of what it stands for")
        self.engine.shapes.setdefault(inside, self.engine.shapes[name])  # type: ignore[attr-defined]
        return Name(inside)

    def judge(self, expr: Expr, target: Expr) -> str:
        """One reading: which names move shows in it."""
        if (again := moved_expression(expr)) is not None:  # dZ = d(XW + b)
            return self.same(again, target)
        if any(moved_expression(part) is not None for part in walk(expr)):
            return UNDECIDED
        moving = tuple(name for name in self.engine.graph.by_name if f"(d{name})" in names(expr))
        ancestors = self.engine.graph.ancestors
        itself = set() if isinstance(target, Name) else set(names(target))
        if not moving or not set(moving) <= itself.union(*(ancestors.get(one, frozenset()) for one in names(target))):
            return UNDECIDED
        try:
            expr = self.engine.resolve(expr)
            if not self.fits(expr, target):
                return WRONG
            kinds: list[str] = []
            for sent, arriving in self.sent(target, moving):
                kinds.append(self.compared(expr, moving, sent, arriving))
                if kinds[-1] == "equal":
                    return CORRECT
        except GradcheckError:
            return WRONG
        if not kinds:
            return UNDECIDED
        return UNDECIDED if "undecided" in kinds else WRONG

    def same(self, moved: Expr, target: Expr) -> str:
        """Whether what is moved on the right is what the left side is the differential of."""
        try:
            return CORRECT if self.matcher.agrees(self.engine.resolve(moved), self.engine.resolve(target)) else WRONG
        except GradcheckError:
            return WRONG

    def told(self, source: Source, target: Expr, own: Own, *, latex: bool) -> tuple[Diagnosis | None, str]:
        """What is wrong with a wrong right side, and what is right, where this can be said shortly."""
        told: Diagnosis | None = None
        right = self.expected(target, (), [])
        for written in self.meant(readings(source, identity_scope(own.scope), latex=latex), source, own, latex=latex):
            moving = tuple(name for name in self.engine.graph.by_name if f"(d{name})" in names(written))
            try:
                expr = self.engine.resolve(written)
                sent = next(self.sent(target, moving), None) if moving and self.fits(expr, target) else None
                slip = None if sent is None else self.slip(expr, moving, *sent)
            except GradcheckError:
                continue
            right = right if sent is None else self.expected(target, moving, sent[0])
            told = told or slip
            if slip is not None and slip.code != "wrong-local":
                return slip, right
        return told, right

    def expected(self, target: Expr, moving: tuple[str, ...], sent: list[Expr]) -> str:
        """The right side where it is a number, or what is differentiated."""
        if isinstance(target, Name) and self.engine.shapes[target.id]:
            node = next((node for node in self.engine.graph.nodes if node.name == target.id), None)
            return "" if node is None else f"d({write(node.expr)})"
        if not sent or self.matcher.shape_of(target):
            return ""
        return " + ".join(f"sum({write(back)}*d{name})" for name, back in zip(moving, sent, strict=True))

    def slip(self, expr: Expr, moving: tuple[str, ...], sent: list[Expr], arriving: str) -> Diagnosis | None:
        """What stands with one differential, or with all, against what should: its sign, a constant, or something else."""
        wrong: dict[str, str] = {}
        for name, back in zip(moving, sent, strict=True):
            others = {self.moved(one).id: _nothing(self.engine.shapes[one]) for one in moving if one != name}
            alone = substitute(expr, others)
            if self.compared(alone, (name,), [back], arriving) != "equal":
                wrong[name] = self.ratio(alone, name, back, arriving)
        if not wrong or len(set(wrong.values())) > 1:
            return None
        where = " and ".join(f"d{name}" for name in wrong)
        ratio = next(iter(wrong.values()))
        if ratio == "-1":
            return Diagnosis("sign", f"the sign of what stands with {where} is turned around")
        if ratio:
            return Diagnosis("constant", f"a factor {ratio} is missing in what stands with {where}")
        return Diagnosis("wrong-local", f"what stands with {where} is not the derivative") if len(wrong) == 1 else None

    def ratio(self, alone: Expr, name: str, back: Expr, arriving: str) -> str:
        """The number that is missing as a factor; empty for none."""
        sizes = [Call("div", (number(1), Name(letter))) for letter in sorted(self.engine.letters)]
        for factor in (number(-1), number(2), Call("div", (number(1), number(2))), *sizes):
            if self.compared(Call("mul", (factor, alone)), (name,), [back], arriving) == "equal":
                return write(factor)
        return ""

    def sent(self, target: Expr, moving: tuple[str, ...]) -> Iterator[tuple[list[Expr], str]]:
        """What arrives at each name that moves, along its edge and along all ways, where these may be meant; and the name
        of what arrives at the target.
        """
        above = self.engine.graph.ancestors
        apart = not any(one in above.get(other, ()) for one in moving for other in moving)
        if isinstance(target, Name):
            near = set(moving) <= set(self.engine.graph.sources.get(target.id, ()))
            for partial in (True,) * near + (False,) * apart:
                pairs = [self.engine.sent(target.id, name, partial=partial) for name in moving]
                yield [back for back, _ in pairs], pairs[0][1]
            return
        for partial in (True,) + (False,) * apart:
            back = self.engine.sent_by(target, partial=partial)
            if set(moving) <= set(back[0]):
                yield [back[0][name] for name in moving], back[1]

    def fits(self, expr: Expr, target: Expr) -> bool:
        """Whether a right side has the shape of its left side, or is added to every row of it."""
        found, wanted = self.matcher.shape_of(expr), self.matcher.shape_of(target)
        return shapes.broadcast(found, wanted) == wanted or shapes.count(found) == shapes.count(wanted) == shapes.ONE

    def compared(self, expr: Expr, moving: tuple[str, ...], sent: list[Expr], arriving: str) -> str:
        """Both sides as numbers that are linear in what arrives and in what moves."""
        total = plus(*(_inner(back, self.moved(name)) for name, back in zip(moving, sent, strict=True)))
        named = any(arriving in names(back) for back in sent)  # at a number 1 may arrive
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


def as_products(lefts: tuple[Expr, ...], source: Source, shape_of: Callable[[Expr], Shape | None]) -> tuple[Expr, ...]:
    """The readings of a left side without those of d(AB) as a product entry by entry, where no sign says so."""
    if not any(moved_expression(left) is not None for left in lefts) or ENTRYWISE.search(source.text):
        return lefts
    kept = tuple(left for left in lefts if not _has_entrywise(left, shape_of))
    return kept or lefts


def _has_entrywise(expr: Expr, shape_of: Callable[[Expr], Shape | None]) -> bool:
    """Whether arrays are multiplied entry by entry in it, or a square matrix is raised so."""
    for part in walk(expr):
        if isinstance(part, Call) and part.function == "mul" and sum(bool(shape_of(arg)) for arg in part.args) > 1:
            return True
        if isinstance(part, Call) and part.function == "pow" and is_square(shape_of(part.args[0])):
            return True
    return False


def _nothing(shape: Shape) -> Expr:
    return Call("zeros", tuple(one.expr() for one in shape)) if shape else number(0)


def _inner(left: Expr, right: Expr) -> Expr:
    return Call("sum", (Call("mul", (left, right)),))
