r"""The loss of one sample: `L_i`, `\nabla_W L_i`, `\frac{\partial L_i}{\partial z_i}`.

It is the loss of a batch of that sample alone, where the losses of all samples add up to the batch's, or are its mean.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError, UnsupportedError
from gradcheck_cli.expr import Call, Expr, Index, Name, Sum, mapped, names, number, substitute
from gradcheck_cli.parsing.samples import ALL
from gradcheck_cli.parsing.text import read_quietly
from gradcheck_cli.verifying.arrays.batches import has_index
from gradcheck_cli.verifying.arrays.compare import compare
from gradcheck_cli.verifying.arrays.identity import identity_scope
from gradcheck_cli.verifying.model import UNDECIDED

if TYPE_CHECKING:
    from gradcheck_cli.shapes import Size
    from gradcheck_cli.solving.array_engine import ArrayEngine
    from gradcheck_cli.verifying.arrays.match import ArrayMatcher
    from gradcheck_cli.verifying.arrays.texts.names import ArrayNames
    from gradcheck_cli.verifying.model import Claim
    from gradcheck_cli.verifying.texts.own import Own

SHARE = "the loss of one sample is its share in the mean here"
_ONE = number(1)
_NUMBER = "i'"  # of the sample while the sum is tried


@dataclass
class SingleLoss:
    """What the loss of one sample is in one problem, and in one text."""

    matcher: ArrayMatcher
    said: tuple[str, Expr] | None = None  # the letter and what the text says that it is, where that is something else
    share: bool = False  # whether L_i is the share of a sample in a mean, its 1/m with it
    used: bool = False  # in the formula at hand
    fixed: bool = False  # whether the text has shown which of the two it is
    derived: set[Expr] = field(default_factory=set)  # the derivatives of such losses that have come up
    _adds_up: bool | None = field(default=None, init=False)

    def put_in(self, expr: Expr) -> Expr:
        """The expression with losses of single samples, and derivatives of them, worked out.

        Raises UnsupportedError where the loss is none of single samples.
        """
        if not has_index(expr):
            return expr
        if self.sample_of(expr) is not None:
            return self.loss(expr.indices[0]) if isinstance(expr, Index) else expr
        if isinstance(expr, Call) and expr.function == "d" and (at := self.sample_of(expr.args[0])) is not None:
            found = self.derivative(at, expr.args[1])
            self.derived.add(found)
            return found
        return mapped(expr, self.put_in)

    def sample_of(self, expr: Expr) -> Expr | None:
        """The number of the sample where an expression is the loss of one; None for any other."""
        if isinstance(expr, Index) and expr.base == Name(self.engine.output) and len(expr.indices) == 1:
            return None if self.engine.shapes[self.engine.output] else expr.indices[0]
        return None

    def loss(self, at: Expr) -> Expr:
        """The loss of one sample."""
        if self.said is not None:
            return substitute(self.said[1], {self.said[0]: at})
        self.check()
        return self.shared(self.single(self.whole(Name(self.engine.output)), at))

    def shared(self, expr: Expr) -> Expr:
        """What is right of the loss of one sample, or of its share in the mean."""
        self.used = True
        return Call("div", (expr, self.lengths[0].expr())) if self.share else expr

    def derivative(self, at: Expr, wrt: Expr) -> Expr:
        """The derivative of the loss of one sample, by anything but other samples."""
        self.check()
        base, places = (wrt.base, wrt.indices) if isinstance(wrt, Index) else (wrt, ())
        place, batch = self.places.get(base.id, ("", False)) if isinstance(base, Name) else ("", False)
        whole = self.shared(self.single(self.engine.resolve(Call("d", (Name(self.engine.output), base))), at))
        if not batch:
            return Index(whole, places) if places else whole
        if len(places) != len(place) or places[place.index("i")] != at:
            message = "this is the loss of one sample, by another one or by all"
            raise UnsupportedError(message, hint="write the number of the same sample on both", span=wrt.span)
        kept = tuple(number(0) if sign in "i0" else one for sign, one in zip(place, places, strict=True))
        return Call("flatten", (whole,)) if ALL in place and Name(ALL) in kept else Index(whole, kept)

    def learn(self, claim: Claim, own: Own, known: ArrayNames) -> None:
        """Keep what a line says that the loss of one sample is, where it differs from ours: only its author knows."""
        if claim.verdict != UNDECIDED or claim.left is None or not claim.members or claim.members[0].source is None:
            return
        left = next(iter(read_quietly(claim.left, identity_scope(own.scope), latex=True)), None)
        if not isinstance(left, Index) or not isinstance(left.base, Name) or not isinstance(left.indices[0], Name):
            return
        letter = left.indices[0].id
        if self.sample_of(Index(own.definitions.get(left.base.id, left.base), left.indices)) is not None:
            entry = known.meaning(claim.members[0].source, latex=True, letters=frozenset({letter}))
            self.said = self.said if entry is None else (letter, entry)

    def unread(self, own: Own) -> bool:
        """Whether the text says what the loss of one sample is, in a line that could not be read."""
        output = Name(self.engine.output)
        losses = {output.id, *(name for name, meaning in own.definitions.items() if meaning == output)}
        return any(name.rstrip("_") in losses or name[:-1].rstrip("_") in losses for name in own.unread)

    # -- how it is worked out

    @property
    def engine(self) -> ArrayEngine:
        """The derivations of the problem."""
        return self.matcher.engine

    @property
    def places(self) -> dict[str, tuple[str, bool]]:
        """Where the number of a sample stands."""
        return self.matcher.places

    def whole(self, expr: Expr) -> Expr:
        """An expression in arrays with an axis for the batch and in what does not depend on these."""
        graph = self.engine.graph
        batch = {name for name, (_, one) in self.places.items() if one and name != self.engine.output}
        nodes = {node.name: node.expr for node in graph.nodes}
        if isinstance(expr, Name):
            mixed = expr.id in nodes and expr.id not in batch and graph.ancestors.get(expr.id, frozenset()) & batch
            return self.whole(nodes[expr.id]) if mixed else expr
        return mapped(expr, self.whole)

    def single(self, expr: Expr, at: Expr) -> Expr:
        """An expression with a batch of one sample in the place of every batch."""
        batch = {name: place for name, (place, one) in self.places.items() if one and name != self.engine.output}
        if set(names(expr)) - {*self.engine.graph.by_name, *self.engine.letters, *names(at)}:
            message = "this has no short formula for one sample"
            raise UnsupportedError(message, hint="write it for the batch")
        put: dict[str, Expr] = {name: _alone(Name(name), place, at) for name, place in batch.items()}
        letters = {
            letter for name, place in batch.items() for letter in self.engine.shapes[name][place.index("i")].letters
        }
        return substitute(expr, {**put, **dict.fromkeys(letters, _ONE)})

    def check(self) -> None:
        """Whether the losses of single samples add up to the loss, or have it as their mean. Raises UnsupportedError."""
        if self._adds_up is None:
            self._adds_up = self.adds_up()
        if not self._adds_up:
            message = f"{self.engine.output} is no sum or mean of losses of single samples"
            raise UnsupportedError(message, hint="say what its entries are")

    @cached_property
    def lengths(self) -> list[Size]:
        """How many samples there are, by each array of the batch."""
        return [
            self.engine.shapes[name][place.index("i")]
            for name, (place, one) in self.places.items()
            if one and name != self.engine.output
        ]

    def apart(self) -> bool:
        """Whether each sample goes through the graph by itself: no node mixes those of the batch."""
        at = Name(_NUMBER)
        above = self.engine.graph.ancestors
        batch = {name for name, (_, one) in self.places.items() if one and name != self.engine.output}
        nodes = [node for node in self.engine.graph.nodes if node.name in batch]
        if any(above.get(name, frozenset()) & batch for node in nodes for name in above[node.name] - batch):
            return False  # a mean over the batch goes back into its samples
        try:
            return all(
                compare(self.matcher.space, self.single(node.expr, at), _alone(Name(node.name), place, at)).kind
                == "equal"
                for node in nodes
                if (place := self.places[node.name][0])
            )
        except GradcheckError:
            return False

    def adds_up(self) -> bool:
        """Whether they do, tried at points."""
        output = self.engine.output
        if not self.lengths or any(one != self.lengths[0] for one in self.lengths):
            return False
        total: Expr = Sum(self.single(self.whole(Name(output)), Name(_NUMBER)), _NUMBER)
        try:
            ways = (total, Call("div", (total, self.lengths[0].expr())))
            kinds = [compare(self.matcher.space, way, Name(output)).kind == "equal" for way in ways]
        except GradcheckError:
            return False
        self.fixed = self.fixed or kinds[0]
        return any(kinds)


def _alone(name: Name, place: str, at: Expr) -> Expr:
    """One sample of an array as a batch of its own."""
    one = Call("ones", (_ONE,))
    match place:
        case "i":
            return Call("mul", (Index(name, (at,)), one))
        case "i:":
            return Call("transpose", (Call("outer", (Index(name, (at,)), one)),))
        case ":i":
            return Call("outer", (Index(Call("transpose", (name,)), (at,)), one))
    entry = Index(name, tuple(at if sign == "i" else number(0) for sign in place))
    return Call("outer", (Call("mul", (entry, one)), one))
