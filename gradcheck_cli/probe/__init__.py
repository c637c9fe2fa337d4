"""The witness by differences: values to 50 digits, slopes from both sides, and no derivative rule at all.

It may import the expressions, the functions' names, the graph, the shapes and mpmath, and none of the other witnesses.
"""

from gradcheck_cli.probe.arrays import ARRAY_RULES
from gradcheck_cli.probe.differences import Slope
from gradcheck_cli.probe.elementary import RULES
from gradcheck_cli.probe.numbers import CONTEXT, DIGITS, Real, as_float, real
from gradcheck_cli.probe.scalars import Probe, Program, compile_expr, compile_graph
from gradcheck_cli.probe.tensors import MOST_STEPS, ArrayProbe, compile_arrays

__all__ = [
    "ARRAY_RULES",
    "CONTEXT",
    "DIGITS",
    "MOST_STEPS",
    "RULES",
    "ArrayProbe",
    "Probe",
    "Program",
    "Real",
    "Slope",
    "as_float",
    "compile_arrays",
    "compile_expr",
    "compile_graph",
    "real",
]
