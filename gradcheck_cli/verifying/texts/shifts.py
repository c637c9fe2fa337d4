r"""Quotients of differences: `\frac{L(w + h) - L(w - h)}{2h}`, judged by what they are, and against the derivative.

Such a quotient is a sum of values of one function at several places. It is one for the derivative if it gives 0 for a
constant and 1 for the variable itself, in the place of the function.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError, UnsupportedError
from gradcheck_cli.expand import expand
from gradcheck_cli.expr import Call, Expr, Name, mapped, names, number, size, substitute, walk
from gradcheck_cli.judge import Space, Variable, decide
from gradcheck_cli.parsing.shifts import SHIFTED
from gradcheck_cli.parsing.shifts import STEPS as STEP_LETTERS
from gradcheck_cli.parsing.text import read_quietly
from gradcheck_cli.source import Span
from gradcheck_cli.symbolic.evaluate import to_float
from gradcheck_cli.verifying.match import Truth, left_open
from gradcheck_cli.verifying.model import CORRECT, UNDECIDED, WRONG
from gradcheck_cli.verifying.texts.lookalikes import exchanged
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.solving.engine import Engine
    from gradcheck_cli.source import Source
    from gradcheck_cli.verifying.match import Matcher, Read
    from gradcheck_cli.verifying.texts.own import Own

LONGEST_TEXT = 400  # characters of a quotient
LONGEST = 5000  # tree nodes of a node written out
MOST_NEAR = 3  # names that a number may be a value of
NEAR = 0.25  # of the value, or of 1: so far a number may be from what it is a value of
IS_QUOTIENT = "a quotient of differences, which is near the derivative"
OF_QUOTIENT = "what the quotient of differences comes to"
IS_DERIVATIVE = "the derivative, which the quotient of differences is near"
NOT_EXACTLY = "this is the derivative; the quotient of differences is only near it"
NOT_NEAR = "this quotient of differences is not near the derivative"
STEPS = "a quotient of differences stands for the derivative that it is near"
_FACTORS = (number(1), number(2), Call("div", (number(1), number(2))), number(-1))
_LIMIT = re.compile(
    r"^\s*\\?lim\s*(?:\\limits\s*)?(?:_\s*)?[{(]?\s*\\?[A-Za-z]+\s*(?:\\to|\\rightarrow|→|->)\s*0\s*[})]?"
)
_ALL = re.compile(r"(?s).+")
_CALLS = re.compile(r"\([^()]*[-+−][^()]*\)|\(\s*(?:\\left)?\s*[0-9.]+\s*\)")
_CALL = re.compile(  # but not (1 - a)
    r"[A-Za-z0-9}]\s*(?:\\left\s*)?\((?!\s*1\s*[-+−]\s*(?!h|t|k|\\?eps|\\?varep|[0-9.]))[^()]*[-+−0-9]"
)
_CALLED_TWICE = re.compile(
    r"(?<![A-Za-z])(?P<name>[A-Za-z][A-Za-z0-9_]*)\s*(?:\\left\s*)?\(.*(?<![A-Za-z])(?P=name)\s*(?:\\left\s*)?\(",
    re.DOTALL,
)
_ROUGHLY = re.compile(r"≈|≃|~|\\(?:approx|simeq|sim|to|rightarrow)(?![A-Za-z])|→")


@dataclass(frozen=True, slots=True)
class Slope:
    """A quotient of differences: of what, by which name, and as it was written."""

    target: Expr
    source: str
    written: Expr

    def of_the_same(self, other: Slope) -> bool:
        """Whether two quotients are of one thing, by one name."""
        return (self.target, self.source) == (other.target, other.source)


# -- a node at another place


def may_shift(text: str) -> bool:
    """Whether a name may stand before brackets with a sum or a number in a text, as in f(x + h)."""
    return _CALL.search(text) is not None


def put_in(engine: Engine, expr: Expr) -> tuple[Expr, ...]:
    """The readings of an expression with every node at another place written out there; itself without any.

    Raises UnsupportedError where a place is none.
    """
    calls = tuple(dict.fromkeys(part for part in walk(expr) if _is_shift(part)))
    if not calls:
        return (expr,)
    found = []
    for moved in _moved_by(engine, calls):
        try:
            found.append(_written_out(engine, expr, moved))
        except UnsupportedError:
            continue
    if not found:
        message = "it is not clear where this is taken"
        raise UnsupportedError(message, hint="write f(x + 0.01), with what moves", span=calls[0].span)
    return tuple(dict.fromkeys(found))


def _is_shift(part: Expr) -> bool:
    return isinstance(part, Call) and part.function == SHIFTED


def _moved_by(engine: Engine, calls: tuple[Expr, ...]) -> Iterator[str]:
    """The names that may be what moves: those in the places, else those whose values are near the numbers there."""
    places = [arg for call in calls if isinstance(call, Call) for arg in call.args[1:]]
    targets = {name for call in calls if isinstance(call, Call) for name in names(call.args[0])}
    above = frozenset().union(*(engine.graph.ancestors.get(name, frozenset()) for name in targets))
    named = [name for place in places if not isinstance(place, Name) for name in names(place) if name in above]
    if named:
        yield from dict.fromkeys(named)
        return
    resting = [substitute(place, dict.fromkeys(names(place), number(0))) for place in places]  # 2 + h is near 2
    numbers = [to_float(engine.value(place)) for place in resting]
    apart = []
    for name in above:
        value = to_float(engine.values.get(name))
        distance = min((abs(one - value) for one in numbers), default=NEAR)
        if distance < NEAR * max(1.0, abs(value)):
            apart.append((distance, name))
    yield from (name for _, name in sorted(apart)[:MOST_NEAR])


def _written_out(engine: Engine, expr: Expr, moved: str) -> Expr:
    if isinstance(expr, Call) and _is_shift(expr):
        target, *places = expr.args
        return substitute(_in_terms_of(engine, target, moved), {moved: place_of(engine, expr, places, moved)})
    return mapped(expr, lambda child: _written_out(engine, child, moved))


def place_of(engine: Engine, call: Call, places: list[Expr], moved: str) -> Expr:
    """Where the name stands in a call: at the argument in which it is, or by its place among the inputs."""
    if len(places) == 1:
        return places[0]
    own = [place for place in places if moved in names(place)]
    if len(own) == 1 and all(isinstance(place, Name) for place in places if place is not own[0]):
        return own[0]
    above = frozenset().union(*(engine.graph.ancestors.get(name, frozenset()) for name in names(call.args[0])))
    inputs = [leaf.name for leaf in engine.graph.inputs if leaf.name in above]
    given = [engine.problem.given.get(name) for name in inputs]
    if len(inputs) == len(places) and moved in inputs:
        others = [(place, value) for name, place, value in zip(inputs, places, given, strict=True) if name != moved]
        if all(not names(place) and engine.value(place) == value for place, value in others):
            return places[inputs.index(moved)]
    message = "only one of the places may move"
    raise UnsupportedError(message, hint="write f(x + 0.01)", span=call.span)


def _in_terms_of(engine: Engine, target: Expr, moved: str) -> Expr:
    """An expression with all nodes that depend on a name written out. Raises UnsupportedError where that is too long."""
    out: dict[str, Expr] = {}
    for node in engine.graph.nodes:
        if moved in engine.graph.ancestors.get(node.name, frozenset()):
            out[node.name] = substitute(substitute(node.expr, dict(engine.lets)), out)
    found = substitute(substitute(target, dict(engine.lets)), out)
    if size(found, LONGEST) >= LONGEST:
        message = "this is too long to be written out"
        raise UnsupportedError(message, hint="use fewer nodes")
    return found


# -- quotients


class Slopes:
    """Finds quotients of differences in the formulas of one text; `symbols` are letters for a step that has no value."""

    def __init__(self, engine: Engine, matcher: Matcher, own: Own) -> None:
        self.engine = engine
        self.matcher = matcher
        self.own = own
        self.found = False  # in the formula judged last

    def of(self, source: Source, *, latex: bool, symbols: frozenset[str] = frozenset()) -> Slope | None:
        """The quotient of differences that a text is; None for any other."""
        factor = self.factor(source, latex=latex, symbols=symbols)
        return factor[0] if factor is not None and factor[1] == number(1) else None

    def factor(
        self, source: Source, *, latex: bool, symbols: frozenset[str] = frozenset()
    ) -> tuple[Slope, Expr] | None:
        """A text that is a number times such a quotient, and that number."""
        if len(source.text) > LONGEST_TEXT or not (_CALLS.search(source.text) and _CALLED_TWICE.search(source.text)):
            return None
        for written in read_quietly(source, self.own.scope, latex=latex):
            try:
                expr = self.own.expanded(written)
            except GradcheckError:
                continue
            calls = tuple(dict.fromkeys(part for part in walk(expr) if _is_shift(part)))
            for moved in _moved_by(self.engine, calls) if calls else ():
                slope = Slope(calls[0].args[0], moved, expr)  # type: ignore[union-attr]
                times = self.times(slope, symbols)
                if times is not None:
                    return slope, times
        return None

    def times(self, slope: Slope, symbols: frozenset[str]) -> Expr | None:
        """How many times the derivative a sum of values comes to where its steps are small; None for any other."""
        three = number(3)
        try:
            same = [self.with_function(slope, lambda _: number(1)), self.with_function(slope, lambda _: three)]
            line = self.with_function(slope, lambda place: place)
            steep = self.with_function(slope, lambda place: Call("mul", (three, place)))
        except UnsupportedError:
            return None
        if not all(self.agrees(one, number(0), symbols) for one in same):
            return None
        known = None if symbols else self.engine.value(line)
        for value in (number(known),) if isinstance(known, Fraction) else _FACTORS:
            if self.agrees(line, value, symbols):
                return value if self.agrees(steep, Call("mul", (three, value)), symbols) else None
        return None

    def with_function(self, slope: Slope, function: Callable[[Expr], Expr]) -> Expr:
        """The quotient of another function of the same places. Raises UnsupportedError for values of several."""

        def put(expr: Expr) -> Expr:
            if isinstance(expr, Call) and _is_shift(expr):
                if expr.args[0] != slope.target:
                    message = "these are values of several functions"
                    raise UnsupportedError(message)
                return function(place_of(self.engine, expr, list(expr.args[1:]), slope.source))
            return function(Name(slope.source)) if expr == slope.target else mapped(expr, put)

        return put(slope.written)

    def agrees(self, left: Expr, right: Expr, symbols: frozenset[str]) -> bool:
        """Whether two expressions agree for all inputs and steps."""
        space = self.matcher.space
        if symbols:
            space = Space((*space.inputs, *(Variable(name) for name in sorted(symbols))), space.definitions)
        try:
            return decide(expand(left), expand(right), space).kind == "equal"
        except GradcheckError:
            return False

    def derivative(self, slope: Slope) -> Truth:
        """The derivative that a quotient is near."""
        ask = Call("d", (slope.target, Name(slope.source)))
        expr = self.engine.resolve(ask)
        return Truth(ask, expr, self.engine.value(expr), "derivative")

    def value(self, slope: Slope) -> Truth:
        """What a quotient comes to."""
        expr = self.engine.resolve(_written_out(self.engine, slope.written, slope.source))
        return Truth(expr, expr, self.engine.value(expr), "derivative")

    # -- steps without a value

    def without_steps(self, formula: Formula) -> tuple[Formula, bool] | None:
        """A formula with each quotient whose step is a letter as the derivative, or a multiple of it, and whether all are
        limits; None without any.
        """
        if not any(_CALLS.search(member.text) for member in formula.members):
            return None
        kept = self.own.scope
        letters = frozenset(letter for letter in STEP_LETTERS if kept.name(letter) is None)
        self.own.scope = replace(kept, spellings={**kept.spellings, **{letter: letter for letter in letters}})
        changed = tuple(self.derived(member, letters, latex=formula.latex) for member in formula.members)
        self.own.scope = kept
        pairs = [(old, new) for old, new in zip(formula.members, changed, strict=True) if old is not new]
        limits = all(_LIMIT.match(old.text) for old, _ in pairs)
        return (replace(formula, members=changed), limits) if pairs else None

    def derived(self, member: Source, letters: frozenset[str], *, latex: bool) -> Source:
        """A quotient of differences as the derivative, or a multiple of it; any other text as it is."""
        limit = _LIMIT.match(member.text)
        inner = member.slice(Span(limit.end(), len(member.text))) if limit else member
        slope, factor = self.factor(inner, latex=latex, symbols=letters) or (None, number(1))
        if slope is None or not isinstance(slope.target, Name):
            return member
        over = "" if factor == number(1) else f"/({write(Call('div', (number(1), factor)))})"
        put = f"d({slope.target.id}, {slope.source}){over}"
        return exchanged(member, _ALL, lambda _: put)

    # -- chains with quotients in them

    def settled(self, formula: Formula, truth: Truth, reads: list[Read]) -> list[Read]:
        """The members of a chain with quotients of differences: near the derivative where that is said."""
        self.found = False
        if truth.kind != "derivative" or not may_shift(" ".join([member.text for member in formula.members])):
            return reads
        members = [member for member in formula.members[1:] if member.text]
        lead = self.of(formula.members[0], latex=formula.latex)
        factors = [self.factor(member, latex=formula.latex) for member in members]
        if lead is None:
            near = [self.is_near(factor, truth) for factor in factors]
            first = next((factor[0] for factor, one in zip(factors, near, strict=True) if factor and one), None)
        else:
            near = [factor is not None and factor[1] == number(1) and factor[0].of_the_same(lead) for factor in factors]
            first = lead
        self.found = lead is not None or any(factor is not None for factor in factors)
        truths = (self.derivative(first), self.value(first)) if first is not None else None
        found, before = [], formula.members[0]
        for read, member, factor, one in zip(reads, members, factors, near, strict=True):
            if lead is None and factor is not None:
                found.append(_right(read, IS_QUOTIENT) if one else _wrong(read))
            elif truths is not None:
                roughly = one or bool(_ROUGHLY.search(_between(before, member)))
                found.append(self.near(read, truths, roughly=roughly, led=lead is not None))
            else:
                found.append(read)
            before = member
        return found

    def is_near(self, factor: tuple[Slope, Expr] | None, truth: Truth) -> bool:
        """Whether a text is a quotient of differences for this derivative."""
        if factor is None or factor[1] != number(1):
            return False
        return self.matcher.agrees(self.derivative(factor[0]).expr, truth.expr)

    def near(self, read: Read, truths: tuple[Truth, Truth], *, roughly: bool, led: bool) -> Read:
        """One member that is not what its left side is: it may be what that is near, or the other way round."""
        if read.expr is None or read.member.verdict not in (WRONG, UNDECIDED):
            return read
        derivative, value = truths
        if not led:
            return _right(read, OF_QUOTIENT) if self.is_right(read.expr, value) else read
        if self.is_right(read.expr, derivative):
            return _right(read, IS_DERIVATIVE) if roughly else left_open(read, NOT_EXACTLY)
        return _right(read, IS_DERIVATIVE) if roughly and self.amid(read, truths) else read

    def is_right(self, expr: Expr, truth: Truth) -> bool:
        """Whether an expression is right for one of the two."""
        try:
            return self.matcher.judge(expr, truth, None).verdict == CORRECT
        except GradcheckError:
            return False

    def amid(self, read: Read, truths: tuple[Truth, Truth]) -> bool:
        """Whether a number lies between the quotient and the derivative."""
        low, high = sorted(to_float(truth.value) for truth in truths)
        return read.numeric and read.member.value is not None and low <= read.member.value <= high


def _right(read: Read, note: str) -> Read:
    return replace(read, member=replace(read.member, verdict=CORRECT, note=note))


def _wrong(read: Read) -> Read:
    return replace(read, member=replace(read.member, verdict=WRONG, note=NOT_NEAR), expr=None)


def _between(before: Source, member: Source) -> str:
    """What stands between two members in the file."""
    whole, start = before.whole(None)
    return whole.text[start.start + len(before.text) : member.whole(None)[1].start]
