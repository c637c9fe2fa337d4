"""Homework shown as it was written: marks beside its lines, carets under the first wrong step."""

from __future__ import annotations

import pytest


@pytest.fixture
def shown(run, tmp_path):
    def show(text, *options):
        path = tmp_path / "homework.md"
        path.write_text(text, encoding="utf-8")
        return run("verify", path, "--problem", "residual-relu", *options).out.split("\n")[2:]

    return show


def test_only_lines_that_claim_something_have_a_mark(shown):
    lines = shown("Some words\n\n$z = 0.62$\n\n$z = 0.63$\n\n$$q = 3$$\n")
    assert lines[0] == "  1  Some words"
    assert lines[2] == "✓ 3  $z = 0.62$"
    assert lines[4] == "✗ 5  $z = 0.63$"
    assert lines[5] == "          ^^^^"


def test_carets_stand_under_the_first_wrong_member(shown):
    lines = shown("so $\\frac{dz}{dw_0} = 1 \\cdot 0.2 = 0.2$ and more")
    row = lines[0]
    assert lines[1] == " " * row.index("1 \\cdot") + "^" * len("1 \\cdot 0.2")
    assert "sign" in lines[2]


def test_each_line_of_a_chain_has_its_own_mark(shown):
    lines = shown("$$\\frac{dz}{dw_0}$$\n$$= -0.2$$\n$$= 0.2$$\n$$= -0.2$$\n")
    marks = [line[0] for line in lines if line[2:3].isdigit()]
    assert marks == [" ", "✓", "✗", "✓"]


def test_many_lines_without_a_claim_are_folded(shown):
    lines = shown("\n".join(["word"] * 30 + ["$z = 0.62$"]))
    assert sum("word" in line for line in lines) == 2
    assert sum("…" in line for line in lines) == 1


def test_what_follows_from_a_slip_has_no_cross(shown):
    lines = shown("$x_1 = 0.5$\n\n$xw_1 = -0.10$\n")
    assert [line[0] for line in lines if "$" in line] == ["✗", "–"]
    assert any("follows correctly from line 1" in line for line in lines)


@pytest.mark.parametrize("option", [["--hint"], ["--explain"], ["--width", 30], ["--quiet"]])
def test_every_option_is_kept(shown, option):
    lines = shown("$\\frac{dz}{dw_0} = 1 \\cdot 0.2 = 0.2$", *option)
    text = "\n".join(lines)
    assert ("right:" in text) == (option[0] not in ("--hint", "--quiet"))
    assert ("look here again" in text) == (option == ["--hint"])
