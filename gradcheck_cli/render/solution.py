"""A solution for a terminal: the graph, upstream × local = downstream, the chain rule, the questions, the check."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from rich.cells import cell_len

from gradcheck_cli.render.arrays import ArrayPrinter
from gradcheck_cli.render.layout import pad, widest, words, wrap
from gradcheck_cli.render.printer import Printer, View

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gradcheck_cli.render.canvas import Canvas
    from gradcheck_cli.solving import Quantity, Solution, SolvedEdge, SolvedNode

MOST_PATHS = 6
LONGEST_PATH = 24
DEEPEST_TREE = 14


class SolutionPrinter(Printer):
    """Prints the solution of a problem in which everything is a number."""

    def __init__(self, canvas: Canvas, solution: Solution, view: View, keys: Mapping[str, str]) -> None:
        super().__init__(canvas, solution, view, keys)
        graph = solution.problem.graph
        self.numeric = all(leaf.value is not None for leaf in (*graph.inputs, *graph.constants))

    def print(self) -> None:
        """Everything the view wants, a blank line between the parts."""
        self.heading()
        self.description()
        if self.view.shows("forward") or self.view.shows("backward"):
            self.graph()
        if self.view.shows("backward"):
            self.edges()
            self.chains()
        if self.view.shows("questions") and self.solution.answers:
            self.questions()
        self.agreement()

    # -- the graph

    def graph(self) -> None:
        """The tree below the output with values and gradients beside it; a list where that is too wide."""
        backward = self.view.shows("backward")
        rows = list(self.tree())
        labels = [prefix + text for prefix, text, _ in rows]
        values = [self.number(node.forward.number) if node else "" for *_, node in rows]
        slopes = [self.number(node.gradient.number) if node and backward else "" for *_, node in rows]
        slope_head = ("upstream" if self.seeded else f"∂{self.solution.output}/∂node") if backward else ""
        columns = (widest(labels), max(widest(values), 5), max(widest(slopes), cell_len(slope_head)))
        if sum(columns) + 4 > self.canvas.width or max(len(prefix) for prefix, *_ in rows) > 3 * DEEPEST_TREE:
            self.listing(backward=backward)
            return
        self.canvas.line()
        head = pad("Graph", columns[0]) + "  " + pad("value", columns[1], right=True)
        self.canvas.line((head + "  " + pad(slope_head, columns[2], right=True) if backward else head, "head"))
        for (prefix, text, node), value, slope in zip(rows, values, slopes, strict=True):
            style = "name" if node and node.kind == "input" else "plain"
            label = pad(text, columns[0] - cell_len(prefix)) if node else text
            cells: list[str | tuple[str, str]] = [prefix, (label, style)]
            if node:
                cells += ["  ", (pad(value, columns[1], right=True), "value")]
            if node and backward:
                cells += ["  ", (pad(slope, columns[2], right=True), "gradient")]
            self.canvas.line(*cells)

    def tree(self) -> Iterator[tuple[str, str, SolvedNode | None]]:
        """The rows of the tree: branches, text, node; a node that stands above already is only named."""
        seen: set[str] = set()
        stack: list[tuple[str, str, str]] = [("", "", self.solution.output)]
        while stack:
            prefix, below, name = stack.pop()
            node = self.nodes[name]
            if name in seen:
                yield prefix, f"{name} (above)", None
                continue
            seen.add(name)
            yield prefix, self.definition(node), node
            last = len(node.inputs) - 1
            branches = [
                (below + ("└─ " if at == last else "├─ "), below + ("   " if at == last else "│  "), source)
                for at, source in enumerate(node.inputs)
            ]
            stack.extend(reversed(branches))

    @staticmethod
    def definition(node: SolvedNode) -> str:
        return f"{node.name} = {node.forward.expr.shown}" if node.kind == "node" else node.name

    def listing(self, *, backward: bool) -> None:
        """The nodes in the order of the forward pass, each with its numbers on a line of their own if need be."""
        self.section("Graph")
        for node in self.solution.nodes:
            style = "name" if node.kind == "input" else "plain"
            pieces = words(self.definition(node))
            lines = wrap(pieces, self.canvas.width, 4)
            numbers = f"= {self.number(node.forward.number)}"
            if backward:
                numbers += f"   ∂{self.solution.output}/∂{node.name} = {self.number(node.gradient.number)}"
            if len(lines) == 1 and cell_len(lines[0]) + cell_len(numbers) + 2 <= self.canvas.width:
                self.canvas.line((lines[0], style), "  ", (numbers, "value"))
                continue
            for line in lines:
                self.canvas.line((line, style))
            for line in wrap(words(numbers), self.canvas.width - 2, 4):
                self.canvas.line("  ", (line, "value"))

    # -- edges

    def edges(self) -> None:
        """The table upstream × local = downstream, in the order of the backward pass."""
        rows = [self.edge_row(edge) for edge in self.solution.edges]
        if not rows:
            return
        self.canvas.line()
        columns = [max(widest([row[at] for row in rows]), 0) for at in range(4)]
        heads = ("Edge", "upstream", "local", "downstream")
        columns = [max(column, cell_len(head)) for column, head in zip(columns, heads, strict=True)]
        width = sum(columns) + 8
        beside = width + 3 + widest([row[4] for row in rows]) <= self.canvas.width
        stacked = width > self.canvas.width
        if not stacked:
            head = f"{pad(heads[0], columns[0])}  {pad(heads[1], columns[1], right=True)} × "
            head += f"{pad(heads[2], columns[2], right=True)} = {pad(heads[3], columns[3], right=True)}"
            self.canvas.line((head + ("   local derivative" if beside else ""), "head"))
        else:
            self.canvas.line(("Edge: upstream × local = downstream", "head"))
        sums = self.sums()
        for edge, row in zip(self.solution.edges, rows, strict=True):
            self.edge_line(row, columns, beside=beside, stacked=stacked)
            for line in sums.pop((edge.target, edge.source), ()):
                for part in wrap(words(line), self.canvas.width, 4):
                    self.canvas.line((part, "gradient"))

    def edge_row(self, edge: SolvedEdge) -> tuple[str, str, str, str, str]:
        local = f"∂{edge.target}/∂{edge.source} = {self.expression(edge.local)}"
        upstream, step = (self.factor(part) for part in (edge.upstream, edge.local))
        downstream = self.told(edge.downstream)
        return f"{edge.target} → {edge.source}", upstream, step, downstream, local

    def told(self, quantity: Quantity) -> str:
        """The number; the expression where a value is missing; a dash where all are given and there is none."""
        text = self.number(quantity.number)
        return text if text != "–" or self.numeric else self.expression(quantity)

    def factor(self, quantity: Quantity) -> str:
        """As `told`, in brackets where it could be misread as a factor."""
        text = self.told(quantity)
        return f"({text})" if " + " in text or " - " in text else text

    def edge_line(self, row: tuple[str, ...], columns: list[int], *, beside: bool, stacked: bool) -> None:
        name, upstream, local, downstream, derivative = row
        if stacked:
            self.canvas.line(name)
            text = [f"{upstream} ", f"× {local} ", f"= {downstream}"]
            for line in wrap(text, self.canvas.width - 2, 4):
                self.canvas.line("  ", (line, "value"))
            for line in wrap(words(derivative), self.canvas.width - 2, 4):
                self.canvas.line("  ", line)
            return
        cells: list[str | tuple[str, str]] = [
            pad(name, columns[0]),
            "  ",
            (pad(upstream, columns[1], right=True), "gradient"),
            " × ",
            (pad(local, columns[2], right=True), "value"),
            " = ",
            (pad(downstream, columns[3], right=True), "gradient"),
        ]
        if beside:
            self.canvas.line(*cells, "   ", derivative)
            return
        self.canvas.line(*cells)
        for part in wrap(words(derivative), self.canvas.width - 4, 4):
            self.canvas.line("    ", part)

    def sums(self) -> dict[tuple[str, str], list[str]]:
        """Behind the last edge into a node that feeds several: what it collects, and from where."""
        arrivals: dict[str, list[SolvedEdge]] = {}
        for edge in self.solution.edges:
            arrivals.setdefault(edge.source, []).append(edge)
        found = {}
        for name, edges in arrivals.items():
            if len(edges) > 1:
                parts: list[str] = []
                for edge in edges:
                    text = self.told(edge.downstream)
                    text = f"({text})" if text.startswith("-") and parts else text
                    parts.append(f"{text} (from {edge.target})")
                total = self.number(self.nodes[name].gradient.number)
                lead = f"{total} = " if total != "–" else ""
                found[edges[-1].target, name] = [f"  {name} collects {lead}" + " + ".join(parts)]
        return found

    # -- chains

    def chains(self) -> None:
        """For each input the chain rule as homework writes it."""
        wanted = self.view.wrt or tuple(node.name for node in self.solution.nodes if node.kind == "input")
        graph = self.solution.problem.graph
        wanted = tuple(name for name in wanted if name in graph.ancestors[self.solution.output])
        if not wanted:
            return
        self.section("Chain rule")
        for name in wanted:
            paths = graph.paths(self.solution.output, name, MOST_PATHS + 1)
            long = max((len(path) for path in paths), default=0) > LONGEST_PATH
            if len(paths) > MOST_PATHS or long:
                self.short_chain(name)
            else:
                self.chain(name, paths)

    def short_chain(self, name: str) -> None:
        """Too many paths, or too long, to be written out: the sum over the nodes that it feeds."""
        output = self.solution.output
        users = self.solution.problem.graph.targets[name]
        terms = [f"∂{output}/∂{user} · ∂{user}/∂{name} " for user in users]
        pieces = [("+ " if at else "") + term for at, term in enumerate(terms)]
        self.hanging(f"∂{output}/∂{name} ", [f"= {pieces[0]}", *pieces[1:]])
        self.result(name, indent=cell_len(f"∂{output}/∂{name} "))

    def chain(self, name: str, paths: tuple[tuple[str, ...], ...]) -> None:
        output = self.solution.output
        label = f"upstream({name}) " if self.seeded else f"∂{output}/∂{name} "
        symbols: list[str] = []
        numbers: list[str] = []
        known = {(edge.target, edge.source): edge for edge in self.solution.edges}
        for at, path in enumerate(paths):
            links = list(pairwise(path))
            joint = "= " if at == 0 else "+ "
            if self.seeded:
                symbols.append(f"{joint}upstream({output}) ")
                numbers.append(f"{joint}{self.factor(self.nodes[output].gradient)} ")
            for place, (target, source) in enumerate(links):
                joint = "· " if place or self.seeded else joint
                symbols.append(f"{joint}∂{target}/∂{source} ")
                text = self.told(known[target, source].local)
                bracket = text.startswith("-") or " " in text
                numbers.append(f"{joint}({text}) " if bracket else f"{joint}{text} ")
        if len(symbols) == 1:
            symbols = [f"= {self.expression(self.nodes[name].gradient)}"]
        self.hanging(label, symbols)
        indent = cell_len(label)
        if len(numbers) == 1:
            if self.number(self.nodes[name].gradient.number) != "–":
                self.result(name, indent)
            return
        end = self.number(self.nodes[name].gradient.number)
        self.hanging(" " * indent, [*numbers, f"= {end}"] if end != "–" else numbers)

    def result(self, name: str, indent: int) -> None:
        quantity = self.nodes[name].gradient
        self.hanging(" " * indent, [f"= {self.told(quantity)}"])

    def hanging(self, label: str, pieces: list[str]) -> None:
        indent = min(cell_len(label), self.canvas.width // 3)
        for line in (
            wrap([label, *pieces], self.canvas.width, indent)
            if label.strip()
            else [" " * indent + line for line in wrap(pieces, self.canvas.width - indent, 0)]
        ):
            self.canvas.line(line)


def print_solution(canvas: Canvas, solution: Solution, view: View, keys: Mapping[str, str]) -> None:
    """Print a solution; `keys` has the verdicts on the author's own answers."""
    printer = ArrayPrinter if solution.problem.arrays else SolutionPrinter
    printer(canvas, solution, view, keys).print()
