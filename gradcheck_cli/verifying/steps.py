"""How a right answer comes about, in a few lines: the chain rule over its paths, the local derivatives, the number."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Name
from gradcheck_cli.solving.numbers import number_text
from gradcheck_cli.verifying.model import Explanation
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcheck_cli.solving.engine import Engine
    from gradcheck_cli.verifying.match import Truth

MOST_PATHS = 6
LONGEST_PATH = 12


def explained(engine: Engine, truth: Truth) -> Callable[[], Explanation]:
    """What works the lines out when they are asked for."""
    return cache(lambda: Explanation(steps(engine, truth)))


def steps(engine: Engine, truth: Truth) -> tuple[str, ...]:
    """The lines, each after the first beginning with `=`; empty for what needs none."""
    ask = truth.ask
    if isinstance(ask, Call) and ask.function in ("d", "upstream") and all(isinstance(arg, Name) for arg in ask.args):
        found = _chain(engine, ask)
    elif isinstance(ask, Call) and ask.function == "local":
        found = [f"d{write(ask.args[0])}/d{write(ask.args[1])}", f"= {write(truth.expr)}"]
    elif isinstance(ask, Call) and ask.function == "downstream":
        user, source = write(ask.args[0]), write(ask.args[1])
        found = [f"upstream({user}) * d{user}/d{source}", f"= {write(truth.expr)}"]
    else:
        inner = ask.args[0] if isinstance(ask, Call) and ask.args else ask
        found = [write(inner), f"= {write(truth.expr)}"]
        put = _with_values(engine, truth.expr)
        found += [f"= {put}"] if put and put != write(truth.expr) else []
    value = number_text(truth.value, decimal=engine.problem.decimal)
    if value and found[-1] != f"= {value}":
        found.append(f"= {value}")
    return tuple(found)


def _chain(engine: Engine, ask: Call) -> list[str]:
    """The chain rule: links, local derivatives, their values."""
    known = [arg.id for arg in ask.args if isinstance(arg, Name)]
    if ask.function == "upstream":
        known = [known[1] if len(known) > 1 else engine.output, known[0]]
    target, source = known[0], known[-1]
    lead = f"d{target}/d{source}"
    paths = engine.graph.paths(target, source, MOST_PATHS + 1)
    if not paths or len(paths) > MOST_PATHS or max(map(len, paths)) > LONGEST_PATH:
        return [lead, f"= {write(engine.total(Name(target), source))}"]
    links = [[(end, start) for end, start in pairwise(path)] for path in paths]
    found = [lead]
    for told in (_link, lambda link: _bracketed(write(_local(engine, link))), lambda link: _number(engine, link)):
        line = "= " + " + ".join(" * ".join(told(link) for link in path) or "1" for path in links)
        if line not in found and line != f"= {lead}" and "?" not in line:
            found.append(line)
    return found


def _link(link: tuple[str, str]) -> str:
    return f"d{link[0]}/d{link[1]}"


def _local(engine: Engine, link: tuple[str, str]) -> Expr:
    return engine.edge(link[1], link[0])


def _number(engine: Engine, link: tuple[str, str]) -> str:
    """The value of a link's local derivative; a question mark where it has none."""
    text = number_text(engine.value(_local(engine, link)), decimal=engine.problem.decimal)
    return _bracketed(text) if text else "?"


def _bracketed(text: str) -> str:
    return f"({text})" if text.startswith("-") or " " in text else text


def _with_values(engine: Engine, expr: Expr) -> str:
    """The expression with numbers for the names in it; empty where one has none."""
    if isinstance(expr, Name):
        return number_text(engine.values.get(expr.id), decimal=engine.problem.decimal)
    if not isinstance(expr, Call):
        return write(expr)
    shown = {name: number_text(value, decimal=engine.problem.decimal) for name, value in engine.values.items()}
    return _substituted(expr, shown)


def _substituted(expr: Expr, shown: dict[str, str]) -> str:
    found = _named(expr, shown)
    return write(found) if found is not None else ""


def _named(expr: Expr, shown: dict[str, str]) -> Expr | None:
    """The expression with each name replaced by one that is written as its number."""
    if isinstance(expr, Name):
        text = shown.get(expr.id, "")
        return Name(_bracketed(text)) if text else None
    if isinstance(expr, Call):
        args = tuple(_named(arg, shown) for arg in expr.args)
        return None if None in args else Call(expr.function, tuple(arg for arg in args if arg is not None))
    return expr
