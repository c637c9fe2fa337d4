"""Parameters for other programs: a safetensors file, which PyTorch, JAX and others read without running anything."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import save

from gradcheck_cli.files import write_beside

if TYPE_CHECKING:
    from pathlib import Path

    from gradcheck_cli.train.loop import Trainer


def save_safetensors(path: Path, trainer: Trainer) -> None:
    """Write the parameters by their names; the file's metadata has the network's problem file and the settings."""
    engine = trainer.engine
    settings = json.dumps(asdict(engine.recipe))
    metadata = {"network": engine.network.text, "recipe": settings, "dataset": trainer.dataset.name}
    metadata["pixels"] = f"divided by {trainer.dataset.top}"
    arrays = {name: np.ascontiguousarray(array) for name, array in engine.params.items()}
    write_beside(path, save(arrays, metadata))
