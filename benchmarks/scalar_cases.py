"""Cases about problems of numbers: right answers in many forms, and wrong ones with one known fault each.

For every derivative, node and update the cases are composed here, from the local derivatives alone, and evaluated here
in plain floats: a fault is *distinguishable* where its values differ from the truth's and from those of faults of
another kind at three sets of inputs (at the given one, where the answer is a number).
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from itertools import pairwise

import sympy
from judging import Case

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Name, Num, names, number
from gradcheck_cli.symbolic.convert import from_sympy, to_sympy
from gradcheck_cli.write.latex import LatexWriter
from gradcheck_cli.write.text import write

ONE = number(1)
MOST_PATHS = 8


@dataclass
class Query:
    """What is claimed about: its left side in both spellings, the truth, and what else somebody may have written."""

    plain: str
    latex: str
    truth: object
    forms: list = field(default_factory=list)  # (name, expression) that are right
    faults: list = field(default_factory=list)  # (code, expression) that are wrong
    also: object = None  # another expression that is right


# -- floats, apart from what is measured


def value(expr, env):
    """The value of an expression in floats; nan where it has none."""
    if isinstance(expr, Num):
        return float(expr.value)
    if isinstance(expr, Name):
        return env[expr.id]
    try:
        args = [value(arg, env) for arg in expr.args]
        if expr.function == "mul" and 0.0 in args:  # a factor 0 hides what has no value
            return 0.0
        return RULES[expr.function](*args)
    except (ZeroDivisionError, ValueError, OverflowError):
        return math.nan


RULES = {
    "add": lambda *args: math.fsum(args),
    "mul": lambda *args: math.prod(args),
    "neg": lambda x: -x,
    "div": lambda x, y: x / y,
    "pow": math.pow,
    "exp": math.exp,
    "log": math.log,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "tanh": math.tanh,
    "relu": lambda x: max(x, 0.0),
    "step": lambda x: float(x > 0),
    "gt": lambda x, y: float(x > y),
    "sqrt": math.sqrt,
}


def settings(problem):
    """The given inputs, drawn ones where none are given, and two others, each with the values of all nodes."""
    draw = random.Random(5)  # noqa: S311 - the same inputs in every run
    found = []
    for at in range(3):
        env = {leaf.name: draw.uniform(0.2, 2.0) for leaf in (*problem.graph.inputs, *problem.graph.constants)}
        if at == 0:
            env.update({name: float(given) for name, given in problem.given.items()})
        env = {name: env[name] if at == 0 or name != "y" else 1.0 for name in env}
        for node in problem.graph.nodes:
            env[node.name] = value(node.expr, env)
        found.append(env)
    return found


def same(left, right):
    return all(
        (math.isnan(a) and math.isnan(b)) or abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))
        for a, b in zip(left, right, strict=True)
    )


# -- queries


def mul(*parts):
    return Call("mul", parts) if len(parts) > 1 else parts[0] if parts else ONE


def add(*parts):
    return Call("add", parts) if len(parts) > 1 else parts[0]


def neg(expr):
    return Call("neg", (expr,))


def queries(examiner):
    engine = examiner.engine
    writer = LatexWriter(engine.problem.latex)
    told = {name: writer.write(Name(name)) for name in engine.graph.by_name}
    targets = list(dict.fromkeys([*engine.problem.outputs, *(node.name for node in engine.graph.nodes)]))
    for target in targets:
        for source in engine.graph.by_name:
            if source in engine.graph.ancestors[target]:
                yield derivative(engine, told, target, source)
    for node in engine.graph.nodes:
        yield forward(node, told)
    for leaf in engine.graph.inputs:
        if leaf.param and engine.problem.learning_rate is not None:
            yield update(engine, told, leaf.name)


def derivative(engine, told, target, source):
    paths = [list(pairwise(path)) for path in engine.graph.paths(target, source, MOST_PATHS)]
    local = {(end, start): expr for (start, end), expr in engine.local.items()}

    def composed(table, kept=paths):
        return add(*(mul(*(table[link] for link in path)) for path in kept))

    left = f"\\frac{{\\partial {told[target]}}}{{\\partial {told[source]}}}"
    truth = composed(local)
    query = Query(f"d{target}/d{source}", left, truth)
    derived = engine.total(Name(target), source)
    query.forms = [("composed", truth), ("derived", derived), *algebra(derived)]
    if (closed := engine.graph.closed(derived)) is not None:
        query.forms.append(("closed", closed))
    symbols = {link: Call("d", (Name(link[0]), Name(link[1]))) for path in paths for link in path}
    if any(len(path) > 1 for path in paths):
        query.forms.append(("chain", composed(symbols)))
    query.faults = faults(engine, target, source, paths, local)
    query.also = local.get((target, source))  # a derivative may be the local one
    return query


def faults(engine, target, source, paths, local):
    """One thing gone wrong: a link, a path, a sign, a factor, or another derivative than the one asked for."""

    def composed(table, kept=paths):
        return add(*(mul(*(table[link] for link in path)) for path in kept))

    truth = composed(local)
    links = dict.fromkeys(link for path in paths for link in path)
    found = [
        ("sign", neg(truth)),
        ("constant", mul(number(2), truth)),
        ("constant", Call("div", (truth, number(2)))),
    ]
    found += [
        ("missing-path", composed(local, [one for one in paths if one != path])) for path in paths if len(paths) > 1
    ]
    for link in links:
        if local[link] == ONE:
            continue
        found += [
            ("missing-factor", composed({**local, link: ONE})),
            ("extra-factor", composed({**local, link: mul(local[link], local[link])})),
            ("sign", composed({**local, link: neg(local[link])})),
        ]
        found += [("wrong-local", composed({**local, link: wrong})) for wrong in slips(engine, link, local[link])]
    for other in engine.graph.by_name:
        if other not in (source, target) and other in engine.graph.ancestors[target]:
            found.append(("wrong-node", engine.total(Name(target), other)))
    if all(len(path) > 1 for path in paths):
        found += [("upstream-local", local[path[-1]]) for path in paths]
    for user in engine.graph.targets[source]:
        if user in engine.graph.ancestors[target]:  # what arrives at the next node, what that node sends back
            arrives = engine.total(Name(target), user)
            found += [("upstream-local", arrives), ("upstream-local", mul(arrives, local[user, source]))]
    return found


def slips(engine, link, local):
    """A gate's classic slip in place of its local derivative."""
    node = next(node for node in engine.graph.nodes if node.name == link[0])
    function = node.expr.function if isinstance(node.expr, Call) else ""
    own = Name(node.name)
    if function == "sigmoid":
        return [Call("div", (local, add(ONE, neg(own)))), Call("div", (local, own))]
    if function == "tanh":
        return [Call("div", (local, add(ONE, own)))]
    if function == "div" and len(names(node.expr)) > 1:  # the quotient rule's numerator turned around
        return [neg(local)]
    if function == "exp":
        return [mul(local, own)]
    if function == "pow" and isinstance(node.expr.args[1], Num):
        return [Call("div", (local, node.expr.args[1]))]
    return []


def algebra(expr):
    """Expanded and factored, by SymPy."""
    try:
        symbolic = to_sympy(expr)
    except (GradcheckError, TypeError, ValueError, KeyError):
        return []
    found = []
    for name, work in (("expanded", sympy.expand), ("factored", sympy.factor), ("together", sympy.together)):
        try:
            found.append((name, from_sympy(work(symbolic))))
        except (GradcheckError, TypeError, ValueError, KeyError, NotImplementedError):
            continue
    return found


def forward(node, told):
    query = Query(node.name, told[node.name], node.expr, [("derived", node.expr), *algebra(node.expr)])
    query.faults = [("sign", neg(node.expr))]
    inner = node.expr.args[0] if isinstance(node.expr, Call) and len(node.expr.args) == 1 else node.expr
    if isinstance(inner, Call) and inner.function == "add":
        for at in range(len(inner.args)):
            rest = add(*(term for place, term in enumerate(inner.args) if place != at))
            wrong = rest if inner is node.expr else Call(node.expr.function, (rest,))
            query.faults.append(("missing-factor", wrong))
    return query


def update(engine, told, name):
    gradient = engine.total(Name(engine.output), name)
    rate = Num(engine.problem.learning_rate, str(float(engine.problem.learning_rate)))
    truth = add(Name(name), neg(mul(rate, gradient)))
    query = Query(f"{name}_new", f"{told[name]}^{{new}}", truth, [("derived", truth)])
    query.faults = [("sign", add(Name(name), mul(rate, gradient))), ("missing-factor", add(Name(name), neg(gradient)))]
    return query


# -- cases


def cases_of(examiner):
    problem = examiner.problem
    writer = LatexWriter(problem.latex)
    envs = settings(problem)
    for query in queries(examiner):
        true = [value(query.truth, env) for env in envs]
        gold = tuple(writer.write(expr) for name, expr in query.forms if name in ("derived", "closed"))
        spellings = list(dict.fromkeys((name, expr) for name, expr in query.forms))
        for name, expr in spellings:
            answer = "" if name == "chain" else writer.write(expr)
            yield Case(problem.name, name, claim(query, writer, expr), frozenset(), answer, gold)
            yield Case(problem.name, f"{name}, plain", f"{query.plain} = {write(expr)}\n")
            if name == "derived" and "sigmoid" in str(expr):
                yield Case(problem.name, "spelled out", claim(query, writer, spelled(expr)), frozenset(), "", gold)
        given = all(leaf.name in problem.given for leaf in (*problem.graph.inputs, *problem.graph.constants))
        if given:
            yield from numbers(problem.name, query, true[0], gold)
        if not given:  # then a number may be right
            query.faults = [(code, expr) for code, expr in query.faults if names(expr)]
        for case in wrong(problem.name, query, writer, envs, true, gold):
            if given or not case.form.endswith("number"):
                yield case


def claim(query, writer, expr):
    return f"${query.latex} = {writer.write(expr)}$\n"


def spelled(expr):
    """Sigmoid as a fraction."""
    if not isinstance(expr, Call):
        return expr
    args = tuple(spelled(arg) for arg in expr.args)
    if expr.function == "sigmoid":
        return Call("div", (ONE, add(ONE, Call("exp", (neg(args[0]),)))))
    return Call(expr.function, args, expr.options)


def digits(number_of, count):
    if number_of == 0 or not math.isfinite(number_of):
        return None
    places = count - 1 - math.floor(math.log10(abs(number_of)))
    return f"{number_of:.{places}f}" if 0 <= places <= 9 else None


def numbers(name, query, true, gold):
    for count in (3, 4, 5):
        if text := digits(true, count):
            yield Case(name, "number", f"${query.latex} \\approx {text}$\n", frozenset(), text, (*gold, f"{true:.12f}"))
    cut = digits(true, 8)
    if cut and "." in cut:
        yield Case(name, "cut off", f"${query.latex} = {cut[:-3]}$\n", frozenset(), cut[:-3], (*gold, f"{true:.12f}"))


def wrong(name, query, writer, envs, true, gold):
    seen = [] if query.also is None else [[value(query.also, env) for env in envs]]
    known = [(code, expr, [value(expr, env) for env in envs]) for code, expr in query.faults]
    for code, expr, found in known:
        if same(found, true) or any(same(found, other) for other in seen) or same(found[:1], true[:1]):
            continue
        seen.append(found)
        codes = frozenset(other for other, _, numbers_of in known if same(numbers_of, found)) | {code}
        yield Case(name, code, claim(query, writer, expr), codes, writer.write(expr), gold)
        text, right = digits(found[0], 4), digits(true[0], 4)
        near = abs(found[0] - true[0]) < 2e-3 * max(abs(true[0]), 1e-9)
        if text and text != right and not near:
            alike = frozenset(other for other, _, numbers_of in known if digits(numbers_of[0], 4) == text) | {code}
            yield Case(name, f"{code}, number", f"${query.latex} = {text}$\n", alike, text, (*gold, f"{true[0]:.12f}"))
