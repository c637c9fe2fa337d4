"""Reading files that nobody vouches for, and writing without ever losing one."""

from __future__ import annotations

import codecs
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gradcheck_cli.errors import FileError
from gradcheck_cli.late import late
from gradcheck_cli.source import Source, Span, visible

if TYPE_CHECKING:
    import difflib
    import tempfile
    from collections.abc import Iterator
else:
    difflib, tempfile = late("difflib"), late("tempfile")

LIMIT = 1024 * 1024
_LONGEST_NAME = 400  # of a path that is told again
_ALLOWED_CONTROLS = "\t\n"


def read_source(path: str | Path, *, limit: int = LIMIT) -> Source:
    """The text of a regular UTF-8 file of at most `limit` bytes.

    Raises FileError where it is missing, a directory, no regular file, too large, empty, binary or not UTF-8.
    """
    path = Path(path)
    data = _bytes(path, limit)
    name = str(path)
    text = _lines(_decoded(name, data))
    if not text.strip():
        message = f"{visible(name)} is empty"
        raise FileError(message, hint="write something into it")
    return checked(Source(name, text))


def checked(source: Source) -> Source:
    """The source itself; FileError where it holds control characters."""
    for at, character in enumerate(source.text):
        code = ord(character)
        if (
            (code < 0x20 and character not in _ALLOWED_CONTROLS)
            or 0x7F <= code < 0xA0
            or code in (0xFFFE, 0xFFFF)
            or 0xD800 <= code < 0xE000
        ):
            message = f"the file holds the control character U+{code:04X}"
            raise FileError(message, hint="save it as plain UTF-8 text", source=source, span=Span(at, at + 1))
    return source


def _lines(text: str) -> str:
    """The text without a byte order mark, its lines ended by newlines alone."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def regular(path: str | Path) -> int:
    """How many bytes a regular file has; FileError where there is none of that name."""
    path = Path(path)
    shown = visible(str(path), _LONGEST_NAME)
    with _told(path):
        status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        message, hint = f"{shown} is a folder", "name a file in it"
        raise FileError(message, hint=hint)
    if not stat.S_ISREG(status.st_mode):
        message = f"{shown} is no regular file"
        raise FileError(message, hint="name a text file")
    return status.st_size


def _bytes(path: Path, limit: int) -> bytes:
    shown = visible(str(path), _LONGEST_NAME)
    size = regular(path)
    if size > limit:
        message = f"{shown} has {size:,} bytes"
        raise FileError(message, hint=f"at most {limit:,} are read")
    with _told(path), path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        message = f"{shown} has more than {limit:,} bytes"
        raise FileError(message, hint=f"at most {limit:,} are read")
    return data


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What the system says about a file that cannot be read, as FileError."""
    shown = visible(str(path), _LONGEST_NAME)
    try:
        yield
    except FileNotFoundError:
        message = f"there is no file {shown}"
        raise FileError(message, hint=_near(path)) from None
    except PermissionError:
        message = f"{shown} may not be read"
        raise FileError(message, hint="change its permissions") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the name cannot be a path"
        message = f"{shown} cannot be read: {reason}"
        raise FileError(message, hint="name a text file") from None


def _near(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.name != path.name]
    except OSError:
        return f"there is no folder {visible(str(path.parent))} either"
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {visible(str(path.parent / near[0]))}?" if near else "check the name"


def _decoded(name: str, data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        message = f"{visible(name)} is UTF-16 text"
        raise FileError(message, hint="save it as UTF-8")
    if b"\0" in data:
        message = f"{visible(name)} is a binary file: it holds a zero byte"
        raise FileError(message, hint="name a text file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = _lines(data[: error.start].decode("utf-8"))
        source = Source(name, before)
        message = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        span = Span(len(before), len(before))
        raise FileError(message, hint="save the file as UTF-8", source=source, span=span) from None


def write_beside(path: str | Path, content: str | bytes) -> None:
    """Write a file whole or not at all: a temporary file in its folder, then one rename.

    Raises FileError where the folder cannot be written to; what stood there before is then untouched.
    """
    path = Path(path)
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # noqa: PTH101 - a path given by mkstemp
        os.replace(temporary, path)  # noqa: PTH105 - as above
    except BaseException as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        if not isinstance(error, (OSError, ValueError)):
            raise
        reason = getattr(error, "strerror", None) or "its name or its text has characters that no file can hold"
        message = f"{visible(str(path))} cannot be written: {reason}"
        raise FileError(message, hint="choose a folder that can be written to") from None
