"""Answers to a Report: a table of them question by question, a text claim by claim."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from gradcheck_cli.crosscheck import domain_notes
from gradcheck_cli.problem import Problem, Question
from gradcheck_cli.verifying.examiner import Examiner
from gradcheck_cli.verifying.model import Page, Report, Submission
from gradcheck_cli.verifying.texts.homework import grade
from gradcheck_cli.verifying.texts.spellings import spellings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gradcheck_cli.verifying.carried import Slip


def verify(problem: Problem | Iterable[Problem], submission: Submission) -> Report:
    """Judge a file of answers to one problem, or a text with formulas of several."""
    problems = (problem,) if isinstance(problem, Problem) else tuple(problem)
    return judge([Examiner(one) for one in problems], submission)


def judge(examiners: Sequence[Examiner], submission: Submission) -> Report:
    """As `verify`, with what was derived for the files before."""
    if submission.document is None:
        return _table(examiners[0], submission)
    claims = grade(examiners, submission.document)
    names_of = tuple(examiner.problem.name for examiner in examiners)
    notes = [claim.assumes for claim in claims if claim.assumes]
    for examiner in examiners:
        if not examiner.arrays:
            engine = examiner.engine
            notes += domain_notes(engine.graph, engine.values)
    if not claims:
        notes = ["no formula with an equality was found"]
    judged = {claim.cell for claim in claims}
    places = [(formula.members[0], formula.cell) for formula in submission.document.formulas]
    places += [(passed.place, passed.cell) for passed in submission.document.passed]
    pages = {cell: Page(place.whole(None)[0].text, cell) for place, cell in places if cell in judged}
    kept = tuple(dict.fromkeys(notes))
    own = spellings(examiners[0].problem, submission.document) if len(examiners) == 1 and examiners[0].arrays else ()
    return Report(submission.source.name, names_of, tuple(claims), notes=kept, pages=tuple(pages.values()), names=own)


def _table(examiner: Examiner, submission: Submission) -> Report:
    """Judge a table of answers to one problem.

    A problem without questions asks for the derivative of its output by each input; answers are then named by the
    query itself, `d(a, x0)`, or by the input's name.
    """
    keys = {name: (key, place) for name, key, place in submission.answers}
    claims = []
    earlier: list[Slip] = []
    for question in examiner.questions:
        key, place = keys.pop(question.id, (None, None))
        claims.append(examiner.claim(question, key, place, earlier))
        earlier += examiner.slips(len(claims) - 1, question.ask)
    notes = [_stranger(name, examiner.questions) for name in keys]
    return Report(submission.source.name, (examiner.problem.name,), tuple(claims), submission.student, tuple(notes))


def _stranger(name: str, questions: Iterable[Question]) -> str:
    known = [question.id for question in questions]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"the questions are {', '.join(known)}"
    return f'"{name}" is no question of this problem and was not judged; {hint}'
