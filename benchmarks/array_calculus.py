"""Derivatives of expressions of arrays as expressions: rules of matrix calculus in denominator layout, edge by edge."""

from __future__ import annotations

import numpy as np
from array_numbers import options_of, value

from gradcheck_cli.expr import Call, Name, number, walk

ONE = number(1)
# -- expressions


def call(function, *args, **options):
    return Call(function, args, tuple((key, number(value)) for key, value in options.items()))


def mul(*parts):
    flat = [
        one for part in parts for one in (part.args if isinstance(part, Call) and part.function == "mul" else [part])
    ]
    signs = sum(isinstance(part, Call) and part.function == "neg" for part in flat)
    kept = [part.args[0] if isinstance(part, Call) and part.function == "neg" else part for part in flat]
    kept = [part for part in kept if part != ONE]
    found = call("mul", *kept) if len(kept) > 1 else kept[0] if kept else ONE
    return neg(found) if signs % 2 else found


def add(*parts):
    flat = [
        one for part in parts for one in (part.args if isinstance(part, Call) and part.function == "add" else [part])
    ]
    return call("add", *flat) if len(flat) > 1 else flat[0]


def neg(expr):
    return expr.args[0] if isinstance(expr, Call) and expr.function == "neg" else call("neg", expr)


def div(top, bottom):
    if isinstance(top, Call) and top.function == "neg":
        return neg(div(top.args[0], bottom))
    return call("div", top, bottom)


def turned(expr):
    return expr.args[0] if isinstance(expr, Call) and expr.function == "transpose" else call("transpose", expr)


def less(left, right):
    return add(left, neg(right))


def square(expr):
    return call("pow", expr, number(2))


# -- derivatives


class Calculus:
    """What an edge sends back, as an expression: `back(expr, arrives)` gives (name, expression) for every occurrence."""

    def __init__(self, problem, env):
        self.problem = problem
        self.env = env
        every = {one for shape in problem.graph.shapes.values() for one in shape}
        sizes = {letter: int(env[letter]) for letter, _ in problem.graph.dims}
        self.letters = {one.at(sizes): one.expr() for one in sorted(every, key=str, reverse=True)}

    def shape(self, expr):
        return np.shape(value(expr, self.env))

    def size(self, count):
        return self.letters.get(count, number(count))

    def spread(self, expr, shape):
        """The expression in full shape."""
        return expr if self.shape(expr) == shape else mul(expr, call("ones", *(self.size(one) for one in shape)))

    def gathered(self, expr, shape):
        """Summed over what was broadcast."""
        have = self.shape(expr)
        if have == shape or len(have) < len(shape):
            return expr
        if not shape:
            return call("sum", expr)
        if len(have) > len(shape):
            return self.gathered(call("sum", expr, axis=0), shape)
        axis = next((at for at, (one, two) in enumerate(zip(have, shape, strict=True)) if two == 1 != one), None)
        return expr if axis is None else self.gathered(call("sum", expr, axis=axis, keepdims=1), shape)

    def back(self, expr, arrives, own=None):
        """Contributions to the names in an expression; `own` is the name of its value."""
        if isinstance(expr, Name):
            yield expr.id, self.gathered(self.spread(arrives, self.shape(expr)), self.shape(expr))
        if not isinstance(expr, Call):
            return
        rule = getattr(self, "of_" + expr.function, None)
        if rule is not None:
            sent = rule(expr, arrives, own or expr)
        else:
            sent = [(expr.args[0], mul(arrives, SLOPES[expr.function](expr.args[0], own or expr)))]
        whole = self.shape(expr)
        for arg, back in sent:
            if any(isinstance(part, Name) and part.id in self.problem.graph.by_name for part in walk(arg)):
                target = self.shape(arg)
                if target != whole and expr.function in ("add", "mul", "div", "pow"):
                    back = self.gathered(self.spread(back, whole), target)  # noqa: PLW2901
                yield from self.back(arg, back)

    def of_add(self, expr, arrives, _):
        return [(arg, arrives) for arg in expr.args]

    def of_neg(self, expr, arrives, _):
        return [(expr.args[0], neg(arrives))]

    def of_mul(self, expr, arrives, _):
        return [
            (arg, mul(arrives, *(other for place, other in enumerate(expr.args) if place != at)))
            for at, arg in enumerate(expr.args)
        ]

    def of_div(self, expr, arrives, own):
        top, bottom = expr.args
        return [(top, div(arrives, bottom)), (bottom, neg(div(mul(arrives, own), bottom)))]

    def of_pow(self, expr, arrives, own):
        base, power = expr.args
        if power == number(2):
            return [(base, mul(number(2), arrives, base))]
        return [
            (base, mul(power, arrives, call("pow", base, less(power, ONE)))),
            (power, mul(arrives, own, call("log", base))),
        ]

    def of_matmul(self, expr, arrives, _):
        left, right = expr.args
        ranks = len(self.shape(left)), len(self.shape(right))
        arrives = self.spread(arrives, self.shape(expr))
        if ranks == (1, 1):
            return [(left, mul(arrives, right)), (right, mul(arrives, left))]
        if ranks == (2, 1):
            return [(left, call("outer", arrives, right)), (right, call("matmul", turned(left), arrives))]
        if ranks == (1, 2):
            return [(left, call("matmul", right, arrives)), (right, call("outer", left, arrives))]
        return [(left, call("matmul", arrives, turned(right))), (right, call("matmul", turned(left), arrives))]

    def of_transpose(self, expr, arrives, _):
        return [(expr.args[0], turned(arrives))]

    def of_sum(self, expr, arrives, _):
        return [(expr.args[0], arrives)]

    def of_mean(self, expr, arrives, own):
        ((arg, back),) = self.of_sum(expr, arrives, own)
        shape = self.shape(arg)
        axis = options_of(expr)["axis"]
        count = [self.size(one) for one in shape] if axis is None else [self.size(shape[axis])]
        return [(arg, div(back, mul(*count)))]

    def of_var(self, expr, arrives, _):
        arg = expr.args[0]
        count = self.size(self.shape(arg)[options_of(expr)["axis"]])
        mean = Call("mean", expr.args, expr.options)
        return [(arg, div(mul(number(2), arrives, less(arg, mean)), count))]

    def of_where(self, expr, arrives, _):
        test, yes, no = expr.args
        return [(yes, call("where", test, arrives, number(0))), (no, call("where", test, number(0), arrives))]

    def of_softmax(self, expr, arrives, own):
        weighted = mul(own, arrives)
        last = len(self.shape(expr)) - 1
        total = call("sum", weighted, axis=last, keepdims=1) if last else call("sum", weighted)
        return [(expr.args[0], mul(own, less(arrives, total)))]

    def of_norm(self, expr, arrives, own):
        return [(expr.args[0], mul(arrives, div(expr.args[0], own)))]

    def of_det(self, expr, arrives, own):
        return [(expr.args[0], mul(arrives, own, turned(call("inv", expr.args[0]))))]

    def of_logdet(self, expr, arrives, _):
        return [(expr.args[0], mul(arrives, turned(call("inv", expr.args[0]))))]

    def of_inv(self, expr, arrives, own):
        return [(expr.args[0], neg(call("matmul", call("matmul", turned(own), arrives), turned(own))))]

    def of_trace(self, expr, arrives, _):
        size = self.size(self.shape(expr.args[0])[0])
        return [(expr.args[0], mul(arrives, call("eye", size)))]

    def of_bce(self, expr, arrives, _):
        guess, label = expr.args
        count = mul(*(self.size(one) for one in self.shape(guess)))
        slope = less(div(less(ONE, label), less(ONE, guess)), div(label, guess))
        odds = less(call("log", less(ONE, guess)), call("log", guess))
        return [(guess, div(mul(arrives, slope), count)), (label, div(mul(arrives, odds), count))]

    def of_cross_entropy(self, expr, arrives, _):
        guess, label = expr.args
        count = self.size(self.shape(guess)[0]) if len(self.shape(guess)) > 1 else ONE
        by_label = neg(div(mul(arrives, call("log", guess)), count))
        return [(guess, neg(div(mul(arrives, div(label, guess)), count))), (label, by_label)]

    def of_concat(self, expr, arrives, _):
        found, start = [], number(0)
        for arg in expr.args:
            size = self.size(self.shape(arg)[1])
            found.append((arg, call("part", arrives, start, size, axis=1)))
            start = size if start == number(0) else add(start, size)
        return found


SLOPES = {
    "exp": lambda _, own: own,
    "log": lambda x, _: div(ONE, x),
    "sqrt": lambda _, own: div(ONE, mul(number(2), own)),
    "abs": lambda x, _: call("sign", x),
    "sigmoid": lambda _, own: mul(own, less(ONE, own)),
    "tanh": lambda _, own: less(ONE, square(own)),
    "relu": lambda x, _: call("step", x),
}
