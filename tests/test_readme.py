"""The README is true: its commands give the output it shows, its files and programs work."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest
import yaml

from gradcheck_cli.functions import ALIASES, OPERATORS, QUERIES
from gradcheck_cli.problem import counts, read_problem
from gradcheck_cli.problem.fields import ACTIVATIONS
from gradcheck_cli.problem.schema import problem_schema
from gradcheck_cli.shapes import text_of
from gradcheck_cli.source import Source

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
CONSOLE = [text for kind, text in BLOCKS if kind == "console"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the files that the README shows."""
    shown = re.findall(r"`([\w-]+\.(?:yaml|md))`[^`]*\n\n```(?:yaml|markdown)\n(.*?)```", README, re.DOTALL)
    assert len(shown) == sum(kind in ("yaml", "markdown") for kind, _ in BLOCKS)
    for name, text in shown:
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_training_commands_run(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    block = README.split("<!-- train -->\n```sh\n")[1].split("```")[0]
    for line in block.splitlines():
        words = shlex.split(line)
        assert words[:3] == ["gradcheck", "train", "digits"]
        assert run(*words[1:]).code == 0
    assert (tmp_path / "digits.model").is_file()


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`(gradcheck (?:solve|problems|schema)\b[^`]*)`", README))))
def test_the_commands_in_its_sentences_run(command, run):
    assert run(*shlex.split(command)[1:]).code == 0


@pytest.mark.usefixtures("usual_spread")
@pytest.mark.parametrize("block", CONSOLE, ids=lambda block: block.split("\n")[0])
def test_each_command_prints_what_the_readme_shows(block, run, folder):
    command, _, expected = block.partition("\n")
    words = shlex.split(command)
    assert words[:2] == ["$", "gradcheck"]
    assert folder.is_dir()
    assert run(*words[2:]).out.rstrip() == expected.rstrip()


def test_the_program_prints_what_the_readme_shows(folder):
    (program,) = (text for kind, text in BLOCKS if kind == "python")
    (expected,) = (text for kind, text in BLOCKS if kind == "text")
    path = folder / "program.py"
    path.write_text(program, encoding="utf-8")
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True, cwd=folder)
    assert done.stdout == expected


def test_the_two_commands_are_marked():
    assert README.count("<!-- setup -->\n```sh\n") == README.count("<!-- test -->\n```sh\n") == 1


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)", README):
        assert (ROOT / target).exists()


def test_every_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    wanted += [name for names in project["project"]["optional-dependencies"].values() for name in names]
    reasons = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    for name in wanted:
        assert re.match(r"[\w-]+", name).group().lower() in reasons, name


def test_every_function_and_query_is_documented():
    page = (ROOT / "docs" / "problems.md").read_text(encoding="utf-8")
    for name in [*QUERIES, *(alias for alias in ALIASES if ALIASES[alias] not in {*OPERATORS, "lt", "le", "ne"})]:
        assert re.search(rf"\b{name}\b", page) or name == "σ", name


def test_the_example_of_the_format_is_valid():
    page = (ROOT / "docs" / "problems.md").read_text(encoding="utf-8")
    example = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0]
    problem = read_problem(Source("problems.md", example), "example")
    assert problem.questions[0].points == 2


@pytest.mark.parametrize(("at", "output", "parameters"), [(1, "()", "d*k + k"), (2, "()", "20714")])
def test_the_examples_of_arrays_are_valid(at, output, parameters):
    page = (ROOT / "docs" / "problems.md").read_text(encoding="utf-8")
    example = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[at]
    jsonschema.validate(yaml.safe_load(example), problem_schema())
    graph = read_problem(Source("problems.md", example), "example").graph
    assert text_of(graph.shapes[graph.output]) == output
    assert str(counts.params(graph)) == parameters


def test_every_activation_of_layers_is_documented():
    page = (ROOT / "docs" / "problems.md").read_text(encoding="utf-8")
    assert f"Activations: `{' '.join(ACTIVATIONS)}`" in page
