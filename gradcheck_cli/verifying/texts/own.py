"""What a student brings along: names of the student's own, and values that a line assumes for those below it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError, ParseError
from gradcheck_cli.expr import (
    TOTAL,
    Call,
    Expr,
    Index,
    Name,
    Sum,
    children,
    functions,
    mapped,
    names,
    number,
    size,
    substitute,
    walk,
    with_children,
)
from gradcheck_cli.functions import ALIASES
from gradcheck_cli.parsing.names import Scope, plain_spellings, scope
from gradcheck_cli.parsing.samples import ERRORS
from gradcheck_cli.parsing.text import read_quietly, readings
from gradcheck_cli.verifying.gradients import Gradients
from gradcheck_cli.verifying.typed import as_typed_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from fractions import Fraction

    from gradcheck_cli.problem import Problem
    from gradcheck_cli.source import Source

OWN = "a name of the student's own"
MOST_NAMES = 200
LONGEST_MEANING = 2000  # tree nodes that the names of one formula stand for
RATES = ("eta", "lr", "alpha", "learning_rate", "learningrate")
LONGEST_NAME = 200  # characters of a left side that may be one
_LET = re.compile(r"(?:let|we define|define|with|where|say|set|call)\s+", re.IGNORECASE)
_ARGUMENTS = re.compile(r"\s*(?:\\left)?\([^()=]*(?:\\right)?\)$")
_LABEL = re.compile(r"\^\s*\{?\s*[(\[][A-Za-z0-9]+[)\]]\s*\}?")
_NUMBERED = re.compile(r"\^\s*\{?\s*[(\[]\s*(?P<number>[0-9]+)\s*[)\]]\s*\}?$")  # δ^{(2)} is δ_2
_NAME = re.compile(
    r"(?:\\(?:hat|tilde|bar|mathbf|mathcal|mathrm|text|vec|boldsymbol)\s*\{?\s*[A-Za-z]+(?:_\{?[A-Za-z0-9]+\}?)?\s*\}?"
    r"|\\?[A-Za-z]+[0-9]*|[\u0370-\u03ff])(?:_\s*(?:\{[A-Za-z0-9, ]+\}|[A-Za-z0-9]+))?"
)
_POINT = re.compile(r"(?:\||\\[rl]?vert|\\right\s*[\]|)]|[\])])\s*_\s*\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
_RESERVED = frozenset({"d", "e", "pi", "\\pi", "\\partial", "\\sigma", "sigma", "\\nabla", "\\sum"})


@dataclass(slots=True)
class Own:
    """One text's own names against one problem, as far as it has been read.

    `scope`        the problem's names and the student's
    `definitions`  the student's names, in names of the problem
    `seconds`      what names stand for otherwise, by another line or member: tried where the first makes a claim wrong
    `assumed`      values of inputs that the text has set, and the line that did
    `gradients`    what `dZ` stands for
    `entries`      names given by their entries, as in `e_j = p_j - y_j`: the letters, and what an entry is
    `unequal`      two index letters that are said to differ
    `unread`       names that the text defines by something that cannot be read
    `updated`      values of parameters after a step, as the text has worked them out
    `nodes`        names that are given as numbers, and the node that each is where one has that number
    `single`       puts in the loss of one sample, `L_i`
    `seeded`       what a loss behind the output is, where the problem says what arrives there
    """

    scope: Scope
    definitions: dict[str, Expr] = field(default_factory=dict)
    seconds: dict[str, Expr] = field(default_factory=dict)
    assumed: dict[str, tuple[Fraction, int]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)  # of the definitions
    gradients: Gradients = field(default_factory=Gradients)
    entries: dict[str, tuple[tuple[str, ...], Expr]] = field(default_factory=dict)
    unequal: frozenset[str] = frozenset()
    unread: set[str] = field(default_factory=set)
    nodes: dict[str, Expr | None] = field(default_factory=dict)
    updated: dict[str, Fraction] = field(default_factory=dict)
    single: Callable[[Expr], Expr] | None = None
    seeded: Expr | None = None

    def readings(self, source: Source, *, latex: bool) -> tuple[Expr, ...]:
        """Every reading of a text, with the student's names replaced by what they stand for.

        Raises ParseError where there is none.
        """
        found = readings(source, self.scope, latex=latex)
        return tuple(dict.fromkeys(one for expr in found for one in self.variants(expr)))

    def expanded(self, expr: Expr) -> Expr:
        """A reading with the student's names replaced by what they stand for.

        Raises ParseError where definitions of definitions make it too long.
        """
        if (
            self.sizes
            and sum(self.sizes.get(part.id, 0) for part in walk(expr) if isinstance(part, Name)) > LONGEST_MEANING
        ):
            message = "the names in it stand for too long an expression"
            raise ParseError(message, hint="write it in names of the problem", span=expr.span)
        if self.entries:
            expr = self.with_entries(expr)
        if self.nodes:
            expr = self.moving(expr)
        if TOTAL in functions(expr) or not self.definitions.keys().isdisjoint(names(expr)):
            expr = substitute(expr, self.without_indices(expr))
        expr = expr if self.seeded is None else _arriving(expr, self.seeded)
        return self.apart(expr if self.single is None else self.single(expr))

    def without_indices(self, expr: Expr) -> dict[str, Expr]:
        """The definitions without letters that are indices in an expression: the l of W_{il} is no loss there."""
        letters = {index.id for part in walk(expr) for index in _indices(part) if isinstance(index, Name)}
        if letters.isdisjoint(self.definitions):
            return self.definitions
        return {
            name: meaning
            for name, meaning in self.definitions.items()
            if name not in letters or not any(map(self.scope.name, names(meaning)))
        }

    def moving(self, expr: Expr) -> Expr:
        """An expression with names that are given as numbers as nodes where they are differentiated: a number moves with nothing.

        Raises ParseError where it is not known which node that is.
        """
        if isinstance(expr, Call) and expr.function == "d":
            for arg in expr.args:
                if isinstance(arg, Name) and arg.id in self.nodes and self.nodes[arg.id] is None:
                    message = f"{arg.id} is known by its number only"
                    raise ParseError(message, hint="say what it is computed from", span=arg.span)
            known = {name: node for name, node in self.nodes.items() if node is not None}
            return with_children(
                expr, tuple(known.get(arg.id, arg) if isinstance(arg, Name) else arg for arg in expr.args)
            )
        return mapped(expr, self.moving)

    def apart(self, expr: Expr) -> Expr:
        """An expression with Kronecker's delta of two letters that differ as 0."""
        if not self.unequal:
            return expr
        if isinstance(expr, Call) and expr.function in ("delta", "eq") and set(names(expr)) == self.unequal:
            return number(0)
        return mapped(expr, self.apart)

    def with_entries(self, expr: Expr) -> Expr:
        """An expression with entries of names that are given by their entries."""
        if isinstance(expr, Index) and isinstance(expr.base, Name) and expr.base.id in self.entries:
            letters, entry = self.entries[expr.base.id]
            if len(letters) == len(expr.indices):
                return substitute(entry, dict(zip(letters, expr.indices, strict=True)))
        if isinstance(expr, Name) and expr.id in self.entries:
            whole = without_letters(self.entries[expr.id][1], self.entries[expr.id][0])
            if whole is None:
                message = f"{expr.id} is known by its entries only"
                raise ParseError(message, hint="write it with its index", span=expr.span)
            return whole
        return mapped(expr, self.with_entries)

    def meanings(self, expr: Expr) -> tuple[Expr, ...]:
        """As `variants`, and `dZ` as the gradient by Z in every way in which the text may mean it."""
        return tuple(one for variant in self.variants(expr) for one in self.gradients.put_in(variant))

    def variants(self, expr: Expr) -> tuple[Expr, ...]:
        """As `expanded`; and with names in their second meaning, where they have one."""
        if not self.seconds or not set(names(expr)) & set(self.seconds):
            return (self.expanded(expr),)
        return self.expanded(expr), self.expanded(substitute(expr, self.seconds))

    def define(self, left: Source, meaning: Expr) -> None:
        """Enter a name; a later definition replaces an earlier one."""
        spelling = own_name(left)
        if spelling is None or len(self.definitions) >= MOST_NAMES:
            return
        name = self.scope.name(spelling) or spelling
        if name in self.scope.spellings and name not in self.definitions and name not in self.entries:
            return  # a name of the problem
        self.definitions[name] = meaning
        self.entries.pop(name, None)
        self.nodes.pop(name, None)
        self.enter(name, left, meaning)

    def define_entries(self, left: Source, letters: tuple[str, ...], entry: Expr) -> bool:
        """Enter a name by its entries; whether it could be."""
        if left.text.strip() == "e" and self.scope.name("e") is None:
            left = left.part(ERRORS, (0,) * (len(ERRORS) + 1))
        name = ERRORS if left.text == ERRORS else own_name(left)
        if name is None or self.scope.name(name) not in (None, *self.entries) or len(self.entries) >= MOST_NAMES:
            return False
        self.entries[name] = letters, entry
        self.enter(name, left, entry)
        if len(letters) == 1:
            self.scope = replace(self.scope, samples={**self.scope.samples, name: ("i", True)})
        return True

    def rate(self, problem: Problem) -> bool:
        """Whether the text takes another learning rate than the problem."""
        said = (as_typed_number(self.definitions[name]) for name in RATES if name in self.definitions)
        return any(one is not None and one.value != problem.learning_rate for one in said)

    def forget(self, name: str) -> None:
        """Make a name unknown again."""
        self.definitions.pop(name, None)
        self.scope = replace(
            self.scope,
            spellings={text: meant for text, meant in self.scope.spellings.items() if meant != name},
            latex={text: meant for text, meant in self.scope.latex.items() if meant != name},
        )

    def enter(self, name: str, left: Source, meaning: Expr) -> None:
        """Make a name known, with the spelling of its left side."""
        small, _ = scope({name: (bare(left.text),)})
        above = frozenset(names(meaning))
        above = above.union(*(self.scope.ancestors.get(used, frozenset()) for used in above))
        self.sizes[name] = size(meaning, LONGEST_MEANING + 1)
        self.seconds.pop(name, None)
        self.scope = replace(
            self.scope,
            spellings={**small.spellings, **self.scope.spellings},
            latex={**small.latex, **self.scope.latex},
            ancestors={**self.scope.ancestors, name: above},
        )

    def stands(self, left: Source, node: Expr | None) -> None:
        """A name that is given as a number, with the node that it is."""
        spelling = own_name(left)
        if spelling and (name := self.scope.name(spelling)) in self.definitions:
            self.nodes[name] = node

    def otherwise(self, left: Source, meanings: list[Expr]) -> None:
        """What else a name may stand for: the last member that differs from its meaning, where its own line is wrong."""
        spelling = own_name(left)
        if meanings and spelling and (name := self.scope.name(spelling)) in self.definitions:
            self.seconds[name] = meanings[-1]

    def assume(self, name: str, value: Fraction, line: int) -> None:
        """Set an input to a value for the lines below."""
        self.assumed[name] = (value, line)


def without_letters(expr: Expr, letters: tuple[str, ...]) -> Expr | None:
    """The whole array that an entry is one of, where every array in it has just these letters; None for any other."""
    if isinstance(expr, Index):
        at = tuple(index.id for index in expr.indices if isinstance(index, Name))
        return expr.base if at == letters else None
    if isinstance(expr, Sum) or (isinstance(expr, Name) and expr.id in letters):
        return None
    below = tuple(without_letters(child, letters) for child in children(expr))
    found = tuple(child for child in below if child is not None)
    return with_children(expr, found) if len(found) == len(below) and below else expr if not below else None


def bare(text: str) -> str:
    """A left side without the words before it, its arguments and its label: `let u(x_0)` is `u`."""
    plain = _ARGUMENTS.sub("", _LET.sub("", text.strip()))
    return _LABEL.sub("", _NUMBERED.sub(r"_{\g<number>}", plain)).strip()


def own_name(left: Source) -> str | None:
    """The name that a left side would give to something, as it would be typed; None where it is no single name."""
    if len(left.text) > LONGEST_NAME:
        return None
    text = bare(left.text)
    known = text.lstrip("\\") in ALIASES and text != "\\delta"  # Kronecker's has two letters below it
    if not _NAME.fullmatch(text) or text in _RESERVED or known:
        return None
    spellings = sorted(plain_spellings(text), key=lambda spelling: ("_" in spelling, spelling))
    return spellings[0] if spellings else text if len(text) == 1 else None


def unknown_argument(left: Source, known: Scope) -> tuple[str, str] | None:
    """A function of a letter that means nothing here, as in φ_1(x): the name and the letter."""
    if len(left.text) > LONGEST_NAME:
        return None
    match = re.fullmatch(r"(.+?)\s*(?:\\left)?\(\s*([A-Za-z])\s*(?:\\right)?\)", left.text.strip())
    if match is None or known.name(match[2]):
        return None
    return match[1].rstrip("' "), match[2]


def with_letter(known: Scope, letter: str, name: str) -> Scope:
    """The scope in which a letter stands for a name."""
    return replace(known, spellings={**known.spellings, letter: name})


def taken_at(sources: Iterable[Source], known: Scope) -> dict[str, Fraction]:
    r"""The values at which a formula says that it is taken: `\bigg|_{x=2}`."""
    found: dict[str, Fraction] = {}
    for source in sources:
        for match in _POINT.finditer(source.text):
            for part in match[1].split(","):
                left, _, right = part.partition("=")
                names, values = (read_quietly(side, known, latex=True) for side in (left, right))
                number = as_typed_number(values[0]) if values else None
                if names and isinstance(names[0], Name) and number is not None:
                    found[names[0].id] = number.value
    return found


def meant_by(ways: Iterable[Expr], meanings: Callable[[Expr], tuple[Expr, ...]]) -> Iterator[tuple[Expr, Expr]]:
    """Each reading with each of its meanings in names of the problem, those that have one.

    Raises what stood in the way where none has.
    """
    failed, found = None, False
    for way in ways:
        try:
            meant = meanings(way)
        except GradcheckError as error:
            failed = failed or error
            continue
        for one in meant:
            found = True
            yield way, one
    if failed is not None and not found:
        raise failed


def _indices(part: Expr) -> tuple[Expr, ...]:
    """What stands in the place of an index: of an entry, of Kronecker's delta."""
    if isinstance(part, Index):
        return part.indices
    return part.args if isinstance(part, Call) and part.function == "delta" else ()


def _arriving(expr: Expr, loss: Expr) -> Expr:
    """An expression with what arrives at x for the derivative by x of a loss that the problem does not have itself."""
    if isinstance(expr, Call) and expr.function == "d" and expr.args[0] == loss:
        by = expr.args[1]
        if isinstance(by, Index):
            return Index(Call("upstream", (by.base,), (), expr.span), by.indices, expr.span)
        return Call("upstream", (by,), (), expr.span)
    return mapped(expr, lambda child: _arriving(child, loss))
