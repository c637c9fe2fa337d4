"""Files nobody vouches for, and writing that loses nothing."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.errors import FileError, GradcheckError
from gradcheck_cli.files import read_source, write_beside


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.yaml"
    write_beside(path, "one")
    assert path.read_text() == "one"

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="cannot be written: No space left"):
        write_beside(path, "two")
    assert path.read_text() == "one"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.yaml"]


def test_an_interruption_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_beside(tmp_path / "a.yaml", "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_a_name_that_is_no_path_is_refused(name):
    with pytest.raises(FileError):
        read_source(name)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("bytes") / "file"
    path.write_bytes(data)
    try:
        source = read_source(path)
    except GradcheckError as error:
        assert error.hint
    else:
        assert "\r" not in source.text
