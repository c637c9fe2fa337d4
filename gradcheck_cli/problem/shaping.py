"""The shape of every node of a problem, worked out node by node; what does not fit is told with the node's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError, ShapeError
from gradcheck_cli.expr import Call, Name, names, number, substitute, walk
from gradcheck_cli.functions import BACKWARD, QUERIES
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.problem.sizes import too_small
from gradcheck_cli.shapes import Shape, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.graph import Graph, Input, Node
    from gradcheck_cli.problem.names import Names
    from gradcheck_cli.source import Source


class Shaper:
    """Works out shapes. `known` has those found so far; a name is missing where its shape is wrong."""

    def __init__(self, table: Names, leaves: Iterable[Input], unknown: set[str], numbers: Mapping[str, int]) -> None:
        self.read = table.read
        self.letters = frozenset(table.letters)
        self.numbers = numbers
        self.declared = table.declared
        self.refused = table.refused
        self.known: dict[str, Shape] = {leaf.name: leaf.shape for leaf in leaves if leaf.name not in unknown}

    def nodes(self, nodes: Iterable[Node], texts: Mapping[str, Source]) -> None:
        """The shapes of nodes in topological order."""
        for node in nodes:
            text = texts.get(node.name)
            found = self.shape(node.name, node.expr, text) if self.closed(node.name, node.expr, text) else None
            if found is not None:
                self.known[node.name] = found

    def lets(self, lets: Iterable[tuple[str, Expr | None]], texts: Mapping[str, Source]) -> None:
        """The shapes of let names, but for derivatives: who derives them knows theirs."""
        for name, expr in lets:
            found = None if expr is None or derived(expr) else self.shape(name, expr, texts[name])
            if found is not None:
                self.known[name] = found

    def closed(self, name: str, expr: Expr, text: Source | None) -> bool:
        """Whether every index of a node is summed over; where not, an error."""
        free = [used for used in names(expr) if used not in self.declared and used not in self.letters]
        if not free:
            return True
        if free[0] in self.refused:
            return False
        place = next((part.span for part in walk(expr) if isinstance(part, Name) and part.id == free[0]), expr.span)
        message = f"{name}: {free[0]} is an index that nothing sums over"
        hint = f"write sum(…, {free[0]}), or give {free[0]} under inputs:"
        self.read.errors.append(ShapeError(message, hint=hint, source=text or self.read.file, span=place))
        return False

    def shape(self, name: str, expr: Expr, text: Source | None) -> Shape | None:
        """The shape of an expression; None where a name in it has none, or after an error."""
        used = [other for other in names(expr) if other in self.declared]
        if any(other not in self.known for other in used):
            return None
        try:
            found = lower(expr, Shapes(self.known, self.letters)).shape
            at_numbers(expr, self.known, self.letters, self.numbers)  # an index, a window may be too large there
            return found  # noqa: TRY300 - both are wanted
        except GradcheckError as error:
            hint = self.coincidence(expr) or error.hint
            message = f"{name}: {error.message}"
            span = error.span or expr.span
            self.read.errors.append(type(error)(message, hint=hint, source=text or self.read.file, span=span))
            return None

    def coincidence(self, expr: Expr) -> str:
        """A hint, where the shapes would fit if every letter were only its number."""
        if not self.numbers:
            return ""
        try:
            at_numbers(expr, self.known, self.letters, self.numbers)
        except GradcheckError:
            return ""
        return "sizes that only have the same number are not the same: declare shape: with the same letters"

    def seed(self, output: str, expr: Expr, text: Source) -> None:
        """A gradient that arrives at the output has the output's shape."""
        found = self.shape(f"upstream of {output}", expr, text)
        wanted = self.known.get(output)
        if found is not None and wanted is not None and found != wanted:
            message = f"upstream of {output} has shape {text_of(found)}, and {output} has shape {text_of(wanted)}"
            self.read.errors.append(
                ShapeError(message, hint="a gradient has its node's shape", source=text, span=expr.span)
            )


def at_numbers(expr: Expr, known: Mapping[str, Shape], letters: frozenset[str], numbers: Mapping[str, int]) -> None:
    """Work out the shape of an expression where letters of sizes have these numbers.

    Raises ShapeError where something does not fit there: an index or a window that is too large.
    """
    if numbers:
        fixed = {name: tuple(one.partly(numbers) for one in known.get(name, ())) for name in names(expr)}
        sizes = {letter: number(value) for letter, value in numbers.items()}
        lower(substitute(expr, sizes), Shapes(fixed, letters))


def misfit_at(graph: Graph, numbers: Mapping[str, int]) -> str:
    """What does not fit where letters of sizes have these numbers, or an empty text."""
    small = too_small(graph.shapes, numbers)
    if small is not None:
        return f"{small[0]} would have the size {small[1]} = {small[1].at(numbers)}"
    letters = frozenset(letter for letter, _ in graph.dims)
    for node in graph.nodes:
        try:
            at_numbers(node.expr, graph.shapes, letters, numbers)
        except GradcheckError as error:
            return f"{node.name}: {error.message}"
    return ""


def derived(expr: Expr) -> Call | None:
    """What in an expression has to be derived first: a query, a derivative's own function; step(x) is the indicator."""
    calls = (part for part in walk(expr) if isinstance(part, Call) and part.function in (*QUERIES, *BACKWARD))
    return next((call for call in calls if call.function != "step" or len(call.args) > 1), None)
