"""The queries of one problem with arrays: what is right of each in many forms, and what is wrong by one fault."""

from __future__ import annotations

from dataclasses import dataclass, field

from array_calculus import add, call, div, less, mul, neg
from array_forms import places, rewrites, wrong_changes
from array_numbers import same

from gradcheck_cli.expr import Call, Name, Num, number, walk
from gradcheck_cli.write.text import write

MOST_NODES = 60  # of an expression that is changed


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
