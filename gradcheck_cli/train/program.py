"""From a graph to a flat program: forward values, adjoints, updates in place, buffers used again after the last reader.

The gradient is linear in the output's adjoint, so a rate is put there once and every gradient arrives multiplied by it:
`W -= A.T @ G` is then one product that accumulates, and no gradient of W is ever stored.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gradcheck_cli.train.adjoints import adjoints
from gradcheck_cli.train.trace import trace
from gradcheck_cli.train.updates import UPDATES, Update

if TYPE_CHECKING:
    from gradcheck_cli.graph import Graph
    from gradcheck_cli.train.ir import Builder, Shape

LOGITS = "logits of the loss"
LANES = 16  # rows of a matrix begin at multiples of so many numbers in buffers of compiled programs
_SAME_SHAPE_IN_PLACE = frozenset(
    ("add", "sub", "mul", "div", "pow", "exp", "log", "sin", "cos", "tanh", "sigmoid", "relu", "softplus", "abs")
    + ("sign", "step", "floor", "maximum", "minimum", "gt", "ge", "eq", "dtanh", "dsigmoid", "drelu", "softmax")
    + ("log_softmax", "asin", "atan", "sinh", "cosh")
)


@dataclass(frozen=True, slots=True)
class Ref:
    """Where an operand lies: a buffer by number, a feed, parameter or state by name, or a uniform number.

    The key of a uniform is (name of a step's scalar or "", coefficient). `base` is the shape in which the memory was
    written, where `shape` is another view of it.
    """

    kind: str
    key: Any
    shape: Shape
    base: Shape


@dataclass(frozen=True, slots=True)
class Instruction:
    """One operation; `attrs` by name (`left_t`, `right_t`, `alpha`, `beta`, `axes`, `axis`)."""

    op: str
    out: Ref
    args: tuple[Ref, ...]
    attrs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Program:
    """What a back end runs once a step.

    `buffers` are capacities in numbers, `feeds` the shapes of a step's data by name, `records` what each step hands out.
    """

    instructions: tuple[Instruction, ...]
    buffers: tuple[int, ...]
    feeds: dict[str, Shape]
    params: dict[str, Shape]
    states: dict[str, Shape]
    records: dict[str, Shape]
    scalars: tuple[str, ...]


@dataclass(slots=True)
class _Pending:
    """An instruction before buffers are known: `out` is a value, or a leaf that is changed in place."""

    op: str
    out: int
    args: tuple[int, ...]
    attrs: dict[str, Any]
    in_place: bool = False


def compile_program(graph: Graph, optimizer: Update | None, outputs: dict[str, str], decay: bool = False) -> Program:  # noqa: FBT001, FBT002
    """The program of one step: the values of nodes recorded under the names of `outputs`, then the updates.

    Without an optimizer: a forward pass, and for an output `d:W` the gradient of the graph's output by W. An output
    `LOGITS` is what the loss takes the softmax of, where the loss is the mean cross-entropy; else it is left out.
    """
    traced = trace(graph)
    builder = traced.builder
    params = {leaf.name: traced.names[leaf.name] for leaf in graph.inputs if leaf.param}
    gradients: dict[int, int] = {}
    if optimizer is not None or any(node.startswith("d:") for node in outputs.values()):
        seed = builder.const(1) if optimizer is None or optimizer.name == "adam" else builder.scalar("lr")
        gradients = adjoints(builder, traced.names[graph.output], seed, set(params.values()))
    recorded = {}
    for name, node in outputs.items():
        if node == LOGITS:
            found = logits(builder, traced.names[graph.output])
            if found is not None:
                recorded[name] = found
        else:
            recorded[name] = gradients[params[node[2:]]] if node.startswith("d:") else traced.names[node]
    pending = _order(builder, recorded, params, gradients if optimizer else {}, optimizer, decay)
    return _planned(builder, pending, recorded)


def logits(builder: Builder, loss: int) -> int | None:
    """The z of a loss -sum(Y*log(softmax(z)))/rows with Y from outside, or None where the loss is another."""
    factor, total = builder.split(loss)
    value = builder.values[total]
    if factor is None or value.op != "sum" or builder.values[value.args[0]].op != "mul":
        return None
    pair = sorted(builder.values[value.args[0]].args, key=lambda at: builder.values[at].op)  # feed, log_softmax
    first, second = (builder.values[at] for at in pair)
    if (first.op, second.op) != ("feed", "log_softmax") or second.attrs[0] != len(second.shape) - 1:
        return None
    rows = math.prod(second.shape[:-1])
    number = builder.number(factor)
    good = number is not None and math.isclose(number, -1 / rows) and first.shape == second.shape
    return second.args[0] if good and first.attrs[0] in builder.sums_to_one else None


def _order(  # noqa: PLR0913 - the parts of a step
    builder: Builder,
    recorded: dict[str, int],
    params: dict[str, int],
    gradients: dict[int, int],
    optimizer: Update | None,
    decay: bool,  # noqa: FBT001
) -> list[_Pending]:
    """Values in order of their numbers, and each parameter's update as soon as nothing reads the old one."""
    blocks: list[tuple[int, list[_Pending]]] = []
    uses = _uses(builder, {*recorded.values(), *gradients.values()})
    kept = set(recorded.values())
    inlined: set[int] = set()
    for at in params.values():
        if optimizer is None or at not in gradients:
            continue
        grad = gradients[at]
        inline = uses.get(grad, 0) == 0 and grad not in kept and _accumulates(builder, grad)
        if inline and optimizer.name != "adam":
            inlined.add(grad)
        blocks.append((at, _update(builder, at, grad, optimizer, inline=grad in inlined, decay=decay)))
    needed = _needed(builder, {*recorded.values(), *gradients.values()})
    values = [at for at in sorted(needed) if at not in inlined]
    fused = _fuse_bias(builder, values, uses, kept)
    computed = [_value(builder, at, fused) for at in values if at not in fused["gone"]]
    order = [one for one in computed if one is not None]
    for name, at in recorded.items():
        order = _insert(builder, order, [_Pending("record", at, (at,), {"name": name})], at)
    for at, block in blocks:
        order = _insert(builder, order, block, at)
    return order


def _uses(builder: Builder, roots: set[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for at in _needed(builder, roots):
        for arg in builder.values[at].args:
            found[arg] = found.get(arg, 0) + 1
    return found


def _needed(builder: Builder, roots: set[int]) -> set[int]:
    found: set[int] = set()
    stack = list(roots)
    while stack:
        at = stack.pop()
        if at not in found:
            found.add(at)
            stack.extend(builder.values[at].args)
    return found


def _accumulates(builder: Builder, at: int) -> bool:
    """Whether a value can be added to an array while it is computed."""
    value = builder.values[at]
    return value.op == "matmul" or (value.op == "sum" and value.attrs[0] == (0,) and len(value.shape) == 1)


def _update(builder: Builder, at: int, grad: int, optimizer: Update, *, inline: bool, decay: bool) -> list[_Pending]:  # noqa: PLR0913
    """The instructions that change one parameter; `acc` is target = beta*target + alpha*gradient."""
    name, shape = builder.values[at].attrs[0], builder.shape(at)
    places = {"param": at}
    for state in optimizer.states:
        places[state] = builder.put("state", (), shape, f"{state}:{name}")
    found = []
    if decay:
        keep = builder.scalar("keep")
        found.append(_Pending("scale", at, (keep,), {}, in_place=True))
    for micro in optimizer.steps:
        out = places[micro.target]
        if micro.op == "acc" and inline:
            value = builder.values[grad]
            attrs = _attrs(value.op, value.attrs) | {"alpha": micro.alpha, "beta": micro.beta}
            found.append(_Pending(value.op, out, value.args, attrs, in_place=True))
        elif micro.op == "acc":
            attrs = {"alpha": micro.alpha, "beta": micro.beta}
            found.append(_Pending("axpby", out, (grad,), attrs, in_place=True))
        elif micro.op == "adam":
            args = (places["m"], places["v"], grad, builder.scalar("rate"), builder.scalar("epsilon"))
            attrs = {"beta1": micro.alpha, "beta2": micro.beta}
            found.append(_Pending("adam", out, args, attrs, in_place=True))
        else:
            attrs = {"alpha": micro.alpha, "beta": 1.0}
            found.append(_Pending("axpby", out, (places[micro.source],), attrs, in_place=True))
    return found


def _attrs(op: str, attrs: tuple[Any, ...]) -> dict[str, Any]:
    if op == "matmul":
        return {"left_t": attrs[0], "right_t": attrs[1], "alpha": 1.0, "beta": 0.0}
    if op in ("sum", "amax"):
        return {"axes": attrs[0], "alpha": 1.0, "beta": 0.0}
    return {"axis": attrs[0]} if op in ("softmax", "log_softmax") else {}


def _fuse_bias(builder: Builder, values: list[int], uses: dict[int, int], kept: set[int]) -> dict[str, Any]:
    """Where a sum adds a row to a product that nothing else reads, the product starts from that row."""
    gone: set[int] = set()
    starts: dict[int, tuple[int, int]] = {}
    for at in values:
        value = builder.values[at]
        if value.op != "add":
            continue
        for product, row in (value.args, value.args[::-1]):
            fits = builder.values[product].op == "matmul" and builder.shape(product) == value.shape
            width = builder.shape(row)
            if fits and uses[product] == 1 and product not in kept and width in ((value.shape[1],), (1, value.shape[1])):
                gone.add(product)
                starts[at] = (product, row)
                break
    return {"gone": gone, "starts": starts}


def _value(builder: Builder, at: int, fused: dict[str, Any]) -> _Pending | None:
    value = builder.values[at]
    if at in fused["starts"]:
        product, row = fused["starts"][at]
        inner = builder.values[product]
        return _Pending("matmul", at, (*inner.args, row), _attrs("matmul", inner.attrs))
    if not value.args or value.op == "reshape":
        return None
    return _Pending(value.op, at, value.args, _attrs(value.op, value.attrs))


def _insert(builder: Builder, order: list[_Pending], block: list[_Pending], leaf: int) -> list[_Pending]:
    """The order with a block put as early as its operands and the readers of what it changes allow."""
    reads = {_root(builder, arg) for one in block for arg in one.args} | {_root(builder, leaf)}
    place = 0
    for index, one in enumerate(order):
        mine = {_root(builder, arg) for arg in one.args}
        if _root(builder, one.out) in reads or (block[0].in_place and _root(builder, leaf) in mine):
            place = index + 1
    return [*order[:place], *block, *order[place:]]


def _root(builder: Builder, at: int) -> int:
    """The value whose memory this one shows in another shape."""
    while builder.values[at].op == "reshape":
        at = builder.values[at].args[0]
    return at


def capacity(shape: Shape) -> int:
    """How many numbers a buffer for this shape has, its rows begun at multiples of `LANES`."""
    if len(shape) < 2 or shape[-1] == 1:
        return -(-math.prod(shape) // LANES) * LANES
    return math.prod(shape[:-1]) * (-(-shape[-1] // LANES) * LANES)


@dataclass(slots=True)
class _Plan:
    builder: Builder
    last: dict[int, int]
    sizes: list[int] = field(default_factory=list)
    free: list[int] = field(default_factory=list)
    held: dict[int, int] = field(default_factory=dict)

    def take(self, at: int) -> int:
        """A buffer for a value: the smallest free one that is large enough, else a new one."""
        wanted = capacity(self.builder.shape(at))
        fitting = [one for one in self.free if self.sizes[one] >= wanted]
        if fitting:
            best = min(fitting, key=lambda one: self.sizes[one])
            self.free.remove(best)
        else:
            best = len(self.sizes)
            self.sizes.append(wanted)
        self.held[at] = best
        return best

    def release(self, index: int, one: _Pending, keep: int = -1) -> None:
        """Give back the buffers of operands that are read here for the last time."""
        for arg in {_root(self.builder, arg) for arg in one.args}:
            if self.last.get(arg) == index and arg in self.held:
                buffer = self.held.pop(arg)
                if buffer != keep:
                    self.free.append(buffer)

    def ref(self, at: int) -> Ref:
        """Where a value lies."""
        value, root = self.builder.values[at], _root(self.builder, at)
        base = self.builder.values[root]
        if base.op == "const":
            return Ref("uniform", ("", base.attrs[0]), value.shape, value.shape)
        if base.op == "scalar":
            return Ref("uniform", base.attrs, value.shape, value.shape)
        if base.op in ("feed", "param", "state"):
            return Ref(base.op, base.attrs[0], value.shape, base.shape)
        return Ref("buffer", self.held[root], value.shape, base.shape)

    def dying(self, index: int, one: _Pending) -> int | None:
        """An operand of the same shape that nobody reads afterwards: the result may take its place."""
        if one.op not in _SAME_SHAPE_IN_PLACE:
            return None
        for arg in one.args:
            root = _root(self.builder, arg)
            same = self.builder.shape(arg) == self.builder.shape(one.out) == self.builder.shape(root)
            if same and self.last.get(root) == index and root in self.held:
                return root
        return None


def _planned(builder: Builder, order: list[_Pending], recorded: dict[str, int]) -> Program:
    last: dict[int, int] = {}
    for index, one in enumerate(order):
        for arg in one.args:
            last[_root(builder, arg)] = index
    plan = _Plan(builder, last)
    found = []
    for index, one in enumerate(order):
        args = tuple(plan.ref(arg) for arg in one.args)
        if one.op == "record":
            out = Ref("record", one.attrs["name"], builder.shape(one.out), builder.shape(one.out))
            plan.release(index, one)
        elif one.in_place:
            out = plan.ref(one.out)
            plan.release(index, one)
        else:
            dying = plan.dying(index, one)
            buffer = plan.held[dying] if dying is not None else plan.take(one.out)
            plan.release(index, one, buffer)
            plan.held[one.out] = buffer
            out = plan.ref(one.out)
        found.append(Instruction(one.op, out, args, one.attrs))
    return _program(builder, found, plan.sizes, recorded)


def _program(builder: Builder, found: list[Instruction], sizes: list[int], recorded: dict[str, int]) -> Program:
    leaves: dict[str, dict[str, Any]] = {"feed": {}, "param": {}, "state": {}}
    scalars: dict[str, None] = {}
    for one in found:
        for ref in (one.out, *one.args):
            if ref.kind in leaves:
                leaves[ref.kind][ref.key] = None
            elif ref.kind == "uniform" and ref.key[0]:
                scalars[ref.key[0]] = None
    shapes = {value.attrs[0]: value.shape for value in builder.values if value.op in leaves}
    named = {kind: {name: shapes[name] for name in names} for kind, names in leaves.items()}
    return Program(
        tuple(found),
        tuple(sizes),
        named["feed"],
        named["param"],
        named["state"],
        {name: builder.shape(at) for name, at in recorded.items()},
        tuple(scalars),
    )


__all__ = ["LANES", "UPDATES", "Instruction", "Program", "Ref", "Update", "capacity", "compile_program"]
