"""Matrix products in C: which kernel a product is given to, and products that need none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.train.backends import c_kernels
from gradcheck_cli.train.programs.program import LANES, whole

if TYPE_CHECKING:
    from gradcheck_cli.train.backends.c_writer import Place, Writer
    from gradcheck_cli.train.programs.program import Instruction


def matmul(writer: Writer, one: Instruction) -> None:
    """A product: out = beta*out + alpha*left @ right, or a row instead of beta*out; UnsupportedError where nothing fits."""
    out, left, right = writer.place(one.out), writer.place(one.args[0]), writer.place(one.args[1])
    if "uniform" in {ref.kind for ref in one.args[:2]}:
        message = "a product with a constant matrix has no place in the compiled program"
        raise UnsupportedError(message)
    left_t, right_t, alpha, beta = (one.attrs[name] for name in ("left_t", "right_t", "alpha", "beta"))
    rows, columns = out.rows, out.columns
    inner = left.rows if left_t else left.columns
    if columns == 1 and rows > 1:
        _column(writer, one, inner)
        return
    lda = left.row or left.columns
    start = writer.place(one.args[2]) if len(one.args) == 3 else None
    numbers = f"{writer.number(alpha)}, {writer.number(beta)}"
    if right_t and rows == 1 and not left_t and start is None:
        _row_of_dots(writer, out, left, right, inner, one)
        return
    width, b, ldb = _right(writer, right, columns, inner, transposed=right_t)
    if out.room < width:
        message = "a product's rows have no room for whole vectors"
        raise UnsupportedError(message)
    begin = f"{start.text}" if start else "0"
    writer.scratch = max(writer.scratch, 2 * 16 * inner + inner * width * (1 if right_t else 0))
    if left_t and inner <= c_kernels.FEW and not start:
        writer.terms.add(inner)
        writer.lines.append(
            f"outer_{inner}({rows}, {width}, {left.text}, {lda}, {b}, {ldb}, {out.text}, {out.row}, {numbers});"
        )
    elif not left_t and rows <= c_kernels.FEW:
        writer.few.add(rows)
        writer.lines.append(
            f"gemm_few({rows}, {width}, {inner}, {left.text}, {lda}, {b}, {ldb}, {out.text}, {out.row}, {begin}, {numbers});"
        )
    else:
        writer.many.add(rows)
        steps = f"1, {lda}" if left_t else f"{lda}, 1"
        writer.lines.append(
            f"gemm({rows}, {width}, {inner}, {left.text}, {steps}, {b}, {ldb}, {out.text}, {out.row}, {begin}, {numbers},"
            f" panel);"
        )


def _column(writer: Writer, one: Instruction, inner: int) -> None:
    """A matrix times a column: its rows are walked as they lie in memory, those of a transposed one too."""
    out, left, right = (writer.place(ref) for ref in (one.out, *one.args[:2]))
    alpha, beta = writer.number(one.attrs["alpha"]), one.attrs["beta"]
    factor = _factor(right, "k", transposed=one.attrs["right_t"])
    target = out.at("i", "0")
    start = f"{writer.place(one.args[2]).text}[0]" if len(one.args) == 3 else f"{writer.number(beta)} * {target}"
    begin = start if beta or len(one.args) == 3 else "0"
    each = f'_Pragma("GCC ivdep") for (long i = 0; i < {out.rows}; i++)'
    if one.attrs["left_t"]:
        writer.lines.append(f"{each} {target} = {begin};")
        writer.lines.append(
            f"for (long k = 0; k < {inner}; k++) {{ const R x = {alpha} * {factor}; {each} {target} += x * {left.at('k', 'i')}; }}"
        )
    else:  # partial sums side by side, in an order that is always the same
        entry = f"{left.at('i', 'k')} * {factor}"
        ahead = f"{left.at('i', '(k + v)')} * {_factor(right, '(k + v)', transposed=one.attrs['right_t'])}"
        writer.lines.append(
            f"for (long i = 0; i < {out.rows}; i++) {{ R part[{LANES}] = {{0}}; long k = 0; "
            f"for (; k + {LANES} <= {inner}; k += {LANES}) for (long v = 0; v < {LANES}; v++) "
            f"part[v] += {ahead}; "
            f"R sum = 0; for (; k < {inner}; k++) sum += {entry}; "
            f"for (long v = 0; v < {LANES}; v++) sum += part[v]; {target} = {begin} + {alpha} * sum; }}"
        )
    if one.out.kind == "buffer" and out.rows % LANES:  # it may be read as a row
        writer.lines.append(f"memset({out.text} + {out.rows}, 0, {LANES - out.rows % LANES} * sizeof(R));")


def _factor(column: Place, at: str, *, transposed: bool) -> str:
    return column.at("0", at) if transposed else column.at(at, "0")


def _right(writer: Writer, right: Place, columns: int, inner: int, *, transposed: bool) -> tuple[int, str, int]:
    """(width in whole vectors, text, numbers from row to row) of a right operand; a transposed one is copied first."""
    width = whole(columns)
    if not transposed and right.room >= width:
        return width, right.text, right.row or width
    shift = 2 * 16 * inner
    text = f"(panel + {shift})"
    writer.scratch = max(writer.scratch, shift + inner * width)
    entry = right.at("j", "k") if transposed else right.at("k", "j")
    if width > columns:
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
