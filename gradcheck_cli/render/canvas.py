"""A place to print on: one rich console, and the marks that its encoding can write.

No text from a file is ever markup here: everything goes through `Text`, and control characters are made visible.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from gradcheck_cli.late import late
from gradcheck_cli.source import visible

if TYPE_CHECKING:
    import shutil

    from rich import console as rich_console
    from rich import text as rich_text
else:
    rich_console, rich_text, shutil = late("rich.console"), late("rich.text"), late("shutil")

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
    """`width` columns; `fancy` says whether the encoding has ∂, → and branches; plain text needs no `console`."""

    stream: IO[str]
    width: int
    fancy: bool
    console: rich_console.Console | None = None

    def mark(self, text: str) -> str:
        """A text of ours in what the encoding can write."""
        if self.fancy:
            return text
        for mark, plain in _ASCII.items():
            text = text.replace(mark, plain)
        return text.encode("ascii", "backslashreplace").decode()

    def line(self, *pieces: str | tuple[str, str]) -> None:
        """Print one line of pieces, each a text or (text, style); long lines are not cut."""
        styled = [(piece, "plain") if isinstance(piece, str) else piece for piece in pieces]
        shown = [(self.mark(visible(content)), STYLES[style]) for content, style in styled]
        if self.console is None:
            print("".join(content for content, _ in shown).expandtabs(), file=self.stream, flush=True)
        else:
            self.console.print(rich_text.Text.assemble(*shown), soft_wrap=True)


def canvas(file: IO[str] | None = None, width: int | None = None) -> Canvas:
    """A canvas for a stream: colours on a terminal unless NO_COLOR is set, plain text when piped."""
    stream = file or sys.stdout
    terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
    plain = not terminal or bool(os.environ.get("NO_COLOR"))
    if plain:
        columns = width or (shutil.get_terminal_size().columns if terminal else _PIPED_WIDTH)
        return Canvas(stream, max(columns, 20), _writes_marks(stream))
    console = rich_console.Console(
        file=stream,
        force_terminal=True,
        highlight=False,
        markup=False,
        emoji=False,
        width=width,
        legacy_windows=False,
    )
    return Canvas(stream, max(width or console.size.width, 20), _writes_marks(stream), console)


def _writes_marks(stream: IO[str]) -> bool:
    try:
        "∂→·×✓✗–│├└…≈".encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
