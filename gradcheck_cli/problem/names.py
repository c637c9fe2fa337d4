"""The names of one problem file: what each is taken by, which letters are sizes, and how texts are parsed with them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError, ParseError
from gradcheck_cli.expand import scalar_only
from gradcheck_cli.functions import ALIASES, FUNCTIONS
from gradcheck_cli.parsing.arrays import index_letters
from gradcheck_cli.parsing.lexer import fold
from gradcheck_cli.parsing.names import Scope, scope
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.graph import Input
    from gradcheck_cli.problem.reader import Reader
    from gradcheck_cli.source import Source
    from gradcheck_cli.yamltree import Node

_NAME = re.compile(r"[A-Za-z\u0370-\u03ff][A-Za-z0-9_\u0370-\u03ff]*")


@dataclass(slots=True)
class Names:
    """The names of a problem while it is read.

    `declared` where each name stands
    `refused`  names that were wrong where they were declared: complained of once
    `letters`  where each letter of a size stands first
    `arrays`   whether anything in the problem is an array: texts are then read with entries, indices and sizes
    """

    read: Reader
    declared: dict[str, Node] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    letters: dict[str, Node] = field(default_factory=dict)
    arrays: bool = False

    def declare(self, key: Node, what: str, name: str = "") -> bool:
        """Take a name, a key's own or the one given; False, with an error, where it cannot be one or is taken."""
        name = name or key.text
        if not _NAME.fullmatch(name) or fold(name) != name:
            hint = "use letters, digits and _, a letter first; latex: says how it is printed"
            self.read.wrong(key, f'"{name}" cannot be the name of {what}', hint)
            self.refused.add(name)
            return False
        if name in self.declared:
            line = self.line(self.declared[name])
            self.read.wrong(key, f"{name} is declared twice, first in line {line}", "give one of them another name")
            return False
        self.declared[name] = key
        return True

    def line(self, node: Node) -> int:
        """The line of the file in which a node begins."""
        return self.read.file.line_column(node.span)[0]

    def sizes(self, letters: Mapping[str, Node]) -> None:
        """Take letters of sizes."""
        for letter, node in letters.items():
            if letter not in self.letters and (not _NAME.fullmatch(letter) or fold(letter) != letter):
                self.read.wrong(node, f'"{letter}" cannot be the letter of a size', "use letters, digits and _")
            self.letters.setdefault(letter, node)

    def check_letters(self) -> None:
        """A letter of a size that also names something else is an error."""
        for letter, node in self.letters.items():
            if letter in self.declared:
                line = self.line(self.declared[letter])
                message = f"{letter} is the letter of a size here and the name of something else in line {line}"
                self.read.wrong(node, message, "remove the other, a size is a number in expressions too; or rename it")

    def spellings(
        self,
        leaves: Iterable[Input],
        latex: Mapping[str, tuple[str, ...]],
        lets: Iterable[str],
    ) -> dict[str, tuple[str, ...]]:
        """For each name the LaTeX it is declared with; a spelling of two names is an error."""
        names_of = {leaf.name: leaf.latex for leaf in leaves}
        names_of.update(latex)
        names_of.update(dict.fromkeys(lets, ()))
        _, clashes = scope({**dict.fromkeys(self.letters if self.arrays else (), ()), **names_of})
        for spelling, owner, other in clashes:
            means = "is the letter of a size" if owner in self.letters else f"already means {owner}"
            message = f'the spelling "{spelling}" of {other} {means}'
            self.read.wrong(self.declared[other], message, "give it another spelling")
        return names_of

    def scope(
        self, names_of: Mapping[str, Iterable[str]], ancestors: Mapping[str, frozenset[str]] | None = None
    ) -> Scope:
        """What a text may say: the names, and in a problem of arrays the letters of sizes and of indices."""
        known = dict(names_of)
        if self.arrays:
            for letter in self.letters:
                known.setdefault(letter, ())
        found = scope(known, ancestors, index_letters(known) if self.arrays else ())[0]
        return replace(found, arrays=self.arrays)

    def parse(self, text: Source, vocabulary: Scope) -> Expr | None:
        """The expression of a text; None, with an error, where it is none."""
        try:
            self._hidden(text)
            found = parse(text, vocabulary)
            return found if self.arrays else scalar_only(found, text)
        except GradcheckError as error:
            if not any(f'"{name}" is no name' in error.message for name in self.refused):
                self.read.errors.append(error)
            return None

    def _hidden(self, text: Source) -> None:
        """Refuse a call of a function whose name the problem has given to something else."""
        for match in re.finditer(r"(?<![A-Za-z0-9_])([A-Za-z_][A-Za-z0-9_]*)\s*\(", text.text):
            word = match[1]
            function = ALIASES.get(word)
            place = self.declared.get(word) or self.letters.get(word)
            if function and place and FUNCTIONS[function].params:
                message = f"{word} is a name of this problem (line {self.line(place)}) and hides the function {word}(…)"
                from_span = Span(match.start(1), match.end(1))
                raise ParseError(
                    message, hint="give it another name, or write * for a product", source=text, span=from_span
                )
