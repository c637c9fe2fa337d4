"""What a formula sets for those below it: names of the student's own, second meanings of names, values of inputs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expand import scalar_only
from gradcheck_cli.expr import Expr, Name, names
from gradcheck_cli.verifying.match import Matcher, Read, Truth
from gradcheck_cli.verifying.meanings import without_differentials
from gradcheck_cli.verifying.model import CORRECT, UNDECIDED, WRONG, Claim, Member
from gradcheck_cli.verifying.own import OWN, Own, own_name
from gradcheck_cli.verifying.typed import as_typed_number

if TYPE_CHECKING:
    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.solving.engine import Engine
    from gradcheck_cli.verifying.grader import Grader


def learn(own: Own, engine: Engine, formula: Formula, last: tuple[Truth, list[Read]] | None) -> str:
    """Take in what a formula sets for those below it; what it assumes, in words."""
    if last is None or len(formula.members) != 2:
        return ""
    truth, reads = last
    written = reads[0].expr if reads else None
    if truth.kind == "defined" and isinstance(truth.ask, Name) and reads:
        own.seconds.pop(truth.ask.id, None)
        if reads[0].member.verdict != CORRECT and written is not None:
            own.seconds[truth.ask.id] = written
    literal = as_typed_number(written) if written is not None else None
    if truth.kind not in ("given", "assumed") or literal is None or not isinstance(truth.ask, Name):
        return ""
    name = truth.ask.id
    if engine.problem.given.get(name) == literal.value:
        own.assumed.pop(name, None)
        return ""
    own.assume(name, literal.value, formula.line)
    return f"line {formula.line} takes {name} = {literal.text}; what stands below may be right with that"


def define(grader: Grader, formula: Formula) -> Claim | None:
    """A formula whose left side is a new name: what it stands for from here on; the rest of the chain is judged."""
    own = grader.own
    left, *members = formula.members
    spelling = own_name(left)
    known_as = own.scope.name(spelling) if spelling else None
    if spelling is None or (known_as and known_as not in own.definitions):
        return None
    for at, member in enumerate(members):
        try:
            found = without_differentials(own.readings(member, latex=formula.latex), member)
            meaning = scalar_only(found[0], member)
            resolved = grader.engine.resolve(meaning, text=member)
            value = grader.engine.value(resolved)
        except GradcheckError:
            continue
        known = spelling in own.definitions and not names(resolved)
        own.define(left, alias(grader.engine, grader.matcher, resolved))
        truth = Truth(meaning, resolved, value, "own")
        reads = [grader.read(one, truth, latex=formula.latex) for one in members[at + 1 :] if one.text]
        note = "this is another value than above; it is taken from here on" if known else ""
        own.otherwise(left, [one.expr for one in reads if one.member.verdict == WRONG and one.expr is not None])
        first = Read(Member(member.text, UNDECIDED if known else CORRECT, None, note, member), resolved)
        claim = grader.finish(replace(formula, members=(left, *members[at:])), [first, *reads], truth)
        return replace(claim, note=OWN)
    return None


def alias(engine: Engine, matcher: Matcher, meaning: Expr) -> Expr:
    """The node that an expression is, so that it may be differentiated by; or the expression itself."""
    for node in engine.graph.nodes:
        if meaning == node.expr or matcher.agrees(meaning, Name(node.name)):
            return Name(node.name)
    return meaning
