"""From a graph to a flat program: forward values, adjoints, updates in place, in an order that keeps little alive.

The gradient is linear in the output's adjoint, so a rate is put there once and every gradient arrives multiplied by it:
`W -= A.T @ G` is then one product that accumulates, and no gradient of W is ever stored.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gradcheck_cli.train.programs.adjoints import adjoints
from gradcheck_cli.train.programs.planning import Pending, planned, root
from gradcheck_cli.train.programs.trace import trace

if TYPE_CHECKING:
    from gradcheck_cli.graph import Graph
    from gradcheck_cli.train.programs.ir import Builder
    from gradcheck_cli.train.programs.program import Program
    from gradcheck_cli.train.programs.updates import Update

LOGITS = "logits of the loss"


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
    return planned(builder, pending, recorded)


def compile_point(graph: Graph) -> Program:
    """The program of a graph's values and of the output's derivatives by all of them: records `name` and `d:name`."""
    traced = trace(graph, named=True)
    builder, names = traced.builder, traced.names
    found = adjoints(builder, names[graph.output], builder.const(1), set(names.values()))
    recorded = {node.name: names[node.name] for node in graph.nodes}
    zero = builder.const(0)
    recorded |= {f"d:{name}": found.get(at, zero) for name, at in names.items()}
    return planned(builder, _order(builder, recorded, {}, {}, None, decay=False), recorded)


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


def _order(
    builder: Builder,
    recorded: dict[str, int],
    params: dict[str, int],
    gradients: dict[int, int],
    optimizer: Update | None,
    decay: bool,  # noqa: FBT001
) -> list[Pending]:
    """Values in order of their numbers, and each parameter's update as soon as nothing reads the old one."""
    blocks: list[tuple[int, list[Pending]]] = []
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
        order = _insert(builder, order, [Pending("record", at, (at,), {"name": name})], at)
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


def _update(builder: Builder, at: int, grad: int, optimizer: Update, *, inline: bool, decay: bool) -> list[Pending]:
    """The instructions that change one parameter; `acc` is target = beta*target + alpha*gradient."""
    name, shape = builder.values[at].attrs[0], builder.shape(at)
    places = {"param": at}
    for state in optimizer.states:
        places[state] = builder.put("state", (), shape, f"{state}:{name}")
    found = []
    if decay:
        keep = builder.scalar("keep")
        found.append(Pending("scale", at, (keep,), {}, in_place=True))
    for micro in optimizer.steps:
        out = places[micro.target]
        if micro.op == "acc" and inline:
            value = builder.values[grad]
            attrs = _attrs(value.op, value.attrs) | {"alpha": micro.alpha, "beta": micro.beta}
            found.append(Pending(value.op, out, value.args, attrs, in_place=True))
        elif micro.op == "acc":
            attrs = {"alpha": micro.alpha, "beta": micro.beta}
            found.append(Pending("axpby", out, (grad,), attrs, in_place=True))
        elif micro.op == "adam":
            args = (places["m"], places["v"], grad, builder.scalar("rate"), builder.scalar("epsilon"))
            attrs = {"beta1": micro.alpha, "beta2": micro.beta}
            found.append(Pending("adam", out, args, attrs, in_place=True))
        else:
            attrs = {"alpha": micro.alpha, "beta": 1.0}
            found.append(Pending("axpby", out, (places[micro.source],), attrs, in_place=True))
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
            if (
                fits
                and uses[product] == 1
                and product not in kept
                and width in ((value.shape[1],), (1, value.shape[1]))
            ):
                gone.add(product)
                starts[at] = (product, row)
                break
    return {"gone": gone, "starts": starts}


def _value(builder: Builder, at: int, fused: dict[str, Any]) -> Pending | None:
    value = builder.values[at]
    if at in fused["starts"]:
        product, row = fused["starts"][at]
        inner = builder.values[product]
        return Pending("matmul", at, (*inner.args, row), _attrs("matmul", inner.attrs))
    if not value.args or value.op == "reshape":
        return None
    return Pending(value.op, at, value.args, _attrs(value.op, value.attrs))


def _insert(builder: Builder, order: list[Pending], block: list[Pending], leaf: int) -> list[Pending]:
    """The order with a block put as early as its operands and the readers of what it changes allow."""
    reads = {root(builder, arg) for one in block for arg in one.args} | {root(builder, leaf)}
    place = 0
    for index, one in enumerate(order):
        mine = {root(builder, arg) for arg in one.args}
        if root(builder, one.out) in reads or (block[0].in_place and root(builder, leaf) in mine):
            place = index + 1
    return [*order[:place], *block, *order[place:]]
