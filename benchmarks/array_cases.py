r"""Cases about problems with arrays: right answers in many forms, and wrong ones with one known fault each.

Derivatives are composed edge by edge (`array_compose.py`) or taken from the problem file's own answers, written anew
(`array_forms.py`) and evaluated in NumPy at four draws of two choices of sizes. A fault is *distinguishable* where its
values differ from the truth's; faults with the same values share their names. Cases are formulas in LaTeX (`\odot`,
`^\top`; `\circ`, `^T`) and answers to a query in plain spelling, by turns.
"""

from __future__ import annotations

import random

import numpy as np
from array_calculus import neg
from array_compose import Composer
from array_forms import Entries, exchanged
from array_numbers import DRAWS, NoValueError, same
from array_queries import Queries, is_symbolic
from array_writing import array_text, matrix_text, notations, number_text
from judging import Case

from gradcheck_cli import shapes
from gradcheck_cli.expr import Call, Index, Name, names, walk
from gradcheck_cli.write.text import write

MOST_FAULTS = 40  # of one query
MOST_ENTRIES = 3000


def cases_of(examiner):
    problem = examiner.problem
    yield from of_shapes(problem)
    sizes = [
        shapes.count(shape).at(dict.fromkeys(shapes.count(shape).letters, 6)) for shape in problem.graph.shapes.values()
    ]
    if sum(sizes) > MOST_ENTRIES:
        return
    composer = Composer(problem)
    chance = random.Random(problem.name)  # noqa: S311 - the same choice in every run
    for query in (one for one in Queries(composer).all() if one is not None):
        writers = notations(problem.latex, composer.env)
        yield from of_forms(problem, query, writers)
        yield from of_entries(problem, composer, query, writers)
        yield from of_faults(problem, composer, query, writers, chance)
        yield from of_numbers(problem, composer, query)


def formula(query, writer, expr):
    """The claim in LaTeX; None where there is no such spelling."""
    if query.left is None:
        return None
    try:
        return f"${left_side(query, writer)} = {writer.write(expr)}$\n"
    except NoValueError:
        return None


def left_side(query, writer):
    if isinstance(query.left, Call) and query.left.function == "new":
        return rf"{writer.write(query.left.args[0])}^{{new}}"
    return writer.write(query.left)


def of_forms(problem, query, writers):
    """Right answers in every notation, as chains, with a name of the student's own."""
    for at, (name, expr) in enumerate(dict.fromkeys(query.forms)):
        yield Case(problem.name, name, write(expr), ask=query.ask)
        for writer in writers:
            if text := formula(query, writer, expr):
                yield Case(problem.name, f"{name}, LaTeX", text)
        if at and (text := formula(query, writers[at % 2], expr)):
            before = query.forms[0][1]
            try:
                chained = text.replace(" = ", f" = {writers[at % 2].write(before)} = ", 1)
            except NoValueError:
                continue
            yield Case(problem.name, f"{name}, chain", chained)
    for name, expr in query.forms[:1]:
        yield from with_own_name(problem, query, writers[0], name, expr)


def with_own_name(problem, query, writer, name, expr):
    """A part of the answer under a name that the text defines."""
    if query.left is None or not isinstance(expr, Call):
        return
    parts = [
        part
        for part in walk(expr)
        if isinstance(part, Call) and part != expr and part.function in ("add", "mul", "matmul")
    ]
    for part in parts[:1]:
        try:
            whole, defined = writer.write(expr), writer.write(part)
            left = left_side(query, writer)
        except NoValueError:
            return
        own = next(letter for letter in "EDBQTF" if letter not in {*problem.graph.by_name, *dict(problem.lets)})
        if whole.count(defined) == 1:
            text = f"Let ${own} = {defined}$.\n\n${left} = {whole.replace(defined, own)}$\n"
            yield Case(problem.name, f"{name}, own name", text)


def of_entries(problem, composer, query, writers):
    """An entry at index letters, with sums over letters; two letters exchanged."""
    shape = composer.calculus.shape(query.right)
    if (
        query.left is None
        or not shape
        or not isinstance(query.left, Call)
        or query.left.function == "new"
        or "local" in query.ask
    ):
        return
    for name, expr in query.forms[:2]:
        entries = Entries(composer.env, {*problem.graph.by_name, *composer.env})
        at = tuple(Name(letter) for letter in entries.free[: len(shape)])
        entries.free = entries.free[len(shape) :]
        try:
            found = entries.of(expr, at)
        except NoValueError:
            continue
        letters = [one.id for one in at]
        ask = f"{query.ask}[{', '.join(letters)}]"
        yield Case(problem.name, f"{name}, entries", write(found), ask=ask)
        for writer in writers:
            try:
                yield Case(problem.name, f"{name}, entries, LaTeX", f"${writer.write(found)}$", ask=ask)
                left = writer.entry(Index(query.left, at))[0]
                yield Case(problem.name, f"{name}, entries, formula", f"${left} = {writer.write(found)}$\n")
            except NoValueError:
                continue
        yield Case(problem.name, "sign, entries", write(neg(found)), frozenset({"sign"}), ask=ask)
        if len(set(shape)) == 2 and 1 not in shape:
            swapped = exchanged(found, *letters)
            yield Case(problem.name, "index, entries", write(swapped), frozenset({"index", "transpose"}), ask=ask)


def of_faults(problem, composer, query, writers, chance):
    """One case for each distinguishable fault, in LaTeX or as an answer by turns."""
    truth = composer.values(query.right)
    also = truth if query.also is None else composer.values(query.also)
    known = []
    for codes, expr in dict.fromkeys(query.faults):
        found = composer.values(expr)
        given = any(leaf.entries is not None for leaf in problem.graph.inputs)
        # one may have been worked out at inputs of the student's own, or be the right one with fewer digits
        plain_number = not names(expr) and (not given or (np.ndim(truth[0]) == 0 and rounded(found[0], truth[0])))
        spread = query.ask.startswith("local") and same(
            found, [fitted(*pair) for pair in zip(truth, found, strict=True)]
        )
        if (
            not any(same(found[:many], right[:many]) for right in (truth, also) for many in (1, DRAWS))
            and not is_symbolic(expr)
            and not plain_number
            and not spread
        ):
            known.append((codes, expr, found))
    chosen = chance.sample(known, MOST_FAULTS) if len(known) > MOST_FAULTS else known
    for at, (code, expr, found) in enumerate(chosen):
        alike = [
            other
            for other, same_expr, values in known
            if (values[0] is not None and same(values, found)) or same_expr == expr
        ]
        codes = frozenset(one for other in alike for one in other.split("|"))
        own = code.split("|")[0]
        text = formula(query, writers[at // 2 % 2], expr) if at % 2 else None
        if text:
            yield Case(problem.name, f"{own}, LaTeX", text, codes)
        else:
            yield Case(problem.name, own, write(expr), codes, ask=query.ask)


def fitted(right, found):
    """The right values in the shape of others that say the same for a whole axis: 1/s for each entry of a row."""
    if right is None or found is None or np.ndim(right) != np.ndim(found):
        return right
    first = tuple(slice(0, 1) if few == 1 else slice(None) for few in np.shape(found))
    kept = np.asarray(right)[first]
    return (
        kept
        if np.shape(kept) == np.shape(found) and np.allclose(np.broadcast_to(kept, np.shape(right)), right)
        else right
    )


def of_numbers(problem, composer, query):
    """Numbers, rounded, where the problem gives some: an array, a matrix in LaTeX; those of each fault."""
    leaves = (*problem.graph.inputs, *problem.graph.constants)
    if any(leaf.value is None and leaf.entries is None for leaf in leaves):
        return
    truth = composer.values(query.right)[0]
    for digits in (2, 4):
        text = array_text(truth, digits)
        yield Case(problem.name, "numbers", text, ask=query.ask)
        if np.ndim(truth):
            yield Case(problem.name, "numbers, LaTeX", f"${matrix_text(truth, digits)}$", ask=query.ask)
    known = [(code, composer.values(expr)[0]) for code, expr in dict.fromkeys(query.faults)]
    known = [(code, found) for code, found in known if found is not None and np.all(np.isfinite(found))]
    told = {}
    for code, found in known:
        if np.shape(found) == np.shape(truth) and (np.allclose(found, truth, 2e-3, 2e-3) or rounded(found, truth)):
            continue
        told.setdefault(array_text(found, 4), []).append(code)
    for text, codes in told.items():
        apt = frozenset(one for code in codes for one in code.split("|"))
        yield Case(problem.name, f"{codes[0].split('|')[0]}, numbers", text, apt, ask=query.ask)


def rounded(found, truth):
    """Whether numbers as they are written are the right ones with fewer digits."""
    pairs = zip(np.ravel(found), np.ravel(truth), strict=True)
    places = ((one, other, len(number_text(one, 4).partition(".")[2])) for one, other in pairs)
    return all(abs(one - other) <= 0.5 / 10**count + 1e-9 for one, other, count in places)


def of_shapes(problem):
    """Shapes: the axes in order, exchanged, one too few and one too many."""
    for name, shape in problem.graph.shapes.items():
        text = [str(one) for one in shape]
        ask = f"shape({name})"
        inside = ", ".join(text)
        right = [f"({inside},)" if len(text) == 1 else f"({inside})", f"[{inside}]"]
        if len(text) > 1:
            joined = r" \times ".join(text)
            right += [" x ".join(text), rf"$\mathbb{{R}}^{{{joined}}}$"]
        if all(len(one) == 1 or one.isdigit() for one in text) or len(text) < 2:
            yield from (Case(problem.name, "shape", one, ask=ask) for one in right)
        else:
            yield from (Case(problem.name, "shape", one, ask=ask) for one in right[:2])
        if len(set(text)) > 1:
            turned = f"({', '.join(text[::-1])})"
            if text[::-1] != text:
                yield Case(problem.name, "transpose, shape", turned, frozenset({"transpose"}), ask=ask)
        if len(text) > 1:
            yield Case(
                problem.name,
                "shape, one axis less",
                f"({', '.join(text[1:])},)" if len(text) == 2 else f"({', '.join(text[1:])})",
                frozenset({"shape"}),
                ask=ask,
            )
        if text:
            yield Case(problem.name, "shape, one axis more", f"({inside}, 2)", frozenset({"shape"}), ask=ask)
