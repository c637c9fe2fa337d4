"""Solutions and reports as JSON documents; the format is fixed, scripts rely on it."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from fractions import Fraction

    from gradcheck_cli.crosscheck import Check
    from gradcheck_cli.solving import Answer, Quantity, Solution, SolvedEdge, SolvedNode
    from gradcheck_cli.verifying.model import Claim, Report

VERSION = 1
_EXACT = 2.0**53  # whole numbers below it are exact doubles


def dumps(document: Mapping[str, Any]) -> str:
    """One document in ASCII; a number that JSON cannot say is null."""
    return json.dumps(document, allow_nan=False, indent=2)


def solution_document(solution: Solution, keys: Mapping[str, str]) -> dict[str, Any]:
    """A solution; `keys` has the verdict on the author's answer to each question that has one."""
    problem = solution.problem
    return {
        "gradcheck": VERSION,
        "problem": {"name": problem.name, "title": problem.title, "output": solution.output},
        "nodes": [_node(node) for node in solution.nodes],
        "edges": [_edge(edge) for edge in solution.edges],
        "questions": [_answer(name, answer, keys.get(name)) for name, answer in solution.answers.items()],
        "checks": [_check(check) for check in solution.agreement.checks],
        "notes": list(solution.notes),
    }


def number(value: float | Fraction | None) -> float | int | None:
    """A number as JSON has it: whole ones without a point, nan and infinity as null."""
    if value is None:
        return None
    double = float(value)
    if not math.isfinite(double):
        return None
    return int(double) if double.is_integer() and abs(double) < _EXACT else double


def _value(value: Any) -> Any:
    """A number, or the entries of an array as nested lists; an entry without a value is null."""
    return [_value(entry) for entry in value] if isinstance(value, list) else number(value)


def _quantity(quantity: Quantity) -> dict[str, Any]:
    return {
        "expression": str(quantity.expr),
        "latex": quantity.latex,
        "value": _value(quantity.value),
        "shape": list(quantity.shape),
    }


def _node(node: SolvedNode) -> dict[str, Any]:
    return {
        "name": node.name,
        "kind": node.kind,
        "expression": str(node.forward.expr) if node.kind == "node" else None,
        "inputs": list(node.inputs),
        "shape": list(node.forward.shape),
        "value": _value(node.forward.value),
        "gradient": _quantity(node.gradient),
    }


def _edge(edge: SolvedEdge) -> dict[str, Any]:
    return {
        "from": edge.source,
        "to": edge.target,
        "local": _quantity(edge.local),
        "upstream": _quantity(edge.upstream),
        "downstream": _quantity(edge.downstream),
    }


def _answer(name: str, answer: Answer, key: str | None) -> dict[str, Any]:
    relation = {True: "correct", False: "wrong", None: "undecided"}
    if answer.kind == "shape":
        value: Any = list(answer.quantity.shape)
    elif answer.kind == "relation":
        value = answer.holds
    else:
        value = _value(answer.value)
    return {
        "id": name,
        "ask": answer.ask,
        "expression": str(answer.expr),
        "latex": answer.latex,
        "value": value,
        "shape": list(answer.quantity.shape),
        "verdict": relation[answer.holds] if answer.kind == "relation" else key,
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "quantity": check.quantity,
        "symbolic": number(check.symbolic),
        "autodiff": number(check.autodiff),
        "difference": number(check.difference),
        "error": number(check.error),
        "ok": check.ok,
    }


def report_document(reports: Iterable[Report]) -> dict[str, Any]:
    """The reports on several files, and how many claims have each verdict."""
    reports = list(reports)
    names = ("correct", "wrong", "undecided", "unreadable", "missing")
    total = {name: sum(report.summary[name] for report in reports) for name in names}
    return {"gradcheck": VERSION, "files": [_report(report) for report in reports], "summary": total}


def _report(report: Report) -> dict[str, Any]:
    score = report.score
    return {
        "file": report.file,
        "student": report.student or None,
        "problems": list(report.problems),
        "claims": [_claim(claim) for claim in report.claims],
        "score": {"earned": number(score.earned), "possible": number(score.possible)},
        "notes": list(report.notes),
    }


def _claim(claim: Claim) -> dict[str, Any]:
    diagnosis = claim.diagnosis
    cell = {} if claim.cell is None else {"cell": claim.cell}
    return {
        "id": claim.id,
        **cell,
        "line": claim.line,
        "text": claim.text,
        "members": [
            {"text": member.text, "verdict": member.verdict, "value": number(member.value), "note": member.note or None}
            for member in claim.members
        ],
        "verdict": claim.verdict,
        "first_wrong": claim.first_wrong,
        "follows_from": claim.follows_from,
        "expected": claim.expected,
        "diagnosis": {"code": diagnosis.code, "message": diagnosis.message} if diagnosis else None,
        "points": number(claim.points),
        "earned": number(claim.earned),
    }
