"""The table of names: which spellings mean which input, node, constant, size or function."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gradcheck_cli.functions import ALIASES, CONSTANTS, FUNCTIONS, OPERATORS, QUERIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ",
    "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ",
    "Omega": "Ω",
}  # fmt: skip
GREEK_WORDS = {letter: word for word, letter in GREEK.items() if not word.startswith("var")}
_ACCENTS = ("hat", "tilde", "bar")
_DECORATION = re.compile(r"\\(?:mathbf|boldsymbol|bm|mathrm|mathit|mathsf|text|vec|operatorname)\s*")
_PRIME = re.compile(r"\^\s*(?:\\prime|\{\s*\\prime\s*\})")


@dataclass(frozen=True, slots=True)
class Scope:
    """The names a text may use.

    `spellings`  plain spelling -> canonical name, the user's own; these win over everything built in
    `latex`      declared LaTeX spelling, in its normal form -> canonical name
    `ancestors`  node -> the names it is computed from, so that `a(x0)` can be read as notation for `a`
    `indices`    index letters that are bound where they are used
    `differentials`  whether dx may stand alone, as in dy = x dw
    `arrays`     whether brackets may hold the entries of an array
    `activations`  node -> what a function of it alone gives: what `g(z)` may mean
    `samples`    array -> where the number of a row, column or sample of it stands (`i:`, `:i`, `0i`), and whether it is
                 that of a sample of the batch; a number has none
    """

    spellings: Mapping[str, str]
    ancestors: Mapping[str, frozenset[str]] = field(default_factory=dict)
    latex: Mapping[str, str] = field(default_factory=dict)
    indices: frozenset[str] = frozenset()
    differentials: bool = False
    arrays: bool = False
    activations: Mapping[str, str] = field(default_factory=dict)
    samples: Mapping[str, tuple[str, bool]] = field(default_factory=dict)

    def name(self, word: str) -> str | None:
        """The canonical name of a word, or None."""
        found = self.spellings.get(word)
        if found is None and not word.isascii():
            found = self.spellings.get("".join(GREEK_WORDS.get(letter, letter) for letter in word))
        return found

    def function(self, word: str) -> str | None:
        """The function of that name, where no name of the user hides it."""
        return None if self.name(word) or word in self.indices else ALIASES.get(word)

    def query(self, word: str) -> str | None:
        """The query of that name; a name of the user does not hide it before a list of arguments."""
        return word if word in QUERIES else None

    def constant(self, word: str) -> str | None:
        """`pi` or `e`, where no name of the user hides it."""
        if self.name(word):
            return None
        plain = GREEK_WORDS.get(word, word)
        return plain if plain in CONSTANTS else None

    def piece(self, word: str) -> str | None:
        """A name or constant: what may stand as one factor of letters written together."""
        if word in self.indices or word in (":", "::"):
            return word
        return self.name(word) or self.constant(word)

    def suggestions(self, word: str) -> tuple[str, ...]:
        """Names and functions that look like the word, the nearest first."""
        functions = [name for name in (*FUNCTIONS, *QUERIES) if name not in OPERATORS and len(name) > 1]
        known = [*dict.fromkeys(self.spellings.values()), *(functions if len(word) > 2 else ())]
        lowered = {name.lower(): name for name in reversed(known)}
        if word.lower() in lowered:
            return (lowered[word.lower()],)
        return tuple(difflib.get_close_matches(word, known, n=3, cutoff=0.6))


def scope(
    declared: Mapping[str, Iterable[str]],
    ancestors: Mapping[str, frozenset[str]] | None = None,
    indices: Iterable[str] = (),
) -> tuple[Scope, tuple[tuple[str, str, str], ...]]:
    """The scope of names with their declared LaTeX spellings, and its clashes (spelling, name, other name).

    A name's own spelling always means itself; a derived spelling that two names share means neither.
    """
    spellings = {name: name for name in declared}
    derived: dict[str, set[str]] = {}
    clashes: list[tuple[str, str, str]] = []
    for name, latex in declared.items():
        for spelling in {plain for text in latex for plain in plain_spellings(text)}:
            owner = spellings.get(spelling, name)
            if owner != name:
                clashes.append((spelling, owner, name))
            spellings.setdefault(spelling, name)
    for name in declared:
        for spelling in _variants(name):
            derived.setdefault(spelling, set()).add(name)
    for spelling, owners in derived.items():
        if len(owners) == 1:
            spellings.setdefault(spelling, *owners)
    scripts = {normal_latex(text): name for name, latex in declared.items() for text in latex}
    return Scope(spellings, ancestors or {}, scripts, frozenset(indices)), tuple(clashes)


def normal_latex(text: str) -> str:
    r"""A LaTeX name without braces, blanks and type styles: `\hat{y}_{1}` and `\hat{y_1}` are one."""
    return re.sub(r"[{}\s$]", "", _PRIME.sub("'", _DECORATION.sub("", text)))


def _variants(name: str) -> set[str]:
    """Plain spellings that mean the same to a reader: `w0` and `w_0`, `yhat` and `y_hat`, `alpha` and `α`."""
    found: set[str] = set()
    if match := re.fullmatch(r"([A-Za-z]+)_?([0-9]+)", name):
        letters, digits = match.groups()
        found |= {letters + digits, f"{letters}_{digits}"}
    for accent in _ACCENTS:
        if match := re.fullmatch(rf"([A-Za-z])_?{accent}_?([0-9]*)", name):
            letter, digits = match.groups()
            found |= {letter + accent + digits, f"{letter}_{accent}{digits}", f"{letter}{digits}_{accent}"}
            found |= {f"{letter}{accent}_{digits}"} if digits else set()
            found |= {letter + digits + accent}
    if "_" in name:
        found.add(name.replace("_", ""))
    for word, letter in GREEK.items():
        if name == word or re.fullmatch(rf"{word}_?[0-9]+", name):
            found |= {name.replace(word, letter, 1), name.replace(word, letter, 1).replace("_", "")}
    return found - {name}


def plain_spellings(latex: str) -> set[str]:
    r"""The ways to type a LaTeX name on a keyboard: `\\alpha` is `alpha`, `\\hat{y}_1` is `yhat1`."""
    text = _DECORATION.sub("", latex.strip().strip("$"))
    if "^" in text:
        return set()
    text = re.sub(r"\\(hat|tilde|bar)\s*\{?\s*([A-Za-z])_?\{?([0-9]*)\}?\s*\}?", r"\2\1\3", text)
    text = re.sub(r"\\([A-Za-z]+)", r"\1", text)
    joined = re.sub(r"[{}\s]", "", text)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", joined):
        return set()
    return {joined, joined.replace("_", "")}
