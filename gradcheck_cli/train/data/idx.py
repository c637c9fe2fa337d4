"""IDX files: big-endian magic, a size for each axis, then bytes. A file may be gzipped."""

from __future__ import annotations

import contextlib
import gzip
import math
import struct
import zlib
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np

from gradcheck_cli.errors import DataError, FileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IMAGES, LABELS = 0x803, 0x801
_MOST = 1_000_000_000
_BLOCK = 1 << 18  # read at a time: what is unzipped lies once in memory


def read_idx(path: Path, magic: int) -> Any:
    """The bytes of an IDX file in its shape.

    Raises FileError where it cannot be read, DataError where it is truncated, too long or of another kind.
    """
    with _opened(path, magic) as file:
        shape = _shape(path, file, magic)
        body = np.empty(math.prod(shape), np.uint8)
        place, have = memoryview(body.data), 0
        while have < len(body) and (block := file.read(min(_BLOCK, len(body) - have))):
            place[have : have + len(block)] = block
            have += len(block)
        more = len(file.read(1))
    if have + more != len(body):
        sizes = " x ".join(map(str, shape))
        said = "more bytes" if more else f"{have:,} bytes"
        message = f"{path}: {said} after the header, which promises {sizes} = {len(body):,}"
        raise DataError(message, hint="the file is cut off or of another kind; fetch it again")
    body.flags.writeable = False
    return body.reshape(shape)


def idx_shape(path: Path, magic: int) -> tuple[int, ...]:
    """The shape that the header of an IDX file promises; raises what `read_idx` does."""
    with _opened(path, magic) as file:
        return _shape(path, file, magic)


@contextlib.contextmanager
def _opened(path: Path, magic: int) -> Iterator[IO[bytes]]:
    """A file, unzipped if need be; what goes wrong while it is read is told of the path."""
    try:
        with path.open("rb") as start:
            zipped = start.read(2) == b"\x1f\x8b"
        with contextlib.ExitStack() as stack:
            yield stack.enter_context(cast("IO[bytes]", gzip.GzipFile(path, "rb")) if zipped else path.open("rb"))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        message = f"{path}: the gzip data is damaged or cut off"
        raise DataError(message, hint=f"expected a complete IDX file of {_kind(magic)}; fetch it again") from error
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
        raise FileError(message, hint=f"expected an IDX file of {_kind(magic)}") from error


def _kind(magic: int) -> str:
    return "images" if magic == IMAGES else "labels"


def _shape(path: Path, file: IO[bytes], magic: int) -> tuple[int, ...]:
    axes = magic & 0xFF
    head = file.read(4 + 4 * axes)
    found = struct.unpack(">I", head[:4])[0] if len(head) >= 4 else None
    if found != magic:
        what = "shorter than a header" if found is None else f"of magic number {found:#x}"
        message = f"{path}: this is {what}, {magic:#x} was expected"
        raise DataError(message, hint=f"an IDX file of {_kind(magic)} begins with it")
    if len(head) < 4 + 4 * axes:
        message = f"{path}: the header is cut off"
        raise DataError(message, hint=f"an IDX file of {_kind(magic)} has {4 + 4 * axes} bytes before the data")
    shape = struct.unpack(f">{axes}I", head[4:])
    if math.prod(shape) > _MOST or 0 in shape:
        message = f"{path}: the header promises {' x '.join(map(str, shape))} bytes"
        raise DataError(message, hint=f"from 1 to {_MOST:,} are read")
    return shape
