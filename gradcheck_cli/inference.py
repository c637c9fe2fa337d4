"""The shape of each primitive's value from the shapes of its operands: one row a rule, named by the table of functions.

A rule raises ShapeError where operands do not fit; its message has their shapes. Options are in normal form: `axis` is a
number from 0, `keepdims` is there only where it is wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.errors import OPERANDS, ROWS, ShapeError, UnsupportedError
from gradcheck_cli.expr import Expr, Num
from gradcheck_cli.functions import FUNCTIONS
from gradcheck_cli.shapes import ONE, Shape, Size, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping


@dataclass(frozen=True, slots=True)
class Operands:
    """What a rule sees: the operands with their shapes, the options in whole numbers, the letters that are sizes."""

    function: str
    args: tuple[Expr, ...]
    shapes: tuple[Shape, ...]
    options: Mapping[str, int]
    letters: Collection[str]

    @property
    def first(self) -> Shape:
        """The first operand's shape."""
        return self.shapes[0]

    def sizes(self, start: int) -> Shape:
        """The operands from `start` on as sizes."""
        return tuple(self.size(place) for place in range(start, len(self.args)))

    def size(self, place: int, least: int = 1) -> Size:
        """One operand as a size, which may be 0 where that is the `least`."""
        arg = self.args[place]
        one = shapes.size_of(arg, self.letters)
        if one is None or (one.number is not None and one.number < least):
            example = f"{self.function}(x, 0, 3)" if self.function == "part" else f"{self.function}(m, 3)"
            message = f"{self.function}(…) needs sizes: whole numbers or letters of sizes"
            raise ShapeError(message, hint=f"write {example}, say", span=arg.span)
        return one


def result_shape(operands: Operands) -> Shape:
    """The shape of a call of a primitive.

    Raises ShapeError where the operands do not fit.
    """
    return _RULES[FUNCTIONS[operands.function].shape](operands)


def _elementwise(operands: Operands) -> Shape:
    found: Shape = ()
    for shape in operands.shapes:
        fitting = shapes.broadcast(found, shape)
        if fitting is None:
            verb = {"add": "add", "mul": "multiply", "div": "divide"}.get(operands.function, "combine")
            if operands.function in ("mul", "div") and len(found) == len(shape) == 2:
                hint = "@ is the matrix product, * goes entry by entry"
            else:
                hint = "sizes have to be the same, or 1, counted from the last axis"
            message = f"shapes {text_of(found)} and {text_of(shape)} do not fit: there is no way to {verb} them"
            raise ShapeError(message + " entry by entry", what=OPERANDS, hint=hint)
        found = fitting
    return found


def _reduce(operands: Operands) -> Shape:
    return reduced(operands.first, operands.options.get("axis"), keep="keepdims" in operands.options)


def reduced(shape: Shape, axis: int | None, *, keep: bool) -> Shape:
    """A shape without an axis, or without any; with `keep` they stay with size 1."""
    if axis is None:
        return (ONE,) * len(shape) if keep else ()
    return (*shape[:axis], *((ONE,) if keep else ()), *shape[axis + 1 :])


def _square(operands: Operands) -> Shape:
    shape = operands.first
    if len(shape) != 2 or shape[0] != shape[1]:
        message = f"{operands.function}(…) needs a square matrix, this has shape {text_of(shape)}"
        raise ShapeError(message, hint="look at the factors' order and transposes")
    return shape


def _det(operands: Operands) -> Shape:
    return _square(operands)[2:]


def _outer(operands: Operands) -> Shape:
    left, right = operands.shapes
    if len(left) != 1 or len(right) != 1:
        message = f"outer(…) takes two vectors, not shapes {text_of(left)} and {text_of(right)}"
        raise ShapeError(message, hint="a column times a row is x @ y.T")
    return (*left, *right)


def _reshape(operands: Operands) -> Shape:
    wanted = operands.sizes(1)
    have, want = shapes.count(operands.first), shapes.count(wanted)
    if have != want:
        message = f"shape {text_of(operands.first)} has {have} entries, {text_of(wanted)} has {want}"
        raise ShapeError(message, hint="reshape keeps every entry")
    return wanted


def _concat(operands: Operands) -> Shape:
    axis = operands.options.get("axis", 0)
    first = operands.first
    total = shapes.size(0)
    for shape in operands.shapes:
        if len(shape) != len(first) or axis >= len(shape) or _without(shape, axis) != _without(first, axis):
            message = f"shapes {text_of(first)} and {text_of(shape)} cannot be joined along axis {axis}"
            raise ShapeError(message, hint="all other sizes have to be the same")
        total = total + shape[axis]
    return (*first[:axis], total, *first[axis + 1 :])


def _part(operands: Operands) -> Shape:
    shape, axis = operands.first, operands.options.get("axis", 0)
    start, count = operands.size(1, least=0), operands.size(2)
    if axis >= len(shape):
        message = f"part(x, start, n) takes entries along axis {axis}, x has shape {text_of(shape)}"
        raise ShapeError(message, hint="x is a vector or a matrix")
    if any(_negative(one) for one in (start, shape[axis] + -start + -count)):
        message = f"there are no {count} entries from {start} on along axis {axis} of shape {text_of(shape)}"
        raise ShapeError(message, hint=f"they are counted from 0, there are {shape[axis]}")
    return (*shape[:axis], count, *shape[axis + 1 :])


def _negative(size: Size) -> bool:
    """Whether a size is below 0 whatever its letters are."""
    return bool(size.terms) and all(factor < 0 for _, factor in size.terms)


def _without(shape: Shape, axis: int) -> Shape:
    return shape[:axis] + shape[axis + 1 :]


def _array(operands: Operands) -> Shape:
    if any(shape != operands.first for shape in operands.shapes):
        other = next(shape for shape in operands.shapes if shape != operands.first)
        message = f"the rows of an array have shapes {text_of(operands.first)} and {text_of(other)}"
        raise ShapeError(message, what=ROWS, hint="rows have equally many entries")
    return (shapes.size(len(operands.shapes)), *operands.first)


def _eye(operands: Operands) -> Shape:
    return operands.sizes(0) * 2


def _transpose(operands: Operands) -> Shape:
    return operands.first[::-1]


def _conv2d(operands: Operands) -> Shape:
    image, kernel = operands.shapes
    if (len(image), len(kernel)) not in ((2, 2), (3, 4), (4, 4)):
        message = f"conv2d(x, k) has shapes {text_of(image)} and {text_of(kernel)}"
        raise ShapeError(message, hint="x is (channels, rows, columns), k is (filters, channels, rows, columns)")
    if len(kernel) == 4 and image[-3] != kernel[1]:
        message = (
            f"x of shape {text_of(image)} has {image[-3]} channels, k of shape {text_of(kernel)} wants {kernel[1]}"
        )
        raise ShapeError(message, hint="the second size of k is the number of channels of x")
    sizes = tuple(_windows(operands, image[axis], kernel[axis]) for axis in (-2, -1))
    return (*image[:-3], kernel[0], *sizes) if len(kernel) == 4 else sizes


def _pool2d(operands: Operands) -> Shape:
    image = operands.first
    (window,) = operands.sizes(1)
    if len(image) < 2:
        message = f"{operands.function}(x, n) pools rows and columns, x has shape {text_of(image)}"
        raise ShapeError(message, hint="x is (channels, rows, columns)")
    stride = {"stride": window.number or 1} | dict(operands.options)
    given = Operands(operands.function, operands.args, operands.shapes, stride, operands.letters)
    return (*image[:-2], *(_windows(given, image[axis], window) for axis in (-2, -1)))


def _windows(operands: Operands, image: Size, window: Size) -> Size:
    """How many windows fit: floor((W - D*(F - 1) - 1 + 2P)/S) + 1, after Dumoulin and Visin, arXiv 1603.07285."""
    stride, padding = operands.options.get("stride", 1), operands.options.get("padding", 0)
    dilation = operands.options.get("dilation", 1)
    reach = shapes.size(dilation) * (window + shapes.size(-1)) + ONE
    room = image + shapes.size(2 * padding) + -reach
    if room.number is None:
        if stride != 1:
            message = f"how often a window of {window} fits into {image} with stride {stride} depends on {image}"
            raise UnsupportedError(message, hint="give the size as a number")
        return room + ONE
    if room.number < 0:
        message = f"a window that reaches over {reach} does not fit into {image} with padding {padding}"
        raise ShapeError(message, hint="use a smaller window or more padding")
    return shapes.size(room.number // stride + 1)


def _back(operands: Operands) -> Shape:
    """What is sent back has the shape of what it is sent to; what arrives has that of the value."""
    row = FUNCTIONS[operands.function]
    forward = row.name.split("_")[1]
    value = result_shape(Operands(forward, operands.args[1:], operands.shapes[1:], operands.options, operands.letters))
    if operands.first != value:
        message = f"{row.name}(g, …) needs g of shape {text_of(value)}, this has shape {text_of(operands.first)}"
        raise ShapeError(message, hint=f"g is what arrives at the value of {forward}")
    return operands.shapes[row.params.index(row.name[-1])]


_RULES: dict[str, Callable[[Operands], Shape]] = {
    "elementwise": _elementwise,
    "matmul": lambda operands: shapes.product(*operands.shapes),
    "transpose": _transpose,
    "outer": _outer,
    "reduce": _reduce,
    "along": lambda operands: operands.first,
    "det": _det,
    "square": _square,
    "reshape": _reshape,
    "concat": _concat,
    "part": _part,
    "array": _array,
    "filled": lambda operands: operands.sizes(0),
    "eye": _eye,
    "conv2d": _conv2d,
    "pool2d": _pool2d,
    "conv2d_back": _back,
    "pool2d_back": _back,
}


def whole(options: tuple[tuple[str, Expr], ...]) -> dict[str, int]:
    """Options in normal form as whole numbers."""
    return {name: int(value.value) for name, value in options if isinstance(value, Num)}
