"""The textbook gradients of gradients.yaml: read, given shapes, drawn, and evaluated with plain NumPy."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from gradcheck_cli.expr import Call, Expr, Index, Name, Num, Sum, number
from gradcheck_cli.graph import Graph, Input, Node
from gradcheck_cli.lowering import Shapes, in_numbers, lower
from gradcheck_cli.parsing.arrays import index_letters
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.shapes import Shape, at, size_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gradcheck_cli.parsing.names import Scope

CASES = Path(__file__).with_name("gradients.yaml")


@dataclass(frozen=True, slots=True)
class Leaf:
    """An input: its shape, what is known of its values, and the axis along which they sum to 1."""

    shape: Shape
    kind: str = "real"
    axis: int = -1


@dataclass(frozen=True, slots=True)
class Case:
    """One gradient: `nodes` and `textbook` as written, `text` the textbook form as typed."""

    name: str
    source: str
    inputs: Mapping[str, Leaf]
    nodes: Mapping[str, Expr]
    output: str
    wrt: str
    textbook: Expr
    text: str
    kinks: bool
    known: Shapes
    words: Scope

    def graph(self) -> Graph:
        """The case as a computation graph; sizes stay letters."""
        return Graph(
            tuple(Input(name, shape=leaf.shape, kind=leaf.kind, axis=leaf.axis) for name, leaf in self.inputs.items()),
            tuple(Node(name, expr) for name, expr in self.nodes.items()),
            self.output,
            dims=tuple((letter, None) for letter in sorted(self.known.letters)),
            shapes=dict(self.known.names),
        )


def load(path: Path = CASES) -> list[Case]:
    """All cases, with the shape of every node worked out and the textbook form of the shape of `wrt`.

    Raises GradcheckError for a formula that cannot be read or does not fit, ValueError for a form of the wrong shape.
    """
    return [case(raw) for raw in yaml.safe_load(path.read_text(encoding="utf-8"))]


def case(raw: Mapping[str, Any]) -> Case:
    """One entry of the file."""
    declared = {name: spec or {} for name, spec in raw["inputs"].items()}
    letters = _letters(str(size) for spec in declared.values() for size in spec.get("shape", []))
    names = (*declared, *raw["graph"], *letters)
    words = replace(scope(dict.fromkeys(names, ()), indices=index_letters(names))[0], arrays=True)
    inputs = {
        name: Leaf(_shape(spec.get("shape", []), letters), spec.get("kind", "real"), spec.get("axis", -1))
        for name, spec in declared.items()
    }
    shapes = {name: leaf.shape for name, leaf in inputs.items()}
    nodes = {}
    for name, text in raw["graph"].items():
        nodes[name] = parse(str(text), words)
        shapes[name] = lower(nodes[name], Shapes(shapes, letters)).shape
    known = Shapes(shapes, letters)
    textbook = parse(str(raw["textbook"]), words)
    found = lower(textbook, known).shape
    if found != shapes[raw["wrt"]]:
        message = f"{raw['name']}: the textbook form has shape {found}, {raw['wrt']} has {shapes[raw['wrt']]}"
        raise ValueError(message)
    return Case(
        name=raw["name"],
        source=raw["source"],
        inputs=inputs,
        nodes=nodes,
        output=raw["output"],
        wrt=raw["wrt"],
        textbook=textbook,
        text=str(raw["textbook"]),
        kinks=bool(raw.get("kinks", False)),
        known=known,
        words=words,
    )


def _letters(sizes: Iterable[str]) -> frozenset[str]:
    text = " ".join(sizes)
    return frozenset("".join(c if c.isalnum() else " " for c in text).split()) - frozenset(map(str, range(1000)))


def _shape(sizes: Iterable[Any], letters: frozenset[str]) -> Shape:
    words = scope(dict.fromkeys(letters, ()))[0]
    found = [size_of(parse(str(one), words), letters) for one in sizes]
    return tuple(one for one in found if one is not None)


def sizes_of(case: Case, rng: np.random.Generator) -> dict[str, int]:
    """A number for each letter: pairwise distinct, greater than 1."""
    letters = sorted(case.known.letters)
    drawn = rng.permutation(np.arange(2, max(7, len(letters) + 2)))
    return {letter: int(one) for letter, one in zip(letters, drawn, strict=False)}


def draw(case: Case, sizes: Mapping[str, int], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Values of the inputs that obey their kinds."""
    return {name: _DRAWN[leaf.kind](rng, at(leaf.shape, sizes), leaf.axis) for name, leaf in case.inputs.items()}


def _axis(shape: tuple[int, ...], axis: int) -> int:
    return 0 if axis == -1 and len(shape) == 2 and shape[1] == 1 else axis % len(shape)


def _onehot(rng: np.random.Generator, shape: tuple[int, ...], axis: int) -> np.ndarray:
    noise = rng.normal(size=shape)
    return (noise == noise.max(axis=_axis(shape, axis), keepdims=True)).astype(float)


def _distribution(rng: np.random.Generator, shape: tuple[int, ...], axis: int) -> np.ndarray:
    weights = rng.uniform(0.2, 1, shape)
    return weights / weights.sum(axis=_axis(shape, axis), keepdims=True)


def _spd(rng: np.random.Generator, shape: tuple[int, ...], _axis: int) -> np.ndarray:
    root = rng.normal(size=shape)
    return root @ root.T / shape[0] + np.eye(shape[0])


def _symmetric(rng: np.random.Generator, shape: tuple[int, ...], _axis: int) -> np.ndarray:
    root = rng.normal(size=shape)
    return root + root.T


_DRAWN = {
    "real": lambda rng, shape, _: rng.normal(size=shape),
    "positive": lambda rng, shape, _: rng.uniform(0.3, 2, shape),
    "nonnegative": lambda rng, shape, _: rng.uniform(0, 2, shape),
    "integer": lambda rng, shape, _: rng.integers(-3, 4, shape).astype(float),
    "binary": lambda rng, shape, _: rng.integers(0, 2, shape).astype(float),
    "sign": lambda rng, shape, _: 2.0 * rng.integers(0, 2, shape) - 1,
    "probability": lambda rng, shape, _: rng.uniform(0.1, 0.9, shape),
    "onehot": _onehot,
    "distribution": _distribution,
    "symmetric": _symmetric,
    "spd": _spd,
    "invertible": lambda rng, shape, _: rng.normal(size=shape) / 2 + 2 * np.eye(shape[0]),
}


def evaluate(expr: Expr, values: Mapping[str, Any], sizes: Mapping[str, int], known: Shapes) -> np.ndarray:
    """The value of an expression as written, at these values and sizes."""
    numbers: dict[str, Expr] = {letter: number(count) for letter, count in sizes.items()}
    return np.asarray(_value(in_numbers(lower(expr, Shapes(known.names, known.letters)).expr, numbers), values))


def forward(
    case: Case, values: Mapping[str, Any], sizes: Mapping[str, int], fixed: Mapping[str, Any] | None = None
) -> dict[str, np.ndarray]:
    """The values of the inputs and of every node; a node in `fixed` has that value whatever feeds it."""
    fixed = fixed or {}
    found = {**values, **fixed}
    for name, expr in case.nodes.items():
        if name not in fixed:
            found[name] = evaluate(expr, found, sizes, case.known)
    return found


def _value(expr: Expr, values: Mapping[str, Any]) -> Any:
    match expr:
        case Num():
            return float(expr.value)
        case Name():
            return values[expr.id]
        case Index():
            base = _value(expr.base, values)
            return base[tuple(int(_value(index, values)) for index in expr.indices)]
        case Sum():
            count = int(_value(expr.count, values)) if expr.count is not None else 0
            return sum(_value(expr.body, {**values, expr.index: at}) for at in range(count))
    return _called(expr, [_value(arg, values) for arg in expr.args])


def _called(expr: Call, args: list[Any]) -> Any:
    options = {name: int(value.value) for name, value in expr.options if isinstance(value, Num)}
    if expr.function in _REDUCED:
        keep = bool(options.get("keepdims"))
        return _REDUCED[expr.function](args[0], axis=options.get("axis"), keepdims=keep)
    if expr.function == "softmax":
        weights = np.exp(args[0] - np.max(args[0], axis=options["axis"], keepdims=True))
        return weights / weights.sum(axis=options["axis"], keepdims=True)
    if expr.function == "concat":
        return np.concatenate(args, axis=options.get("axis", 0))
    if expr.function == "part":
        start, count = (int(one) for one in args[1:])
        return np.take(args[0], range(start, start + count), axis=options.get("axis", 0))
    return _FUNCTIONS[expr.function](*args)


def _logsumexp(x: np.ndarray, axis: int | None, *, keepdims: bool) -> np.ndarray:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


_REDUCED: dict[str, Any] = {
    "sum": np.sum,
    "prod": np.prod,
    "amax": np.max,
    "amin": np.min,
    "logsumexp": _logsumexp,
}
_FUNCTIONS: dict[str, Any] = {
    "add": lambda *terms: sum(terms),
    "mul": lambda *factors: math.prod(factors),
    "neg": np.negative,
    "div": np.divide,
    "pow": np.power,
    "gt": lambda x, y: np.greater(x, y) * 1.0,
    "ge": lambda x, y: np.greater_equal(x, y) * 1.0,
    "eq": lambda x, y: np.equal(x, y) * 1.0,
    "pi": lambda: math.pi,
    "e": lambda: math.e,
    "asin": np.arcsin,
    "atan": np.arctan,
    **{
        name: getattr(np, name) for name in ("exp", "log", "sin", "cos", "sinh", "cosh", "tanh", "abs", "sign", "floor")
    },
    "erf": np.vectorize(math.erf, otypes=[float]),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
    "softplus": lambda x: np.logaddexp(x, 0),
    "step": lambda x: np.greater(x, 0) * 1.0,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "where": lambda c, x, y: np.where(np.asarray(c) != 0, x, y),
    "matmul": np.matmul,
    "transpose": np.transpose,
    "outer": np.outer,
    "det": np.linalg.det,
    "inv": np.linalg.inv,
    "reshape": lambda x, *shape: np.reshape(x, tuple(map(int, shape))),
    "array": lambda *rows: np.stack([np.asarray(row) for row in rows]),
    "ones": lambda *shape: np.ones(tuple(map(int, shape))),
    "zeros": lambda *shape: np.zeros(tuple(map(int, shape))),
    "eye": lambda n: np.eye(int(n)),
}
