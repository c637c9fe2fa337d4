"""An expression together with how it is written: what results hand out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gradcheck_cli.write.latex import LatexWriter
from gradcheck_cli.write.text import iverson, write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sized

    from gradcheck_cli.expr import Expr


@dataclass(frozen=True, slots=True)
class Formula:
    """`str(formula)` is plain text that parses back; `latex` uses the problem's own spellings.

    `shapes` has the shapes of names where there are arrays: LaTeX writes their products with two signs.
    """

    tree: Expr
    names: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    shapes: Mapping[str, Sized] = field(default_factory=dict, compare=False, repr=False)

    def __str__(self) -> str:
        return write(self.tree)

    @property
    def latex(self) -> str:
        """The expression in LaTeX, without `$`."""
        return LatexWriter(self.names, self.shapes).write(self.tree)

    @property
    def shown(self) -> str:
        """For a reader: as `str`, with branches as `[z > 0]`."""
        return iverson(self.tree)
