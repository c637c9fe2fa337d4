"""The shorthand `layers:`: a network's layers, expanded into inputs (its parameters too) and nodes.

Layers with parameters are numbered: `W1`, `b1`, `z1 = a @ W1 + b1` with `W1` of shape (in, out), and `a1` after an
activation. Filters have shape (filters, channels, rows, columns), their bias (filters, 1, 1). Pooling is `p1`, `p2`, …,
flattening `f1`, …; `name:` names the result of a layer otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Name, number
from gradcheck_cli.graph import Input
from gradcheck_cli.graph import Node as GraphNode
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.problem.fields import LAYER
from gradcheck_cli.problem.sizes import read_size
from gradcheck_cli.shapes import ONE, Shape, Size, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.problem.leaves import Leaves
    from gradcheck_cli.yamltree import Node

_SHAPED = ("kernel", "stride", "padding", "dilation")
_PARTS: dict[str, tuple[str, ...]] = {
    "input": ("shape",),
    "dense": ("activation", "bias", "name"),
    "conv2d": (*_SHAPED, "activation", "bias", "name"),
    "maxpool2d": ("stride", "padding", "name"),
    "avgpool2d": ("stride", "padding", "name"),
    "flatten": ("name",),
    "activation": ("name",),
}
_ACTIVATION = next(field for field in LAYER if field.name == "activation")


class Layers:
    """Expands one list of layers into `inputs` and `nodes`; after a layer that does not fit, names are only reserved."""

    def __init__(self, leaves: Leaves, declared: Iterable[Input]) -> None:
        self.leaves = leaves
        self.names = leaves.names
        self.read = leaves.read
        self.given = {leaf.name: leaf for leaf in declared}
        self.inputs: list[Input] = []
        self.nodes: list[GraphNode] = []
        self.shapes: dict[str, Shape] = {}
        self.last = ""  # the name of what the next layer gets; empty where it is not known
        self.counts = {"W": 0, "p": 0, "f": 0}

    def expand(self, node: Node | None) -> None:
        """Read all layers."""
        for at, item in enumerate(self.read.items(node, "layers"), start=1):
            self.names.arrays = True
            self.layer(item, at)

    def layer(self, item: Node, at: int) -> None:
        """Read one layer: its kind, its parts, its nodes."""
        what = f"layer {at}"
        dropout = next((key for key, _ in item.entries if key.text == "dropout"), None)
        if dropout is not None:
            hint = "leave it out: at the time of use it changes nothing"
            self.read.wrong(dropout, f"{what} is dropout, which draws at random", hint)
            return
        before = len(self.read.errors)
        entry = self.read.section(item, "layer", what)
        kind = self.kind(item, entry, what, told=len(self.read.errors) > before)
        if not kind:
            self.last = ""
            return
        for part in entry:
            if part != kind and part not in _PARTS[kind]:
                known = ", ".join(_PARTS[kind])
                self.read.wrong(entry[part], f"{what} is {kind} and has no {part}", f"it knows {known}")
        if (kind == "input") != (at == 1):
            message = (
                f"{what} is an input, and the input comes first"
                if kind == "input"
                else f"{what} is {kind} and no input"
            )
            self.read.wrong(item, message, "begin with {input: x, shape: [30]}, once")
            if kind == "input":
                return
        if kind == "input":
            self.enter(item, entry, what)
        elif kind in ("dense", "conv2d"):
            self.weighted(item, entry, kind, what)
        else:
            self.plain(item, entry, kind, what)

    def kind(self, item: Node, entry: Mapping[str, Node], what: str, *, told: bool) -> str:
        """The key that says what kind of layer it is; an empty text, with an error, where it is not one."""
        kinds = [kind for kind in _PARTS if kind in entry and kind != "activation"]
        if len(kinds) > 1:
            self.read.wrong(item, f"{what} is both {kinds[0]} and {kinds[1]}", "write a layer for each")
            return ""
        if kinds or "activation" in entry:
            return kinds[0] if kinds else "activation"
        if not told:
            self.read.wrong(item, f"{what} says no kind of layer", f"write one of {', '.join(_PARTS)}")
        return ""

    def enter(self, item: Node, entry: Mapping[str, Node], what: str) -> None:
        """The input of the network: declared here with a shape, or under inputs."""
        name = self.read.text(entry["input"], f"the input of {what}")
        if "shape" not in entry:
            if name not in self.given or name in self.leaves.unknown:
                if name not in self.leaves.unknown:
                    self.read.wrong(entry["input"], f"the input {name} has no shape", "add shape: [30], say")
                return
            self.shapes[name] = self.given[name].shape
        else:
            shape = self.leaves.shape(name, entry["shape"])
            if not self.names.declare(entry["input"], "an input") or shape is None:
                return
            self.parameter(item, name, shape, learnable=False)
        if not 1 <= len(self.shapes[name]) <= 3:
            message = f"the input {name} of the layers has shape {text_of(self.shapes[name])}"
            self.read.wrong(item, message, "write [30], [m, 30] for a batch, or [channels, rows, columns]")
            return
        self.last = name

    def parameter(self, item: Node, name: str, shape: Shape, *, learnable: bool = True) -> None:
        """Add an input."""
        self.inputs.append(Input(name, param=learnable, span=item.span, shape=shape))
        self.shapes[name] = shape

    def weighted(self, item: Node, entry: Mapping[str, Node], kind: str, what: str) -> None:
        """A dense or convolutional layer: its weights, its bias, its linear part, its activation."""
        self.counts["W"] += 1
        at = self.counts["W"]
        count = self.size(entry[kind], f"{kind} of {what}")
        bias = self.read.flag(entry["bias"], f"bias of {what}") if "bias" in entry else True
        activation = self.activation(entry, what)
        name = self.read.text(entry.get("name"), f"name of {what}")
        linear = name if name and not activation else f"z{at}"
        weights, offset = f"W{at}", f"b{at}"
        made = self.linear(item, entry, kind, what, count) if count and self.last else None
        if made is None:
            self.lose(weights, offset, linear, *([name or f"a{at}"] if activation else []))
            return
        (shape, bias_shape), options = made
        fresh = [self.names.declare(item, "a parameter", one) for one in (weights, *((offset,) if bias else ()))]
        if not all(fresh):
            self.lose(linear, *([name or f"a{at}"] if activation else []))
            return
        self.parameter(item, weights, shape)
        product: Expr = Call("matmul" if kind == "dense" else "conv2d", (Name(self.last), Name(weights)), options)
        if bias:
            self.parameter(item, offset, bias_shape)
            product = Call("add", (product, Name(offset)))
        self.node(item, linear, product, what)
        if activation:
            self.node(item, name or f"a{at}", Call(activation, (Name(self.last),)), what)

    def linear(
        self, item: Node, entry: Mapping[str, Node], kind: str, what: str, count: Size
    ) -> tuple[tuple[Shape, Shape], tuple[tuple[str, Expr], ...]] | None:
        """The shapes of the weights and of the bias, and the options; None, with an error, where nothing fits."""
        have = self.shapes[self.last]
        if kind == "dense":
            if len(have) > 2:
                message = f"{what}, dense, gets {self.last} of shape {text_of(have)}"
                self.read.wrong(item, message, "put {flatten: true} before it")
                return None
            return ((have[-1], count), (count,)), ()
        if len(have) != 3:
            message = f"{what}, conv2d, gets {self.last} of shape {text_of(have)}"
            self.read.wrong(item, message, "it takes (channels, rows, columns)")
            return None
        kernel = self.kernel(item, entry.get("kernel"), what)
        options = self.options(entry, what)
        if kernel is None or options is None:
            return None
        return ((count, have[0], *kernel), (count, ONE, ONE)), options

    def size(self, node: Node, what: str) -> Size | None:
        """A size, whose letters are then sizes of the problem; None after an error."""
        found = read_size(self.read, node, what)
        self.names.sizes(dict.fromkeys(sorted(found.letters) if found else (), node))
        return found

    def kernel(self, item: Node, node: Node | None, what: str) -> Shape | None:
        """Rows and columns of a window."""
        if node is None:
            self.read.wrong(item, f"{what} has no kernel", "add kernel: 3, or [3, 5]")
            return None
        parts = node.items if node.kind == "list" else (node, node)
        if len(parts) != 2:
            self.read.wrong(node, f"the kernel of {what} has {len(parts)} sizes", "write kernel: 3, or [3, 5]")
            return None
        first = self.size(parts[0], f"the kernel of {what}")
        second = first if parts[1] is parts[0] else self.size(parts[1], f"the kernel of {what}")
        return None if first is None or second is None else (first, second)

    def options(self, entry: Mapping[str, Node], what: str) -> tuple[tuple[str, Expr], ...] | None:
        """Stride, padding and dilation, where they are said and not what holds anyway."""
        found: list[tuple[str, Expr]] = []
        for part, least in (("dilation", 1), ("padding", 0), ("stride", 1)):
            if part not in entry:
                continue
            count = self.whole(entry[part], f"{part} of {what}", least)
            if count is None:
                return None
            if count != least or part == "stride":
                found.append((part, number(count)))
        return tuple(found)

    def whole(self, node: Node, what: str, least: int) -> int | None:
        """A whole number; None after an error."""
        typed = self.read.number(node, what)
        if typed is None:
            return None
        if typed.value.denominator != 1 or not least <= typed.value <= 10_000:
            self.read.wrong(node, f"{what} is {node.text}", f"write a whole number, {least} or more")
            return None
        return int(typed.value)

    def activation(self, entry: Mapping[str, Node], what: str) -> str:
        """The activation's function; an empty text for none."""
        found = self.read.choice(entry.get("activation"), _ACTIVATION, f"the activation of {what}", "none")
        return "" if found == "none" else found

    def plain(self, item: Node, entry: Mapping[str, Node], kind: str, what: str) -> None:
        """A layer without parameters: pooling, flattening, an activation by itself."""
        name = self.read.text(entry.get("name"), f"name of {what}")
        arguments: tuple[Expr, ...] = ()
        options: tuple[tuple[str, Expr], ...] | None = ()
        function = kind
        if kind == "activation":
            function = self.activation(entry, what)
            if not function:
                return
            default = f"a{self.counts['W']}"
        else:
            letter = "f" if kind == "flatten" else "p"
            self.counts[letter] += 1
            default = f"{letter}{self.counts[letter]}"
        if kind == "flatten" and not self.read.flag(entry[kind], f"flatten of {what}"):
            return
        if pooling := kind.endswith("pool2d"):
            window = self.whole(entry[kind], f"the window of {what}", 1)
            options = self.options(entry, what)
            arguments = () if window is None else (number(window),)
        if not self.last or options is None or (pooling and not arguments):
            self.lose(name or default)
            return
        self.node(item, name or default, Call(function, (Name(self.last), *arguments), options), what)

    def node(self, item: Node, name: str, expr: Expr, what: str) -> None:
        """Add a node, where the layers so far fit."""
        if not self.last or not self.names.declare(item, "a node", name):
            self.lose(name)
            return
        try:
            shape = lower(expr, Shapes(self.shapes, frozenset(self.names.letters))).shape
        except GradcheckError as error:
            self.read.wrong(item, f"{what} does not fit: {error.message}", error.hint)
            self.lose(name)
            return
        self.nodes.append(GraphNode(name, expr, (), item.span))
        self.shapes[name] = shape
        self.last = name

    def lose(self, *lost: str) -> None:
        """Remember names that a layer would have had: what uses them is not complained of."""
        self.names.refused.update(lost)
        self.last = ""
