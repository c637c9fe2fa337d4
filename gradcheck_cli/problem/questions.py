"""Questions of a problem file, and answers as an author or a student writes them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.problem.fields import FORMS, QUESTION
from gradcheck_cli.problem.model import Key, Question
from gradcheck_cli.problem.reader import Reader, meant
from gradcheck_cli.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.problem.names import Names
    from gradcheck_cli.source import Source
    from gradcheck_cli.yamltree import Node

_FORM = next(field for field in QUESTION if field.name == "form")


class Questions:
    """Reads the questions of one problem."""

    def __init__(self, names: Names, vocabulary: Scope, digits: int) -> None:
        self.names = names
        self.read = names.read
        self.vocabulary = vocabulary
        self.digits = digits

    def section(self, node: Node | None) -> tuple[Question, ...]:
        """All of them."""
        found: list[Question] = []
        taken: set[str] = set()
        for number, item in enumerate(self.read.items(node, "questions"), start=1):
            question = self.question(item, str(number))
            if question is None:
                continue
            if question.id in taken:
                self.read.wrong(item, f'the question id "{question.id}" occurs twice', "give each question its own id")
            taken.add(question.id)
            found.append(question)
        return tuple(found)

    def question(self, node: Node, number: str) -> Question | None:
        """One question; None where what it asks cannot be read."""
        entry = self.read.section(node, "question", f"question {number}")
        name = self.read.text(entry.get("id"), "id", number)
        written = self.read.expression(entry.get("ask"), f"ask of question {name}")
        ask = self.names.parse(written, self.vocabulary) if written else None
        points = self.read.number(entry.get("points"), "points")
        tolerance = self.read.number(entry.get("tolerance"), "tolerance")
        asked_digits = self.read.number(entry.get("digits"), "digits")
        for typed, what in ((points, "points"), (tolerance, "tolerance")):
            if typed and typed.value < 0:
                self.read.wrong(typed.node, f"{what} is {typed.node.text}", "write 0 or more")
        form = self.read.choice(entry.get("form"), _FORM, "form", FORMS[0])
        text = self.read.text(entry.get("text"), "text")
        hints = self.read.texts(entry.get("hints"), "hints")
        key = self.key(entry.get("answer"), name)
        if written is None or ask is None:
            return None
        return Question(
            id=name,
            ask=ask,
            written=written,
            text=text,
            points=points.value if points else Fraction(1),
            form=form,
            tolerance=tolerance.value if tolerance else None,
            digits=int(asked_digits.value) if asked_digits else self.digits,
            key=key,
            hints=hints,
        )

    def key(self, node: Node | None, name: str) -> Key | None:
        """The author's answer."""
        return None if node is None else read_key(self.read, node, f"the answer to question {name}")


def read_key(reader: Reader, node: Node, what: str) -> Key:
    """An answer: a text, a list of texts, or a mapping of expression and value."""
    if node.kind == "map":
        known = ("expression", "value")
        parts: dict[str, Source | None] = {}
        for key, value in node.entries:
            if key.text in known:
                parts[key.text] = reader.expression(value, what)
            else:
                reader.wrong(key, f'"{key.text}" is no part of an answer', meant(key.text, known))
        return Key((), parts.get("expression"), parts.get("value"))
    if node.kind == "list":
        items = tuple(_items(reader, node, what))
        texts = () if any(item.kind == "list" for item in node.items) else items
        return Key(texts, listed=_listed(reader, node, iter(items)) if items else None)
    text = reader.expression(node, what)
    return Key((text,) if text is not None else ())


def _items(reader: Reader, node: Node, what: str) -> Iterator[Source]:
    """The texts in a list, those of lists in it too."""
    for item in node.items:
        if item.kind == "list":
            yield from _items(reader, item, what)
        elif (text := reader.expression(item, what)) is not None:
            yield text


def _listed(reader: Reader, node: Node, parts: Iterator[Source]) -> Source:
    """A list as one text, `[[1, 2], [3, 4]]`: its signs have the place of the item that they stand before."""
    text, places = "", []
    for item in node.items:
        found = _listed(reader, item, parts) if item.kind == "list" else next(parts, None)
        if found is None:
            continue
        own = [found.whole(Span(at, at))[1].start for at in range(len(found.text))]
        sign = ", " if text else "["
        text += sign + found.text
        places += [*(own[:1] or [item.span.start]) * len(sign), *own]
    return reader.file.part(
        f"{text or '['}]", (*places, *([] if text else [node.span.start]), node.span.end - 1, node.span.end)
    )
