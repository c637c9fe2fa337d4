"""The derivatives of one problem with arrays, composed edge by edge, and what is wrong when one edge goes wrong.

Every composed derivative is held against central differences before anything is made of it.
"""

from __future__ import annotations

import numpy as np
from array_calculus import ONE, Calculus, add, call, div, less, mul, neg, square
from array_numbers import NoValueError, difference, draws, same, value

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Name, names, number
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.source import Source
from gradcheck_cli.write.text import write

NEAR = 1e-5


class Composer:
    """The queries of one problem and what is right of each."""

    def __init__(self, problem):
        self.problem = problem
        self.graph = problem.graph
        self.draws = draws(problem)
        self.env = self.draws[0].env
        self.calculus = Calculus(problem, self.env)
        self.expr_of = {node.name: node.expr for node in self.graph.nodes}
        self.short = {}  # of derivatives that the problem file answers: how it writes them
        for output in problem.outputs:
            for source in self.sources(output):
                self.check(output, source)
        self.short = {pair: self.shortest(*pair) for pair in self.pairs()}
        for name, expr in problem.lets:
            for draw in self.draws:
                draw.env[name] = value(expr, draw.env)

    def pairs(self):
        return [(output, source) for output in self.problem.outputs for source in self.sources(output)]

    def answers(self, ask):
        """What the problem file itself answers."""
        for question in self.problem.questions:
            if question.written.text.replace(" ", "") != ask.replace(" ", "") or question.key is None:
                continue
            for member in (one for part in question.key.parts for one in part.text.split(" = ")):
                try:
                    yield parse(Source("key", member), self.problem.scope)
                except GradcheckError:
                    continue

    def shortest(self, output, source):
        """The answer of the problem file in names of the graph alone; None where it has none."""
        symbol = self.symbol(output, source)
        plain = {
            *self.graph.by_name,
            *(leaf.name for leaf in self.graph.constants),
            *(letter for letter, _ in self.graph.dims),
        }
        found = [one for one in self.answers(write(symbol)) if set(names(one)) <= plain and names(one)]
        found = [one for one in found if same(self.values(one), [draw.env[symbol] for draw in self.draws])]
        return min(found, key=lambda one: len(write(one)), default=None)

    def sources(self, output):
        return [name for name in self.graph.by_name if name in self.graph.ancestors[output]]

    def symbol(self, output, source):
        if self.problem.seed is not None:
            return call("upstream", Name(source))
        return call("d", Name(output), Name(source))

    def start(self):
        return self.problem.seed if self.problem.seed is not None else ONE

    def values(self, expr, ranges=None):
        """At all draws; None where an expression has no value."""
        found = []
        for draw in self.draws:
            try:
                found.append(np.asarray(value(expr, {**draw.env, **(ranges or {})}), float))
            except NoValueError:
                found.append(None)
        return found

    def rank(self, expr):
        try:
            return len(self.calculus.shape(expr))
        except NoValueError:
            return -1

    # -- derivatives

    def sent(self, edge, arrives):
        """What an edge sends back."""
        found = [
            back for name, back in self.calculus.back(self.expr_of[edge[1]], arrives, Name(edge[1])) if name == edge[0]
        ]
        return add(*found)

    def arriving(self, output, source, twists, *, closed=True):
        """What arrives at a name; `twists` change what an edge sends: (sent, arriving) to another expression or None."""
        if source == output:
            return self.start()
        short = self.short.get((output, source))
        if (
            short is not None
            and closed
            and not any(set(edge) <= set(self.graph.between(output, source)) for edge in twists)
        ):
            return short
        parts = []
        for user in self.users(output, source):
            whole = closed or user == output
            arrives = self.arriving(output, user, twists) if whole else self.symbol(output, user)
            back = self.sent((source, user), arrives)
            if (source, user) in twists:
                back = twists[source, user](back, arrives)
            if back is not None:
                parts.append(back)
        if not parts:
            raise NoValueError
        return add(*parts)

    def users(self, output, source):
        return [user for user in self.graph.targets[source] if user == output or user in self.graph.ancestors[output]]

    def factor(self, edge):
        """The local derivative of an edge where it acts entry by entry, else None."""
        source, target = edge
        if self.graph.shapes[source] != self.graph.shapes[target]:
            return None
        shape = np.shape(self.env[target])
        trial = np.random.default_rng(3).normal(size=shape)
        self.env["trial"] = trial
        try:
            found = self.sent(edge, ONE)
            sent = value(self.sent(edge, Name("trial")), self.env)
            return found if np.allclose(sent, trial * value(found, self.env)) else None
        except NoValueError:
            return None
        finally:
            del self.env["trial"]

    def slips(self, edge, factor):
        """A gate's classic slips in place of its local derivative."""
        node = self.expr_of[edge[1]]
        own, inner = Name(edge[1]), Name(edge[0])
        if not isinstance(node, Call) or node.args[:1] != (inner,):
            return []
        found = {
            "sigmoid": [
                less(ONE, own),
                own,
                mul(own, add(ONE, own)),
                mul(inner, less(ONE, inner)),
                less(ONE, square(own)),
            ],
            "tanh": [less(ONE, own), add(ONE, square(own)), mul(own, less(ONE, own)), less(ONE, square(inner))],
            "relu": [inner, own],
            "softmax": [mul(own, less(ONE, own)), own],
            "sqrt": [div(ONE, own), mul(number(2), own)],
            "exp": [inner],
            "pow": [div(factor, node.args[1])] if factor is not None and len(node.args) > 1 else [],
        }
        return found.get(node.function, [])

    def check(self, output, source):
        """Hold a composed derivative against differences; its values are those of its symbol from then on."""
        expr = self.full(source, self.arriving(output, source, {}))
        for draw, found in zip(self.draws, self.values(expr), strict=True):
            wanted = difference(self.problem, draw, output, source)
            if found is None or np.shape(found) != np.shape(wanted) or not np.allclose(found, wanted, 10 * NEAR, NEAR):
                raise AssertionError(f"{self.problem.name}: d{output}/d{source} is not what differences give")
            draw.env[self.symbol(output, source)] = found

    def full(self, name, expr):
        """An expression in the shape of a name."""
        return self.calculus.spread(expr, np.shape(self.env[name]))

    def derived(self, output, source):
        """The derivative put together, and as a step from what arrives at the next nodes."""
        return [self.full(source, self.arriving(output, source, {}, closed=closed)) for closed in (True, False)]

    def twisted(self, output, source):
        """One edge on the way gone wrong: (code, what would arrive)."""
        inside = set(self.graph.between(output, source))
        for edge in (edge for edge in self.graph.edges if set(edge) <= inside):
            for code, twist in self.twists(output, edge):
                try:
                    yield code, self.arriving(output, source, {edge: twist})
                except NoValueError:
                    continue

    def twists(self, output, edge):
        yield "sign", lambda back, _: neg(back)
        if len(self.users(output, edge[0])) > 1:
            yield "missing-path", lambda *_: None
        factor = self.factor(edge)
        if factor not in (None, ONE):
            yield "missing-factor", lambda _, arrives: arrives
            yield "extra-factor", lambda back, _: mul(back, factor)
        for wrong in self.slips(edge, factor):
            yield "wrong-local", lambda _, arrives, wrong=wrong: mul(arrives, wrong)
