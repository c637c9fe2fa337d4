"""Asks the three witnesses for the same quantities at the same point and compares their numbers."""

from gradcheck_cli.crosscheck.arrays import crosscheck_arrays
from gradcheck_cli.crosscheck.model import BITS, TOLERANCE, Agreement, Check
from gradcheck_cli.crosscheck.scalars import complete, crosscheck, domain_notes, symbolic_values

__all__ = [
    "BITS",
    "TOLERANCE",
    "Agreement",
    "Check",
    "complete",
    "crosscheck",
    "crosscheck_arrays",
    "domain_notes",
    "symbolic_values",
]
