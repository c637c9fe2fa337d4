"""Which entries of a comparison each kink has a say in: these have to agree on both of its sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gradcheck_cli.judge.setting import Block
    from gradcheck_cli.symbolic.evaluate import Plan


def needs(sides: Iterable[Block], definitions: tuple[Block, ...]) -> dict[str, tuple[int, ...]]:
    """For each block and each of its kinks the entries that depend on it, as bits; a few more may be among them."""
    sides = tuple(sides)
    if not any(block.plan.kinks for block in (*sides, *definitions)):
        return {block.name: () for block in (*sides, *definitions)}
    labels: dict[str, int] = {}
    found = {}
    for block in sides:
        found[block.name] = _kinks(block.plan, [1 << at for at in range(len(block.plan.outputs))], labels)
    for block in reversed(definitions):
        found[block.name] = _kinks(block.plan, [labels.get(text, 0) for text in block.labels], labels)
    return found


def _kinks(plan: Plan, wanted: list[int], labels: dict[str, int]) -> tuple[int, ...]:
    """The entries behind each kink of a plan, from those behind its outputs; `labels` learns those behind names."""
    masks = [0] * plan.count
    for slot, mask in zip(plan.outputs, wanted, strict=True):
        masks[slot] |= mask
    below: dict[int, tuple[int, ...]] = {}
    for slot, _, arguments in reversed(plan.steps):
        below[slot] = arguments
        mask = masks[slot]
        if mask:
            for argument in arguments:
                masks[argument] |= mask
    for slot, name in plan.names:
        labels[name] = labels.get(name, 0) | masks[slot]
    return tuple(_behind(slot, below, masks) for slot in plan.kinks)


def _behind(slot: int, below: dict[int, tuple[int, ...]], masks: list[int]) -> int:
    """A kink's argument is made for it alone: whoever depends on all its parts may depend on the kink."""
    parts = below.get(slot, ())
    shared = -1 if parts else 0
    for part in parts:
        shared &= _behind(part, below, masks) if part in below else masks[part]
    return masks[slot] | shared
