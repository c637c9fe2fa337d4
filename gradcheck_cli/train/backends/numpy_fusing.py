"""Neighbouring instructions that are fewer calls together, for a back end whose every call costs as much as its work."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.train.programs.program import Instruction

if TYPE_CHECKING:
    from collections.abc import Iterable


def fused(instructions: Iterable[Instruction]) -> list[Instruction]:
    """The same program; an instruction that works in place is told from its neighbours by the buffer that they share."""
    found: list[Instruction] = []
    for one in instructions:
        pair = _together(found[-1], one) if found else None
        if pair is not None:
            found.pop()
        found.extend(pair or (one,))
    return found


def _together(first: Instruction, second: Instruction) -> tuple[Instruction, ...] | None:
    """What two neighbours are together; None where the second does not take the first one's place."""
    if first.out.kind != "buffer" or second.out != first.out:
        return None
    if (first.op, second.op) == ("matmul", "sigmoid") and first.attrs["beta"] == 0 and first.attrs["alpha"] == 1:
        return (  # the sigmoid needs exp(-z)
            replace(first, attrs=first.attrs | {"alpha": -1.0}),
            replace(second, attrs=second.attrs | {"negated": True}),
        )
    if first.op == "sub" and second.op == "mul" and second.args[0].kind == "uniform":
        return _blended(first, second)
    return None


def _blended(first: Instruction, second: Instruction) -> tuple[Instruction, ...] | None:
    """As factor*(Y - p) for data Y, or factor*(p - Y)."""
    for (data, kept), sign in ((first.args, 1.0), (first.args[::-1], -1.0)):
        if data.kind == "feed" and kept == first.out == second.args[1] and data.shape == kept.shape:
            name, coefficient = second.args[0].key
            attrs = {"source": (name, sign * coefficient), "target": (name, -sign * coefficient)}
            return (Instruction("blend", first.out, (data,), attrs),)
    return None
