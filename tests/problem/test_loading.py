"""Problem files: what is read, and what every mistake of an author is told."""

from __future__ import annotations

import os
import re
from fractions import Fraction

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.errors import FileError, GradcheckError, ProblemError
from gradcheck_cli.problem import bundled, bundled_folder, find, load, read_problem
from gradcheck_cli.problem.schema import problem_schema
from gradcheck_cli.source import Source

EXAMPLE = """
title: Sigmoid neuron                 # required
description: |                        # optional Markdown, may hold $math$
  One neuron, two inputs.
inputs:                               # leaves of the graph
  w0: 2
  x0: -1
  w1: {value: -3, param: true}
  x1: -2
  w2: -3
  y: {kind: binary}
  w31: {value: 0.33, latex: ["w_{31}^2", "w_{31}"]}
let: {sharp: "exp(z)/(1+exp(z))"}     # optional names that are no graph nodes
graph:                                # ordered
  z: w0*x0 + w1*x1 + w2
  a: {expr: sigmoid(z), latex: "\\\\alpha"}
output: a                             # optional
learning_rate: 0.5                    # optional; what step(w) uses
questions:                            # optional
  - id: "1"
    ask: d(a, x0)
    text: How does the activation move with x0?   # optional
    points: 2                         # default 1
    form: any                         # any (default) | expression | value | both
    tolerance: 0.005                  # optional
    answer: w0*a*(1-a)                # optional author's key
    hints: ["Which node does x0 feed?"]
"""


def read(text):
    return read_problem(Source("p.yaml", text), "p")


def complaints(text):
    with pytest.raises(ProblemError) as caught:
        read(text)
    return str(caught.value).split("\n")


def test_an_example_with_every_key_is_read():
    problem = read(EXAMPLE)
    assert [leaf.name for leaf in problem.graph.inputs] == ["w0", "x0", "w1", "x1", "w2", "y", "w31"]
    assert problem.given["w31"] == Fraction(33, 100)
    assert problem.latex == {"w31": "w_{31}^2", "a": r"\alpha"}
    assert problem.learning_rate == Fraction(1, 2)
    question = problem.questions[0]
    assert (question.points, question.tolerance, question.form) == (2, Fraction(5, 1000), "any")
    assert question.key.texts[0].text == "w0*a*(1-a)"
    assert question.hints == ("Which node does x0 feed?",)


MINIMAL = "title: T\ninputs: {x: 1}\ngraph: {z: x}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("inputs: {x: 1}\ngraph: {z: x}\n", "p.yaml:1:1: the problem has no title; add title: text"),
        ("title: T\n", "p.yaml:1:1: the problem has no graph; add graph: with a line `name: expression` for each node"),
        ("title: T\ngraph: {}\n", "p.yaml:2:8: the graph is empty; add a line `name: expression`"),
        ("hello", 'p.yaml:1:1: the problem is "hello"; write a mapping with title'),
        (MINIMAL + "outptu: z\n", 'p.yaml:4:1: "outptu" is no key of the problem; did you mean output?'),
        (MINIMAL + "output: q\n", 'p.yaml:4:9: output "q" is no node; known are z'),
        ("title: T\ntitle: U\ngraph: {z: '1'}\n", 'p.yaml:2:1: the key "title" occurs twice, first in line 1; keep one of them'),
        ("title: T\ninputs: {x: no}\ngraph: {z: x}\n", 'p.yaml:2:13: x is "no", which is no number; write a number such as 2, -0.3 or 1/3'),
        ("title: T\ninputs: {x: 1:30}\ngraph: {z: x}\n", "p.yaml:2:13: 1:30 is a time of day to some readers of YAML, no number; write a decimal, or quote a text"),
        ("title: T\ninputs: {x: 1_000}\ngraph: {z: x}\n", "p.yaml:2:13: 1_000 has an underscore between digits; write the digits without it"),
        ("title: T\ninputs: {x: .inf}\ngraph: {z: x}\n", "p.yaml:2:13: .inf is no finite number; write a number"),
        ("title: T\ninputs: {x: '3'}\ngraph: {z: x}\n", 'p.yaml:2:13: x is the text "3"; write a number without quotes'),
        ("title: T\ninputs:\n  x:\ngraph: {z: x}\n", "p.yaml:3:5: x has no value; write a number, or {} for a symbol without a value"),
        ("title: T\ninputs: 3\ngraph: {z: '1'}\n", 'p.yaml:2:9: inputs is "3"; write one `name: …` a line'),
        ("title: T\ninputs: {2x: 3}\ngraph: {z: '1'}\n", 'p.yaml:2:10: "2x" cannot be the name of an input; use letters, digits and _, a letter first; latex: says how it is printed'),
        ("title: T\ninputs: {x: 1}\ngraph: {x: '1'}\n", "p.yaml:3:9: x is declared twice, first in line 2; give one of them another name"),
        ("title: T\ninputs: {x: {value: -1, kind: positive}}\ngraph: {z: x}\n", "p.yaml:2:21: x = -1 is not positive; change the value or the kind"),
        ("title: T\ninputs: {x: {value: 1, kind: postive}}\ngraph: {z: x}\n", 'p.yaml:2:30: the kind of x is "postive"; did you mean positive?'),
        ("title: T\ninputs: {x: {value: 1, param: maybe}}\ngraph: {z: x}\n", 'p.yaml:2:31: param of x is "maybe"; write true or false'),
        ("title: T\ninputs: {x: 1}\ngraph: {z: x + qq}\n", 'p.yaml:3:16: "qq" is no name or function here; this problem knows x, z'),
        ("title: T\ninputs: {x: 1}\ngraph: {z: y, y: z}\n", "p.yaml:3:9: z depends on itself: z -> y -> z; a node may use inputs and other nodes, never what is computed from it"),
        ("title: T\ninputs: {x: 1}\ngraph: {z: z}\n", "p.yaml:3:9: z depends on itself; a node may use inputs and other nodes, never what is computed from it"),
        ("title: T\ninputs: {exp: 1, x: 2}\ngraph: {z: exp(x)}\n", "p.yaml:3:12: exp is a name of this problem (line 2) and hides the function exp(…); give it another name, or write * for a product"),
        ("title: T\ninputs: {x: 1}\ngraph:\n  z: -x # 2\n", 'p.yaml:4:6: z is cut short: YAML reads what follows " #" as a comment; put the expression in quotes: "-x", or two spaces before the comment'),
        ("title: T\ninputs: {w: 1}\ngraph:\n  z: *w\n", 'p.yaml:4:6: *w is a YAML alias; put the expression in quotes: z: "*w"'),
        ("title: T\ninputs: {x: 1}\ngraph:\n  z: [x]^2\n", 'p.yaml:4:9: YAML cannot read this value: a key should begin here; put the expression in quotes: z: "[x]^2"'),
        ("title: T\ninputs: {x: [1, 2]}\ngraph: {z: sum(x[1]^2) + 1, w: z}\n", "p.yaml:3:8: YAML cannot read this value: { begins a mapping; put the expressions in it in quotes and close it with }, or write one `name: …` a line"),
        ("title: T\ninputs: {x: 1}\nlet: {s: shape(x)}\ngraph: {z: x}\n", "p.yaml:3:10: s is a shape, and a let name stands for a number or an array; ask for it under questions:"),
        ("title: T\ninputs: {x: 1}\ngraph:\n  z: |x|\n", 'p.yaml:4:7: YAML cannot read this value: | or > begins a block of text; put the expression in quotes: z: "|x|"'),
        ("title: T\ninputs:\n\tx: 1\ngraph: {z: x}\n", "p.yaml:3:1: a tab indents this line; indent with spaces"),
        ("title: T\ninputs: {x: [" + "[" * 10**5, "p.yaml:2:35: lists or mappings nest more than 24 deep; nest less"),
        ("title: T\ninputs: {x: 1}\ngraph:\n" + "".join(f"  z{at}: x\n" for at in range(2001)), "p.yaml:4:3: the graph has 2,001 nodes; at most 2,000 are worked out"),
        ("title: T\ninputs: {x: 1}\ngraph: {z: '" + "(" * 150 + "x'}\n", "p.yaml:3:73: the formula is nested more than 60 deep; give its parts names"),
        (MINIMAL + "questions:\n  - ask: d(z)\n", "p.yaml:5:10: d(…) has 1 argument; d takes 2"),
        (MINIMAL + "questions:\n  - id: a\n", "p.yaml:5:5: question 1 has no ask; add ask: an expression"),
        (MINIMAL + "questions:\n  - {ask: z, points: -1}\n", "p.yaml:5:22: points is -1; write 0 or more"),
        (MINIMAL + "questions:\n  - {ask: z, form: nice}\n", 'p.yaml:5:20: form is "nice"; known are any, expression, value, both'),
        (MINIMAL + "questions:\n  - {id: a, ask: z}\n  - {id: a, ask: z}\n", 'p.yaml:6:5: the question id "a" occurs twice; give each question its own id'),
        (MINIMAL + "questions:\n  - {ask: z, answer: {wert: 1}}\n", 'p.yaml:5:23: "wert" is no part of an answer; known are expression, value'),
        ("title: T\ninputs: {x: {value: 1, latex: y}, y: 2}\ngraph: {z: x*y}\n", 'p.yaml:2:10: the spelling "y" of x already means y; give it another spelling'),
        ("title: T\ninputs: {X: {shape: [m, H]}}\ngraph:\n  A: {expr: X*X, latex: H}\n", 'p.yaml:4:3: the spelling "H" of A is the letter of a size; give it another spelling'),
        ("title: T\ninputs: {x: 1}\ngraph: {z: softmax(x)}\n", "p.yaml:3:12: this acts on vectors and matrices, and everything in this problem is a number; write it with numbers"),
    ],
)  # fmt: skip
def test_each_mistake_has_its_line(text, expected):
    found = complaints(text)
    assert found[0].startswith(expected)
    assert len(found) == 1


def test_all_mistakes_are_told_at_once_in_file_order():
    text = "title: T\ninputs: {x: no, y: 1:30}\ngraph:\n  z: x +\n  w: qq\nlearning_rate: fast\n"
    assert [line.split(": ")[0] for line in complaints(text)] == [
        "p.yaml:2:13", "p.yaml:2:20", "p.yaml:4:8", "p.yaml:5:6", "p.yaml:6:16",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", Fraction(1, 1000)),
        ("012", 12),
        ("-.5", Fraction(-1, 2)),
        ("+2", 2),
        ("1/3", Fraction(1, 3)),
        ("0.30", Fraction(3, 10)),
    ],
)
def test_numbers_are_read_as_people_mean_them(text, value):
    assert read(f"title: T\ninputs: {{x: {text}}}\ngraph: {{z: x}}\n").given["x"] == value


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x00\x01", "is a binary file: it holds a zero byte"),
        (b"title: caf\xe9\n", "the byte 0xe9 is not UTF-8"),
        (b"title: a\x07b\n", "control character U+0007"),
        (b"\xff\xfet\x00", "is UTF-16 text"),
        (b"a" * (1024 * 1024 + 1), "has 1,048,577 bytes; at most 1,048,576 are read"),
    ],
)
def test_files_that_are_no_text_are_refused(problem_file, content, message):
    with pytest.raises(FileError, match=re.escape(message)):
        load(problem_file(content))


def test_folders_missing_files_and_pipes_are_refused(tmp_path):
    with pytest.raises(FileError, match="is a folder"):
        load(tmp_path)
    (tmp_path / "neuron.yaml").write_text(MINIMAL)
    with pytest.raises(FileError, match=r"did you mean .*neuron.yaml\?"):
        load(tmp_path / "neurn.yaml")
    with pytest.raises(FileError, match="did you mean sigmoid-neuron"):
        load("sigmoid-neurn")
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(FileError, match="no regular file"):
        load(tmp_path / "pipe.yaml")


def test_windows_line_ends_and_byte_order_marks_are_read(problem_file):
    path = problem_file(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode())
    assert load(path).title == "T"


@pytest.mark.parametrize("name", bundled())
def test_bundled_problems_fit_the_schema(name):
    document = yaml.safe_load((bundled_folder() / f"{name}.yaml").read_text(encoding="utf-8"))
    jsonschema.validate(document, problem_schema())
    assert load(name).name == name
    assert find(name).is_file()


@pytest.mark.parametrize("text", ["title: 1\ngraph: {z: 1}\ninput: {}\n", "title: T\ngraph: {z: {exp: x}}\n"])
def test_the_schema_refuses_what_the_reader_refuses(text):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), problem_schema())
    complaints(text)


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from([*EXAMPLE, "\t", "[", "{", "*", "&", "!", "|"]), max_size=200).map("".join)
)
def test_any_text_is_read_or_explained(text):
    try:
        read(text)
    except GradcheckError as error:
        assert str(error)


@given(st.integers(0, len(EXAMPLE) - 1), st.sampled_from(["", "\t", "[", ":", "#", "x", "\n", "'", '"', "*", "0"]))
def test_a_damaged_file_is_read_or_explained(at, change):
    try:
        read(EXAMPLE[:at] + change + EXAMPLE[at + 1 :])
    except GradcheckError as error:
        assert str(error).startswith("p.yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MINIMAL + "output: zz\nquestions: [{ask: 'd(z'}]\n", ["4:9", "5:21"]),
        ("title: T\ninputs: {x: 1}\ngraph: {z: x + q}\noutput: zz\nquestions: [{ask: 'd(z'}]\n", ["3:16", "4:9", "5:21"]),
        (MINIMAL + "let: {u: v, v: x}\n", ["4:7"]),
        (MINIMAL + "let: {u: u}\n", ["4:7"]),
        ("title: T\ninputs: {x: 1}\nlet: {u: x^2}\ngraph: {z: u*2}\n", ["4:12"]),
        ("title: T\ninputs: {2x: 1}\ngraph: {z: 2*x}\n", ["2:10", "3:14"]),
        ("title: T\ninputs: {x: 1}\ngraph: {z: 'x.T'}\n", ["3:13"]),
        ("title: T\ninputs: {x: 1}\ngraph: {z: 'x @ x'}\n", ["3:13"]),
        ("title: T\ninputs: {x: 1}\ngraph: {z: max(x, 2)}\n", ["3:12", "3:19"]),
        (MINIMAL + "questions: [{ask: nodes}]\n", ["4:19"]),
    ],
)  # fmt: skip
def test_errors_are_told_where_they_are(text, expected):
    assert [line.split(": ")[0].removeprefix("p.yaml:") for line in complaints(text)] == expected


def test_a_name_without_an_end_is_refused_and_not_searched_for_ever():
    letters = "a" * 300_000
    assert complaints(f"title: T\ninputs: {{x: 2}}\ngraph:\n  y: {letters}\n")[0].startswith(
        "p.yaml:4:6: the formula has 300,000 characters"
    )


def test_let_names_that_double_each_other_are_refused_where_they_grow():
    lets = "".join(f"  a{at}: a{at - 1}*a{at - 1}\n" for at in range(1, 14))
    text = "title: T\ninputs: {x: 2}\nlet:\n  a0: x + 1\n" + lets + "graph: {y: x^2}\n"
    assert complaints(text) == [
        "p.yaml:17:3: a13 stands for more than 20,000 signs, its let names written out; make some of them nodes of the graph"
    ]


@pytest.mark.parametrize("name", ["a" * 5000, "a" * 5000 + ".yaml"])
def test_a_name_too_long_for_a_file_is_told_in_a_line(name):
    with pytest.raises(FileError) as caught:
        load(name)
    assert len(str(caught.value)) < 500
