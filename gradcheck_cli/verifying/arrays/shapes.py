r"""Shapes as answers: `(N, M)`, `N x M`, `N × M`, `[N, M]`, `\mathbb{R}^{N \times M}`, `scalar`; in letters or in numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.errors import GradcheckError, ParseError
from gradcheck_cli.expr import number
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.source import Span
from gradcheck_cli.verifying.match import SCALAR, Read, Truth, unreadable
from gradcheck_cli.verifying.model import CORRECT, UNDECIDED, WRONG, Member

if TYPE_CHECKING:
    from gradcheck_cli.shapes import Shape, Size
    from gradcheck_cli.solving.array_engine import ArrayEngine
    from gradcheck_cli.source import Source

_SPACE = re.compile(
    r"^\s*\$?\s*(?:(?:\\in\s*)?\\(?:mathbb|mathbf|mathrm)\s*\{?\s*R\s*\}?|(?:∈\s*)?(?:ℝ|R(?=\s*\^)))\s*(?:\^\s*(?P<up>.*?))?\s*\$?\s*$",
    re.DOTALL,
)
_BETWEEN = re.compile(
    r"\s*(?:,|;|×|\\times(?![A-Za-z])|\\,|(?<=[\w)}\s])\bby\b|\*\*)\s*|(?<=[\w)}])\s+[xX]\s+(?=[\w(\\])"
)
_CLOSE = re.compile(r"(?<=[0-9])[xX](?=[0-9A-Za-z])|(?<=[A-Za-z])[xX](?=[0-9A-Za-z])")
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_WORDS = re.compile(r"^(?:a |an |the )?(?:shape|size|matrix|vector|array|tensor)?\s*(?:of|is|=|:)?\s*", re.IGNORECASE)


def shape_answer(engine: ArrayEngine, source: Source, truth: Truth, *, latex: bool) -> Read:
    """A shape as answered against the right one."""
    wanted = truth.array.shape if truth.array else ()
    text = source.text.strip().strip("$").strip()
    if text.lower().rstrip(".") in SCALAR and not wanted:
        return _read(source, CORRECT, "")
    if text.lower().rstrip(".") in ("scalar", "a scalar"):
        return _read(source, CORRECT if _entries(engine, wanted) == 1 else WRONG, "a scalar has shape ()")
    try:
        found = read_shape(engine, source, latex=latex)
    except GradcheckError as error:
        return unreadable(source, error)
    spaced = latex or "ℝ" in source.text or _SPACE.match(source.text) is not None
    return _read(source, *_judged(engine, found, wanted, column=spaced))


def _judged(engine: ArrayEngine, found: Shape, wanted: Shape, *, column: bool) -> tuple[str, str]:
    if _same(engine, found, wanted):
        return CORRECT, ""
    if column and len(wanted) == 1 and len(found) == 2 and _same(engine, found, (*wanted, shapes.ONE)):
        return CORRECT, "a vector as a column"
    if column and len(found) == 1 and len(wanted) == 2 and shapes.ONE in wanted:
        single = _same(engine, (*found, shapes.ONE), wanted) or _same(engine, (shapes.ONE, *found), wanted)
        return (CORRECT, "a vector of so many entries") if single else (WRONG, "")
    if column and not wanted and all(one == shapes.ONE for one in found):
        return CORRECT, ""
    if len(found) == len(wanted) and all(_open(engine, one, two) for one, two in zip(found, wanted, strict=True)):
        return UNDECIDED, "the problem gives no numbers for these sizes"
    return WRONG, ""


def _open(engine: ArrayEngine, found: Size, wanted: Size) -> bool:
    """Whether a size may be right: the same, or a number for letters that have none."""
    known = wanted.partly(engine.numbers.sizes)
    if found.number is None or known.number is not None:
        return found == wanted or found.partly(engine.numbers.sizes) == known
    return found.number > 1


def _same(engine: ArrayEngine, found: Shape, wanted: Shape) -> bool:
    """Whether two shapes are the same, in letters or in the problem's numbers."""
    sizes = engine.numbers.sizes
    return len(found) == len(wanted) and all(
        one == two or one.partly(sizes) == two.partly(sizes) for one, two in zip(found, wanted, strict=True)
    )


def _entries(engine: ArrayEngine, shape: Shape) -> int | None:
    return shapes.count(shape).partly(engine.numbers.sizes).number


def _read(source: Source, verdict: str, note: str) -> Read:
    return Read(Member(source.text, verdict, None, note, source), number(1), numeric=True)


def read_shape(engine: ArrayEngine, source: Source, *, latex: bool) -> Shape:
    """The shape that a text tells.

    Raises ParseError for what is no shape, with the place.
    """
    inner = _inside(source)
    if not inner.text.strip():
        return ()
    pieces = _pieces(inner, _BETWEEN)
    try:
        return tuple(_size(engine, piece, latex=latex) for piece in pieces)
    except ParseError:
        closer = [part for piece in pieces for part in _pieces(piece, _CLOSE)]
        if len(closer) == len(pieces):
            raise
        return tuple(_size(engine, piece, latex=latex) for piece in closer)


def _inside(source: Source) -> Source:
    r"""What stands in the brackets, behind `\mathbb{R}^`, after a word."""
    found = source
    member = max(source.text.rfind("\\in"), source.text.rfind("∈"))
    if member > 0:
        found = source.slice(Span(member, len(source.text)))
    space = _SPACE.match(found.text)
    if space is not None:
        start, end = space.span("up") if space["up"] is not None else (0, 0)
        found = found.slice(Span(start, end))
    if word := _WORDS.match(found.text):
        found = found.slice(Span(word.end(), len(found.text)))
    while True:
        text = found.text
        left, right = len(text) - len(text.lstrip(" $")), len(text.rstrip(" .$"))
        stripped = text[left:right]
        if stripped[:1] in _BRACKETS and stripped.endswith(_BRACKETS[stripped[0]]) and _encloses(stripped):
            found = found.slice(Span(left + 1, right - 1))
            continue
        return found.slice(Span(left, max(left, right)))


def _encloses(text: str) -> bool:
    """Whether the first bracket is closed by the last one."""
    depth = 0
    for at, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0:
            return at == len(text) - 1
    return False


def _pieces(source: Source, between: re.Pattern[str]) -> list[Source]:
    found, start, text = [], 0, source.text
    for match in (*between.finditer(text), None):
        end = match.start() if match else len(text)
        if text[start:end].strip():
            found.append(source.slice(Span(start, end)))
        start = match.end() if match else end
    return found


def _size(engine: ArrayEngine, piece: Source, *, latex: bool) -> Size:
    expr = parse(piece, engine.problem.scope, latex=latex)
    found = shapes.size_of(expr, engine.letters)
    if found is None:
        message = f'"{piece.text.strip()}" is no size'
        raise ParseError(message, hint="write a shape such as (m, n), in letters of sizes or in numbers", source=piece)
    return found
