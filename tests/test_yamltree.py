"""YAML to nodes with places: texts stay texts, numbers keep their digits, traps are named, nothing runs away."""

from __future__ import annotations

import contextlib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.errors import GradcheckError, ParseError, ProblemError
from gradcheck_cli.source import Source
from gradcheck_cli.yamltree import as_bool, as_number, read_tree


def tree(text):
    return read_tree(Source("f.yaml", text))


def complaint(text):
    with pytest.raises(ProblemError) as caught:
        tree(text)
    return str(caught.value)


def test_nothing_is_guessed():
    node = tree("a: no\nb: 1e-3\nc: 012\nd: 0.30\ne: 'x'\nf: [1, {g: 2}]\n")
    assert [value.text for _, value in node.entries[:5]] == ["no", "1e-3", "012", "0.30", "x"]
    assert node.get("e").quoted
    assert node.get("f").items[1].get("g").text == "2"
    assert node.get("nothing") is None
    assert node.keys == ("a", "b", "c", "d", "e", "f")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", Fraction(1, 1000)),
        ("-.5", Fraction(-1, 2)),
        ("012", 12),
        ("+2", 2),
        ("3.", 3),
        ("0.30", Fraction(3, 10)),
    ],
)
def test_numbers_by_the_core_rules(text, value):
    assert as_number(tree(f"a: {text}").get("a")) == (text, value)


@pytest.mark.parametrize("text", ["abc", "no", "'3'", "1 2", "x1"])
def test_what_is_no_number(text):
    assert as_number(tree(f"a: {text}").get("a")) is None


@pytest.mark.parametrize("text", ["1:30", "1_000", "0x10", "0o7", ".inf", ".nan", "1,5", "9" * 61, "1e999"])
def test_what_only_looks_like_a_number_is_refused(text):
    with pytest.raises(ParseError):
        as_number(tree(f"a: {text}").get("a"))


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("FALSE", False), ("yes", None), ("on", None), ("'true'", None)]
)
def test_booleans(text, value):
    assert as_bool(tree(f"a: {text}").get("a")) is value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("z: *w", '*w is a YAML alias; put the expression in quotes: z: "*w"'),
        ("z: &x", '&x is a YAML anchor; put the expression in quotes: z: "&x"'),
        ("z: !x 3", '"!x" is a YAML tag; put the expression in quotes: z: "!x 3"'),
        ("z: @x", 'put the expression in quotes: z: "@x"'),
        ("z: %x", 'put the expression in quotes: z: "%x"'),
        ("z: `x`", 'put the expression in quotes: z: "`x`"'),
        ("z: {a", 'put the expression in quotes: z: "{a"'),
        ("z: - x", 'put the expression in quotes: z: "- x"'),
        ("z: 'f'(x)", "put the expression in quotes: z: \"'f'(x)\""),
        ("z: a: b", "a second colon in one line"),
        ("a: 1\na: 2", 'f.yaml:2:1: the key "a" occurs twice, first in line 1'),
        ("<<: {a: 1}", "<< merges mappings"),
        ("---\na: 1\n---\nb: 2", "f.yaml:3:1: a second document begins here"),
        ("? [a]\n: 1", "a key is a list or a mapping"),
        ("", "the file holds nothing"),
        ("# only a comment", "the file holds nothing"),
        ("[" * 10**6, "nest more than 24 deep"),
        ("a: [" + "1, " * 60_000 + "1]", "more than 50,000 values"),
    ],
)
def test_each_trap_has_its_sentence(text, message):
    assert message in complaint(text)


@pytest.mark.parametrize(
    "text",
    ["a: w0 + qq", "a: 'w0 + qq'", 'a: "w0 + qq"', "a: |\n  w0 + qq\n", "a: >\n  w0 +\n  qq\n", 'a: "w0\\t+ qq"'],
)
def test_each_character_of_a_text_knows_its_place_in_the_file(text):
    node = tree(text).get("a")
    at = node.source.text.index("qq")
    line, column = node.source.line_column(type(node.span)(at, at + 2))
    assert text.split("\n")[line - 1][column - 1 :].startswith("qq")


def test_a_comment_behind_a_text_is_seen():
    assert tree("a: x # 2").get("a").comment_gap == 1
    assert tree("a: x   # 2").get("a").comment_gap == 3
    assert tree("a: x").get("a").comment_gap is None


@given(st.text(max_size=80))
def test_any_text_is_read_or_explained(text):
    with contextlib.suppress(GradcheckError):
        tree(text)
