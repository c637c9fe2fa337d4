"""What `gradcheck check` says about a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.render.layout import words, wrap
from gradcheck_cli.render.printer import counted
from gradcheck_cli.verifying.model import CORRECT

if TYPE_CHECKING:
    from gradcheck_cli.render.canvas import Canvas
    from gradcheck_cli.verifying.keys import Checked


def print_check(canvas: Canvas, file: str, checked: Checked) -> None:
    """One line if all is well; wrong keys, disagreements and warnings below it."""
    solution = checked.solution
    mark, style = ("✓", "good") if checked.ok else ("✗", "bad")
    facts = [
        counted(len(solution.questions), "question"),
        counted(len(checked.keys), "key"),
        counted(solution.agreement.compared, "quantity") + " cross-checked",
    ]
    canvas.line((mark, style), f" {file}: {', '.join(facts)}")
    for key in checked.keys:
        if key.verdict != CORRECT:
            _say(canvas, f"✗ question {key.id}: the answer {key.text} is {key.verdict}", "bad")
            note = next((member.note for member in key.members if member.note), "")
            if key.diagnosis or note:
                _say(canvas, f"  {key.diagnosis.message if key.diagnosis else note}", "plain")
            _say(canvas, f"  derived: {key.expected}", "plain")
    for name, answer in solution.answers.items():
        if answer.holds is False:
            _say(canvas, f"✗ question {name}: {answer.ask} does not hold: {answer.reason}", "bad")
    for check in solution.agreement.failed:
        numbers = f"symbolic {check.symbolic}, reverse mode {check.autodiff}, difference {check.difference}"
        _say(canvas, f"✗ the witnesses differ on {check.quantity}: {numbers}", "bad")
    for note in (*solution.notes, *checked.warnings):
        _say(canvas, f"note: {note}", "open")


def _say(canvas: Canvas, text: str, style: str) -> None:
    for line in wrap(words(text), canvas.width - 2, 4):
        canvas.line("  ", (line, style))
