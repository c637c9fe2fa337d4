"""Right rewrites and wrong changes of expressions of arrays, as rules on one place of a tree."""

from __future__ import annotations

import numpy as np
from array_calculus import add, call, div, mul, neg, turned
from array_numbers import NoValueError, value

from gradcheck_cli.expr import Call, Index, Name, Num, Sum, children, names, number, substitute, with_children

LETTERS = "ijklpqrstu"


def everywhere(expr, rule):
    """A rule applied wherever it has something to say, from the leaves up."""
    below = tuple(everywhere(child, rule) for child in children(expr))
    expr = with_children(expr, below) if below else expr
    found = rule(expr)
    return expr if found is None else found


def places(expr, rule):
    """The expression with a rule applied at one place, for each place and each thing the rule has to say."""
    for code, changed in rule(expr):
        yield code, changed
    if is_call(expr, "d", "upstream"):
        return
    below = children(expr)
    for at, child in enumerate(below):
        for code, changed in places(child, rule):
            yield code, with_children(expr, (*below[:at], changed, *below[at + 1 :]))


def is_call(expr, *functions):
    return isinstance(expr, Call) and expr.function in functions


# -- right rewrites


def reversed_transposes(expr):
    if is_call(expr, "matmul"):
        left, right = expr.args
        return turned(call("matmul", turned(right), turned(left)))
    return None


def regrouped(expr):
    if is_call(expr, "matmul") and is_call(expr.args[0], "matmul"):
        return call("matmul", expr.args[0].args[0], call("matmul", expr.args[0].args[1], expr.args[1]))
    return None


def distributed(expr):
    if is_call(expr, "matmul", "mul") and len(expr.args) == 2:
        for at, arg in enumerate(expr.args):
            if is_call(arg, "add"):
                put = [lambda term: (term, expr.args[1]), lambda term: (expr.args[0], term)][at]
                return add(*(signed(expr.function, put(term)) for term in arg.args))
    if is_call(expr, "transpose", "sum") and is_call(expr.args[0], "add"):
        return add(*(over(expr, term) for term in expr.args[0].args))
    if is_call(expr, "div") and is_call(expr.args[0], "add"):
        return add(*(div(term, expr.args[1]) for term in expr.args[0].args))
    return None


def over(expr, term):
    if is_call(term, "neg"):
        return neg(with_children(expr, (term.args[0], *children(expr)[1:])))
    return with_children(expr, (term, *children(expr)[1:]))


def signed(function, args):
    minus = sum(is_call(arg, "neg") for arg in args)
    bare = [arg.args[0] if is_call(arg, "neg") else arg for arg in args]
    found = mul(*bare) if function == "mul" else call(function, *bare)
    return neg(found) if minus % 2 else found


def commuted(expr):
    return Call("mul", expr.args[::-1]) if is_call(expr, "mul") else None


def moved_division(expr):
    """`A @ (B/m)` for `(A @ B)/m`."""
    if is_call(expr, "div") and is_call(expr.args[0], "matmul", "outer"):
        left, right = expr.args[0].args
        return call(expr.args[0].function, left, div(right, expr.args[1]))
    return None


def front_division(expr):
    """`1/m*A` for `A/m`."""
    return (
        mul(div(number(1), expr.args[1]), expr.args[0]) if is_call(expr, "div") and expr.args[0] != number(1) else None
    )


def squares(expr):
    if is_call(expr, "pow") and expr.args[1] == number(2):
        return call("mul", expr.args[0], expr.args[0])
    return None


def means(expr):
    """`mean(x, axis=0)` for `sum(x, axis=0)/m`; kept only where that holds."""
    if is_call(expr, "div") and is_call(expr.args[0], "sum"):
        return Call("mean", expr.args[0].args, expr.args[0].options)
    return None


def flipped(expr):
    """`-(y - p)` for `p - y`."""
    if is_call(expr, "add") and len(expr.args) == 2 and is_call(expr.args[1], "neg"):
        return neg(add(expr.args[1].args[0], neg(expr.args[0])))
    return None


def spelled_out(problem):
    """Activations by what they are of: `sigmoid(z)` for `h`."""
    shown = {
        node.name: node.expr for node in problem.graph.nodes if is_call(node.expr, "sigmoid", "tanh", "softmax", "exp")
    }
    return lambda expr: shown.get(expr.id) if isinstance(expr, Name) else None


def diagonals(rank_of):
    """`diag(v) @ x` for the product of two vectors entry by entry."""

    def rule(expr):
        if is_call(expr, "mul") and len(expr.args) == 2 and all(rank_of(arg) == 1 for arg in expr.args):
            return call("matmul", call("diag", expr.args[0]), expr.args[1])
        return None

    return rule


def rewrites(problem, expr, rank_of):
    rules = {
        "transposes reversed": reversed_transposes,
        "regrouped": regrouped,
        "expanded": distributed,
        "commuted": commuted,
        "division inside": moved_division,
        "division in front": front_division,
        "squares": squares,
        "means": means,
        "turned around": flipped,
        "spelled out": spelled_out(problem),
        "diagonal": diagonals(rank_of),
    }
    for name, rule in rules.items():
        found = everywhere(expr, rule)
        if found != expr:
            yield name, found


# -- wrong changes


def wrong_changes(rank_of, is_size, beside):
    """One slip at one place: (code, changed). `beside` has the neighbours of the same shape, with what a slip to them is."""

    def rule(expr):
        if isinstance(expr, Name):
            yield from ((code, Name(other)) for other, code in beside.get(expr.id, ()))
        if not isinstance(expr, Call):
            return
        ranks = [rank_of(arg) for arg in expr.args]
        if expr.function == "matmul":
            yield from of_product(expr, ranks)
        elif expr.function == "outer":
            yield "transpose", call("outer", *expr.args[::-1])
        elif expr.function in ("sum", "mean") and expr.options:
            yield "shape", expr.args[0]
            yield "constant", Call({"sum": "mean", "mean": "sum"}[expr.function], expr.args, expr.options)
        elif expr.function == "add":
            yield from (("sign", with_one(expr, at, neg(term))) for at, term in enumerate(expr.args))
        else:
            yield from of_entries(expr, rank_of, is_size)

    return rule


def of_entries(expr, rank_of, is_size):
    """What goes wrong entry by entry."""
    if expr.function == "neg":
        yield "sign", expr.args[0]
    elif expr.function == "div" and expr.args[0] != number(1):
        yield ("constant" if is_size(expr.args[1]) else "missing-factor"), expr.args[0]
    elif expr.function == "mul":
        yield from of_factors(expr, rank_of, is_size)


def with_one(expr, at, new):
    return with_children(expr, (*expr.args[:at], new, *expr.args[at + 1 :]))


def of_product(expr, ranks):
    for at, rank in enumerate(ranks):
        if rank == 2:
            yield "transpose", with_one(expr, at, turned(expr.args[at]))
    if ranks == [2, 2]:
        yield "transpose", call("matmul", *expr.args[::-1])
        yield "shape", call("mul", *expr.args)


def of_factors(expr, rank_of, is_size):
    """A factor forgotten, where what is left has as many axes; one written twice."""
    for at, factor in enumerate(expr.args):
        rest = mul(*(other for place, other in enumerate(expr.args) if place != at))
        if rank_of(rest) == rank_of(expr) and not (rank_of(rest) == 0 and is_size(rest)):
            yield ("constant" if is_size(factor) else "missing-factor"), rest
        if not is_size(factor):
            yield "extra-factor", mul(*expr.args, factor)


# -- entries


class Entries:
    """An expression at index letters, with sums over letters for products and sums of arrays."""

    def __init__(self, env, taken):
        self.env = env
        self.free = [letter for letter in LETTERS if letter not in taken]
        self.ranges = {}

    def shape(self, expr):
        return np.shape(value(expr, self.env))

    def letter(self, size):
        found = self.free[len(self.ranges)]
        self.ranges["range " + found] = size
        return Name(found)

    def of(self, expr, at):
        """The entry at these index expressions."""
        shape = self.shape(expr)
        if isinstance(expr, Name):
            return Index(expr, at) if at else expr
        if is_call(expr, "d", "upstream"):
            return Index(expr, at) if at else expr
        if isinstance(expr, Num) or (isinstance(expr, Call) and not shape and not has_arrays(expr, self)):
            return expr
        if not isinstance(expr, Call) or (expr.options and expr.function != "sum"):
            raise NoValueError
        rule = getattr(self, "of_" + expr.function, None)
        if rule is not None:
            return rule(expr, at)
        if expr.function not in (
            "add",
            "mul",
            "neg",
            "div",
            "pow",
            "exp",
            "log",
            "sigmoid",
            "tanh",
            "step",
            "relu",
            "sqrt",
            "abs",
            "sign",
            "where",
            "gt",
            "le",
        ):
            raise NoValueError
        return Call(expr.function, tuple(self.of(arg, self.narrowed(arg, at)) for arg in expr.args))

    def narrowed(self, arg, at):
        """The index of an operand that is broadcast."""
        shape = self.shape(arg)
        kept = at[len(at) - len(shape) :]
        return tuple(number(0) if size == 1 else one for size, one in zip(shape, kept, strict=True))

    def of_transpose(self, expr, at):
        return self.of(expr.args[0], at[::-1])

    def of_outer(self, expr, at):
        return mul(self.of(expr.args[0], at[:1]), self.of(expr.args[1], at[1:]))

    def of_matmul(self, expr, at):
        left, right = expr.args
        rows = len(self.shape(left)) - 1
        size = self.shape(left)[-1]
        if size == 1:
            zero = number(0)
            return mul(self.of(left, (*at[:rows], zero)), self.of(right, (zero, *at[rows:])))
        over = self.letter(size)
        return Sum(mul(self.of(left, (*at[:rows], over)), self.of(right, (over, *at[rows:]))), over.id)

    def of_sum(self, expr, at):
        arg, options = expr.args[0], {key: int(one.value) for key, one in expr.options}
        shape = self.shape(arg)
        if "axis" not in options:
            over = [self.letter(size) for size in shape]
            found = self.of(arg, tuple(over))
        else:
            axis = options["axis"]
            over = [self.letter(shape[axis])]
            rest = tuple(one for place, one in enumerate(at) if place != axis) if options.get("keepdims") else at
            found = self.of(arg, (*rest[:axis], over[0], *rest[axis:]))
        for one in over:
            found = Sum(found, one.id)
        return found


def has_arrays(expr, entries):
    return any(entries.shape(Name(name)) for name in names(expr) if name in entries.env)


def exchanged(expr, first, second):
    return substitute(expr, {first: Name(second), second: Name(first)})
