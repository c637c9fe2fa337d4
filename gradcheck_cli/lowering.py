"""Expressions in primitive functions, with their shapes: what the witnesses see of a graph that has arrays.

Derived functions are written out, options put into their normal form, sizes worked out, and every shape is checked.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from gradcheck_cli import shapes
from gradcheck_cli.errors import LETTERS, SUMS, GradcheckError, ShapeError, UnsupportedError
from gradcheck_cli.expand import EULER, pairs
from gradcheck_cli.expr import Call, Expr, Index, Name, Num, Sum, children, names, number, substitute, with_children
from gradcheck_cli.functions import CONSTANTS, FUNCTIONS, Function
from gradcheck_cli.graph import Graph
from gradcheck_cli.inference import Operands, result_shape, whole
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.shapes import Shape, Size, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPTION_NAMES = ("axis", "keepdims")
_SIZES = {
    "reshape": 1,
    "filled": 0,
    "eye": 0,
    "pool2d": 1,
    "pool2d_back": 2,
    "part": 1,
}  # from which argument on a function has sizes
_STAND_IN = "("  # begins the name that an argument of a derived function has inside: nobody can write it


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes of names, the letters that are sizes, and over which size each index letter was seen to run.

    `seen` has the calls and sums lowered so far, with these `ranges`: what is shared is lowered once.
    """

    names: Mapping[str, Shape]
    letters: frozenset[str] = frozenset()
    ranges: dict[str, Size] = field(default_factory=dict)
    seen: dict[int, tuple[Expr, Typed]] = field(default_factory=dict, repr=False, compare=False)


class Typed(NamedTuple):
    """An expression in primitive functions, and its shape."""

    expr: Expr
    shape: Shape


def lower(expr: Expr, known: Shapes) -> Typed:
    """The expression in primitive functions, and its shape.

    Raises ShapeError, with the place, for operands that do not fit.
    """
    seen = known.seen.get(id(expr))
    if seen is not None:
        return seen[1]
    try:
        return _lower(expr, known)
    except GradcheckError as error:
        error.span = error.span or expr.span
        raise


def _lower(expr: Expr, known: Shapes) -> Typed:
    match expr:
        case Num():
            return Typed(expr, ())
        case Name():
            return Typed(expr, known.names.get(expr.id, ()))
        case Index():
            return _entry(expr, known)
    found = _sum_over(expr, known) if isinstance(expr, Sum) else _call(expr, known)
    known.seen[id(expr)] = (expr, found)
    return found


def _call(expr: Call, known: Shapes) -> Typed:
    row = FUNCTIONS.get(expr.function)
    if row is not None and row.shape == "size":
        return _counted(expr, known)
    args = tuple([lower(arg, known) for arg in expr.args])
    if row is None:
        message = f"{expr.function}(…) has no value of its own"
        raise UnsupportedError(message, span=expr.span)
    if expr.function == "pow" and expr.args[0] == EULER:
        return _call(Call("exp", expr.args[1:], (), expr.span), known)
    if not row.primitive:
        return _derived(expr, row, args, known)
    if row.elementwise and not expr.options and (plain := _entry_by_entry(expr, row, args)) is not None:
        return plain
    written = pairs(Call(expr.function, tuple(arg.expr for arg in args), (), expr.span), row)
    shaped = tuple(arg.shape for arg in args)
    if row.shape in ("reduce", "along", "transpose") and len(shaped[0]) < (2 if row.shape == "transpose" else 1):
        _refuse_axis(expr)
        return Typed(number(1), ()) if row.name == "softmax" else args[0]
    options = _normal(expr, row, shaped)
    operands = Operands(row.name, tuple(arg.expr for arg in args), shaped, whole(options), known.letters)
    try:
        shape = result_shape(operands)
    except GradcheckError as error:
        error.span = error.span or expr.span
        raise
    return Typed(Call(written.function, written.args, options, written.span) if options else written, shape)


def _entry_by_entry(expr: Call, row: Function, args: tuple[Typed, ...]) -> Typed | None:
    """A function of numbers and of arrays of one shape, which most calls are; None for any other."""
    shape: Shape = ()
    same = True
    for arg, operand in zip(expr.args, args, strict=True):
        same = same and operand.expr is arg
        if operand.shape and operand.shape != shape:
            if shape:
                return None
            shape = operand.shape
    written = expr if same else Call(expr.function, tuple([operand.expr for operand in args]), (), expr.span)
    return Typed(pairs(written, row), shape)


def _refuse_axis(expr: Call) -> None:
    """Of a number 0 and -1 may be said, as in NumPy."""
    for name, value in expr.options:
        if name == "axis" and _whole(value, name) not in (0, -1):
            message = f"there is no axis {_whole(value, name)}: this is a number"
            raise ShapeError(message, hint="leave the axis out", span=value.span)


def _entry(expr: Index, known: Shapes) -> Typed:
    base = lower(expr.base, known)
    indices = tuple(lower(index, known).expr for index in expr.indices)
    if len(indices) > len(base.shape):
        message = f"{len(indices)} indices are too many for shape {text_of(base.shape)}"
        raise ShapeError(message, hint=f"it has {len(base.shape)} axes", span=expr.span)
    for index, size in zip(indices, base.shape, strict=False):
        if isinstance(index, Name):
            _runs(index, size, known)
        place = shapes.size_of(index, [name for name in names(index) if not name.startswith(_STAND_IN)])
        if isinstance(index, Index):
            continue  # an entry of data: what it is shows at its value
        if place is None or (place.number is not None and place.number < 0):
            message = "an index is a letter or a whole number, counted from 0"
            raise ShapeError(message, hint="write x[0] or x[i]", span=index.span)
        if isinstance(index, Num) and size.number is not None and index.value >= size.number:
            message = f"the index {index.text} is too large: there are {size} entries, counted from 0"
            raise ShapeError(message, what=LETTERS, hint=f"the last one is {size.number - 1}", span=index.span)
    return Typed(Index(base.expr, indices, expr.span), base.shape[len(indices) :])


def _sum_over(expr: Sum, known: Shapes) -> Typed:
    outside = {letter: size for letter, size in known.ranges.items() if letter != expr.index}
    inside = replace(known, ranges=outside, seen={})  # what was seen before has recorded its letters elsewhere
    inner = lower(expr.body, inside)
    known.ranges.update({letter: size for letter, size in inside.ranges.items() if letter != expr.index})
    if expr.index not in inside.ranges:
        message = f"the sum over {expr.index} has no bounds: {expr.index} is no index of anything in it"
        raise ShapeError(message, what=SUMS, hint=f"write an entry such as x[{expr.index}]", span=expr.span)
    count = inside.ranges[expr.index].expr()
    return Typed(Sum(inner.expr, expr.index, expr.span, count), inner.shape)


def _runs(letter: Name, size: Size, known: Shapes) -> None:
    """Remember over which size an index letter runs."""
    if letter.id in known.names or letter.id in known.letters:
        return
    before = known.ranges.setdefault(letter.id, size)
    if before != size:
        message = f"the index {letter.id} runs over {before} and over {size}"
        raise ShapeError(message, what=LETTERS, hint="use a letter of its own for each", span=letter.span)


def _counted(expr: Call, known: Shapes) -> Typed:
    """count(x), count(x, axis=0): a number of entries; samples(p): the rows of a batch."""
    shape = lower(expr.args[0], known).shape
    if expr.function == "samples":
        return Typed(shape[0].expr() if len(shape) > 1 else number(1), ())
    options = {name: value for name, value in expr.options if not _left_out(value)}
    if "axis" not in options:
        return Typed(shapes.count(shape).expr(), ())
    axis = _axis(options["axis"], shape)
    return Typed(shape[axis].expr(), ())


def _derived(expr: Call, row: Function, args: tuple[Typed, ...], known: Shapes) -> Typed:
    """What a derived function stands for, worked out for stand-ins; its arguments, lowered before, are then put in."""
    rank = max((len(arg.shape) for arg in args), default=0)
    _refuse_unsquare(expr, args)
    left_out = row.defaults[len(expr.args) - len(row.params) :] if row.defaults else ()
    given = (*args, *(Typed(parse(text, scope({})[0]), ()) for text in left_out))
    named: dict[str, Shape] = {}
    actual: dict[str, Expr] = dict(expr.options)
    lowered: dict[str, Expr] = {}
    for parameter, arg in zip(row.params, given, strict=False):
        stand_in = _STAND_IN + parameter
        actual[parameter] = arg.expr if not arg.shape and _plain(arg.expr) else Name(stand_in)
        named[stand_in], lowered[stand_in] = arg.shape, arg.expr
    body = substitute(_meaning(row.name, rank, tuple(name for name, _ in expr.options)), actual)
    try:
        found = lower(body, replace(known, names={**known.names, **named}, seen={}))
    except GradcheckError as error:
        error.span = expr.span  # the place in the function's meaning says nothing to a reader
        raise
    return Typed(_placed(substitute(found.expr, lowered), expr), found.shape)


def _refuse_unsquare(expr: Call, args: tuple[Typed, ...]) -> None:
    """trace(X), and diag(X) of a matrix: told of the function, not of what it stands for."""
    if expr.function not in ("trace", "diag"):
        return
    shape = args[0].shape
    if (len(shape) == 2 and shape[0] == shape[1]) or (expr.function == "diag" and len(shape) == 1):
        return
    what = "a square matrix" if expr.function == "trace" else "a vector or a square matrix"
    message = f"{expr.function}(…) needs {what}, this has shape {text_of(shape)}"
    raise ShapeError(message, hint="look at the factors' order and transposes", span=expr.span)


def _plain(expr: Expr) -> bool:
    """Whether an argument may be a size or an index, which its function has to see."""
    if isinstance(expr, Call):
        return expr.function in ("neg", "add", "mul", *CONSTANTS) and all(map(_plain, expr.args))
    return isinstance(expr, Num | Name)


def _placed(expr: Expr, original: Expr) -> Expr:
    return replace(expr, span=original.span) if isinstance(expr, Call) else expr


@cache
def _meaning(function: str, rank: int, given: tuple[str, ...]) -> Expr:
    """What a derived function of arrays of so many axes stands for, with the options that are given."""
    row = FUNCTIONS[function]
    text = next((text for least, text in reversed(row.of_rank) if rank >= least), row.means)
    vocabulary = replace(scope(dict.fromkeys((*row.params, *_OPTION_NAMES), ()))[0], arrays=True)
    return _without_defaults(parse(text, vocabulary), given)


def _without_defaults(expr: Expr, given: tuple[str, ...]) -> Expr:
    """The expression without options that were not given: `axis=axis` is left out."""
    match expr:
        case Call():
            options = tuple((name, value) for name, value in expr.options if name in given or not _left_out(value))
            args = tuple(_without_defaults(arg, given) for arg in expr.args)
            return Call(expr.function, args, options, expr.span)
        case Index():
            return Index(_without_defaults(expr.base, given), expr.indices, expr.span)
    return expr


def _left_out(value: Expr) -> bool:
    return isinstance(value, Name) and value.id in _OPTION_NAMES


def _normal(expr: Call, row: Function, shaped: tuple[Shape, ...]) -> tuple[tuple[str, Expr], ...]:
    """Options in normal form: an axis counted from 0, nothing that says what holds anyway."""
    options: dict[str, Expr] = {}
    for name, value in expr.options:
        if name == "axis":
            options[name] = number(_axis(value, shaped[0]))
        elif name == "keepdims":
            if _whole(value, name):
                options[name] = number(1)
        else:
            least = 0 if name == "padding" else 1
            if _whole(value, name) < least:
                message = f"{name} is {_whole(value, name)}"
                raise ShapeError(message, hint=f"write {least} or more", span=value.span)
            options[name] = number(_whole(value, name))
    if row.shape == "along" and "axis" not in options:
        options["axis"] = number(shapes.usual_axis(shaped[0]))
    return tuple(sorted(options.items()))


def _axis(value: Expr, shape: Shape) -> int:
    axis = _whole(value, "axis")
    if not -len(shape) <= axis < len(shape):
        message = f"there is no axis {axis} in shape {text_of(shape)}"
        hint = f"axes are counted from 0 to {len(shape) - 1}" if shape else "a scalar has no axes"
        raise ShapeError(message, hint=hint, span=value.span)
    return axis % len(shape)


def _whole(value: Expr, name: str) -> int:
    sign = 1
    if isinstance(value, Call) and value.function == "neg":
        sign, value = -1, value.args[0]
    if not isinstance(value, Num) or value.value.denominator != 1:
        message = f"{name} is no whole number"
        raise ShapeError(message, hint=f"write {name}=0, say", span=value.span)
    return sign * int(value.value)


def at_sizes(graph: Graph, sizes: Mapping[str, int]) -> Graph:
    """The graph in primitive functions where the letters of sizes have these values: numbers everywhere."""
    known = Shapes(graph.shapes, frozenset(sizes))
    numbers: dict[str, Expr] = {letter: number(count) for letter, count in sizes.items()}
    nodes = tuple(replace(node, expr=in_numbers(lower(node.expr, known).expr, numbers)) for node in graph.nodes)
    fixed = {name: tuple(shapes.size(one.at(sizes)) for one in shape) for name, shape in graph.shapes.items()}
    return Graph(graph.inputs, nodes, graph.output, graph.constants, (), fixed)


def largest(graph: Graph, sizes: Mapping[str, int]) -> int:
    """How many entries the largest array has that stands in a node at these sizes, amid its formula too."""
    known = Shapes(graph.shapes, frozenset(sizes))
    for node in graph.nodes:
        lower(lower(node.expr, known).expr, known)  # what derived functions stand for is seen the second time
    inside = (typed.shape for _, typed in known.seen.values())
    return max((shapes.count(shape).at(sizes) for shape in (*graph.shapes.values(), *inside)), default=1)


def in_numbers(expr: Expr, numbers: Mapping[str, Expr]) -> Expr:
    """The expression with numbers for the letters of sizes, in the bounds of sums too; `4*h` becomes one number."""
    return _numbered(expr, numbers, {})


def _numbered(expr: Expr, numbers: Mapping[str, Expr], done: dict[int, Expr]) -> Expr:
    """The same; `done` has what is shared, so that it is shared afterwards."""
    if isinstance(expr, Name):
        return numbers.get(expr.id, expr)
    if id(expr) in done:
        return done[id(expr)]
    below = children(expr)
    sizes = _SIZES.get(FUNCTIONS[expr.function].shape, len(below)) if isinstance(expr, Call) else len(below)
    changed = tuple(
        _numbered(child, numbers, done) if place < sizes else _folded(substitute(child, numbers))
        for place, child in enumerate(below)
    )
    found = expr if all(new is old for new, old in zip(changed, below, strict=True)) else with_children(expr, changed)
    if isinstance(found, Sum) and found.count is not None:
        found = replace(found, count=_folded(substitute(found.count, numbers)))
    done[id(expr)] = found
    return found


def _folded(expr: Expr) -> Expr:
    found = shapes.size_of(expr, ())
    return expr if found is None else found.expr()
