"""A problem file, by path or bundled name, to a `Problem`; ProblemError with everything that is wrong with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError, ParseError, ProblemError
from gradcheck_cli.expr import Call, Expr, Name, names, walk
from gradcheck_cli.files import read_source
from gradcheck_cli.graph import Graph, Input, in_order
from gradcheck_cli.graph import Node as GraphNode
from gradcheck_cli.problem.bundled import find
from gradcheck_cli.problem.layers import Layers
from gradcheck_cli.problem.leaves import Leaves
from gradcheck_cli.problem.model import Problem
from gradcheck_cli.problem.names import Names
from gradcheck_cli.problem.questions import Questions
from gradcheck_cli.problem.reader import Reader, meant
from gradcheck_cli.problem.shaping import Shaper, derived
from gradcheck_cli.problem.sizes import too_small
from gradcheck_cli.source import Span
from gradcheck_cli.yamltree import Node, read_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.shapes import Shape
    from gradcheck_cli.source import Source

MAX_NODES = 2000
MAX_WRITTEN = 20_000  # parts of a let name, those that it uses written out


def load(name: str | Path) -> Problem:
    """The problem at a path, or the bundled one of that name.

    Raises FileError for the file and ProblemError, with all errors found, for what is in it.
    """
    path = find(str(name))
    return read_problem(read_source(path), Path(path).stem)


def read_problem(source: Source, name: str) -> Problem:
    """The problem that a YAML text describes."""
    tree = read_tree(source)
    loader = _Loader(source, name)
    problem = loader.problem(tree)
    if problem is None or loader.read.errors:
        raise ProblemError(sorted(loader.read.errors, key=_place))
    return problem


def _place(error: GradcheckError) -> tuple[int, int]:
    return error.source.line_column(error.span) if error.source else (0, 0)


class _Loader:
    """Reads one file; what goes wrong is collected in `read.errors`."""

    def __init__(self, source: Source, name: str) -> None:
        self.source = source
        self.name = name
        self.read = Reader(source)
        self.names = Names(self.read)
        self.leaves = Leaves(self.names)
        self.shaper: Shaper | None = None
        self.written: dict[str, int] = {}  # how many parts each let name has, written out

    def problem(self, tree: Node) -> Problem | None:
        top = self.read.section(tree, "problem", "the problem")
        if tree.kind != "map":
            return None
        self.leaves.dims(top.get("dims"))
        inputs = self.leaves.section(top.get("inputs"), "input")
        constants = self.leaves.section(top.get("constants"), "constant")
        layers = Layers(self.leaves, inputs)
        layers.expand(top.get("layers"))
        inputs = (*layers.inputs, *inputs)
        texts, latex = self.nodes(top.get("graph"))
        lets = self.lets(top.get("let"))
        self.names.check_letters()
        if "graph" not in top and "layers" not in top:
            self.read.wrong(tree, "the problem has no graph", "add graph: with a line `name: expression` for each node")
        elif not texts and not layers.nodes and not self.read.errors:
            place = top.get("graph") or top.get("layers") or tree
            hint = "add a line `name: expression`" if "graph" in top else "add a layer such as {dense: 10}"
            self.read.wrong(place, "the graph is empty", hint)
        if self.read.errors and not inputs and any(key not in top for key in ("inputs", "graph")):
            return None  # a misspelt section would make every name in it unknown
        latex = {node.name: () for node in layers.nodes} | latex
        names_of = self.names.spellings((*inputs, *constants), latex, lets)
        graph = self.graph((inputs, constants), tuple(layers.nodes), texts, latex, names_of, top.get("let"))
        outputs = self.outputs(top, [*(leaf.name for leaf in inputs), *latex], list(latex))
        return self.finish(top, graph, outputs, lets, names_of)

    def finish(
        self,
        top: Mapping[str, Node],
        graph: Graph | None,
        outputs: tuple[str, ...],
        lets: Mapping[str, Source],
        names_of: Mapping[str, Iterable[str]],
    ) -> Problem | None:
        """Read the rest, also where the graph is wrong: all errors are told at once."""
        vocabulary = self.names.scope(names_of, graph.ancestors if graph else None)
        digits = self.read.number(top.get("digits"), "digits")
        rate = self.read.number(top.get("learning_rate"), "learning_rate")
        lets_read = tuple((let, self.let(let, text, vocabulary, lets)) for let, text in lets.items())
        if self.shaper:
            self.shaper.lets(lets_read, lets)
        vocabulary = self.names.scope(names_of, _with_lets(graph, lets_read))
        asked = Questions(self.names, vocabulary, int(digits.value) if digits else 1)
        questions = asked.section(top.get("questions"))
        seed = self.seed(top.get("upstream"), outputs, vocabulary)
        title = self.read.text(top.get("title"), "title")
        if self.read.errors or graph is None:
            return None
        return Problem(
            name=self.name,
            title=title,
            source=self.source,
            graph=graph,
            scope=vocabulary,
            outputs=outputs,
            description=self.read.text(top.get("description"), "description"),
            lets=tuple((let, expr) for let, expr in lets_read if expr is not None),
            seed=seed,
            learning_rate=rate.value if rate else None,
            questions=questions,
        )

    # -- nodes and let names

    def nodes(self, node: Node | None) -> tuple[dict[str, Source], dict[str, tuple[str, ...]]]:
        texts: dict[str, Source] = {}
        latex: dict[str, tuple[str, ...]] = {}
        entries = self.read.entries(node, "graph")
        if node is not None and len(entries) > MAX_NODES:
            self.read.wrong(node, f"the graph has {len(entries):,} nodes", f"at most {MAX_NODES:,} are worked out")
            return texts, latex
        for key, value in entries:
            if not self.names.declare(key, "a node"):
                continue
            latex[key.text] = ()
            entry = self.read.section(value, "node", f"node {key.text}") if value.kind == "map" else {"expr": value}
            text = self.read.expression(entry.get("expr"), key.text)
            latex[key.text] = self.read.texts(entry.get("latex"), f"latex of {key.text}")
            if text is not None:
                texts[key.text] = text
        return texts, latex

    def lets(self, node: Node | None) -> dict[str, Source]:
        found: dict[str, Source] = {}
        for key, value in self.read.entries(node, "let"):
            text = self.read.expression(value, key.text)
            if self.names.declare(key, "a let name") and text is not None:
                found[key.text] = text
        return found

    def let(self, name: str, text: Source, vocabulary: Scope, lets: Mapping[str, Source]) -> Expr | None:
        """A let name's expression: it may use nodes, inputs and the let names before it."""
        expr = self.names.parse(text, vocabulary)
        shape = (
            next((part for part in walk(expr) if isinstance(part, Call) and part.function == "shape"), None)
            if expr
            else None
        )
        if shape is not None:
            message = f"{name} is a shape, and a let name stands for a number or an array"
            self.read.errors.append(
                ParseError(message, hint="ask for it under questions:", source=text, span=shape.span)
            )
        order = list(lets)
        later = [used for used in (names(expr) if expr else ()) if used in order[order.index(name) :]]
        if later:
            message = f"{name} uses {later[0]}, which is not defined before it"
            self.read.wrong(self.names.declared[name], message, "define let names before they are used")
        self.written[name] = sum(
            self.written.get(part.id, 1) if isinstance(part, Name) else 1 for part in (walk(expr) if expr else ())
        )
        if self.written[name] > MAX_WRITTEN:
            message = f"{name} stands for more than {MAX_WRITTEN:,} signs, its let names written out"
            self.read.wrong(self.names.declared[name], message, "make some of them nodes of the graph")
            self.written[name] = 1
            return None
        return expr

    def graph(
        self,
        leaves: tuple[tuple[Input, ...], tuple[Input, ...]],
        ready: tuple[GraphNode, ...],
        texts: Mapping[str, Source],
        latex: Mapping[str, tuple[str, ...]],
        names_of: Mapping[str, Iterable[str]],
        let: Node | None,
    ) -> Graph | None:
        """The graph of inputs and constants, of nodes that are `ready`, and of those that are texts still."""
        lets = set(let.keys) if let else set()
        vocabulary = self.names.scope({name: spelling for name, spelling in names_of.items() if name not in lets})
        nodes = list(ready)
        for name, text in texts.items():
            self.no_lets(text, lets)
            expr = self.formula(text, vocabulary)
            if expr is not None:
                nodes.append(GraphNode(name, expr, latex.get(name, ()), self.names.declared[name].span))
        ordered, circular = in_order(nodes)
        self.cycle(circular)
        shapes = self.shapes((*leaves[0], *leaves[1]), ordered, texts)
        if self.read.errors or not ordered:
            return None
        dims = tuple((letter, self.leaves.numbers.get(letter)) for letter in self.names.letters)
        return Graph(leaves[0], ordered, list(latex)[-1], leaves[1], dims, shapes)

    def shapes(
        self, leaves: tuple[Input, ...], ordered: tuple[GraphNode, ...], texts: Mapping[str, Source]
    ) -> dict[str, Shape]:
        """The shape of every leaf and node; nothing where nothing in the problem is an array."""
        if not self.names.arrays:
            return {}
        self.shaper = Shaper(self.names, leaves, self.leaves.unknown, self.leaves.numbers)
        self.shaper.nodes(ordered, texts)
        shapes = dict(self.shaper.known)
        used = {letter for shape in shapes.values() for one in shape for letter in one.letters}
        used.update(name for node in ordered for name in names(node.expr))
        for letter, key in self.leaves.given.items():
            if letter not in used and not self.read.errors:
                self.read.wrong(
                    key, f"{letter} is the size of nothing", meant(letter, sorted(used & set(self.names.letters)))
                )
        small = too_small(shapes, self.leaves.numbers)
        if small is not None:
            name, one = small
            message = f"{name} has the size {one}, which is {one.at(self.leaves.numbers)} here"
            self.read.wrong(self.names.declared[name], message, "sizes are 1 or more")
        return shapes

    def formula(self, text: Source, vocabulary: Scope) -> Expr | None:
        """What a node is, in inputs and other nodes; None after an error."""
        expr = self.names.parse(text, vocabulary)
        asked = derived(expr) if expr is not None else None
        if asked is None:
            return expr
        message = f"{asked.function}(…) has to be derived, and a node is a formula of inputs and other nodes"
        self.read.errors.append(
            ParseError(message, hint="make it a let name or a question", source=text, span=asked.span)
        )
        return None

    def no_lets(self, text: Source, lets: set[str]) -> None:
        for match in re.finditer(r"[A-Za-z_][A-Za-z0-9_]*", text.text):
            if match.group() in lets:
                message = f"{match.group()} is a let name, which the graph cannot use"
                span = Span(match.start(), match.end())
                error = ParseError(message, hint="make it a node of the graph", source=text, span=span)
                self.read.errors.append(error)
                self.names.refused.add(match.group())

    def cycle(self, circular: tuple[GraphNode, ...]) -> None:
        """Name one cycle among nodes that wait for one another."""
        if not circular:
            return
        waiting = {node.name: node for node in circular}
        path = [circular[0].name]
        while True:
            following = next(name for name in names(waiting[path[-1]].expr) if name in waiting)
            if following in path:
                path = [*path[path.index(following) :], following]
                break
            path.append(following)
        node = self.names.declared[path[0]]
        message = (
            f"{path[0]} depends on itself: {' -> '.join(path)}" if len(path) > 2 else f"{path[0]} depends on itself"
        )
        self.read.wrong(node, message, "a node may use inputs and other nodes, never what is computed from it")

    # -- output, questions

    def outputs(self, top: Mapping[str, Node], known: list[str], nodes: list[str]) -> tuple[str, ...]:
        given = self.read.texts(top.get("output"), "output")
        for name in given:
            if name not in known:
                self.read.wrong(top["output"], f'output "{name}" is no node', meant(name, nodes))
        return given or tuple(nodes[-1:])

    def seed(self, node: Node | None, outputs: tuple[str, ...], vocabulary: Scope) -> Expr | None:
        entries = self.read.entries(node, "upstream")
        if not entries or not outputs:
            return None
        key, value = entries[0]
        if len(entries) > 1 or key.text != outputs[0]:
            hint = f"give the gradient that arrives at the output: upstream: {{{outputs[0]}: …}}"
            self.read.wrong(key, "upstream names a node that is not the output", hint)
            return None
        text = self.read.expression(value, f"upstream of {key.text}")
        expr = self.formula(text, vocabulary) if text else None
        if text and expr is not None and self.shaper:
            self.shaper.seed(key.text, expr, text)
        return expr


def _with_lets(graph: Graph | None, lets: Iterable[tuple[str, Expr | None]]) -> dict[str, frozenset[str]]:
    """What each node and let name depends on, so that u(x0) can be read as notation for u."""
    above = dict(graph.ancestors) if graph else {}
    for name, expr in lets:
        direct = frozenset(names(expr)) if expr is not None else frozenset()
        above[name] = direct.union(*(above.get(used, frozenset()) for used in direct))
    return above
