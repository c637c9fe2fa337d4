"""Data: what is read, what is refused and how that is said."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from gradcheck_cli.errors import DataError, FileError, GradcheckError
from gradcheck_cli.train.data import datasets as data
from gradcheck_cli.train.data.datasets import digits, load_folder, reading
from gradcheck_cli.train.data.mirrors import FILES

TRAIN, TRAIN_LABELS, TEST, TEST_LABELS = FILES


def images(count, size=4):
    return struct.pack(">IIII", 0x803, count, size, size) + bytes(range(16)) * count


def labels(values):
    return struct.pack(">II", 0x801, len(values)) + bytes(values)


@pytest.fixture
def folder(tmp_path):
    for name, content in ((TRAIN, images(3)), (TRAIN_LABELS, labels([0, 9, 1])), (TEST, images(2))):
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
    (tmp_path / TEST_LABELS).write_bytes(labels([4, 5]))
    return tmp_path


def test_a_folder_is_read(folder):
    found = load_folder(folder)
    assert found.images.shape == (3, 16)
    assert found.images.dtype == np.uint8
    assert found.labels.tolist() == [0, 9, 1]
    assert found.test_labels.tolist() == [4, 5]


def test_the_digits_that_come_along():
    found = digits()
    assert len(found.images) + len(found.test_images) == 1797
    assert found.images.max() == found.top == 16
    assert np.bincount(np.concatenate([found.labels, found.test_labels])).tolist() == [
        178, 182, 177, 183, 181, 182, 181, 179, 174, 180,
    ]  # fmt: skip


def test_the_real_files(data_dir):
    found = load_folder(data_dir)
    assert found.images.shape == (60_000, 784)
    assert found.test_images.shape == (10_000, 784)
    assert found.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]


DAMAGED = [
    (f"{TRAIN}.gz", gzip.compress(labels([1, 2, 3])), "magic number 0x801, 0x803 was expected"),
    (f"{TRAIN_LABELS}.gz", gzip.compress(images(3)), "magic number 0x803, 0x801 was expected"),
    (f"{TRAIN}.gz", gzip.compress(images(3))[:-12], "gzip data is damaged or cut off"),
    (f"{TRAIN}.gz", b"\x1f\x8b\x08\x00garbage garbage", "gzip data is damaged or cut off"),
    (f"{TRAIN}.gz", gzip.compress(images(3)[:-1]), "47 bytes after the header, which promises 3 x 4 x 4 = 48"),
    (f"{TRAIN}.gz", gzip.compress(images(3) + b"x"), "more bytes after the header"),
    (f"{TRAIN}.gz", gzip.compress(images(3)[:9]), "the header is cut off"),
    (f"{TRAIN}.gz", b"", "shorter than a header"),
    (f"{TRAIN}.gz", gzip.compress(struct.pack(">IIII", 0x803, 2**31, 2**31, 28)), "the header promises"),
    (f"{TRAIN_LABELS}.gz", gzip.compress(labels([1, 2])), "2 labels for the 3 images"),
    (f"{TRAIN_LABELS}.gz", gzip.compress(labels([1, 2, 10])), "label 2 is 10"),
    (TEST_LABELS, labels([1]), "1 labels for the 2 images"),
    (
        f"{TEST}.gz",
        gzip.compress(struct.pack(">IIII", 0x803, 2, 2, 2) + bytes(8)),
        "images of 2 x 2 pixels, those for training have 4 x 4",
    ),
]


@pytest.mark.parametrize(("name", "content", "message"), DAMAGED, ids=range(len(DAMAGED)))
def test_damaged_files_are_named(folder, name, content, message):
    (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load_folder(folder)
    assert name.removesuffix(".gz").split("-")[1] in str(caught.value)
    assert caught.value.hint


def test_missing_files_are_all_named(folder):
    (folder / f"{TRAIN}.gz").unlink()
    (folder / TEST_LABELS).unlink()
    with pytest.raises(FileError, match=f"{TRAIN}.gz, {TEST_LABELS}.gz are not there"):
        load_folder(folder)


def test_an_empty_folder_and_none(tmp_path):
    with pytest.raises(FileError, match="are not there"):
        load_folder(tmp_path)
    with pytest.raises(FileError, match="no such folder"):
        load_folder(tmp_path / "nowhere")


def test_the_environment_names_a_folder(folder, monkeypatch):
    monkeypatch.setenv("GRADCHECK_DATA", str(folder))
    assert reading("mnist").dataset().source == str(folder)


def test_a_folder_that_was_named_is_the_only_one(folder, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("GRADCHECK_DATA", str(folder))
    with pytest.raises(FileError, match="are not there"):
        reading("mnist", tmp_path_factory.mktemp("empty"))


def test_without_network_the_files_are_named(tmp_path, monkeypatch):
    monkeypatch.delenv("GRADCHECK_DATA", raising=False)
    monkeypatch.setattr(data, "cache_folder", lambda _name: tmp_path / "cache")
    monkeypatch.setattr(data, "MIRRORS", ("http://127.0.0.1:9/mnist",))
    with pytest.raises(FileError, match="gradcheck train digits") as caught:
        reading("mnist")
    for name, remote in FILES.items():
        assert name in str(caught.value)
        assert remote.sha256 in str(caught.value)
    assert str(tmp_path / "cache") in str(caught.value)


def test_sizes_are_known_before_the_data_is_read(folder):
    source = reading("mnist", folder)
    assert (source.rows, source.pixels) == (3, 16)
    (folder / f"{TRAIN}.gz").write_bytes(gzip.compress(images(3)[:-1]))
    with pytest.raises(DataError, match="47 bytes after the header"):
        source.begin().dataset()


def test_the_digits_need_no_folder(folder):
    with pytest.raises(GradcheckError, match="--data is for mnist"):
        reading("digits", folder)


def test_images_have_the_rows_and_columns_of_their_file(folder):
    assert load_folder(folder).size == (4, 4)


def test_reading_gives_the_digits():
    source = reading("digits").begin()
    found = source.dataset()
    assert (source.rows, source.pixels) == (len(found.images), 64)
    assert source.dataset() is found
