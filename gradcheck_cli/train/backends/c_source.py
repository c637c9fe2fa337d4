"""A program as C: one function that does a number of steps, every size a constant."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.train.backends import c_kernels
from gradcheck_cli.train.backends.c_products import matmul
from gradcheck_cli.train.backends.c_writer import Place, Writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcheck_cli.train.programs.program import Instruction, Program, Ref


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
    products = c_kernels.products(writer.many, writer.few, writer.terms)
    parts = [f"typedef {real} R;", c_kernels.PRELUDE, functions, c_kernels.FUNCTIONS, products]
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


def _elementwise(op: str, formula: str) -> Callable[[Writer, Instruction], None]:
    """A rule from a formula in a, b, c."""

    def rule(writer: Writer, one: Instruction) -> None:
        out, places = writer.place(one.out), [writer.place(ref) for ref in one.args]
        bound = " ".join(
            f"R {name} = {_entry(ref, place)};" for name, ref, place in zip("abc", one.args, places, strict=False)
        )
        still = op in _STILL and (op == "mul" or all(place.spread for place in places))
        writer.loop(out, places, [f"{{ {bound} {out.at('@i', '@j')} = {formula}; }}"], still=still)

    return rule


def _entry(ref: Ref, place: Place) -> str:
    """An operand's entry that belongs to entry (@i, @j) of the result."""
    return place.text if ref.kind == "uniform" else place.at("@i" if place.rows > 1 else "0", "@j")


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
    kept = target if beta == 1 else f"{writer.number(beta)} * {target}"
    statement = f"{target} = {kept + ' + ' if beta else ''}{alpha} * {_entry(one.args[0], place)};"
    writer.loop(out, [place], [statement], still=place.spread)


def _scale(writer: Writer, one: Instruction) -> None:
    out = writer.place(one.out)
    writer.loop(out, [], [f"{out.at('@i', '@j')} *= {writer.place(one.args[0]).text};"], still=True)


def _adam(writer: Writer, one: Instruction) -> None:
    p = writer.place(one.out)
    m, v, g = (writer.place(ref) for ref in one.args[:3])
    rate, epsilon = (writer.place(ref).text for ref in one.args[3:])
    root = "sqrtf" if writer.dtype == "float32" else "sqrt"
    beta1, beta2 = (writer.number(one.attrs[name]) for name in ("beta1", "beta2"))
    at = [place.at("@i", "@j") for place in (p, m, v)]
    writer.loop(
        p,
        [m, v, g],
        [
            f"{{ R g = {_entry(one.args[2], g)}; R m = {beta1} * {at[1]} + ((R)1 - {beta1}) * g; R v = {beta2} * {at[2]} + ((R)1 - {beta2}) * g * g;",
            f"{at[1]} = m; {at[2]} = v; {at[0]} -= {rate} * m / ({root}(v) + {epsilon}); }}",
        ],
        still=g.spread,
    )


def _record(writer: Writer, one: Instruction) -> None:
    out, place = writer.place(one.out), writer.place(one.args[0])
    writer.loop(out, [place], [f"{out.at('@i', '@j')} = {_entry(one.args[0], place)};"], still=False)


def _transpose(writer: Writer, one: Instruction) -> None:
    out, place = writer.place(one.out), writer.place(one.args[0])
    writer.across(out, f"{out.at('@i', '@j')} = {place.at('@j', '@i')};")


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
_STILL = frozenset(
    (
        "add",
        "sub",
        "mul",
        "maximum",
        "minimum",
        "gt",
        "where",
        "sin",
        "asin",
        "atan",
        "sinh",
        "erf",
        "floor",
        "abs",
        "sign",
        "step",
        "tanh",
        "relu",
        "dsigmoid",
        "dtanh",
        "drelu",
    )
)  # of nothing but zeros they make zero; `mul` also of one among others
_RULES: dict[str, Callable[[Writer, Instruction], None]] = {
    **{op: _elementwise(op, formula) for op, formula in FORMULAS.items()},
    "softmax": _softmax,
    "log_softmax": _softmax,
    "matmul": matmul,
    "sum": _sum,
    "axpby": _axpby,
    "scale": _scale,
    "adam": _adam,
    "record": _record,
    "transpose": _transpose,
}
