"""The witness by differences: values to 50 digits, slopes from both sides, and no derivative rule at all.

It may import the expressions, the functions' names, the graph, the shapes and mpmath, and none of the other witnesses.
"""

from gradcheck_cli.probe.differences import Slope
from gradcheck_cli.probe.elementary import RULES
from gradcheck_cli.probe.numbers import CONTEXT, DIGITS, Real, as_float, real
from gradcheck_cli.probe.scalars import Probe, Program, compile_expr, compile_graph

__all__ = [
    "CONTEXT",
    "DIGITS",
    "RULES",
    "Probe",
    "Program",
    "Real",
    "Slope",
    "as_float",
    "compile_expr",
    "compile_graph",
    "real",
]
