"""Data sets of images of digits: where they are found, what must hold of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from gradcheck_cli.errors import DataError, FileError
from gradcheck_cli.train.download import FILES, MIRRORS, NoNetwork, Progress, download
from gradcheck_cli.train.idx import IMAGES, LABELS, read_idx

DIGITS = Path(__file__).parent / "digits"
DIGITS_TRAINING = 1437  # four fifths of the rows, in the order of the file
CLASSES = 10


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images as rows of bytes and their labels; `size` is (rows, columns) of an image, `top` the largest pixel."""

    name: str
    images: Any
    labels: Any
    test_images: Any
    test_labels: Any
    size: tuple[int, int]
    top: int
    source: str
    classes: int = CLASSES


def digits() -> Dataset:
    """The digits that come with the program: the first 1,437 train, the last 360 test."""
    images, labels = _pair(DIGITS / "images-idx3-ubyte.gz", DIGITS / "labels-idx1-ubyte.gz")
    at = DIGITS_TRAINING
    parts = (images[:at], labels[:at], images[at:], labels[at:])
    return Dataset("digits", *parts, (8, 8), 16, "UCI optical recognition of handwritten digits")


def mnist(folder: Path | None = None, progress: Progress | None = None) -> Dataset:
    """MNIST from `folder`, else from $GRADCHECK_DATA, else from the user's cache, where it is downloaded to if need be.

    Raises FileError for files that are not there, DataError for files that are not what they should be.
    """
    where = folder or _named_folder()
    if where is None:
        where = cache_folder()
        if not all(find_file(where, name) for name in FILES):
            _fetch(where, progress)
    return load_folder(where)


def _named_folder() -> Path | None:
    named = os.environ.get("GRADCHECK_DATA")
    return Path(named) if named else None


def cache_folder() -> Path:
    """Where downloaded data lies."""
    return Path(platformdirs.user_cache_dir("gradcheck", appauthor=False)) / "mnist"


def _fetch(where: Path, progress: Progress | None) -> None:
    try:
        download(where, MIRRORS, progress)
    except NoNetwork as error:
        files = ", ".join(f"{name}.gz (sha256 {one.sha256})" for name, one in FILES.items())
        message = f"MNIST is not on this machine and cannot be fetched ({error})"
        hint = f"gradcheck train digits needs no network; or put into {where}, or a folder named with --data: {files}"
        raise FileError(message, hint=hint) from error


def find_file(folder: Path, name: str) -> Path | None:
    """A file of MNIST in a folder, zipped or not, with the dot that some archives have for the dash."""
    dotted = name.replace("-idx", ".idx")
    for variant in (name, f"{name}.gz", dotted, f"{dotted}.gz"):
        if (folder / variant).is_file():
            return folder / variant
    return None


def load_folder(folder: Path) -> Dataset:
    """The four files of a folder; FileError names every one that is missing."""
    if not folder.is_dir():
        message = f"{folder}: there is no such folder"
        raise FileError(message, hint="a folder with the four IDX files of MNIST was expected")
    found = {name: find_file(folder, name) for name in FILES}
    missing = [f"{name}.gz" for name, path in found.items() if path is None]
    if missing:
        message = f"{folder}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not there"
        raise FileError(message, hint=f"the four IDX files of MNIST were expected: {', '.join(FILES)}, each .gz or not")
    paths = [path for path in found.values() if path is not None]
    images, labels = _pair(paths[0], paths[1])
    test_images, test_labels = _pair(paths[2], paths[3])
    if images.shape[1:] != test_images.shape[1:]:
        message = f"{paths[2]}: images of {_times(test_images)} pixels, those for training have {_times(images)}"
        raise DataError(message, hint="all images of a data set have one size")
    size = (28, 28) if images.shape[1] == 784 else (1, images.shape[1])
    return Dataset("mnist", images, labels, test_images, test_labels, size, 255, str(folder))


def _times(images: Any) -> str:
    return str(images.shape[1])


def _pair(images_path: Path, labels_path: Path) -> tuple[Any, Any]:
    """Images as rows, and as many labels from 0 to 9."""
    images, labels = read_idx(images_path, IMAGES), read_idx(labels_path, LABELS)
    if len(images) != len(labels):
        message = f"{labels_path}: {len(labels):,} labels for the {len(images):,} images of {images_path.name}"
        raise DataError(message, hint="every image needs one label; are both files of one set?")
    if labels.max() >= CLASSES:
        at = int((labels >= CLASSES).argmax())
        message = f"{labels_path}: label {at} is {labels[at]}"
        raise DataError(message, hint=f"labels from 0 to {CLASSES - 1} were expected")
    return images.reshape(len(images), -1), labels
