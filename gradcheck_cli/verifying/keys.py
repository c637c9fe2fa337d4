"""The author's own answers, judged like a student's; and what else is worth a word to an author."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradcheck_cli.solving import solve
from gradcheck_cli.verifying.examiner import Examiner
from gradcheck_cli.verifying.hazards import hazards
from gradcheck_cli.verifying.model import CORRECT, Claim

if TYPE_CHECKING:
    from gradcheck_cli.problem import Problem
    from gradcheck_cli.solving import Solution

MOST_COLLISIONS = 3


@dataclass(frozen=True, slots=True)
class Checked:
    """A problem as its author wants to see it: the solution, the keys that were judged, warnings."""

    solution: Solution
    keys: tuple[Claim, ...]
    warnings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the witnesses agree and every key is right."""
        true = all(answer.holds is not False for answer in self.solution.answers.values())
        return true and self.solution.agreement.ok and all(key.verdict == CORRECT for key in self.keys)


def key_verdicts(solution: Solution) -> dict[str, str]:
    """The verdict on each author's answer, by question id."""
    with_key = [question for question in solution.questions if question.key is not None]
    if not with_key:
        return {}
    examiner = Examiner(solution.problem)
    return {question.id: examiner.claim(question, question.key).verdict for question in with_key}


def check_problem(problem: Problem) -> Checked:
    """Solve a problem, judge its author's answers, look for mistakes that its numbers would hide."""
    solution = solve(problem)
    examiner = Examiner(problem)
    keys = tuple(examiner.claim(question, question.key) for question in problem.questions if question.key)
    warnings = list(hazards(problem))
    bare = [one.id for one in problem.questions if one.key is None and solution.answers[one.id].kind != "relation"]
    if bare:
        lead, verb = ("question", "has") if len(bare) == 1 else ("questions", "have")
        warnings.append(f"{lead} {', '.join(bare)} {verb} no answer of yours to compare with the derivation")
    for question in problem.questions:
        found = {mistake.message: mistake for mistake in examiner.collisions(question)}
        numbers = "numbers" if problem.arrays else "number"
        lead = f"question {question.id}: a wrong derivation gives the right {numbers} here"
        warnings.extend(f"{lead} ({message})" for message in list(found)[:MOST_COLLISIONS])
    return Checked(solution, keys, tuple(warnings))
