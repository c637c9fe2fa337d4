"""Which rows of Markdown tables are claims."""

from __future__ import annotations

import pytest

from gradcheck_cli.parsing.document import read_document
from gradcheck_cli.source import Source


def chains(text):
    return [[member.text for member in formula.members] for formula in read_document(Source("a.md", text)).formulas]


def table(head, *rows):
    columns = head.count("|") - 1
    return "\n".join([head, "|" + "---|" * columns, *rows]) + "\n"


@pytest.mark.parametrize(
    ("text", "members"),
    [
        (table("| quantity | expression | value |", "| $z$ | $w x$ | $3$ |"), [["z", "w x", "3"]]),
        (table("| # | derivative | value | why |", "| 1 | da/dz | 0.2 | chain rule |"), [["da/dz", "0.2"]]),
        (table("| quantity | gradient |", r"| $\frac{da}{dz}$ | $a(1-a)$ |"), [[r"\frac{da}{dz}", "a(1-a)"]]),
        (table("| node | value | gradient |", "| z | 1 | 0.2 |"), [["z", "1"]]),
        (table("| node | Wert |", "| z | 1,5 |", "| a | |"), [["z", "1,5"]]),
        # columns that are about different things
        (table("| node | upstream | local |", "| z | 1 | 0.2 |"), []),
        (table("| weight | old value | new value |", "| w | 1 | 0.9 |"), []),
        (table("| node | gradient |", "| z | 0.2 |"), []),
        (table("| topic | answer |", "| the first exercise | not done |"), []),
        # a row that claims something by itself
        (table("| task | solution |", "| a | $z = 3$ |"), [["z", "3"]]),
        (table("| a | b |", "| 1 | 2 | 3 |"), []),
    ],
)
def test_rows(text, members):
    assert chains(text) == members
    assert chains(f"Before: $q = 1$\n\n{text}\nand $r = 2$") == [["q", "1"], *members, ["r", "2"]]


def test_every_place_is_that_in_the_file():
    text = "So:\n\n" + table("| quantity | value |", "| $z$ | $3$ |")
    (formula,) = read_document(Source("a.md", text)).formulas
    assert [member.line_column(None) for member in formula.members] == [(5, 4), (5, 10)]


def test_what_looks_like_a_rule_is_no_table():
    assert chains("x = 1\n|---|---|\n") == [["x", "1"]]
    assert chains("|---|---|") == []
