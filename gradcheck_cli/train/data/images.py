"""Images to predict: PNG files and IDX files, brought into the form of the data that a model was trained on.

PNG is read here: grey, palette or colours, with or without transparency, not interlaced (RFC 2083). Nothing is ever run, sizes are bounded before memory is taken.
"""

from __future__ import annotations

import math
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.errors import DataError, FileError
from gradcheck_cli.train.data.idx import IMAGES, idx_shape, read_idx

if TYPE_CHECKING:
    from pathlib import Path

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_PIXELS = 25_000_000
_MOST_IMAGES, _MOST_IN_ALL = 100_000, 100_000_000  # of an IDX file: MNIST's 60,000 have 47,040,000
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_FAINT = 0.02
_INK = 20 / 28  # MNIST: a digit's box has 20 of 28 pixels; images of 8x8 are filled from edge to edge


def read_images(path: Path) -> list[tuple[str, Any]]:
    """The images of a file with their names: arrays of brightness from 0 to 1, 1 for ink."""
    try:
        with path.open("rb") as file:
            begin = file.read(8)
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
        raise FileError(message, hint="a PNG or IDX file of digits was expected") from error
    if begin == _SIGNATURE:
        return [(str(path), _inked(_png(path)))]
    if begin[:2] == b"\x1f\x8b" or begin[:3] == b"\x00\x00\x08":
        shape = idx_shape(path, IMAGES)
        if math.prod(shape) > _MOST_IN_ALL or shape[0] > _MOST_IMAGES:
            sizes = " x ".join(f"{size:,}" for size in shape)
            message = (
                f"{path}: {sizes} pixels; at most {_MOST_IMAGES:,} images, {_MOST_IN_ALL:,} pixels in all, are read"
            )
            raise DataError(message, hint="name a file with fewer images")
        images = read_idx(path, IMAGES)
        top = max(int(images.max()), 1)
        return [(f"{path}[{at}]", _inked(image / (255 if top > 16 else 16))) for at, image in enumerate(images)]
    message = f"{path}: this is neither a PNG nor an IDX file"
    raise DataError(message, hint="save the picture as PNG")


def _inked(grey: Any) -> Any:
    """Ink as 1: where the border is bright, paper is white and the picture is inverted."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return 1 - grey if np.median(border) > 0.5 else grey


def blank(image: Any) -> bool:
    """Whether nothing is drawn: all pixels are alike."""
    return bool(image.max() - image.min() < _FAINT)


def fitted(image: Any, size: tuple[int, int]) -> Any:
    """An image as MNIST's were made: the digit's box scaled to 20 of 28 pixels, its centre of mass in the middle.

    For images as small as 8x8 the box is the whole image. An image that has the size already is left alone.
    """
    if image.shape == size:
        return image
    contrast = image.max() - image.min()
    if contrast > 0:
        image = (image - image.min()) / contrast
    rows, columns = (np.flatnonzero(line > 0.2) for line in (image.max(axis=1), image.max(axis=0)))
    out = np.zeros(size)
    if not len(rows) or not len(columns):
        return out
    cut = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = min(size) * (_INK if min(size) >= 20 else 1.0) / max(cut.shape)
    small = _resized(cut, (max(1, round(cut.shape[0] * scale)), max(1, round(cut.shape[1] * scale))))
    mass = small.sum()
    at = []
    for axis in (0, 1):
        centre = float((small.sum(axis=1 - axis) * np.arange(small.shape[axis])).sum() / mass)
        begin = round((size[axis] - 1) / 2 - centre)
        at.append(min(max(begin, 0), size[axis] - small.shape[axis]))
    out[at[0] : at[0] + small.shape[0], at[1] : at[1] + small.shape[1]] = small
    return out


def _resized(image: Any, shape: tuple[int, int]) -> Any:
    """Each new pixel is the mean of the area it covers."""
    for axis, size in enumerate(shape):
        image = np.moveaxis(np.tensordot(_areas(image.shape[axis], size), image, (1, axis)), 0, axis)
    return image


def _areas(old: int, new: int) -> Any:
    """Weights (new, old): how much of each old pixel lies in each new one."""
    edges = np.arange(new + 1) * old / new
    low, high = edges[:-1, None], edges[1:, None]
    places = np.arange(old)[None, :]
    covered = np.clip(np.minimum(high, places + 1) - np.maximum(low, places), 0, None)
    return covered / covered.sum(axis=1, keepdims=True)


def _png(path: Path) -> Any:
    """Brightness from 0 to 1; what is transparent is white paper."""
    try:
        return _decoded(path.read_bytes())
    except (ValueError, struct.error, zlib.error) as error:
        message = f"{path}: this PNG is damaged or of a kind that is not read: {error}"
        raise DataError(
            message, hint=f"save it as a plain PNG, not interlaced, of at most {_MOST_PIXELS:,} pixels"
        ) from error


def _decoded(content: bytes) -> Any:
    chunks = dict[bytes, bytes]()
    at = 8
    while at < len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        body = content[at + 8 : at + 8 + length]
        if struct.pack(">I", zlib.crc32(kind + body)) != content[at + 8 + length : at + 12 + length]:
            text = f"the checksum of {kind.decode('ascii', 'replace')} is wrong"
            raise ValueError(text)
        chunks[kind] = chunks.get(kind, b"") + body if kind == b"IDAT" else body
        at += 12 + length
    columns, rows, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", _chunk(chunks, b"IHDR"))
    if not 0 < rows * columns <= _MOST_PIXELS:
        text = f"{columns} x {rows} pixels, from 1 to {_MOST_PIXELS:,} are read"
        raise ValueError(text)
    if depth not in (1, 2, 4, 8, 16) or interlaced or colour not in _CHANNELS:
        text = f"{depth} bits, colour type {colour}{', interlaced' * bool(interlaced)}"
        raise ValueError(text)
    width = _CHANNELS[colour]
    line = -(-columns * width * depth // 8)
    raw = zlib.decompressobj().decompress(_chunk(chunks, b"IDAT"), rows * (line + 1))
    if len(raw) != rows * (line + 1):
        text = "its data is too short"
        raise ValueError(text)
    lines = _unfiltered(np.frombuffer(raw, np.uint8).reshape(rows, line + 1), max(1, width * depth // 8))
    if depth == 16:
        lines = lines.view(">u2")
    elif depth < 8:
        bits = np.unpackbits(lines, axis=1).reshape(rows, -1, depth)
        lines = (bits * (1 << np.arange(depth)[::-1])).sum(axis=2)
    pixels = lines[:, : columns * width].reshape(rows, columns, width).astype(float)
    return _grey(pixels, colour, (1 << depth) - 1, chunks)


def _chunk(chunks: dict[bytes, bytes], kind: bytes) -> bytes:
    if kind not in chunks:
        text = f"it has no {kind.decode()}"
        raise ValueError(text)
    return chunks[kind]


def _grey(pixels: Any, colour: int, top: int, chunks: dict[bytes, bytes]) -> Any:
    """Brightness on white paper; ink that is as white as the paper is told by its opacity."""
    grey, opacity = _parts(pixels, colour, top, chunks)
    seen = grey * opacity + 1 - opacity
    return 1 - opacity if blank(seen) else seen


def _parts(pixels: Any, colour: int, top: int, chunks: dict[bytes, bytes]) -> tuple[Any, Any]:
    """Brightness and opacity of each pixel, from 0 to 1."""
    clear = chunks.get(b"tRNS", b"")
    if colour == 3:
        palette = np.frombuffer(_chunk(chunks, b"PLTE"), np.uint8).reshape(-1, 3).mean(axis=1) / 255
        places = pixels[:, :, 0].astype(int)
        if places.max() >= len(palette):
            text = f"a pixel has colour {places.max()} of a palette of {len(palette)}"
            raise ValueError(text)
        opacity = np.ones(len(palette))
        opacity[: len(clear)] = np.frombuffer(clear[: len(palette)], np.uint8) / 255
        return palette[places], opacity[places]
    if colour in (4, 6):
        return pixels[:, :, :-1].mean(axis=2) / top, pixels[:, :, -1] / top
    opaque = np.ones(pixels.shape[:2])
    if clear:  # one colour of these is transparent
        opaque[(pixels == struct.unpack(f">{pixels.shape[2]}H", clear)).all(axis=2)] = 0
    return pixels.mean(axis=2) / top, opaque


def _unfiltered(lines: Any, step: int) -> Any:
    """The five filters of PNG undone, line by line."""
    found = np.zeros((len(lines), lines.shape[1] - 1), np.uint8)
    above = np.zeros(lines.shape[1] - 1, np.uint8)
    for at, (kind, *_) in enumerate(lines):
        line = lines[at, 1:].copy()
        if kind == 1:
            line = line.reshape(-1, step).cumsum(axis=0, dtype=np.uint8).ravel()
        elif kind == 2:
            line += above
        elif kind in (3, 4):
            _sideways(line, above, step, int(kind))
        elif kind:
            text = f"filter {kind}"
            raise ValueError(text)
        found[at] = above = line
    return found


def _sideways(line: Any, above: Any, step: int, kind: int) -> None:
    """The filters that look at the pixel to the left and above: Average, Paeth."""
    values, over = line.tolist(), above.tolist()
    for at in range(len(values)):
        left = values[at - step] if at >= step else 0
        corner = over[at - step] if at >= step else 0
        guess = (left + over[at]) // 2 if kind == 3 else _paeth(left, over[at], corner)
        values[at] = (values[at] + guess) & 255
    line[:] = values


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    distances = (abs(guess - left), abs(guess - up), abs(guess - corner))
    return (left, up, corner)[distances.index(min(distances))]
