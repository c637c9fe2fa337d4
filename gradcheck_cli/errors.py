"""Every exception of the package; nothing else in it raises to its caller.

    GradcheckError
    ├── FileError            a file that is missing, unreadable, too large, of the wrong kind
    ├── ParseError           text that is no expression, claim or YAML
    ├── ProblemError         a problem file that is not valid; holds all its errors
    ├── ShapeError           operands whose shapes do not fit
    ├── UnsupportedError     right mathematics that this program does not do
    ├── DataError            training data or a model file that is damaged
    └── DisagreementError    the witnesses differ: our fault

A wrong answer is never an exception, it is a verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gradcheck_cli.source import Source, Span


class GradcheckError(Exception):
    """What is wrong, what would be right (`hint`), and where (`source`, `span`)."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        source: Source | None = None,
        span: Span | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.source = source
        self.span = span

    def __str__(self) -> str:
        """One line: `file:line:column: what is wrong; what would be right`."""
        place = ""
        if self.source is not None:
            place = f"{self.source.place(self.span)}: "
        return place + self.message + (f"; {self.hint}" if self.hint else "")


class FileError(GradcheckError):
    """A file that is missing, unreadable, too large or of the wrong kind."""


class ParseError(GradcheckError):
    """Text that is no expression, no claim or no YAML."""


OPERANDS, ROWS, LETTERS, SUMS = "operands", "rows", "letters", "sums"


class ShapeError(GradcheckError):
    """Operands whose shapes do not fit; the message names both.

    `what` does not fit: two operands, the rows of an array, index letters, the letter of a sum; empty for anything else.
    """

    def __init__(
        self,
        message: str,
        *,
        what: str = "",
        hint: str = "",
        source: Source | None = None,
        span: Span | None = None,
    ) -> None:
        super().__init__(message, hint=hint, source=source, span=span)
        self.what = what


class UnsupportedError(GradcheckError):
    """Right mathematics that this program does not do."""


class DataError(GradcheckError):
    """Training data or a model file that is damaged or foreign."""


class DisagreementError(GradcheckError):
    """The witnesses differ on a derivative; the message has all numbers."""


class ProblemError(GradcheckError):
    """A problem file that is not valid. `errors` holds every one found, in file order."""

    def __init__(self, errors: Iterable[GradcheckError]) -> None:
        self.errors = tuple(errors)
        first = self.errors[0]
        super().__init__(first.message, hint=first.hint, source=first.source, span=first.span)

    def __str__(self) -> str:
        """A line for each error."""
        return "\n".join(str(error) for error in self.errors)
