"""What the symbolic witness says of a graph of arrays, in numbers: each entry exact or a ball."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gradcheck_cli.crosscheck.model import BITS
from gradcheck_cli.errors import GradcheckError, UnsupportedError
from gradcheck_cli.expr import Expr, names, number
from gradcheck_cli.grids import Grid, label
from gradcheck_cli.lowering import Shapes, in_numbers, lower
from gradcheck_cli.symbolic.entries import Entries
from gradcheck_cli.symbolic.evaluate import inner, outer, plan, sign_of, to_float
from gradcheck_cli.symbolic.limits import DerivedEntries
from gradcheck_cli.symbolic.reading import written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.symbolic.arrays import ArrayCalculus
    from gradcheck_cli.symbolic.terms import Term

MOST_ENTRIES = 20_000  # scalar operations of one quantity
MOST_IN_ALL = 80_000


@dataclass(frozen=True, slots=True)
class Valued:
    """The entries of an expression; `bent` where a function in it stands exactly on a kink, or a maximum ties."""

    grid: Grid
    bent: bool

    @property
    def floats(self) -> Grid:
        """The entries as doubles; nan where undefined."""
        return self.grid.map(to_float)


@dataclass(slots=True)
class Symbols:
    """Evaluates the symbolic witness's expressions at sizes in numbers.

    `left`      how many scalar operations may still be made      `notes`   why a quantity has no number
    `wrong`     what cannot be right: an expression whose own operands do not fit
    `nodes`     the expressions of the nodes seen so far
    """

    calculus: ArrayCalculus
    sizes: Mapping[str, int]
    left: int = MOST_IN_ALL
    notes: dict[str, None] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, Expr] = field(default_factory=dict)

    def node(self, name: str, expr: Expr, env: Mapping[str, Grid]) -> Valued | None:
        """The value of a node's expression, in primitive functions and in numbers already."""
        try:
            found = self._entries(expr, env)
        except GradcheckError as error:
            self.wrong[f"value({name})"] = error.message
            return None
        self.nodes[name] = expr
        return found

    def term(self, quantity: str, term: Term, env: Mapping[str, Grid]) -> Valued | None:
        """The value of a result of the calculus; None where it has none, and `notes` says why."""
        return self.expression(quantity, written(self.calculus.algebra, term), env)

    def expression(self, quantity: str, expr: Expr, env: Mapping[str, Grid]) -> Valued | None:
        """The value of an expression in names of the graph and of adjoints."""
        known = Shapes(self.calculus.shapes, frozenset(self.sizes))
        numbers = {letter: number(count) for letter, count in self.sizes.items()}
        try:
            return self._entries(in_numbers(lower(expr, known).expr, numbers), env, self.nodes)
        except GradcheckError as error:  # what the calculus has written does not fit together
            self.wrong[quantity] = error.message
            return None

    def _entries(
        self, expr: Expr, env: Mapping[str, Grid], definitions: Mapping[str, Expr] | None = None
    ) -> Valued | None:
        most = min(MOST_ENTRIES, self.left)
        found = dict.fromkeys(names(expr))
        below = (definitions[name] for name in tuple(found) if definitions is not None and name in definitions)
        found.update(dict.fromkeys(name for one in below for name in names(one)))
        used = [name for name in found if name in env]
        shapes = {name: env[name].shape for name in used}
        work = Entries(shapes, most) if definitions is None else DerivedEntries(shapes, definitions, most)
        try:
            made = work.grid(expr)
        except UnsupportedError:
            self.left -= most - max(work.left, 0)
            if work.left >= 0:
                raise
            self.notes.setdefault("the sizes are too large for the symbolic witness to work out every entry")
            return None
        self.left -= most - work.left
        steps = plan(made.items)
        point = {
            label(name, place): inner(item)
            for name in used
            for place, item in zip(env[name].places(), env[name].items, strict=True)
        }
        results = steps.run(point, BITS)
        bent = any(results[slot] is not None and sign_of(results[slot]) == 0 for slot in steps.kinks)
        return Valued(Grid(made.shape, tuple(outer(results[slot]) for slot in steps.outputs)), bent)
