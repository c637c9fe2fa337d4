"""Images from outside: PNG files of every kind, digits of other sizes, places and colours."""

from __future__ import annotations

import gzip
import json
import struct
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.errors import DataError, FileError
from gradcheck_cli.train.checkpoint import load, save
from gradcheck_cli.train.data.datasets import DIGITS, digits
from gradcheck_cli.train.data.images import _unfiltered, fitted, read_images
from gradcheck_cli.train.predict import predict
from gradcheck_cli.train.session import Wishes, begin


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(lines, columns, *, depth=8, colour=0, more=b"", interlaced=0):
    """A PNG from lines that begin with their filter."""
    head = struct.pack(">IIBBBBB", columns, len(lines), depth, colour, 0, 0, interlaced)
    data = zlib.compress(b"".join(bytes(line) for line in lines))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def grey(image):
    return png([[0, *row] for row in image.tolist()], image.shape[1])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    made = begin(Wishes("digits", backend="numpy", changes={"augment": 0.6}), lambda _line: None)
    made.run(lambda _at: None, lambda _one: None)
    path = tmp_path_factory.mktemp("model") / "digits.model"
    save(path, made)
    return path


def test_digits_of_the_data_set(model, tmp_path):
    data = digits()
    right = 0
    for at in range(20):
        path = tmp_path / f"{at}.png"
        path.write_bytes(grey((data.images[at].reshape(8, 8) * 15).astype(np.uint8)))
        ((_, image),) = read_images(path)
        right += predict(load(model), [image])[0].digit == data.labels[at]
    assert right >= 18


def test_large_inverted_and_off_centre(model):
    data = digits()
    loaded = load(model)
    right = 0
    for at in range(30):
        big = np.kron(data.images[at].reshape(8, 8) / 16, np.ones((12, 12)))
        paper = np.zeros((200, 170))
        paper[90:186, 60:156] = big
        right += predict(loaded, [paper])[0].digit == data.labels[at]
    assert right >= 21


def test_paper_is_white_or_black(tmp_path):
    image = np.zeros((10, 10), np.uint8)
    image[3:7, 4:6] = 255
    for name, content in (("black", image), ("white", 255 - image)):
        (tmp_path / name).write_bytes(grey(content))
    (black,), (white,) = read_images(tmp_path / "black"), read_images(tmp_path / "white")
    np.testing.assert_array_equal(black[1], white[1])


KINDS = [
    (png([[0, 0, 255], [0, 255, 0]], 2), [[0, 1], [1, 0]]),
    (png([[0, 0b01000000], [0, 0b10000000]], 2, depth=1), [[0, 1], [1, 0]]),
    (png([[0, 0b00110000]], 2, depth=2), [[0, 1]]),
    (png([[0, 0x0F]], 2, depth=4), [[0, 1]]),
    (png([[0, 255, 255, 255, 0, 0, 255]], 2, colour=2), [[1, 1 / 3]]),
    (png([[0, 0, 1]], 2, colour=3, more=chunk(b"PLTE", bytes([0, 0, 0, 255, 255, 255]))), [[0, 1]]),
    (png([[0, 0, 255, 0, 0]], 2, colour=4), [[0, 1]]),
    (png([[0, 0, 0, 0, 255, 9, 9, 9, 0]], 2, colour=6), [[0, 1]]),
    (png([[0, 255, 255, 255, 255, 255, 255, 255, 0]], 2, colour=6), [[0, 1]]),  # white ink on nothing
    (png([[0, 0, 0, 255, 255]], 2, depth=16), [[0, 1]]),
    (png([[0, 128, 0, 255, 255]], 2, depth=16), [[32768 / 65535, 1]]),
    (png([[0, 0, 1]], 2, colour=3, more=chunk(b"PLTE", bytes(6)) + chunk(b"tRNS", bytes([255, 0]))), [[0, 1]]),
    (png([[0, 0, 1, 2]], 3, colour=3, more=chunk(b"PLTE", bytes(9)) + chunk(b"tRNS", bytes([51]))), [[0.8, 0, 0]]),
    (png([[0, 7, 9]], 2, more=chunk(b"tRNS", bytes([0, 9]))), [[7 / 255, 1]]),
    (png([[0, 0, 0, 0, 1, 2, 3]], 2, colour=2, more=chunk(b"tRNS", bytes([0, 1, 0, 2, 0, 3]))), [[0, 1]]),
]


@pytest.mark.parametrize(("content", "values"), KINDS, ids=range(len(KINDS)))
def test_kinds_of_png(content, values, tmp_path):
    (tmp_path / "a.png").write_bytes(content)
    ((_, found),) = read_images(tmp_path / "a.png")
    expected = np.array(values)
    border = np.concatenate([expected[0], expected[-1], expected[:, 0], expected[:, -1]])
    np.testing.assert_allclose(found, 1 - expected if np.median(border) > 0.5 else expected, atol=1e-12)


def filtered(image, kinds, step):
    """Lines with their filters applied, by the definition of RFC 2083, section 6."""
    lines = []
    for at, kind in enumerate(kinds):
        row = [kind]
        for x, value in enumerate(image[at].tolist()):
            left = int(image[at, x - step]) if x >= step else 0
            up = int(image[at - 1, x]) if at else 0
            corner = int(image[at - 1, x - step]) if at and x >= step else 0
            p = left + up - corner
            paeth = min((abs(p - left), 0, left), (abs(p - up), 1, up), (abs(p - corner), 2, corner))[2]
            row.append((value - [0, left, up, (left + up) // 2, paeth][kind]) % 256)
        lines.append(row)
    return np.array(lines, np.uint8)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=5), st.integers(1, 4), st.integers(0, 99))
def test_filters_are_undone(kinds, step, seed):
    image = np.random.default_rng(seed).integers(0, 256, (len(kinds), 3 * step)).astype(np.uint8)
    np.testing.assert_array_equal(_unfiltered(filtered(image, kinds, step), step), image)


GOOD = grey(np.arange(64, dtype=np.uint8).reshape(8, 8))
BAD = {
    "empty": b"",
    "text": b"a picture",
    "cut": GOOD[:-30],
    "flipped": GOOD[:45] + bytes([GOOD[45] ^ 1]) + GOOD[46:],
    "huge": png([[0, 1]], 1 << 30),
    "interlaced": png([[0, 1]], 1, interlaced=1),
    "thirty-two bits": png([[0, 1, 1, 1, 1]], 1, depth=32),
    "no data": GOOD[:33] + GOOD[-12:],
    "no head": GOOD[:8] + GOOD[-12:],
    "a colour that the palette has not": png([[0, 2]], 1, colour=3, more=chunk(b"PLTE", bytes(6))),
    "filter": png([[7, 1]], 1),
    "short": png([[0, 1]], 9),
    "palette": png([[0, 1]], 1, colour=3),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_images_are_refused(name, tmp_path):
    (tmp_path / "bad.png").write_bytes(BAD[name])
    with pytest.raises(DataError, match=r"bad\.png"):
        read_images(tmp_path / "bad.png")
    with pytest.raises(FileError, match="cannot be read"):
        read_images(tmp_path / "none.png")


@pytest.mark.parametrize("shape", [(10**9, 1, 1), (1, 20_000, 50_000), (100_001, 2, 2)])
def test_a_small_file_of_very_many_pixels_is_refused_before_it_is_read(shape, tmp_path, monkeypatch):
    monkeypatch.setattr("gradcheck_cli.train.data.images.read_idx", lambda *_: pytest.fail("it is read"))
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(struct.pack(">IIII", 0x803, *shape) + bytes(1000)))
    with pytest.raises(DataError, match=r"at most 100,000 images, 100,000,000 pixels in all, are read"):
        read_images(path)


def test_a_blank_picture_has_no_digit():
    assert fitted(np.zeros((50, 50)), (28, 28)).sum() == 0


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 40), st.integers(0, 40))
def test_fitted_pictures_have_their_size_and_bounds(rows, columns, down, right):
    image = np.zeros((rows + down + 3, columns + right + 5))
    image[down : down + rows, right : right + columns] = 1
    found = fitted(image, (28, 28))
    assert found.shape == (28, 28)
    assert 0 <= found.min() <= found.max() <= 1 + 1e-9
    assert found.sum() > 0


def test_images_of_an_idx_file_may_be_on_white_paper(model, tmp_path):
    data = digits()
    images = 255 - data.images[:20].reshape(-1, 8, 8) * 15
    (tmp_path / "white.idx").write_bytes(struct.pack(">IIII", 0x803, *images.shape) + images.astype(np.uint8).tobytes())
    found = predict(load(model), [image for _, image in read_images(tmp_path / "white.idx")])
    assert np.mean([one.digit for one in found] == data.labels[:20]) >= 0.9


@pytest.mark.parametrize("colour", [0, 255])
@pytest.mark.parametrize("size", [1, 8, 30])
def test_a_blank_picture_is_called_blank(run, model, tmp_path, colour, size):
    blank, drawn = tmp_path / "blank.png", tmp_path / "drawn.png"
    blank.write_bytes(grey(np.full((size, size), colour)))
    drawn.write_bytes(GOOD)
    done = run("predict", model, blank, drawn)
    assert done.code == 1
    assert f"{blank}: nothing is drawn there\n{drawn}: " in done.out
    first, second = json.loads(run("predict", model, blank, drawn, "--json").out)["predictions"]
    assert first == {"file": str(blank), "digit": None, "probabilities": []}
    assert len(second["probabilities"]) == 10


def test_the_command(run, model, tmp_path):
    (tmp_path / "a.png").write_bytes(GOOD)
    assert run("predict", model, tmp_path / "a.png").out.startswith(f"{tmp_path / 'a.png'}: ")
    done = run("predict", model, DIGITS / "images-idx3-ubyte.gz", "--json")
    documents = json.loads(done.out)["predictions"]
    labels = np.concatenate([digits().labels, digits().test_labels])
    assert np.mean([one["digit"] for one in documents] == labels) > 0.95
    assert run("predict", tmp_path / "a.png", tmp_path / "a.png").code == 2


def test_safetensors_in_pytorch_give_the_same_logits(run, tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    safetensors = pytest.importorskip("safetensors.torch")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = tmp_path / "digits.safetensors"
    done = run("train", "digits", "--epochs", "2", "--hidden", "16", "--save", path, "--seed", "5")
    assert f"saved in {path}" in done.out
    found = safetensors.load_file(path)
    made = begin(Wishes("digits", changes={"epochs": 2, "hidden": (16,), "seed": 5}), lambda _line: None)
    made.run(lambda _at: None, lambda _one: None)
    data = digits()
    pixels = torch.from_numpy(data.test_images / np.float32(16)).float()
    logits = torch.relu(pixels @ found["W1"] + found["b1"]) @ found["W2"] + found["b2"]
    ours = made.engine.forward(data.test_images, data.test_labels, 1 / 16).log_p
    np.testing.assert_allclose(torch.log_softmax(logits.double(), 1).numpy(), ours, atol=1e-5)


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_plots(run, tmp_path, suffix):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"plot.{suffix}"
    assert run("train", "digits", "--epochs", "2", "--hidden", "16", "--plot", path).code == 0
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG") if suffix == "png" else b"<svg" in content
    refused = run("train", "digits", "--plot", tmp_path / "plot.txt")
    assert "end it in .svg or .png" in refused.err


@pytest.mark.parametrize(
    ("module", "option"), [("matplotlib", "--plot=a.svg"), ("safetensors", "--save=a.safetensors")]
)
def test_extras_that_are_missing_are_named_before_anything_is_trained(run, tmp_path, monkeypatch, module, option):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.chdir(tmp_path)
    done = run("train", "digits", option)
    assert done.code == 2
    assert f"{module} is not installed; pip install 'gradcheck[" in done.err
    assert done.out == ""


@pytest.mark.parametrize(("module", "option"), [("plot", "--plot=a.svg"), ("export", "--save=a.safetensors")])
def test_an_extra_that_is_broken_costs_no_results(run, tmp_path, monkeypatch, module, option):
    monkeypatch.chdir(tmp_path)
    package = {"plot": "gradcheck_cli.render.plot", "export": "gradcheck_cli.train.export"}[module]
    library = {"plot": "matplotlib.figure", "export": "safetensors.numpy"}[module]
    pytest.importorskip(library)
    monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    done = run("train", "digits", "--epochs", "1", "--hidden", "8", option)
    assert done.code == 2
    assert "is not installed; pip install" in done.err
    assert "test accuracy" in done.out
    assert "saved in" not in done.out
