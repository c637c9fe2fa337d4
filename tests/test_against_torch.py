"""The tape against PyTorch's autograd, in float64: random graphs over the whole table of functions.

PyTorch's side is built from the expression as written, with PyTorch's own functions.
"""

from __future__ import annotations

import functools
import itertools
import math
import random
import warnings
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from gradcheck_cli import tape
from gradcheck_cli.errors import GradcheckError, ShapeError
from gradcheck_cli.expr import Call, Index, Name, Num, Sum, walk
from gradcheck_cli.functions import ARRAY_PRIMITIVES, FUNCTIONS
from gradcheck_cli.lowering import at_sizes
from tests.shaped import shaped_graph

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its import only: other people's deprecations
    torch = pytest.importorskip("torch")
F = torch.nn.functional

GRAPHS = 400
SIZES = {"m": 2, "n": 3}
MARGIN = 1e-3  # how near a value may come to a kink
TOLERANCE = 1e-9
LARGE = 30


class TooNearError(Exception):
    """A value on a kink, or out of a function's domain: other numbers have to be drawn."""


def near(*distances):
    for distance in distances:
        if bool((torch.as_tensor(distance).detach().abs() < MARGIN).any()):
            raise TooNearError


def real(condition):
    return condition.to(torch.float64)


def bent(function, kink):
    """The function, after a look whether its argument is on the kink."""

    def look(*x, **options):
        near(kink(*x))
        return function(*x, **options)

    return look


def all_apart(x, *_):
    """The gaps between the entries of an array."""
    return torch.diff(x.detach().reshape(-1).sort().values)


def every(function, x):
    return functools.reduce(function, x)


def reduced(function, x, axis=None, keepdims=0):
    """A reduction over all axes, or one."""
    axis = axis if x.dim() else None
    return function(x, dim=tuple(range(x.dim())) if axis is None else axis, keepdim=bool(keepdims))


def product(x, axis=None, keepdims=0):
    if axis is None or not x.dim():
        found = torch.prod(x)
        return found.reshape((1,) * x.dim()) if keepdims else found
    return torch.prod(x, dim=axis, keepdim=bool(keepdims))


def along(function, x, axis=None):
    if x.dim() == 0:
        return function(x.reshape(1), dim=0).reshape(())
    last = 0 if x.dim() == 2 and x.shape[1] == 1 else x.dim() - 1
    return function(x, dim=last if axis is None else axis)


def norm(x, axis=None, keepdims=0):
    found = torch.linalg.vector_norm(x, dim=axis if x.dim() else None, keepdim=bool(keepdims))
    near(found)
    return found


def square(function):
    """Of square matrices only: a function that is defined for nothing else."""

    def look(x):
        if x.dim() != 2 or x.shape[0] != x.shape[1]:
            raise TooNearError
        return function(x)

    return look


def diag(x):
    """The matrix of a vector, the diagonal of a square matrix."""
    return torch.diag(x) if x.dim() == 1 else square(torch.diag)(x)


def matched(loss, p, y):
    return loss(*torch.broadcast_tensors(p, y))


def rows(p):
    return p.shape[0] if p.dim() > 1 else 1


def whole(x):
    return round(float(x))


def counted(x, axis=None):
    return torch.tensor(float(x.numel() if axis is None else x.shape[axis]), dtype=torch.float64)


def made(function):
    return lambda *sizes: function(*map(whole, sizes), dtype=torch.float64)


def part(x, start, n, axis=0):
    if whole(start) + whole(n) > x.shape[axis]:
        raise TooNearError
    return torch.narrow(x, axis, whole(start), whole(n))


def imaged(function):
    """A function of (images, channels, rows, columns), or of an image without channels."""

    def call(x, *rest, **options):
        if x.dim() == 2:
            return function(x[None, None], *rest, **options)[0, 0]
        return function(x, *rest, **options)

    return call


def conv2d(x, k, **options):
    return F.conv2d(x[None, None], k[None, None], **options)[0, 0] if k.dim() == 2 else F.conv2d(x, k, **options)


TORCH = {
    "add": lambda *x: every(torch.add, x), "neg": torch.neg, "mul": lambda *x: every(torch.mul, x),
    "div": torch.div, "pow": torch.pow,
    "gt": bent(lambda x, y: real(torch.gt(x, y)), torch.sub), "ge": bent(lambda x, y: real(torch.ge(x, y)), torch.sub),
    "eq": lambda x, y: real(torch.eq(x, y)), "ne": lambda x, y: real(torch.ne(x, y)),
    "lt": bent(lambda x, y: real(torch.lt(x, y)), torch.sub), "le": bent(lambda x, y: real(torch.le(x, y)), torch.sub),
    "pi": lambda: torch.tensor(torch.pi, dtype=torch.float64), "e": lambda: torch.tensor(torch.e, dtype=torch.float64),
    "exp": torch.exp, "log": torch.log, "log2": torch.log2, "log10": torch.log10, "sqrt": torch.sqrt,
    "sin": torch.sin, "cos": torch.cos, "tan": torch.tan, "asin": torch.asin, "acos": torch.acos, "atan": torch.atan,
    "sinh": torch.sinh, "cosh": torch.cosh, "sech": lambda x: 1 / torch.cosh(x), "tanh": torch.tanh, "erf": torch.erf,
    "sigmoid": torch.sigmoid, "relu": bent(F.relu, torch.abs), "softplus": F.softplus,
    "leaky_relu": bent(lambda x, alpha=0.01: F.leaky_relu(x, float(alpha)), lambda x, *_: x),
    "elu": bent(lambda x, alpha=1.0: F.elu(x, float(alpha)), lambda x, *_: x), "silu": F.silu, "gelu": F.gelu,
    "abs": bent(torch.abs, torch.abs), "sign": bent(torch.sign, torch.abs),
    "step": bent(lambda x: torch.heaviside(x.detach(), torch.zeros_like(x)), torch.abs),
    "floor": bent(torch.floor, lambda x: x - x.round()),
    "maximum": bent(lambda *x: every(torch.maximum, x), lambda x, y, *_: x - y),
    "minimum": bent(lambda *x: every(torch.minimum, x), lambda x, y, *_: x - y),
    "where": lambda c, x, y: torch.where(c != 0, x, y),
    "clip": bent(torch.clamp, lambda x, lo, hi: (x - lo)*(x - hi)),
    "mse": lambda p, y: matched(F.mse_loss, p, y), "bce": lambda p, y: matched(F.binary_cross_entropy, p, y),
    "cross_entropy": lambda p, y: -torch.special.xlogy(y, p).sum()/rows(p),
    "hinge": bent(lambda s, y: torch.clamp(1 - y*s, min=0).mean(), lambda s, y: 1 - y*s),
    "matmul": torch.matmul, "transpose": lambda x: x.permute(tuple(reversed(range(x.dim())))),
    "dot": torch.matmul, "outer": torch.outer,
    "sum": functools.partial(reduced, torch.sum), "prod": product,
    "amax": bent(functools.partial(reduced, torch.amax), all_apart),
    "amin": bent(functools.partial(reduced, torch.amin), all_apart),
    "logsumexp": functools.partial(reduced, torch.logsumexp), "mean": functools.partial(reduced, torch.mean),
    "var": functools.partial(reduced, functools.partial(torch.var, correction=0)), "norm": norm,
    "softmax": functools.partial(along, F.softmax), "log_softmax": functools.partial(along, F.log_softmax),
    "trace": square(torch.trace), "det": bent(torch.linalg.det, torch.linalg.det), "logdet": torch.logdet,
    "inv": bent(torch.linalg.inv, lambda x: torch.linalg.det(x)/10), "diag": diag,
    "reshape": lambda x, *sizes: torch.reshape(x, tuple(map(whole, sizes))), "flatten": torch.flatten,
    "concat": lambda *x, axis=0: torch.cat(x, dim=axis), "part": part,
    "array": lambda *x: torch.stack(x),
    "ones": made(torch.ones), "zeros": made(torch.zeros), "eye": made(torch.eye),
    "onehot": lambda i, n: real(F.one_hot(torch.tensor(whole(i)), whole(n))), "delta": lambda i, j: real(torch.eq(i, j)),
    "count": counted, "samples": lambda p: torch.tensor(float(rows(p)), dtype=torch.float64),
    "conv2d": conv2d,
    "maxpool2d": bent(imaged(lambda x, n, **options: F.max_pool2d(x, whole(n), **options)), lambda x, *_: 1000*all_apart(x)),
    "avgpool2d": imaged(lambda x, n, **options: F.avg_pool2d(x, whole(n), **options)),
}  # fmt: skip


def evaluate(expr, env):
    """The expression as a tensor, from tensors for its names."""
    match expr:
        case Num():
            return torch.tensor(float(expr.value), dtype=torch.float64)
        case Name():
            return env[expr.id]
        case Index():
            return evaluate(expr.base, env)[tuple(whole(evaluate(index, env)) for index in expr.indices)]
        case Sum():
            count = run_of(expr.index, expr.body, env)
            letters = (torch.tensor(float(value), dtype=torch.float64) for value in range(count))
            return every(torch.add, [evaluate(expr.body, env | {expr.index: letter}) for letter in letters])
    options = {name: whole(evaluate(value, env)) for name, value in expr.options}
    return TORCH[expr.function](*(evaluate(arg, env) for arg in expr.args), **options)


def run_of(letter, body, env):
    """Over how many entries an index letter runs."""
    for part in walk(body):
        if isinstance(part, Index) and Name(letter) in part.indices:
            return evaluate(part.base, env).shape[part.indices.index(Name(letter))]
    raise AssertionError(letter)


INPUTS = {
    "a": (), "b": (), "v": ("n",), "u": ("m",), "c": ("n", 1), "r": (1, "n"), "W": ("m", "n"), "V": ("n", "m"),
    "S": ("n", "n"), "D": ("m", "n"), "x2": (5, 6), "x3": (2, 5, 6), "x4": (2, 2, 4, 4), "k2": (2, 3),
    "k4": (3, 2, 2, 2),
}  # fmt: skip
# x, y, z: operands; what keeps a function in its domain is part of the text
TEXTS = {
    "add": ["x + y", "x - y + z", "x + 2"], "neg": ["-x"], "mul": ["x*y", "x*y*z", "m*x", "x*x"],
    "div": ["x/(2 + cos(y))", "x/n", "1/(y*y + 1)"], "pow": ["x^2", "x^3", "(x*x + 0.5)^y", "(x*x + 1)^(-1/2)", "2^x"],
    "gt": ["(x > y)*x"], "ge": ["(x >= 0.1)*x"], "eq": ["(x == y) + x", "(x == x)*x"], "lt": ["(x < y)*x"],
    "le": ["(x <= y)*x"], "ne": ["(x != y)*x"], "pi": ["pi*x"], "e": ["e*x", "e^x"],
    "log": ["log(x*x + 0.3)"], "log2": ["log2(x*x + 0.3)"], "log10": ["log10(x*x + 0.3)"], "sqrt": ["sqrt(x*x + 0.3)"],
    "tan": ["tan(sin(x))"], "asin": ["asin(0.9*sin(x))"], "acos": ["acos(0.9*sin(x))"],
    "leaky_relu": ["leaky_relu(x)", "leaky_relu(x, 0.2)"], "elu": ["elu(x)", "elu(x, 0.7)"],
    "maximum": ["max(x, y)", "max(x, 0.2)", "max(x, y, z)"], "minimum": ["min(x, y)", "min(x, y, z)"],
    "where": ["where(x > y, x, z)", "where(x > 0.1, sin(x), y)"], "clip": ["clip(x, -0.5, 0.7)"],
    "bce": ["bce(sigmoid(x), sigmoid(y))"], "cross_entropy": ["cross_entropy(softmax(x), y)", "cross_entropy(x*x + 0.1, y)"],
    "matmul": ["x @ y", "x @ y.T", "x.T @ y", "x.T @ y @ z"], "transpose": ["x.T"], "dot": ["dot(x, y)"],
    "log_softmax": ["log_softmax(x)", "log_softmax(x, axis=A)"], "softmax": ["softmax(x)", "softmax(x, axis=A)"],
    "logdet": ["logdet(x.T @ x + eye(count(x, axis=1)))"], "amax": ["max(x)", "max(x, axis=A)", "max(x, axis=A, keepdims=1)"],
    "amin": ["min(x)", "min(x, axis=A)", "min(x, axis=A, keepdims=1)"],
    "reshape": ["reshape(x, m*n)", "reshape(x, m, n)", "reshape(x, n, m)", "reshape(x, n*m, 1)", "reshape(x, 1, n)"],
    "concat": ["concat(x, y)", "concat(x, y, axis=A)", "concat(x, y, z, axis=1)"],
    "part": ["part(x, 0, 2)", "part(x, 1, 1, axis=A)", "part(x, 1, n - 1)", "part(x, 0, m)*y", "part(x, m, 1)",
             "part(concat(x, y), n, n)", "part(concat(x, y, axis=1), 1, n + 1, axis=1)", "concat(part(x, 1, 1), x)"],
    "array": ["[a, b, sin(a)]", "[[a, b], [b*b, 2]]", "[x, y]"],
    "ones": ["ones(m, n) + x", "ones(n)*x", "ones(m, m) @ x"], "zeros": ["zeros(m, n) + x", "zeros(n) + x"],
    "eye": ["eye(n) @ x", "x + eye(n)", "eye(m)*a"], "onehot": ["onehot(1, n)*x", "onehot(0, m) @ x"],
    "delta": ["sum(sum(delta(i, j)*x[i, j], j), i)", "sum(delta(i, 1)*x[i], i)"],
    "count": ["x/count(x)", "x/count(x, axis=A)"], "samples": ["x/samples(x)"],
    "conv2d": ["conv2d(x2, k2)", "conv2d(x3, k4)", "conv2d(x4, k4)", "conv2d(x3, k4, padding=1, dilation=2)",
               "conv2d(x2, k2, stride=3)", "conv2d(x4, k4, stride=2, padding=1, dilation=1)",
               "conv2d(x2, k2, dilation=2, padding=1)", "conv2d(conv2d(x3, k4), reshape(k4, 4, 3, 1, 2))",
               "conv2d(x2, k2, stride=3, padding=3)"],
    "maxpool2d": ["maxpool2d(x2, 2)", "maxpool2d(x3, 2, stride=1)", "maxpool2d(x4, 2)", "maxpool2d(x3, 3, stride=2, padding=1)",
                  "maxpool2d(tanh(x2), 3)"],
    "avgpool2d": ["avgpool2d(x2, 2)", "avgpool2d(x3, 2, stride=1)", "avgpool2d(x4, 2)", "avgpool2d(x3, 3, stride=2, padding=1)"],
    # no functions: entries, and sums over index letters
    "[]": ["x[1]", "x[0, 1]", "(x @ y)[1]", "x[0]*x"],
    "Σ": ["sum(sum(x[i, j]*v[j], j), i)", "sum(tanh(x[i]), i)", "sum(i*x[i]^2, i)", "sum(sum(x[i]*y[j], j), i)",
          "sum(softmax(x[i])*x[i], i)", "sum(sum(where(i + 1/2 > j, x[i, j], 2*x[j, i]), j), i)", "sum(x, 0)",
          "sum(x[i]*sum(exp(y[i])*z[j], j), i)", "sum(sum(x[i, j]*y[j, i], j), i)", "x[1]*sum(x[i]*b, i)"],
}  # fmt: skip


def texts(function):
    """Ways to write a call of a function of the table."""
    if function in TEXTS:
        return TEXTS[function]
    row = FUNCTIONS[function]
    arguments = ", ".join(("x", "y", "z")[: len(row.params)])
    plain = [f"{function}({arguments})"]
    return plain if "axis" not in row.options else [
        *plain, f"{function}({arguments}, axis=A)", f"{function}({arguments}, axis=A, keepdims=1)",
    ]  # fmt: skip


def written(text, names, rng):
    """The text with names for its operands."""
    words = {word: rng.choice(names) for word in ("x", "y", "z")}
    words |= {word: rng.choice([f"({name} + {rng.choice(names)})", f"tanh({name})", f"{name}*{name}", f"(-{name})"])
              for word, name in words.items() if rng.random() < 0.15}  # fmt: skip
    words["A"] = str(rng.choice([0, 1]))
    found, letters = "", text + " "
    for at, letter in enumerate(text):
        alone = not (letters[at - 1] if at else " ").isalnum() and not letters[at + 1].isalnum()
        found += words[letter] if letter in words and alone else letter
    return found


class Drawn:
    """A random graph: nodes are added as long as they have shapes that fit and values that are tame."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        numbers = np.random.default_rng(self.rng.randrange(2**32))
        self.values = {name: numbers.uniform(-1.5, 1.5, [SIZES.get(one, one) for one in shape])
                       for name, shape in INPUTS.items()}  # fmt: skip
        self.tensors = {name: torch.tensor(value, requires_grad=True) for name, value in self.values.items()}
        self.sizes = {name: torch.tensor(float(size), dtype=torch.float64) for name, size in SIZES.items()}
        self.nodes = {}

    def add(self, name, forms, tries):
        """A node of one of these forms, if operands are found for it."""
        names = [*(name for name in INPUTS if len(name) == 1), *list(self.nodes) * 3]
        for _ in range(tries):
            text = written(self.rng.choice(forms), names, self.rng)
            try:
                self.put(name, text)
            except (GradcheckError, TooNearError):
                continue
            return True
        return False

    def put(self, name, text):
        graph = shaped_graph(INPUTS, {**self.nodes, name: text}, SIZES)
        found = evaluate(graph.nodes[-1].expr, self.tensors | self.sizes)
        if not bool(torch.isfinite(found).all()) or bool((found.detach().abs() > LARGE).any()):
            raise TooNearError
        self.tensors[name] = found.clone()  # a node of its own, also where PyTorch gives its argument back
        self.nodes[name] = text

    def finish(self):
        """A scalar that many nodes feed."""
        terms = [f"mean(sin({name}) + {name}/4)" if self.tensors[name].dim() else f"sin({name})" for name in self.nodes]
        self.put("L", " + ".join(terms[-4:] or ["a"]))
        return shaped_graph(INPUTS, self.nodes, SIZES)


FORWARD = [name for name, row in FUNCTIONS.items() if not row.backward]  # the others stand in derivatives only
ORDER = [*FORWARD, *(name for name in TEXTS if name not in FUNCTIONS)]


def seeds_of(function):
    """The seeds of the graphs whose first node calls the function."""
    return range(ORDER.index(function), GRAPHS, len(ORDER))


def drawn(seed):
    """A graph whose first node calls the seed's function of the table."""
    found = Drawn(seed)
    assert found.add("h1", texts(ORDER[seed % len(ORDER)]), 4000)
    for place in range(2, 2 + found.rng.randrange(1, 6)):
        found.add(f"h{place}", texts(found.rng.choice(ORDER)), 25)
    return found, found.finish()


def agree(found, wanted, what):
    wanted = wanted.detach().numpy()
    assert np.shape(found) == wanted.shape, what
    room = TOLERANCE * max(np.abs(wanted).max(initial=0.0), 1e-6)
    assert np.abs(found - wanted).max(initial=0.0) <= room, what


def compare(drawn_graph, run, target, adjoint):
    """What arrives everywhere when `adjoint` arrives at the target."""
    reached = {name: tensor for name, tensor in drawn_graph.tensors.items() if tensor.requires_grad}
    top = drawn_graph.tensors[target]
    if not top.requires_grad:
        return
    wanted = torch.autograd.grad(top, list(reached.values()), adjoint, retain_graph=True, allow_unused=True)
    found = run.send(target, adjoint.numpy())
    for (name, tensor), slope in zip(reached.items(), wanted, strict=True):
        agree(found[name], torch.zeros_like(tensor) if slope is None else slope, f"{name} from {target}")


def check(drawn_graph, graph, seed):
    """Values, the gradients of the last node, and what any adjoint at each node sends to all others."""
    run = tape.compile_graph(at_sizes(graph, SIZES)).forward(drawn_graph.values)
    for name, value in run.values.items():
        agree(value, drawn_graph.tensors[name], name)
    compare(drawn_graph, run, graph.output, torch.ones_like(drawn_graph.tensors[graph.output]))
    numbers = np.random.default_rng(seed)
    for node in graph.nodes[:-1]:
        adjoint = torch.tensor(numbers.uniform(-1, 1, np.shape(run.values[node.name])))
        compare(drawn_graph, run, node.name, adjoint)


def check_all(seeds):
    for seed in seeds:
        check(*drawn(seed), seed)


@pytest.mark.parametrize("seed", range(GRAPHS))
def test_values_and_gradients(seed):
    check_all([seed])


@pytest.mark.parametrize(("function", "text"), [(function, text) for function in ORDER for text in texts(function)])
def test_each_form(function, text):
    found = Drawn(f"{function}: {text}")
    assert found.add("y", [text], 2000)
    check(found, found.finish(), 2)


CONVOLUTIONS = [
    (image, kernel, options)
    for image, kernel in (("x2", "k2"), ("x3", "k4"), ("x4", "k4"))
    for options in itertools.product((1, 2, 3), (0, 1, 2), (1, 2))
]


@pytest.mark.parametrize(("image", "kernel", "options"), CONVOLUTIONS)
def test_convolutions(image, kernel, options):
    found = Drawn(1)
    stride, padding, dilation = options
    try:
        found.put("y", f"conv2d({image}, {kernel}, stride={stride}, padding={padding}, dilation={dilation})")
    except ShapeError:
        return  # refused, since windows do not fit
    check(found, found.finish(), 1)


@pytest.mark.parametrize("image", ["x2", "x3", "x4"])
@pytest.mark.parametrize(
    ("window", "stride", "padding"), [(2, 2, 0), (2, 1, 0), (3, 2, 1), (3, 1, 1), (2, 3, 1), (3, 3, 0)]
)
@pytest.mark.parametrize("function", ["maxpool2d", "avgpool2d"])
def test_pools(function, image, window, stride, padding):
    found = Drawn(3)
    found.put("y", f"{function}({image}, {window}, stride={stride}, padding={padding})")
    check(found, found.finish(), 1)


@pytest.mark.parametrize("part", ["value", "vjp"])
@pytest.mark.parametrize("function", ARRAY_PRIMITIVES)
def test_a_bent_rule_is_caught(function, part, monkeypatch):
    if function in ("ones", "zeros", "eye") and part == "vjp":
        return  # nothing is sent
    rule = tape.ARRAY_RULES[function]
    bends = {
        "value": lambda *x, **options: 1.001*rule.value(*x, **options) + 0.001,
        "vjp": lambda *x, **options: tuple(1.001*sent for sent in rule.vjp(*x, **options)),
    }  # fmt: skip
    monkeypatch.setitem(tape.ARRAY_RULES, function, replace(rule, **{part: bends[part]}))
    with pytest.raises(AssertionError):
        check_all(seeds_of(function))


def test_the_whole_table_is_covered():
    assert set(TORCH) == set(FORWARD)


def test_the_graphs_use_the_whole_table():
    used = Counter()
    ranks = set()
    for seed in range(GRAPHS):
        found, graph = drawn(seed)
        for node in graph.nodes:
            used.update({part.function for part in walk(node.expr) if isinstance(part, Call)})
            used.update({type(part).__name__ for part in walk(node.expr)})
            if isinstance(node.expr, Call) and node.expr.function == "matmul":
                ranks.add(tuple(evaluate(arg, found.tensors | found.sizes).dim() for arg in node.expr.args))
    assert {name for name in (*FORWARD, "Index", "Sum") if used[name] < 4} == set()
    assert ranks == {(1, 1), (1, 2), (2, 1), (2, 2)}
    assert math.fsum(used.values()) > 10 * GRAPHS
