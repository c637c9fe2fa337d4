"""Networks to train: problem files with parameters, and the text of a multilayer perceptron as such a file."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.lowering import at_sizes
from gradcheck_cli.problem import read_problem
from gradcheck_cli.problem.sizes import bind
from gradcheck_cli.source import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.graph import Graph, Input
    from gradcheck_cli.shapes import Shape

ACTIVATIONS = ("relu", "sigmoid", "tanh", "silu", "gelu", "softplus", "leaky_relu", "elu")
_MASK = "mask"


@dataclass(frozen=True, slots=True)
class Network:
    """A graph that can be trained: `text` is its problem file, `sizes` the numbers of its letters but the batch's.

    `batch` is the letter of the batch; without one a step takes a single example. `masks` are dropout's inputs, `hidden`
    the sizes that the file left open.
    """

    text: str
    graph: Graph
    sizes: dict[str, int]
    data: Input
    target: Input
    batch: str = ""
    masks: tuple[str, ...] = ()
    hidden: tuple[int, ...] = ()
    _made: dict[int, Graph] = field(default_factory=dict, compare=False, repr=False)

    def at(self, rows: int) -> Graph:
        """The graph in primitive functions for so many examples at once."""
        if rows not in self._made:
            sizes = {**self.sizes, self.batch: rows} if self.batch else self.sizes
            self._made[rows] = at_sizes(self.graph, sizes)
        return self._made[rows]

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter."""
        return {
            leaf.name: tuple(one.at(self.sizes) for one in self.graph.shapes.get(leaf.name, ()))
            for leaf in self.graph.inputs
            if leaf.param
        }

    def given(self) -> dict[str, tuple[float, ...]]:
        """The entries, in rows, of the parameters that have values in the file."""
        found = {}
        for leaf in self.graph.inputs:
            if leaf.param and leaf.entries is not None:
                found[leaf.name] = tuple(map(float, leaf.entries.items))
            elif leaf.param and leaf.value is not None:
                found[leaf.name] = (float(leaf.value),)
        return found


def mlp(hidden: tuple[int, ...], activation: str, *, dropout: bool = False) -> str:
    """The problem file of a multilayer perceptron with softmax and cross-entropy; sizes are letters."""
    sizes = ["dx", *(f"h{at}" for at in range(1, len(hidden) + 1)), "do"]
    inputs = ["  X: {shape: [m, dx]}", "  Y: {shape: [m, do], kind: onehot}"]
    graph, last = [], "X"
    for at, (rows, columns) in enumerate(itertools.pairwise(sizes), 1):
        inputs.append(f"  W{at}: {{shape: [{rows}, {columns}], param: true}}")
        inputs.append(f"  b{at}: {{shape: [{columns}], param: true}}")
        graph.append(f"  Z{at}: {last} @ W{at} + b{at}")
        if at <= len(hidden):
            dropped = f" * {_MASK}{at}" if dropout else ""
            if dropout:
                inputs.append(f"  {_MASK}{at}: {{shape: [m, {columns}], kind: nonnegative}}")
            graph.append(f"  H{at}: {activation}(Z{at}){dropped}")
            last = f"H{at}"
    graph += [f"  P: softmax(Z{len(sizes) - 1})", "  loss: cross_entropy(P, Y)"]
    return "\n".join(["title: Multilayer perceptron", "inputs:", *inputs, "graph:", *graph, "output: loss", ""])


def read_network(text: str, name: str, features: int, classes: int, hidden: tuple[int, ...] = ()) -> Network:
    """The network of a problem file for rows of so many features and classes; `hidden` are its open sizes in order.

    Raises ProblemError for a file that is not valid, UnsupportedError where it is no network that can be trained.
    """
    graph = read_problem(Source(name, text), name).graph
    data, target, masks = _roles(graph)
    numbers = {letter: size for letter, size in graph.dims if size is not None}
    shape, wanted = graph.shapes.get(data.name, ()), graph.shapes.get(target.name, ())
    first = str(shape[0]) if len(shape) > 1 and shape[:1] == wanted[:1] and len(shape[0].letters) == 1 else ""
    batch = "" if first in numbers else first
    sizes = dict(numbers)
    for leaf, there, count in ((data, shape, features), (target, wanted, classes)):
        wrong = bind(there, _example(there, count, numbers, batched=bool(batch)), sizes)
        if wrong:
            message = f"{leaf.name} gets data of {wrong}"
            raise UnsupportedError(message, hint="leave sizes of data open: [m, dx]")
    sizes.pop(batch, None)
    used = _complete(graph, sizes, batch, hidden)
    return Network(text, graph, sizes, data, target, batch, masks, used)


def _example(shape: Shape, count: int, numbers: Mapping[str, int], *, batched: bool) -> tuple[int, ...]:
    """An array of one example's `count` entries: of its declared sizes where they make as many, else a row or a column."""
    axes = shape[1:] if batched else shape
    known = [one.at(numbers) for one in axes if one.letters <= set(numbers)]
    if len(known) < len(axes) or math.prod(known) != count:
        known = [1] * (len(axes) - 1) + [count]
        if len(axes) > 1 and str(axes[-1]) == "1":
            known.reverse()
    return (1, *known) if batched else tuple(known)


def _roles(graph: Graph) -> tuple[Input, Input, tuple[str, ...]]:
    """Which inputs are the data, the labels and dropout's masks."""
    for constant in graph.constants:
        if constant.value is None:
            message = f"the constant {constant.name} is no number"
            raise UnsupportedError(message, hint="give it one number in the file")
    leaves = [leaf for leaf in graph.inputs if not leaf.param]
    if len(leaves) == len(graph.inputs):
        message = "the network has no parameter"
        raise UnsupportedError(message, hint="write W: {shape: [dx, do], param: true}")
    targets = [leaf for leaf in leaves if leaf.kind in ("onehot", "distribution")]
    masks = tuple(leaf.name for leaf in leaves if leaf.name.startswith(_MASK))
    data = [leaf for leaf in leaves if leaf not in targets and leaf.name not in masks]
    if len(targets) != 1 or len(data) != 1:
        names = ", ".join(leaf.name for leaf in leaves) or "none"
        message = f"the inputs that are no parameters are {names}: one for images and one for labels is needed"
        raise UnsupportedError(message, hint="write X: {shape: [m, dx]} and Y: {shape: [m, do], kind: onehot}")
    if graph.shapes.get(graph.output, ()):
        message = f"the output {graph.output} is an array, a loss is a number"
        raise UnsupportedError(message, hint="name the loss with output:")
    return data[0], targets[0], masks


def _complete(graph: Graph, sizes: dict[str, int], batch: str, hidden: tuple[int, ...]) -> tuple[int, ...]:
    """Give the open letters their sizes, in order; those that were needed."""
    missing = [letter for letter, _ in graph.dims if letter not in sizes and letter != batch]
    if len(missing) > len(hidden):
        several = len(missing) > 1
        message = f"the size{'s' * several} {', '.join(missing)} of the network {'are' if several else 'is'} open"
        raise UnsupportedError(message, hint="give them in order: --hidden 128,64")
    used = hidden[: len(missing)]
    sizes.update(zip(missing, used, strict=True))
    return used
