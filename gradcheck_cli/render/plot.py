"""Pictures of a training: loss and accuracy by epoch, and what the first layer looks for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gradcheck_cli.train.loop import Epoch

_UNITS = 36


def draw(path: Path, history: Sequence[Epoch], weights: Any, size: tuple[int, int]) -> None:
    """Write an SVG or PNG; `weights` has a column for each unit of the first layer, or is None."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    epochs = [one.epoch for one in history]
    for axes, train, test, title in (
        (left, [one.train_loss for one in history], [one.test_loss for one in history], "loss"),
        (middle, [one.train_accuracy for one in history], [one.test_accuracy for one in history], "accuracy"),
    ):
        axes.plot(epochs, train, marker="o", markersize=3, label="train")
        axes.plot(epochs, test, marker="o", markersize=3, label="test")
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
        axes.legend()
    right.set_axis_off()
    if weights is not None:
        right.set_title("first layer's weights")
        right.imshow(_mosaic(weights, size), cmap="RdBu", interpolation="nearest")
    figure.savefig(path)


def _mosaic(weights: Any, size: tuple[int, int]) -> Any:
    """The units with the largest weights beside each other, each scaled to its own largest weight."""
    rows, columns = size
    strong = abs(weights).max(axis=0)
    chosen = sorted(range(weights.shape[1]), key=lambda unit: -float(strong[unit]))[:_UNITS]
    across = math.ceil(math.sqrt(len(chosen)))
    down = math.ceil(len(chosen) / across)
    board = 0 * weights[0, 0] + [[0.0] * (across * (columns + 1))] * (down * (rows + 1))
    for at, unit in enumerate(chosen):
        top, side = at // across * (rows + 1), at % across * (columns + 1)
        picture = weights[:, unit].reshape(rows, columns) / max(float(strong[unit]), 1e-12)
        board[top : top + rows, side : side + columns] = picture
    return board
