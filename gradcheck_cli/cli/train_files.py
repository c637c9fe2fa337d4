"""The files that a training writes: what cannot be is said before it begins, and nothing that was there is lost."""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from gradcheck_cli.errors import FileError, GradcheckError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from gradcheck_cli.train.loop import Trainer

_FORMATS = {"--plot": (".svg", ".png"), "--log": (".csv", ".jsonl")}
_SAFE = ".safetensors"
_RECENT, _FORGOTTEN = 86_400, 30 * 86_400  # seconds


def checked(options: dict[str, Any]) -> None:
    """Raise FileError for a file that cannot be written, GradcheckError for one that means nothing or two things."""
    places: dict[Path, str] = {}
    for name in ("--save", "--plot", "--log"):
        path = options[name[2:]]
        if path is None:
            continue
        _writable(name, path)
        formats = _FORMATS.get(name, ())
        if formats and path.suffix not in formats:
            message = f"{name} {path}: the name says no format"
            raise GradcheckError(message, hint=f"end it in {' or '.join(formats)}")
        if path.resolve() in places:
            message = f"{places[path.resolve()]} and {name} name the same file {path}"
            raise GradcheckError(message, hint="name two files")
        places[path.resolve()] = name
    resumed = options["resume"]
    if resumed is not None and places.get(resumed.resolve(), "--save") != "--save":
        message = f"--resume and {places[resumed.resolve()]} name the same file {resumed}"
        raise GradcheckError(message, hint="name two files")
    for wanted, module in ((options["plot"] is not None, "matplotlib"), (_is_safe(options["save"]), "safetensors")):
        if wanted and find_spec(module) is None:  # it is imported when it is needed, which takes a while
            raise _missing(module)


def _missing(module: str) -> GradcheckError:
    extra = "plot" if module == "matplotlib" else "safetensors"
    return GradcheckError(f"{module} is not installed", hint=f"pip install 'gradcheck[{extra}]'")


def _writable(name: str, path: Path) -> None:
    folder = path.absolute().parent
    if not path.name or path.is_dir():
        message, hint = f"{name} {path}: this is a folder", "name a file in it"
    elif name != "--log" and path.exists() and not path.is_file():  # it would be replaced
        message, hint = f"{name} {path}: this is no regular file", "name another"
    elif not folder.is_dir():
        message, hint = (
            f"{name} {path}: cannot be written: there is no folder {path.parent}",
            "make it, or name another",
        )
    elif not os.access(folder, os.W_OK):
        message, hint = f"{name} {path}: cannot be written: {path.parent} may not be written to", "name another folder"
    else:
        return
    raise FileError(message, hint=hint)


def _is_safe(path: Path | None) -> bool:
    return path is not None and path.suffix == _SAFE


def write_afterwards(options: dict[str, Any], trainer: Trainer) -> None:
    """Write what is written once, in the end; FileError where that cannot be done."""
    try:
        if _is_safe(options["save"]):
            from gradcheck_cli.train.export import save_safetensors

            save_safetensors(options["save"], trainer)
        if options["plot"] is not None:
            from gradcheck_cli.render.plot import draw

            draw(options["plot"], trainer.history, trainer.first_layer())
    except ImportError as error:
        raise _missing(str(error.name).split(".")[0]) from error


@dataclass(slots=True)
class Log:
    """A line for each epoch. A new training begins a new file, with its first epoch; one that goes on adds to it."""

    path: Path | None
    going_on: bool

    def mend(self, epochs: Iterable[dict[str, Any]]) -> None:
        """Bring a log that goes on to where the training is: a kill may leave it an epoch behind, or end it in half a line."""
        if self.path is None or not self.going_on:
            return
        known = self._known() if self.path.is_file() else set()
        for document in epochs:
            if document["epoch"] not in known:
                self.add(document)

    def _known(self) -> set[int | None]:
        """The epochs of the file's whole lines; the beginning of a line at its end is cut off."""
        assert self.path is not None  # noqa: S101 - asked before
        try:
            with self.path.open("rb+") as file:
                lines = file.read().splitlines(keepends=True)
                if lines and not lines[-1].endswith((b"\n", b"\r")):
                    file.truncate(sum(map(len, lines[:-1])))
                    lines.pop()
        except OSError as error:
            raise self._unwritable(error) from error
        return {_epoch(line) for line in lines}

    def add(self, document: dict[str, Any]) -> None:
        """Write a line; FileError where that cannot be done."""
        if self.path is None:
            return
        from gradcheck_cli.render.train import json_line

        try:
            with self.path.open("a" if self.going_on else "w", encoding="utf-8") as file:
                self.going_on = True
                if self.path.suffix == ".jsonl":
                    file.write(json_line(document) + "\n")
                    return
                if not file.tell():
                    file.write(",".join(document) + "\n")
                file.write(",".join("" if value is None else str(value) for value in document.values()) + "\n")
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> FileError:
        message = f"--log {self.path}: cannot be written: {error.strerror or error}"
        return FileError(message, hint="name another file")


def _epoch(line: bytes) -> int | None:
    """The epoch of a line of either kind; None of a heading, and of what is no line of ours."""
    found = re.match(rb'(?:\{"epoch": *)?(\d{1,9}),', line)
    return int(found[1]) if found else None


@dataclass(slots=True)
class State:
    """Where a run's state is kept: a file that was named, or (`own`) one in the cache that goes when the run ends.

    A run does without one of its own where that cannot be written; `lost` says so. `written`: by this run.
    """

    path: Path
    own: bool
    say: Callable[[str], None]
    lost: bool = False
    written: bool = False

    def save(self, trainer: Trainer) -> None:
        """Write the state; FileError for a file that was named and cannot be written."""
        from gradcheck_cli.train.checkpoint import save

        if self.lost:
            return
        try:
            if self.own:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            save(self.path, trainer)
            self.written = True
        except (FileError, OSError) as error:
            if not self.own:
                raise
            self.lost = True
            why = error.message if isinstance(error, FileError) else f"{self.path.parent}: {error.strerror}"
            self.say(f"the state of this run cannot be kept, so it cannot go on once it is stopped: {why}")

    def find_killed(self, dataset: str) -> Path | None:
        """The state of the last run without a name that was killed within a day; what nobody wanted for a month is removed."""
        from gradcheck_cli.train.cache import alive

        found: list[tuple[float, Path]] = []
        for path in self.path.parent.glob(f"{dataset}-*.model") if self.own else ():
            process = path.stem.rpartition("-")[2]
            with contextlib.suppress(OSError):
                age = time.time() - path.stat().st_mtime
                if age > _FORGOTTEN:
                    path.unlink()
                elif age < _RECENT and process.isdecimal() and not alive(int(process)):
                    found.append((age, path))
        return min(found)[1] if found else None

    def drop(self) -> None:
        """Remove a file of the run's own."""
        if self.own and not self.lost:
            self.path.unlink(missing_ok=True)

    def kept(self) -> bool:
        """Whether there is a file to go on from."""
        return not self.lost and self.path.is_file()
