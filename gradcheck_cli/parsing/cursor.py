"""Where a parser stands in its tokens: what comes next, what is expected, which way it chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from gradcheck_cli.errors import ParseError

if TYPE_CHECKING:
    from gradcheck_cli.expr import Expr
    from gradcheck_cli.parsing.lexer import Token
    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.source import Source, Span

MAX_DEPTH = 100  # of an expression
MAX_LEVELS = 60  # of brackets and signs: each takes up to 12 of the 1000 calls that Python nests


class Cursor:
    """One pass over the tokens; `script` says which way to go at each ambiguous place."""

    def __init__(self, source: Source, scope: Scope, script: tuple[int, ...], tokens: tuple[Token, ...]) -> None:
        self.source = source
        self.scope = scope
        self.script = script
        self.taken: list[tuple[int, int]] = []
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.fences = ""  # the signs | and ‖ that are open here
        self.lists = 0
        self.calls: bool | None = None  # whether f(x + h) takes f at another place here, once that is chosen

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def ahead(self, distance: int = 1) -> Token:
        return self.tokens[min(self.at + distance, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.token
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def choose(self, options: int) -> int:
        """Which of several readings to take here."""
        place = len(self.taken)
        choice = self.script[place] if place < len(self.script) else 0
        self.taken.append((choice, options))
        return choice

    def fail(self, message: str, hint: str = "", span: Span | None = None) -> NoReturn:
        raise ParseError(message, hint=hint, source=self.source, span=span or self.token.span)

    def miscounted(self, word: Token, arguments: tuple[Expr, ...], hint: str, span: Span) -> NoReturn:
        """Fail for a call with too few or too many arguments."""
        count = "1 argument" if len(arguments) == 1 else f"{len(arguments)} arguments"
        self.fail(f"{word.text}(…) has {count}", hint, span)

    def expect(self, kind: str, opened: Token) -> Token:
        if self.token.kind == kind:
            return self.take()
        if self.token.kind == "end":
            self.fail(f'"{opened.text}" is never closed', f'add "{kind}"', opened.span)
        if self.token.kind == ",":
            self.fail('"," stands where no list can be', "write one value, decimals with a point")
        return self.fail(f'"{self.token.text}" stands where "{kind}" should close "{opened.text}"')

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_LEVELS:
            self.fail(f"the formula is nested more than {MAX_LEVELS} deep", "give its parts names")

    def comparison(self) -> Expr:
        """The grammar's rule of that name."""
        raise NotImplementedError

    def product(self) -> Expr:
        """The grammar's rule of that name."""
        raise NotImplementedError

    def unary(self) -> Expr:
        """The grammar's rule of that name."""
        raise NotImplementedError

    def goes_on(self) -> bool:
        """Whether another factor of the product follows."""
        raise NotImplementedError

    def sum(self) -> Expr:
        """The grammar's rule of that name."""
        raise NotImplementedError

    def postfix(self, atom: Expr | None = None) -> Expr:
        """The grammar's rule of that name."""
        raise NotImplementedError

    def group(self) -> Expr:
        """The grammar's rule of that name."""
        raise NotImplementedError

    def index(self, base: Expr) -> Expr:
        """The grammar's rule of that name."""
        raise NotImplementedError

    def arguments(self, closing: str, opened: Token) -> tuple[Expr, ...]:
        """The grammar's rule of that name."""
        raise NotImplementedError
