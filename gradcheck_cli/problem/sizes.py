"""Sizes of arrays as a problem file writes them: numbers, letters, `4*h`, `d + h`; and which numbers the letters have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.parsing.lexer import tokenize
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.problem.reader import kind_of
from gradcheck_cli.shapes import size_of, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.problem.reader import Reader
    from gradcheck_cli.shapes import Shape, Size
    from gradcheck_cli.yamltree import Node

MAX_RANK = 4
MAX_SIZE = 10_000_000
MAX_TEXT = 60  # a longer product of sums would have too many terms


def read_shape(reader: Reader, node: Node, name: str) -> tuple[Shape, dict[str, Node]] | None:
    """The shape that stands at a node, one size or a list, and where each letter in it stands; None after an error."""
    items = node.items if node.kind == "list" else (node,)
    if len(items) > MAX_RANK:
        reader.wrong(node, f"{name} has {len(items)} axes", f"arrays of up to {MAX_RANK} axes are worked out")
        return None
    found = [(item, read_size(reader, item, f"a size of {name}")) for item in items]
    sizes = tuple(size for _, size in found if size is not None)
    if len(sizes) < len(items):
        return None
    letters: dict[str, Node] = {}
    for item, size in found:
        for letter in sorted(size.letters if size else ()):
            letters.setdefault(letter, item)
    return sizes, letters


def read_size(reader: Reader, node: Node, what: str) -> Size | None:
    """A size: a whole number, a letter, or a sum or product of such; None after an error."""
    hint = "write a whole number, a letter, or something like 4*h or d + h"
    if node.kind != "scalar" or not node.text.strip() or len(node.text) > MAX_TEXT:
        reader.wrong(node, f"{what} is {kind_of(node)[:MAX_TEXT]}", hint)
        return None
    try:
        letters = {token.text for token in tokenize(node.source) if token.kind == "word"}
        found = size_of(parse(node.source, scope(dict.fromkeys(letters, ()))[0]), letters)
    except GradcheckError as error:
        reader.errors.append(error)
        return None
    if found is None:
        reader.wrong(node, f"{what} is {node.text}", hint)
    elif found.number is not None and found.number < 1:
        reader.wrong(node, f"{what} is {found}", "write 1 or more")
    elif any(abs(factor) > MAX_SIZE for _, factor in found.terms):
        reader.wrong(node, f"{what} is {node.text}", f"sizes of up to {MAX_SIZE:,} are worked out")
    else:
        return found
    return None


def bind(shape: Shape, found: tuple[int, ...], numbers: dict[str, int]) -> str:
    """Give letters the numbers that an array of shape `found` means; what does not fit, or an empty text."""
    if len(shape) != len(found):
        return f"shape {found}, and {text_of(shape)} is declared"
    open_axes = list(zip(shape, found, strict=True))
    while open_axes:
        open_axes.sort(key=lambda axis: len(axis[0].letters - set(numbers)))
        size, count = open_axes.pop(0)
        unknown = size.letters - set(numbers)
        if len(unknown) == 1:
            _solve(size, count, next(iter(unknown)), numbers)
        elif unknown:
            return (
                f"size {count} where {size} is declared, and dims: does not say what {', '.join(sorted(unknown))} are"
            )
        if size.letters - set(numbers) or size.at(numbers) != count:
            where = ", ".join(f"{letter} = {numbers[letter]}" for letter in sorted(size.letters & set(numbers)))
            return f"shape {found}, and {text_of(shape)} is declared" + (f", where {where}" if where else "")
    return ""


def _solve(size: Size, count: int, letter: str, numbers: dict[str, int]) -> None:
    """Give the one unknown letter of a size the number with which the size is `count`, where there is one."""
    slope = size.at({**numbers, letter: 1}) - size.at({**numbers, letter: 0})
    rest = count - size.at({**numbers, letter: 0})
    if slope and rest % slope == 0 and rest // slope >= 1:
        numbers[letter] = rest // slope


def too_small(shapes: Mapping[str, Shape], numbers: Mapping[str, int]) -> tuple[str, Size] | None:
    """A name with a size that is less than 1 at these numbers, and that size; None where all are at least 1."""
    for name, shape in shapes.items():
        for size in shape:
            if size.letters and size.letters <= set(numbers) and size.at(numbers) < 1:
                return name, size
    return None
