"""Long lines in rows: nothing is lost, nothing is too wide, what belongs together stays together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.render.lines import cells, rows, without_place

WRITTEN = st.text(st.sampled_from("ab{}()\\\\= &日\t"), max_size=200)


@given(WRITTEN, st.integers(20, 60))
def test_rows_have_every_character_but_blanks_and_fit(text, width):
    found = rows(text, width)
    shown = "".join(text[start:end] for start, end in found)
    assert "".join(shown.split()) == "".join(text.split())
    assert all(cells(text[start:end].rstrip()) <= width for start, end in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = b", ["a = b"]),
        (r"a &= b + c + d \\ e &= f + g + h", [r"a &= b + c + d \\", "e &= f + g + h"]),
        (r"\frac{a + b}{c} = \frac{d + e}{f g}", [r"\frac{a + b}{c}", r"= \frac{d + e}{f g}"]),
        (r"aaaa \frac{bbbb cccc}{d} eeee ffff", [r"aaaa \frac{bbbb cccc}{d}", "eeee ffff"]),
    ],
)
def test_a_row_ends_where_a_reader_would_end_it(text, expected):
    assert [text[start:end].rstrip() for start, end in rows(text, 26)] == expected


def test_the_place_before_a_message_is_left_out():
    assert without_place("a: b.md:3:12: x is no name: really") == "x is no name: really"
    assert without_place("no place: here") == "no place: here"
