"""Check backpropagation homework and explain it.

    import gradcheck_cli as gc

    problem = gc.load("sigmoid-neuron")            # a path or a bundled name
    solution = gc.solve(problem)                   # .answers["1"].expr, .value; .edges; .agreement.ok
    report = gc.verify(problem, gc.read("a.yaml")) # .claims[0].verdict, .first_wrong, .diagnosis; .score
    expr = gc.parse("w0*a*(1 - a)", problem)       # str(formula) of an answer parses back

Nothing here prints, exits or reads the environment. Names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as type checkers understand it; the module that has it takes longer than all else here
if TYPE_CHECKING:
    from gradcheck_cli.errors import (
        DataError,
        DisagreementError,
        FileError,
        GradcheckError,
        ParseError,
        ProblemError,
        ShapeError,
        UnsupportedError,
    )
    from gradcheck_cli.problem import Problem, load
    from gradcheck_cli.solving import Solution, parse, solve
    from gradcheck_cli.verifying import Report, read, verify

_PLACES = {
    "DataError": "errors",
    "DisagreementError": "errors",
    "FileError": "errors",
    "GradcheckError": "errors",
    "ParseError": "errors",
    "Problem": "problem",
    "ProblemError": "errors",
    "Report": "verifying",
    "ShapeError": "errors",
    "Solution": "solving",
    "UnsupportedError": "errors",
    "load": "problem",
    "parse": "solving",
    "read": "verifying",
    "solve": "solving",
    "verify": "verifying",
}

__all__ = [
    "DataError",
    "DisagreementError",
    "FileError",
    "GradcheckError",
    "ParseError",
    "Problem",
    "ProblemError",
    "Report",
    "ShapeError",
    "Solution",
    "UnsupportedError",
    "load",
    "parse",
    "read",
    "solve",
    "verify",
]


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
