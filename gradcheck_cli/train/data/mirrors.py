"""Where MNIST can be fetched, and what its four files are."""

from __future__ import annotations

from dataclasses import dataclass

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist",
    "https://ossci-datasets.s3.amazonaws.com/mnist",
)


@dataclass(frozen=True, slots=True)
class Remote:
    """A file on the mirrors: its size in bytes and its checksum."""

    size: int
    sha256: str


FILES = {
    "train-images-idx3-ubyte": Remote(9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
    "train-labels-idx1-ubyte": Remote(28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    "t10k-images-idx3-ubyte": Remote(1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
    "t10k-labels-idx1-ubyte": Remote(4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
}
