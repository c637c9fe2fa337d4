r"""LaTeX that is more than one sign: fractions and derivatives, sums, `cases`, matrices, decorations.

Each function takes the lexer and the place, and gives the tokens of plain notation and the place behind: `cases` become
`where(c, x, y)`, a sum over an index `sum(…, j)`, `\frac{\partial}{\partial x}` the operator `∂/∂x`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.functions import ALIASES
from gradcheck_cli.parsing.calculus import grouped
from gradcheck_cli.parsing.lexer import MATRIX, MAX_TOKENS, SAMPLE, Token, number_value
from gradcheck_cli.parsing.names import normal_latex
from gradcheck_cli.parsing.runs import base_of, differential
from gradcheck_cli.source import Span

if TYPE_CHECKING:
    from gradcheck_cli.parsing.latexnames import Names

Found = tuple[list[Token], int]
MOST_TERMS = 50
_OPERATOR = 4  # tokens of ∂/∂w, at least
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([A-Za-z]+\*?)\}")
_MATRICES = {"matrix", "bmatrix", "pmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix"}
_CONDITION = re.compile(
    r"^[\s,;&]*(?:\\(?:text|mathrm|textrm|mbox)\s*\{\s*(?:if|when|for|where)?[\s,]*\}|\\(?:if|for)\b|(?:if|when|for)\b)?\s*"
)
_RANGE = re.compile(r"\s*([a-z])\s*=\s*([0-9]{1,6})\s*")
_LETTERS = re.compile(r"\s*[a-z](?:\s*,?\s*[a-z]){1,2}\s*")  # a sum over two letters, or three
_LETTER = re.compile(r"\s*([a-z])\b")
_EXCEPT = re.compile(r"\s*(?:[a-z]\s*(?:=\s*[^,]*?)?,\s*)?([a-z])\s*(?:\\neq|\\ne(?![a-z])|≠)\s*([a-z])\s*")
_ENDS = (")", "]", ",", "<", ">", "<=", ">=", "==", "!=")  # of what a sum sums
_INFIX = ("+", "-", "*", "/", "(", "[", ",", "<", ">", "<=", ">=", "==", "!=", "^", "√")


def fraction(lexer: Names, at: int, depth: int) -> Found:
    r"""`\frac{a}{b}` as (a)/(b), `\frac{\partial a}{\partial z}` as ∂a/∂z, `\frac{\partial}{\partial z}` as an operator."""
    top, at = lexer.group(at)
    bottom, behind = lexer.group(at)
    above, below = (lexer.tokens(part.start, part.end, depth + 1) for part in (top, bottom))
    slash = Token("/", "/", Span(top.end, bottom.start))
    opened, closed = Token("(", "{", Span(top.start, top.start)), Token(")", "}", Span(bottom.end, bottom.end))
    if (second := _second(lexer, above, below)) is not None:
        return ([opened, *second, closed] if len(second) > 2 * _OPERATOR else second), behind
    d_below = _differential(lexer, below) or _grouped(lexer, below)
    if d_below and (d_above := _differential(lexer, above) or _grouped(lexer, above)):
        return [opened, *d_above, slash, *d_below, closed], behind
    if d_below and (rest := _operand(lexer, above)) is not None:
        operator = [above[0] if above[0].text == "∂" else Token("word", "∂", above[0].span), slash, *d_below]
        inner = [Token("(", "{", opened.span), *rest, Token(")", "}", Span(top.end, top.end))] if rest else []
        return ([opened, *operator, *inner, closed] if rest else operator), behind
    if not above or not below:
        lexer.fail("a fraction has an empty part", "fill it", top.start, max(bottom.end, top.start + 1))
    return [opened, opened, *above, closed, slash, opened, *below, closed, closed], behind


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


def _second(lexer: Names, above: list[Token], below: list[Token]) -> list[Token] | None:
    r"""`\frac{\partial^2 L}{\partial w \partial w^T}` as the derivative by w of the derivative by w; None for anything else."""
    lead = [token.text for token in above[:4]]
    if lead not in (["∂", "^", "{", "2"], ["d", "^", "{", "2"]) or lexer.scope.name(lead[0]):
        return None
    first, at = _one_differential(lexer, below, 0)
    again, end = (first, at) if at == len(below) else _one_differential(lexer, below, at)
    twice = at == len(below) and [token.text for token in below[-4:]] == ["^", "{", "2", "}"]
    if not first or not again or end != len(below) or (at == len(below) and not twice):
        return None
    sign = Token("word", "∂", above[0].span)
    slash = Token("/", "/", above[0].span)
    opened, closed = (Token(kind, text, above[0].span) for kind, text in (("(", "{"), (")", "}")))
    rest = [opened, *above[5:], closed] if len(above) > 5 else []
    return [sign, slash, sign, *again, sign, slash, sign, *first, *rest]


def _one_differential(lexer: Names, tokens: list[Token], at: int) -> tuple[list[Token], int]:
    """The tokens of the name in ∂w, ∂w_j, ∂w^T or ∂w^2 at a place, and the place behind it; none where there is none."""
    found = differential(lexer.scope, tuple(tokens), at)
    if found is None:
        return [], at
    start, end = at + (len(tokens[at].text) == 1), found[1]
    name = tokens[start:end]
    if len(tokens[at].text) > 1:  # dw in one word
        name = [replace(tokens[at], text=tokens[at].text[1:]), *tokens[at + 1 : end]]
    if end < len(tokens) and tokens[end].kind == "T":
        end += 1
    elif [token.text for token in tokens[end : end + 4]] == ["^", "{", "2", "}"]:
        end += 4
    return name, end


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
    if not below:
        lexer.fail("a gradient needs the name it is taken by", r"write \nabla_w", at, behind)
    span = Span(at, after)
    start = after - len(below) - (lexer.text[after - 1] == "}")
    name = lexer.tokens(start, start + len(below), 0)
    once = [Token("word", "∂", span), Token("/", "/", span), Token("word", "∂", span), *name]
    again = raised or twice.match(lexer.text, after)
    return (once * 2, max(after, again.end())) if again else (once, after)


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


# -- sums


def total(lexer: Names, joint: str, at: int, behind: int, end: int, depth: int) -> Found:
    r"""`\sum` and `\prod`: written out between numbers, over an index letter where the scope has arrays."""
    if (named := _declared(lexer, at)) is not None:
        return named
    limits: dict[str, str] = {}
    while lexer.text[behind : behind + 1] in ("_", "^") and lexer.text[behind : behind + 1] not in limits:
        inner, after = lexer.group(behind + 1)
        limits[lexer.text[behind]] = lexer.text[inner.start : inner.end].strip()
        behind = after
    below, above = limits.get("_", ""), limits.get("^", "")
    written = _RANGE.fullmatch(below)
    if written and above.isdigit() and not lexer.scope.arrays:
        return _written_out(lexer, joint, (written[1], int(written[2]), int(above)), Span(at, behind), end, depth)
    several, letter = _LETTERS.fullmatch(below), _LETTER.match(below)
    if not (several or letter) or not lexer.scope.arrays:
        hint = "write its terms out" if not lexer.scope.arrays else "write the letter below it"
        lexer.fail("the sum has no letter and numbers to run over", hint, at, behind)
    span = Span(at, behind)
    over = [letter[1]] if letter and not several else re.findall("[a-z]", below)
    body, after = _body(lexer, behind, end, depth)
    if lexer.wide:
        body, after = _wider(lexer, (body, after), behind, end, depth, set(over))
    if left_out := _EXCEPT.fullmatch(below):
        first, second = (Token("word", name, span) for name in left_out.groups())
        body = [*body, Token("*", "*", span), Token("(", "(", span), first, Token("!=", "!=", span), second]
        body.append(Token(")", ")", span))
    word = Token("word", "sum" if joint == "+" else "prod", span)
    for run in reversed(over):
        name = run
        if lexer.scope.name(run) is not None:  # the letter of a size too: in the indices it is another
            body, name = _renamed(body, run), f"{run}'"
        tail = [Token(",", ",", span), Token("word", name, span), Token(")", ")", span)]
        body = [word, Token("(", "(", span), *body, *tail]
    return body, after


def _declared(lexer: Names, at: int) -> Found | None:
    r"""A sum that the problem has a name for: `\sum_h \exp(x_h)` where that is declared as a spelling."""
    for spelling, name in lexer.scope.latex.items():
        if not spelling.startswith("\\sum"):
            continue
        end = at
        while end < len(lexer.text) and len(normal_latex(lexer.text[at:end])) < len(spelling):
            end += 1
        if normal_latex(lexer.text[at:end]) == spelling:
            return [Token("word", name, Span(at, end))], end
    return None


def _renamed(body: list[Token], letter: str) -> list[Token]:
    """The tokens with a letter in the indices of entries as one that nothing else has."""
    found, level = [], 0
    for token in body:
        level += (token.kind == "[" and token.text in ("_", SAMPLE)) - (token.kind == "]" and level > 0)
        index = level > 0 and token.kind == "word" and token.text == letter
        found.append(replace(token, text=f"{letter}'") if index else token)
    return found


def _written_out(lexer: Names, joint: str, run: tuple[str, int, int], span: Span, end: int, depth: int) -> Found:
    """The terms of a sum between two numbers, in brackets."""
    letter, first, last = run
    if last - first >= MOST_TERMS:
        lexer.fail(f"the sum has more than {MOST_TERMS} terms", "write fewer", span.start, span.end)
    kept, after = lexer.bound, span.end
    found = [Token("(", "{", span)]
    for value in range(first, last + 1):
        lexer.bound = {**kept, letter: str(value)}
        body, after = _body(lexer, span.end, end, depth)
        found += [Token(joint, joint, span)] * (value > first) + [Token("(", "{", span), *body, Token(")", "}", span)]
        if len(found) > MAX_TOKENS:
            lexer.fail(f"the formula has more than {MAX_TOKENS:,} signs", "split it", span.start, span.end)
    lexer.bound = kept
    if first > last:
        lexer.fail("the sum has no terms", "let it run upwards", span.start, span.end)
    return [*found, Token(")", "}", span)], after


def _wider(lexer: Names, found: Found, at: int, end: int, depth: int, letters: set[str]) -> Found:
    """What a sum sums with the terms behind it, where these have its letter and are no sums themselves; else as found."""
    longer, after = _body(lexer, at, end, depth, wide=True)
    rest = longer[len(found[0]) :]
    mine = any(token.text in letters for token in rest) and not any(token.text == "sum" for token in rest)
    return ([Token("(", "{", rest[0].span), *longer, Token(")", "}", rest[-1].span)], after) if mine else found


def _body(lexer: Names, at: int, end: int, depth: int, *, wide: bool = False) -> Found:
    """What a sum sums: up to the next +, - or comparison outside of brackets; `wide` up to the next comparison."""
    if depth > MOST_TERMS:
        lexer.fail("sums are nested too deep", "give its parts names", at)
    found: list[Token] = []
    level = 0
    while at < end:
        new, after = lexer.next(at, end, depth + 1)
        kind = new[0].kind if len(new) == 1 or (new and new[0].kind in (")", "]")) else ""
        ends = kind in ("+", "-") and bool(found) and found[-1].kind not in _INFIX
        if level == 0 and ((ends and not wide) or kind in _ENDS):
            break
        level += (kind in ("(", "[")) - (kind in (")", "]"))
        found, at = found + new, after
    if not found:
        lexer.fail("the sum has nothing behind it", "write its term", max(at - 1, 0))
    return found, at


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


def _cases(lexer: Names, rows: list[list[Span]], at: int, depth: int) -> list[Token]:
    """Rows of a value and its condition: the last one is what is left, whatever its condition says."""
    if not rows:
        lexer.fail("there are no cases", "write a value and a condition in each row", at)
    span = Span(at, at + 1)
    found: list[Token] = []
    for row in rows[:-1]:
        value, condition = _value_and_condition(lexer, row)
        start = condition.start + len(_lead(lexer.text[condition.start : condition.end]))
        test = [_compared(token) for token in lexer.tokens(start, condition.end, depth + 1)]
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
