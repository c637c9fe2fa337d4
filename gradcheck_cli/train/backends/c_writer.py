"""What the C of a program is written with: operands in memory, numbers, loops over entries."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.train.backends.memory import stride
from gradcheck_cli.train.programs.program import LANES, whole

if TYPE_CHECKING:
    from gradcheck_cli.train.programs.ir import Shape
    from gradcheck_cli.train.programs.program import Program, Ref

_EACH = '_Pragma("GCC ivdep") for'


@dataclass(frozen=True, slots=True)
class Place:
    """An operand in C: entry (i, j) is at text[i*row + j*column]; `room` is how far a row may be written."""

    text: str
    rows: int
    columns: int
    row: int
    column: int
    room: int

    def at(self, i: str, j: str) -> str:
        """An entry."""
        parts = [f"{i} * {self.row}"] * (self.row != 0) + ([f"{j} * {self.column}"] if self.column else [])
        return f"{self.text}[{' + '.join(parts) or '0'}]"

    @property
    def spread(self) -> bool:
        """Whether it has more than one entry."""
        return self.rows > 1 or self.columns > 1

    def like(self, other: Place) -> bool:
        """Whether entry for entry lies as far from the first as in the other."""
        mine = (self.rows, self.columns, self.row, self.column)
        return mine == (other.rows, other.columns, other.row, other.column)


@dataclass(slots=True)
class Writer:
    """Collects the C of a program; `names` are the pointers by kind and key.

    `many` and `few` are the numbers of rows of its products by tiles and by passes, `terms` those of its outer products.
    """

    program: Program
    dtype: str
    lines: list[str] = field(default_factory=list)
    names: dict[tuple[str, Any], str] = field(default_factory=dict)
    scratch: int = LANES
    many: set[int] = field(default_factory=set)
    few: set[int] = field(default_factory=set)
    terms: set[int] = field(default_factory=set)

    def number(self, value: float) -> str:
        """A literal."""
        if not math.isfinite(value):
            message = "a number of the graph is not finite"
            raise UnsupportedError(message)
        return f"((R){value!r})"

    def place(self, ref: Ref) -> Place:
        """Where an operand lies; UnsupportedError for more than two axes."""
        if ref.kind == "uniform":
            name, coefficient = ref.key
            value = self.names["uniform", ref.key] if name else self.number(coefficient)
            return Place(value, 1, 1, 0, 0, 0)
        rows, columns, step = layout(ref.shape, ref.kind)
        base = layout(ref.base, ref.kind)
        if (rows, columns, step) != base:
            solid = base[2] == base[1] or base[0] == 1
            if not solid or not (step == columns or rows == 1):
                message = "an array is read in another shape than it was written in"
                raise UnsupportedError(message)
        room = step if ref.kind in ("buffer", "param", "state") and columns > 1 else columns
        if rows == 1 and ref.kind not in {"feed", "record"}:
            room = whole(columns)
        return Place(
            self.names[ref.kind, ref.key], rows, columns, step if rows > 1 else 0, 1 if columns > 1 else 0, room
        )

    def loop(self, out: Place, operands: list[Place], statements: list[str], *, still: bool) -> None:
        """Statements for every entry (@i, @j) of a place, and zeros behind its last column.

        `still`: zeros give zero, so what lies behind the columns needs no care. Where all that is read lies like what is
        written, one loop goes over everything: it has no ends of rows, runs faster and is compiled in half the time.
        """
        spread = [one for one in operands if one.spread]
        if not all(one.like(out) for one in spread):
            self._nested(out, statements)
            return
        count, index = out.rows * (out.row or out.columns), ("0", "n")
        if out.columns == 1:
            index = ("n", "0")
        elif out.rows == 1 and still and all(one.room == out.room for one in spread):
            count = out.room
        self.lines.append(f"{_EACH} (long n = 0; n < {count}; n++) {{ {_entry(statements, *index)} }}")
        if not still or count < out.rows * out.room:
            self.clear(out)

    def across(self, out: Place, statement: str) -> None:
        """A statement for every entry (@i, @j) of a place, row by row, and zeros behind its last column."""
        self._nested(out, [statement])

    def _nested(self, out: Place, statements: list[str]) -> None:
        head = f"for (long i = 0; i < {out.rows}; i++) {{ {_EACH} (long j = 0; j < {out.columns}; j++)"
        self.lines.append(f"{head} {{ {_entry(statements, 'i', 'j')} }} }}")
        self.clear(out)

    def clear(self, out: Place) -> None:
        """Zeros behind the last column."""
        if out.room > out.columns:
            size = f"{out.room - out.columns} * sizeof(R)"
            each = f"for (long i = 0; i < {out.rows}; i++) " if out.rows > 1 else ""
            row = f" + i * {out.row}" if out.rows > 1 else ""
            self.lines.append(f"{each}memset({out.text}{row} + {out.columns}, 0, {size});")


def _entry(statements: list[str], i: str, j: str) -> str:
    return " ".join(statements).replace("@i", i).replace("@j", j)


def layout(shape: Shape, kind: str) -> tuple[int, int, int]:
    """How an array lies: (rows, columns, numbers from row to row)."""
    if len(shape) > 2:
        message = "arrays of more than two axes have no place in the compiled program"
        raise UnsupportedError(message)
    rows, columns = shape if len(shape) == 2 else (1, math.prod(shape))
    return rows, columns, columns if kind in ("feed", "record") else stride(shape) if len(shape) == 2 else columns
