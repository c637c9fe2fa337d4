"""A training on the terminal: lines while it runs, a table of confusions and the worst digits at its end."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

from gradcheck_cli.late import late

if TYPE_CHECKING:
    import json
    from collections.abc import Iterable, Mapping

    from rich import progress

    from gradcheck_cli.render import layout
    from gradcheck_cli.render.canvas import Canvas
    from gradcheck_cli.train.loop import Epoch
else:
    json, progress = late("json"), late("rich.progress")
    layout = late("gradcheck_cli.render.layout")

_SHADES = " ░▒▓█"
_PLAIN_SHADES = " .:#@"


def live(board: Canvas) -> progress.Progress:
    """The line that changes while an epoch runs, for a terminal."""
    texts = progress.TextColumn("epoch {task.fields[epoch]}"), progress.TextColumn("{task.fields[figures]}")
    return progress.Progress(texts[0], progress.BarColumn(20), texts[1], console=board.console, transient=True)


def figures(loss: float, accuracy: float, speed: float, left: float) -> str:
    """What the live line says beside its bar."""
    return f"loss {loss:.4f}  accuracy {accuracy:.4f}  {speed:,.0f} images/s  {left:.0f} s left"


def remark(board: Canvas, text: str) -> None:
    """What was decided or checked, in as many lines as it takes."""
    for line in textwrap.wrap(text, board.width, subsequent_indent="  ", break_on_hyphens=False):
        board.line(line)


def epoch_line(board: Canvas, one: Epoch) -> None:
    """A finished epoch, in the homework's words; the test's figures below where they do not fit beside."""
    start = f"Epoch {one.epoch}: "
    train = f"{start}train loss = {one.train_loss:.4f}, accy = {one.train_accuracy:.4f}, [{one.seconds:.3f} secs]"
    test = f"test loss = {one.test_loss:.4f}, accy = {one.test_accuracy:.4f}"
    if len(train) + 2 + len(test) <= board.width:
        board.line(f"{train}  {test}")
        return
    board.line(train)
    board.line(" " * len(start) + test)


def epoch_document(one: Epoch) -> dict[str, Any]:
    """The same for scripts; a number that JSON cannot say is null."""
    return {
        "epoch": one.epoch,
        "train_loss": _number(one.train_loss),
        "train_accuracy": one.train_accuracy,
        "test_loss": _number(one.test_loss),
        "test_accuracy": one.test_accuracy,
        "seconds": round(one.seconds, 6),
    }


def json_line(document: Mapping[str, Any]) -> str:
    """One object in one line."""
    return json.dumps(document, allow_nan=False)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def confusion_table(board: Canvas, counts: Any) -> None:
    """How often the digit of a row was taken for that of a column; zeros are dots."""
    board.line(("Taken for  " + "".join(layout.pad(str(digit), 6, right=True) for digit in range(len(counts))), "head"))
    for digit, row in enumerate(counts):
        pieces: list[str | tuple[str, str]] = [layout.pad(f"{digit:>9}", 11)]
        for other, count in enumerate(row):
            style = "dim" if not count else "good" if other == digit else "bad"
            pieces.append((layout.pad(str(int(count)) if count else ".", 6, right=True), style))
        board.line(*pieces)


def worst_digits(board: Canvas, images: Iterable[Any], said: Iterable[tuple[int, int, float]], top: int) -> None:
    """Images side by side, two rows of pixels a line, with (label, taken for, probability of that)."""
    drawn = [_drawing(image, top, fancy=board.fancy) for image in images]
    titles = [f"{label} taken for {taken} ({sure:.0%})" for label, taken, sure in said]
    if not drawn:
        return
    width = max(len(drawn[0][0]), *map(len, titles)) + 2
    across = max(1, min(len(drawn), board.width // width))
    board.line(("Farthest from right", "head"))
    for start in range(0, len(drawn), across):
        board.line("".join(layout.pad(title, width) for title in titles[start : start + across]).rstrip())
        for parts in zip(*drawn[start : start + across], strict=True):
            board.line("".join(layout.pad(part, width) for part in parts).rstrip())


def _drawing(image: Any, top: int, *, fancy: bool) -> list[str]:
    """Lines of shades: the mean of two pixels above each other is one sign, since signs are twice as high as wide."""
    shades = _SHADES if fancy else _PLAIN_SHADES
    rows = [list(map(int, row)) for row in image]
    small = len(rows) < 14
    pairs = [(row, row) for row in rows] if small else list(zip(rows[::2], rows[1::2], strict=False))
    lines = []
    for upper, lower in pairs:
        signs = [shades[min(4, (a + b) * 5 // (2 * top + 1))] for a, b in zip(upper, lower, strict=True)]
        lines.append("".join(sign * 2 for sign in signs) if small else "".join(signs))
    return lines
