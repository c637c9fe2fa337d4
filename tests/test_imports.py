"""What starts fast stays fast: the libraries that a command does not need are not imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import gradcheck_cli

HEAVY = ("sympy", "numpy", "flint", "mpmath", "rich", "yaml", "platformdirs")
SCRIPT = """
import sys
{code}
heavy = [name for name in {heavy} if name in sys.modules]
print("HEAVY", heavy)
"""


def loaded(code, mark="HEAVY "):
    script = SCRIPT.format(code=code, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.split(mark)[1].split("\n")[0].strip()


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["solve", "--help"], ["verify", "--help"], ["train", "--help"], []]
)
def test_help_imports_nothing_heavy(arguments):
    code = f"from gradcheck_cli.cli import main\ntry: main({arguments!r})\nexcept SystemExit: pass"
    assert loaded(code) == "[]"


def test_the_package_imports_nothing_heavy():
    assert loaded("import gradcheck_cli") == "[]"


def test_schema_needs_no_mathematics():
    code = "from gradcheck_cli.cli import main\ntry: main(['schema'])\nexcept SystemExit: pass"
    assert "sympy" not in loaded(code)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="no list of threads")
def test_a_training_starts_no_thread_that_waits():
    code = (
        "import os\nfrom gradcheck_cli.cli import main\n"
        "try: main(['train', 'digits', '--epochs', '1', '--hidden', '4', '--backend', 'numpy', '--quiet'])\n"
        "except SystemExit: print('THREADS', len(os.listdir('/proc/self/task')))"
    )
    assert loaded(code, "THREADS ") == "1"


def test_public_names_are_listed_and_there():
    assert sorted(gradcheck_cli.__all__) == gradcheck_cli.__all__
    for name in gradcheck_cli.__all__:
        assert callable(getattr(gradcheck_cli, name))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        gradcheck_cli.nothing  # noqa: B018


def test_a_training_loads_what_it_needs_only():
    code = (
        "from gradcheck_cli.train.session import Wishes, begin; "
        "begin(Wishes('digits', changes={'hidden': (4,)}, backend='numpy', checked=False), lambda _line: None)"
    )
    assert loaded(code) == "['numpy', 'yaml']"
