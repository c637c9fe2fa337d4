"""Problem to Solution."""

from gradcheck_cli.solve.engine import Engine
from gradcheck_cli.solve.model import Answer, Quantity, Solution, SolvedEdge, SolvedNode
from gradcheck_cli.solve.options import assigned, known, parse
from gradcheck_cli.solve.solver import solve, with_values

__all__ = [
    "Answer",
    "Engine",
    "Quantity",
    "Solution",
    "SolvedEdge",
    "SolvedNode",
    "assigned",
    "known",
    "parse",
    "solve",
    "with_values",
]
