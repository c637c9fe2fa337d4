"""Judging answers: a right one is never accused, a wrong one is named, the rest is said to be what it is."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import yaml

import gradcheck_cli as gc
from gradcheck_cli.errors import FileError, ProblemError, UnsupportedError
from gradcheck_cli.problem import load
from gradcheck_cli.problem.model import Key, Question
from gradcheck_cli.source import Source
from gradcheck_cli.verifying import Examiner, judge_files, problem_of, read, verify
from gradcheck_cli.verifying.keys import check_problem
from gradcheck_cli.verifying.model import CODES
from tests.answers import rows_of

TABLE = yaml.safe_load((Path(__file__).parents[1] / "cases" / "verdicts.yaml").read_text(encoding="utf-8"))
EXAMINERS = {name: Examiner(load(name)) for name in TABLE}
ROWS = rows_of(TABLE)
SHAPED = [
    (problem, ask, answer)
    for problem, queries in TABLE.items()
    for ask, verdicts in queries.items()
    for answer in verdicts["correct"]
    if isinstance(answer, list | dict)
]


def source(text):
    return Source("answer", str(text))


def judged(problem, ask, key, **options):
    examiner = EXAMINERS[problem]
    query = gc.parse(ask, examiner.problem).tree
    question = Question(f"{ask} {options}", query, Source("ask", ask), **options)
    return examiner.claim(question, key)


@pytest.mark.parametrize(("problem", "ask", "verdict", "answer", "code"), ROWS)
def test_each_answer_gets_the_verdict_of_a_careful_teacher(problem, ask, verdict, answer, code):
    claim = judged(problem, ask, Key((source(answer),)))
    assert claim.verdict == verdict, [member.note for member in claim.members]
    if verdict == "correct":
        assert claim.diagnosis is None
        assert claim.earned == claim.points == 1
    else:
        assert claim.earned == 0
        assert verdict == "missing" or (claim.first_wrong is not None) == (verdict == "wrong")
    if verdict == "wrong":
        assert (claim.diagnosis.code if claim.diagnosis else None) == code


@pytest.mark.parametrize(("problem", "ask", "answer"), SHAPED)
def test_answers_may_be_lists_or_an_expression_with_its_value(problem, ask, answer):
    if isinstance(answer, list):
        key = Key(tuple(source(part) for part in answer))
    else:
        key = Key((), source(answer["expression"]), source(answer["value"]))
    assert judged(problem, ask, key).verdict == "correct"


def test_the_first_wrong_member_is_named():
    claim = judged("sigmoid-neuron", "d(a, x0)", Key((source("w0*a*(1-a) = 2*0.3 = 0.6"),)))
    assert claim.verdict == "wrong"
    assert claim.first_wrong == 1
    assert [member.verdict for member in claim.members] == ["correct", "wrong", "wrong"]


@pytest.mark.parametrize(
    ("form", "answer", "verdict"),
    [
        ("both", "w0*a*(1-a) = 0.39", "correct"),
        ("both", "w0*a*(1-a)", "missing"),
        ("both", "0.39", "missing"),
        ("expression", "0.39", "missing"),
        ("expression", "w0*a*(1-a)", "correct"),
        ("value", "w0*a*(1-a)", "missing"),
        ("value", "0.39", "correct"),
    ],
)
def test_the_form_asked_for_counts(form, answer, verdict):
    assert judged("sigmoid-neuron", "d(a, x0)", Key((source(answer),)), form=form).verdict == verdict


def test_a_chain_that_is_too_long_is_not_read_to_its_end():
    claim = judged("sigmoid-neuron", "value(z)", Key((source(" = ".join(["1"] * 300 + ["2"])),)))
    assert claim.verdict == "unreadable"
    assert "more than 200 members" in claim.members[-1].note


def test_a_tolerance_takes_the_place_of_digits():
    key = Key((source("0.4"),))
    assert judged("sigmoid-neuron", "d(a, x0)", key, tolerance=Fraction(1, 100)).verdict == "correct"
    assert judged("sigmoid-neuron", "d(a, x0)", key, tolerance=Fraction(1, 1000)).verdict == "wrong"


def test_as_many_digits_as_asked_for():
    assert judged("sigmoid-neuron", "d(a, x0)", Key((source("0.4"),)), digits=3).verdict == "missing"
    assert judged("sigmoid-neuron", "d(a, x0)", Key((source("0.393"),)), digits=3).verdict == "correct"


@pytest.mark.parametrize("text", ["true", "yes", "True."])
def test_relations_are_answered_with_true_or_false(text):
    assert judged("sigmoid-neuron", "a == 1/(1 + exp(-z))", Key((source(text),))).verdict == "correct"
    assert judged("sigmoid-neuron", "a == tanh(z)", Key((source(text),))).verdict == "wrong"
    assert judged("sigmoid-neuron", "a == tanh(z)", Key((source("maybe"),))).verdict == "unreadable"


def test_every_code_of_the_table_is_one_of_the_contract():
    codes = {code for *_, code in ROWS if code}
    assert codes <= set(CODES)


@pytest.mark.parametrize("name", ["squared-term", "squared-term-bce", "residual-relu", "four-hidden-units",
                                  "tanh-ratio-plus-sigmoid", "sum-times", "sigmoid-neuron"])  # fmt: skip
def test_the_bundled_keys_are_right(name):
    checked = check_problem(load(name))
    assert checked.ok, [(key.id, key.text) for key in checked.keys if key.verdict != "correct"]
    assert len(checked.keys) == len(load(name).questions) > 0


# -- files

FILE = "problem: sum-times\nstudent: Ada\nanswers:\n  '1': z = -4\n  '2': 2\n  '4': 3\n  '9': 1\n"


@pytest.fixture
def answers(tmp_path):
    def write(text, name="answers.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_file_is_judged_question_by_question(answers):
    path = answers(FILE)
    report = gc.verify(gc.load("sum-times"), gc.read(path))
    assert report.student == "Ada"
    assert [claim.verdict for claim in report.claims] == [
        "correct",
        "wrong",
        "missing",
        "correct",
        "missing",
        "missing",
    ]
    assert (report.score.earned, report.score.possible) == (2, 6)
    assert [claim.line for claim in report.claims] == [4, 5, None, 6, None, None]
    assert report.notes == (
        '"9" is no question of this problem and was not judged; the questions are 1, 2, 3, 4, 5, 6',
    )
    assert not report.ok


def test_a_problem_without_questions_asks_for_each_input(answers, tmp_path):
    (tmp_path / "own.yaml").write_text("title: T\ninputs: {x: 2, y: 3}\ngraph: {f: x*y}\n")
    path = answers("problem: own.yaml\nanswers: {x: y = 3, y: 2}\n")
    submission = read(path)
    report = verify(problem_of(submission), submission)
    assert [claim.verdict for claim in report.claims] == ["correct", "correct"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("answers: {'1': 2}\n", "names no problem"),
        ("problem: nix\nanswers: {'1': 2}\n", 'names the problem "nix", which is neither bundled nor in its folder'),
        ("problem: ../../etc/passwd\nanswers: {'1': 2}\n", "neither bundled nor in its folder"),
        ("problem: /etc/passwd\nanswers: {'1': 2}\n", "neither bundled nor in its folder"),
        (f"problem: {'a' * 5000}\nanswers: {{'1': 2}}\n", 'names the problem "a{200}…", which is neither'),
    ],
)
def test_a_file_may_name_bundled_problems_and_its_own_folder_only(answers, text, message):
    submission = read(answers(text))
    with pytest.raises(FileError, match=message):
        problem_of(submission)


def test_a_link_out_of_the_folder_is_not_followed(answers, tmp_path):
    outside = tmp_path.parent / "secret.yaml"
    outside.write_text("title: T\ninputs: {x: 1}\ngraph: {z: x}\n")
    (tmp_path / "link.yaml").symlink_to(outside)
    submission = read(answers("problem: link.yaml\nanswers: {x: 1}\n"))
    with pytest.raises(FileError, match="neither bundled nor in its folder"):
        problem_of(submission)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1\n", "the answer file is a list; write a mapping with problem, student, answers"),
        ("problem: sum-times\n", "the answer file has no answers; add answers: a mapping"),
        (
            "problem: sum-times\nanswer: {}\nanswers: {}\n",
            '"answer" is no key of the answer file; did you mean answers?',
        ),
        (
            "problem: sum-times\nanswers: {'1': {wert: 3}}\n",
            '"wert" is no part of an answer; known are expression, value',
        ),
        ("problem: sum-times\nanswers: {'1': [{a: 1}]}\n", "answer 1 is a mapping"),
    ],
)
def test_a_file_that_is_no_answer_file_says_why(answers, text, message):
    with pytest.raises(ProblemError) as caught:
        read(answers(text))
    assert message in str(caught.value)


SIZES = """title: T
inputs: {X: {shape: [m, 3]}, W: {shape: [3, 2], param: true}, v: [5, 6], A: [[1, 2], [3, 4]], s: 2}
graph: {Z: X @ W, Y: A @ v, L: sum(Z) + s*sum(Y)}
questions:
  - {id: shape, ask: shape(Z)}
  - {id: vector, ask: value(Y)}
  - {id: matrix, ask: value(A)}
  - {id: number, ask: "d(L, s)"}
"""


@pytest.mark.parametrize(
    ("question", "answer", "verdict"),
    [
        ("shape", "[m, 2]", "correct"), ("shape", "[2, m]", "wrong"), ("shape", "['(m, 2)', m x 2]", "correct"), ("shape", "\n    - m\n    - 2", "correct"),
        ("vector", "[17, 39]", "correct"), ("vector", "[17, 38]", "wrong"), ("vector", "['A @ v', '[17, 39]']", "correct"), ("vector", "['A @ v', '[17, 38]']", "wrong"),
        ("matrix", "[[1, 2], [3, 4]]", "correct"), ("matrix", "[[1, 2], [3, 5]]", "wrong"), ("matrix", "\n    - [1, 2]\n    - [3, 4]", "correct"),
        ("number", "[17 + 39, 56]", "correct"), ("number", "[sum(Y), 57]", "wrong"),
        ("number", "~", "missing"), ("number", "null", "missing"), ("number", "[]", "missing"), ("number", "'null'", "unreadable"),
        ("number", "56.", "correct"), ("number", "56,", "correct"), ("number", "sum(Y) = 56;", "correct"), ("number", "'~56'", "correct"), ("number", "5600 %", "correct"),
        ("number", "56.0…", "correct"), ("number", "\\(56\\)", "correct"), ("number", "\\[\\frac{112}{2}\\]", "correct"), ("number", "57.", "wrong"),
    ],
)  # fmt: skip
def test_answers_as_people_write_them_in_a_table(answers, tmp_path, question, answer, verdict):
    (tmp_path / "sizes.yaml").write_text(SIZES)
    submission = read(answers(f"problem: sizes.yaml\nanswers:\n  {question}: {answer}\n"))
    claims = {claim.id: claim for claim in verify(problem_of(submission), submission).claims}
    assert claims[question].verdict == verdict


def test_what_is_wrong_in_a_list_has_its_place(answers, tmp_path):
    (tmp_path / "sizes.yaml").write_text(SIZES)
    submission = read(answers("problem: sizes.yaml\nanswers:\n  matrix: [[1, 2],\n           [3, x]]\n"))
    (claim,) = [claim for claim in verify(problem_of(submission), submission).claims if claim.id == "matrix"]
    assert claim.verdict == "unreadable"
    assert ":4:16: " in claim.members[0].note


def test_other_kinds_of_files_are_refused_politely(answers):
    with pytest.raises(UnsupportedError, match="this kind of file is not read"):
        read(answers("z = -4", "answers.docx"))


@pytest.mark.parametrize(
    ("name", "message"),
    [("", "is a folder"), ("none", "there is no file"), ("a" * 5000, "cannot be read: File name too long")],
)
def test_what_is_no_file_is_told_before_its_kind(tmp_path, name, message):
    with pytest.raises(FileError, match=message):
        read(tmp_path / name)


def test_one_bad_file_does_not_stop_the_others(answers):
    good, bad = answers(FILE), answers("[", "bad.yaml")
    first, second, third = judge_files([str(good), str(bad), str(good)])
    assert isinstance(second, ProblemError)
    assert first.score == third.score


def test_what_follows_correctly_from_an_earlier_slip_is_counted_once(answers):
    path = answers(
        "problem: four-hidden-units\nanswers:\n  h1: 0.6713\n  yhat1: 0.7*0.6713 + 0.33*0.64 = 0.6811\n"
        "  dw31: -0.2286\n  dw21: 0.0060\n  w31: 0.33 + 0.5*0.2286 = 0.4443\n  w21: 0.25 - 0.5*0.0060 = 0.2470\n"
    )
    report = verify(load("four-hidden-units"), read(path))
    claims = {claim.id: claim for claim in report.claims}
    assert all(claims[name].verdict == "wrong" for name in ("h1", "yhat1", "dw31", "dw21", "w31", "w21"))
    sources = {
        name: report.claims[claim.follows_from].id for name, claim in claims.items() if claim.follows_from is not None
    }
    assert sources == {"yhat1": "h1", "w31": "dw31", "w21": "dw21"}
    assert claims["yhat1"].diagnosis.code == "carried-forward"
    assert [claims[name].earned for name in ("h1", "yhat1", "dw31", "w31")] == [0, 1, 0, 1]


@pytest.mark.parametrize("second", ["0.25 - 0.5*0.0080", "0.2473", "0.25 + 0.5*0.0060"])
def test_a_second_slip_is_not_carried_forward(answers, second):
    path = answers(f"problem: four-hidden-units\nanswers:\n  dw21: 0.0060\n  w21: {second}\n")
    report = verify(load("four-hidden-units"), read(path))
    assert report.claims[-1].follows_from is None
    assert report.claims[-1].earned == 0 or report.claims[-1].verdict == "correct"


def test_downstream_follows_from_a_wrong_upstream(answers):
    path = answers("problem: squared-term\nanswers:\n  upstream: 2\n  local: 4\n  downstream: 2*4 = 8\n")
    report = verify(load("squared-term"), read(path))
    claims = {claim.id: claim for claim in report.claims}
    assert report.claims[claims["downstream"].follows_from].id == "upstream"
    assert claims["downstream"].earned == 1


@pytest.mark.parametrize(("text", "verdict"), [("()", "correct"), ("scalar", "correct"), ("(2, 3)", "wrong")])
def test_a_scalar_has_the_empty_shape(text, verdict):
    assert judged("sigmoid-neuron", "shape(w0)", Key((source(text),))).verdict == verdict


@pytest.mark.parametrize(
    ("problem", "ask", "text", "verdict"),
    [
        ("sigmoid-neuron", "d(a, x0)", r"$w_0 \alpha (1-\alpha)$", "correct"),
        ("sigmoid-neuron", "d(a, x0)", r"$\frac{\partial \alpha}{\partial x_0} = \frac{w_0 e^{-z}}{(1+e^{-z})^2} \approx 0.39$", "correct"),
        ("sigmoid-neuron", "d(a, x1)", r"w_1 \frac{e^{-z}}{(1 + e^{-z})^2} = w_1 \alpha (1 - \alpha) \approx -3 \times 0.197 \approx -0.59", "correct"),
        ("sigmoid-neuron", "d(a, x1)", r"$$w_1 \alpha (1 - \alpha) \approx 0.59$$", "wrong"),
        ("sigmoid-neuron", "d(a, x0)", r"$\alpha (1-\alpha)$", "wrong"),
        ("sigmoid-neuron", "d(a, x0)", r"$\frac{w_0}{$", "unreadable"),
        ("four-hidden-units", "d(L, w31)", r"$\frac{\partial L}{\partial \hat{y}_1} \frac{\partial \hat{y}_1}{\partial w_{31}^2} = (0.6671 - 0.31)(0.64) = 0.2285$", "correct"),
        ("four-hidden-units", "step(w31)", r"$w_{31}^2 - \alpha \frac{\partial L}{\partial w_{31}^2} = 0.33 - 0.5 * 0.2285 = 0.2157$", "correct"),
        ("residual-relu", "d(z, w0)", r"$1 \cdot 1 \cdot 1 \cdot (-0.2) \cdot 1 \cdot 1 = -0.2$", "correct"),
    ],
)  # fmt: skip
def test_answers_in_latex(problem, ask, text, verdict):
    assert judged(problem, ask, Key((source(text),))).verdict == verdict
