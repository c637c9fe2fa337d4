"""Buffers for values: taken when a value is computed, used again after its last reader, overwritten where that is safe."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gradcheck_cli.train.programs.program import Instruction, Program, Ref, whole

if TYPE_CHECKING:
    from gradcheck_cli.train.programs.ir import Builder, Shape

_SAME_SHAPE_IN_PLACE = frozenset(
    (
        "add",
        "sub",
        "mul",
        "div",
        "pow",
        "exp",
        "log",
        "sin",
        "cos",
        "tanh",
        "sigmoid",
        "relu",
        "softplus",
        "abs",
        "sign",
        "step",
        "floor",
        "maximum",
        "minimum",
        "gt",
        "ge",
        "eq",
        "dtanh",
        "dsigmoid",
        "drelu",
        "softmax",
        "log_softmax",
        "asin",
        "atan",
        "sinh",
        "cosh",
    )
)


@dataclass(slots=True)
class Pending:
    """An instruction before buffers are known: `out` is a value, or a leaf that is changed in place."""

    op: str
    out: int
    args: tuple[int, ...]
    attrs: dict[str, Any]
    in_place: bool = False


def root(builder: Builder, at: int) -> int:
    """The value whose memory this one shows in another shape."""
    while builder.values[at].op == "reshape":
        at = builder.values[at].args[0]
    return at


def capacity(shape: Shape) -> int:
    """How many numbers a buffer for this shape has, its each row of whole vectors."""
    if len(shape) < 2 or shape[-1] == 1:
        return whole(math.prod(shape))
    return math.prod(shape[:-1]) * whole(shape[-1])


@dataclass(slots=True)
class Plan:
    """Which buffer has which value while the instructions are gone through; `last` is where a value is read last."""

    builder: Builder
    last: dict[int, int]
    sizes: list[int] = field(default_factory=list)
    free: list[int] = field(default_factory=list)
    held: dict[int, int] = field(default_factory=dict)

    def take(self, at: int) -> int:
        """A buffer for a value: the smallest free one that is large enough, else a new one."""
        wanted = capacity(self.builder.shape(at))
        fitting = [one for one in self.free if self.sizes[one] >= wanted]
        if fitting:
            best = min(fitting, key=lambda one: self.sizes[one])
            self.free.remove(best)
        else:
            best = len(self.sizes)
            self.sizes.append(wanted)
        self.held[at] = best
        return best

    def release(self, index: int, one: Pending, keep: int = -1) -> None:
        """Give back the buffers of operands that are read here for the last time."""
        for arg in {root(self.builder, arg) for arg in one.args}:
            if self.last.get(arg) == index and arg in self.held:
                buffer = self.held.pop(arg)
                if buffer != keep:
                    self.free.append(buffer)

    def ref(self, at: int) -> Ref:
        """Where a value lies."""
        value, origin = self.builder.values[at], root(self.builder, at)
        base = self.builder.values[origin]
        if base.op == "const":
            return Ref("uniform", ("", base.attrs[0]), value.shape, value.shape)
        if base.op == "scalar":
            return Ref("uniform", base.attrs, value.shape, value.shape)
        if base.op in ("feed", "param", "state"):
            return Ref(base.op, base.attrs[0], value.shape, base.shape)
        return Ref("buffer", self.held[origin], value.shape, base.shape)

    def dying(self, index: int, one: Pending) -> int | None:
        """An operand of the same shape that nobody reads afterwards: the result may take its place."""
        if one.op not in _SAME_SHAPE_IN_PLACE:
            return None
        for arg in one.args:
            origin = root(self.builder, arg)
            same = self.builder.shape(arg) == self.builder.shape(one.out) == self.builder.shape(origin)
            if same and self.last.get(origin) == index and origin in self.held:
                return origin
        return None


def planned(builder: Builder, order: list[Pending], recorded: dict[str, int]) -> Program:
    """The program of instructions in their final order."""
    last: dict[int, int] = {}
    for index, one in enumerate(order):
        for arg in one.args:
            last[root(builder, arg)] = index
    plan = Plan(builder, last)
    found = []
    for index, one in enumerate(order):
        args = tuple(plan.ref(arg) for arg in one.args)
        if one.op == "record":
            out = Ref("record", one.attrs["name"], builder.shape(one.out), builder.shape(one.out))
            plan.release(index, one)
        elif one.in_place:
            out = plan.ref(one.out)
            plan.release(index, one)
        else:
            dying = plan.dying(index, one)
            buffer = plan.held[dying] if dying is not None else plan.take(one.out)
            plan.release(index, one, buffer)
            plan.held[one.out] = buffer
            out = plan.ref(one.out)
        found.append(Instruction(one.op, out, args, one.attrs))
    return _program(builder, found, plan.sizes, recorded)


def _program(builder: Builder, found: list[Instruction], sizes: list[int], recorded: dict[str, int]) -> Program:
    leaves: dict[str, dict[str, Any]] = {"feed": {}, "param": {}, "state": {}}
    scalars: dict[str, None] = {}
    for one in found:
        for ref in (one.out, *one.args):
            if ref.kind in leaves:
                leaves[ref.kind][ref.key] = None
            elif ref.kind == "uniform" and ref.key[0]:
                scalars[ref.key[0]] = None
    shapes = {value.attrs[0]: value.shape for value in builder.values if value.op in leaves}
    named = {kind: {name: shapes[name] for name in names} for kind, names in leaves.items()}
    return Program(
        tuple(found),
        tuple(sizes),
        named["feed"],
        named["param"],
        named["state"],
        {name: builder.shape(at) for name, at in recorded.items()},
        tuple(scalars),
    )
