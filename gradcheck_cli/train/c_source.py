"""A program as C: one function that does a number of steps, every size a constant."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.train import c_kernels
from gradcheck_cli.train.arrays import stride
from gradcheck_cli.train.program import LANES

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcheck_cli.train.ir import Shape
    from gradcheck_cli.train.program import Instruction, Program, Ref


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


@dataclass(slots=True)
class Writer:
    """Collects the C of a program; `names` are the pointers by kind and key."""

    program: Program
    dtype: str
    lines: list[str] = field(default_factory=list)
    names: dict[tuple[str, Any], str] = field(default_factory=dict)
    scratch: int = LANES

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
        rows, columns, step = _layout(ref.shape, ref.kind)
        base = _layout(ref.base, ref.kind)
        if (rows, columns, step) != base:
            solid = base[2] == base[1] or base[0] == 1
            if not solid or not (step == columns or rows == 1):
                message = "an array is read in another shape than it was written in"
                raise UnsupportedError(message)
        room = step if ref.kind in ("buffer", "param", "state") and columns > 1 else columns
        if rows == 1 and ref.kind not in {"feed", "record"}:
            room = -(-columns // LANES) * LANES
        return Place(
            self.names[ref.kind, ref.key], rows, columns, step if rows > 1 else 0, 1 if columns > 1 else 0, room
        )

    def loop(self, out: Place, statements: list[str]) -> None:
        """Statements for every entry of a place, and zeros behind its last column."""
        if out.rows == 1 or out.row == out.columns:
            count = out.rows * out.columns
            inside = [one.replace("@i", "0").replace("@j", "n") if out.rows == 1 else one for one in statements]
            if out.rows == 1:
                self.lines.append(f'_Pragma("GCC ivdep") for (long n = 0; n < {count}; n++) {{ {" ".join(inside)} }}')
                self.clear(out)
                return
        head = f'for (long i = 0; i < {out.rows}; i++) {{ _Pragma("GCC ivdep") for (long j = 0; j < {out.columns}; j++) {{ '
        self.lines.append(head + " ".join(one.replace("@i", "i").replace("@j", "j") for one in statements) + " } }")
        self.clear(out)

    def clear(self, out: Place) -> None:
        """Zeros behind the last column."""
        if out.room > out.columns:
            size = f"{out.room - out.columns} * sizeof(R)"
            self.lines.append(
                f"for (long i = 0; i < {out.rows}; i++) memset({out.text} + i * {out.row} + {out.columns}, 0, {size});"
            )


def _layout(shape: Shape, kind: str) -> tuple[int, int, int]:
    """(rows, columns, numbers from row to row)."""
    if len(shape) > 2:
        message = "arrays of more than two axes have no place in the compiled program"
        raise UnsupportedError(message)
    rows, columns = shape if len(shape) == 2 else (1, math.prod(shape))
    return rows, columns, columns if kind in ("feed", "record") else stride(shape) if len(shape) == 2 else columns


def source(program: Program, dtype: str) -> tuple[str, int]:
    """The C of a program, and how many numbers of scratch memory it needs."""
    writer = Writer(program, dtype)
    groups = (
        ("feed", program.feeds),
        ("param", program.params),
        ("state", program.states),
        ("record", program.records),
    )
    opening = []
    for kind, named in groups:
        for at, (name, shape) in enumerate(named.items()):
            writer.names[kind, name] = f"{kind}{at}"
            step = f" + s * {math.prod(shape)}" if kind in ("feed", "record") else ""
            const = "const " if kind == "feed" else ""
            opening.append(f"{const}R *restrict {kind}{at} = {kind}s[{at}]{step};")
    for at in range(len(program.buffers)):
        writer.names["buffer", at] = f"buffer{at}"
        opening.append(f"R *restrict buffer{at} = __builtin_assume_aligned(buffers[{at}], 64);")
    opening += _scalars(program, writer)
    for one in program.instructions:
        if one.op not in _RULES:
            message = f"{one.op} has no place in the compiled program"
            raise UnsupportedError(message)
        _RULES[one.op](writer, one)
    functions = c_kernels.FLOAT if dtype == "float32" else c_kernels.DOUBLE
    real = "float" if dtype == "float32" else "double"
    parts = [f"typedef {real} R;", c_kernels.PRELUDE, functions, c_kernels.FUNCTIONS, c_kernels.product()]
    head = (
        "void gradcheck_run(long steps, R **feeds, R **params, R **states, R **buffers, R **records, double **scalars,"
    )
    body = [head + " R *panel) {", "for (long s = 0; s < steps; s++) {", *opening, *writer.lines, "}", "(void)panel; }"]
    return "\n".join([*parts, *body, ""]), writer.scratch


def _scalars(program: Program, writer: Writer) -> list[str]:
    found: list[str] = []
    for one in program.instructions:
        for ref in one.args:
            if ref.kind == "uniform" and ref.key[0] and ("uniform", ref.key) not in writer.names:
                name = f"u{len(found)}"
                writer.names["uniform", ref.key] = name
                at = program.scalars.index(ref.key[0])
                found.append(f"const R {name} = (R)({ref.key[1]!r} * scalars[{at}][s]);")
    return found


def _elementwise(formula: str) -> Callable[[Writer, Instruction], None]:
    """A rule from a formula in a, b, c."""

    def rule(writer: Writer, one: Instruction) -> None:
        out = writer.place(one.out)
        args = []
        for ref in one.args:
            place = writer.place(ref)
            args.append(place.text if ref.kind == "uniform" else place.at("@i" if place.rows > 1 else "0", "@j"))
        names = "abc"[: len(args)]
        bound = " ".join(f"R {name} = {arg};" for name, arg in zip(names, args, strict=True))
        writer.loop(out, [f"{{ {bound} {out.at('@i', '@j')} = {formula}; }}"])

    return rule


def _matmul(writer: Writer, one: Instruction) -> None:
    out, left, right = writer.place(one.out), writer.place(one.args[0]), writer.place(one.args[1])
    if "uniform" in {ref.kind for ref in one.args[:2]}:
        message = "a product with a constant matrix has no place in the compiled program"
        raise UnsupportedError(message)
    left_t, right_t, alpha, beta = (one.attrs[name] for name in ("left_t", "right_t", "alpha", "beta"))
    rows, columns = out.rows, out.columns
    inner = left.rows if left_t else left.columns
    lda = left.row or left.columns
    start = writer.place(one.args[2]) if len(one.args) == 3 else None
    numbers = f"{writer.number(alpha)}, {writer.number(beta)}"
    if right_t and rows == 1 and not left_t and start is None:
        _row_of_dots(writer, out, left, right, inner, one)
        return
    width, b, ldb = _right(writer, right, columns, inner, transposed=right_t)
    if not _fits(out, width):
        message = "a product's rows have no room for whole vectors"
        raise UnsupportedError(message)
    begin = f"{start.text}" if start else "0"
    writer.scratch = max(writer.scratch, 2 * 16 * inner + inner * width * (1 if right_t else 0))
    if left_t and inner <= c_kernels.FEW and not start:
        writer.lines.append(
            f"outer_{inner}({rows}, {width}, {left.text}, {lda}, {b}, {ldb}, {out.text}, {out.row}, {numbers});"
        )
    elif not left_t and rows <= c_kernels.FEW:
        writer.lines.append(
            f"gemm_few({rows}, {width}, {inner}, {left.text}, {lda}, {b}, {ldb}, {out.text}, {out.row}, {begin}, {numbers});"
        )
    else:
        steps = f"1, {lda}" if left_t else f"{lda}, 1"
        writer.lines.append(
            f"gemm({rows}, {width}, {inner}, {left.text}, {steps}, {b}, {ldb}, {out.text}, {out.row}, {begin}, {numbers},"
            f" panel);"
        )


def _fits(out: Place, width: int) -> bool:
    return out.room >= width


def _right(writer: Writer, right: Place, columns: int, inner: int, *, transposed: bool) -> tuple[int, str, int]:
    """(width in whole vectors, text, numbers from row to row) of a right operand; a transposed one is copied first."""
    width = -(-columns // LANES) * LANES
    if not transposed and right.room >= width:
        return width, right.text, right.row or width
    shift = 2 * 16 * inner
    text = f"(panel + {shift})"
    writer.scratch = max(writer.scratch, shift + inner * width)
    entry = right.at("j", "k") if transposed else right.at("k", "j")
    writer.lines.append(
        f"for (long k = 0; k < {inner}; k++) memset({text} + k * {width} + {columns}, 0, {width - columns} * sizeof(R));"
    )
    if transposed:  # by blocks: both sides stay in the cache
        writer.lines.append(
            f"for (long jj = 0; jj < {columns}; jj += 16) for (long k = 0; k < {inner}; k++) "
            f"for (long j = jj; j < (jj + 16 < {columns} ? jj + 16 : {columns}); j++) {text}[k * {width} + j] = {entry};"
        )
    else:
        writer.lines.append(
            f"for (long k = 0; k < {inner}; k++) for (long j = 0; j < {columns}; j++) {text}[k * {width} + j] = {entry};"
        )
    return width, text, width


def _row_of_dots(writer: Writer, out: Place, left: Place, right: Place, inner: int, one: Instruction) -> None:
    """One row times a transposed matrix: copying the matrix first would cost more than the product."""
    alpha, beta = one.attrs["alpha"], one.attrs["beta"]
    total = f"{out.text}[j]"
    begin = f"{writer.number(beta)} * {total}" if beta else "0"
    writer.lines.append(f"for (long j = 0; j < {out.columns}; j++) {total} = {begin};")
    writer.lines.append(
        f"for (long k = 0; k < {inner}; k++) {{ const R g = {writer.number(alpha)} * {left.text}[k]; "
        f'_Pragma("GCC ivdep") for (long j = 0; j < {out.columns}; j++) {total} += g * {right.at("j", "k")}; }}'
    )
    writer.clear(out)


def _sum(writer: Writer, one: Instruction) -> None:
    out, place = writer.place(one.out), writer.place(one.args[0])
    alpha, beta = writer.number(one.attrs["alpha"]), one.attrs["beta"]
    axes = one.attrs["axes"]
    rank = len(one.args[0].shape)
    down = rank == 2 and axes == (0,)
    across = rank == 2 and axes == (1,)
    begin = f"{writer.number(beta)} * x" if beta else "0"
    if down:
        target = f"{out.text}[j]"
        writer.lines.append(
            f"for (long j = 0; j < {place.columns}; j++) {{ R x = {target}; {target} = {begin}; (void)x; }}"
        )
        writer.lines.append(
            f'for (long i = 0; i < {place.rows}; i++) {{ _Pragma("GCC ivdep") for (long j = 0; j < {place.columns}; j++) '
            f"{target} += {alpha} * {place.at('i', 'j')}; }}"
        )
    else:
        target = f"{out.text}[i]" if across else f"{out.text}[0]"
        outer = place.rows if across else 1
        row = "i" if across else "k"
        writer.lines.append(
            f"for (long i = 0; i < {outer}; i++) {{ R sum = 0; for (long k = 0; k < {1 if across else place.rows}; k++) "
            f"for (long j = 0; j < {place.columns}; j++) sum += {place.at(row, 'j')}; "
            f"R x = {target}; {target} = {begin} + {alpha} * sum; (void)x; }}"
        )
    if down and out.room > place.columns:
        writer.clear(Place(out.text, 1, place.columns, 0, 1, out.room))


def _softmax(writer: Writer, one: Instruction) -> None:
    out, place = writer.place(one.out), writer.place(one.args[0])
    if one.attrs["axis"] != len(one.out.shape) - 1 and out.columns != 1:
        message = "softmax along columns has no place in the compiled program"
        raise UnsupportedError(message)
    rows, columns = (out.rows, out.columns) if one.attrs["axis"] == len(one.out.shape) - 1 else (1, out.rows)
    step_in, step_out = (place.row, out.row) if rows > 1 else (0, 0)
    lines = [
        f"for (long i = 0; i < {rows}; i++) {{ const R *x = {place.text} + i * {step_in}; R *y = {out.text} + i * {step_out};",
        f"R top = x[0]; for (long j = 1; j < {columns}; j++) top = x[j] > top ? x[j] : top;",
        f"R sum = 0; R e[{columns}]; for (long j = 0; j < {columns}; j++) e[j] = g_exp(x[j] - top);",
        f"for (long j = 0; j < {columns}; j++) sum += e[j];",
    ]
    if one.op == "softmax":
        lines.append(f"R over = (R)1 / sum; for (long j = 0; j < {columns}; j++) y[j] = e[j] * over; }}")
    else:
        lines.append(f"R low = top + (R)log((double)sum); for (long j = 0; j < {columns}; j++) y[j] = x[j] - low; }}")
    writer.lines.append(" ".join(lines))
    writer.clear(out)


def _axpby(writer: Writer, one: Instruction) -> None:
    out, place = writer.place(one.out), writer.place(one.args[0])
    alpha, beta = writer.number(one.attrs["alpha"]), one.attrs["beta"]
    target = out.at("@i", "@j")
    entry = place.text if one.args[0].kind == "uniform" else place.at("@i" if place.rows > 1 else "0", "@j")
    kept = target if beta == 1 else f"{writer.number(beta)} * {target}"
    writer.loop(out, [f"{target} = {kept + ' + ' if beta else ''}{alpha} * {entry};"])


def _scale(writer: Writer, one: Instruction) -> None:
    out = writer.place(one.out)
    writer.loop(out, [f"{out.at('@i', '@j')} *= {writer.place(one.args[0]).text};"])


def _adam(writer: Writer, one: Instruction) -> None:
    p = writer.place(one.out)
    m, v, g = (writer.place(ref) for ref in one.args[:3])
    rate, epsilon = (writer.place(ref).text for ref in one.args[3:])
    root = "sqrtf" if writer.dtype == "float32" else "sqrt"
    beta1, beta2 = (writer.number(one.attrs[name]) for name in ("beta1", "beta2"))
    entry = g.text if one.args[2].kind == "uniform" else g.at("@i", "@j")
    at = [place.at("@i", "@j") for place in (p, m, v)]
    writer.loop(
        p,
        [
            f"{{ R g = {entry}; R m = {beta1} * {at[1]} + ((R)1 - {beta1}) * g; R v = {beta2} * {at[2]} + ((R)1 - {beta2}) * g * g;",
            f"{at[1]} = m; {at[2]} = v; {at[0]} -= {rate} * m / ({root}(v) + {epsilon}); }}",
        ],
    )


def _record(writer: Writer, one: Instruction) -> None:
    out, place = writer.place(one.out), writer.place(one.args[0])
    target = f"{out.text}[@i * {out.columns} + @j]"
    writer.loop(out, [f"{target} = {place.at('@i' if place.rows > 1 else '0', '@j')};"])


def _transpose(writer: Writer, one: Instruction) -> None:
    out, place = writer.place(one.out), writer.place(one.args[0])
    writer.loop(out, [f"{out.at('@i', '@j')} = {place.at('@j', '@i')};"])


FORMULAS = {
    "add": "a + b",
    "sub": "a - b",
    "mul": "a * b",
    "div": "a / b",
    "pow": "(R)pow((double)a, (double)b)",
    "maximum": "a >= b ? a : b > a ? b : a + b",
    "minimum": "a <= b ? a : b < a ? b : a + b",
    "gt": "a > b",
    "ge": "a >= b",
    "eq": "a == b",
    "where": "a != 0 ? b : c",
    "exp": "g_exp(a)",
    "log": "(R)log((double)a)",
    "sin": "(R)sin((double)a)",
    "cos": "(R)cos((double)a)",
    "asin": "(R)asin((double)a)",
    "atan": "(R)atan((double)a)",
    "sinh": "(R)sinh((double)a)",
    "cosh": "(R)cosh((double)a)",
    "erf": "(R)erf((double)a)",
    "floor": "(R)floor((double)a)",
    "abs": "a < 0 ? -a : a",
    "sign": "g_sign(a)",
    "step": "a > 0",
    "tanh": "g_tanh(a)",
    "sigmoid": "g_sigmoid(a)",
    "relu": "g_relu(a)",
    "softplus": "g_softplus(a)",
    "dsigmoid": "a * b * ((R)1 - b)",
    "dtanh": "a * ((R)1 - b * b)",
    "drelu": "b > 0 ? a : 0",
}  # entry by entry, in the operands a, b, c
_RULES: dict[str, Callable[[Writer, Instruction], None]] = {
    **{op: _elementwise(formula) for op, formula in FORMULAS.items()},
    "softmax": _softmax,
    "log_softmax": _softmax,
    "matmul": _matmul,
    "sum": _sum,
    "axpby": _axpby,
    "scale": _scale,
    "adam": _adam,
    "record": _record,
    "transpose": _transpose,
}
