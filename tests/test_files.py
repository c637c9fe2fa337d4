"""Reading untrusted files: every refusal is one line with a remedy; writing leaves the old file or the new one."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.errors import FileError, GradcheckError
from gradcheck_cli.files import read_source, write_beside


def refusal(path, **options):
    with pytest.raises(FileError) as refused:
        read_source(path, **options)
    return str(refused.value)


@pytest.fixture
def holding(tmp_path):
    """Write bytes and give the path."""

    def write(data, name="p.yaml"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


# -- what is read


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a: 1\n", "a: 1\n"),
        (b"\xef\xbb\xbfa: 1\n", "a: 1\n"),
        (b"a\r\nb\rc\n\r", "a\nb\nc\n\n"),
        ("α\t𝔸".encode(), "α\t𝔸"),
        (b"a\xe2\x80\xa8b", "a\u2028b"),
    ],
)
def test_text_is_read_without_its_mark_and_with_plain_line_ends(holding, data, text):
    path = holding(data)
    source = read_source(path)
    assert (source.name, source.text, source.origin) == (str(path), text, None)


def test_a_path_may_be_a_string(holding):
    assert read_source(str(holding(b"x"))).text == "x"


def test_a_file_as_large_as_the_limit_is_read(holding):
    assert len(read_source(holding(b"x" * 50), limit=50).text) == 50


def test_a_link_to_a_file_is_followed(holding, tmp_path):
    link = tmp_path / "link.yaml"
    link.symlink_to(holding(b"a: 1"))
    assert read_source(link).text == "a: 1"


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / f"{os.getpid()}-any.yaml"
    path.write_bytes(data)
    try:
        text = read_source(path).text
    except FileError as error:
        assert "\n" not in str(error)
        assert error.hint
    else:
        assert not set(text) & {"\0", "\r", "\x1b", "\x85"}


# -- what is refused, and how


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", " is empty; write something into it"),
        (b" \r\n\t\n", " is empty; write something into it"),
        (b"a\0b", " is a binary file: it holds a zero byte; name a text file"),
        (b"\xff\xfea\0", " is UTF-16 text; save it as UTF-8"),
        (b"\xfe\xff\0a", " is UTF-16 text; save it as UTF-8"),
        (b"a\nb\xffc", ":2:2: the byte 0xff is not UTF-8; save the file as UTF-8"),
        ("αβ\r\n𝔸".encode() + b"\xe9 ", ":2:2: the byte 0xe9 is not UTF-8; save the file as UTF-8"),
        (b"\xed\xa0\x80", ":1:1: the byte 0xed is not UTF-8; save the file as UTF-8"),
        (b"a\xc0\x80", ":1:2: the byte 0xc0 is not UTF-8; save the file as UTF-8"),
        (b"a\n\x1b[31m", ":2:1: the file holds the control character U+001B; save it as plain UTF-8 text"),
        (b"ab\x0c", ":1:3: the file holds the control character U+000C; save it as plain UTF-8 text"),
        (b"a\x7f", ":1:2: the file holds the control character U+007F; save it as plain UTF-8 text"),
        (b"\xc2\x9b", ":1:1: the file holds the control character U+009B; save it as plain UTF-8 text"),
        (b"\xef\xbf\xbe", ":1:1: the file holds the control character U+FFFE; save it as plain UTF-8 text"),
    ],
)
def test_bytes_that_are_no_plain_text_are_refused_with_their_place(holding, data, message):
    path = holding(data)
    assert refusal(path) == f"{path}{message}"


def test_a_file_above_the_limit_is_refused_unopened(holding, monkeypatch):
    path = holding(b"x" * 2000)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it was opened"))
    assert refusal(path, limit=1000) == f"{path} has 2,000 bytes; at most 1,000 are read"


def test_the_limit_is_one_mebibyte_unless_told(holding):
    path = holding(b"x" * (2**20 + 1))
    assert refusal(path) == f"{path} has 1,048,577 bytes; at most 1,048,576 are read"


def test_a_file_that_grows_after_its_size_was_asked_is_refused(holding, monkeypatch):
    path = holding(b"x")
    monkeypatch.setattr(Path, "open", lambda *_: io.BytesIO(b"x" * 51))
    assert refusal(path, limit=50) == f"{path} has more than 50 bytes; at most 50 are read"


def test_a_missing_file_names_the_sibling_that_was_meant(holding, tmp_path):
    near = holding(b"x", "sigmoid-neuron.yaml")
    path = tmp_path / "sigmod-neuron.yaml"
    assert refusal(path) == f"there is no file {path}; did you mean {near}?"


def test_a_missing_file_without_a_near_name_says_to_check_it(holding, tmp_path):
    holding(b"x", "sigmoid-neuron.yaml")
    assert refusal(tmp_path / "zz") == f"there is no file {tmp_path / 'zz'}; check the name"


def test_a_missing_folder_is_said_to_be_missing(tmp_path):
    path = tmp_path / "none" / "p.yaml"
    assert refusal(path) == f"there is no file {path}; there is no folder {path.parent} either"


def test_a_folder_is_refused(tmp_path):
    assert refusal(tmp_path) == f"{tmp_path} is a folder; name a file in it"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_before_it_could_block(tmp_path, monkeypatch):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it was opened"))
    assert refusal(path) == f"{path} is no regular file; name a text file"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no devices here")
def test_a_device_is_refused():
    assert refusal("/dev/zero") == "/dev/zero is no regular file; name a text file"


def test_a_file_without_permission_is_refused(holding, monkeypatch):
    path = holding(b"x")

    def closed(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", closed)
    assert refusal(path) == f"{path} may not be read; change its permissions"


def test_a_path_through_a_file_is_refused(holding):
    path = holding(b"x") / "p.yaml"
    assert refusal(path).startswith(f"{path} cannot be read: ")


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "a\nb", "\udcff", ""])
def test_strange_names_are_refused_in_one_line_that_can_be_shown(name):
    message = refusal(name)
    assert message.isprintable()
    assert len(message) < 6000


# -- writing


def test_a_text_is_written_whole_and_nothing_else_stays(tmp_path):
    path = tmp_path / "new.yaml"
    write_beside(path, "α: 1\n")
    write_beside(str(path), "β: 2\n")
    assert path.read_bytes() == "β: 2\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_the_text_is_on_the_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    calls = []

    def noted(name, function):
        def call(*arguments):
            calls.append(name)
            return function(*arguments)

        return call

    monkeypatch.setattr(os, "fsync", noted("fsync", os.fsync))
    monkeypatch.setattr(os, "replace", noted("replace", os.replace))
    write_beside(tmp_path / "new.yaml", "x")
    assert calls == ["fsync", "replace"]


def test_each_write_has_a_temporary_name_of_its_own_in_the_same_folder(tmp_path, monkeypatch):
    names = []
    monkeypatch.setattr(os, "replace", lambda temporary, _: names.append(Path(temporary)))
    for _ in range(3):
        write_beside(tmp_path / "new.yaml", "x")
    assert len(set(names)) == 3
    assert {name.parent for name in names} == {tmp_path}


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_old_file_alone(holding, tmp_path, monkeypatch, step, failure):
    path = holding(b"old")

    def fail(*_):
        raise failure

    monkeypatch.setattr(os, step, fail)
    with pytest.raises((FileError, KeyboardInterrupt)) as stopped:
        write_beside(path, "new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    if isinstance(failure, OSError):
        hint = "choose a folder that can be written to"
        assert str(stopped.value) == f"{path} cannot be written: No space left on device; {hint}"


def test_a_folder_that_is_not_there_cannot_be_written_to(tmp_path):
    path = tmp_path / "none" / "p.yaml"
    with pytest.raises(FileError, match="cannot be written: No such file or directory; choose a folder"):
        write_beside(path, "x")


def test_a_folder_is_not_replaced_by_a_file(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(FileError, match="cannot be written"):
        write_beside(folder, "x")
    assert list(tmp_path.iterdir()) == [folder]
    assert not list(folder.iterdir())


# -- found by trying hard


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf", b"\xef\xbb\xbf \n", "\u00a0\u3000\n".encode()])
def test_a_mark_and_white_space_alone_are_empty(holding, data):
    path = holding(data)
    assert refusal(path) == f"{path} is empty; write something into it"


def test_the_mark_is_no_column_of_a_byte_that_is_not_utf8(holding):
    path = holding(b"\xef\xbb\xbfab\xff")
    assert refusal(path).startswith(f"{path}:1:3: ")


def test_old_line_ends_count_as_lines_before_a_byte_that_is_not_utf8(holding):
    path = holding(b"a\rb\xff")
    assert refusal(path).startswith(f"{path}:2:2: ")


def test_a_link_that_leads_nowhere_is_not_offered_for_itself(tmp_path):
    link = tmp_path / "link.yaml"
    link.symlink_to(tmp_path / "none")
    assert "did you mean" not in refusal(link)


@pytest.mark.parametrize(("name", "text"), [("a\0b", "x"), ("p.yaml", "\ud800")])
def test_what_cannot_be_written_is_an_error_of_ours(tmp_path, name, text):
    try:
        write_beside(f"{tmp_path}/{name}", text)
    except GradcheckError:
        return
    except (OSError, ValueError) as error:
        pytest.fail(f"{type(error).__name__} passed")
