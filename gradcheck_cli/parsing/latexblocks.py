r"""LaTeX that is more than one sign: fractions and derivatives, `cases`, matrices, decorations.

Each function takes the lexer and the place, and gives the tokens of plain notation and the place behind: `cases` become
`where(c, x, y)`, `\frac{\partial}{\partial x}` the operator `∂/∂x`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.functions import ALIASES
from gradcheck_cli.parsing.calculus import grouped
from gradcheck_cli.parsing.higher import behind_order
from gradcheck_cli.parsing.latexsecond import second_derivative
from gradcheck_cli.parsing.lexer import MATRIX, Token, number_value
from gradcheck_cli.parsing.runs import base_of, differential
from gradcheck_cli.source import Span

if TYPE_CHECKING:
    from gradcheck_cli.parsing.latexnames import Names

Found = tuple[list[Token], int]
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([A-Za-z]+\*?)\}")
_MATRICES = {"matrix", "bmatrix", "pmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix"}
_CONDITION = re.compile(
    r"^[\s,;&]*(?:\\(?:text|mathrm|textrm|mbox)\s*\{\s*(?:if|when|for|where)?[\s,]*\}|\\(?:if|for)\b|(?:if|when|for)\b)?\s*"
)
_AND = re.compile(r"\\(?:text|mathrm|textrm|mbox)\s*\{\s*(?:and|und|et)\s*\}|\\(?:land|wedge)(?![A-Za-z])")


def fraction(lexer: Names, at: int, depth: int) -> Found:
    r"""`\frac{a}{b}` as (a)/(b), `\frac{\partial a}{\partial z}` as ∂a/∂z, `\frac{\partial}{\partial z}` as an operator."""
    top, at = lexer.group(at)
    bottom, behind = lexer.group(at)
    above, below = (lexer.tokens(part.start, part.end, depth + 1) for part in (top, bottom))
    slash = Token("/", "/", Span(top.end, bottom.start))
    opened, closed = Token("(", "{", Span(top.start, top.start)), Token(")", "}", Span(bottom.end, bottom.end))
    if lexer.scope.arrays:
        if (second := second_derivative(lexer, above, below)) is not None:
            return ([opened, *second, closed] if second[-1].text == "}" else second), behind
    elif below and (order := behind_order(lexer.scope, above)) is not None:
        inner = [*above, slash, opened, *_by_powers(lexer, bottom, below, depth), closed]
        return (inner if len(above) == order else [opened, *inner, closed]), behind
    turned = below[-1:] if lexer.scope.arrays and below and below[-1].kind == "T" else []
    below = below[:-1] if turned else below  # by w^T: the transpose of the derivative by w
    d_below = _differential(lexer, below) or _grouped(lexer, below)
    if d_below and (d_above := _differential(lexer, above) or _grouped(lexer, above)):
        matrix = any(token.text[:1].isupper() for token in d_below)  # by a vector it is the Jacobian as it stands
        return [opened, *d_above, slash, *d_below, closed, *(turned if matrix else ())], behind
    below += turned
    if d_below and (rest := _operand(lexer, above)) is not None:
        operator = [above[0] if above[0].text == "∂" else Token("word", "∂", above[0].span), slash, *d_below]
        inner = [Token("(", "{", opened.span), *rest, Token(")", "}", Span(top.end, top.end))] if rest else []
        return ([opened, *operator, *inner, closed] if rest else operator), behind
    if not above or not below:
        lexer.fail("a fraction has an empty part", "fill it", top.start, max(bottom.end, top.start + 1))
    return [opened, opened, *above, closed, slash, opened, *below, closed, closed], behind


def _by_powers(lexer: Names, bottom: Span, below: list[Token], depth: int) -> list[Token]:
    r"""The tokens below a higher derivative: `\partial x^2` is by x twice, though `x^2` may be the spelling of a node."""
    alone = sum(token.text in ("d", "∂") for token in below) == 1
    if not alone or any(token.kind in ("^", "power") for token in below):
        return below
    kept = lexer.scope
    lexer.scope = replace(kept, latex={text: name for text, name in kept.latex.items() if "^" not in text})
    found = lexer.tokens(bottom.start, bottom.end, depth + 1)
    lexer.scope = kept
    return found


def _differential(lexer: Names, tokens: list[Token]) -> list[Token]:
    """The tokens of dz or ∂z, without the arguments that notation may add, as in ∂φ(h); empty for anything else."""
    found = differential(lexer.scope, tuple(tokens), 0) if tokens else None
    if found is None:
        return []
    name, end = found
    above = lexer.scope.ancestors.get(base_of(name), frozenset())
    rest = [token for token in tokens[end:] if token.kind not in ("(", ")", ",")]
    if not all(token.kind == "word" and lexer.scope.name(token.text) in above for token in rest):
        return []
    return tokens[:end]


def _grouped(lexer: Names, tokens: list[Token]) -> list[Token]:
    """The tokens of d(…) or ∂(…); empty for anything else."""
    return tokens if tokens and grouped(lexer.scope, tokens, 0) == len(tokens) else []


def _operand(lexer: Names, tokens: list[Token]) -> list[Token] | None:
    """What stands behind the d or ∂ of a numerator, empty for nothing; None where there is no d or ∂."""
    if not tokens or tokens[0].kind != "word" or lexer.scope.name(tokens[0].text):
        return None
    first = tokens[0]
    if first.text in ("∂", "d"):
        return tokens[1:]
    if first.text[0] == "d" and lexer.scope.function(first.text[1:]):  # dtanh(h)
        return [Token("word", first.text[1:], Span(first.span.start + 1, first.span.end)), *tokens[1:]]
    return None


def nabla(lexer: Names, at: int, behind: int) -> Found:
    r"""`\nabla_W` as the operator ∂/∂W, `\nabla_x^2` as that twice."""
    twice = re.compile(r"\s*\^\s*(?:2|\{\s*2\s*\})")
    raised = twice.match(lexer.text, behind)
    below, after = lexer.subscript(raised.end() if raised else behind)
    span = Span(at, after)
    start = after - len(below) - (lexer.text[after - 1] == "}")
    name = lexer.tokens(start, start + len(below), 0) if below else _only_input(lexer, after, span)
    once = [Token("word", "∂", span), Token("/", "/", span), Token("word", "∂", span), *name]
    again = raised or twice.match(lexer.text, after)
    return (once * 2, max(after, again.end())) if again else (once, after)


def _only_input(lexer: Names, at: int, span: Span) -> list[Token]:
    r"""The one input that what stands behind `\nabla` is computed from, beside arrays; else the name has to be written."""
    while lexer.text[at : at + 1].isspace():
        at += 1
    above = lexer.scope.ancestors
    behind = lexer.next(at, len(lexer.text), 1)[0][:1] if lexer.scope.arrays and at < len(lexer.text) else []
    known = [
        name for token in behind for name in above.get(lexer.scope.name(token.text) or "", ()) if not above.get(name)
    ]
    if len(known) != 1:
        lexer.fail("a gradient needs the name it is taken by", r"write \nabla_w", span.start, span.end)
    return [Token("word", known[0], span)]


def of_library(lexer: Names, at: int) -> Found | None:
    """The point of `np.sum(…)`, `X.T` and `A .* B`, as code stands in LaTeX; None for one that only ends something."""
    if lexer.text[at : at + 2] == ".*":
        return [Token("*", ".*", Span(at, at + 2))], at + 2
    if re.match(r"\.T(?![A-Za-z0-9_])", lexer.text[at : at + 3]):
        return [Token("T", ".T", Span(at, at + 2))], at + 2
    return ([Token(".", ".", Span(at, at + 1))], at + 1) if re.match(r"\.[a-z]{2}", lexer.text[at : at + 3]) else None


def root(lexer: Names, at: int, behind: int, depth: int) -> Found:
    r"""`\sqrt{x}`, and `\sqrt[n]{x}` as a power."""
    index: Span | None = None
    if lexer.text[behind : behind + 1] == "[":
        closed = lexer.text.find("]", behind)
        if closed < 0:
            lexer.fail('"[" is never closed', 'add "]"', behind)
        index, behind = Span(behind + 1, closed), closed + 1
    inner, after = lexer.group(behind)
    if index is None:
        return [Token("√", "√", Span(at, behind)), *lexer.bracketed(inner, depth)], after
    span = Span(index.start, index.end)
    one = Token("number", "1", span, number_value("1"))
    power = [Token("(", "{", span), one, Token("/", "/", span), *lexer.bracketed(index, depth), Token(")", "}", span)]
    return [*lexer.bracketed(inner, depth), Token("^", "^", Span(at, behind)), *power], after


# -- environments


def environment(lexer: Names, at: int, behind: int, depth: int) -> Found:
    r"""`\begin{cases}` as `where`, `\begin{bmatrix}` and the like as an array."""
    inner, after = lexer.group(behind)
    name = lexer.text[inner.start : inner.end].strip().rstrip("*")
    stop, behind = _end(lexer, name, at, after)
    if name == "array" and (columns := re.compile(r"\s*\{[^{}]*\}").match(lexer.text, after)):
        after = columns.end()
    rows = _rows(lexer, after, stop)
    if name in ("cases", "dcases", "rcases") or (name == "array" and _opened_by_brace(lexer.text, at)):
        return _cases(lexer, rows, at, depth), behind
    if name in _MATRICES or name == "array":
        return _matrix(lexer, rows, Span(at, behind), depth), behind
    if name in ("aligned", "split", "align", "gathered", "equation"):
        return lexer.tokens(after, stop, depth + 1), behind
    return lexer.fail(f"\\begin{{{name}}} is not read", "type the formula without it", at, after)


def _opened_by_brace(text: str, at: int) -> bool:
    return text[:at].rstrip().endswith(("\\{", "\\lbrace"))


def _end(lexer: Names, name: str, at: int, after: int) -> tuple[int, int]:
    r"""Where the environment's `\end` begins and ends."""
    level = 1
    for match in _ENVIRONMENT.finditer(lexer.text, after):
        if match[2].rstrip("*") == name:
            level += 1 if match[1] == "begin" else -1
            if level == 0:
                return match.start(), match.end()
    return lexer.fail(f"\\begin{{{name}}} is never ended", f"add \\end{{{name}}}", at, after)


def _rows(lexer: Names, at: int, end: int) -> list[list[Span]]:
    r"""The rows between `\\`, each with its cells between `&`, outside of groups and inner environments."""
    rows: list[list[Span]] = [[]]
    level, start = 0, at
    while at < end:
        pair = lexer.text[at : at + 2]
        step = 1
        if match := _ENVIRONMENT.match(lexer.text, at):
            level += 1 if match[1] == "begin" else -1
            step = match.end() - at
        elif pair == "\\\\" and level == 0:
            rows[-1].append(Span(start, at))
            rows.append([])
            start, step = at + 2, 2
        elif pair[0] == "\\":
            step = 2
        elif pair[0] == "&" and level == 0:
            rows[-1].append(Span(start, at))
            start = at + 1
        else:
            level += (pair[0] == "{") - (pair[0] == "}")
        at += step
    rows[-1].append(Span(start, end))
    return [row for row in rows if any(lexer.text[cell.start : cell.end].strip() for cell in row)]


def _test(lexer: Names, condition: Span, depth: int) -> list[Token]:
    """The tokens of a condition; several that hold together are multiplied, as each is 1 or 0."""
    ends = [match.span() for match in _AND.finditer(lexer.text, condition.start, condition.end)]
    starts = (condition.start, *(end for _, end in ends))
    parts = [
        [_compared(token) for token in lexer.tokens(start, end, depth + 1)]
        for start, end in zip(starts, (*(start for start, _ in ends), condition.end), strict=True)
    ]
    if len(parts) == 1:
        return parts[0]
    found: list[Token] = []
    for part, start in zip(parts, starts, strict=True):
        place = Span(start, start)
        found += [Token("*", "*", place)] if found else []
        found += [Token("(", "(", place), *part, Token(")", ")", place)]
    return found


def _cases(lexer: Names, rows: list[list[Span]], at: int, depth: int) -> list[Token]:
    """Rows of a value and its condition: the last one is what is left, whatever its condition says."""
    if not rows:
        lexer.fail("there are no cases", "write a value and a condition in each row", at)
    span = Span(at, at + 1)
    found: list[Token] = []
    for row in rows[:-1]:
        value, condition = _value_and_condition(lexer, row)
        start = condition.start + len(_lead(lexer.text[condition.start : condition.end]))
        test = _test(lexer, Span(start, condition.end), depth)
        if not test:
            lexer.fail("a case has no condition", "write one behind &", row[0].start, max(row[0].end, row[0].start + 1))
        comma = Token(",", ",", Span(value.end, value.end))
        found += [Token("word", "where", span), Token("(", "(", span), *test, comma]
        found += [*lexer.bracketed(value, depth), comma]
    last = _value_and_condition(lexer, rows[-1])[0] if len(rows[-1]) > 1 else _without_else(lexer, rows[-1][0])
    return [*found, *lexer.bracketed(last, depth), *[Token(")", ")", Span(last.end, last.end))] * (len(rows) - 1)]


def _lead(text: str) -> str:
    match = _CONDITION.match(text)
    return match.group() if match else ""


def _value_and_condition(lexer: Names, row: list[Span]) -> tuple[Span, Span]:
    """The two cells of a row; with one cell only, what stands before and after its `if` or comma."""
    if len(row) > 1:
        cell = row[0]
        text = lexer.text[cell.start : cell.end].rstrip()
        return Span(cell.start, cell.start + len(text.rstrip(","))), Span(row[1].start, row[-1].end)
    cell = row[0]
    text = lexer.text[cell.start : cell.end]
    match = re.search(r",|\\(?:text|mathrm|textrm|mbox)\s*\{\s*(?:if|when|for)|\\quad|\b(?:if|when|for)\b", text)
    if match is None:
        lexer.fail("a case has no condition", "write one behind &", cell.start, max(cell.end, cell.start + 1))
    behind = cell.start + (match.end() if match.group() in (",", r"\quad") else match.start())
    return Span(cell.start, cell.start + match.start()), Span(behind, cell.end)


def _without_else(lexer: Names, cell: Span) -> Span:
    """The value of the last row, where nothing but `otherwise` or a condition follows it."""
    text = lexer.text[cell.start : cell.end]
    match = re.search(r",|\\text|\\mathrm|\\textrm|\\mbox|\\quad|\b(?:if|when|for|otherwise|else)\b", text)
    return cell if match is None else Span(cell.start, cell.start + match.start())


def _compared(token: Token) -> Token:
    return Token("==", "=", token.span) if token.kind == "=" else token


def _matrix(lexer: Names, rows: list[list[Span]], span: Span, depth: int) -> list[Token]:
    """Rows of entries, as nested lists."""
    if not lexer.scope.arrays:
        lexer.fail("a matrix stands among numbers", "write its entries as claims of their own", span.start, span.end)
    found = [Token("[", MATRIX, span)]
    for at, row in enumerate(rows):
        found += [Token(",", ",", span)] * bool(at) + [Token("[", "[", span)]
        for place, cell in enumerate(row):
            found += [Token(",", ",", span)] * bool(place) + lexer.tokens(cell.start, cell.end, depth + 1)
        found.append(Token("]", "]", span))
    return [*found, Token("]", "]", span)]


def binomial(lexer: Names, at: int, behind: int, depth: int) -> Found:
    r"""`\binom{2}{-1}` as a column of two: that is how a vector is written with it."""
    top, after = lexer.group(behind)
    bottom, after = lexer.group(after)
    return _matrix(lexer, [[top], [bottom]], Span(at, after), depth), after


def logarithm(lexer: Names, at: int, behind: int) -> Found:
    r"""`\log_2` and `\log_{10}`."""
    below, after = lexer.subscript(behind)
    name = {"": "log", "e": "log"}.get(below, f"log{below}")
    if name not in ALIASES:
        lexer.fail(f"a logarithm to the base {below} is not read", "divide two logarithms", at, after)
    return [Token("word", name, Span(at, after))], after
