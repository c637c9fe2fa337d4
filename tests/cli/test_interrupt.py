"""Ctrl-C before and beside the work of a command: 130, and nothing on stderr."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="no signals there")

# the signal comes when a module is looked for, or from a function that is called instead of one of the program's
SCRIPT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.{before})

def press(*_arguments, **_options):
    os.kill(os.getpid(), signal.SIGINT)

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            press()

sys.meta_path.insert(0, Finder())
sys.argv = ["gradcheck", *{arguments!r}]
from gradcheck_cli.__main__ import main
{more}
main()
"""


def pressed(*arguments, module="", before="default_int_handler", more=""):
    script = SCRIPT.format(module=module, arguments=arguments, before=before, more=more)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("gradcheck_cli.cli", ("--help",)),
        ("click", ("--help",)),
        ("gradcheck_cli.cli.verify_command", ("problems",)),
        ("sympy", ("solve", "sigmoid-neuron")),
        ("yaml", ("verify", "answers.yaml")),
        ("rich", ("check", "sigmoid-neuron")),
        ("numpy", ("train", "digits")),
        ("gradcheck_cli.train.session", ("train", "digits")),
        ("gradcheck_cli.train.check", ("train", "digits", "--json")),
        ("gradcheck_cli.train.data.images", ("predict", "a.model", "a.png")),
    ],
)
def test_while_something_is_imported(module, arguments):
    done = pressed(*arguments, module=module)
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.parametrize(
    ("place", "arguments"),
    [
        ("gradcheck_cli.cli.commands.main", ("schema",)),
        ("gradcheck_cli.cli.common.click.echo", ("schema",)),
        ("gradcheck_cli.cli.sys.stdout.flush", ("schema",)),
        ("gradcheck_cli.problem.loading.read_tree", ("solve", "sigmoid-neuron")),
    ],
)
def test_within_a_command_and_beside_it(place, arguments):
    within, name = place.rsplit(".", 1)
    module = ".".join(part for part in within.split(".") if part not in {"commands", "click", "sys", "stdout"})
    done = pressed(*arguments, more=f"import {module}\n{within}.{name} = press")
    assert (done.returncode, done.stderr.strip()) == (130, "")  # click begins a new line


def test_where_the_shell_has_it_ignored():
    done = pressed("--help", module="click", before="SIG_IGN")
    assert done.returncode == 0
    assert "Usage:" in done.stdout
