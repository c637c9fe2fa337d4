"""IDX files: big-endian magic, a size for each axis, then bytes. A file may be gzipped."""

from __future__ import annotations

import contextlib
import gzip
import math
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.errors import DataError, FileError

if TYPE_CHECKING:
    from pathlib import Path

IMAGES, LABELS = 0x803, 0x801
_MOST = 1_000_000_000


def read_idx(path: Path, magic: int) -> Any:
    """The bytes of an IDX file in its shape.

    Raises FileError where it cannot be read, DataError where it is truncated, too long or of another kind.
    """
    kind = "images" if magic == IMAGES else "labels"
    axes = magic & 0xFF
    try:
        with path.open("rb") as start:
            zipped = start.read(2) == b"\x1f\x8b"
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(gzip.GzipFile(path, "rb") if zipped else path.open("rb"))
            head = file.read(4 + 4 * axes)
            shape = _shape(path, head, magic, kind)
            body = file.read(math.prod(shape) + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        message = f"{path}: the gzip data is damaged or cut off"
        raise DataError(message, hint=f"expected a complete IDX file of {kind}; fetch it again") from error
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
        raise FileError(message, hint=f"expected an IDX file of {kind}") from error
    if len(body) != math.prod(shape):
        sizes = " x ".join(map(str, shape))
        have = f"{len(body):,} bytes" if len(body) < math.prod(shape) else "more bytes"
        message = f"{path}: {have} after the header, which promises {sizes} = {math.prod(shape):,}"
        raise DataError(message, hint="the file is cut off or of another kind; fetch it again")
    return np.frombuffer(body, np.uint8).reshape(shape)


def _shape(path: Path, head: bytes, magic: int, kind: str) -> tuple[int, ...]:
    axes = magic & 0xFF
    found = struct.unpack(">I", head[:4])[0] if len(head) >= 4 else None
    if found != magic:
        what = "shorter than a header" if found is None else f"of magic number {found:#x}"
        message = f"{path}: this is {what}, {magic:#x} was expected"
        raise DataError(message, hint=f"an IDX file of {kind} begins with it")
    if len(head) < 4 + 4 * axes:
        message = f"{path}: the header is cut off"
        raise DataError(message, hint=f"an IDX file of {kind} has {4 + 4 * axes} bytes before the data")
    shape = struct.unpack(f">{axes}I", head[4:])
    if math.prod(shape) > _MOST or 0 in shape:
        message = f"{path}: the header promises {' x '.join(map(str, shape))} bytes"
        raise DataError(message, hint=f"from 1 to {_MOST:,} are read")
    return shape
