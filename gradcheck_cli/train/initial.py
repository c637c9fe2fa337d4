"""How parameters begin."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcheck_cli.train.backends.memory import padded


def initial(shapes: dict[str, tuple[int, ...]], how: str, seed: int, dtype: str) -> dict[str, Any]:
    """Parameters by name, in rows that begin at multiples of a vector register.

    `he`: matrices normal with variance 2/inputs (He et al. 2015), everything else 0. `homework`: matrices uniform in
    ±sqrt(6/(inputs + outputs)) (Glorot & Bengio 2010), vectors uniform in [0, 1), each with its place as part of the seed.
    """
    found = {}
    for place, (name, shape) in enumerate(shapes.items()):
        random = np.random.default_rng([seed, place])
        matrix = len(shape) > 1
        if how == "homework":
            limit = math.sqrt(6 / sum(shape)) if matrix else 0.0
            drawn = random.uniform(-limit, limit, shape) if matrix else random.uniform(0, 1, shape)
        else:
            drawn = random.normal(0, math.sqrt(2 / shape[0]), shape) if matrix else np.zeros(shape)
        found[name] = padded(shape, dtype)
        found[name][...] = drawn
    return found
