"""What of a document is no homework becomes blanks, places and lines kept."""

from __future__ import annotations

import pytest

from gradcheck_cli.parsing.document import read_document
from gradcheck_cli.parsing.scaffold import readable
from gradcheck_cli.source import Source


def members(text, name="homework.md"):
    return [[part.text for part in formula.members] for formula in read_document(Source(name, text)).formulas]


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ("$a = 1$ % $b = 2$", "h.tex", [["a", "1"]]),
        (r"$a = 50\%$ % $b = 2$", "h.tex", [["a", r"50\%"]]),
        ("$a = 1 \\\\% c\nb = 2$", "h.tex", [["a", "1"], ["b", "2"]]),
        ("$a = 1$ % $b = 2$", "h.md", [["a", "1"], ["b", "2"]]),  # in Markdown no comment
        ("<!-- $a = 1$\n\nb = 2 --> $c = 3$", "h.md", [["c", "3"]]),
        ("a = 1<br>", "h.md", [["a", "1"]]),
        ("<p align=center>a = 1</p>", "h.md", [["a", "1"]]),
        ("$a < b = 1$", "h.md", [["a < b", "1"]]),
        ("![x = 1](a.png) [here](http://a.b/?q=1) a = 1", "h.md", [["a", "1"]]),
        ("w[1](z) = 3", "h.md", [["w[1](z)", "3"]]),
        ("```math\na = 1\n```\n", "h.md", [["a", "1"]]),
        ("~~~latex\n\\begin{align}a &= 1 \\\\ b &= 2\\end{align}\n~~~\n", "h.md", [["a", "1"], ["b", "2"]]),
        ("```{math}\n$a = 1$, $b = 2$\n```\n", "h.md", [["a", "1"], ["b", "2"]]),
        ("```python\na = 1\n```\n", "h.md", []),
        ("so $`a = 1`$ holds", "h.md", [["a", "1"]]),
        ("\\usepackage[margin=1in]{geometry}\nk = 1\n\\begin{document}\n$a = 1$", "h.tex", [["a", "1"]]),
        ("\\includegraphics[width=0.5\\textwidth]{a}\n$a = 1$", "h.tex", [["a", "1"]]),
        ("\\begin{tikzpicture}\n\\node[draw=red] {$b = 2$};\n\\end{tikzpicture}\n$a = 1$", "h.tex", [["a", "1"]]),
        ("\\begin{verbatim}\nb = 2\n\\end{verbatim}\n$a = 1$\n\\begin{lstlisting}\nc = 3", "h.tex", [["a", "1"]]),
    ],
)
def test_what_is_left_of_a_document(text, name, found):
    assert members(text, name) == found


def test_lines_stay_where_they_are():
    text = "---\nproblem: p\n---\n\\newcommand{\\g}{\n  \\nabla\n}\nk = 1\n\\begin{document}\n$\\g_w L = 1$\n"
    document = read_document(Source("h.tex", text))
    assert document.problems == ("p",)
    assert [formula.line for formula in document.formulas] == [9]
    assert document.formulas[0].members[0].text == r"\nabla_w L"


@pytest.mark.parametrize(
    "piece", [" ", "\t", "| ", "<!--", "<p ", "\\begin{tikzpicture}", "[a](", "{a \\over b}", "\\def\\a{"]
)
def test_endless_pieces_are_passed_in_linear_time(piece):
    assert members(piece * 30_000 + "\n\n$k = 1$\n")[-1:] in ([["k", "1"]], [])


def test_a_text_without_scaffold_is_itself():
    source = Source("h.md", "$\\frac{da}{dx} = 1$ and a < b")
    assert readable(source) is source
