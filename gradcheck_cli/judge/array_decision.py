"""What the judge finds of two expressions of arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradcheck_cli.grids import Grid
    from gradcheck_cli.judge.setting import Binding
    from gradcheck_cli.shapes import Shape
    from gradcheck_cli.symbolic.evaluate import Value


@dataclass(frozen=True, slots=True)
class ArrayDecision:
    """`kind` is `equal`, `different`, `nowhere`, `shape`, `letters` or `undecided`, `reason` says why, `note` what a reader should know of it.

    `shapes`          of the two sides
    `sizes`           the letters' numbers at which they differ
    `letters`, `place`  the entry that differs: values of free index letters, and its index
    `left`, `right`   its values there
    `counterexample`  the inputs there, each as a grid. With `equal`: at a kink only, where conventions differ
    `points`          how many points agreed
    """

    kind: str
    reason: str
    shapes: tuple[Shape, Shape] | None = None
    sizes: tuple[tuple[str, int], ...] = ()
    letters: Binding = ()
    place: tuple[int, ...] = ()
    left: Value = None
    right: Value = None
    counterexample: tuple[tuple[str, Grid], ...] | None = None
    points: int = 0
    note: str = ""
