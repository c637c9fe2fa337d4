"""What follows correctly from an earlier wrong answer about arrays: the slip is counted once, where it was made.

The gradient is put together again with the student's expression in place of what is right, and a later answer that
equals that is carried forward.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Expr, Name, names, number
from gradcheck_cli.solving.queries import is_update
from gradcheck_cli.symbolic.build import plus, times
from gradcheck_cli.verifying.arrays.diagnosis.backprop import Backprop, gradient_by
from gradcheck_cli.verifying.arrays.diagnosis.diagnose import equals, forms
from gradcheck_cli.verifying.arrays.diagnosis.glance import begin
from gradcheck_cli.verifying.carried import Slip
from gradcheck_cli.verifying.model import WRONG

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gradcheck_cli.solving.array_engine import ArrayEngine
    from gradcheck_cli.verifying.arrays.match import ArrayMatcher
    from gradcheck_cli.verifying.match import Read, Truth


def array_slips(index: int, ask: Expr, reads: Iterable[Read]) -> list[Slip]:
    """What a later answer may have been worked out with: the wrong members of an answer in order."""
    wrong = (read.expr for read in reads if read.member.verdict == WRONG)
    return [Slip(index, ask, None, expr) for expr in wrong if expr is not None]


def array_follows(matcher: ArrayMatcher, earlier: Iterable[Slip], truth: Truth, reads: Iterable[Read]) -> int | None:
    """The claim that a wrong answer follows from: all its wrong members are right once that slip is granted."""
    begin(matcher.space)
    wrong = [forms(matcher.engine, matcher, read) for read in reads if read.member.verdict == WRONG]
    if not wrong or not all(wrong):
        return None
    for slip in reversed(list(earlier)):
        try:
            granted = _after(matcher.engine, slip, truth.ask)
            if granted is None or equals(matcher, truth, granted, truth.expr):
                continue  # it excuses nothing
            if all(any(_agrees(matcher, truth, expr, granted) for expr in ways) for ways in wrong):
                return slip.index
        except GradcheckError:  # what the slip leads to may not fit
            continue
    return None


def _agrees(matcher: ArrayMatcher, truth: Truth, expr: Expr, granted: Expr) -> bool:
    """Whether an answer is what was granted: for all inputs, or its numbers at the given ones."""
    if names(expr):
        return equals(matcher, truth, expr, granted)
    value = matcher.engine.value(granted)
    return value is not None and matcher.gives(expr, truth, value)


def _after(engine: ArrayEngine, slip: Slip, ask: Expr) -> Expr | None:
    """What is right once a slip is granted; None where it has no say in it."""
    if not isinstance(ask, Call) or slip.expr is None or not all(isinstance(arg, Name) for arg in ask.args[:1]):
        return None
    ends = [arg.id for arg in ask.args if isinstance(arg, Name)]
    if is_update(engine, ask):
        rate = ask.args[1] if len(ask.args) > 1 else number(engine.problem.learning_rate or 1)
        gradient = _total(engine, slip, ends[0])
        return None if gradient is None else plus(Name(ends[0]), times(number(-1), rate, gradient))
    if ask.function == "downstream":
        arrives = _total(engine, slip, ends[0])
        return None if arrives is None else Backprop(engine).sent((ends[1], ends[0]), arrives)
    wrt = gradient_by(engine, ask)
    return None if wrt is None else _total(engine, slip, wrt)


def _total(engine: ArrayEngine, slip: Slip, name: str) -> Expr | None:
    """The gradient by a name with the slip in place of what is right on the way."""
    ask, back = slip.ask, Backprop(engine)
    if slip.expr is None or name not in engine.backward.adjoints:
        return None
    if isinstance(ask, Call) and ask.function == "local":
        source, target = (arg.id for arg in reversed(ask.args) if isinstance(arg, Name))
        inside = engine.graph.between(engine.output, name)
        if source not in inside or target not in inside or engine.shapes[source] != engine.shapes[target]:
            return None
        return back.total(name, (source, target), times(back.arriving(target), slip.expr))
    wrong = gradient_by(engine, ask)
    if wrong is None or not (wrong == name or name in engine.graph.ancestors.get(wrong, ())):
        return None
    if not names(slip.expr) and engine.shape_of(slip.expr) != engine.shapes[wrong]:
        return None
    return back.granted(name, wrong, slip.expr)
