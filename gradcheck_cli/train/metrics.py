"""What is known after a pass over data: loss, accuracy, which digits are taken for which."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


def log_softmax(logits: Any) -> Any:
    """In float64, along the last axis; nan where a logit is not finite."""
    z = np.asarray(logits, dtype=float)
    with np.errstate(invalid="ignore"):
        z = z - z.max(axis=-1, keepdims=True)
        return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def log_parts(prediction: Any) -> Any:
    """Log probabilities from a prediction: its own logs where a row lies from 0 to 1, else those of its softmax.

    Either way the largest entry stays the largest.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = ((prediction >= 0) & (prediction <= 1)).all(axis=1, keepdims=True)
        return np.where(inside, np.log(prediction), log_softmax(prediction))


@dataclass(frozen=True, slots=True)
class Score:
    """Mean loss, part that is right, and for each row the class it was taken for and that class's probability."""

    loss: float
    accuracy: float
    taken: Any
    log_p: Any


def score(log_p: Any, labels: Any, losses: Any = None) -> Score:
    """The score of log probabilities; `losses` are the graph's own where it has another loss."""
    taken = log_p.argmax(axis=1)
    rows = np.arange(len(labels))
    loss = (
        float(0 - log_p[rows, labels].mean()) if losses is None else float(np.mean(losses))
    )  # 0, not -0, where all is sure
    return Score(loss, float((taken == labels).mean()), taken, log_p)


def confusion(taken: Any, labels: Any, classes: int) -> Any:
    """How often the digit of a row was taken for that of a column."""
    return np.bincount(labels.astype(int) * classes + taken, minlength=classes * classes).reshape(classes, classes)


def worst(found: Score, labels: Any, count: int) -> list[int]:
    """The rows whose own class got the least probability, worst first."""
    own = found.log_p[np.arange(len(labels)), labels]
    return [int(at) for at in np.argsort(own, kind="stable")[:count] if found.taken[at] != labels[at]]


def mosaic(weights: Any, size: tuple[int, int], count: int = 36) -> Any:
    """The columns with the largest weights as pictures beside each other, each scaled to its own largest weight."""
    rows, columns = size
    strong = np.abs(weights).max(axis=0)
    chosen = np.argsort(-strong, kind="stable")[:count]
    across = math.ceil(math.sqrt(len(chosen)))
    board = np.zeros((math.ceil(len(chosen) / across) * (rows + 1), across * (columns + 1)))
    for at, unit in enumerate(chosen):
        top, side = at // across * (rows + 1), at % across * (columns + 1)
        picture = weights[:, unit].reshape(rows, columns) / max(float(strong[unit]), 1e-12)
        board[top : top + rows, side : side + columns] = picture
    return board
