"""Inputs and constants: their shapes, values and kinds, and the numbers that letters of sizes have."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.graph import Input
from gradcheck_cli.grids import label
from gradcheck_cli.problem.fields import ALONG_KINDS, INPUT, SCALAR_KINDS, allows
from gradcheck_cli.problem.kinds import entry_misfit, misfit, shape_misfit
from gradcheck_cli.problem.sizes import MAX_SIZE, bind, read_shape
from gradcheck_cli.problem.values import Table, read_table
from gradcheck_cli.shapes import size, text_of, usual_axis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.problem.names import Names
    from gradcheck_cli.problem.reader import Reader
    from gradcheck_cli.shapes import Shape
    from gradcheck_cli.yamltree import Node

_KIND = next(field for field in INPUT if field.name == "kind")


class Leaves:
    """Reads inputs and constants.

    `numbers` are those of the letters: by `dims:`, or by data of a declared shape
    `given` has the letters of `dims:`
    `unknown` has the names whose shape is wrong: what uses them is not complained of
    """

    def __init__(self, names: Names) -> None:
        self.names = names
        self.read: Reader = names.read
        self.numbers: dict[str, int] = {}
        self.unknown: set[str] = set()
        self.given: dict[str, Node] = {}

    def dims(self, node: Node | None) -> None:
        """The sizes that `dims:` gives."""
        for key, value in self.read.entries(node, "dims"):
            typed = self.read.number(value, key.text)
            if typed and (typed.value.denominator != 1 or not 1 <= typed.value <= MAX_SIZE):
                self.read.wrong(
                    value, f"{key.text} = {value.text} is no size", f"write a whole number up to {MAX_SIZE:,}"
                )
            elif typed:
                self.numbers[key.text] = int(typed.value)
            self.names.sizes({key.text: key})
            self.names.arrays = True
            self.given[key.text] = key

    def section(self, node: Node | None, what: str) -> tuple[Input, ...]:
        """The leaves of a section of the file."""
        found = []
        for key, value in self.read.entries(node, f"{what}s"):
            if self.names.declare(key, f"an {what}" if what == "input" else f"a {what}"):
                found.append(self.leaf(key, value))
        return tuple(found)

    def leaf(self, key: Node, node: Node) -> Input:
        """One input or constant; without shape or value where they are wrong."""
        entry = self.read.section(node, "input", f"input {key.text}") if node.kind == "map" else {"value": node}
        value = entry.get("value")
        shape = self.shape(key.text, entry.get("shape"))
        common = Input(
            name=key.text,
            kind=self.read.choice(entry.get("kind"), _KIND, f"the kind of {key.text}", "real"),
            param=self.read.flag(entry.get("param"), f"param of {key.text}"),
            latex=self.read.texts(entry.get("latex"), f"latex of {key.text}"),
            span=key.span,
        )
        if shape or (value is not None and value.kind == "list"):
            self.names.arrays = True
            return self.array(common, entry, shape)
        return self.scalar(common, value)

    def shape(self, name: str, node: Node | None) -> Shape | None:
        """The declared shape; None where there is none, or after an error."""
        found = None if node is None else read_shape(self.read, node, name)
        if found is None:
            if node is not None:
                self.names.arrays = True
                self.unknown.add(name)
            return None
        self.names.sizes(found[1])
        return found[0]

    def scalar(self, common: Input, value: Node | None) -> Input:
        """A leaf that is a number."""
        typed = self.read.number(value, common.name)
        if typed and not allows(common.kind, typed.value):
            message = f"{common.name} = {typed.node.text} is not {common.kind}"
            self.read.wrong(typed.node, message, "change the value or the kind")
        kind = common.kind if common.kind in SCALAR_KINDS else "real"
        return replace(common, kind=kind, value=typed.value if typed else None, decimal=bool(typed and typed.decimal))

    def array(self, common: Input, entry: Mapping[str, Node], shape: Shape | None) -> Input:
        """A leaf that is an array: its shape is the declared one, or that of its data."""
        table = self.table(common.name, entry.get("value"), shape)
        if shape is None:
            shape = tuple(map(size, table.shape)) if table else ()
        if not shape:
            self.unknown.add(common.name)
            return common
        place = entry.get("kind") or entry.get("shape") or entry.get("value")
        wrong = shape_misfit(common.kind, shape)
        if wrong and place is not None:
            self.read.wrong(place, f"{common.name} {wrong}", "change the shape or the kind")
            return replace(common, kind="real", shape=shape)
        axis = self.axis(common, entry.get("axis"), shape)
        if table and self.fits(common, table, axis, entry["value"]):
            return replace(common, shape=shape, axis=axis, entries=table.values, decimal=table.decimal)
        return replace(common, shape=shape, axis=axis)

    def table(self, name: str, value: Node | None, shape: Shape | None) -> Table | None:
        """The data of an array, checked against its declared shape."""
        if value is None:
            return None
        if value.kind != "list":
            typed = self.read.number(value, name)
            if typed:
                message = f"{name} is the number {value.text}, and shape {text_of(shape or ())} is declared"
                self.read.wrong(value, message, "write nested lists")
            return None
        table = read_table(self.read, value, name)
        if table is None:
            return None
        wrong = "" if shape is None else bind(shape, table.shape, self.numbers)
        if wrong:
            self.read.wrong(value, f"{name} has {wrong}", "change the value or the shape")
            return None
        return table

    def axis(self, common: Input, node: Node | None, shape: Shape) -> int:
        """The axis along which entries sum to 1, counted from 0; -1 for kinds that need none."""
        typed = self.read.number(node, f"axis of {common.name}")
        along = common.kind in ALONG_KINDS
        if typed is None or node is None:
            return usual_axis(shape) if along else -1
        if not along:
            message = f"{common.name} is {common.kind} and has no axis"
            self.read.wrong(node, message, f"axis: is for the kinds {' and '.join(ALONG_KINDS)}")
        elif typed.value.denominator != 1 or not -len(shape) <= typed.value < len(shape):
            message = f"there is no axis {node.text} in shape {text_of(shape)}"
            self.read.wrong(node, message, f"axes are counted from 0 to {len(shape) - 1}")
        else:
            return int(typed.value) % len(shape)
        return usual_axis(shape) if along else -1

    def fits(self, common: Input, table: Table, axis: int, value: Node) -> bool:
        """Whether data is of its declared kind; where not, an error at the entry, or at the value."""
        values = table.values
        place = entry_misfit(common.kind, values)
        if place is not None:
            node = table.node(place)
            message = f"{label(common.name, place)} = {node.text} is not {common.kind}"
            if common.kind in ALONG_KINDS:
                wants = "0 or 1" if common.kind == "onehot" else "from 0 to 1"
                message = f"{label(common.name, place)} = {node.text}, and the entries of a {common.kind} are {wants}"
            self.read.wrong(node, message, "change the value or the kind")
            return False
        wrong = misfit(common.kind, values, axis)
        if wrong:
            self.read.wrong(value, f"{common.name} {wrong}", "change the value or the kind")
        return not wrong
