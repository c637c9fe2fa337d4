"""Values of expressions with guaranteed error: exact where the data is rational, balls (`arb`) elsewhere.

An expression is flattened once into a `Plan`, in which equal parts are one slot; the plan is run at as many points
as are wanted. Inside a run a number is an `fmpq` or an `arb`; a `Fraction` goes in and comes out.
None is a value too: not defined at this point, or not to be told at this precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from flint import arb, ctx, fmpq, fmpz

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expand import kinks
from gradcheck_cli.expr import Call, Expr, Name, Num, children, substitute
from gradcheck_cli.functions import FUNCTIONS
from gradcheck_cli.symbolic.balls import (
    ABSORBING,
    CHOOSING,
    FEWEST_BITS,
    MOST_BITS,
    RULES,
    Inner,
    bounded,
    sign_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = [
    "RULES",
    "Inner",
    "Plan",
    "Value",
    "digits",
    "evaluate",
    "exactly",
    "inner",
    "interval",
    "outer",
    "plan",
    "sign_of",
    "to_float",
]

Value = Fraction | arb | None

_WORK_BITS = 400_000  # spread over the steps of a plan, so that a long one keeps smaller exact numbers
_LARGEST_POWER = 20_000  # of two, of a bound or a decimal that is written out


@dataclass(frozen=True, slots=True)
class Plan:
    """Expressions as steps over numbered slots; two equal parts are one slot.

    `literals`  slot -> number      `names`  slot -> name
    `steps`     (slot, function, slots of its arguments), arguments before their users
    `outputs`   the slots of the expressions, in the order given
    `kinks`     slots whose sign says on which branch a function is
    """

    count: int
    literals: tuple[tuple[int, Inner], ...]
    names: tuple[tuple[int, str], ...]
    steps: tuple[tuple[int, str, tuple[int, ...]], ...]
    outputs: tuple[int, ...]
    kinks: tuple[int, ...]

    def names_below(self, slot: int) -> frozenset[str]:
        """The names that a slot depends on."""
        sources = {step: arguments for step, _, arguments in self.steps}
        reached, waiting = {slot}, [slot]
        while waiting:
            new = [argument for argument in sources.get(waiting.pop(), ()) if argument not in reached]
            reached.update(new)
            waiting.extend(new)
        return frozenset(name for place, name in self.names if place in reached)

    def run(self, env: Mapping[str, Inner], bits: int, *, absorb: bool = True) -> list[Inner]:
        """The value of every slot at a precision of `bits`; with `absorb` 0 times an undefined factor is 0.

        Raises UnsupportedError for a name that `env` does not have.
        """
        return self.run_through(env, bits, absorb=absorb)[0]

    def run_through(self, env: Mapping[str, Inner], bits: int, *, absorb: bool = True) -> tuple[list[Inner], bool]:
        """As `run`; and whether every slot has a value, so that nothing was there to absorb."""
        values: list[Inner] = [None] * self.count
        for slot, literal in self.literals:
            values[slot] = literal
        all_defined = True
        for slot, name in self.names:
            try:
                value = env[name]
            except KeyError:
                message = f'"{name}" has no value here'
                raise UnsupportedError(message) from None
            if value.__class__ is Fraction:
                value = inner(value)
            values[slot] = value
            if value is None:
                all_defined = False
        most = min(MOST_BITS, max(FEWEST_BITS, _WORK_BITS // (len(self.steps) + 1)))
        lenient = ABSORBING if absorb else CHOOSING
        with ctx.workprec(bits):
            for slot, function, arguments in self.steps:
                operands = [values[argument] for argument in arguments]
                if not (all_defined or function in lenient) and any(operand is None for operand in operands):
                    continue
                value = RULES[function](*operands)
                if isinstance(value, fmpq):
                    values[slot] = bounded(value, most)
                elif value is None or not value.is_finite():
                    all_defined = False
                else:
                    values[slot] = value
        return values, all_defined


def exactly(number: Num) -> Inner:
    """A typed number as it stands."""
    return fmpq(number.value.numerator, number.value.denominator)


def plan(expressions: Iterable[Expr], literal: Callable[[Num], Inner] = exactly) -> Plan:
    """The steps of expanded expressions, in time linear in their size, shared parts counted once.

    Raises UnsupportedError for an operation without a rule.
    """
    builder = _Builder(literal)
    outputs = tuple(builder.slot(expr) for expr in expressions)
    kink_slots = builder.kinks()
    return Plan(
        len(builder.slots),
        tuple(builder.literals),
        tuple(builder.names),
        tuple(builder.steps),
        outputs,
        kink_slots,
    )


class _Builder:
    """Numbers the parts of expressions; `seen` knows the objects already numbered, `slots` their forms."""

    def __init__(self, literal: Callable[[Num], Inner]) -> None:
        self.literal = literal
        self.slots: dict[tuple[Any, ...], int] = {}
        self.seen: dict[int, int] = {}
        self.alive: list[Expr] = []
        self.bending: list[Call] = []
        self.literals: list[tuple[int, Inner]] = []
        self.names: list[tuple[int, str]] = []
        self.steps: list[tuple[int, str, tuple[int, ...]]] = []

    def slot(self, expr: Expr) -> int:
        """The number of an expression; walks in a loop, since chains can be deep."""
        seen, stack = self.seen, [expr]
        while stack:
            top = stack[-1]
            if id(top) in seen:
                stack.pop()
                continue
            waiting = [child for child in children(top) if id(child) not in seen]
            if waiting:
                stack.extend(reversed(waiting))
                continue
            stack.pop()
            seen[id(top)] = self.number(top)
            self.alive.append(top)
        return seen[id(expr)]

    def number(self, expr: Expr) -> int:
        new = len(self.slots)
        match expr:
            case Name():
                found = self.slots.setdefault((expr.id,), new)
                if found == new:
                    self.names.append((new, expr.id))
            case Num():
                text = "" if self.literal is exactly else expr.text
                found = self.slots.setdefault((expr.value.numerator, expr.value.denominator, text), new)
                if found == new:
                    self.literals.append((new, self.literal(expr)))
            case Call() if expr.function in RULES and not expr.options:
                seen = self.seen
                arguments = tuple([seen[id(child)] for child in expr.args])
                found = self.slots.setdefault((expr.function, arguments), new)
                if found == new:
                    self.steps.append((new, expr.function, arguments))
                    if FUNCTIONS[expr.function].kinks:
                        self.bending.append(expr)
            case _:
                what = expr.function if isinstance(expr, Call) else type(expr).__name__.lower()
                message = f'"{what}" has no scalar value'
                raise UnsupportedError(message, span=expr.span)
        return found

    def kinks(self) -> tuple[int, ...]:
        found: dict[int, None] = {}
        for call in tuple(self.bending):
            actual = dict(zip(FUNCTIONS[call.function].params, call.args, strict=False))
            for kink in kinks(call.function):
                found.setdefault(self.slot(substitute(kink, actual)))
        return tuple(found)


# -- one expression, and what is told of its value


def inner(value: Inner | Value) -> Inner:
    """A number as a run has it."""
    if isinstance(value, arb | fmpq):  # asked first: Fraction is an abstract class's child, and slow to ask about
        return value
    return fmpq(value.numerator, value.denominator) if isinstance(value, Fraction) else value


def outer(value: Inner) -> Value:
    """A number as everybody else has it."""
    return Fraction(int(value.p), int(value.q)) if isinstance(value, fmpq) else value


def evaluate(expr: Expr, env: Mapping[str, Value], bits: int) -> Value:
    """The value of an expanded expression: exact, a ball computed with `bits` bits, or None where undefined.

    Raises UnsupportedError for an operation without a rule and a name without a value.
    """
    steps = plan((expr,))
    return outer(steps.run(env, bits)[steps.outputs[0]])


def to_float(value: Value) -> float:
    """The nearest double, or the middle of the ball; nan where undefined, inf where too large."""
    if value is None:
        return float("nan")
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def interval(value: Value) -> tuple[Fraction, Fraction] | None:
    """Exact lower and upper bounds; None where undefined, or above 2^20000 and not to be written out."""
    if value is None or isinstance(value, Fraction):
        return None if value is None else (value, value)
    middle, radius = _dyadic(value.mid()), _dyadic(value.rad())
    if middle is None or radius is None:
        return None
    slack = middle[1] + radius[1]
    return middle[0] - radius[0] - slack, middle[0] + radius[0] + slack


def _dyadic(x: arb) -> tuple[Fraction, Fraction] | None:
    """An exact float as (fraction, bound of what was left out)."""
    mantissa, exponent = (int(part) for part in x.man_exp())
    size = mantissa.bit_length() + exponent
    if size > _LARGEST_POWER:
        return None
    if exponent < -2 * _LARGEST_POWER:
        return Fraction(0), Fraction(1, 2**_LARGEST_POWER) if mantissa else Fraction(0)
    return Fraction(mantissa) * Fraction(2) ** exponent, Fraction(0)


def digits(value: Value, count: int) -> str | None:
    """The value rounded to `count` significant digits, ties away from zero; None where the ball is too wide.

    Written with an exponent where it is below 1e-5 or has more digits before the point than `count`.
    """
    bounds = interval(value)
    if bounds is None:
        return None
    low, high = (_rounded(bound, count) for bound in bounds)
    return low if low == high else None


def _rounded(value: Fraction, count: int) -> str:
    if not value:
        return "0"
    sign, value = "-" if value < 0 else "", abs(value)
    power = _magnitude(value)
    scaled = value / Fraction(10) ** (power - count + 1)
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    if whole == 10**count:
        whole, power = 10 ** (count - 1), power + 1
    text = _decimal(whole)
    if not -5 <= power < count:
        return f"{sign}{text[0]}{'.' if count > 1 else ''}{text[1:]}e{power}"
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{text}"
    point = power + 1
    return f"{sign}{text[:point]}{'.' if point < count else ''}{text[point:]}"


def _decimal(whole: int) -> str:
    return fmpz(whole).str()


def _magnitude(value: Fraction) -> int:
    """The power p with 10^p <= value < 10^(p + 1), for a positive value."""
    power = int((value.numerator.bit_length() - value.denominator.bit_length()) * 0.30103)
    while Fraction(10) ** power > value:
        power -= 1
    while Fraction(10) ** (power + 1) <= value:
        power += 1
    return power
