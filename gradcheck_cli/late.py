"""Modules that are imported at their first use: what a run does not need, it does not wait for.

    if TYPE_CHECKING:
        from gradcheck_cli import probe
    else:
        probe = late("gradcheck_cli.probe")

The import for types says what stands behind the name, to the type checker and to the table of layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True, slots=True)
class late:  # noqa: N801 - reads as a statement
    """A module that is imported when something of it is asked for."""

    module: str

    def __getattr__(self, name: str) -> object:
        return getattr(import_module(self.module), name)
