"""The judge: are two expressions equal, is a number right? By values with guaranteed error; SymPy has no say in it."""

from gradcheck_cli.judge.compare import Decision, decide
from gradcheck_cli.judge.numbers import NumberVerdict, number_verdict, places, with_rounding
from gradcheck_cli.judge.space import Space, Variable

__all__ = [
    "Decision",
    "NumberVerdict",
    "Space",
    "Variable",
    "decide",
    "number_verdict",
    "places",
    "with_rounding",
]
