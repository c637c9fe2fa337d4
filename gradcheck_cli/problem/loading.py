"""A problem file, by path or bundled name, to a `Problem`; ProblemError with everything that is wrong with it."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError, ParseError, ProblemError, UnsupportedError
from gradcheck_cli.expand import scalar_only
from gradcheck_cli.expr import Expr, names
from gradcheck_cli.files import read_source
from gradcheck_cli.functions import ALIASES, FUNCTIONS
from gradcheck_cli.graph import Graph, Input, in_order
from gradcheck_cli.graph import Node as GraphNode
from gradcheck_cli.parsing.lexer import fold
from gradcheck_cli.parsing.names import Scope, scope
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.problem.bundled import find
from gradcheck_cli.problem.fields import FORMS, INPUT, QUESTION, SCALAR_KINDS, allows
from gradcheck_cli.problem.model import Key, Problem, Question
from gradcheck_cli.problem.reader import Reader, kind_of, meant
from gradcheck_cli.source import Span
from gradcheck_cli.yamltree import Node, read_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gradcheck_cli.source import Source

_NAME = re.compile(r"[A-Za-z\u0370-\u03ff][A-Za-z0-9_\u0370-\u03ff]*")
_ARRAYS = "vectors and matrices are not worked out yet"
_FIELDS = {field.name: field for field in (*INPUT, *QUESTION)}


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
        self.declared: dict[str, Node] = {}
        self.refused: set[str] = set()  # names that were wrong where they were declared: complained of once

    def problem(self, tree: Node) -> Problem | None:
        top = self.read.section(tree, "problem", "the problem")
        if tree.kind != "map":
            return None
        self.unsupported(top)
        inputs = self.leaves(top.get("inputs"), "input")
        constants = self.leaves(top.get("constants"), "constant")
        texts, latex = self.nodes(top.get("graph"))
        lets = self.lets(top.get("let"))
        if "graph" not in top and "layers" not in top:
            self.read.wrong(tree, "the problem has no graph", "add graph: with a line `name: expression` for each node")
        elif not texts and not self.read.errors:
            self.read.wrong(top.get("graph", tree), "the graph is empty", "add a line `name: expression`")
        if self.read.errors and not inputs and any(key not in top for key in ("inputs", "graph")):
            return None  # a misspelt section would make every name in it unknown
        names_of = self.spellings(inputs, constants, latex, lets)
        graph = self.graph(inputs, constants, texts, latex, names_of, top)
        known = [leaf.name for leaf in inputs] + list(texts)
        outputs = self.outputs(top, known, list(texts))
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
        vocabulary, _ = scope(names_of, graph.ancestors if graph else None)
        digits = self.read.number(top.get("digits"), "digits")
        rate = self.read.number(top.get("learning_rate"), "learning_rate")
        lets_read = tuple((let, self.let(let, text, vocabulary, lets)) for let, text in lets.items())
        vocabulary, _ = scope(names_of, _with_lets(graph, lets_read))
        questions = self.questions(top.get("questions"), vocabulary, int(digits.value) if digits else 1)
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

    def unsupported(self, top: Mapping[str, Node]) -> None:
        for key, what in (("layers", "layers"), ("dims", "symbolic sizes")):
            if key in top:
                message = f"{what}: {_ARRAYS}"
                self.read.errors.append(UnsupportedError(message, source=self.source, span=top[key].span))

    # -- names

    def declare(self, key: Node, what: str) -> bool:
        """Take a name; False, with an error, where it cannot be one or is taken."""
        name = key.text
        if not _NAME.fullmatch(name) or fold(name) != name:
            hint = "use letters, digits and _, a letter first; latex: says how it is printed"
            self.read.wrong(key, f'"{name}" cannot be the name of {what}', hint)
            self.refused.add(name)
            return False
        if name in self.declared:
            line, _ = self.source.line_column(self.declared[name].span)
            self.read.wrong(key, f"{name} is declared twice, first in line {line}", "give one of them another name")
            return False
        self.declared[name] = key
        return True

    def spellings(
        self,
        inputs: Iterable[Input],
        constants: Iterable[Input],
        latex: Mapping[str, tuple[str, ...]],
        lets: Iterable[str],
    ) -> dict[str, tuple[str, ...]]:
        """For each name the LaTeX it is declared with; a spelling of two names is an error."""
        names_of = {leaf.name: leaf.latex for leaf in (*inputs, *constants)}
        names_of.update(latex)
        names_of.update(dict.fromkeys(lets, ()))
        _, clashes = scope(names_of)
        for spelling, owner, other in clashes:
            message = f'the spelling "{spelling}" of {other} already means {owner}'
            self.read.wrong(self.declared[other], message, "give it another spelling")
        return names_of

    # -- inputs and nodes

    def leaves(self, node: Node | None, what: str) -> tuple[Input, ...]:
        found = []
        for key, value in self.read.entries(node, f"{what}s"):
            if self.declare(key, f"an {what}" if what == "input" else f"a {what}"):
                leaf = self.leaf(key, value)
                found.append(leaf)
        return tuple(found)

    def leaf(self, key: Node, node: Node) -> Input:
        entry = self.read.section(node, "input", f"input {key.text}") if node.kind == "map" else {"value": node}
        if "shape" in entry or (entry.get("value") is not None and entry["value"].kind == "list"):
            place = entry.get("shape", node)
            message = f"{key.text} is an array: {_ARRAYS}"
            self.read.errors.append(UnsupportedError(message, source=self.source, span=place.span))
            return Input(key.text)
        typed = self.read.number(entry.get("value"), key.text)
        kind = self.read.choice(entry.get("kind"), _FIELDS["kind"], f"the kind of {key.text}", "real")
        if typed and not allows(kind, typed.value):
            self.read.wrong(typed.node, f"{key.text} = {typed.node.text} is not {kind}", "change the value or the kind")
        return Input(
            name=key.text,
            value=typed.value if typed else None,
            decimal=bool(typed and typed.decimal),
            kind=kind if kind in SCALAR_KINDS else "real",
            param=self.read.flag(entry.get("param"), f"param of {key.text}"),
            latex=self.read.texts(entry.get("latex"), f"latex of {key.text}"),
            span=key.span,
        )

    def nodes(self, node: Node | None) -> tuple[dict[str, Source], dict[str, tuple[str, ...]]]:
        texts: dict[str, Source] = {}
        latex: dict[str, tuple[str, ...]] = {}
        for key, value in self.read.entries(node, "graph"):
            if not self.declare(key, "a node"):
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
            if self.declare(key, "a let name") and text is not None:
                found[key.text] = text
        return found

    def parse(self, text: Source, vocabulary: Scope) -> Expr | None:
        try:
            self.hidden(text)
            return scalar_only(parse(text, vocabulary), text)
        except GradcheckError as error:
            if not any(f'"{name}" is no name' in error.message for name in self.refused):
                self.read.errors.append(error)
            return None

    def let(self, name: str, text: Source, vocabulary: Scope, lets: Mapping[str, Source]) -> Expr | None:
        """A let name's expression: it may use nodes, inputs and the let names before it."""
        expr = self.parse(text, vocabulary)
        order = list(lets)
        later = [used for used in (names(expr) if expr else ()) if used in order[order.index(name) :]]
        if later:
            message = f"{name} uses {later[0]}, which is not defined before it"
            self.read.wrong(self.declared[name], message, "define let names before they are used")
        return expr

    def hidden(self, text: Source) -> None:
        """Refuse a call of a function whose name the problem has given to something else."""
        for match in re.finditer(r"([A-Za-z_][A-Za-z0-9_]*)\s*\(", text.text):
            word = match[1]
            function = ALIASES.get(word)
            if function and word in self.declared and FUNCTIONS[function].params:
                line, _ = self.source.line_column(self.declared[word].span)
                message = f"{word} is a name of this problem (line {line}) and hides the function {word}(…)"
                from_span = Span(match.start(1), match.end(1))
                raise ParseError(
                    message, hint="give it another name, or write * for a product", source=text, span=from_span
                )

    def graph(
        self,
        inputs: tuple[Input, ...],
        constants: tuple[Input, ...],
        texts: Mapping[str, Source],
        latex: Mapping[str, tuple[str, ...]],
        names_of: Mapping[str, Iterable[str]],
        top: Mapping[str, Node],
    ) -> Graph | None:
        lets = {key.text for key, _ in self.read.entries(top.get("let"), "let")}
        vocabulary, _ = scope({name: spelling for name, spelling in names_of.items() if name not in lets})
        nodes = []
        for name, text in texts.items():
            self.no_lets(text, lets)
            expr = self.parse(text, vocabulary)
            if expr is not None:
                nodes.append(GraphNode(name, expr, latex.get(name, ()), self.declared[name].span))
        ordered, circular = in_order(nodes)
        self.cycle(circular)
        if self.read.errors or not ordered:
            return None
        return Graph(inputs, ordered, list(texts)[-1], constants)

    def no_lets(self, text: Source, lets: set[str]) -> None:
        for match in re.finditer(r"[A-Za-z_][A-Za-z0-9_]*", text.text):
            if match.group() in lets:
                message = f"{match.group()} is a let name, which the graph cannot use"
                span = Span(match.start(), match.end())
                error = ParseError(message, hint="make it a node of the graph", source=text, span=span)
                self.read.errors.append(error)
                self.refused.add(match.group())

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
        node = self.declared[path[0]]
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
        if not entries:
            return None
        key, value = entries[0]
        if len(entries) > 1 or key.text != outputs[0]:
            hint = f"give the gradient that arrives at the output: upstream: {{{outputs[0]}: …}}"
            self.read.wrong(key, "upstream names a node that is not the output", hint)
            return None
        text = self.read.expression(value, f"upstream of {key.text}")
        return self.parse(text, vocabulary) if text else None

    def questions(self, node: Node | None, vocabulary: Scope, digits: int) -> tuple[Question, ...]:
        found: list[Question] = []
        taken: set[str] = set()
        for number, item in enumerate(self.read.items(node, "questions"), start=1):
            question = self.question(item, str(number), vocabulary, digits)
            if question is None:
                continue
            if question.id in taken:
                self.read.wrong(item, f'the question id "{question.id}" occurs twice', "give each question its own id")
            taken.add(question.id)
            found.append(question)
        return tuple(found)

    def question(self, node: Node, number: str, vocabulary: Scope, digits: int) -> Question | None:
        entry = self.read.section(node, "question", f"question {number}")
        name = self.read.text(entry.get("id"), "id", number)
        written = self.read.expression(entry.get("ask"), f"ask of question {name}")
        ask = self.parse(written, vocabulary) if written else None
        points = self.read.number(entry.get("points"), "points")
        tolerance = self.read.number(entry.get("tolerance"), "tolerance")
        asked_digits = self.read.number(entry.get("digits"), "digits")
        for typed, what in ((points, "points"), (tolerance, "tolerance")):
            if typed and typed.value < 0:
                self.read.wrong(typed.node, f"{what} is {typed.node.text}", "write 0 or more")
        form = self.read.choice(entry.get("form"), _FIELDS["form"], "form", FORMS[0])
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
            digits=int(asked_digits.value) if asked_digits else digits,
            key=key,
            hints=hints,
        )

    def key(self, node: Node | None, name: str) -> Key | None:
        return None if node is None else read_key(self.read, node, f"the answer to question {name}")


def _with_lets(graph: Graph | None, lets: Iterable[tuple[str, Expr | None]]) -> dict[str, frozenset[str]]:
    """What each node and let name depends on, so that u(x0) can be read as notation for u."""
    above = dict(graph.ancestors) if graph else {}
    for name, expr in lets:
        direct = frozenset(names(expr)) if expr is not None else frozenset()
        above[name] = direct.union(*(above.get(used, frozenset()) for used in direct))
    return above


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
        nested = next((item for item in node.items if item.kind != "scalar"), None)
        if nested is not None:
            reader.wrong(nested, f"{what} holds {kind_of(nested)}", "write a text or a number")
            return Key()
        return Key(tuple(text for item in node.items if (text := reader.expression(item, what)) is not None))
    text = reader.expression(node, what)
    return Key((text,) if text is not None else ())
