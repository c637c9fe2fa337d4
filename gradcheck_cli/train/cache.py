"""The user's cache: data that was fetched, programs that were compiled, runs that go on."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING

from gradcheck_cli.late import late

if TYPE_CHECKING:
    from collections.abc import Iterator

    import platformdirs
else:
    platformdirs = late("platformdirs")


def cache_folder(name: str) -> Path:
    """A folder of the cache; it need not be there."""
    return Path(platformdirs.user_cache_dir("gradcheck", appauthor=False)) / name


def part_of(path: Path) -> Path:
    """Where this process writes what becomes the file at `path` when it is whole."""
    return path.with_name(f"{path.name}.{os.getpid()}.part")


def left_behind(path: Path) -> Iterator[Path]:
    """Parts of a file that processes which have ended left there."""
    for part in sorted(path.parent.glob(f"{glob.escape(path.name)}.*.part")):
        owner = part.name.split(".")[-2]
        if owner.isdecimal() and not alive(int(owner)):
            yield part


def alive(process: int) -> bool:
    """Whether a process runs; where that cannot be asked it does."""
    if os.name == "nt":
        return True  # there a signal would end it: its part is left alone
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
