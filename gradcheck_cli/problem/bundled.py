"""The problems that come with the program, and how a name finds its file."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from gradcheck_cli.errors import FileError
from gradcheck_cli.late import late
from gradcheck_cli.source import visible

if TYPE_CHECKING:
    import difflib
else:
    difflib = late("difflib")

LONGEST = 200  # of a name that is told again
_BUNDLED_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def bundled_folder() -> Path:
    """Where the problems that come with the program lie: inside the package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "problems"
    return inside if inside.is_dir() else package.parent / "problems"


def bundled() -> tuple[str, ...]:
    """The names of the problems that come with the program."""
    return tuple(sorted(path.stem for path in bundled_folder().glob("*.yaml")))


def find(name: str) -> Path:
    """The file of a path or a bundled name; FileError with the nearest names where there is none."""
    path = Path(name)
    if path.suffix or len(path.parts) > 1 or os.path.isfile(name) or not _BUNDLED_NAME.fullmatch(name):  # noqa: PTH113 - it is false, too, where a name is too long
        return path
    inside = bundled_folder() / f"{name}.yaml"
    if os.path.isfile(inside):  # noqa: PTH113 - as above
        return inside
    beside = f"{name}.yaml"
    near = [beside] if os.path.isfile(beside) else difflib.get_close_matches(name, bundled(), n=2, cutoff=0.5)  # noqa: PTH113 - as above
    hint = f"did you mean {' or '.join(near)}?" if near else "gradcheck problems lists the bundled ones"
    message = f'there is no file and no bundled problem "{visible(name, LONGEST)}"'
    raise FileError(message, hint=hint)
