"""Data sets of images of digits: where they are found, what must hold of them."""

from __future__ import annotations

import math
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradcheck_cli.errors import DataError, FileError, GradcheckError
from gradcheck_cli.late import late
from gradcheck_cli.train.cache import cache_folder
from gradcheck_cli.train.data.idx import IMAGES, LABELS, idx_shape, read_idx
from gradcheck_cli.train.data.mirrors import FILES, MIRRORS

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcheck_cli.train.data import download
    from gradcheck_cli.train.data.download import Progress
else:
    download = late("gradcheck_cli.train.data.download")

DIGITS = Path(__file__).parent / "digits"
DIGITS_FILES = ("images-idx3-ubyte.gz", "labels-idx1-ubyte.gz")
DIGITS_TRAINING = 1437  # four fifths of the rows, in the order of the file
CLASSES = 10
DATASETS = ("mnist", "digits")


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


@dataclass(slots=True)
class Reading:
    """A data set that is read beside us; its sizes are known at once, from the headers of its files."""

    rows: int
    pixels: int
    read: Callable[[], Dataset]
    _thread: threading.Thread | None = None
    _found: Dataset | None = None
    _error: BaseException | None = None

    def begin(self) -> Reading:
        """Start to read; unzipping needs no interpreter, so it costs the rest of the start little."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        return self

    def _run(self) -> None:
        try:
            self._found = self.read()
        except BaseException as error:  # noqa: BLE001 - raised where the data is asked for
            self._error = error

    def dataset(self) -> Dataset:
        """The data; raises what reading it raised."""
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error
        if self._found is None:
            self._found = self.read()
        return self._found


def reading(name: str, folder: Path | None = None, progress: Progress | None = None) -> Reading:
    """A data set by its name: MNIST from `folder`, else $GRADCHECK_DATA, else the user's cache, where it is downloaded to.

    Raises FileError for files that are not there, DataError for files that are not what they should be.
    """
    if name == "digits":
        if folder is not None:
            message = "--data is for mnist, the digits come with the program"
            raise GradcheckError(message, hint=f"write gradcheck train mnist --data {folder}")
        _, *size = idx_shape(DIGITS / DIGITS_FILES[0], IMAGES)
        return Reading(DIGITS_TRAINING, math.prod(size), digits)
    where = _located(folder, progress)
    paths = _paths(where)
    rows, *size = idx_shape(paths[0], IMAGES)
    return Reading(rows, math.prod(size), lambda: load_folder(where))


def digits() -> Dataset:
    """The digits that come with the program: the first 1,437 train, the last 360 test."""
    images, labels = _pair(*(DIGITS / name for name in DIGITS_FILES))
    at = DIGITS_TRAINING
    parts = (images[:at], labels[:at], images[at:], labels[at:])
    return Dataset("digits", *parts, (8, 8), 16, "UCI optical recognition of handwritten digits")


def _located(folder: Path | None, progress: Progress | None) -> Path:
    named = os.environ.get("GRADCHECK_DATA")
    where = folder or (Path(named) if named else None)
    if where is None:
        where = cache_folder("mnist")
        if not all(find_file(where, name) for name in FILES):
            _fetch(where, progress)
    return where


def _fetch(where: Path, progress: Progress | None) -> None:
    try:
        download.download(where, MIRRORS, progress)
    except download.NoNetwork as error:
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


def _paths(folder: Path) -> list[Path]:
    """The four files of a folder; FileError names every one that is missing."""
    if not folder.is_dir():
        message = f"{folder}: there is no such folder"
        raise FileError(message, hint="a folder with the four IDX files of MNIST was expected")
    found = {name: find_file(folder, name) for name in FILES}
    missing = [f"{name}.gz" for name, path in found.items() if path is None]
    if missing:
        message = f"{folder}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not there"
        raise FileError(message, hint=f"the four IDX files of MNIST were expected: {', '.join(FILES)}, each .gz or not")
    return [path for path in found.values() if path is not None]


def load_folder(folder: Path) -> Dataset:
    """The data set of a folder with the four files; raises what `reading` does."""
    paths = _paths(folder)
    images, labels = _pair(paths[0], paths[1])
    test_images, test_labels = _pair(paths[2], paths[3])
    sizes = [idx_shape(path, IMAGES)[1:] for path in (paths[0], paths[2])]
    if sizes[0] != sizes[1]:
        told = [" x ".join(map(str, size)) for size in sizes]
        message = f"{paths[2]}: images of {told[1]} pixels, those for training have {told[0]}"
        raise DataError(message, hint="all images of a data set have one size")
    size = (sizes[0][0], sizes[0][1])
    return Dataset("mnist", images, labels, test_images, test_labels, size, 255, str(folder))


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
