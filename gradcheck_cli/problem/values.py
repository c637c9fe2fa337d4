"""Numbers and nested lists of a problem file, with the place of each number."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from gradcheck_cli.grids import Grid, label
from gradcheck_cli.problem.reader import kind_of
from gradcheck_cli.problem.sizes import MAX_RANK

if TYPE_CHECKING:
    from gradcheck_cli.problem.reader import Reader, Typed
    from gradcheck_cli.yamltree import Node

MAX_NUMBERS = 100_000
_MOST_COMPLAINTS = 5
_Place = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """An array as typed: `cells` holds its numbers with their places."""

    cells: Grid

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape in numbers."""
        return self.cells.shape

    @property
    def values(self) -> Grid:
        """Its entries, exactly."""
        return self.cells.map(lambda cell: cell.value)

    @property
    def decimal(self) -> bool:
        """Whether an entry was typed with a point."""
        return any(cell.decimal for cell in self.cells.items)

    def node(self, place: tuple[int, ...]) -> Node:
        """Where an entry stands."""
        cell: Typed = self.cells[place]
        return cell.node


def read_table(reader: Reader, node: Node, name: str) -> Table | None:
    """The array that nested lists hold; None, with an error at its place, where they hold none."""
    shape = _shape(node)
    if len(shape) > MAX_RANK:
        reader.wrong(node, f"{name} has {len(shape)} axes", f"arrays of up to {MAX_RANK} axes are worked out")
        return None
    if not prod(shape):
        reader.wrong(node, f"{name} has an empty list", "write numbers into it, or leave the value out")
        return None
    level: list[tuple[Node, _Place]] = [(node, ())]
    for axis, size in enumerate(shape):
        level = _below(reader, level, name, shape[axis:], size)
        if not level or len(level) > MAX_NUMBERS:
            break
    if len(level) > MAX_NUMBERS:
        reader.wrong(node, f"{name} has more than {MAX_NUMBERS:,} numbers", "use fewer")
        return None
    cells: list[Typed] = []
    before = len(reader.errors)
    for item, place in level:
        typed = reader.number(item, label(name, place))
        if typed is not None:
            cells.append(typed)
        elif len(reader.errors) - before >= _MOST_COMPLAINTS:
            break
    return Table(Grid(shape, tuple(cells))) if level and len(cells) == len(level) else None


def _shape(node: Node) -> tuple[int, ...]:
    """The shape by the first item of each list."""
    found = []
    while node.kind == "list":
        found.append(len(node.items))
        if not node.items:
            break
        node = node.items[0]
    return tuple(found)


def _below(
    reader: Reader, level: list[tuple[Node, _Place]], name: str, shape: tuple[int, ...], size: int
) -> list[tuple[Node, _Place]]:
    """The items of all lists of a level, with their indices; nothing, with an error, where one has another length."""
    found = []
    for node, place in level:
        if node.kind != "list" or len(node.items) != size:
            has = f"a list of {len(node.items)}" if node.kind == "list" else kind_of(node)
            message = f"{label(name, place)} is {has}, where the first row of its kind is a list of {size}"
            reader.wrong(node, message, "rows have equally many entries")
            return []
        for index, item in enumerate(node.items):
            if len(shape) == 1 and item.kind == "list":
                message = f"{label(name, (*place, index))} is a list, where the first entry is a number"
                reader.wrong(item, message, "rows have equally many entries")
                return []
            found.append((item, (*place, index)))
    return found
