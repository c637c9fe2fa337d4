"""Formulas that are judged elsewhere than where they stand, or read with other letters: only for what is not right as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.verifying.arrays.bench import ArrayBench
from gradcheck_cli.verifying.arrays.texts.grader import ArrayGrader
from gradcheck_cli.verifying.arrays.texts.onesample import (
    NOTE,
    batch_of,
    names_all,
    of_one_sample,
    sample_of,
    unnumbered,
)
from gradcheck_cli.verifying.examiner import Examiner
from gradcheck_cli.verifying.model import CORRECT, RANK, UNREADABLE, WRONG, Claim
from gradcheck_cli.verifying.texts.chains import text_of, undecided
from gradcheck_cli.verifying.texts.facts import NOTE as FACT
from gradcheck_cli.verifying.texts.facts import OTHERWISE, activation, by_itself, letter_of, may_be_other
from gradcheck_cli.verifying.texts.grader import Grader
from gradcheck_cli.verifying.texts.lookalikes import numbered, other_accents

if TYPE_CHECKING:
    from gradcheck_cli.parsing.document import Formula


def as_written(read: Claim, claim: Claim, note: str, formula: Formula) -> Claim:
    """A claim that was read with other letters, in the letters that stand there."""
    texts = [member.text for member in formula.members[1:] if member.text]
    members = tuple(replace(new, text=text) for new, text in zip(read.members, texts, strict=False))
    return replace(read, text=claim.text, members=members, note=note)


def fact(examiners: tuple[Examiner, ...], graders: list[Grader | ArrayGrader], formula: Formula) -> Claim | None:
    """A formula about a function of a letter that nothing here has; None for any other, and for what cannot be read."""
    found = letter_of(formula)
    if found is None:
        return None
    strange = [one for one, grader in zip(examiners, graders, strict=True) if grader.own.scope.name(found[0]) is None]
    if not strange:
        return None
    function, node, latex = activation(examiner.problem for examiner in strange)
    problem = by_itself(found[0], function, node, latex)
    claim = Grader(Examiner(problem)).claim(formula)
    if claim is None or claim.verdict == UNREADABLE:
        return None
    claim = replace(claim, note=FACT, diagnosis=None)
    sure = found[1] and not may_be_other(formula, function)
    return claim if sure else undecided(claim, OTHERWISE)


def one_sample(grader: ArrayGrader, formula: Formula, claim: Claim | None) -> Claim | None:
    """A derivative of one sample of a batch, judged where that sample is all there is; any other claim as it is."""
    found = sample_of(formula)
    batch = frozenset(batch_of(grader.bench.problem.graph)) if found else frozenset()
    if found is None or not batch or names_all(formula, found[0], grader.own.scope, batch):
        return claim
    if grader.alone is None:
        problems = of_one_sample(grader.bench.problem) if grader.single.apart() else ()
        grader.alone = tuple(ArrayGrader(ArrayBench(problem), grader.foreign) for problem in problems)
    pairs = [(alone, one) for alone in grader.alone if (one := alone.claim(unnumbered(formula, found[0]))) is not None]
    pairs.sort(key=lambda pair: RANK.index(pair[1].verdict))
    alone, tried = pairs[0] if pairs else (None, None)
    if alone is None or tried is None or (tried.verdict != CORRECT and not found[1]):
        return claim  # p_i may be an entry as well
    if tried.verdict in (CORRECT, WRONG):
        grader.last = None
        return as_written(alone.explained(tried), replace(tried, text=text_of(formula)), NOTE, formula)
    return undecided(claim, "the derivative of one sample could not be judged") if claim else None


def with_numbers(grader: ArrayGrader, claim: Claim, formula: Formula) -> Claim | None:
    """A formula whose names have lost their numbers, `z = xW + b`: right where just one choice of numbers fits at all."""
    last, right = grader.last, list[tuple[Claim, str]]()
    for other, note in numbered(formula, grader.own.scope):
        tried = grader.claim(other)
        if tried is None or any(one.verdict == UNREADABLE for one in tried.members):
            continue
        if tried.verdict != CORRECT and not any(one.misfit for one in tried.members):
            right = []
            break
        right += [(tried, note)] if tried.verdict == CORRECT else []
    if len(right) == 1:
        return as_written(right[0][0], claim, right[0][1], formula)
    grader.last = last
    return None


def with_accents(grader: ArrayGrader, claim: Claim, formula: Formula) -> Claim:
    r"""A wrong formula for a name that stands again in it, `\hat{y} = softmax(\hat{y})`: undecided where another accent is right."""
    if claim.verdict != WRONG:
        return claim
    last = grader.last
    for at, other, note in other_accents(formula, grader.own.scope):
        tried = grader.claim(other)
        if tried is not None and tried.members[at - 1].verdict == CORRECT:
            return undecided(claim, note)
    grader.last = last
    return claim
