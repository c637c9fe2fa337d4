"""A program of numbers as C without a loop: it reads and writes one array of doubles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.train.backends import c_kernels
from gradcheck_cli.train.backends.c_source import FORMULAS

if TYPE_CHECKING:
    from gradcheck_cli.train.programs.program import Program, Ref

_EXACT = {"tanh": "tanh(a)", "softplus": "(a > 0 ? a : a * 0) + log1p(exp(-fabs(a)))", "node": "a"}


def scalar_source(program: Program, leaves: tuple[str, ...]) -> str:
    """The function gradcheck_point(m): m holds the leaves, and gets the records behind them, each in its order.

    Raises UnsupportedError for what has no formula.
    """
    places = {("param", name): at for at, name in enumerate(leaves)}
    places |= {("record", name): at for at, name in enumerate(program.records, len(leaves))}
    lines = [f"double b{at};" for at in range(len(program.buffers))]
    formulas = FORMULAS | _EXACT | {"record": "a"}
    for one in program.instructions:
        if one.op not in formulas:
            message = f"{one.op} has no place in a compiled program of numbers"
            raise UnsupportedError(message)
        operands = zip("abc", one.args, strict=False)
        bound = " ".join(f"const R {letter} = {_entry(ref, places)};" for letter, ref in operands)
        lines.append(f"{{ {bound} {_entry(one.out, places)} = {formulas[one.op]}; }}")
    head = [
        "#include <math.h>",
        "typedef double R;",
        "#define INLINE static inline",
        c_kernels.DOUBLE,
        c_kernels.FUNCTIONS,
    ]
    return "\n".join([*head, "void gradcheck_point(double *restrict m) {", *lines, "}", ""])


def _entry(ref: Ref, places: dict[tuple[str, str], int]) -> str:
    if ref.kind == "buffer":
        return f"b{ref.key}"
    if ref.kind == "uniform":
        if ref.key[0] or not math.isfinite(ref.key[1]):
            message = "a number of the graph is not finite"
            raise UnsupportedError(message)
        return repr(ref.key[1])
    return f"m[{places[ref.kind, ref.key]}]"
