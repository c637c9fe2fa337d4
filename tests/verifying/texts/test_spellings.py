r"""The names of a problem as a student writes them in LaTeX."""

from __future__ import annotations

import pytest

from gradcheck_cli.parsing.document import read_document
from gradcheck_cli.problem import load
from gradcheck_cli.source import Source
from gradcheck_cli.verifying.texts.spellings import in_own_names, shown, spellings

ROWS, COLUMNS = load("two-layer-rows"), load("two-layer-columns")


def names_of(text, problem=COLUMNS):
    return dict(spellings(problem, read_document(Source("homework.md", text))))


@pytest.mark.parametrize(
    ("token", "text"),
    [
        (r"\hat{y}", "ŷ"),
        (r"\hat y", "ŷ"),
        (r"\tilde{y}", "ỹ"),
        ("W^{(2)}", "W^(2)"),
        ("W_{1}", "W_1"),
        ("W_1", "W_1"),
        (r"\delta_1", "δ_1"),
        (r"\mathbf{W}_1", "W_1"),
        (r"z^{[1]}", "z^[1]"),
        (r"\unknown", ""),
    ],
)
def test_a_name_in_latex_as_a_terminal_shows_it(token, text):
    assert shown(token) == text


def test_only_what_is_written_otherwise_is_told():
    found = names_of(r"$\frac{\partial L}{\partial W^{(2)}} = (\hat{y} - y) a_1^\top$")
    assert {name: found[name] for name in ("W2", "yhat", "a1", "W1")} == {
        "W2": "W^(2)",
        "yhat": "ŷ",
        "a1": "a_1",
        "W1": "W^(1)",  # in the style of its own letter
    }
    assert not {"x", "y", "L"} & set(found)
    assert names_of("dL/dW2 = (yhat - y) @ a1.T") == {}
    assert names_of(r"$\frac{\partial L}{\partial \hat{Y}} = \hat{Y} - Y$", ROWS) == {"Yhat": "Ŷ"}


def test_numbered_names_follow_the_style_of_the_text():
    found = names_of(r"$\frac{\partial L}{\partial z_1} = 1 - a_1^2$")
    assert (found["W1"], found["b2"]) == ("W_1", "b_2")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the factor da1/dz1 = 1 - a1^2 is missing", "the factor da_1/dz_1 = 1 - a_1^2 is missing"),
        ("W2.T @ (yhat - y)", "W^(2).T @ (ŷ - y)"),
        ("W2^2", "(W^(2))^2"),
        ("sum(yhat, axis=1)", "sum(ŷ, axis=1)"),
        ("mya1 and a12 stay", "mya1 and a12 stay"),
        ("dL/dyhat = yhat - y", "dL/dŷ = ŷ - y"),
    ],
)
def test_sentences_and_formulas_in_own_names(text, said):
    names = {"a1": "a_1", "z1": "z_1", "W2": "W^(2)", "yhat": "ŷ"}
    assert in_own_names(text, names) == said


def test_a_report_speaks_as_the_student_writes(run, tmp_path):
    path = tmp_path / "homework.md"
    path.write_text(
        "---\nproblem: two-layer-columns\n---\n"
        r"$\frac{\partial L}{\partial z_1} = W^{(2)\top} (\hat{y} - y)$" + "\n\n"
        r"$\frac{\partial L}{\partial W^{(2)}} = (\hat{y} - y) a_1$" + "\n",
        encoding="utf-8",
    )
    lines = run("verify", path, "--explain", "--width", 80).out.splitlines()
    assert any("the right factor a_1 has to be transposed" in line for line in lines)
    first = next(at for at, line in enumerate(lines) if "dL/dW^(2) = dL/dŷ @ a_1.T" in line)
    assert lines[first].index(" = ") == lines[first + 1].index(" = ")


def test_a_table_of_answers_keeps_the_names_of_the_problem(run, tmp_path):
    path = tmp_path / "answers.yaml"
    path.write_text("problem: two-layer-columns\nanswers:\n  W2: (yhat - y) @ a1\n", encoding="utf-8")
    assert "the right factor a1 has to be transposed" in run("verify", path).out
