"""The user's cache: data that was fetched, programs that were compiled, runs that go on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gradcheck_cli.late import late

if TYPE_CHECKING:
    import platformdirs
else:
    platformdirs = late("platformdirs")


def cache_folder(name: str) -> Path:
    """A folder of the cache; it need not be there."""
    return Path(platformdirs.user_cache_dir("gradcheck", appauthor=False)) / name
