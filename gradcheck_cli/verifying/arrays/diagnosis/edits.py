"""What would make a wrong answer right: a factor transposed, two exchanged, a sum over the batch, a name for another.

These are changes of the answer, not of the truth, so that an answer whose shapes do not even fit can be explained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Expr, Index, Name, children, mapped, names, number, parts, substitute
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.shapes import Shape
    from gradcheck_cli.solving.array_engine import ArrayEngine

MOST_PRODUCTS = 6
_DERIVATIVES = {"d", "local", "upstream", "downstream"}


@dataclass(frozen=True, slots=True)
class Edit:
    """An answer changed in one place: which mistake that takes back."""

    code: str
    message: str
    expr: Expr


def edits(engine: ArrayEngine, expr: Expr, inside: set[str]) -> Iterator[Edit]:
    """Changes of an answer, the likeliest first. `inside` has the names on the paths of the derivative asked for."""
    products = [part for part in parts_of(expr) if is_product(part, engine)][:MOST_PRODUCTS]
    put = Replacing(expr)
    for product in products:
        for code, message, changed in reordered(product):
            yield Edit(code, message, put(product, changed))
    try:
        if len(engine.shape_of(expr)) == 2:
            yield Edit("transpose", "the whole is transposed", _transposed(expr))
    except GradcheckError:
        pass
    yield from _swapped_letters(expr)
    yield from _other_names(engine, expr, inside)


def parts_of(expr: Expr) -> Iterator[Expr]:
    """Every part of an expression, from the top; derivatives and their names are not taken apart."""
    yield expr
    if isinstance(expr, Call) and expr.function in _DERIVATIVES:
        return
    for child in children(expr):
        yield from parts_of(child)


def is_product(part: Expr, engine: ArrayEngine) -> bool:
    """Whether a part is a product of two factors that may be one of matrices."""
    if not isinstance(part, Call) or len(part.args) != 2:
        return False
    if part.function in ("matmul", "dot", "outer"):
        return True
    try:
        return part.function == "mul" and all(len(engine.shape_of(arg)) == 2 for arg in part.args)
    except GradcheckError:  # operands that do not fit have no shape
        return False


def _transposed(expr: Expr) -> Expr:
    if isinstance(expr, Call) and expr.function == "transpose":
        return expr.args[0]
    return Call("transpose", (expr,))


def reordered(product: Expr) -> Iterator[tuple[str, str, Expr]]:
    """The two factors of a product, each transposed or not, in both orders."""
    assert isinstance(product, Call)  # noqa: S101 - asked for by the caller
    left, right = product.args
    if product.function == "outer":
        message = f"the factors stand in the wrong order: {write(right)} comes first"
        yield "transpose", message, Call("outer", (right, left))
        return
    if product.function == "mul":
        message = f"* goes entry by entry; {write(left)} and {write(right)} are to be multiplied as matrices, with @"
        yield "shape", message, Call("matmul", (left, right))
    for one, name in ((left, "left"), (right, "right")):
        changed = (_transposed(left), right) if name == "left" else (left, _transposed(right))
        verb = (
            "should not be transposed"
            if isinstance(one, Call) and one.function == "transpose"
            else "has to be transposed"
        )
        yield "transpose", f"the {name} factor {write(one)} {verb}", Call("matmul", changed)
    both = Call("matmul", (_transposed(left), _transposed(right)))
    yield "transpose", f"both factors, {write(left)} and {write(right)}, are the wrong way round", both
    message = f"the factors stand in the wrong order: {write(right)} comes first"
    yield "transpose", message, Call("matmul", (right, left))
    for first, second in (
        (_transposed(right), left),
        (right, _transposed(left)),
        (_transposed(right), _transposed(left)),
    ):
        yield "transpose", f"{message}, with its transposes", Call("matmul", (first, second))


class Replacing:
    """An expression in which very parts are replaced, again and again."""

    def __init__(self, expr: Expr) -> None:
        self.expr = expr
        self._above: dict[int, list[Expr]] = {}  # what each part stands in
        for part in parts(expr):
            for child in children(part):
                self._above.setdefault(id(child), []).append(part)

    def __call__(self, old: Expr, new: Expr) -> Expr:
        """The expression with another one at the place of this very part."""
        around, waiting = {id(old)}, [id(old)]
        while waiting:
            for part in self._above.get(waiting.pop(), ()):
                if id(part) not in around:
                    around.add(id(part))
                    waiting.append(id(part))
        return _put(self.expr, old, new, around)


def _put(expr: Expr, old: Expr, new: Expr, around: set[int]) -> Expr:
    if expr is old:
        return new
    return mapped(expr, lambda part: _put(part, old, new, around)) if id(expr) in around else expr


def reshapings(expr: Expr, shape: Shape, wanted: Shape) -> Iterator[Edit]:
    """The whole transposed; a sum over an axis left out; the right entries in another shape."""
    if len(shape) == 2 and shape != wanted:
        yield Edit("transpose", "the whole is transposed", _transposed(expr))
    right = shapes.text_of(wanted)
    for axis in range(len(shape)):
        rest = (*shape[:axis], *shape[axis + 1 :])
        kept = (*shape[:axis], shapes.ONE, *shape[axis + 1 :])
        message = f"the sum over axis {axis}, of {shape[axis]} entries, is missing: the result has shape {right}"
        if wanted in (rest, kept):
            options = (("axis", number(axis)), *((("keepdims", number(1)),) if kept == wanted else ()))
            yield Edit("shape", message, Call("sum", (expr,), options))
    if shape != wanted and wanted == () and shape:
        yield Edit("shape", "the sum over all entries is missing: the result is a number", Call("sum", (expr,)))
    if shape != wanted and shapes.count(shape) == shapes.count(wanted) and wanted:
        message = f"the entries are right; the shape is {shapes.text_of(shape)} and should be {right}"
        yield Edit("shape", message, Call("reshape", (expr, *(one.expr() for one in wanted))))


def _swapped_letters(expr: Expr) -> Iterator[Edit]:
    """Two index letters exchanged."""
    letters = sorted({part.id for part in _index_names(expr)})
    for at, first in enumerate(letters):
        for second in letters[at + 1 :]:
            swapped = substitute(expr, {first: Name(second), second: Name(first)})
            yield Edit("index", f"the indices {first} and {second} are exchanged", swapped)


def _index_names(expr: Expr) -> Iterator[Name]:
    for part in parts_of(expr):
        if isinstance(part, Index):
            yield from (index for index in part.indices if isinstance(index, Name))


def _other_names(engine: ArrayEngine, expr: Expr, inside: set[str]) -> Iterator[Edit]:
    """A name that stands for its neighbour of the same shape wherever it stands: z for h."""
    for name in names(expr):
        for other, code, message in neighbours(engine, name, inside):
            yield Edit(code, message, substitute(expr, {name: Name(other)}))


def neighbours(engine: ArrayEngine, name: str, inside: set[str]) -> Iterator[tuple[str, str, str]]:
    """The names of the same shape beside a name in the graph, with what it is to write it for one of them."""
    graph = engine.graph
    users = graph.targets.get(name, ())
    beside = (other for user in users for other in graph.sources[user] if other != name)
    for other in dict.fromkeys((*users, *graph.sources.get(name, ()), *beside)):
        if engine.shapes.get(other) == engine.shapes.get(name):
            code = "wrong-local" if {name, other} <= inside else "wrong-node"
            yield other, code, f"{name} stands where {other} should"
