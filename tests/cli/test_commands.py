"""The commands as a user meets them: output, exit codes, messages, JSON."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import jsonschema
import pytest

from gradcheck_cli.problem import bundled, load
from gradcheck_cli.solving import solve
from gradcheck_cli.solving.numbers import number_text

ANSWERS = "problem: sum-times\nanswers:\n  '1': z = -4\n  '2': 2\n  '4': 3\n"

NUMBER = {"type": ["number", "null"]}
NESTED = {"anyOf": [NUMBER, {"type": "array", "items": {"$ref": "#/$defs/nested"}}]}
SIZE = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "[A-Za-z]"}]}
QUANTITY = {
    "type": "object",
    "required": ["expression", "latex", "value"],
    "properties": {
        "expression": {"type": "string"},
        "latex": {"type": "string"},
        "value": {"$ref": "#/$defs/nested"},
        "shape": {"type": "array", "items": SIZE},
    },
}
SOLUTION = {
    "$defs": {"nested": NESTED},
    "type": "object",
    "required": ["gradcheck", "problem", "nodes", "edges", "questions", "checks", "notes"],
    "additionalProperties": False,
    "properties": {
        "gradcheck": {"const": 1},
        "problem": {"type": "object", "required": ["name", "title", "output"]},
        "nodes": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "kind", "expression", "inputs", "shape", "value", "gradient"],
                "properties": {
                    "kind": {"enum": ["input", "node"]},
                    "gradient": QUANTITY,
                    "value": {"$ref": "#/$defs/nested"},
                },
            },
        },
        "edges": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["from", "to", "local", "upstream", "downstream"],
                "properties": {"local": QUANTITY, "upstream": QUANTITY, "downstream": QUANTITY},
            },
        },
        "questions": {
            "type": "array",
            "items": {"type": "object", "required": ["id", "ask", "expression", "latex", "value", "shape", "verdict"]},
        },
        "checks": {
            "type": "array",
            "items": {"type": "object", "required": ["quantity", "symbolic", "autodiff", "difference", "error", "ok"]},
        },
        "notes": {"type": "array", "items": {"type": "string"}},
    },
}
REPORT = {
    "type": "object",
    "required": ["gradcheck", "files", "summary"],
    "properties": {
        "gradcheck": {"const": 1},
        "files": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["file", "problems", "claims", "score"],
                "properties": {
                    "claims": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["id", "line", "text", "members", "verdict", "first_wrong", "follows_from",
                                         "expected", "diagnosis", "points", "earned"],
                            "properties": {
                                "verdict": {"enum": ["correct", "wrong", "undecided", "unreadable", "missing"]},
                                "members": {"type": "array", "items": {"required": ["text", "verdict", "value"]}},
                            },
                        },
                    },
                    "score": {"type": "object", "required": ["earned", "possible"]},
                },
            },
        },
        "summary": {"type": "object", "required": ["correct", "wrong", "undecided", "unreadable", "missing"]},
    },
}  # fmt: skip


@pytest.fixture
def answers(tmp_path):
    path = tmp_path / "answers.yaml"
    path.write_text(ANSWERS)
    return path


@pytest.mark.parametrize("name", bundled())
def test_solve_gives_its_document(run, name):
    result = run("solve", name, "--json")
    assert (result.code, result.err) == (0, "")
    document = json.loads(result.out)
    jsonschema.validate(document, SOLUTION)
    assert all(check["ok"] for check in document["checks"])
    assert {question["verdict"] for question in document["questions"]} == {"correct"}


def test_verify_gives_its_document(run, answers):
    result = run("verify", answers, "--json")
    assert result.code == 1
    document = json.loads(result.out)
    jsonschema.validate(document, REPORT)
    claims = {claim["id"]: claim for claim in document["files"][0]["claims"]}
    assert claims["1"]["verdict"] == "correct"
    assert claims["2"]["diagnosis"]["code"] == "constant"
    assert document["summary"] == {"correct": 2, "wrong": 1, "undecided": 0, "unreadable": 0, "missing": 3}


def numbers(text):
    return set(re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", text))


@pytest.mark.parametrize("width", [40, 50, 60, 80, 120, 200])
@pytest.mark.parametrize("name", [name for name in bundled() if not load(name).arrays])
def test_every_number_is_whole_at_every_width(run, name, width):
    result = run("solve", name, "--width", width)
    solution = solve(load(name))
    shown = numbers(result.out)
    decimal = solution.problem.decimal
    for edge in solution.edges:
        for part in (edge.upstream, edge.local, edge.downstream):
            text = number_text(part.number, decimal=decimal)
            assert numbers(text) <= shown or "/" in text
    for node in solution.nodes:
        assert numbers(number_text(node.forward.number, decimal=decimal)) <= shown
    if width >= 60:
        assert max(map(len, result.out.splitlines())) <= width


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", ["two-layer-rows", "determinant", "hinge-loss", "softmax-mlp", "lstm-gates"])
def test_every_entry_is_whole_at_every_width(run, name, width):
    result = run("solve", name, "--width", width)
    solution = solve(load(name))
    shown = set(re.findall(r"-?[0-9./]+", result.out))
    for node in solution.nodes:
        for quantity in (node.forward, node.gradient):
            entries = quantity.number.items if quantity.number is not None else ()
            assert {str(entry) for entry in entries if isinstance(entry, Fraction)} <= shown | {"1"}
    assert max(map(len, result.out.splitlines())) <= width


def test_the_options_of_solve(run):
    exact = run("solve", "residual-relu", "--exact", "--only", "questions").out
    assert "47/50" in exact
    assert "x0*w0 + b0" in exact
    assert "0.39" in run("solve", "sigmoid-neuron", "--digits", 2).out
    forward = run("solve", "sum-times", "--only", "forward").out
    assert "Graph" in forward
    assert "Edge" not in forward
    chain = run("solve", "residual-relu", "--wrt", "w1", "--only", "backward").out
    assert "∂z/∂w1 = ∂z/∂yx · ∂yx/∂y1 · ∂y1/∂xw1 · ∂xw1/∂w1" in chain
    assert "∂z/∂w0 = ∂z/∂yx" not in chain
    assert "output q" in run("solve", "sum-times", "--output-node", "q").out
    assert "= -12" in run("solve", "sum-times", "--ask", "d(f, x)", "--set", "z=-12").out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["solve", "sigmoid-neurn"], 2, 'there is no file and no bundled problem "sigmoid-neurn"; did you mean sigmoid-neuron?'),
        (["solve", "nowhere.yaml"], 2, "there is no file nowhere.yaml"),
        (["solve", "sum-times", "--ask", "d(f, q"], 2, '--ask \'d(f, q\':1:2: "(" is never closed; add ")"'),
        (["solve", "sum-times", "--ask", "d(f, ww)"], 2, '"ww" is no name or function here'),
        (["solve", "sum-times", "--wrt", "qq"], 2, '--wrt: "qq" is no input or node of sum-times'),
        (["solve", "sum-times", "--output-node", "qq"], 2, '--output-node: "qq" is no input or node'),
        (["solve", "sum-times", "--set", "x"], 2, '--set: "x" gives no value; write --set x0=3'),
        (["solve", "sum-times", "--set", "f=3"], 2, "--set: f is computed, not given"),
        (["solve", "sum-times", "--dims", "m=3"], 2, '--dims: "m" is no size of sum-times; none of its sizes is a letter'),
        (["solve", "sum-times", "--seed", "-1"], 2, "-1 is not in the range"),
        (["solve", "sum-times", "--digits", "0"], 2, "0 is not in the range"),
        (["solve", "sum-times", "--only", "all"], 2, "'all' is not one of"),
        (["slove", "sum-times"], 2, "Did you mean 'solve'"),
        (["verify", "nowhere.yaml"], 2, "there is no file nowhere.yaml"),
        (["verify"], 2, "Missing argument"),
        (["new", "a/b/c"], 2, "the folder a/b does not exist; make it first"),
        (["new", "a b"], 2, '"a b" cannot be a file name'),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_on_stderr(run, arguments, code, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.code == code
    assert message in result.err
    assert "Traceback" not in result.err
    assert result.out == ""


def test_a_relation_that_does_not_hold_is_exit_one(run):
    assert run("solve", "sum-times", "--ask", "f == q*z").code == 0
    result = run("solve", "sum-times", "--ask", "f == q + z")
    assert result.code == 1
    assert "does not hold: -12 is not -1 at x = -2, y = 5, z = -4" in result.out


def test_a_wrong_key_is_exit_one(run, problem_file):
    path = problem_file("title: T\ninputs: {x: 3}\ngraph: {y: x^2}\nquestions: [{ask: 'd(y, x)', answer: x}]\n")
    assert "the author's answer is wrong" in run("solve", path).out
    result = run("check", path)
    assert result.code == 1
    assert "the answer x is wrong" in result.out
    assert "derived: 2*x = 6" in result.out


def test_check_warns_of_numbers_that_hide_a_mistake(run, problem_file):
    path = problem_file("title: T\ninputs: {x: 2}\ngraph: {y: x^2}\nquestions: [{ask: 'd(y, x)', answer: 2*x}]\n")
    result = run("check", path)
    assert result.code == 0
    assert "a wrong derivation gives the right number here (this is the value of y, not a derivative)" in " ".join(
        result.out.split()
    )


def test_check_goes_on_after_a_bad_file(run, problem_file):
    good = problem_file("title: T\ninputs: {x: 3}\ngraph: {y: x^2}\n")
    bad = problem_file("title: [", "bad.yaml")
    result = run("check", bad, good)
    assert result.code == 2
    assert "✓" in result.out


def test_new_writes_a_file_that_checks_and_never_overwrites(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("new", "my-problem").code == 0
    assert run("check", "my-problem.yaml").code == 0
    assert run("solve", "my-problem.yaml").code == 0
    Path("my-problem.yaml").write_text("mine")
    result = run("new", "my-problem")
    assert result.code == 2
    assert "exists already and was left alone" in result.err
    assert Path("my-problem.yaml").read_text() == "mine"


def test_problems_lists_titles(run):
    lines = run("problems").out.splitlines()
    assert [line.split()[0] for line in lines] == list(bundled())
    assert any("Sigmoid neuron" in line for line in lines)


def test_schema_is_a_schema(run):
    jsonschema.Draft202012Validator.check_schema(json.loads(run("schema").out))


def test_several_files_and_one_score(run, answers):
    result = run("verify", answers, answers, "--quiet")
    assert result.code == 1
    assert "2 files: 4 of 12 points" in result.out


def test_a_problem_of_the_users_own_is_judged_against(run, answers, problem_file):
    own = problem_file("title: T\ninputs: {x: 3, z: 2}\ngraph: {f: x*z}\nquestions: [{id: '1', ask: 'd(f, x)'}]\n")
    result = run("verify", answers, "--problem", own)
    assert result.code == 1
    assert "0 of 1 points" in result.out


@pytest.mark.parametrize("command", [[], ["solve"], ["verify"], ["check"], ["problems"], ["new"], ["schema"]])
def test_every_command_has_help_with_examples(run, command):
    result = run(*command, "--help")
    assert result.code == 0
    assert "Examples:" in result.out


def program(*arguments, **options):
    command = [sys.executable, "-m", "gradcheck_cli", *arguments]
    environment = {**os.environ, **options.pop("environment", {})}
    return subprocess.run(command, capture_output=True, env=environment, check=False, **options)


def test_piped_output_is_plain():
    done = program("solve", "sum-times")
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout


def test_an_encoding_without_signs_gets_plain_ones():
    done = program("solve", "residual-relu", environment={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.returncode == 0
    text = done.stdout.decode("ascii")
    assert "dz/dw0 = dz/dyx * dyx/dy1" in text
    assert "`- x0" in text or "|- x0" in text


@pytest.mark.parametrize("no_colour", [True, False])
def test_colours_on_a_terminal_unless_they_are_not_wanted(no_colour):
    main, side = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"}
    environment.pop("NO_COLOR", None)
    if no_colour:
        environment["NO_COLOR"] = "1"
    command = [sys.executable, "-m", "gradcheck_cli", "solve", "sum-times", "--only", "forward"]
    subprocess.run(command, stdout=side, stderr=subprocess.PIPE, env=environment, check=True)
    os.close(side)
    shown = os.read(main, 100_000)
    assert (b"\x1b[" not in shown) == no_colour


def test_control_characters_of_a_file_never_reach_the_terminal(run, problem_file):
    path = problem_file('title: "A \\u202e \\e[31m title"\ninputs: {x: 3}\ngraph: {y: x}\n')
    result = run("solve", path)
    assert "\x1b" not in result.out + result.err
    assert "\u202e" not in result.out + result.err


def test_a_closed_pipe_is_no_error():
    command = f"{sys.executable} -m gradcheck_cli solve residual-relu | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert done.stderr == b""


def test_a_disagreement_is_exit_one_with_all_three_numbers(run, monkeypatch):
    from dataclasses import replace

    from gradcheck_cli import tape

    rule = tape.RULES["sigmoid"]
    monkeypatch.setitem(tape.RULES, "sigmoid", replace(rule, value=lambda a: 1.001 * rule.value(a)))
    result = run("solve", "sigmoid-neuron", "--only", "forward")
    assert result.code == 1
    assert "the witnesses differ on value(a)" in result.out
    for word in ("symbolic: 0.731", "reverse mode: 0.7317", "difference: 0.731"):
        assert word in result.out


def test_a_fault_of_ours_is_one_line(run, monkeypatch):
    from gradcheck_cli.solving import solver

    def broken(*_):
        message = "boom"
        raise RuntimeError(message)

    monkeypatch.setattr(solver, "crosscheck", broken)
    result = run("solve", "sum-times")
    assert result.code == 2
    assert result.err == "gradcheck: a fault of gradcheck itself: RuntimeError; --debug shows where\n"
    shown = run("solve", "sum-times", "--debug")
    assert shown.code == 2
    assert shown.err.startswith("Traceback")
    assert shown.err.endswith(result.err)


def test_a_reader_that_leaves_early_gets_no_error_code():
    command = f"{sys.executable} -m gradcheck_cli solve four-hidden-units | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("redirect", ["> /dev/full", ">&-"])
def test_an_output_that_cannot_be_written_is_one_line(redirect):
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m gradcheck_cli solve sum-times {redirect}"],
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert done.stderr.count(b"\n") <= 1


def test_a_relation_of_an_author_has_to_hold(run, problem_file):
    path = problem_file("title: T\ninputs: {x: 3}\ngraph: {f: x^2}\nquestions: [{ask: 'd(f, x) == 2'}]\n")
    result = run("check", path)
    assert result.code == 1
    assert "d(f, x) == 2 does not hold: 6 is not 2 at x = 3" in result.out


def test_where_a_relation_is_not_defined_is_told(run):
    result = run("solve", "sigmoid-neuron", "--ask", "log(x0^2) == 2*log(x0)")
    assert "where both sides are defined" in " ".join(result.out.split())


def test_why_a_derivative_is_zero_is_told(run):
    assert "there is no edge from x0 to a" in run("solve", "sigmoid-neuron", "--ask", "local(a, x0)").out
    assert "z does not depend on a" in run("solve", "sigmoid-neuron", "--ask", "d(z, a)").out


def test_a_seed_draws_what_is_missing(run, problem_file):
    path = problem_file("title: T\ninputs: {w: {}, x: 3}\ngraph: {y: w*x}\n")
    first = run("solve", path, "--seed", 7)
    assert first.code == 0
    assert re.search(r"y = w\*x +-0\.9 ", first.out)
    assert run("solve", path, "--seed", 7).out == first.out
    assert "-0.9" not in run("solve", path).out


@pytest.mark.parametrize("setting", ["y=2", "y=1/2"])
def test_a_setting_has_to_be_of_its_kind(run, setting):
    result = run("solve", "squared-term-bce", "--set", setting)
    assert result.code == 2
    assert "is not binary" in result.err


def test_homework_from_standard_input(run, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("$\\frac{dz}{dw_0} = 0.2$\n"))
    result = run("verify", "-", "--problem", "residual-relu")
    assert result.code == 1
    assert "sign" in result.out
    monkeypatch.setattr("sys.stdin", io.StringIO("problem: sum-times\nanswers: {'1': z}\n"))
    assert "1 of 6 points" in run("verify", "-").out
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert run("verify", "-").code == 2
    monkeypatch.setattr("sys.stdin", None)
    assert run("verify", "-").err == "gradcheck: standard input is closed; write answers into it, or name a file\n"


def test_homework_of_two_problems(run):
    path = Path(__file__).parents[1] / "cases" / "homework" / "neuron.md"
    document = json.loads(run("verify", path, "--json").out)
    jsonschema.validate(document, REPORT)
    assert document["files"][0]["problems"] == ["sum-times", "sigmoid-neuron"]
    same = run("verify", path, "--problem", "sum-times", "--problem", "sigmoid-neuron", "--json")
    assert json.loads(same.out)["summary"] == document["summary"]


def test_a_hint_tells_where_and_nothing_else(run):
    path = Path(__file__).parents[1] / "cases" / "answers" / "sigmoid-neuron-mixed.yaml"
    shown = run("verify", path, "--hint").out
    assert "look here again" in shown
    assert "right:" not in shown
    assert "-0.589" not in shown
    assert "sign" not in shown.replace("sigmoid", "")


def test_the_heading_names_constants_and_further_outputs(run, problem_file):
    path = problem_file(
        "title: T\ninputs: {x: 3, y: 2}\nconstants: {k: 0.5, m: {}}\ngraph: {f: k*x, g: y + m}\noutput: [f, g]\n"
    )
    result = run("solve", path, "--only", "forward")
    assert "\nconstant k = 0.5\nalso an output: g; show it with --output-node g\n" in result.out


def test_a_stack_ends_with_its_verdicts_and_what_could_not_be_judged(run, tmp_path):
    for at, answer in enumerate(("z = -4", "z = 4", "z = -4\n  '2': 2")):
        (tmp_path / f"{at}.yaml").write_text(f"problem: sum-times\nanswers:\n  '1': {answer}\n")
    result = run("verify", *sorted(tmp_path.iterdir()), tmp_path / "none.yaml", "--quiet")
    assert result.code == 2
    assert result.out.endswith(" points; 1 more file could not be judged\n18 answers: 2 correct, 2 wrong, 14 missing\n")


def test_a_folder_is_told_from_a_file_of_an_unknown_kind(run, tmp_path):
    assert f"{tmp_path} is a folder; name the files in it: {tmp_path}/*" in run("verify", tmp_path).err


def test_hint_and_explain_exclude_each_other(run, tmp_path):
    result = run("verify", tmp_path, "--hint", "--explain")
    assert result.code == 2
    assert "give one of them" in result.err


def test_questions_without_an_answer_are_named_once(run, problem_file):
    path = problem_file(
        "title: T\ninputs: {x: 3}\ngraph: {f: x^2}\n"
        "questions: [{ask: f}, {ask: 'd(f, x)'}, {ask: 'f == x*x'}, {ask: x, answer: 3}]\n"
    )
    assert "note: questions 1, 2 have no answer of yours to compare with the derivation" in run("check", path).out


def test_the_description_is_shown_with_its_paragraphs_and_lists(run, problem_file):
    path = problem_file(
        "title: T\ndescription: |\n  One line\n  and $x  + 1$ more.\n\n\n  - a\n  - b\ninputs: {x: 3}\ngraph: {f: x^2}\n"
    )
    assert "\n\nOne line and $x  + 1$ more.\n\n- a\n- b\n\nGraph" in run("solve", path).out
    assert "One line" not in run("solve", path, "--only", "forward").out


def test_another_output_leaves_out_questions_about_the_own_one(run):
    shown = run("solve", "two-layer-rows", "--output-node", "H").out
    assert "value(Z)" in shown
    assert "step(W1)" not in shown
    assert "upstream(a)" not in run("solve", "squared-term", "--output-node", "a").out


def test_what_the_output_does_not_depend_on_is_said(run, problem_file):
    path = problem_file("title: T\ninputs: {x: 3, y: 2}\ngraph: {f: x^2, g: y + x}\noutput: f\n")
    assert "note: f does not depend on y" in run("solve", path, "--wrt", "y").out


def test_a_file_without_its_ending_is_named(run, problem_file, monkeypatch):
    path = problem_file("title: T\ninputs: {x: 3}\ngraph: {f: x^2}\n", "mine.yaml")
    monkeypatch.chdir(path.parent)
    assert "did you mean mine.yaml?" in run("solve", "mine").err


def test_the_power_of_a_zero_or_one_is_no_mistake(run, problem_file):
    path = problem_file("title: T\ninputs: {x: 3}\ngraph: {f: x*step(x)^2}\nquestions: [{ask: 'd(f, x)', answer: 1}]\n")
    assert "is not taken" not in run("check", path).out
