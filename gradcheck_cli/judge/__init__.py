"""The judge: are two expressions equal, is a number right? By values with guaranteed error; SymPy has no say in it."""

from gradcheck_cli.judge.array_decision import ArrayDecision
from gradcheck_cli.judge.array_space import ArrayPoints, ArraySpace, array_points
from gradcheck_cli.judge.arrays import compare_arrays
from gradcheck_cli.judge.compare import Decision, decide
from gradcheck_cli.judge.near import Behaviour, at_kink, behaviour
from gradcheck_cli.judge.nowhere import void
from gradcheck_cli.judge.numbers import NumberVerdict, number_verdict, places, rounding, with_rounding
from gradcheck_cli.judge.space import Space, Variable

__all__ = [
    "ArrayDecision",
    "ArrayPoints",
    "ArraySpace",
    "Behaviour",
    "Decision",
    "NumberVerdict",
    "Space",
    "Variable",
    "array_points",
    "at_kink",
    "behaviour",
    "compare_arrays",
    "decide",
    "number_verdict",
    "places",
    "rounding",
    "void",
    "with_rounding",
]
