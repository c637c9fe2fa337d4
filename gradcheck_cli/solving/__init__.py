"""Problem to Solution."""

from gradcheck_cli.solving.engine import Engine
from gradcheck_cli.solving.model import Answer, Quantity, Solution, SolvedEdge, SolvedNode
from gradcheck_cli.solving.options import assigned, known, parse, with_numbers
from gradcheck_cli.solving.solver import solve

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
    "with_numbers",
]
