"""Places and excerpts, and text that is safe to show."""

from __future__ import annotations

import pytest

from gradcheck_cli.errors import ParseError, ProblemError
from gradcheck_cli.source import Source, Span, visible


def test_line_and_column_count_from_one():
    source = Source("f", "ab\ncde\n")
    assert source.line_column(Span(0, 1)) == (1, 1)
    assert source.line_column(Span(4, 5)) == (2, 2)
    assert source.place(Span(4, 5)) == "f:2:2"
    assert source.place(None) == "f"


def test_the_excerpt_has_carets_below():
    assert Source("f", "one\ntwo three\n").excerpt(Span(8, 13)) == "  two three\n      ^^^^^"


def test_a_long_line_is_cut_around_the_place():
    shown = Source("f", "a" * 500 + "X" + "b" * 500).excerpt(Span(500, 501))
    line, carets = shown.split("\n")
    assert line[carets.index("^")] == "X"
    assert len(line) < 120


def test_a_part_of_a_part_knows_the_file():
    part = Source("f", "key: (a + b)").slice(Span(6, 11)).slice(Span(4, 5))
    assert (part.text, part.place(Span(0, 1))) == ("b", "f:1:11")


@pytest.mark.parametrize("character", ["\x1b", "\x07", "\u202e", "\u200b", "\ufeff", "\x9b", "\ud800", "\x7f"])
def test_what_a_terminal_would_obey_is_written_out(character):
    shown = visible(f"a{character}b")
    assert character not in shown
    assert shown.isascii()


def test_ordinary_text_is_left_alone():
    assert visible("∂α/∂x₀ – 3 × 4") == "∂α/∂x₀ – 3 × 4"
    assert len(visible("x" * 5000)) == 2001


def test_errors_are_one_line_and_collected_ones_a_line_each():
    error = ParseError("what", hint="way out", source=Source("f", "abc"), span=Span(1, 2))
    assert str(error) == "f:1:2: what; way out"
    assert str(ProblemError([error, ParseError("other")])) == "f:1:2: what; way out\nother"
