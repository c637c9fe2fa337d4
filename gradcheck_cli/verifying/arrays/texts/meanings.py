r"""What a left side about arrays may mean, each meaning with what is true of it.

A derivative, by an array or by an entry of one, total or along one edge; `dZ` as a gradient or as a differential; a node
or an input, an update, a shape.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Expr, Index, Name, functions, names, walk
from gradcheck_cli.functions import QUERIES
from gradcheck_cli.parsing.text import read_quietly
from gradcheck_cli.shapes import ONE
from gradcheck_cli.symbolic.build import times
from gradcheck_cli.symbolic.convert import as_typed
from gradcheck_cli.verifying.arrays.batches import is_column_of
from gradcheck_cli.verifying.arrays.identity import identity_scope
from gradcheck_cli.verifying.arrays.paper import spread_indices
from gradcheck_cli.verifying.arrays.texts.members import as_matrix
from gradcheck_cli.verifying.gradients import DIFFERENTIAL, base_of, exchanged, moved_expression, moved_names, names_of
from gradcheck_cli.verifying.match import ArrayTruth, Truth
from gradcheck_cli.verifying.texts.updates import is_step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.source import Source
    from gradcheck_cli.verifying.arrays.bench import ArrayBench
    from gradcheck_cli.verifying.texts.own import Own

SPACE = re.compile(r"\s*(?:\\mathbb\s*\{?\s*R|ℝ|∈|\\in(?![A-Za-z]))")
_MEANS = frozenset({"mean", "mse", "bce", "cross_entropy", "hinge"})
GIVEN = "given"
IDENTITY = "identity"  # of expressions with free letters: nobody asked for it


class ArrayMeanings:
    """The meanings of left sides in one problem."""

    def __init__(self, bench: ArrayBench) -> None:
        self.bench = bench
        self.engine = bench.engine
        self._truths: dict[Expr, list[Truth]] = {}

    def truths(self, left: Expr, members: list[Source], own: Own, *, latex: bool) -> list[Truth]:
        """The meanings of a left side, each with what is true of it."""
        if any(SPACE.match(member.text) for member in members):
            named = self.shaped_as(left)
            shape = self.bench.matcher.quiet(left) if isinstance(left, Index) else None
            if shape is not None:
                return [Truth(Call("shape", (left,)), left, None, "shape", None, ArrayTruth(None, shape))]
            return self.asked(Call("shape", (named,))) if named is not None else []
        if moved_expression(left) is not None:
            return [Truth(left, left, None, DIFFERENTIAL)]
        if moved_in(left) is not None:
            return self.with_columns(left, self.of_differential(left, members, own, latex=latex))
        if left not in self._truths:
            self._truths[left] = self.with_columns(left, self.meant(left))
        found = self._truths[left]
        if (
            any(one.kind == GIVEN for one in found)
            and members
            and is_step(left, read_quietly(members[0], identity_scope(own.scope), latex=latex))
        ):
            return [one for one in found if one.kind != GIVEN] or found
        return found

    def with_columns(self, left: Expr, found: list[Truth]) -> list[Truth]:
        """The truths; where a left side is a column of a matrix, also as what is true of that column."""
        if not is_column_of(left):
            return found
        derived = not functions(left).isdisjoint(QUERIES)
        found = [replace(truth, kind="derivative") for truth in found] if derived else found
        shapes_of = [(truth, self.bench.matcher.quiet(truth.expr)) for truth in found]
        columns = [as_matrix(truth, shape, (*shape, ONE)) for truth, shape in shapes_of if shape is not None]
        return [*found, *(one for one in columns if one is not None)]

    def shaped_as(self, left: Expr) -> Name | None:
        """The name with the shape of a left side: itself, or what the gradient of a number is by; None for any other."""
        if (name := base_of(left)) is not None:
            return Name(name)
        if isinstance(left, Call) and left.function == "d":
            top, bottom = left.args
            number = isinstance(top, Name) and self.engine.shapes.get(top.id) == ()
            return bottom if number and isinstance(bottom, Name) else None
        return left if isinstance(left, Name) else None

    def meant(self, left: Expr) -> list[Truth]:
        """As `truths`, for what is no shape; one index is enough for a row or a column."""
        left = spread_indices(left, self.bench.matcher.quiet)
        if isinstance(left, Name):
            return self.of_name(left)
        if isinstance(left, Call) and left.function == "d":
            return [*self.asked(left), *self.local(left)]
        found = self.asked(left)
        entry = isinstance(left, Index) or not functions(left).isdisjoint(QUERIES)
        if entry or not any(truth.array is not None and truth.array.letters for truth in found):
            return found
        return [replace(truth, kind=IDENTITY) for truth in found]

    def asked(self, ask: Expr) -> list[Truth]:
        """What is true of a query; nothing where it makes no sense."""
        try:
            return [self.bench.truth(ask)]
        except GradcheckError:
            return []

    def local(self, left: Call) -> list[Truth]:
        """∂y/∂x as the local derivative, where an edge joins them."""
        ends = [arg.base if isinstance(arg, Index) else arg for arg in left.args]
        if not all(isinstance(name, Name) for name in ends):
            return []
        target, source = (name.id for name in ends if isinstance(name, Name))
        if source not in self.engine.graph.sources.get(target, ()):
            return []
        ask: Expr = Call("local", tuple(ends))
        places = tuple(index for arg in left.args if isinstance(arg, Index) for index in arg.indices)
        return self.asked(Index(ask, places) if places else ask)

    def of_name(self, left: Name) -> list[Truth]:
        """A node is what computes it; an input is its given value, or its value after an update."""
        engine = self.engine
        if any(node.name == left.id for node in engine.graph.nodes):
            return self.asked(left)
        if left.id in engine.lets:
            return [replace(truth, kind="own") for truth in self.asked(left)]
        leaf = engine.graph.by_name.get(left.id)
        if leaf is None:
            return []
        found = []
        if left.id in engine.problem.data or left.id in engine.problem.given:
            found += [replace(truth, kind=GIVEN) for truth in self.asked(left)]
        learns = left.id in {leaf.name for leaf in engine.graph.inputs if leaf.param}
        if learns and engine.problem.learning_rate is not None and not engine.shapes[engine.output]:
            found += self.asked(Call("step", (left, as_typed(engine.problem.learning_rate))))
        return found

    # -- dZ

    def of_differential(self, left: Expr, members: list[Source], own: Own, *, latex: bool) -> list[Truth]:
        """`dZ = X dW` says how Z moves with what it is computed from; else dZ is the gradient by Z."""
        name = moved_in(left) or ""
        used = {one for member in members for one in moving(member, own, latex=latex)}
        above = self.engine.graph.ancestors.get(name, frozenset())
        if used and used <= above:
            return [Truth(left, left, None, DIFFERENTIAL)]
        ask = exchanged(left, lambda one: Call("upstream", (Name(one),)))
        found = self.asked(spread_indices(ask, self.bench.matcher.quiet))
        for size in own.gradients.sizes(name):
            summed = self.asked(spread_indices(times(size, ask), self.bench.matcher.quiet))
            found += [replace(one, ask=ask, kind="derivative", summed=True) for one in summed]
        return found + ([Truth(left, left, None, DIFFERENTIAL)] if used & above else [])


def moved_in(left: Expr) -> str | None:
    """The Z of a left side that is dZ, an entry, a row or a column of it; None for any other."""
    return base_of(left) or (next(iter(names_of(left)), None) if isinstance(left, Index) else None)


def moving(member: Source, own: Own, *, latex: bool) -> tuple[str, ...]:
    """The Z of every dZ in a member; none where it cannot be read."""
    return tuple(
        name for expr in read_quietly(member, identity_scope(own.scope), latex=latex)[:1] for name in moved_names(expr)
    )


def batch_sizes(bench: ArrayBench) -> Mapping[str, Expr]:
    """The size of the batch for every node with an axis for it: a letter that no parameter's shape has.

    Empty where the output is no mean over it.
    """
    graph = bench.engine.graph
    if bench.engine.shapes[bench.engine.output]:
        return {}
    parts = (part for node in graph.nodes for part in walk(node.expr))
    means = any(isinstance(part, Call) and part.function in _MEANS for part in parts)
    divided = {name for node in graph.nodes for name in names(node.expr)}
    of_params = {letter for leaf in graph.inputs if leaf.param for one in leaf.shape for letter in one.letters}
    found: dict[str, Expr] = {}
    for name, shape in graph.shapes.items():
        letters = sorted({letter for one in shape for letter in one.letters} - of_params)
        if len(letters) == 1 and name in graph.by_name and (means or letters[0] in divided):
            found[name] = Name(letters[0])
    return found
