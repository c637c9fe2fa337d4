"""The Pratt parser: one pass over the tokens of a formula.

Each method's docstring is its rule of the grammar. Where a spelling has more than one reading under the problem's
names, the parser takes the likelier one and notes in `taken` that it chose; a `script` makes it choose otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Index, Name, Num, Sum, names
from gradcheck_cli.functions import FUNCTIONS, QUERIES
from gradcheck_cli.parsing import arrays, calculus, complaints, fences
from gradcheck_cli.parsing.cursor import MAX_DEPTH, Cursor
from gradcheck_cli.parsing.higher import higher
from gradcheck_cli.parsing.lexer import BRACKET, MATRIX
from gradcheck_cli.parsing.runs import derivative_at, digits_listed, has_decimal_comma, numeral, splits
from gradcheck_cli.parsing.shifts import shifted

if TYPE_CHECKING:
    from gradcheck_cli.parsing.lexer import Token

_COMPARISONS = {"<": "lt", ">": "gt", "<=": "le", ">=": "ge", "==": "eq", "!=": "ne"}
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_OPERANDS = {"number", "word", "(", "[", "{", "√", "Σ", "⟨"}
_FENCES = "|‖"


class Parser(Cursor):
    """One pass over the tokens, from the top of the grammar down."""

    def formula(self) -> Expr:
        """Formula := comparison end."""
        if self.token.kind == "end":
            self.fail("there is no formula", "write an expression")
        expr = self.comparison()
        if self.token.kind != "end":
            complaints.left_over(self.source, self.token)
        complaints.check_depth(expr, self.source, MAX_DEPTH)
        return expr

    def comparison(self) -> Expr:
        """Comparison := sum [("<" | ">" | "<=" | ">=" | "==" | "!=") sum]."""
        self.deeper()
        left = self.sum()
        if self.token.kind in _COMPARISONS:
            function = _COMPARISONS[self.take().kind]
            right = self.sum()
            if self.token.kind in _COMPARISONS:
                self.fail("two comparisons in a row", "compare two values at a time")
            left = Call(function, (left, right), (), left.span.join(right.span))
        self.depth -= 1
        return left

    def sum(self) -> Expr:
        """Sum := product (("+" | "-") product)*."""
        terms = [self.product()]
        while self.token.kind in ("+", "-"):
            sign = self.take()
            term = self.product()
            if sign.kind == "-":
                term = Call("neg", (term,), (), sign.span.join(term.span))
            terms.append(term)
        return _nary("add", terms)

    def product(self) -> Expr:
        """Product := ["-" | "+"] unary (("*" | "/" | "@" | nothing) unary)*."""
        if self.token.kind in ("-", "+"):
            sign = self.take()
            self.deeper()
            inner = self.product()
            self.depth -= 1
            return inner if sign.kind == "+" else Call("neg", (inner,), (), sign.span.join(inner.span))
        factors = [self.unary()]
        while True:
            kind = self.token.kind
            if kind == "*":
                self.take()
                factors.append(self.unary())
            elif kind in ("/", "@"):
                self.take()
                left, right = _nary("mul", factors), self.unary()
                function = "div" if kind == "/" else "matmul"
                factors = [Call(function, (left, right), (), left.span.join(right.span))]
            elif self.starts_operand():
                factors[-1:] = calculus.beside(self, factors[-1])
            else:
                return _nary("mul", factors)

    def goes_on(self) -> bool:
        """Whether the product goes on here."""
        return self.token.kind in ("*", "/", "@") or self.starts_operand()

    def starts_operand(self) -> bool:
        """Whether the next token begins a factor written without an operator; a number never does."""
        kind = self.token.kind
        closes = kind in self.fences or (self.token.text == fences.TWO_BARS and "|" in self.fences)
        return (kind in _OPERANDS and kind != "number") or (kind in _FENCES and not closes)

    def unary(self) -> Expr:
        """Unary := ("-" | "+") unary | power."""
        if self.token.kind not in ("-", "+"):
            return self.power()
        sign = self.take()
        self.deeper()
        inner = self.unary()
        self.depth -= 1
        return inner if sign.kind == "+" else Call("neg", (inner,), (), sign.span.join(inner.span))

    def power(self, atom: Expr | None = None) -> Expr:
        """Power := postfix ["^" unary]; from the right: a^b^c is a^(b^c)."""
        base = self.postfix(atom)
        if self.token.kind != "^":
            return base
        self.take()
        if self.token.kind == "word" and self.token.text == "T" and not self.scope.name("T"):
            return Call("transpose", (base,), (), base.span.join(self.take().span))
        self.deeper()
        exponent = self.unary()
        self.depth -= 1
        return Call("pow", (base, exponent), (), base.span.join(exponent.span))

    def postfix(self, atom: Expr | None = None) -> Expr:
        """Postfix := atom (".T" | "." method | raised digits | "[" indices "]")*."""
        expr = self.atom() if atom is None else atom
        while True:
            token = self.token
            if token.kind == "T":
                self.take()
                expr = Call("transpose", (expr,), (), expr.span.join(token.span))
            elif token.kind == ".":
                expr = arrays.method(self, expr)
            elif token.kind == "power":
                self.take()
                expr = self.raised(expr, token)
            elif (
                token.kind == "["
                and not token.gap
                and token.text not in (BRACKET, MATRIX)
                and (_indexable(expr) or self.entry_of(expr))
            ):
                expr = self.index(expr)
            elif token.kind == "'":
                expr = calculus.prime(self, expr)
            else:
                return expr

    def entry_of(self, expr: Expr) -> bool:
        """Whether brackets right behind an expression hold an index: beside arrays, unless they hold a comparison."""
        if not self.scope.arrays or isinstance(expr, Num):
            return False
        depth = 0
        for token in self.tokens[self.at :]:
            depth += (token.kind in "([{") - (token.kind in ")]}")
            if depth == 0 or token.kind in _COMPARISONS:
                return token.kind not in _COMPARISONS
        return False

    def raised(self, base: Expr, token: Token) -> Expr:
        digits = token.text.lstrip("+-")
        if not digits.isdigit() or "-" in token.text[1:] or len(digits) > 3:
            self.fail(f'"{token.text}" is no exponent', "write ^ and the exponent", token.span)
        exponent: Expr = Num(Fraction(int(digits)), digits, token.span)
        if token.text.startswith("-"):
            exponent = Call("neg", (exponent,), (), token.span)
        return Call("pow", (base, exponent), (), base.span.join(token.span))

    def index(self, base: Expr) -> Expr:
        """Index := base "[" sum ("," sum)* "]"."""
        opened = self.take()
        indices = self.arguments("]", opened)
        if not indices:
            self.fail("the index is empty", "write a[0] or a[i, j]", opened.span)
        end = self.tokens[self.at - 1].span
        return Index(base, calculus.counted_from_one(self, opened, indices), base.span.join(end))

    def atom(self) -> Expr:
        """Atom := number | name | call | derivative | group | fenced | "√" postfix."""
        token = self.token
        match token.kind:
            case "number":
                return self.number()
            case "word":
                return self.word()
            case "(" | "{" | "[":
                return self.group()
            case "|" | "‖" | "⟨":
                return fences.fenced(self)
            case "Σ":
                return self.sum_over()
            case "√":
                self.take()
                self.deeper()
                inner = self.postfix()
                self.depth -= 1
                return Call("sqrt", (inner,), (), token.span.join(inner.span))
        before = self.tokens[self.at - 1] if self.at else None
        return complaints.no_operand(self.source, token, before)

    def sum_over(self) -> Expr:
        """Sum over a letter := "Σ" product; of an array without that letter as an index, over all its entries."""
        sign, scope = self.take(), self.scope
        self.scope = replace(scope, indices=scope.indices | {sign.text})
        self.deeper()
        body = self.product()
        self.depth -= 1
        self.scope = scope
        span = sign.span.join(body.span)
        return Sum(body, sign.text, span) if sign.text in names(body) else Call("sum", (body,), (), span)

    def number(self) -> Expr:
        """Number := digits; a decimal comma where no list can be meant; thousands in groups of three."""
        found, behind = numeral(self.tokens, self.at, listed=self.lists > 0)
        while self.at < behind:
            self.take()
        if len(found) > 1 and has_decimal_comma(self.source.text):
            found = found[::-1]
        return found[self.choose(len(found)) if len(found) > 1 else 0]

    def group(self) -> Expr:
        """Group := "(" comparison ["?"] ")" | "{" sum "}" | "[" comparison "]" | "[" comparison ("," comparison)* "]"."""
        opened = self.take()
        outer, self.fences = self.fences, ""
        lists = self.lists
        two = self.scope.arrays and not lists and digits_listed(self.tokens, self.at)  # (1,2) may be 1.2 as well
        self.lists = lists + (opened.kind == "[" or (two and self.choose(2) == 0))
        expr = self.comparison()
        listed = opened.kind == "[" or (opened.text == "(" and self.scope.arrays)  # (1, 2)^T is a vector
        items = self.listed(expr, rows=opened.kind == "[") if listed else [expr]
        if self.token.kind == "=":  # an indicator: 1[i = k]
            self.take()
            expr = Call("eq", (expr, self.sum()), (), expr.span)
        if self.token.kind == "?":
            self.take()
        closed = self.expect(_CLOSING[opened.kind], opened)
        self.fences, self.lists = outer, lists
        compared = isinstance(expr, Call) and expr.function in _COMPARISONS.values()
        if (opened.kind != "[" and len(items) == 1) or (len(items) == 1 and (compared or opened.text == BRACKET)):
            return expr
        if not self.scope.arrays:
            hint = "[…] around a comparison is 1 or 0; use ( ) to group"
            self.fail("brackets [ ] stand around a value", hint, opened.span)
        return Call("array", tuple(items), (), opened.span.join(closed.span))

    def listed(self, first: Expr, *, rows: bool) -> list[Expr]:
        """Entries := comparison (("," | ";") comparison)*; in square brackets a semicolon ends a row: [1, 2; 3, 4]."""
        found = [[first]]
        while self.token.kind in (",", ";"):
            if self.take().kind == ";" and rows:
                found.append([])
            found[-1].append(self.comparison())
        if len(found) == 1:
            return found[0]
        return [Call("array", tuple(row), (), row[0].span.join(row[-1].span)) for row in found]

    def arguments(self, closing: str, opened: Token) -> tuple[Expr, ...]:
        """Arguments := [comparison ("," comparison)*]."""
        found: list[Expr] = []
        outer, self.fences = self.fences, ""
        self.lists += 1
        while self.token.kind != closing:
            found.append(self.comparison())
            if self.token.kind != ",":
                break
            self.take()
        self.expect(closing, opened)
        self.lists -= 1
        self.fences = outer
        return tuple(found)

    def word(self) -> Expr:
        """Word := name | function call | query | derivative | constant | letters of a product."""
        token = self.token
        if derivative := self.derivative():
            return derivative
        if token.text in arrays.LIBRARIES and self.ahead().kind == "." and self.scope.name(token.text) is None:
            return arrays.from_library(self)
        name = self.scope.name(token.text)
        opens = self.ahead().kind == "("
        if opens and token.text in QUERIES and (name is None or QUERIES[token.text][0] == 2):
            return self.query()
        if name is not None:
            self.take()
            return self.notation(Name(name, token.span))
        function = self.scope.function(token.text)
        if function and FUNCTIONS[function].params:
            self.take()
            return self.call(function, token)
        if self.scope.piece(token.text):
            return self.piece(self.take())
        return calculus.activation(self) or self.run()

    def derivative(self) -> Expr | None:
        """Derivative := "d" name "/" "d" name, also with ∂ | operator; "d" name alone where there may be a differential."""
        for read in (calculus.operator, calculus.quotient, higher, calculus.of_expression):
            if applied := read(self):
                return applied
        found = derivative_at(self.scope, self.tokens, self.at)
        if found is None:
            return None
        self.at = found[1]
        return found[0]

    def query(self) -> Expr:
        """Query := ("d" | "local" | "upstream" | …) "(" arguments ")"."""
        word, opened = self.take(), self.take()
        arguments = self.arguments(")", opened)
        least, most = QUERIES[word.text]
        span = word.span.join(self.tokens[self.at - 1].span)
        if word.text == "step" and len(arguments) == 1:
            return Call("step", arguments, (), span)
        if word.text == "d" and len(arguments) == 1 and self.scope.differentials:
            return Call("differential", arguments, (), span)
        if not least <= len(arguments) <= most:
            wanted = f"{least}" if least == most else f"{least} or {most}"
            self.miscounted(word, arguments, f"{word.text} takes {wanted}", span)
        return Call(word.text, arguments, (), span)

    def notation(self, name: Name) -> Expr:
        """Name [ "(" ancestors ")" ]: a(x0) is notation for a, or else a product; P(y = j) is an entry of P."""
        if (entry := calculus.probability(self, name)) is not None:
            return entry
        if self.token.kind != "(" or not (above := self.scope.ancestors.get(name.id)):
            return name
        if (elsewhere := shifted(self, name, above)) is not None:
            return elsewhere
        at, found = self.at + 1, 0
        while self.tokens[at].kind == "word" and self.scope.name(self.tokens[at].text) in above:
            found += 1
            at += 2
            if self.tokens[at - 1].kind != ",":
                break
        if not found or self.tokens[at - 1].kind != ")" or (found == 1 and self.choose(2) == 1):
            return name
        self.at = at
        return Name(name.id, name.span.join(self.tokens[at - 1].span))

    def call(self, function: str, word: Token) -> Expr:
        """Call := function ["'"] ["^" number] ("(" arguments ")" | letters and numbers up to the next sign)."""
        primed = calculus.primed_function(self, word)
        raised = calculus.exponent_of_function(self)
        if self.token.kind == "(":
            called = arrays.call(self, function, word)
            called = Call("prime", (called,), (), called.span) if primed else called
        else:
            argument = self.bare_argument(word)
            called = arrays.checked(self, function, word, (argument,), ())
        return self.raised(called, raised) if raised else called

    def bare_argument(self, word: Token) -> Expr:
        """Argument without brackets := ["-"] (number | name)+: log 2 a b, up to the next sign."""
        self.deeper()
        minus = self.take() if self.token.kind == "-" else None
        factors: list[Expr] = []
        if self.token.kind == "number":
            factors.append(self.power())
        while self.token.kind == "word" and (
            self.scope.piece(self.token.text) or not self.scope.function(self.token.text)
        ):
            factors.append(self.power())
        if not factors and self.token.kind in ("|", "‖", "√", "{", "word"):
            factors.append(self.power())
        if not factors:
            self.fail(f"{word.text} has no argument", f"write {word.text}(…)", word.span)
        self.depth -= 1
        argument = _nary("mul", factors)
        return Call("neg", (argument,), (), minus.span.join(argument.span)) if minus else argument

    def run(self) -> Expr:
        """Letters written together := the product of the fewest names that spell them."""
        token = self.take()
        if entry := arrays.entry(self.scope, token):
            return entry
        found = splits(self.scope, token)
        if not found:
            complaints.unknown(self.source, token, self.scope)
        *factors, last = found[self.choose(len(found)) if len(found) > 1 else 0]
        function = None if self.scope.piece(last.text) else self.scope.function(last.text)  # z e^-z
        end = self.power(self.piece(last)) if function is None else self.call(function, last)  # cx^2 is c*x^2
        return _nary("mul", [*(self.piece(piece) for piece in factors), end])

    def piece(self, token: Token) -> Expr:
        if constant := self.scope.constant(token.text):
            return Call(constant, (), (), token.span)
        return Name(self.scope.name(token.text) or token.text, token.span)


def _nary(function: str, parts: list[Expr]) -> Expr:
    if len(parts) == 1:
        return parts[0]
    return Call(function, tuple(parts), (), parts[0].span.join(parts[-1].span))


def _indexable(expr: Expr) -> bool:
    if isinstance(expr, Call):
        row = FUNCTIONS.get(expr.function)
        return expr.function in QUERIES or expr.function == "transpose" or (row is not None and not row.elementwise)
    return isinstance(expr, Name | Index)
