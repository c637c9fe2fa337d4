"""What the printers of solutions share: what is wanted, the heading, the questions, the check."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Num, walk
from gradcheck_cli.grids import Grid
from gradcheck_cli.render.layout import breakable, pad, widest, words, wrap
from gradcheck_cli.solving.numbers import DIGITS, number_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.render.canvas import Canvas
    from gradcheck_cli.solving import Answer, Quantity, Solution
    from gradcheck_cli.symbolic.evaluate import Value

_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")
_MARKED = re.compile(r" {4}|\s*(?:[-*+>|#] ?|```|\$\$|[0-9]+[.)] )")  # lines of Markdown that are not run together

_WORD = re.compile(r"\s*(?:\$[^$]{1,40}\$|\S)+\s?")  # a short formula is not broken


@dataclass(frozen=True, slots=True)
class View:
    """What to show of a solution, and how its numbers are written."""

    digits: int = DIGITS
    exact: bool = False
    only: str = ""
    wrt: tuple[str, ...] = ()
    asked_only: bool = False

    def shows(self, part: str) -> bool:
        """Whether a part is wanted: `forward`, `backward`, `questions`."""
        return not self.only or self.only == part


class Printer:
    """Prints one solution on one canvas: the parts that do not depend on whether there are arrays."""

    longest = 160  # characters of an expression that is shown

    def __init__(self, canvas: Canvas, solution: Solution, view: View, keys: Mapping[str, str]) -> None:
        self.canvas = canvas
        self.solution = solution
        self.view = view
        self.keys = keys
        self.nodes = {node.name: node for node in solution.nodes}
        self.seeded = solution.problem.seed is not None

    def number(self, value: Value | Grid, *, decimal: bool | None = None) -> str:
        """A number as text; a dash where there is none, and for an array."""
        if isinstance(value, Grid):
            value = None if value.shape else value.items[0]
        decimal = self.solution.problem.decimal if decimal is None else decimal
        return number_text(value, decimal=decimal, count=self.view.digits, exact=self.view.exact) or "–"

    def expression(self, quantity: Quantity) -> str:
        """An expression in the names of the graph, cut to a remark where nobody would read it."""
        text = quantity.expr.shown
        return text if len(text) <= self.longest else f"({len(text)} characters; --json has it)"

    def heading(self) -> None:
        problem = self.solution.problem
        graph = problem.graph
        for line in wrap([*words(problem.title), f" {problem.name}"], self.canvas.width, 2):
            self.canvas.line((line, "head"))
        counts = [
            f"output {self.solution.output}",
            counted(len(graph.by_name), "node"),
            counted(len(graph.edges), "edge"),
            *self.params(),
        ]
        for text in (", ".join(counts), *self.constants(), *self.further()):
            for line in wrap(words(text), self.canvas.width, 2):
                self.canvas.line((line, "dim"))

    def description(self) -> None:
        """What the author says of the problem, where all of it is shown."""
        for paragraph in _paragraphs(self.solution.problem.description) if not self.view.only else ():
            self.canvas.line()
            for text in paragraph:
                for line in wrap(_WORD.findall(text), self.canvas.width, 0):
                    self.canvas.line(line)

    def constants(self) -> list[str]:
        """The numbers that are no nodes."""
        leaves = [leaf for leaf in self.solution.problem.graph.constants if leaf.value is not None]
        given = [f"{leaf.name} = {self.number(leaf.value, decimal=leaf.decimal)}" for leaf in leaves]
        return [f"constant{'s' * (len(given) > 1)} {', '.join(given)}"] if given else []

    def further(self) -> list[str]:
        """What else is an output of the problem."""
        outputs = self.solution.problem.outputs
        others = [name for name in outputs if name != self.solution.output] if self.solution.output in outputs else []
        return [f"also an output: {', '.join(others)}; show it with --output-node {others[0]}"] if others else []

    def params(self) -> list[str]:
        """How many learnable numbers there are; nothing where there are none."""
        count = sum(leaf.param for leaf in self.solution.problem.graph.inputs)
        return [counted(count, "parameter")] if count else []

    def unrelated(self) -> list[str]:
        """What was asked for by name and has nothing to do with the output."""
        output = self.solution.output
        known = self.solution.problem.graph.ancestors[output] | {output}
        return [f"{output} does not depend on {name}" for name in self.view.wrt if name not in known]

    def section(self, title: str) -> None:
        self.canvas.line()
        for line in wrap(words(title), self.canvas.width, 2):
            self.canvas.line((line, "head"))

    def questions(self) -> None:
        self.section("Questions")
        own = () if not self.view.asked_only else self.solution.problem.questions
        questions = [question for question in self.solution.questions if question not in own]
        width = widest([question.id for question in questions])
        for question in questions:
            answer = self.solution.answers[question.id]
            label = pad(question.id, width) + "  "
            text = question.text or ""
            pieces = [label, f"{answer.ask}  ", *words(text)] if text else [label, answer.ask]
            for line in wrap(pieces, self.canvas.width, width + 2):
                self.canvas.line((line, "name"))
            indent = " " * (width + 2)
            self.answer(answer, indent)
            self.key_line(question.id, indent)

    def answer(self, answer: Answer, indent: str) -> None:
        """What stands below a question."""
        for line in wrap(self.answer_pieces(answer), self.canvas.width - len(indent), 2):
            self.canvas.line(indent, (line, "value"))

    @staticmethod
    def verdict(answer: Answer) -> list[str]:
        """What came of a relation, and how."""
        verdict = {True: "holds for all values", False: "does not hold", None: "undecided"}[answer.holds]
        return words(f"{verdict}: {answer.reason}" if answer.reason else verdict)

    @staticmethod
    def typed(answer: Answer) -> bool | None:
        """Whether a number in the answer was typed with a point: its value is a decimal then."""
        return any(isinstance(part, Num) and "." in part.text for part in walk(answer.quantity.expr.tree)) or None

    def answer_pieces(self, answer: Answer) -> list[str]:
        if answer.kind == "relation":
            return self.verdict(answer)
        if answer.kind == "shape":
            return ["() – a scalar"]
        value = self.number(answer.quantity.number, decimal=self.typed(answer))
        shown = self.expression(answer.quantity)
        pieces = [f"= {shown} "] if shown != value else []
        if self.view.exact and answer.closed is not None and answer.closed.shown != shown:
            pieces.append(f"= {answer.closed.shown} ")
        if value != "–":
            pieces.append(f"= {value}")
        pieces = [part for piece in pieces or [f"= {shown}"] for part in breakable(piece)]
        return [*pieces, *words(f" ({answer.reason})")] if answer.reason else pieces

    def key_line(self, name: str, indent: str) -> None:
        verdict = self.keys.get(name)
        if verdict and verdict != "correct":
            self.canvas.line(indent, (f"the author's answer is {verdict}", "bad"))

    def agreement(self) -> None:
        """One line on the cross-check, or every disagreement with its three numbers; then the notes."""
        agreement = self.solution.agreement
        self.canvas.line()
        for note in (*self.unrelated(), *self.solution.notes):
            for line in wrap(words(f"note: {note}"), self.canvas.width, 2):
                self.canvas.line((line, "open"))
        if agreement.ok and not agreement.compared and agreement.notes:
            return
        if agreement.ok and not agreement.compared:
            self.canvas.line(("? nothing could be compared: no quantity has a value here", "open"))
            return
        if agreement.ok:
            count = counted(agreement.compared, "quantity")
            spread = f"{'at drawn numbers, ' if agreement.sampled else ''}largest spread {agreement.spread:.1g}"
            text = f"✓ symbolic, reverse mode and finite differences agree on {count} ({spread})"
            for line in wrap(words(text), self.canvas.width, 2):
                self.canvas.line((line, "good"))
            return
        for check in agreement.failed:
            self.canvas.line((f"✗ the witnesses differ on {check.quantity}", "bad"))
            numbers = (("symbolic", check.symbolic), ("reverse mode", check.autodiff), ("difference", check.difference))
            for label, value in numbers:
                self.canvas.line(f"    {label}: {'none' if value is None else repr(value)}")


def _paragraphs(text: str) -> list[list[str]]:
    """The paragraphs of a text in Markdown, each as one line; of a list, a table or the like the lines as they are."""
    blocks = [block.splitlines() for block in _BLANK_LINES.split(text.strip()) if block]
    return [lines if any(map(_MARKED.match, lines)) else [" ".join(map(str.strip, lines))] for lines in blocks]


def counted(number: int, noun: str) -> str:
    """`1 node`, `2 nodes`, `3 quantities`."""
    plural = noun[:-1] + "ies" if noun.endswith("ty") else noun + "s"
    return f"{number} {noun if number == 1 else plural}"
