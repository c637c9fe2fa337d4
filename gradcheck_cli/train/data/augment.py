"""Small random warps of images: each chunk of rows is moved, turned, sheared, scaled and bent a little.

A warp is a table of the upper left of four pixels and their weights for each pixel (bilinear). A bank of them is drawn once an epoch, and
groups of rows share one, so an image costs four gathers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

BANK, GROUP = 256, 16
_AT_ONCE = 32  # warps made at a time: what lies between is large


@dataclass(frozen=True, slots=True)
class Bank:
    """Warps: `places` (warps, pixels) into an image with a margin, and `weights` (warps, 4, pixels) of the corners."""

    places: Any
    weights: Any
    size: tuple[int, int]


def bank(size: tuple[int, int], strength: float, random: Any, dtype: str) -> Bank:
    """Random affine maps and smooth displacements; at strength 1 about 9 degrees, 10 % and 1.5 of 28 pixels."""
    rows, columns = size
    scale = rows / 28
    turn, shear = random.normal(0, 0.12 * strength, (2, BANK, 1, 1))
    grow_y, grow_x = 1 + random.normal(0, 0.08 * strength, (2, BANK, 1, 1))
    move_y, move_x = random.normal(0, 1.0 * strength * scale, (2, BANK, 1, 1))
    coarse = random.normal(0, 1, (2, BANK, 5, 5))
    found = Bank(np.empty((BANK, rows * columns), np.int32), np.empty((BANK, 4, rows * columns), dtype), size)
    for start in range(0, BANK, _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        bend = 1.2 * strength * scale * _smooth(size, coarse[:, part])
        affine = (turn[part], shear[part], (grow_y[part], grow_x[part]), (move_y[part], move_x[part]))
        found.places[part], found.weights[part] = _tables(size, affine, bend)
    return found


def _tables(size: tuple[int, int], affine: tuple[Any, ...], bend: Any) -> tuple[Any, Any]:
    """Places and weights of some warps: (turn, shear, growth down and across, moves down and across) and displacements."""
    rows, columns = size
    turn, shear, (grow_y, grow_x), (move_y, move_x) = affine
    y, x = np.mgrid[0:rows, 0:columns].astype(float)
    y, x = y - (rows - 1) / 2, x - (columns - 1) / 2
    new_y = grow_y * (np.cos(turn) * y - np.sin(turn) * x) + move_y + bend[0]
    new_x = grow_x * (np.sin(turn) * y + np.cos(turn) * x + shear * y) + move_x + bend[1]
    new_y = np.clip(new_y + (rows - 1) / 2, -1, rows - 1e-3)
    new_x = np.clip(new_x + (columns - 1) / 2, -1, columns - 1e-3)
    top, left = np.floor(new_y).astype(np.int32), np.floor(new_x).astype(np.int32)
    down, right = new_y - top, new_x - left
    width = columns + 2
    at = (top + 1) * width + left + 1
    weights = np.stack([(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right], 1)
    return at.reshape(len(at), -1), weights.reshape(len(at), 4, -1)


def _smooth(size: tuple[int, int], coarse: Any) -> Any:
    """Smooth fields of about unit size: coarse grids of normal numbers, interpolated."""
    rows, columns = size
    down, across = (_hats(count) for count in (rows, columns))
    return np.einsum("ri,fbij,cj->fbrc", down, coarse, across, optimize=True)


def _hats(count: int) -> Any:
    """Weights of five knots for each of `count` places."""
    place = np.linspace(0, 4, count)[:, None]
    return np.clip(1 - np.abs(place - np.arange(5)[None, :]), 0, 1)


@dataclass(slots=True)
class Warper:
    """Warps chunks of rows; the memory it needs is taken once."""

    size: tuple[int, int]
    dtype: str
    _padded: Any = None
    _tap: Any = None

    def warp(self, images: Any, warps: Bank, random: Any, scale: float, out: Any) -> None:
        """Warp rows of bytes into `out`, which gets pixels times `scale`."""
        rows, columns = self.size
        if self._padded is None or len(self._padded) != GROUP:
            self._padded = np.zeros((GROUP, rows + 2, columns + 2), self.dtype)
            self._tap = np.empty((GROUP, rows * columns), self.dtype)
        which = random.integers(0, BANK, -(-len(images) // GROUP))
        flat = self._padded.reshape(GROUP, -1)
        for start, chosen in zip(range(0, len(images), GROUP), which, strict=True):
            part = images[start : start + GROUP]
            count = len(part)
            np.multiply(
                part.reshape(count, rows, columns), np.asarray(scale, self.dtype), out=self._padded[:count, 1:-1, 1:-1]
            )
            target, tap = out[start : start + count], self._tap[:count]
            weights = warps.weights[chosen]
            place = warps.places[chosen].astype(np.intp)
            np.take(flat[:count], place, 1, target, "clip")
            np.multiply(target, weights[0], target)
            for corner, step in ((1, 1), (2, columns + 1), (3, 1)):  # right, below, below and right
                place += step
                np.take(flat[:count], place, 1, tap, "clip")
                np.multiply(tap, weights[corner], tap)
                np.add(target, tap, target)
