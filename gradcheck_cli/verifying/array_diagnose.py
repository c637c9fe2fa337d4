"""Which mistake a wrong answer about arrays is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.verifying.model import Diagnosis

if TYPE_CHECKING:
    from gradcheck_cli.solving.array_engine import ArrayEngine
    from gradcheck_cli.verifying.array_match import ArrayMatcher
    from gradcheck_cli.verifying.match import Read, Truth


def diagnose(engine: ArrayEngine, matcher: ArrayMatcher, truth: Truth, read: Read) -> Diagnosis | None:
    """The mistake behind a wrong member, or None where nothing fits."""
    del engine, matcher, truth
    if read.member.note == "rounding":
        return Diagnosis("rounding", "nearly right: the last digit is neither rounded nor cut off correctly")
    return None
