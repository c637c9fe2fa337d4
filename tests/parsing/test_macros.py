"""Commands of a text's own and of packages, written out with their places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.parsing.macros import MAX_ADDED, Macros

PD = r"\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}}"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (PD + r"\pd{a}{x_0}", r"\frac{\partial a}{\partial x_0}"),
        (PD + r"\pd a x", r"\frac{\partial a}{\partial x}"),
        (PD + r"\pd{a}", r"\pd{a}"),  # an argument is missing
        (PD + r"\pd{\pd{L}{a}}{x}", r"\frac{\partial \frac{\partial L}{\partial a}}{\partial x}"),
        (r"\newcommand\s{\sigma}\s(z)", r"\sigma(z)"),
        (r"\newcommand\s{\sigma}\s{}(z)", r"\sigma(z)"),
        (r"\renewcommand*{\g}[2][L]{\nabla_{#2} #1}\g{w} + \g[J]{b}", r"\nabla_{w} L + \nabla_{b} J"),
        (r"\def\h#1#2{#1_{#2}}\h{w}{3}", r"w_{3}"),
        (r"\DeclareMathOperator*{\sg}{sigmoid}\sg(z)", r"\operatorname{sigmoid}(z)"),
        (r"\DeclarePairedDelimiter{\n}{\lVert}{\rVert}\n*{x} + \n[\big]{y}", r"\lVert x \rVert + \lVert y \rVert"),
        (r"\NewDocumentCommand{\e}{O{w} m}{#1_#2}\e1 + \e[x]{0}", r"w_1 + x_0"),
        (r"\let\b=\beta\b + 1", r"\beta  + 1"),
        (r"\newcommand{\a}{\b + \b}\newcommand{\b}{x}\a", "x + x"),
        (r"\newcommand{\a}{\a}\a", r"\a"),  # of itself
        ("$$\n\\newcommand{\\a}{x}\n\\a = 1\n$$", "$$\nx = 1\n$$"),  # no blank line is left
        (r"\pdv{a}{z}", r"\frac{\partial a}{\partial z}"),
        (r"\dv[2]{a}{z}", r"\frac{\mathrm{d}^{2} a}{\mathrm{d} z^{2}}"),
        (r"\pdv{z} a", r"\frac{\partial}{\partial z} a"),
        (r"\pdv{a}{z}{w}", r"\frac{\partial^2 a}{\partial z \partial w}"),
        (r"\dd{a} = \dd z", r"\mathrm{d} a = \mathrm{d}  z"),
        (r"\qty(a + b)", "(a + b)"),
        (r"{\rm d}a", r"\mathrm{d}a"),
        (r"w_{\rm new}", r"w_{\mathrm{new}}"),
        (r"{a + {b} \over c}", r"\frac{a + {b} }{ c}"),
        (r"\operatorname*{sigmoid}(z)", r"\operatorname{sigmoid}(z)"),
        (r"\frac{a}{b} \newline \undefined{x}", r"\frac{a}{b} \newline \undefined{x}"),
    ],
)
def test_commands_are_written_out(text, written):
    assert Macros().expanded(text)[0] == written


def test_what_is_put_in_keeps_its_places():
    text = PD + r" \pd{a}{xyz}"
    found, places = Macros().expanded(text)
    assert len(places) == len(found) + 1
    assert [places[at] for at in range(found.index("xyz"), found.index("xyz") + 3)] == list(
        range(text.rindex("xyz"), text.rindex("xyz") + 3)
    )
    assert places[found.index("\\frac")] == text.rindex(r"\pd")
    assert places[-1] == len(text)


def test_definitions_hold_for_later_texts():
    macros = Macros()
    assert macros.expanded(PD) == ("", (len(PD),))
    assert macros.expanded(r"\pd{a}{x}")[0] == r"\frac{\partial a}{\partial x}"


def test_commands_that_double_put_in_no_more_than_allowed():
    text = "".join(rf"\def\{chr(97 + at)}{{\{chr(98 + at)}\{chr(98 + at)}}}" for at in range(25)) + r"\def\z{x}\a"
    assert len(Macros().expanded(text * 3)[0]) < MAX_ADDED + 3 * len(text)
    deep = r"\def\a#1{\a{#1#1}}\a{x}"
    assert len(Macros().expanded(deep)[0]) < MAX_ADDED


PIECES = [
    PD,
    r"\pd",
    "{a}",
    "{",
    "}",
    "x",
    r"\def\b#1{",
    "#1",
    r"\b",
    "[",
    "]",
    r"\over",
    r"{\rm d}",
    "\n",
    r"\dd",
    r"\pdv",
]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_every_character_has_a_place(text):
    found, places = Macros().expanded(text)
    assert len(places) == len(found) + 1
    assert all(0 <= place <= len(text) for place in places)
