"""Pictures of a training: loss and accuracy by epoch, and what the first layer looks for."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from gradcheck_cli.files import write_beside

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gradcheck_cli.train.loop import Epoch


def draw(path: Path, history: Sequence[Epoch], weights: Any) -> None:
    """Write an SVG or PNG; `weights` is a picture of the first layer, or None. FileError where it cannot be written."""
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
        right.imshow(weights, cmap="RdBu", interpolation="nearest")
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix[1:])
    write_beside(path, picture.getvalue())
