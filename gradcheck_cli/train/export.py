"""Parameters for other programs: a safetensors file, which PyTorch, JAX and others read without running anything."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import save_file

from gradcheck_cli.errors import FileError

if TYPE_CHECKING:
    from pathlib import Path

    from gradcheck_cli.train.loop import Trainer


def save_safetensors(path: Path, trainer: Trainer) -> None:
    """Write the parameters by their names; the file's metadata has the network's problem file and the settings."""
    engine = trainer.engine
    settings = json.dumps(asdict(engine.recipe))
    metadata = {"network": engine.network.text, "recipe": settings, "dataset": trainer.dataset.name}
    metadata["pixels"] = f"divided by {trainer.dataset.top}"
    part = path.with_name(f"{path.name}.part")
    try:
        save_file({name: np.ascontiguousarray(array) for name, array in engine.params.items()}, part, metadata)
        part.replace(path)
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror or error}"
        raise FileError(message, hint="name another file") from error
