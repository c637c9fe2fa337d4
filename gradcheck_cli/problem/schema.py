"""The JSON Schema of problem files, from the same table of fields that reads them."""

from __future__ import annotations

from typing import Any

from gradcheck_cli.problem.fields import SECTIONS, Field

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NUMBER = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[+-]?[0-9]+\s*/\s*[0-9]+$"}]}
_EXPRESSION = {"type": ["string", "number"], "description": "An expression, such as w0*x0 + w1*x1"}
_SIZE = {"type": ["string", "integer"]}
_TEXTS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


def problem_schema() -> dict[str, Any]:
    """The schema of a problem file; each section of the table is a definition."""
    definitions = {name: _section(fields) for name, fields in SECTIONS.items() if name not in ("problem", "answers")}
    return {
        "$schema": _DIALECT,
        "title": "gradcheck problem",
        **_section(SECTIONS["problem"]),
        "$defs": definitions,
    }


def _section(fields: tuple[Field, ...]) -> dict[str, Any]:
    required = [field.name for field in fields if field.required]
    section: dict[str, Any] = {
        "type": "object",
        "properties": {field.name: {"description": field.about, **_holds(field)} for field in fields},
        "additionalProperties": False,
    }
    return {**section, "required": required} if required else section


def _holds(field: Field) -> dict[str, Any]:
    nested = {"anyOf": [*_NUMBER["anyOf"], {"type": "array"}]}
    simple: dict[str, dict[str, Any]] = {
        "text": {"type": ["string", "number"]},
        "expression": _EXPRESSION,
        "number": _NUMBER,
        "flag": {"type": "boolean"},
        "texts": _TEXTS,
        "names": {"anyOf": [_SIZE, {"type": "array", "items": _SIZE}]},
        "size": _SIZE,
        "numbers": nested,
        "choice": {"enum": list(field.choices)},
        "answer": {"anyOf": [_EXPRESSION, {"type": "array", "items": _EXPRESSION}, _ANSWER]},
    }
    if field.holds == "mapping":
        return {"type": "object", "additionalProperties": _inside(field.inside)}
    if field.holds == "items":
        return {"type": "array", "items": _inside(field.inside)}
    return simple[field.holds]


_ANSWER = {
    "type": "object",
    "properties": {"expression": _EXPRESSION, "value": _EXPRESSION},
    "additionalProperties": False,
}


def _inside(name: str) -> dict[str, Any]:
    if name == "expression":
        return _EXPRESSION
    if name == "number":
        return _NUMBER
    reference = {"$ref": f"#/$defs/{name}"}
    if name == "input":
        return {"anyOf": [*_NUMBER["anyOf"], {"type": "array"}, reference]}
    if name == "node":
        return {"anyOf": [_EXPRESSION, reference]}
    return reference if name in SECTIONS else {"type": "object"}
