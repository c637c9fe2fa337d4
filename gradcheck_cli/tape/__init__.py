"""The tape: reverse mode in NumPy, float64, with hand-written vector-Jacobian products.

`compile_graph(graph).forward(values)` is a run: values by name, gradients, what one node sends to its sources. The
package may import the expression, the graph, shapes and NumPy; never SymPy, never another witness.
"""

from gradcheck_cli.tape.arrays import ARRAY_RULES, ArrayRule
from gradcheck_cli.tape.flatten import Step
from gradcheck_cli.tape.glance import MOST_STEPS, Glance, multiple, near, same, vanishes
from gradcheck_cli.tape.numbers import RULES, Rule
from gradcheck_cli.tape.run import Run, Tape, compile_graph

__all__ = [
    "ARRAY_RULES",
    "MOST_STEPS",
    "RULES",
    "ArrayRule",
    "Glance",
    "Rule",
    "Run",
    "Step",
    "Tape",
    "compile_graph",
    "multiple",
    "near",
    "same",
    "vanishes",
]
