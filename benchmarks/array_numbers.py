"""Values in plain NumPy, apart from what is measured: of expressions, of problems at drawn inputs, central differences."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from gradcheck_cli.expr import Index, Name, Num, Sum, children

STEP = 1e-6


class NoValueError(Exception):
    """An expression that has no value: operands that do not fit, a function that is not evaluated here."""


def options_of(expr):
    found = {key: int(given.value) for key, given in expr.options}
    return {"axis": found.get("axis"), "keepdims": bool(found.get("keepdims", 0))}


def softmax(x):
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def multiplied(left, right):
    if not np.ndim(left) or not np.ndim(right):
        raise NoValueError
    return left @ right


RULES = {
    "add": lambda *args: sum(args[1:], start=args[0]),
    "mul": lambda *args: np.prod(np.broadcast_arrays(*args), axis=0),
    "neg": np.negative,
    "div": np.divide,
    "pow": np.power,
    "matmul": multiplied,
    "transpose": np.transpose,
    "outer": np.outer,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "sign": np.sign,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "step": lambda x: np.where(x > 0, 1.0, 0.0),
    "gt": lambda x, y: np.where(x > y, 1.0, 0.0),
    "le": lambda x, y: np.where(x <= y, 1.0, 0.0),
    "where": np.where,
    "norm": np.linalg.norm,
    "det": np.linalg.det,
    "inv": np.linalg.inv,
    "logdet": lambda x: np.linalg.slogdet(x)[1],
    "trace": np.trace,
    "diag": np.diag,
    "softmax": softmax,
    "pi": lambda: np.pi,
    "ones": lambda *sizes: np.ones([int(one) for one in sizes]),
    "eye": lambda size: np.eye(int(size)),
    "delta": lambda i, j: float(i == j),
    "part": lambda x, start, size, axis: np.take(x, range(int(start), int(start + size)), axis=int(axis)),
    "concat": lambda *args: np.concatenate(args[:-1], axis=int(args[-1])),
    "bce": lambda p, y: np.mean(-y * np.log(p) - (1 - y) * np.log(1 - p)),
    "cross_entropy": lambda p, y: -np.sum(y * np.log(p)) / (p.shape[0] if p.ndim > 1 else 1),
    "array": lambda *rows: np.array(rows),
}
REDUCED = {"sum": np.sum, "mean": np.mean, "var": np.var}


def value(expr, env):
    """The value of an expression, as an array; index letters and sizes are numbers in `env`. Raises NoValueError."""
    try:
        with np.errstate(all="ignore"):
            return evaluated(expr, env)
    except (ValueError, IndexError, TypeError, KeyError, np.linalg.LinAlgError) as error:
        raise NoValueError from error


def evaluated(expr, env):
    match expr:
        case Num():
            return np.float64(expr.value)
        case Name():
            return env[expr.id]
        case Index():
            at = tuple(int(evaluated(index, env)) for index in expr.indices)
            return np.asarray(evaluated(expr.base, env))[at]
        case Sum():
            return sum(evaluated(expr.body, {**env, expr.index: at}) for at in range(env["range " + expr.index]))
    if expr in env:  # a derivative in symbols
        return env[expr]
    args = [evaluated(arg, env) for arg in children(expr)]
    if expr.function in REDUCED:
        return REDUCED[expr.function](args[0], **options_of(expr))
    return RULES[expr.function](*args)


def same(left, right):
    """Whether two lists of values are the same; None stands for no value, a number for one in each entry."""
    for one, two in zip(left, right, strict=True):
        if (one is None) != (two is None):
            return False
        if one is None:
            continue
        fits = np.shape(one) == np.shape(two) or not np.ndim(one) or not np.ndim(two)
        if not fits or not np.allclose(one, two, 1e-8, 1e-9, equal_nan=True):
            return False
    return True


# -- inputs

DRAWS = 4
SIZES = ((3, 4, 5, 7, 2, 6), (4, 2, 3, 5, 7, 6))


@dataclass
class Draw:
    """Sizes, inputs and nodes of a problem in numbers."""

    sizes: dict
    env: dict


def draws(problem):
    """The given inputs first, where there are any; then draws of the declared kinds at pairwise different sizes."""
    graph = problem.graph
    chance = random.Random(11)  # noqa: S311 - the same inputs in every run
    found = []
    for at in range(DRAWS):
        letters = zip(graph.dims, SIZES[at % len(SIZES)], strict=False)
        sizes = {letter: known or free for (letter, known), free in letters}
        env: dict = {letter: np.float64(size) for letter, size in sizes.items()}
        for leaf in (*graph.inputs, *graph.constants):
            shape = tuple(one.at(sizes) for one in graph.shapes[leaf.name])
            env[leaf.name] = given(leaf, shape) if at == 0 else None
            if env[leaf.name] is None:
                env[leaf.name] = drawn(leaf.kind, shape, leaf.axis, np.random.default_rng(chance.getrandbits(32)))
        found.append(Draw(sizes, forward(graph, env)))
    return found


def given(leaf, shape):
    if leaf.entries is not None:
        return np.array([float(one) for one in leaf.entries.items]).reshape(shape)
    return None if leaf.value is None else np.float64(leaf.value)


def drawn(kind, shape, axis, chance):
    base = chance.uniform(0.3, 1.2, shape) * chance.choice([-1, 1], shape)
    match kind:
        case "positive" | "nonnegative":
            base = abs(base)
        case "binary":
            base = (base > 0).astype(float)
        case "sign":
            base = np.sign(base)
        case "probability":
            base = abs(base) / 2
        case "onehot":
            base = (base == base.max(axis=axis, keepdims=True)).astype(float)
        case "distribution":
            base = abs(base) / abs(base).sum(axis=axis, keepdims=True)
        case "symmetric":
            base = base + base.T
        case "spd":
            base = base @ base.T + np.eye(len(base))
        case "invertible":
            base = base + 3 * np.eye(len(base))
    return base if shape else np.float64(base)


def forward(graph, env, held=""):
    """All nodes; that of `held` stays as it is."""
    env = dict(env)
    for node in graph.nodes:
        if node.name != held:
            env[node.name] = value(node.expr, env)
    return env


def difference(problem, draw, output, source):
    """The derivative of an output, times its seed, by central differences."""
    seed = value(problem.seed, draw.env) if problem.seed is not None else 1.0
    base = np.asarray(draw.env[source], float)
    found = np.zeros(base.shape)
    for at in np.ndindex(base.shape):
        sides = []
        for step in (STEP, -STEP):
            moved = base.copy()
            moved[at] += step
            env = forward(problem.graph, {**draw.env, source: moved if base.shape else np.float64(moved)}, source)
            sides.append(np.sum(seed * env[output]))
        found[at] = (sides[0] - sides[1]) / (2 * STEP)
    return found
