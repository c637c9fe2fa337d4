"""What a trained model takes an image for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.train.backends.numpy_backend import NumpyBackend
from gradcheck_cli.train.data.images import blank, fitted
from gradcheck_cli.train.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gradcheck_cli.train.checkpoint import Model


@dataclass(frozen=True, slots=True)
class Prediction:
    """The class with the largest probability (None for a blank picture), all probabilities, and what the model saw."""

    digit: int | None
    probabilities: Any
    image: Any


def predict(model: Model, images: Iterable[Any]) -> list[Prediction]:
    """A prediction for each image (brightness from 0 to 1, 1 for ink), fitted to the model's size."""
    pictures = [np.asarray(image, float) for image in images]
    prepared = [fitted(image, model.size) for image in pictures]
    if not prepared:
        return []
    engine = Engine(model.network, model.recipe, NumpyBackend(), model.params)
    rows = np.stack([np.round(image * model.top) for image in prepared]).astype(np.uint8).reshape(len(prepared), -1)
    found = np.exp(engine.forward(rows, np.zeros(len(rows), int), 1 / model.top).log_p)
    return [
        Prediction(None if blank(picture) else int(p.argmax()), p, image)
        for p, picture, image in zip(found, pictures, prepared, strict=True)
    ]
