"""Optimizers as a few operations on arrays; the gradient arrives multiplied by the rate (except for Adam's)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8  # Adam's, as in the paper


@dataclass(frozen=True, slots=True)
class Micro:
    """`acc`: target = beta*target + alpha*gradient. `axpy`: target += alpha*source. `adam`: all of it."""

    op: str
    target: str
    source: str = ""
    alpha: float = 0.0
    beta: float = 1.0


@dataclass(frozen=True, slots=True)
class Update:
    """An optimizer: the arrays it keeps for each parameter, and what it does in a step."""

    name: str
    states: tuple[str, ...]
    steps: tuple[Micro, ...]


def sgd() -> Update:
    """Step: p -= lr g."""
    return Update("sgd", (), (Micro("acc", "param", alpha=-1.0),))


def momentum(mu: float = 0.9) -> Update:
    """Step: v = mu v + lr g; p -= v (Polyak 1964, with the rate inside as in Sutskever et al. 2013)."""
    return Update("momentum", ("v",), (Micro("acc", "v", alpha=1.0, beta=mu), Micro("axpy", "param", "v", -1.0)))


def nesterov(mu: float = 0.9) -> Update:
    """The same with the gradient taken ahead, p being the point ahead: p += mu v; v = mu v + lr g; p -= (1 + mu) v.

    Bengio et al. 2013, arXiv 1212.0901, section 3.5: no second copy of the parameters and no stored gradient.
    """
    steps = (
        Micro("axpy", "param", "v", mu),
        Micro("acc", "v", alpha=1.0, beta=mu),
        Micro("axpy", "param", "v", -1.0 - mu),
    )
    return Update("nesterov", ("v",), steps)


def adam() -> Update:
    """Kingma & Ba 2015, algorithm 1 in the order of its section 2; `rate` and `epsilon` carry the bias corrections."""
    return Update("adam", ("m", "v"), (Micro("adam", "param", alpha=_BETA1, beta=_BETA2),))


UPDATES = {"sgd": sgd, "momentum": momentum, "nesterov": nesterov, "adam": adam}


def step_scalars(optimizer: str, rates: Any, first: int, decay: float) -> dict[str, Any]:
    """The numbers that each step brings to its program, for steps counted from 0 and `first` on with these rates."""
    found = {"lr": rates, "keep": 1 - rates * decay}
    if optimizer == "adam":
        number = np.arange(first + 1, first + len(rates) + 1)
        second = np.sqrt(1 - _BETA2**number)
        found["rate"] = rates * second / (1 - _BETA1**number)
        found["epsilon"] = _EPSILON * second
    return found
