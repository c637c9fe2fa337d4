"""The front matter of a text, and what only looks like one."""

from __future__ import annotations

import pytest

from gradcheck_cli.parsing.frontmatter import front_matter


@pytest.mark.parametrize(
    ("text", "names", "behind"),
    [
        ("---\nproblem: a\n---\nx", ("a",), "x"),
        ('---\nproblem: [a, "b"]\n---\nx', ("a", "b"), "x"),
        ("---\nproblem:\n  - a\n  - 'b'\nauthor: c\n---\nx", ("a", "b"), "x"),
        ("---\nproblem:\n- a\n---\n- z = 1\n---\n", ("a",), "- z = 1\n---\n"),
        ("\n\n---\nProblem: a # mine\n---\nx", ("a",), "x"),
        ("---\ntitle: x y\n\nproblem: a.yaml\n...\nx", ("a.yaml",), "x"),
        ("---\ntitle: none\n---\nx", (), "x"),
        ("---\nz = 1\n---\n", (), "---\nz = 1\n---\n"),
        ("---\nproblem: a\nz = 1\n", (), "---\nproblem: a\nz = 1\n"),
        ("z = 1\n---\nproblem: a\n---\n", (), "z = 1\n---\nproblem: a\n---\n"),
    ],
)
def test_problems_are_named_at_the_top(text, names, behind):
    found, begin = front_matter(text)
    assert (found, text[begin:]) == (names, behind)
