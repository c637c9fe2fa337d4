"""Modules that are imported at their first use."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gradcheck_cli.late import late


def test_nothing_is_imported_before_it_is_used():
    code = (
        "import sys; from gradcheck_cli.late import late; made = late('colorsys'); "
        "assert 'colorsys' not in sys.modules; assert made.ONE_THIRD == 1/3; assert 'colorsys' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_put_in_is_what_is_seen(monkeypatch):
    monkeypatch.setattr("colorsys.ONE_THIRD", 7)
    assert late("colorsys").ONE_THIRD == 7


def test_what_is_not_there_is_named():
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = late("colorsys").nothing_of_the_kind
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        _ = late("no_such_module").anything
