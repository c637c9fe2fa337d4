"""A flat program: instructions in order, with the places of their operands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradcheck_cli.train.programs.ir import Shape

LANES = 16  # rows of a matrix begin at multiples of so many numbers in buffers of compiled programs


def whole(count: int) -> int:
    """So many numbers, rounded up to whole vectors."""
    return -(-count // LANES) * LANES


@dataclass(frozen=True, slots=True)
class Ref:
    """Where an operand lies: a buffer by number, a feed, parameter or state by name, or a uniform number.

    The key of a uniform is (name of a step's scalar or "", coefficient). `base` is the shape in which the memory was
    written, where `shape` is another view of it.
    """

    kind: str
    key: Any
    shape: Shape
    base: Shape


@dataclass(frozen=True, slots=True)
class Instruction:
    """One operation; `attrs` by name (`left_t`, `right_t`, `alpha`, `beta`, `axes`, `axis`)."""

    op: str
    out: Ref
    args: tuple[Ref, ...]
    attrs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Program:
    """What a back end runs once a step.

    `buffers` are capacities in numbers, `feeds` the shapes of a step's data by name, `records` what each step hands out.
    """

    instructions: tuple[Instruction, ...]
    buffers: tuple[int, ...]
    feeds: dict[str, Shape]
    params: dict[str, Shape]
    states: dict[str, Shape]
    records: dict[str, Shape]
    scalars: tuple[str, ...]
