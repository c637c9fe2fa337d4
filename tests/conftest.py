"""Fixtures that all tests share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from gradcheck_cli.cli import main
from gradcheck_cli.crosscheck import Agreement

settings.register_profile(
    "default", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.load_profile("default")

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys, monkeypatch):
    """Run the program in this process: run("solve", "sum-times") gives code, out and err."""
    monkeypatch.delenv("NO_COLOR", raising=False)

    def call(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(int(stopped.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture
def problem_file(tmp_path):
    """Write a problem and give its path."""

    def write(text, name="problem.yaml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture(scope="session")
def data_dir():
    """The folder of real data sets, where somebody named one."""
    folder = os.environ.get("GRADCHECK_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("GRADCHECK_DATA names no folder")
    return Path(folder)


@pytest.fixture
def usual_spread(monkeypatch):
    """Rounding errors differ between machines: where the witnesses agree, show the usual size of one."""
    true = Agreement.spread.fget
    monkeypatch.setattr(Agreement, "spread", property(lambda self: true(self) if true(self) > 1e-12 else 1e-16))
