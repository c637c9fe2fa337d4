"""Calls with named arguments (`axis=0`), sums over an index letter, `max` of one array."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Index, Name, Num, Sum, number
from gradcheck_cli.functions import ALIASES, CONSTANTS, FUNCTIONS, OF_ONE
from gradcheck_cli.parsing.lexer import unknown_character

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gradcheck_cli.parsing.cursor import Cursor
    from gradcheck_cli.parsing.lexer import Token
    from gradcheck_cli.parsing.names import Scope

Options = tuple[tuple[str, Expr], ...]
_TRUTH = {"true": 1, "True": 1, "false": 0, "False": 0}
INDEX_LETTERS = ("i", "j", "k", "l", "p", "q", "r", "s", "t", "u")
LIBRARIES = frozenset({"np", "numpy", "jnp", "torch", "math", "F", "tf", "scipy", "sp"})
_WITHIN = frozenset({"linalg", "special", "nn", "functional", "random", "math"})
# as NumPy has them, where our table has another name or none
_THEIRS = {"multiply": "mul", "divide": "div", "true_divide": "div", "add": "add", "power": "pow", "negative": "neg",
           "concatenate": "concat", "subtract": "subtract", "square": "square", "expit": "sigmoid", "mm": "matmul",
           "mv": "matmul", "mul": "mul", "sub": "subtract", "neg": "neg", "t": "transpose", "reduce_sum": "sum",
           "reduce_mean": "mean", "cat": "concat", "mse_loss": "mse", "binary_cross_entropy": "bce"}  # fmt: skip
# PyTorch's losses of logits: the function that makes probabilities of them, and ours of these
_OF_LOGITS = {"cross_entropy": ("softmax", "cross_entropy"), "binary_cross_entropy_with_logits": ("sigmoid", "bce")}
_OPTIONS = {"dim": "axis", "keepdim": "keepdims"}  # PyTorch's words
_AS_IT_IS = frozenset(
    {"float", "double", "int", "astype", "copy", "clone", "detach", "item"}
)  # methods that keep the value
_DTYPES = frozenset({"float", "int", "np", "float32", "float64"})
_ENTRY = re.compile(r"(?:[i-u0-9](?:,?\s*))+")


def call(parser: Cursor, function: str, word: Token) -> Expr:
    """Call := function "(" [comparison ("," comparison)*] ("," option "=" value)* ")"."""
    opened = parser.take()
    index = _bound(parser) if function == "sum" else None
    scope = parser.scope
    if index is not None:
        parser.scope = replace(scope, indices=scope.indices | {index})
    arguments, options = _arguments(parser, function, opened)
    parser.scope = scope
    if index is not None and len(arguments) == 2:
        return Sum(arguments[0], index, word.span.join(parser.tokens[parser.at - 1].span))
    return checked(parser, function, word, arguments, options)


def checked(parser: Cursor, function: str, word: Token, arguments: tuple[Expr, ...], options: Options) -> Expr:
    """The call, where the function takes so many arguments and options of these names."""
    span = word.span.join(parser.tokens[parser.at - 1].span)
    if function in OF_ONE and len(arguments) == 1:
        function = OF_ONE[function]
    if any(name == "axis" for name, _ in options) and function in OF_ONE:
        function = OF_ONE[function]
    row = FUNCTIONS[function]
    if len(arguments) == len(row.params) + 1 and "axis" in row.options and isinstance(arguments[-1], Num):
        options = (*options, ("axis", arguments[-1]))  # sum(x, 0), as NumPy has it
        arguments = arguments[:-1]
    if not row.accepts(len(arguments)):
        parser.miscounted(word, arguments, f"it takes {row.arity()}", span)
    for name, value in options:
        if name not in row.options:
            known = f"it knows {', '.join(row.options)}" if row.options else "it has none"
            parser.fail(f"{word.text}(…) has no option {name}", known, value.span)
    return Call(function, arguments, options, span)


def _bound(parser: Cursor) -> str | None:
    """The letter that sum(…, j) sums over: a word that is no name, last before the closing bracket."""
    depth, at = 1, parser.at
    while at < len(parser.tokens) - 1:
        kind = parser.tokens[at].kind
        depth += (kind in "([{") - (kind in ")]}")
        if depth == 0:
            break
        at += 1
    comma, word = parser.tokens[max(at - 2, 0)], parser.tokens[max(at - 1, 0)]
    single = word.kind == "word" and len(word.text.rstrip("'")) == 1 and parser.scope.name(word.text) is None
    return word.text if single and comma.kind == "," and at - 2 > parser.at else None


def _arguments(parser: Cursor, function: str, opened: Token) -> tuple[tuple[Expr, ...], Options]:
    found: list[Expr] = []
    options: list[tuple[str, Expr]] = []
    known = FUNCTIONS[OF_ONE.get(function, function)].options
    fences, parser.fences = parser.fences, ""
    parser.lists += 1
    while parser.token.kind != ")":
        if parser.token.kind == "word" and parser.ahead().kind == "=" and known:
            options.append(_option(parser))
        else:
            found.append(parser.comparison())
        if parser.token.kind != ",":
            break
        parser.take()
    parser.expect(")", opened)
    parser.lists -= 1
    parser.fences = fences
    return tuple(found), tuple(options)


def _option(parser: Cursor) -> tuple[str, Expr]:
    """Option := word "=" (sum | "true" | "false")."""
    name = parser.take().text
    name = _OPTIONS.get(name, name)
    parser.take()
    token = parser.token
    if token.kind == "word" and token.text in _TRUTH:
        parser.take()
        truth = _TRUTH[token.text]
        return name, Num(Fraction(truth), str(truth), token.span)
    parser.deeper()
    value = parser.sum()
    parser.depth -= 1
    return name, value


def index_letters(names: Iterable[str]) -> frozenset[str]:
    """The letters that may stand for an index beside these names."""
    return frozenset(INDEX_LETTERS) - frozenset(names)


def from_library(parser: Cursor) -> Expr:
    """Library call := ("np" | "numpy" | …) "." [word "."] (function call | constant)."""
    parser.take()
    _dot(parser)
    while parser.token.text in _WITHIN and parser.ahead().kind == ".":
        parser.take()
        parser.take()
    word = parser.take()
    if word.text in CONSTANTS:
        return Call(word.text, (), (), word.span)
    return _applied(parser, word, ())


def method(parser: Cursor, expr: Expr) -> Expr:
    """Method := "." word "(" arguments ")": x.dot(y), X.sum(axis=0); y.log(p) is a product, as on paper."""
    _dot(parser)
    word = parser.token
    if word.text in _AS_IT_IS:
        opened = parser.expect("(", parser.take())
        while parser.token.text in _DTYPES or parser.token.kind == ".":
            parser.take()
        parser.expect(")", opened)
        return expr
    row = FUNCTIONS.get(ALIASES.get(word.text, ""))
    of_one = word.text not in _THEIRS and row is not None and row.elementwise and len(row.params) == 1
    if of_one and parser.ahead().kind == "(" and parser.ahead(2).kind != ")":
        factor = parser.unary()
        product = Call("mul", (expr, factor), (), expr.span.join(factor.span))
        return product if parser.choose(2) == 0 else Call("sum", (product,), (), product.span)
    return _applied(parser, parser.take(), (expr,))


def _dot(parser: Cursor) -> None:
    if not parser.scope.arrays:
        raise unknown_character(parser.source, parser.token.span.start)
    parser.take()


def _applied(parser: Cursor, word: Token, first: tuple[Expr, ...]) -> Expr:
    """A function of NumPy's on what stands before it and in brackets."""
    if word.text in _OF_LOGITS and not first:
        return _of_logits(parser, word)
    function = _THEIRS.get(word.text) or ALIASES.get(word.text)
    if function is None:
        parser.fail(
            f"{word.text} is not read", "write the operation with + - * / @ and the functions known here", word.span
        )
    opened = parser.expect("(", word)
    if function in ("subtract", "square"):
        found, _ = _arguments(parser, "mul", opened)
        return _written_out(parser, function, word, (*first, *found))
    arguments, options = _arguments(parser, function, opened)
    if function == "transpose" and len(first + arguments) == 3:  # X.transpose(0, 1): the two axes of a matrix
        arguments = () if first else arguments[:1]
    return checked(parser, function, word, (*first, *arguments), options)


def _of_logits(parser: Cursor, word: Token) -> Expr:
    """A loss of PyTorch's that takes logits."""
    squash, loss = _OF_LOGITS[word.text]
    arguments, options = _arguments(parser, loss, parser.expect("(", word))
    if arguments:
        arguments = (Call(squash, arguments[:1], (), arguments[0].span), *arguments[1:])
    return checked(parser, loss, word, arguments, options)


def _written_out(parser: Cursor, function: str, word: Token, arguments: tuple[Expr, ...]) -> Expr:
    """What our table has no name for: a difference, a square."""
    span = word.span.join(parser.tokens[parser.at - 1].span)
    if function == "square" and len(arguments) == 1:
        return Call("pow", (arguments[0], number(2)), (), span)
    if function == "subtract" and len(arguments) == 2:
        return Call("add", (arguments[0], Call("neg", (arguments[1],), (), arguments[1].span)), (), span)
    return parser.miscounted(word, arguments, "look at what it takes", span)


def entry(scope: Scope, token: Token) -> Expr | None:
    """Entry := name "_" letters: P_i, W_ij, δ_ij."""
    base, mark, below = token.text.rpartition("_")
    places = entry_places(below) if scope.arrays and mark else ()
    if not places:
        return None
    at: tuple[Expr, ...] = tuple(
        Num(Fraction(int(place)), place, token.span) if place.isdigit() else Name(place, token.span) for place in places
    )
    name = scope.name(base)
    if name is not None:
        return Index(Name(name, token.span), at, token.span)
    return Call("delta", at, (), token.span) if scope.function(base) == "delta" and len(at) == 2 else None


def entry_places(below: str) -> tuple[str, ...]:
    """The letters and digits of a subscript that names an entry: `i`, `ij`, `i, j`, `0`; none for any other."""
    if not _ENTRY.fullmatch(below.strip()):
        return ()
    return tuple(character for character in below if character.isalnum())
