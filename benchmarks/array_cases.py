r"""Cases about problems with arrays: right answers in many forms, and wrong ones with one known fault each.

Derivatives are composed edge by edge (`array_compose.py`) or taken from the problem file's own answers, written anew
(`array_forms.py`) and evaluated in NumPy at four draws of two choices of sizes. A fault is *distinguishable* where its
values differ from the truth's; faults with the same values share their names. Cases are formulas in LaTeX (`\odot`,
`^\top`; `\circ`, `^T`) and answers to a query in plain spelling, by turns.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np
from array_calculus import DRAWS, NoValueError, add, call, div, less, mul, neg, same
from array_compose import Composer
from array_forms import Entries, exchanged, places, rewrites, wrong_changes
from array_writing import array_text, matrix_text, notations, number_text
from judging import Case

from gradcheck_cli import shapes
from gradcheck_cli.expr import Call, Index, Name, Num, names, number, walk
from gradcheck_cli.write.text import write

MOST_FAULTS = 40  # of one query
MOST_NODES = 60  # of an expression that is changed
MOST_ENTRIES = 3000


@dataclass
class Query:
    """What is claimed about: as a query, as a left side in LaTeX or none, its values, right forms, faults."""

    ask: str
    left: object
    right: object
    forms: list = field(default_factory=list)  # (name, expression)
    faults: list = field(default_factory=list)  # (code, expression)
    also: object = None  # another expression that is right in a text: the local derivative on an edge
    path: tuple = ()


class Queries:
    """Every query of a problem that has a derivative, a node or an update in it."""

    def __init__(self, composer):
        self.composer = composer
        self.problem = composer.problem
        self.graph = composer.graph

    def all(self):
        scalar = not self.graph.shapes[self.problem.outputs[0]]
        for output in self.problem.outputs:
            for source in self.composer.sources(output):
                yield self.gradient(output, source)
        for edge in self.graph.edges:
            yield from self.local(edge)
            if len(self.problem.outputs) == 1:
                yield self.downstream(edge)
        for node in self.graph.nodes:
            yield self.forward(node)
        for leaf in self.graph.inputs if scalar and self.problem.learning_rate is not None else ():
            if leaf.param:
                yield self.update(leaf.name)

    def filled(self, query, bases):
        """The query with right forms that hold, and the single wrong changes of each."""
        truth = self.composer.values(query.right)
        for name, base in bases:
            if is_symbolic(base) or not same(self.composer.values(base), truth):
                continue
            query.forms.append((name, base))
            for rewrite, found in rewrites(self.problem, base, self.composer.rank):
                if same(self.composer.values(found), truth):
                    query.forms.append((f"{name}, {rewrite}", found))
            if sum(1 for _ in walk(base)) <= MOST_NODES:
                changes = wrong_changes(self.composer.rank, self.is_constant, self.beside(query.path))
                query.faults += places(base, changes)
        return query

    def is_size(self, expr):
        """Whether nothing is in it but numbers and sizes."""
        letters = {letter for letter, _ in self.graph.dims}
        return all(
            isinstance(part, Num | Call) or (isinstance(part, Name) and part.id in letters) for part in walk(expr)
        )

    def is_constant(self, expr):
        """Whether it is a size or a number, or comes to the same number whatever the inputs."""
        if self.is_size(expr):
            return True
        found = self.composer.values(expr)
        return self.composer.rank(expr) == 0 and found[0] is not None and same(found, [found[0]] * len(found))

    def beside(self, path):
        """For each name its neighbours of the same shape; between two on the path the local derivative goes wrong too."""
        found = {}
        for name in self.graph.by_name:
            users = self.graph.targets.get(name, ())
            near = [
                *users,
                *self.graph.sources.get(name, ()),
                *(one for user in users for one in self.graph.sources[user]),
            ]
            found[name] = [
                (other, "wrong-node|wrong-local" if {name, other} <= set(path) else "wrong-node")
                for other in dict.fromkeys(near)
                if other != name and other in self.graph.by_name and self.graph.shapes[other] == self.graph.shapes[name]
            ]
        return found

    def gradient(self, output, source):
        composer = self.composer
        symbol = composer.symbol(output, source)
        closed, step = composer.derived(output, source)
        query = Query(write(symbol), symbol if self.problem.seed is None else None, closed)
        query.path = tuple(self.graph.between(output, source))
        if output in self.graph.targets[source]:
            query.also = self.composer.full(source, self.composer.sent((source, output), self.composer.start()))
        self.filled(
            query, [*(("answer", one) for one in self.composer.answers(query.ask)), ("step", step), ("closed", closed)]
        )
        twice, half = mul(number(2), closed), div(closed, number(2))
        query.faults += [
            ("constant", twice),
            ("constant", half),
            ("sign", neg(closed)),
            *composer.twisted(output, source),
        ]
        others = [other for other in composer.sources(output) if other != source]
        query.faults += [("wrong-node", composer.arriving(output, other, {})) for other in others]
        query.faults.append(("wrong-node|wrong-local", Name(source)))
        for user in composer.users(output, source):
            if user != output:
                query.faults.append(("upstream-local", composer.arriving(output, user, {})))
                factor = composer.factor((source, user))
                query.faults += [("upstream-local", factor)] if factor is not None else []
        return query

    def local(self, edge):
        factor = self.composer.factor(edge)
        if factor is None or not self.composer.rank(factor):
            return
        source, target = edge
        symbol = call("d", Name(target), Name(source))
        query = Query(f"local({target}, {source})", symbol, factor, path=edge)
        if len(self.graph.paths(target, source, 2)) > 1:
            query.left = None
        self.filled(query, [("local", factor)])
        if self.composer.rank(factor) == 1:
            query.forms.append(("diagonal", call("diag", factor)))
        query.faults += [("wrong-local", wrong) for wrong in self.composer.slips(edge, factor)]
        query.faults += [("sign", neg(factor)), ("extra-factor", mul(factor, factor))]
        itself = self.composer.expr_of[target]
        query.faults += [("wrong-local|wrong-node", one) for one in (itself, Name(target))]
        for output in self.problem.outputs:
            for name in (source, target):
                if name != output and name in self.composer.sources(output):
                    query.faults.append(("upstream-local", self.composer.arriving(output, name, {})))
        yield query

    def downstream(self, edge):
        output = self.problem.outputs[0]
        source, target = edge
        if target == output or target not in self.composer.sources(output):
            closed = step = self.composer.sent(edge, self.composer.start()) if target == output else None
        else:
            closed = self.composer.sent(edge, self.composer.arriving(output, target, {}))
            step = self.composer.sent(edge, self.composer.symbol(output, target))
        if closed is None:
            return None
        ask = f"downstream({target}, {source})"
        query = Query(ask, None, self.composer.full(source, closed), path=tuple(self.graph.between(output, source)))
        self.filled(
            query, [*(("answer", one) for one in self.composer.answers(ask)), ("step", step), ("closed", query.right)]
        )
        query.faults += [("sign", neg(query.right)), ("constant", mul(number(2), query.right))]
        factor = self.composer.factor(edge)
        query.faults += [("upstream-local", factor)] if factor is not None else []
        if target != output and target in self.composer.sources(output):
            query.faults.append(("upstream-local", self.composer.arriving(output, target, {})))
            query.faults += [
                (code, self.composer.sent(edge, one)) for code, one in self.composer.twisted(output, target)
            ]
        return query

    def forward(self, node):
        query = Query(f"value({node.name})", Name(node.name), node.expr)
        self.filled(query, [("node", node.expr)])
        terms = node.expr.args if isinstance(node.expr, Call) and node.expr.function == "add" else ()
        for at in range(len(terms)):
            query.faults.append(("missing-factor", add(*(term for place, term in enumerate(terms) if place != at))))
        return query

    def update(self, name):
        output = self.problem.outputs[0]
        lr = self.problem.learning_rate
        rate = Num(lr, str(float(lr)))
        gradients = [*self.composer.answers(f"d({output}, {name})"), self.composer.derived(output, name)[0]]
        right = less(Name(name), mul(rate, gradients[-1]))
        query = Query(f"step({name})", Call("new", (Name(name),)), right, path=tuple(self.graph.between(output, name)))
        self.filled(query, [("update", less(Name(name), mul(rate, one))) for one in gradients])
        query.faults += [
            ("sign", add(Name(name), mul(rate, gradients[-1]))),
            ("missing-factor", less(Name(name), gradients[-1])),
        ]
        query.faults += [(code, less(Name(name), mul(rate, one))) for code, one in self.composer.twisted(output, name)]
        return query


def is_symbolic(expr):
    """Whether an answer is nothing but derivatives in symbols."""
    if isinstance(expr, Call) and expr.function in ("d", "upstream"):
        return True
    return isinstance(expr, Call) and expr.function in ("mul", "add", "neg") and all(map(is_symbolic, expr.args))


# -- cases


def cases_of(examiner):
    problem = examiner.problem
    yield from of_shapes(problem)
    sizes = [
        shapes.count(shape).at(dict.fromkeys(shapes.count(shape).letters, 6)) for shape in problem.graph.shapes.values()
    ]
    if sum(sizes) > MOST_ENTRIES:
        return
    composer = Composer(problem)
    chance = random.Random(problem.name)  # noqa: S311 - the same choice in every run
    for query in (one for one in Queries(composer).all() if one is not None):
        writers = notations(problem.latex, composer.env)
        yield from of_forms(problem, composer, query, writers)
        yield from of_entries(problem, composer, query, writers)
        yield from of_faults(problem, composer, query, writers, chance)
        yield from of_numbers(problem, composer, query)


def formula(query, writer, expr):
    """The claim in LaTeX; None where there is no such spelling."""
    if query.left is None:
        return None
    try:
        return f"${left_side(query, writer)} = {writer.write(expr)}$\n"
    except NoValueError:
        return None


def left_side(query, writer):
    if isinstance(query.left, Call) and query.left.function == "new":
        return rf"{writer.write(query.left.args[0])}^{{new}}"
    return writer.write(query.left)


def of_forms(problem, composer, query, writers):
    """Right answers in every notation, as chains, with a name of the student's own."""
    for at, (name, expr) in enumerate(dict.fromkeys(query.forms)):
        yield Case(problem.name, name, write(expr), ask=query.ask)
        for writer in writers:
            if text := formula(query, writer, expr):
                yield Case(problem.name, f"{name}, LaTeX", text)
        if at and (text := formula(query, writers[at % 2], expr)):
            before = query.forms[0][1]
            try:
                chained = text.replace(" = ", f" = {writers[at % 2].write(before)} = ", 1)
            except NoValueError:
                continue
            yield Case(problem.name, f"{name}, chain", chained)
    for name, expr in query.forms[:1]:
        yield from with_own_name(problem, query, writers[0], name, expr)


def with_own_name(problem, query, writer, name, expr):
    """A part of the answer under a name that the text defines."""
    if query.left is None or not isinstance(expr, Call):
        return
    parts = [
        part
        for part in walk(expr)
        if isinstance(part, Call) and part != expr and part.function in ("add", "mul", "matmul")
    ]
    for part in parts[:1]:
        try:
            whole, defined = writer.write(expr), writer.write(part)
            left = left_side(query, writer)
        except NoValueError:
            return
        own = next(letter for letter in "EDBQTF" if letter not in {*problem.graph.by_name, *dict(problem.lets)})
        if whole.count(defined) == 1:
            text = f"Let ${own} = {defined}$.\n\n${left} = {whole.replace(defined, own)}$\n"
            yield Case(problem.name, f"{name}, own name", text)


def of_entries(problem, composer, query, writers):
    """An entry at index letters, with sums over letters; two letters exchanged."""
    shape = composer.calculus.shape(query.right)
    if (
        query.left is None
        or not shape
        or not isinstance(query.left, Call)
        or query.left.function == "new"
        or "local" in query.ask
    ):
        return
    for name, expr in query.forms[:2]:
        entries = Entries(composer.env, {*problem.graph.by_name, *composer.env})
        at = tuple(Name(letter) for letter in entries.free[: len(shape)])
        entries.free = entries.free[len(shape) :]
        try:
            found = entries.of(expr, at)
        except NoValueError:
            continue
        letters = [one.id for one in at]
        ask = f"{query.ask}[{', '.join(letters)}]"
        yield Case(problem.name, f"{name}, entries", write(found), ask=ask)
        for writer in writers:
            try:
                yield Case(problem.name, f"{name}, entries, LaTeX", f"${writer.write(found)}$", ask=ask)
                left = writer.entry(Index(query.left, at))[0]
                yield Case(problem.name, f"{name}, entries, formula", f"${left} = {writer.write(found)}$\n")
            except NoValueError:
                continue
        yield Case(problem.name, "sign, entries", write(neg(found)), frozenset({"sign"}), ask=ask)
        if len(set(shape)) == 2 and 1 not in shape:
            swapped = exchanged(found, *letters)
            yield Case(problem.name, "index, entries", write(swapped), frozenset({"index", "transpose"}), ask=ask)


def of_faults(problem, composer, query, writers, chance):
    """One case for each distinguishable fault, in LaTeX or as an answer by turns."""
    truth = composer.values(query.right)
    also = truth if query.also is None else composer.values(query.also)
    known = []
    for codes, expr in dict.fromkeys(query.faults):
        found = composer.values(expr)
        given = any(leaf.entries is not None for leaf in problem.graph.inputs)
        plain_number = not names(expr) and not given  # may have been worked out at inputs of the student's own
        if (
            not any(same(found[:many], right[:many]) for right in (truth, also) for many in (1, DRAWS))
            and not is_symbolic(expr)
            and not plain_number
        ):
            known.append((codes, expr, found))
    chosen = chance.sample(known, MOST_FAULTS) if len(known) > MOST_FAULTS else known
    for at, (code, expr, found) in enumerate(chosen):
        alike = [
            other
            for other, same_expr, values in known
            if (values[0] is not None and same(values, found)) or same_expr == expr
        ]
        codes = frozenset(one for other in alike for one in other.split("|"))
        own = code.split("|")[0]
        text = formula(query, writers[at // 2 % 2], expr) if at % 2 else None
        if text:
            yield Case(problem.name, f"{own}, LaTeX", text, codes)
        else:
            yield Case(problem.name, own, write(expr), codes, ask=query.ask)


def of_numbers(problem, composer, query):
    """Numbers, rounded, where the problem gives some: an array, a matrix in LaTeX; those of each fault."""
    leaves = (*problem.graph.inputs, *problem.graph.constants)
    if any(leaf.value is None and leaf.entries is None for leaf in leaves):
        return
    truth = composer.values(query.right)[0]
    for digits in (2, 4):
        text = array_text(truth, digits)
        yield Case(problem.name, "numbers", text, ask=query.ask)
        if np.ndim(truth):
            yield Case(problem.name, "numbers, LaTeX", f"${matrix_text(truth, digits)}$", ask=query.ask)
    known = [(code, composer.values(expr)[0]) for code, expr in dict.fromkeys(query.faults)]
    known = [(code, found) for code, found in known if found is not None and np.all(np.isfinite(found))]
    told = {}
    for code, found in known:
        if np.shape(found) == np.shape(truth) and (np.allclose(found, truth, 2e-3, 2e-3) or rounded(found, truth)):
            continue
        told.setdefault(array_text(found, 4), []).append(code)
    for text, codes in told.items():
        apt = frozenset(one for code in codes for one in code.split("|"))
        yield Case(problem.name, f"{codes[0].split('|')[0]}, numbers", text, apt, ask=query.ask)


def rounded(found, truth):
    """Whether numbers as they are written are the right ones with fewer digits."""
    pairs = zip(np.ravel(found), np.ravel(truth), strict=True)
    places = ((one, other, len(number_text(one, 4).partition(".")[2])) for one, other in pairs)
    return all(abs(one - other) <= 0.5 / 10**count + 1e-9 for one, other, count in places)


def of_shapes(problem):
    """Shapes: the axes in order, exchanged, one too few and one too many."""
    for name, shape in problem.graph.shapes.items():
        text = [str(one) for one in shape]
        ask = f"shape({name})"
        inside = ", ".join(text)
        right = [f"({inside},)" if len(text) == 1 else f"({inside})", f"[{inside}]"]
        if len(text) > 1:
            joined = r" \times ".join(text)
            right += [" x ".join(text), rf"$\mathbb{{R}}^{{{joined}}}$"]
        if all(len(one) == 1 or one.isdigit() for one in text) or len(text) < 2:
            yield from (Case(problem.name, "shape", one, ask=ask) for one in right)
        else:
            yield from (Case(problem.name, "shape", one, ask=ask) for one in right[:2])
        if len(set(text)) > 1:
            turned = f"({', '.join(text[::-1])})"
            if text[::-1] != text:
                yield Case(problem.name, "transpose, shape", turned, frozenset({"transpose"}), ask=ask)
        if len(text) > 1:
            yield Case(
                problem.name,
                "shape, one axis less",
                f"({', '.join(text[1:])},)" if len(text) == 2 else f"({', '.join(text[1:])})",
                frozenset({"shape"}),
                ask=ask,
            )
        if text:
            yield Case(problem.name, "shape, one axis more", f"({inside}, 2)", frozenset({"shape"}), ask=ask)
