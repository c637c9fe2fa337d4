"""A solution with arrays for a terminal: the forward pass with shapes, upstream, rule and downstream of each edge, gradients."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.cells import cell_len

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Name, names, number
from gradcheck_cli.grids import Grid, places
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.problem import counts
from gradcheck_cli.render.layout import breakable, fold, pad, widest, words, wrap
from gradcheck_cli.render.matrix import beside, labelled, matrix
from gradcheck_cli.render.printer import Printer, counted
from gradcheck_cli.shapes import at as at_sizes
from gradcheck_cli.shapes import text_of
from gradcheck_cli.write.precedence import SUM, binding
from gradcheck_cli.write.text import iverson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.render.canvas import Canvas
    from gradcheck_cli.render.printer import View
    from gradcheck_cli.shapes import Shape
    from gradcheck_cli.solving import Answer, Quantity, Solution, SolvedEdge, SolvedNode

_WITHOUT = "; without that"
_KINDS = {"onehot": "one-hot", "spd": "symmetric positive definite", "binary": "0 or 1", "sign": "-1 or 1"}
_INDENT = "    "
_LONGEST_COUNT = 60
_ONE = number(1)
_MINUS = number(-1)


class ArrayPrinter(Printer):
    """Prints the solution of a problem with arrays."""

    longest = 320

    def __init__(self, canvas: Canvas, solution: Solution, view: View, keys: Mapping[str, str]) -> None:
        super().__init__(canvas, solution, view, keys)
        graph = solution.problem.graph
        self.graph = graph
        self.letters = frozenset(letter for letter, _ in graph.dims)
        self.sizes = {letter: size for letter, size in graph.dims if size is not None}
        self.leaves = {leaf.name: leaf for leaf in graph.inputs}
        self.given = self.seeded or bool(graph.shapes[solution.output])  # what arrives at the output is a symbol
        self.facts: set[tuple[bool, str]] = set()  # that have been told, in the questions or before
        self.proofs: set[tuple[str, ...]] = set()

    def print(self) -> None:
        """Everything the view wants, a blank line between the parts."""
        self.heading()
        self.description()
        if self.view.shows("forward"):
            self.forward()
        if self.view.shows("backward"):
            self.backward()
        if self.view.shows("questions") and self.solution.answers:
            self.questions()
        self.agreement()

    # -- words

    def params(self) -> list[str]:
        """How many learnable numbers there are, in letters and in numbers."""
        total = counts.params(self.graph)
        number = counts.in_numbers(total, self.graph)
        told = str(total) if number is None or str(number) == str(total) else f"{total} = {number}"
        if len(told) > _LONGEST_COUNT:
            count = len(counts.shares(self.graph))
            return [f"{counted(count, 'array')} of parameters"]
        return [f"{told} parameter{'' if number == 1 else 's'}"] if str(total) != "0" else []

    def heading(self) -> None:
        """As for numbers, and the sizes in letters."""
        super().heading()
        sizes = [
            letter if size is None else f"{letter} = {size}".replace(" ", "\xa0") for letter, size in self.graph.dims
        ]
        if sizes:
            lead = "size" if len(sizes) == 1 else "sizes"
            self.lines(
                (line.replace("\xa0", " ") for line in wrap(words(f"{lead} {', '.join(sizes)}"), self.canvas.width, 2)),
                "dim",
            )

    def shape(self, name: str) -> str:
        """The shape of a node: `(dh, dx)`, with numbers `(dh, dx) = (2, 3)`."""
        return self.shape_text(self.graph.shapes[name])

    def shape_text(self, shape: Shape) -> str:
        """A shape in letters, and in numbers where its letters have them."""
        letters = text_of(shape)
        if {letter for size in shape for letter in size.letters} <= set(self.sizes):
            numbers = at_sizes(shape, self.sizes)
            told = f"({numbers[0]},)" if len(numbers) == 1 else f"({', '.join(map(str, numbers))})"
            return letters if told == letters else f"{letters} = {told}"
        return letters

    def block(self, quantity: Quantity, label: str, width: int, *, decimal: bool | None = None) -> list[str]:
        """The value of a quantity behind a label; nothing where it has none."""
        grid = quantity.number
        if grid is None:
            return []
        if not isinstance(grid, Grid):
            return [label + self.number(grid, decimal=decimal)]
        return labelled(label, matrix(grid, lambda entry: self.entry(entry, decimal), width - cell_len(label)))

    def entry(self, value: object, decimal: bool | None = None) -> str:  # noqa: FBT001
        """An entry of an array as text."""
        return self.number(value, decimal=decimal)  # type: ignore[arg-type]

    def lines(self, lines: Iterable[str], style: str = "value") -> None:
        for line in lines:
            self.canvas.line((line, style))

    # -- the forward pass

    def forward(self) -> None:
        """The nodes in the order of the forward pass, each with its shape and, where it has one, its value."""
        self.section("Forward")
        labels = [self.definition(node) for node in self.solution.nodes]
        shapes = [self.shape(node.name) for node in self.solution.nodes]
        remarks = [self.remark(node) for node in self.solution.nodes]
        last, room = widest(remarks), self.canvas.width
        column = min(widest(labels), max(room - widest(shapes) - (last + 4 if last else 2), room // 3))
        for node, label, shape, remark in zip(self.solution.nodes, labels, shapes, remarks, strict=True):
            style = "name" if node.kind == "input" else "plain"
            *above, end = wrap(breakable(label), column, 4)
            self.lines(above, style)
            shown = shape if not remark else pad(shape, widest(shapes))
            self.canvas.line((pad(end, column), style), "  ", shown, *(("  ", (remark, "dim")) if remark else ()))
            self.lines(self.block(node.forward, f"{_INDENT}= ", room))

    def definition(self, node: SolvedNode) -> str:
        return f"{node.name} = {node.forward.expr.shown}" if node.kind == "node" else node.name

    def remark(self, node: SolvedNode) -> str:
        """What an input is: how many parameters, or what is known of its values."""
        leaf = self.leaves.get(node.name)
        if leaf is None:
            return ""
        if leaf.param:
            total = counts.size_of(self.graph, node.name)
            return f"{total} parameter{'' if str(total) == '1' else 's'}"
        return "" if leaf.kind == "real" else _KINDS.get(leaf.kind, leaf.kind)

    # -- the backward pass

    def backward(self) -> None:
        """For each node what arrives, and what its edges send back; then the gradients of the inputs."""
        wanted = self.view.wrt or tuple(node.name for node in self.solution.nodes if node.kind == "input")
        output = self.solution.output
        if self.given and not self.seeded and not (self.view.wrt or self.view.only):
            self.canvas.line()
            text = f"{output} is an array, {self.shape(output)}: it has no gradient; --only backward shows its rules"
            self.pieces(words(text), "dim")
            return
        if self.solution.edges:
            self.section("Backward: what arrives at a node, and what its edges send back")
            arrivals = self.arrivals()
            for target, group in groupby(self.solution.edges, key=lambda edge: edge.target):
                self.arriving(self.nodes[target], f"upstream({target})")
                edges = list(group)
                column = widest([f"{edge.target} → {edge.source}" for edge in edges])
                for edge in edges:
                    self.edge(edge, column)
                    if arrivals[edge.source][-1] is edge and len(arrivals[edge.source]) > 1:
                        self.collected(edge.source, arrivals[edge.source])
        wanted = tuple(name for name in wanted if name in self.graph.ancestors[output])
        if wanted:
            self.section("Gradients")
        for name in wanted:
            self.arriving(self.nodes[name], f"upstream({name})" if self.given else f"∂{output}/∂{name}")

    def arriving(self, node: SolvedNode, label: str) -> None:
        """A gradient with its shape, its value, and the facts that it rests on."""
        pieces = [f"{label} ", *breakable(f"= {self.expression(node.gradient)}")]
        pieces.append(f"   {text_of(self.graph.shapes[node.name])}")
        self.pieces(pieces, "gradient")
        if node.gradient.expr.shown != self.number(node.gradient.number):
            self.lines(self.block(node.gradient, f"{_INDENT}= ", self.canvas.width))
        note = self.fact(node.note, question=False)
        if note:
            self.lines(wrap([_INDENT, *words(f"({note})")], self.canvas.width, 4), "open")

    def fact(self, note: str, *, question: bool) -> str:
        """A note on a fact about values: in full when it is told first, then briefly, and outside of questions no more."""
        lead, mark, _ = note.partition(_WITHOUT)
        if not mark:
            return note
        known = (question, lead) in self.facts
        self.facts.add((question, lead))
        return note if not known else lead if question else ""

    def edge(self, edge: SolvedEdge, column: int) -> None:
        """`target → source`, the rule with what arrives, and what the edge sends back."""
        label = "  " + pad(f"{edge.target} → {edge.source}", column) + "  "
        rule = self.rule(edge) or f"local: {self.expression(edge.local)}"
        sent, shape = self.expression(edge.downstream), f"   {text_of(self.graph.shapes[edge.source])}"
        indent = min(cell_len(label), self.canvas.width // 3)
        whole = f"{rule} = {sent}{shape}" if rule != sent else f"{rule}{shape}"
        if cell_len(label + whole) <= self.canvas.width:
            self.canvas.line(label, whole)
        else:
            self.pieces([label, *breakable(rule)], "plain", indent)
            lines = fold([*breakable(f"= {sent}"), shape], self.canvas.width - indent, 2)
            self.lines((" " * indent + line for line in lines), "plain")
        self.lines(self.local_value(edge, indent), "value")

    def rule(self, edge: SolvedEdge) -> str | None:
        """What the edge does with what arrives, in matrix notation; None where there is no short form."""
        local, arriving = edge.local.expr.tree, Name(f"upstream({edge.target})")
        if arriving.id in names(local):
            return self.expression(edge.local)
        target, source = (self.graph.shapes[name] for name in (edge.target, edge.source))
        found: Expr | None = None
        shape = self.shape_of(local)
        if target == () or (target == source and shape in ((), target)):
            found = _scaled(arriving, _without_ones(local) if target == source else local)
        elif source == () and shape == target:
            found = Call("sum", (Call("mul", (arriving, local)),))
        elif len(target) == len(source) == 1 and shape == (*target, *source):
            found = _sent(arriving, local)
        return None if found is None else iverson(found)

    def shape_of(self, expr: Expr) -> Shape | None:
        try:
            return lower(expr, Shapes(dict(self.graph.shapes), self.letters)).shape
        except GradcheckError:
            return None

    def local_value(self, edge: SolvedEdge, indent: int) -> list[str]:
        """The numbers of a local derivative: of one that acts entry by entry its diagonal."""
        grid, tree = edge.local.number, edge.local.expr.tree
        target, source = (self.graph.shapes[name] for name in (edge.target, edge.source))
        plain = not isinstance(_without_ones(tree), Call) or _without_ones(tree) == _MINUS
        if not isinstance(grid, Grid) or plain or not target or not source:
            return []
        known = self.shape_of(tree)
        if target == source and known == target:
            shape = grid.shape[: len(target)]
            grid = Grid(shape, tuple(grid[place + place] for place in places(shape)))
        elif known != (*target, *source):
            return []
        label, room = f"local {self.expression(edge.local)} = ", self.canvas.width - indent
        lines = matrix(grid, self.entry, room - cell_len(label))
        if lines[0].startswith("("):  # no room beside the expression
            lines = [label.rstrip(), *(f"  {line}" for line in matrix(grid, self.entry, room - 2))]
            return [" " * indent + line for line in lines]
        return labelled(" " * indent + label, lines)

    def arrivals(self) -> dict[str, list[SolvedEdge]]:
        """The edges that send something back to each node."""
        found: dict[str, list[SolvedEdge]] = {}
        for edge in self.solution.edges:
            found.setdefault(edge.source, []).append(edge)
        return found

    def collected(self, name: str, edges: list[SolvedEdge]) -> None:
        """What a node that feeds several collects, from where, and the sum."""
        lead = f"  {name} collects "
        indent = min(cell_len(lead), self.canvas.width // 3)
        for at, edge in enumerate(edges):
            sent = self.expression(edge.downstream)
            bracket = sent.startswith("-") or binding(edge.downstream.expr.tree) <= SUM
            pieces = breakable(f"({sent})" if bracket and at else sent)
            first = " " * (indent - 2) + "+ " if at else lead
            self.pieces([first, *pieces, f"   (from {edge.target})"], "gradient", indent + 2)
        self.pieces(
            [" " * (indent - 2), *breakable(f"= {self.expression(self.nodes[name].gradient)}")], "gradient", indent
        )
        blocks = [
            self.block(edge.downstream, "" if at == 0 else "+ ", self.canvas.width) for at, edge in enumerate(edges)
        ]
        whole = self.block(self.nodes[name].gradient, "= ", self.canvas.width)
        if not whole or not all(blocks):
            return
        room = self.canvas.width - len(_INDENT)
        joint: list[str] | None = blocks[0]
        for block in (*blocks[1:], whole):
            joint = None if joint is None else beside(joint, block, room)
        stacked = [line for block in (*blocks, whole) for line in block]
        self.lines((_INDENT + line for line in joint or stacked), "gradient")

    def pieces(self, pieces: list[str], style: str, indent: int = 4) -> None:
        """Pieces over as many lines as they need."""
        self.lines(fold(pieces, self.canvas.width, indent), style)

    # -- questions

    def answer(self, answer: Answer, indent: str) -> None:
        """The expression, the value, what it rests on, and the derivation where there is one."""
        room = self.canvas.width - len(indent)
        split = wrap if answer.kind in ("relation", "shape") else fold
        for line in split(self.answer_pieces(answer), room, 2):
            self.canvas.line(indent, (line, "value"))
        if answer.kind not in ("shape", "relation"):
            self.lines(indent + line for line in self.answer_value(answer, room))
        if answer.reason and answer.kind not in ("shape", "relation"):
            for line in wrap(words(f"({self.fact(answer.reason, question=True)})"), room, 2):
                self.canvas.line(indent, (line, "open"))
        if answer.proof and answer.proof not in self.proofs:
            self.proofs.add(answer.proof)
            self.proof(answer.proof, indent)

    def answer_pieces(self, answer: Answer) -> list[str]:
        if answer.kind == "relation":
            return self.verdict(answer)
        if answer.kind == "shape":
            return words(self.shape_text(answer.sizes) + ("" if answer.sizes else " – a scalar"))
        shown = self.expression(answer.quantity)
        return breakable(f"= {shown}")

    def answer_value(self, answer: Answer, room: int) -> list[str]:
        """The value, unless the expression is the value."""
        found = self.block(answer.quantity, "= ", room, decimal=self.typed(answer))
        return found if found != [f"= {self.expression(answer.quantity)}"] else []

    def proof(self, lines: Iterable[str], indent: str) -> None:
        """The lines of a derivation, each with its reason behind or below it."""
        room = self.canvas.width - len(indent) - 2
        for line in lines:
            lead = len(line) - len(line.lstrip())
            formula, mark, reason = line.strip().partition("   (")
            pieces = [" " * lead, *breakable(formula)]
            if mark and cell_len(mark + reason) + lead + 4 <= room:
                pieces.append(mark + reason)
            elif mark:
                pieces += ["   ", *words("(" + reason)]
            for part in fold(pieces, room, lead + 4):
                self.canvas.line(indent, "  ", part)


def _without_ones(expr: Expr) -> Expr:
    """A factor that acts entry by entry, without the arrays of ones that only give it its shape."""
    match expr:
        case Call(function="ones"):
            return _ONE
        case Call(function="neg", args=(inner,)):
            return Call("neg", (_without_ones(inner),))
        case Call(function="div", args=(top, bottom)):
            return Call("div", (_without_ones(top), bottom))
        case Call(function="mul", args=args):
            rest = tuple(arg for arg in args if _without_ones(arg) != _ONE)
            return _ONE if not rest else rest[0] if len(rest) == 1 else Call("mul", rest)
    return expr


def _scaled(arriving: Expr, factor: Expr) -> Expr:
    """What arrives times a factor."""
    if factor in (_ONE, _MINUS):
        return arriving if factor == _ONE else Call("neg", (arriving,))
    if isinstance(factor, Call) and factor.function == "div" and factor.args[0] == _ONE:
        return Call("div", (arriving, factor.args[1]))
    return Call("mul", (arriving, factor))


def _sent(arriving: Expr, jacobian: Expr) -> Expr:
    """The Jacobian's transpose times what arrives."""
    if isinstance(jacobian, Name):
        return Call("matmul", (Call("transpose", (jacobian,)), arriving))
    if isinstance(jacobian, Call) and jacobian.function == "transpose":
        return Call("matmul", (jacobian.args[0], arriving))
    return Call("matmul", (arriving, jacobian))
