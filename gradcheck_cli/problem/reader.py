"""From a YAML tree to plain values by the table of fields, every error with its place, all of them collected."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError, ParseError
from gradcheck_cli.late import late
from gradcheck_cli.problem.fields import SECTIONS, Field
from gradcheck_cli.yamltree import Node, as_bool, as_number

if TYPE_CHECKING:
    import difflib
    from collections.abc import Iterable

    from gradcheck_cli.source import Source
else:
    difflib = late("difflib")

_FRACTION = re.compile(r"([+-]?[0-9]+)\s*/\s*([0-9]+)")
_ARTICLES = {"text": "text", "texts": "text or a list of texts", "number": "a number", "flag": "true or false",
             "expression": "an expression", "names": "a name or a list", "mapping": "a mapping", "items": "a list",
             "numbers": "a number", "size": "a number", "answer": "an answer", "choice": "one word"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Typed:
    """A number as typed: its exact value, and whether it had a point."""

    value: Fraction
    decimal: bool
    node: Node


@dataclass(slots=True)
class Reader:
    """Reads nodes of one file and collects what is wrong with them."""

    file: Source
    errors: list[GradcheckError] = field(default_factory=list)

    def wrong(self, node: Node, message: str, hint: str) -> None:
        """Remember an error at a node."""
        self.errors.append(ParseError(message, hint=hint, source=self.file, span=node.span))

    def section(self, node: Node, section: str, what: str) -> dict[str, Node]:
        """The known keys of a mapping; unknown and missing ones are errors."""
        fields = {entry.name: entry for entry in SECTIONS[section]}
        if node.kind != "map":
            self.wrong(node, f"{what} is {kind_of(node)}", f"write a mapping with {listed(fields)}")
            return {}
        found: dict[str, Node] = {}
        for key, value in node.entries:
            if key.text in fields:
                found[key.text] = value
            else:
                self.wrong(key, f'"{key.text}" is no key of {what}', meant(key.text, fields))
        for entry in fields.values():
            if entry.required and entry.name not in found:
                self.wrong(node, f"{what} has no {entry.name}", f"add {entry.name}: {_ARTICLES[entry.holds]}")
        return found

    def entries(self, node: Node | None, what: str) -> tuple[tuple[Node, Node], ...]:
        """The entries of a mapping of names."""
        if node is None:
            return ()
        if node.kind != "map":
            self.wrong(node, f"{what} is {kind_of(node)}", "write one `name: …` a line")
            return ()
        return node.entries

    def items(self, node: Node | None, what: str) -> tuple[Node, ...]:
        """The items of a list."""
        if node is None:
            return ()
        if node.kind != "list":
            self.wrong(node, f"{what} is {kind_of(node)}", "write a list: one `- …` an item")
            return ()
        return node.items

    def text(self, node: Node | None, what: str, default: str = "") -> str:
        """A scalar's text."""
        if node is None:
            return default
        if node.kind != "scalar":
            self.wrong(node, f"{what} is {kind_of(node)}", "write text")
            return default
        return node.text

    def texts(self, node: Node | None, what: str) -> tuple[str, ...]:
        """A text, or a list of texts."""
        if node is None:
            return ()
        parts = node.items if node.kind == "list" else (node,)
        return tuple(self.text(part, what) for part in parts)

    def flag(self, node: Node | None, what: str) -> bool:
        """True or false."""
        if node is None:
            return False
        value = as_bool(node) if node.kind == "scalar" else None
        if value is None:
            shown = f'"{node.text}"' if node.kind == "scalar" else kind_of(node)
            self.wrong(node, f"{what} is {shown}", "write true or false")
        return bool(value)

    def choice(self, node: Node | None, entry: Field, what: str, default: str) -> str:
        """One of the words the table allows."""
        if node is None:
            return default
        text = self.text(node, what)
        if node.kind == "scalar" and text not in entry.choices:
            self.wrong(node, f'{what} is "{text}"', meant(text, entry.choices))
            return default
        return text

    def number(self, node: Node | None, what: str) -> Typed | None:
        """A number or a fraction, exactly as typed."""
        if node is None:
            return None
        if node.kind != "scalar":
            self.wrong(node, f"{what} is {kind_of(node)}", "write a number")
            return None
        try:
            typed = as_number(node)
        except GradcheckError as error:
            self.errors.append(error)
            return None
        if typed is not None:
            return Typed(typed[1], not typed[0].lstrip("+-").isdigit(), node)
        return self._fraction(node, what)

    def _fraction(self, node: Node, what: str) -> Typed | None:
        match = _FRACTION.fullmatch(node.text.strip())
        if match and int(match[2]) and len(node.text) <= 60:
            return Typed(Fraction(int(match[1]), int(match[2])), decimal=False, node=node)
        if not node.text and not node.quoted:
            self.wrong(node, f"{what} has no value", "write a number, or {} for a symbol without a value")
        elif node.quoted:
            self.wrong(node, f'{what} is the text "{node.text}"', "write a number without quotes")
        else:
            self.wrong(node, f'{what} is "{node.text}", which is no number', "write a number such as 2, -0.3 or 1/3")
        return None

    def expression(self, node: Node | None, what: str) -> Source | None:
        """The text of an expression, with its place; refuses what YAML has cut short."""
        if node is None:
            return None
        if node.kind != "scalar":
            hint = f'put the expression in quotes: "{self.excerpt(node)}"'
            self.wrong(node, f"{what} is {kind_of(node)}", hint)
            return None
        if not node.text.strip():
            self.wrong(node, f"{what} is empty", "write an expression")
            return None
        if node.text.count("(") > node.text.count(")") and self.file.text[node.span.end : node.span.end + 1] == ",":
            hint = "put the expression in quotes"
            self.wrong(node, f"{what} is cut short: between {{ and }} YAML ends a value at a comma", hint)
            return None
        if node.comment_gap == 1:
            hint = f'put the expression in quotes: "{node.text}", or two spaces before the comment'
            self.wrong(node, f'{what} is cut short: YAML reads what follows " #" as a comment', hint)
            return None
        return node.source

    def excerpt(self, node: Node) -> str:
        """The beginning of what stands at a node."""
        return self.file.text[node.span.start : node.span.end].split("\n")[0].strip()[:60]


def kind_of(node: Node) -> str:
    """What a node is, in words."""
    if node.kind == "scalar":
        return f'"{node.text}"' if node.text or node.quoted else "empty"
    return "a list" if node.kind == "list" else "a mapping"


def listed(names: Iterable[str]) -> str:
    """`a, b, c`."""
    return ", ".join(names)


def meant(text: str, known: Iterable[str]) -> str:
    """The nearest of the known words, or all of them."""
    known = list(known)
    near = difflib.get_close_matches(text, known, n=1) or difflib.get_close_matches(text.lower(), known, n=1)
    return f"did you mean {near[0]}?" if near else f"known are {listed(known)}"
