"""A place to print on: one rich console, and the marks that its encoding can write.

No text from a file is ever markup here: everything goes through `Text`, and control characters are made visible.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import IO

from rich.console import Console
from rich.text import Text

from gradcheck_cli.source import visible

_PIPED_WIDTH = 100
_ASCII = {
    "∂": "d", "→": "->", "·": "*", "×": "x", "✓": "ok", "✗": "X", "–": "-", "│": "|", "├─ ": "|- ", "└─ ": "`- ",
    "│  ": "|  ", "—": "-", "…": "...", "≈": "~",
}  # fmt: skip
STYLES = {
    "name": "cyan", "value": "bold", "gradient": "magenta", "dim": "dim", "good": "green", "bad": "red", "open": "yellow",
    "head": "bold", "plain": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Canvas:
    """`width` columns; `fancy` says whether the encoding has ∂, → and branches."""

    console: Console
    width: int
    fancy: bool

    def mark(self, text: str) -> str:
        """A text of ours in what the encoding can write."""
        if self.fancy:
            return text
        for mark, plain in _ASCII.items():
            text = text.replace(mark, plain)
        return text.encode("ascii", "backslashreplace").decode()

    def line(self, *pieces: str | tuple[str, str]) -> None:
        """Print one line of pieces, each a text or (text, style); long lines are not cut."""
        text = Text()
        for piece in pieces:
            content, style = (piece, "plain") if isinstance(piece, str) else piece
            text.append(self.mark(visible(content)), STYLES[style])
        self.console.print(text, soft_wrap=True)


def canvas(file: IO[str] | None = None, width: int | None = None) -> Canvas:
    """A canvas for a stream: colours on a terminal unless NO_COLOR is set, plain text when piped."""
    stream = file or sys.stdout
    terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
    plain = not terminal or bool(os.environ.get("NO_COLOR"))
    console = Console(
        file=stream,
        force_terminal=terminal and not plain,
        no_color=plain,
        highlight=False,
        markup=False,
        emoji=False,
        width=width,
        legacy_windows=False,
    )
    columns = width or (console.size.width if terminal else _PIPED_WIDTH)
    return Canvas(console, max(columns, 20), _writes_marks(stream))


def _writes_marks(stream: IO[str]) -> bool:
    try:
        "∂→·×✓✗–│├└…≈".encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
