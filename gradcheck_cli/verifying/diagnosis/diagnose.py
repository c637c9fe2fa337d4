"""Which mistake a wrong member is: its value is looked up among the values of the mistakes the graph allows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expand import expand
from gradcheck_cli.expr import Call, Name, names, number
from gradcheck_cli.judge import number_verdict, with_rounding
from gradcheck_cli.solving.queries import is_update
from gradcheck_cli.symbolic.evaluate import interval
from gradcheck_cli.verifying.diagnosis.mistakes import Mistake, mistakes, pairs, strange_factors
from gradcheck_cli.verifying.match import Truth
from gradcheck_cli.verifying.model import CORRECT, Diagnosis
from gradcheck_cli.verifying.spot import spot
from gradcheck_cli.verifying.typed import as_typed_number, has_decimals, significant
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.solving.engine import Engine
    from gradcheck_cli.symbolic.evaluate import Value
    from gradcheck_cli.verifying.match import Matcher, Read

MOST_MISTAKES = 400
_FEWEST_DIGITS = 2  # with one digit too many numbers look alike
_DIGITS_OF_PAIRS = 3
_APART, _NEARBY = 50, 1000  # a mistake is told from the truth by a fiftieth, and found within a thousandth
TELLING = ("sign", "missing-factor", "missing-path", "wrong-node", "constant")


def diagnose(engine: Engine, matcher: Matcher, truth: Truth, read: Read) -> Diagnosis | None:
    """The mistake behind a wrong member, or None where nothing fits."""
    if read.expr is None or (read.numeric and engine.value(read.expr) is None):
        return None
    if read.member.note == "rounding":
        return Diagnosis("rounding", "nearly right: the last digit is neither rounded nor cut off correctly")
    if (link := wrong_link(engine, truth, read.written)) is not None:
        return link
    if _zero_factor(matcher, truth, read):
        return Diagnosis("extra-factor", "a factor 0 has slipped in, and makes it all 0; without it this is right")
    key = (truth.ask, truth.expr, truth.kind)
    for fits in (_fits, _fits_here):
        for known in matcher.kept.of(key, lambda: with_values(engine, mistakes(engine, truth))):
            if fits(engine, matcher, read.expr, known):
                return Diagnosis(known.mistake.code, known.mistake.message)
    if is_update(engine, truth.ask) and (found := _rounded(matcher, truth, read.expr, key)) is not None:
        return found
    return _pair(engine, matcher, truth, read.expr) or _strange(engine, matcher, truth, read.expr)


def _rounded(matcher: Matcher, truth: Truth, written: Expr, key: object) -> Diagnosis | None:
    """The one mistake about an update whose number is near, where what was put in had been rounded before."""
    value, true = interval(matcher.engine.value(written)), interval(truth.value)
    if names(written) or value is None or true is None or not has_decimals(written, matcher.given):
        return None
    found = []
    for known in matcher.kept.of(key, lambda: with_values(matcher.engine, mistakes(matcher.engine, truth))):
        bounds = interval(known.value)
        if bounds is None or abs(bounds[0] - true[0]) * _APART < abs(true[0]):
            continue
        if abs(value[0] - bounds[0]) * _NEARBY <= abs(bounds[0]):
            found.append(known.mistake)
    return Diagnosis(found[0].code, found[0].message) if len({one.code for one in found}) == 1 else None


def _strange(engine: Engine, matcher: Matcher, truth: Truth, written: Expr) -> Diagnosis | None:
    """A factor that is no slip of a rule: the right formula times some name."""
    if not names(written):
        return None
    for known in matcher.kept.of((truth.ask, "strange"), lambda: with_values(engine, strange_factors(engine, truth))):
        if _fits(engine, matcher, written, known):
            return Diagnosis(known.mistake.code, known.mistake.message)
    return None


def _pair(engine: Engine, matcher: Matcher, truth: Truth, written: Expr) -> Diagnosis | None:
    """Two mistakes at once, where no single one fits and only one pair does; few digits are no evidence."""
    literal = as_typed_number(written)
    if literal is not None and significant(literal) < _DIGITS_OF_PAIRS:
        return None
    key = (truth.ask, truth.expr, "pairs")
    found = matcher.kept.of(key, lambda: with_values(engine, pairs(engine, truth)))
    fitting = [known.mistake for known in found if _fits(engine, matcher, written, known)]
    return Diagnosis(fitting[0].code, fitting[0].message) if len(fitting) == 1 else None


def _zero_factor(matcher: Matcher, truth: Truth, read: Read) -> bool:
    """Whether a product would be right without the zeros in it."""
    expr = read.written if read.written is not None else read.expr
    if expr is None or read.member.source is None:
        return False
    rest = _without_zeros(expr)
    return rest is not expr and matcher.best(read.member.source, (rest,), truth).member.verdict == CORRECT


def _without_zeros(expr: Expr) -> Expr:
    """A product without the zeros among its factors; as it is where there are none, or nothing else."""
    if not isinstance(expr, Call) or expr.function not in ("mul", "neg"):
        return expr
    kept = tuple(_without_zeros(arg) for arg in expr.args if arg != number(0))
    if not kept or kept == expr.args:
        return expr
    return kept[0] if expr.function == "mul" and len(kept) == 1 else Call(expr.function, kept)


@dataclass(frozen=True, slots=True)
class Valued:
    """A mistake with its value at the given numbers, and where it is looked at first."""

    mistake: Mistake
    value: Value
    seen: Value


def with_values(engine: Engine, found: Iterator[Mistake]) -> Iterator[Valued]:
    """The mistakes behind a wrong answer, each with its values; those that cannot be evaluated are left out."""
    look = spot(engine)
    for mistake in islice(found, MOST_MISTAKES):
        try:
            value = engine.value(mistake.expr)
            yield Valued(mistake, value, value if look is engine else look.value(mistake.expr))
        except GradcheckError:
            continue


def wrong_link(engine: Engine, truth: Truth, written: Expr | None) -> Diagnosis | None:
    """In a chain of derivatives written as a product: the one link that is not on the path."""
    if not isinstance(written, Call) or written.function != "mul" or not isinstance(truth.ask, Call):
        return None
    ends = [arg.id for arg in truth.ask.args if isinstance(arg, Name)]
    if truth.ask.function != "d" or len(ends) != 2:
        return None
    for path in engine.graph.paths(ends[0], ends[1]):
        links = [Call("d", (Name(end), Name(start))) for end, start in pairwise(path)]
        if len(links) == len(written.args):
            wrong = [at for at, link in enumerate(links) if written.args[at] != link]
            if len(wrong) == 1 and isinstance(written.args[wrong[0]], Call):
                found, right = (_derivative_text(link) for link in (written.args[wrong[0]], links[wrong[0]]))
                return Diagnosis("wrong-node", f"link {wrong[0] + 1} of the chain is {found}; it should be {right}")
    return None


def _derivative_text(link: Expr) -> str:
    if isinstance(link, Call) and link.function == "d":
        return f"d{write(link.args[0])}/d{write(link.args[1])}"
    return write(link)


def _fits(engine: Engine, matcher: Matcher, written: Expr, known: Valued) -> bool:
    """Whether the mistake gives what was written, and not what is right."""
    try:
        if not names(written):
            return _same_number(matcher, written, known.value)
        if known.seen is None or not _near(spot(engine).value(written), known.seen):
            return False
        return matcher.agrees(written, known.mistake.expr)
    except GradcheckError:
        return False


def _fits_here(engine: Engine, matcher: Matcher, written: Expr, known: Valued) -> bool:
    """Whether the mistake gives what was written once given values are put in: 3x for c x."""
    if not names(written) or known.value is None or not matcher.has_values(written):
        return False
    try:
        if not has_decimals(written, matcher.given) and not _near(engine.value(written), known.value):
            return False
        about = Truth(known.mistake.expr, known.mistake.expr, known.value, "")
        return matcher.formula(written, about, None).verdict == CORRECT
    except GradcheckError:
        return False


def coarse(written: Expr, true: Value) -> bool:
    """Whether a number has one digit only and is more than half a percent off."""
    literal, bounds = as_typed_number(written), interval(true)
    if literal is None or bounds is None or significant(literal) != 1:
        return False
    return abs(literal.value - bounds[0]) * 200 > abs(bounds[0])


def exact_mistake(engine: Engine, truth: Truth, written: Expr) -> Mistake | None:
    """The mistake that gives exactly the number written."""
    literal = as_typed_number(written)
    for mistake in islice(mistakes(engine, truth), MOST_MISTAKES):
        if mistake.code != "wrong-node" and literal is not None and engine.value(mistake.expr) == literal.value:
            return mistake
    return None


def _same_number(matcher: Matcher, written: Expr, value: Value) -> bool:
    literal = as_typed_number(written)
    if value is None:
        return False
    if literal is None:
        return _near(with_rounding(expand(written), matcher.typed_exactly), value)
    if significant(literal) < _FEWEST_DIGITS:
        return value == literal.value and literal.value != 0
    return number_verdict(literal, value, None) in ("right", "truncated")


def _near(left: Value, right: Value) -> bool:
    """Whether two values agree; where one has none, only the expressions can tell."""
    bounds, wanted = interval(left), interval(right)
    if bounds is None or wanted is None:
        return left is None
    slack = max(abs(wanted[0]), abs(wanted[1])) / 10**12
    return bounds[0] - slack <= wanted[1] and wanted[0] <= bounds[1] + slack


def collisions(engine: Engine, truth: Truth) -> list[Mistake]:
    """Mistakes that give the right number at the problem's own values: a wrong derivation would pass."""
    found = []
    if truth.value is None:
        return []
    for mistake in islice(mistakes(engine, truth), MOST_MISTAKES):
        value = engine.value(mistake.expr)
        if (
            mistake.code in TELLING
            and not mistake.of_branch
            and value is not None
            and _near(value, truth.value)
            and mistake.expr != truth.expr
        ):
            found.append(mistake)
    return found
