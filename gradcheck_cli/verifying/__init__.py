"""Answers to verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.verifying.answers import problem_of, problems_of, read
from gradcheck_cli.verifying.examiner import Examiner
from gradcheck_cli.verifying.model import Claim, Diagnosis, Member, Report, Score, Submission
from gradcheck_cli.verifying.report import judge, verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gradcheck_cli.problem import Problem

__all__ = [
    "Claim",
    "Diagnosis",
    "Examiner",
    "Member",
    "Report",
    "Score",
    "Submission",
    "judge_files",
    "problem_of",
    "read",
    "verify",
]


def judge_files(files: Iterable[str], named: tuple[Problem, ...] = ()) -> Iterator[Report | GradcheckError]:
    """A report on each file, or what kept it from being judged; one bad file does not stop the others.

    `named`, where there are any, are judged against instead of the problem that each file names. What is derived from a problem is kept
    for the next file.
    """
    examiners: dict[str, Examiner] = {}
    for file in files:
        try:
            submission = read(file)
            chosen = []
            for problem in problems_of(submission, named):
                if problem.source.name not in examiners:
                    examiners[problem.source.name] = Examiner(problem)
                chosen.append(examiners[problem.source.name])
            yield judge(chosen, submission)
        except GradcheckError as error:
            yield error
