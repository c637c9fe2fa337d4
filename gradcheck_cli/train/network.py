"""Networks to train: problem files with parameters, and the text of a multilayer perceptron as such a file."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.lowering import at_sizes
from gradcheck_cli.problem import read_problem
from gradcheck_cli.problem.sizes import bind
from gradcheck_cli.source import Source

if TYPE_CHECKING:
    from gradcheck_cli.graph import Graph, Input

ACTIVATIONS = ("relu", "sigmoid", "tanh", "silu", "gelu", "softplus", "leaky_relu", "elu")
_MASK = "mask"


@dataclass(frozen=True, slots=True)
class Network:
    """A graph that can be trained: `text` is its problem file, `sizes` the numbers of its letters but the batch's.

    `batch` is the letter of the batch; without one a step takes a single example. `masks` are dropout's inputs.
    """

    text: str
    graph: Graph
    sizes: dict[str, int]
    data: Input
    target: Input
    batch: str = ""
    masks: tuple[str, ...] = ()
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
    batch = ""
    if len(shape) == 2 and len(shape[0].letters) == 1 and shape[0] == wanted[0] and str(shape[0]) not in numbers:
        batch = str(shape[0])
        found: tuple[tuple[int, ...], tuple[int, ...]] = ((1, features), (1, classes))
    else:
        found = ((*(1,) * (len(shape) - 1), features), (*(1,) * (len(wanted) - 1), classes))
        if len(shape) == 2 and str(shape[1]) == "1":
            found = (found[0][::-1], found[1][::-1] if len(wanted) == 2 else found[1])
    sizes = dict(numbers)
    for leaf, there, size in ((data, shape, found[0]), (target, wanted, found[1])):
        wrong = bind(there, size, sizes)
        if wrong:
            message = f"{leaf.name} gets data of {wrong}"
            raise UnsupportedError(message, hint="leave sizes of data open: [m, dx]")
    sizes.pop(batch, None)
    _complete(graph, sizes, batch, hidden)
    return Network(text, graph, sizes, data, target, batch, masks)


def _roles(graph: Graph) -> tuple[Input, Input, tuple[str, ...]]:
    """Which inputs are the data, the labels and dropout's masks."""
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


def _complete(graph: Graph, sizes: dict[str, int], batch: str, hidden: tuple[int, ...]) -> None:
    missing = [letter for letter, _ in graph.dims if letter not in sizes and letter != batch]
    if len(missing) > len(hidden):
        message = f"the size{'s' if len(missing) > 1 else ''} {', '.join(missing)} of the network are open"
        raise UnsupportedError(message, hint="give them in order: --hidden 128,64")
    sizes.update(zip(missing, hidden, strict=False))
