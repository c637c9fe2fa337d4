"""YAML to a tree: what is kept, what is refused and with which words, and that no text brings it down."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gradcheck_cli import yamltree
from gradcheck_cli.errors import GradcheckError, ParseError, ProblemError
from gradcheck_cli.files import read_source
from gradcheck_cli.source import Source
from gradcheck_cli.yamltree import MAX_DEPTH, MAX_DIGITS, MAX_EXPONENT, MAX_NODES, as_bool, as_number, read_tree

EXAMPLE = r"""
title: Sigmoid neuron                 # required
description: |                        # optional Markdown, may hold $math$
  One neuron, two inputs.
inputs:                               # leaves of the graph
  w0: 2
  x0: -1
  W1: {shape: [dh, dx], param: true}  # symbolic dimensions allowed; `value` optional
  y:  {shape: [do], kind: onehot}     # what is known of the values: real (default) | binary (0/1) | sign (-1/+1) |
                                      # probability (0..1) | onehot, distribution (sum to 1; `axis`, default last)
  w31: {value: 0.33, latex: ["w_{31}^2", "w_{31}"]}   # first: how it is printed
dims: {dx: 3}                         # optional sizes of symbolic dimensions
let: {sharp: "exp(z)/(1+exp(z))"}     # optional names that are no graph nodes but may appear in answers
graph:                                # ordered; every name is one node of the computation graph
  z: w0*x0 + w1*x1 + w2
  a: {expr: sigmoid(z), latex: "\\alpha"}
output: a                             # optional; default: the last node
learning_rate: 0.5                    # optional; what step(w) uses
questions:                            # optional; without them everything is derived
  - id: "1"
    ask: d(a, x0)
    text: How does the activation move with x0?   # optional
    points: 2                         # default 1
    answer: w0*a*(1-a)                # optional author's key
    hints: ["Which node does x0 feed?"]
"""


def tree(text):
    return read_tree(Source("p.yaml", text))


def value(text):
    """The value of the only key of `a: ...`."""
    ((_, node),) = tree(text).entries
    return node


def complaints(text):
    with pytest.raises(ProblemError) as refused:
        tree(text)
    assert all(isinstance(error, ParseError) for error in refused.value.errors)
    return [str(error) for error in refused.value.errors]


def plain(node):
    """A tree as lists, dictionaries and texts."""
    if node.kind == "list":
        return [plain(item) for item in node.items]
    if node.kind == "map":
        return {key.text: plain(inner) for key, inner in node.entries}
    return node.text


# -- what is kept


def test_the_example_reads_in_with_every_text_as_it_was_typed():
    assert plain(tree(EXAMPLE)) == {
        "title": "Sigmoid neuron",
        "description": "One neuron, two inputs.\n",
        "inputs": {
            "w0": "2",
            "x0": "-1",
            "W1": {"shape": ["dh", "dx"], "param": "true"},
            "y": {"shape": ["do"], "kind": "onehot"},
            "w31": {"value": "0.33", "latex": ["w_{31}^2", "w_{31}"]},
        },
        "dims": {"dx": "3"},
        "let": {"sharp": "exp(z)/(1+exp(z))"},
        "graph": {"z": "w0*x0 + w1*x1 + w2", "a": {"expr": "sigmoid(z)", "latex": "\\alpha"}},
        "output": "a",
        "learning_rate": "0.5",
        "questions": [
            {
                "id": "1",
                "ask": "d(a, x0)",
                "text": "How does the activation move with x0?",
                "points": "2",
                "answer": "w0*a*(1-a)",
                "hints": ["Which node does x0 feed?"],
            }
        ],
    }


def test_keys_keep_their_order_and_get_finds_them():
    node = tree("b: 1\na: 2\n'c d': 3\n1: 4\n")
    assert node.keys == ("b", "a", "c d", "1")
    assert node.get("a").text == "2"
    assert node.get("e") is None


@pytest.mark.parametrize(
    ("text", "quoted"),
    [("a: x", False), ("a: 'x'", True), ('a: "x"', True), ("a: |-\n  x", True), ("a: >-\n  x", True)],
)
def test_quotes_and_blocks_are_told_from_plain_text(text, quoted):
    node = value(text)
    assert (node.kind, node.text, node.quoted) == ("scalar", "x", quoted)


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        ("a: x", None),
        ("a: x # c", 1),
        ("a: x   #c", 3),
        ("a: x\t# c", 1),
        ("a: w0 + #1", 1),
        ("a: x#c", None),
        ("a: 'x' # c", None),
        ("a: |  # c\n  x", None),
        ("a: x\n  y  # c", 2),
        ("a: x\n# c", None),
    ],
)
def test_the_blanks_before_a_comment_behind_a_plain_text_are_counted(text, gap):
    assert value(text).comment_gap == gap


@pytest.mark.parametrize(
    "text", ["%YAML 1.2\n---\na: x\n", "---\na: x\n...\n", "# c\n---\na: x", "? a\n: x\n", "{a: x}", "a:\n  x\n"]
)
def test_every_spelling_of_one_mapping_is_the_same(text):
    assert plain(tree(text)) == {"a": "x"}


def test_lists_and_texts_alone_are_documents():
    assert plain(tree("- x\n- [y, z]\n")) == ["x", ["y", "z"]]
    assert plain(tree("x")) == "x"


def test_a_quoted_merge_key_is_a_key():
    assert tree('"<<": 1').keys == ("<<",)


# -- places


def test_spans_of_values_stand_in_the_file():
    text = "α𝔸: [x, 'y']\nb: {c: z}\n"
    node = tree(text)
    (_, first), (_, second) = node.entries
    shown = [text[part.span.start : part.span.end] for part in (first, *first.items, second, second.get("c"))]
    assert shown == ["[x, 'y']", "x", "'y'", "{c: z}", "z"]


def exact(node, text):
    """Every character of a scalar stands at its place in the file."""
    offsets = node.source.origin.offsets
    assert node.source.text == node.text
    assert len(offsets) == len(node.text) + 1
    return [text[at] for at in offsets[:-1]] == list(node.text)


@pytest.mark.parametrize(
    ("text", "offsets"),
    [
        ("a: x + y", (3, 4, 5, 6, 7, 8)),
        ("a: 'x y'", (4, 5, 6, 7)),
        ('a: "x y"', (4, 5, 6, 7)),
        ("a: ''", (4,)),
        ("a:", (2,)),
        ("a: 'f''(x)'", (4, 5, 7, 8, 9, 10)),
        ("a: ''''", (4, 6)),
        ('a: "x\\ty"', (4, 5, 7, 8)),
        ('a: "\\x41b"', (4, 8, 9)),
        ("a: x\n  + y", (3, 4, 7, 8, 9, 10)),
        ("a: |\n  x\n  y z\n", (7, 8, 11, 12, 13, 14, 15)),
        ("a: |\n  x\n\n  y\n", (7, 8, 9, 12, 13, 14)),
        ("a: |  # c\n  x\n", (12, 13, 14)),
        ("a: x  \n\n  y", (3, 6, 10, 11)),
        ("a: |", (4,)),
        ("a: >\n", (5,)),
        ("a: >\n  x\n  y\n\n  z\n", (7, 8, 11, 12, 16, 17, 18)),
    ],
)
def test_offsets_map_a_text_to_the_file(text, offsets):
    assert value(text).source.origin.offsets == offsets


LINE = st.text(st.sampled_from("xyzαβ𝔸'\"\\ +-*/^()[]{}<>|#:,.0123456789"), min_size=1, max_size=30)


@given(LINE)
def test_offsets_of_a_single_quoted_text_are_exact(written):
    text = "k: '" + written.replace("'", "''") + "'  # c"
    node = value(text)
    before = [index + written[:index].count("'") for index in range(len(written))]
    assert node.text == written
    assert node.source.origin.offsets[:-1] == tuple(4 + offset for offset in before)


@given(LINE.filter(lambda line: not set(line) & set('"\\')))
def test_offsets_of_a_double_quoted_text_without_escapes_are_exact(written):
    text = f'k: "{written}"'
    node = value(text)
    assert node.text == written
    assert exact(node, text)


ESCAPES = {
    "\\": "\\\\",
    '"': '\\"',
    "α": "\\u03b1",
    "A": "\\x41",
    "𝔸": "\\U0001d538",
    "\t": "\\t",
    "\n": "\\n",
    "/": "\\/",
}
PIECE = st.one_of(st.sampled_from(sorted(ESCAPES.items())), st.sampled_from([(c, c) for c in "anuxtU '03αA"]))


@given(st.lists(PIECE, max_size=12))
def test_offsets_of_a_double_quoted_text_with_escapes_are_exact(pieces):
    offsets = [4]
    for _, written in pieces:
        offsets.append(offsets[-1] + len(written))
    node = value('k: "' + "".join(written for _, written in pieces) + '"')
    assert node.text == "".join(character for character, _ in pieces)
    assert node.source.origin.offsets == tuple(offsets)


@given(st.lists(LINE.filter(lambda line: line.strip() and line[0] not in " #|>+-0123456789"), min_size=1, max_size=4))
def test_offsets_of_a_literal_block_are_exact(lines):
    text = "k: |\n" + "".join(f"  {line}\n" for line in lines) + "n: 1\n"
    node = tree(text).get("k")
    expected = [index for index in range(5, len(text) - 5) if text[index - 1] != "\n" and text[index - 2] != "\n"]
    assert node.text == "".join(f"{line}\n" for line in lines)
    assert node.source.origin.offsets[:-1] == tuple(expected)


# -- what YAML eats of an expression

EATEN = [
    ("*w", 4, "*w is a YAML alias"),
    ("&x", 4, "&x is a YAML anchor"),
    ("&x + 1", 4, "&x is a YAML anchor"),
    ("!x", 4, '"!x" is a YAML tag'),
    ("!!float 1", 4, '"!!float" is a YAML tag'),
    ("!!python/object/apply:os.system [ls]", 4, '"!!python/object/apply:os.system" is a YAML tag'),
    ("@x", 4, "YAML cannot read this value: it begins with a character that YAML keeps for itself"),
    ("%x", 4, "YAML cannot read this value: it begins with a character that YAML keeps for itself"),
    ("`x`", 4, "YAML cannot read this value: it begins with a character that YAML keeps for itself"),
    ("[x]^2", 7, "YAML cannot read this value: a key should begin here"),
    ("{a", 4, "YAML cannot read this value: { begins a mapping"),
    ("[a", 4, "YAML cannot read this value: [ begins a list"),
    ("|x|", 5, "YAML cannot read this value: | or > begins a block of text"),
    ("> 3", 6, "YAML cannot read this value: | or > begins a block of text"),
    ("- x", 4, "YAML cannot read this value: a - begins a list here"),
    ("'f'(x)", 7, "YAML cannot read this value: a key should begin here"),
    ("*w*x", 6, "YAML cannot read this value: * or & begins an alias or an anchor"),
]


@pytest.mark.parametrize(("expression", "column", "message"), EATEN)
def test_an_expression_that_yaml_eats_is_shown_in_quotes(expression, column, message):
    found = complaints(f"z: {expression}")
    assert found == [f'p.yaml:1:{column}: {message}; put the expression in quotes: z: "{expression}"']


@pytest.mark.parametrize("expression", [row[0] for row in EATEN])
def test_the_line_that_is_shown_reads_in_as_the_expression(expression):
    (found,) = complaints(f"graph:\n  y: x\n  z: {expression}  # c\n  a: z\n")
    shown = found.split("put the expression in quotes: ")[1]
    assert plain(tree(shown)) == {"z": expression}


@pytest.mark.parametrize(("expression", "column", "_"), EATEN)
def test_the_loader_without_c_finds_the_same_places(expression, column, _, monkeypatch):
    monkeypatch.setattr(yamltree, "_LOADER", yaml.SafeLoader)
    (found,) = complaints(f"z: {expression}")
    assert found.startswith(f"p.yaml:1:{column}: ")
    assert found.endswith(f'; put the expression in quotes: z: "{expression}"')


def test_an_item_of_a_list_is_shown_in_quotes():
    found = complaints("- x\n- *w\n")
    assert found == ['p.yaml:2:3: *w is a YAML alias; put the expression in quotes: - "*w"']


# -- what is refused

COLON = "a second colon in one line; put a text with a colon in quotes, or begin a new line for the next key"
LOOK = "check the indentation, the colons and the quotes around here"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.yaml: the file holds nothing; write a problem"),
        ("# c\n", "p.yaml: the file holds nothing; write a problem"),
        ("z: a: b", f"p.yaml:1:5: {COLON}"),
        ("a: 1\n b: 2\n", f"p.yaml:2:3: {COLON}"),
        ("a: 1\n---\nb: 2\n", "p.yaml:2:1: a second document begins here; write one problem a file"),
        ("a: 1\nb: 2\na: 3\n", 'p.yaml:3:1: the key "a" occurs twice, first in line 1; keep one of them'),
        ("k: 1\n'k': 2\n", 'p.yaml:2:1: the key "k" occurs twice, first in line 1; keep one of them'),
        ("z: {a: 1, a: 2}", 'p.yaml:1:11: the key "a" occurs twice, first in line 1; keep one of them'),
        ("? [a]\n: 1\n", "p.yaml:1:3: a key is a list or a mapping; write a name before the colon"),
        ("{a: 1}: 1", "p.yaml:1:1: a key is a list or a mapping; write a name before the colon"),
        ("<<: {b: 2}\n", "p.yaml:1:1: << merges mappings, which is not read; write the keys out"),
        ("a:\n\tb: 1\n", "p.yaml:2:1: a tab indents this line; indent with spaces"),
        ("\ta: 1", "p.yaml:1:1: a tab indents this line; indent with spaces"),
        ("a:\n  b: 1\n \tc: 2\n", "p.yaml:3:2: a tab indents this line; indent with spaces"),
        ('z: "\\x07"', "p.yaml:1:4: a text holds the character U+0007; write text that can be shown"),
        ("  a: 1\nb: 2", f"p.yaml:2:1: this is not YAML: the indentation does not fit; {LOOK}"),
        ("%YAML 3.0\n---\na: 1", f"p.yaml:1:1: this is not YAML: found incompatible YAML document; {LOOK}"),
        (": 1", f"p.yaml:1:1: this is not YAML: a key should begin here; {LOOK}"),
    ],
)
def test_what_is_no_tree_is_refused_with_place_and_remedy(text, message):
    assert complaints(text) == [message]


def test_errors_that_do_not_hide_each_other_are_all_found():
    found = complaints("a: *w\nb: &x 1\nc: !x 2\nd: 1\nd: 2\n<<: 1\n[k]: 1\nz: [x]^2\nnever: read\n")
    assert [re.match(r"p\.yaml:(\d+):(\d+)", line).groups() for line in found] == [
        ("1", "4"), ("2", "4"), ("3", "4"), ("5", "1"), ("6", "1"), ("7", "1"), ("8", "7"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("opening", "column"),
    [("[", MAX_DEPTH + 1), ("{", MAX_DEPTH + 1), ("- ", 2 * MAX_DEPTH + 1), ("? ", 2 * MAX_DEPTH + 1)],
)
def test_depth_is_refused_where_it_begins(opening, column):
    found = complaints(opening * (MAX_DEPTH + 1) + "x")
    assert found == [f"p.yaml:1:{column}: lists or mappings nest more than {MAX_DEPTH} deep; nest less"]


def test_the_greatest_depth_is_read():
    node = tree("[" * MAX_DEPTH + "x" + "]" * MAX_DEPTH)
    for _ in range(MAX_DEPTH):
        (node,) = node.items
    assert node.text == "x"


@pytest.mark.parametrize("loader", [getattr(yaml, "CSafeLoader", yaml.SafeLoader), yaml.SafeLoader])
@pytest.mark.parametrize("opening", ["[", "{", "[{a: ", "- ", "? "])
def test_a_million_openings_are_refused_before_they_are_read(opening, loader, monkeypatch):
    starts = []
    true = yaml.parse

    def counted(text, Loader):  # noqa: N803 - PyYAML's name
        for event in true(text, Loader=Loader):
            starts.append(isinstance(event, yaml.CollectionStartEvent))
            yield event

    monkeypatch.setattr(yamltree, "_LOADER", loader)
    monkeypatch.setattr(yaml, "parse", counted)
    (found,) = complaints(opening * (1_000_000 // len(opening)))
    assert "nest more than" in found
    assert sum(starts) == MAX_DEPTH + 1


def test_more_values_than_the_limit_are_refused_and_the_limit_is_read():
    assert len(tree("- x\n" * (MAX_NODES - 1)).items) == MAX_NODES - 1
    assert complaints("- x\n" * MAX_NODES) == [
        f"p.yaml:{MAX_NODES}:3: the file has more than {MAX_NODES:,} values; split it"
    ]


# -- what a scalar says


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("2", 2), ("+2", 2), ("-1", -1), ("0.30", Fraction(3, 10)), (".5", Fraction(1, 2)), ("-.5", Fraction(-1, 2)),
        ("1.", 1), ("1e-3", Fraction(1, 1000)), ("1E5", 10**5), ("2.5e+1", 25), ("012", 12), ("1e0000", 1), ("-0", 0),
        ("9" * MAX_DIGITS, 10**MAX_DIGITS - 1), ("1e400", 10**400), ("1e-400", Fraction(1, 10**400)),
    ],
)  # fmt: skip
def test_numbers_are_exact_and_keep_their_digits(written, number):
    assert as_number(value(f"a: {written}")) == (written, number)


@pytest.mark.parametrize(
    "written",
    ["x", "2x", "1/2", ".", "+", "--1", "1e", "1e+", "1e1.5", "nan", "inf", "no", "null", "~", "", "'2'", '"0.5"', "1 000",
     "٣", "½", "２", "2001-01-01", "1.2.3", "|\n  2", "[2]", "{x: 2}"],
)  # fmt: skip
def test_what_is_no_number_is_none(written):
    assert as_number(value(f"a: {written}")) is None


TIME = "is a time of day to some readers of YAML, no number; write a decimal, or quote a text"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("1:30", f"1:30 {TIME}"),
        ("1:30:15", f"1:30:15 {TIME}"),
        ("1_000", "1_000 has an underscore between digits; write the digits without it"),
        ("1_000.5", "1_000.5 has an underscore between digits; write the digits without it"),
        ("0x10", "0x10 is no decimal number; write it with digits 0 to 9"),
        ("0o7", "0o7 is no decimal number; write it with digits 0 to 9"),
        ("0b1", "0b1 is no decimal number; write it with digits 0 to 9"),
        (".inf", ".inf is no finite number; write a number"),
        ("-.inf", "-.inf is no finite number; write a number"),
        (".NaN", ".NaN is no finite number; write a number"),
        ("1,5", "1,5 has a decimal comma; write a point"),
        ("1" * (MAX_DIGITS + 1), "a number has more than 60 digits; round it"),
        ("0." + "1" * MAX_DIGITS, "a number has more than 60 digits; round it"),
        ("1e401", "the exponent of 1e401 is out of range; at most 400 is read"),
        ("1e-401", "the exponent of 1e-401 is out of range; at most 400 is read"),
        ("1e99999999999", "the exponent of 1e99999999999 is out of range; at most 400 is read"),
    ],
)
def test_numbers_that_readers_of_yaml_dispute_are_refused(written, message):
    with pytest.raises(ParseError) as refused:
        as_number(value(f"a: {written}"))
    assert str(refused.value) == f"p.yaml:1:4: {message}"


@given(st.text(st.sampled_from("0123456789.eE+-_:x,oabinf"), max_size=20))
@example("-" + "9" * 59 + "e-400")
def test_a_number_is_exact_or_none_or_refused(written):
    try:
        found = as_number(tree(f"- {written}").items[0])
    except (ParseError, ProblemError):
        return
    if found is not None:
        digits, number = found
        assert digits == written
        assert number == Fraction(written)
        assert abs(number) < 10 ** (MAX_DIGITS + MAX_EXPONENT)


@pytest.mark.parametrize(
    ("written", "answer"),
    [("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False), ("FALSE", False)],
)
def test_only_true_and_false_are_truth_values(written, answer):
    assert as_bool(value(f"a: {written}")) is answer


@pytest.mark.parametrize(
    "written", ["yes", "no", "on", "off", "NO", "y", "n", "tRUE", "1", "", "'true'", '"false"', "[true]"]
)
def test_other_words_are_texts(written):
    assert as_bool(value(f"a: {written}")) is None


# -- no text brings it down

CHARACTERS = st.characters(exclude_categories=["Cs"])
YAMLISH = st.lists(
    st.sampled_from(
        [*"[]{}:,-?*&!|>'\"%@`#\\ \n\t", "  ", ": ", "- ", "\n  ", "a", "x", "1", "---", "...", "<<", "\\x4"]
    ),
    max_size=40,
).map("".join)


def survives(text):
    """The text is read, or each of its errors is one line with a remedy and a place within the text."""
    try:
        node = tree(text)
    except ProblemError as error:
        for each in error.errors:
            assert each.hint
            line, column = each.source.line_column(each.span)
            assert 1 <= line <= text.count("\n") + 1
            assert column >= 1
            each.source.excerpt(each.span)
        return
    stack = [node]
    while stack:
        node = stack.pop()
        assert 0 <= node.span.start <= node.span.end <= len(text)
        if node.kind == "scalar":
            offsets = node.source.origin.offsets
            assert len(offsets) == len(node.text) + 1
            assert all(node.span.start <= at <= len(text) for at in offsets)
        stack += [*node.items, *(part for entry in node.entries for part in entry)]


@pytest.mark.parametrize("loader", [getattr(yaml, "CSafeLoader", yaml.SafeLoader), yaml.SafeLoader])
def test_any_text_is_read_or_explained(loader):
    @settings(max_examples=300)
    @given(st.one_of(st.text(CHARACTERS), YAMLISH, YAMLISH.map("a: {}".format), YAMLISH.map('a: "{}"'.format)))
    def law(text):
        survives(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yamltree, "_LOADER", loader)
        law()


@given(st.data())
def test_any_change_of_the_example_is_read_or_explained(data):
    text = EXAMPLE
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 12))
        text = text[:start] + data.draw(YAMLISH.map(lambda piece: piece[:6])) + text[start + length :]
    survives(text)


@given(st.binary(max_size=80))
@example(b"\xef\xbb\xbfa: 1")
@example(b"\xef\xbb\xbf")
@example(b"a: x\xef\xbb\xbfy")
def test_any_bytes_are_read_or_explained(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "p.yaml"
    path.write_bytes(data)
    try:
        read_tree(read_source(path))
    except GradcheckError as error:
        assert str(error)


# -- found by trying hard


@pytest.mark.parametrize(
    ("text", "offsets"),
    [
        ('a: "\\\\alpha x"', (4, 6, 7, 8, 9, 10, 11, 12, 13)),
        ('a: "\\"x\\" y"', (4, 6, 7, 9, 10, 11)),
        ('a: "x\\u03b1 y"', (4, 5, 11, 12, 13)),
    ],
)
def test_offsets_step_over_escapes(text, offsets):
    assert value(text).source.origin.offsets == offsets


@pytest.mark.parametrize(
    ("text", "offsets"),
    [("a: |\n  |x|\n", (7, 8, 9, 10, 11)), ("a: |-\n  -x\n", (8, 9, 10)), ("a: | # c\n  c\n", (11, 12, 13))],
)
def test_a_block_does_not_begin_in_its_header(text, offsets):
    assert value(text).source.origin.offsets == offsets


def test_the_line_that_is_shown_keeps_backslashes():
    (found,) = complaints(r"z: @w \alpha")
    assert plain(tree(found.split("in quotes: ")[1])) == {"z": r"@w \alpha"}


@pytest.mark.parametrize(
    ("text", "meant"),
    [("a: {expr: *w, latex: b}", {"a": {"expr": "*w", "latex": "b"}}), ("a: [*w, 1]", {"a": ["*w", "1"]})],
)
def test_inside_brackets_only_the_expression_is_put_in_quotes(text, meant):
    (found,) = complaints(text)
    remedy = found.split("in quotes: ")[1]
    assert plain(tree(text.replace("*w", remedy) if ":" not in remedy else remedy)) == meant


def test_a_key_that_is_an_alias_is_itself_put_in_quotes():
    (found,) = complaints("*w: 1")
    assert plain(tree(found.split("in quotes: ")[1])) == {"*w": "1"}


@pytest.mark.parametrize("mark", ["'", '"'])
def test_a_quote_that_is_not_closed_is_named_where_it_opens(mark):
    (found,) = complaints(f"a: {mark}x\nb: 1\nc: 2\n")
    assert found.startswith("p.yaml:1:4: ")


@pytest.mark.parametrize("text", ["---\n", "---\n...\n", "--- # c\n"])
def test_an_empty_document_is_refused(text):
    assert complaints(text) == ["p.yaml: the file holds nothing; write a problem"]


@pytest.mark.parametrize("text", ["z: !", "z: ! x"])
def test_a_lone_exclamation_mark_is_a_tag(text):
    assert "YAML tag" in complaints(text)[0]


@pytest.mark.parametrize(
    "text",
    [
        '"a\\nb": 1\n"a\\nb": 2',
        '"\\u202e": 1\n"\\u202e": 2',
        "a: &" + "x" * 5000,
        "? " + "k" * 5000 + "\n? " + "k" * 5000,
    ],
    ids=["line", "bidi", "anchor", "key"],
)
def test_a_message_is_one_short_line_that_can_be_shown(text):
    (found,) = complaints(text)
    assert found.isprintable()
    assert len(found) < 1000


@pytest.mark.parametrize("escape", ["\\x7f", "\\x9b", "\\N", "\\uFFFE"])
def test_escapes_of_control_characters_are_refused(escape):
    assert "a text holds the character" in complaints(f'z: "{escape}"')[0]


def test_a_lone_surrogate_is_explained():
    assert complaints("a: \ud800")


def test_a_control_character_is_named_at_its_place():
    (found,) = complaints("a: 1\nb: \x07")
    assert found.startswith("p.yaml:2:4: ")
    assert "U+0007" in found


def test_zeros_before_an_exponent_count_for_nothing():
    try:
        found = as_number(value("a: 1e" + "0" * 5000 + "1"))
    except ParseError:
        return
    except ValueError as error:
        pytest.fail(str(error))
    assert found[1] == 10


@pytest.mark.parametrize(
    "text", ['a: "\\UFFFFFFFF"', "%YAML " + "9" * 5000 + ".1\n---\na: 1"], ids=["escape", "version"]
)
def test_the_loader_without_c_raises_nothing_else(text, monkeypatch):
    monkeypatch.setattr(yamltree, "_LOADER", yaml.SafeLoader)
    try:
        complaints(text)
    except (ValueError, OverflowError) as error:
        pytest.fail(type(error).__name__)


def test_a_long_line_is_not_searched_for_its_remedy(monkeypatch):
    class Watched:
        def match(self, line):
            assert len(line) <= 1000
            return re.match(r"(z: )(.*)", line)

    monkeypatch.setattr(yamltree, "_EATEN", Watched())
    assert complaints("z: *w" + " " * 2000 + ", x")[0].endswith("put the expression in quotes")


def test_the_number_of_mistakes_told_is_bounded():
    assert len(complaints("a: 1\n" * 5000)) <= 101
    assert len(complaints("a: [" + "*x, " * 5000 + "1]")) <= 101
