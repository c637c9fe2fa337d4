"""Vector-Jacobian products of terms: what a definition sends back to each name in it, in names alone.

With the adjoint G of a term y, denominator layout: each result has the shape of what it is sent to. The rules are in
`_RULES` and `_CALLS`; sources: Giles, "Collected matrix derivative results" (2008); Petersen and Pedersen, "The Matrix
Cookbook" (2012).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expand import expand
from gradcheck_cli.graph import Node
from gradcheck_cli.symbolic.reading import read, written
from gradcheck_cli.symbolic.scalars import local_derivatives
from gradcheck_cli.symbolic.terms import UNIT, Term, is_zero

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from gradcheck_cli.shapes import Shape
    from gradcheck_cli.symbolic.algebra import Algebra

Sent = tuple[Term, Term]  # to which operand, what
_OWN = "(own)"
_MOST_IN_REGION = 60


def pullback(algebra: Algebra, definition: Term, upstream: Term, own: Term, wanted: frozenset[str]) -> dict[str, Term]:
    """What a definition sends back to each of the `wanted` names when `upstream` arrives at it.

    `own` is the name of what is defined: it stands for the definition's value in the results.
    Each contribution goes to a name, a constant, or is zero; nothing is lost on the way.
    """
    order = _order(definition, wanted)
    arrived: dict[Term, list[Term]] = {definition: [upstream]} if definition in order else {}
    sent: dict[str, list[Term]] = {name: [] for name in wanted}
    for term in order:
        adjoint = algebra.add(*arrived.pop(term, ()))
        if is_zero(adjoint):
            continue
        if term.op == "name":
            sent[term.attr].append(adjoint)
            continue
        value = own if term is definition else term
        for operand, part in _send(algebra, term, value, adjoint):
            if operand in order:
                assert part.shape == operand.shape, (term.op, term.attr)  # noqa: S101 - a rule that is wrong
                arrived.setdefault(operand, []).append(part)
    assert not arrived  # noqa: S101 - a contribution that reaches nobody is a silent zero
    return {
        name: algebra.add(*parts) if parts else algebra.zeros(algebra.name(name).shape) for name, parts in sent.items()
    }


def _order(definition: Term, wanted: frozenset[str]) -> dict[Term, None]:
    """The terms that depend on wanted names, each after everything that uses it."""
    depends: dict[Term, bool] = {}
    done: list[Term] = []
    stack = [(definition, False)]
    while stack:
        term, visited = stack.pop()
        if visited:
            depends[term] = (term.op == "name" and term.attr in wanted) or any(depends[arg] for arg in term.args)
            done.append(term)
        elif term not in depends:
            depends[term] = False
            stack.append((term, True))
            stack.extend((arg, False) for arg in term.args if arg not in depends)
    return {term: None for term in reversed(done) if depends[term]}


def _send(algebra: Algebra, term: Term, value: Term, adjoint: Term) -> Iterable[Sent]:
    if term.op == "call":
        rule = _CALLS.get(term.attr[0])
        if rule is None:
            message = f"{term.attr[0]}(…) is not differentiated"
            raise UnsupportedError(message, hint="write it with other functions")
        return rule(algebra, term, value, adjoint, dict(term.attr[1]))
    return _RULES[term.op](algebra, term, value, adjoint)


# -- sums and products


def _add(algebra: Algebra, term: Term, _value: Term, adjoint: Term) -> Iterator[Sent]:
    for arg in term.args:
        yield arg, algebra.sum_to(adjoint, arg.shape)


def _had(algebra: Algebra, term: Term, value: Term, adjoint: Term) -> Iterator[Sent]:
    """d(c·a^p·b)/da = c·p·a^(p-1)·b; of a lone root p·y/a, which has the name of y."""
    coefficient, powers = algebra.factors(term)
    for base, power in powers.items():
        if base.op == "ones":
            continue
        rest = {**powers, base: power - 1}
        slope = algebra.product(coefficient * power, rest, term.shape)
        if len(powers) == 1 and power.denominator != 1 and value is not term:
            slope = algebra.mul(algebra.num(power), value, algebra.power(base, -UNIT))
            if power * 2 == 1:
                slope = algebra.mul(algebra.num(coefficient**2 / 2), algebra.power(value, -UNIT))
        yield base, algebra.sum_to(algebra.mul(adjoint, slope), base.shape)


def _matmul(algebra: Algebra, term: Term, _value: Term, adjoint: Term) -> Iterator[Sent]:
    """Of A @ B: G @ B.T and A.T @ G; a factor amid a chain has the factors left and right of it."""
    for place, factor in enumerate(term.args):
        left, right = term.args[:place], term.args[place + 1 :]
        yield factor, _within(algebra, left, factor, right, adjoint)


def _within(algebra: Algebra, left: tuple[Term, ...], factor: Term, right: tuple[Term, ...], adjoint: Term) -> Term:
    """What goes to a factor of left @ factor @ right."""
    before = _chain(algebra, tuple(algebra.transpose(one) for one in reversed(left))) if left else None
    after = _chain(algebra, right) if right else None
    if factor.rank == 1:  # a vector stands at an end
        other = before if before is not None else after
        assert other is not None  # noqa: S101 - a chain has two factors
        return algebra.mul(other, adjoint) if not adjoint.rank else algebra.matmul(other, adjoint)
    start = None if before is None else before
    if not adjoint.rank:  # u @ M @ v: outer(M1.T @ u, M2 @ v)
        assert before is not None  # noqa: S101 - both ends are vectors
        assert after is not None  # noqa: S101 - both ends are vectors
        return algebra.mul(adjoint, algebra.call("outer", before, after))
    found = adjoint if start is None else algebra.matmul(start, adjoint)
    if after is None:
        return found
    if after.rank == 1:
        return algebra.call("outer", found, after)
    return algebra.matmul(found, algebra.transpose(after))


def _chain(algebra: Algebra, factors: tuple[Term, ...]) -> Term:
    found = factors[-1]
    for factor in reversed(factors[:-1]):
        found = algebra.matmul(factor, found)
    return found


def _transpose(algebra: Algebra, term: Term, _value: Term, adjoint: Term) -> Iterator[Sent]:
    yield term.args[0], algebra.transpose(adjoint)


# -- elementwise functions: each partial derivative is SymPy's


def _fn(algebra: Algebra, term: Term, value: Term, adjoint: Term) -> Iterator[Sent]:
    atoms = _atoms(term)
    letters = {atom: f"a{place}" for place, atom in enumerate(atoms)}
    node = Node(_OWN, written(algebra, _lettered(algebra, term, letters)))
    partials = local_derivatives(node, tuple(letters.values()))
    names = {letter: atom for atom, letter in letters.items()} | {_OWN: value}
    for atom, letter in letters.items():
        partial = read(algebra, expand(partials[letter]), names)
        yield atom, algebra.sum_to(algebra.mul(adjoint, partial), atom.shape)


def _atoms(term: Term) -> tuple[Term, ...]:
    """The operands of a function; of a branch everything below that is not entry by entry, so that it stays one."""
    if term.attr != "where":
        return tuple(dict.fromkeys(arg for arg in term.args if arg.op != "num"))
    found: dict[Term, None] = {}
    stack = list(reversed(term.args))
    while stack and len(found) < _MOST_IN_REGION:
        top = stack.pop()
        if top.op in ("fn", "add", "had"):
            stack.extend(reversed(top.args))
        elif top.op not in ("num", "ones"):
            found.setdefault(top)
    return tuple(found)


def _lettered(algebra: Algebra, term: Term, letters: Mapping[Term, str]) -> Term:
    """The term with scalar letters for its atoms."""
    if term in letters:
        return algebra.name(letters[term], ())
    args = [_lettered(algebra, arg, letters) for arg in term.args]
    match term.op:
        case "fn":
            return algebra.fn(term.attr, *args)
        case "add":
            return algebra.add(*args)
        case "had":
            powers = [algebra.power(arg, power) for arg, power in zip(args, term.attr[1], strict=True)]
            return algebra.mul(algebra.num(term.attr[0]), *powers)
        case "ones":
            return algebra.num(1)
    return term


# -- functions of arrays: (algebra, term, its value, adjoint, options)


def _sum(algebra: Algebra, term: Term, _value: Term, adjoint: Term, options: Mapping[str, int]) -> Iterator[Sent]:
    (inner,) = term.args
    yield inner, algebra.stretched(algebra.widened(adjoint, options.get("axis"), inner.shape), inner.shape)


def _prod(algebra: Algebra, term: Term, value: Term, adjoint: Term, options: Mapping[str, int]) -> Iterator[Sent]:
    """The product of the other entries, y/x."""
    (inner,) = term.args
    both = (algebra.widened(part, options.get("axis"), inner.shape) for part in (adjoint, value))
    yield inner, algebra.mul(*both, algebra.power(inner, -UNIT))


def _extreme(algebra: Algebra, term: Term, value: Term, adjoint: Term, options: Mapping[str, int]) -> Iterator[Sent]:
    """The adjoint at the entry that is the largest, or smallest."""
    (inner,) = term.args
    both = [algebra.widened(part, options.get("axis"), inner.shape) for part in (adjoint, value)]
    yield inner, algebra.mul(both[0], algebra.fn("eq", inner, both[1]))


def _logsumexp(algebra: Algebra, term: Term, value: Term, adjoint: Term, options: Mapping[str, int]) -> Iterator[Sent]:
    (inner,) = term.args
    axis = options.get("axis")
    if axis is None and inner.rank == 1:
        axis = 0
    if axis is None:
        slope = algebra.fn("exp", algebra.add(inner, algebra.negative(algebra.widened(value, None, inner.shape))))
    else:
        slope = algebra.call("softmax", inner, axis=axis)
    yield inner, algebra.mul(algebra.widened(adjoint, options.get("axis"), inner.shape), slope)


def _softmax(algebra: Algebra, term: Term, value: Term, adjoint: Term, options: Mapping[str, int]) -> Iterator[Sent]:
    """p*(G - sum(G*p)) along the axis."""
    axis = options["axis"]
    inner = algebra.sum(algebra.mul(adjoint, value), axis, keep=term.rank > 1 and axis > 0)
    mixed = inner if term.rank == 1 or axis == 0 else algebra.widened(inner, axis, term.shape)
    yield term.args[0], algebra.mul(value, algebra.add(adjoint, algebra.negative(mixed)))


def _outer(algebra: Algebra, term: Term, _value: Term, adjoint: Term, _options: Mapping[str, int]) -> Iterator[Sent]:
    left, right = term.args
    yield left, algebra.matmul(adjoint, right)
    yield right, algebra.matmul(algebra.transpose(adjoint), left)


def _det(algebra: Algebra, term: Term, value: Term, adjoint: Term, _options: Mapping[str, int]) -> Iterator[Sent]:
    """Cookbook (49): det(X) inv(X).T."""
    (inner,) = term.args
    yield inner, algebra.mul(adjoint, value, algebra.transpose(algebra.inv(inner)))


def _inv(algebra: Algebra, term: Term, value: Term, adjoint: Term, _options: Mapping[str, int]) -> Iterator[Sent]:
    """Cookbook (124): -Y.T @ G @ Y.T."""
    turned = algebra.transpose(value)
    yield term.args[0], algebra.negative(algebra.matmul(algebra.matmul(turned, adjoint), turned))


def _reshape(algebra: Algebra, term: Term, _value: Term, adjoint: Term, _options: Mapping[str, int]) -> Iterator[Sent]:
    yield term.args[0], algebra.reshape(adjoint, term.args[0].shape)


def _concat(algebra: Algebra, term: Term, _value: Term, adjoint: Term, options: Mapping[str, int]) -> Iterator[Sent]:
    axis = options.get("axis", 0)
    start = shapes.size(0)
    for arg in term.args:
        bounds = (algebra.size(start), algebra.size(arg.shape[axis]))
        yield arg, algebra.made("part", (adjoint, *bounds), arg.shape, axis=axis)
        start = start + arg.shape[axis]


def _part(algebra: Algebra, term: Term, _value: Term, adjoint: Term, options: Mapping[str, int]) -> Iterator[Sent]:
    """Zeros before and after."""
    inner, first, _ = term.args
    axis = options.get("axis", 0)
    start = algebra.sizes((first,))[0]
    end = inner.shape[axis] + -start + -term.shape[axis]
    parts = [adjoint]
    for place, missing in ((0, start), (len(parts) + 1, end)):
        if missing != shapes.size(0):
            hole = algebra.zeros((*term.shape[:axis], missing, *term.shape[axis + 1 :]))
            parts.insert(place, hole)
    yield inner, algebra.made("concat", tuple(parts), inner.shape, axis=axis) if len(parts) > 1 else adjoint


def _array(algebra: Algebra, term: Term, _value: Term, adjoint: Term, _options: Mapping[str, int]) -> Iterator[Sent]:
    for place, arg in enumerate(term.args):
        yield arg, algebra.made("entry", (adjoint, algebra.num(place)), arg.shape)


def _entry(algebra: Algebra, term: Term, _value: Term, adjoint: Term, _options: Mapping[str, int]) -> Iterator[Sent]:
    """The adjoint at the place of the entry, zeros elsewhere: onehot(i, n)*G."""
    base, *indices = term.args
    at = [_onehot(algebra, index, one) for index, one in zip(indices, base.shape, strict=False)]
    if len(at) == 1 and base.rank == 1:
        yield base, algebra.mul(adjoint, at[0])
    elif len(at) == 1 and base.rank == 2:
        yield base, algebra.call("outer", at[0], adjoint)
    elif len(at) == 2 and base.rank == 2:
        yield base, algebra.mul(adjoint, algebra.call("outer", *at))
    else:
        yield base, _unflattened(algebra, adjoint, indices, base.shape)


def _unflattened(algebra: Algebra, adjoint: Term, indices: list[Term], shape: Shape) -> Term:
    """The same for more than two axes: the axes that have an index are one, then those that have none."""
    front, rest = shape[: len(indices)], shape[len(indices) :]
    at = algebra.num(0)
    for index, one in zip(indices, front, strict=True):
        at = algebra.add(algebra.mul(at, algebra.size(one)), index)
    hot = _onehot(algebra, at, shapes.count(front))
    if not rest:
        return algebra.reshape(algebra.mul(adjoint, hot), shape)
    return algebra.reshape(algebra.call("outer", hot, algebra.reshape(adjoint, (shapes.count(rest),))), shape)


def _onehot(algebra: Algebra, index: Term, one: shapes.Size) -> Term:
    return algebra.ones((one,)) if one == shapes.ONE else algebra.made("onehot", (index, algebra.size(one)), (one,))


def _image(function: str) -> Callable[..., Iterator[Sent]]:
    """What conv2d and the pools send back is a function of its own: nothing shorter says it."""

    def rule(algebra: Algebra, term: Term, _value: Term, adjoint: Term, options: Mapping[str, int]) -> Iterator[Sent]:
        for place, arg in enumerate(term.args[: 2 if function == "conv2d" else 1]):
            name = f"vjp_{function}_{'xk'[place]}"
            yield arg, algebra.made(name, (adjoint, *term.args), arg.shape, **options)

    return rule


_RULES: dict[str, Callable[[Algebra, Term, Term, Term], Iterator[Sent]]] = {
    "add": _add,
    "had": _had,
    "matmul": _matmul,
    "transpose": _transpose,
    "fn": _fn,
}
_CALLS: dict[str, Callable[[Algebra, Term, Term, Term, Mapping[str, int]], Iterator[Sent]]] = {
    "sum": _sum,
    "prod": _prod,
    "amax": _extreme,
    "amin": _extreme,
    "logsumexp": _logsumexp,
    "softmax": _softmax,
    "outer": _outer,
    "det": _det,
    "inv": _inv,
    "reshape": _reshape,
    "concat": _concat,
    "part": _part,
    "array": _array,
    "entry": _entry,
    "conv2d": _image("conv2d"),
    "maxpool2d": _image("maxpool2d"),
    "avgpool2d": _image("avgpool2d"),
}
