"""What a trained model takes an image for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.train.engine import Engine
from gradcheck_cli.train.images import fitted
from gradcheck_cli.train.numpy_backend import NumpyBackend

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gradcheck_cli.train.checkpoint import Model


@dataclass(frozen=True, slots=True)
class Prediction:
    """The class with the largest probability, all probabilities, and the image as the model saw it."""

    digit: int
    probabilities: Any
    image: Any


def predict(model: Model, images: Iterable[Any]) -> list[Prediction]:
    """A prediction for each image (brightness from 0 to 1, 1 for ink), fitted to the model's size."""
    prepared = [fitted(np.asarray(image, float), model.size) for image in images]
    if not prepared:
        return []
    engine = Engine(model.network, model.recipe, NumpyBackend(), model.params)
    rows = np.stack([np.round(image * model.top) for image in prepared]).astype(np.uint8).reshape(len(prepared), -1)
    found = np.exp(engine.forward(rows, np.zeros(len(rows), int), 1 / model.top).log_p)
    return [Prediction(int(p.argmax()), p, image) for p, image in zip(found, prepared, strict=True)]
