"""A program compiled by the machine's C compiler, kept in the user's cache by the hash of everything it depends on."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.train.backends.c_source import source
from gradcheck_cli.train.backends.memory import aligned
from gradcheck_cli.train.cache import cache_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.train.programs.program import Program

_FLAGS = (
    "-O2",
    "-ftree-vectorize",
    "-fvect-cost-model=dynamic",
    "-std=gnu11",
    "-fPIC",
    "-shared",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
    "-w",
)
_NATIVE = "-march=native"
_PATIENCE = 60  # seconds for a compilation
_FORGOTTEN = 3600  # seconds after which a compilation's file is nobody's


@cache
def compiler() -> tuple[str, str] | None:
    """The C compiler's path and what identifies it and the processor, or None where there is none."""
    for name in ("cc", "gcc", "clang"):
        path = shutil.which(name)
        if path is None:
            continue
        try:
            said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
        except (OSError, subprocess.SubprocessError):
            continue
        return path, f"{said.stdout}\n{platform.machine()}\n{_processor()}"
    return None


def _processor() -> str:
    """What the processor can do: a home may be shared by several machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def folder() -> Path:
    """Where compiled programs are kept: nobody else may write there."""
    found = cache_folder("programs")
    try:
        found.mkdir(parents=True, exist_ok=True, mode=0o700)
        state = found.stat()
    except OSError as error:
        message = f"{found}: {error.strerror}"
        raise UnsupportedError(message) from error
    foreign = hasattr(os, "getuid") and (state.st_uid != os.getuid() or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
    if foreign:
        message = f"{found} can be written by others"
        raise UnsupportedError(message, hint=f"chmod 700 {found}")
    return found


@dataclass(slots=True)
class Compilation:
    """A compilation that runs beside us; `path` is where the result lies when it is done.

    The result's own hash becomes part of its name, by which a damaged file is known before it is run.
    """

    path: Path
    part: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        """What it is compiled from, as a hash."""
        return self.path.name.split(".")[0]

    def wait(self) -> Path:
        """The compiled program; UnsupportedError where the compiler refused."""
        if self.process is None or self.part is None:
            return self.path
        try:
            _, said = self.process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired as error:
            self.stop()
            message = f"the C compiler took more than {_PATIENCE} s"
            raise UnsupportedError(message) from error
        if self.process.returncode or (self.part.is_file() and not self.part.stat().st_size):
            first = said.decode(errors="replace").strip().splitlines()[:1]
            self.stop()
            message = f"the C compiler says: {first[0]}" if first else "the C compiler made nothing"
            raise UnsupportedError(message)
        try:
            named = self.path.with_name(f"{self.name}.{_digest(self.part)}.so")
            self.path = self.part.replace(named)
        except OSError as error:
            message = f"{self.path}: {error.strerror}"
            raise UnsupportedError(message, hint="the cache was emptied meanwhile: try again") from error
        self.process = None
        return self.path

    def load(self, how: type[ctypes.CDLL] = ctypes.CDLL) -> ctypes.CDLL:
        """The compiled program, waited for; UnsupportedError where it cannot be loaded, as from a folder for data only."""
        path = self.wait()
        try:
            return how(str(path))
        except OSError as error:
            with contextlib.suppress(OSError):
                path.unlink()  # else it would fail for ever
            _RUNNING.pop(self.name, None)
            message = f"the compiled program cannot be loaded: {error}"
            raise UnsupportedError(message) from error

    def stop(self) -> None:
        """End a compilation that nobody waits for any more; nothing of it stays."""
        if self.process is not None and self.part is not None:
            self.process.kill()
            self.process.communicate()
            self.part.unlink(missing_ok=True)
            _RUNNING.pop(self.name, None)


def stop_all() -> None:
    """End every compilation that still runs."""
    for one in list(_RUNNING.values()):
        one.stop()


_RUNNING: dict[str, Compilation] = {}  # by name; a finished one stays, its file is there


def start(text: str) -> Compilation:
    """Begin to compile, unless the same text was compiled before by the same compiler for the same processor."""
    found = compiler()
    if found is None:
        message = "there is no C compiler"
        raise UnsupportedError(message)
    path, identity = found
    named = hashlib.sha256("\0".join([text, identity, *_FLAGS, _NATIVE]).encode()).hexdigest()[:32]
    target = folder() / f"{named}.so"
    if named in _RUNNING:
        return _RUNNING[named]
    kept = _kept(target)
    if kept is not None:
        return Compilation(kept)
    try:
        part = _part(target)
        command = [path, *_FLAGS, _NATIVE, "-x", "c", "-", "-o", str(part), "-lm"]
        with tempfile.TemporaryFile(dir=target.parent) as written:
            written.write(text.encode())
            written.seek(0)
            process = subprocess.Popen(command, stdin=written, stderr=subprocess.PIPE)  # noqa: S603
    except OSError as error:
        message = f"{target.parent}: {error.strerror or error}"
        raise UnsupportedError(message) from error
    _RUNNING[named] = Compilation(target, part, process)
    return _RUNNING[named]


def _kept(target: Path) -> Path | None:
    """A program that was compiled before; one that is not what the compiler wrote would end us, and is removed."""
    for path in sorted(target.parent.glob(f"{target.stem}.*.so")):
        with contextlib.suppress(OSError):
            if path.name.split(".")[1] == _digest(path):
                return path
            path.unlink()
    return None


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]


def _part(target: Path) -> Path:
    """A new file beside a program's place; those that a kill left behind are removed."""
    for left in target.parent.glob("*.part"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _FORGOTTEN:
                left.unlink()
    handle, part = tempfile.mkstemp(suffix=".part", dir=target.parent)
    os.close(handle)
    return Path(part)


@dataclass(slots=True)
class CProgram:
    """A compiled program on parameters and states; it is waited for at its first run."""

    program: Program
    dtype: Any
    params: Mapping[str, Any]
    states: Mapping[str, Any]
    compilation: Compilation
    scratch: Any
    buffers: list[Any] = field(default_factory=list)
    function: Any = None

    def run(self, feeds: Mapping[str, Any], steps: int, scalars: Mapping[str, Any], records: Mapping[str, Any]) -> None:
        """Do `steps` steps; feeds and records have a first axis of steps and the program's dtype, scalars are doubles."""
        if self.function is None:
            self.function = self.compilation.load().gradcheck_run
            self.function.restype = None
        kept = {name: np.ascontiguousarray(scalars[name], np.float64) for name in self.program.scalars}
        for arrays, names in ((feeds, self.program.feeds), (records, self.program.records)):
            for name in names:
                array = arrays[name]
                assert array.flags.c_contiguous and array.dtype == self.dtype and len(array) >= steps  # noqa: S101, PT018
        self.function(
            ctypes.c_long(steps),
            _pointers([feeds[name] for name in self.program.feeds]),
            _pointers([self.params[name] for name in self.program.params]),
            _pointers([self.states[name] for name in self.program.states]),
            _pointers(self.buffers),
            _pointers([records[name] for name in self.program.records]),
            _pointers(list(kept.values())),
            ctypes.c_void_p(self.scratch.ctypes.data),
        )


def _pointers(arrays: list[Any]) -> Any:
    return (ctypes.c_void_p * max(len(arrays), 1))(*(array.ctypes.data for array in arrays))


class CBackend:
    """Generated C, compiled once."""

    name = "c"

    def bind(self, program: Program, dtype: str, params: Mapping[str, Any], states: Mapping[str, Any]) -> CProgram:
        """A program on parameters and states; UnsupportedError where it cannot be compiled."""
        text, scratch = source(program, dtype)
        compilation = start(text)
        buffers = [aligned(size, dtype) for size in program.buffers]
        return CProgram(program, np.dtype(dtype), params, states, compilation, aligned(scratch, dtype), buffers)
