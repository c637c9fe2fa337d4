"""A graph flattened into steps: leaves first, then each node's expression, an operation a step."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

from gradcheck_cli import shapes
from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expand import expand
from gradcheck_cli.expr import Call, Expr, Index, Name, Num, Sum, children, names, number, with_children
from gradcheck_cli.functions import FUNCTIONS
from gradcheck_cli.inference import whole
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.tape.arith import real
from gradcheck_cli.tape.arrays import ARRAY_RULES
from gradcheck_cli.tape.numbers import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gradcheck_cli.graph import Graph

MAX_STEPS = 100_000  # of one node, where sums over index letters are written out
MAX_ENTRIES = 2_000_000  # of one array that holds a sum's terms

# index letters that are axes here, the outermost first, with the number of their values
Letters = tuple[tuple[str, int], ...]
# where the sizes begin among a call's arguments, and what the rule calls them
_SIZES = {
    "reshape": (1, "shape"),
    "filled": (0, "shape"),
    "eye": (0, "shape"),
    "pool2d": (1, "window"),
    "part": (1, "bounds"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One operation: the slots of its operands, and its own is its place on the tape."""

    function: str
    operands: tuple[int, ...]
    literal: float = 0.0
    name: str = ""  # of a leaf
    options: tuple[tuple[str, Any], ...] = ()


@dataclass(slots=True)
class Flattening:
    """Steps as they are found. `known` has the slots of the parts of the node at hand: equal parts are one step."""

    shapes: Mapping[str, shapes.Shape]
    steps: list[Step] = field(default_factory=list)
    slots: dict[str, int] = field(default_factory=dict)
    begins: dict[str, int] = field(default_factory=dict)
    known: dict[tuple[Expr, Letters], int] = field(default_factory=dict)

    def node(self, name: str, expr: Expr) -> None:
        """A node is a step of its own even where it is a bare name, so that each edge has a local derivative."""
        self.begins[name] = begin = len(self.steps)
        self.known = {}
        top = self.slot(expr if self.shapes else expand(expr))
        if top < begin or self.steps[top].function == "number":
            top = self.add(Step("add", (top,)))
        self.slots[name] = top

    def add(self, step: Step) -> int:
        """The slot of a new step."""
        self.steps.append(step)
        return len(self.steps) - 1

    def slot(self, expr: Expr, letters: Letters = ()) -> int:
        """The slot of an expression; its depth is bounded by the parser."""
        if letters and not _free(expr, letters):
            letters = ()
        if isinstance(expr, Name) and not letters:
            return self._named(expr)
        key = (expr, letters)
        if key not in self.known:
            self.known[key] = self._flatten(expr, letters)
        return self.known[key]

    def _named(self, expr: Name) -> int:
        if expr.id not in self.slots:
            message = f"{expr.id} has no number on the tape"
            raise UnsupportedError(message, hint="sizes have to be numbers here", span=expr.span)
        return self.slots[expr.id]

    def _flatten(self, expr: Expr, letters: Letters) -> int:
        match expr:
            case Num():
                return self.add(Step("number", (), real(expr.value)))
            case Name():
                return self._letter(expr.id, letters)
            case Call() if expr.function in RULES:
                return self.add(Step(expr.function, tuple(self.slot(arg, letters) for arg in expr.args)))
            case Call() if expr.function in ARRAY_RULES and self.shapes:
                return self._array(expr)
            case Index() if self.shapes:
                return self._entry(expr, letters)
            case Sum() if self.shapes:
                return self._sum(expr, letters)
        what = expr.function if isinstance(expr, Call) else type(expr).__name__
        message = f"{what} has no place on the tape"
        raise UnsupportedError(message, hint="write it with functions of the table")

    def _array(self, expr: Call) -> int:
        """A function of arrays: whole numbers among its arguments are options of the rule."""
        operands, options = with_options(expr, _size)
        return self.add(Step(expr.function, tuple(map(self.slot, operands)), options=tuple(options.items())))

    def _entry(self, expr: Index, letters: Letters) -> int:
        places = tuple(map(_literal, expr.indices))
        computed = [index for index, place in zip(expr.indices, places, strict=True) if place is None]
        operands = (self.slot(expr.base), *(self.slot(index, letters) for index in computed))
        return self.add(Step("entry", operands, options=(("places", places),)))

    def _letter(self, letter: str, letters: Letters) -> int:
        depth = max(at for at, (known, _) in enumerate(letters) if known == letter)
        return self.add(Step("letter", (), options=(("count", letters[depth][1]), ("depth", depth))))

    def _sum(self, expr: Sum, letters: Letters) -> int:
        """A sum over an index letter: the letter becomes an axis where all that it touches are numbers."""
        count = _count(expr)
        if letters or self._fits(expr, ()):
            body = self.slot(expr.body, (*letters, (expr.index, count)))
            return self.add(Step("over", (body,), options=(("count", count), ("depth", len(letters)))))
        terms = []
        for value in range(count):
            terms.append(self.slot(_fixed(expr.body, expr.index, value)))
            if len(self.steps) - max(self.begins.values()) > MAX_STEPS:
                message = f"the sum over {expr.index} has too many terms to write out"
                raise UnsupportedError(message, hint="use smaller sizes, or functions of whole arrays", span=expr.span)
        return self.add(Step("add", tuple(terms)))

    def _fits(self, expr: Expr, letters: Letters) -> bool:
        """Whether these letters can be axes: they index arrays that do not depend on them, and the rest is numbers."""
        if not isinstance(expr, Sum) and not _free(expr, letters):
            return self._rank(expr) == 0
        match expr:
            case Call():
                return expr.function in RULES and all(self._fits(arg, letters) for arg in expr.args)
            case Index():
                if _free(expr.base, letters) or self._rank(expr.base) != len(expr.indices):
                    return False
                return all(self._fits(index, letters) for index in expr.indices)
            case Sum():
                inner = (*letters, (expr.index, _count(expr)))
                return prod(count for _, count in inner) <= MAX_ENTRIES and self._fits(expr.body, inner)
        return True

    def _rank(self, expr: Expr) -> int:
        return len(lower(expr, Shapes(self.shapes)).shape)


def flatten(graph: Graph) -> Flattening:
    """The steps of a graph.

    Raises UnsupportedError for what has no place on the tape: a size that is a letter, a sum of too many terms.
    """
    for name, shape in graph.shapes.items():
        if any(one.number is None for one in shape):
            message = f"{name} has shape {shapes.text_of(shape)}, and the tape works in numbers"
            raise UnsupportedError(message, hint="give the sizes as numbers")
    found = Flattening(graph.shapes)
    for leaf in (*graph.inputs, *graph.constants):
        found.slots[leaf.name] = found.add(Step("leaf", (), name=leaf.name))
    for node in graph.nodes:
        found.node(node.name, node.expr)
    return found


def with_options(expr: Call, size: Callable[[Expr], int]) -> tuple[tuple[Expr, ...], dict[str, Any]]:
    """The operands of a function of arrays, and its options; `size` says which number a size is."""
    start, name = _SIZES.get(FUNCTIONS[expr.function].shape, (len(expr.args), ""))
    options: dict[str, Any] = dict(whole(expr.options))
    if name:
        sizes = tuple(size(arg) for arg in expr.args[start:])
        options[name] = sizes[0] if name == "window" else sizes
    return expr.args[:start], options


def _free(expr: Expr, letters: Letters) -> bool:
    """Whether one of the letters stands in the expression."""
    return not {letter for letter, _ in letters}.isdisjoint(names(expr))


def _size(expr: Expr) -> int:
    """A size or window in numbers."""
    found = shapes.size_of(expr, ())
    if found is None or found.number is None:
        message = "a size has no number on the tape"
        raise UnsupportedError(message, hint="give the sizes as numbers", span=expr.span)
    return found.number


def _count(expr: Sum) -> int:
    if expr.count is None:
        message = f"the sum over {expr.index} has no bounds"
        raise UnsupportedError(message, hint="the tape takes graphs with their shapes worked out", span=expr.span)
    return _size(expr.count)


def _literal(index: Expr) -> int | None:
    """An index that is written out; a negative one counts from the end."""
    match index:
        case Num() if index.value.denominator == 1:
            return int(index.value)
        case Call(function="neg", args=(Num() as inner,)) if inner.value.denominator == 1:
            return -int(inner.value)
    return None


def _fixed(expr: Expr, letter: str, value: int) -> Expr:
    """The expression with a number for an index letter, except in a sum over the same letter."""
    if isinstance(expr, Name):
        return number(value) if expr.id == letter else expr
    if isinstance(expr, Sum) and expr.index == letter:
        return expr
    below = children(expr)
    return with_children(expr, tuple(_fixed(child, letter, value) for child in below)) if below else expr
