"""`gradcheck solve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gradcheck_cli.cli.common import EXIT_RIGHT, EXIT_WRONG, common

if TYPE_CHECKING:
    from gradcheck_cli.problem import Problem
    from gradcheck_cli.solving import Solution

_EPILOG = """
\b
Examples:
  gradcheck solve residual-relu --wrt w0
  gradcheck solve problem.yaml --ask 'd(L, w)' --set x=3
  gradcheck solve problem.yaml --dims dh=3 --seed 7
"""


@click.command(short_help="Derive every derivative of a problem.", epilog=_EPILOG)
@click.argument("problem", metavar="PROBLEM")
@click.option(
    "--ask", multiple=True, metavar="QUERY", help="Also answer d(L, w), local(y, x), value(a), … (repeatable)."
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Give an input another value: x=3, W=[[1, 2], [3, 4]] (repeatable).",
)
@click.option("--dims", multiple=True, metavar="LETTER=NUMBER", help="Sizes for letters: dh=3,dx=2 (repeatable).")
@click.option("--seed", type=click.IntRange(0), metavar="NUMBER", help="Draw numbers for everything that has none.")
@click.option("--wrt", multiple=True, metavar="NAME", help="Chain rule for these inputs only (repeatable).")
@click.option("--output-node", metavar="NAME", help="Differentiate this node instead of the problem's output.")
@click.option("--exact", is_flag=True, help="Fractions instead of decimals, expressions closed in the inputs.")
@click.option("--digits", type=click.IntRange(1, 50), default=6, show_default=True, help="Significant digits.")
@click.option("--only", type=click.Choice(["forward", "backward", "questions"]), help="Show one part.")
@common
def solve(  # noqa: PLR0913 - one parameter an option
    *,
    problem: str,
    ask: tuple[str, ...],
    settings: tuple[str, ...],
    dims: tuple[str, ...],
    seed: int | None,
    wrt: tuple[str, ...],
    output_node: str | None,
    exact: bool,
    digits: int,
    only: str | None,
    width: int | None,
    debug: bool,
    as_json: bool,
) -> int:
    """Derive every derivative of PROBLEM: a YAML file, or the name of a bundled problem.

    Shows the graph with its values, upstream x local = downstream for each edge, the chain rule for each input,
    and the answers to the problem's questions. Three independent methods check every number.
    """
    from gradcheck_cli.problem import load
    from gradcheck_cli.solving import solve as run
    from gradcheck_cli.solving.options import known, with_numbers
    from gradcheck_cli.verifying.keys import key_verdicts

    del debug
    loaded: Problem = with_numbers(load(problem), settings, dims, seed)
    if output_node is not None:
        output_node = known(loaded, output_node, "--output-node")
    wrt = tuple(known(loaded, name, "--wrt") for name in wrt)
    solution = run(loaded, output=output_node, ask=ask)
    # with other numbers, sizes or another output the author's answers are answers to something else
    keys = {} if settings or dims or output_node else key_verdicts(solution)
    if as_json:
        from gradcheck_cli.render.json import dumps, solution_document

        click.echo(dumps(solution_document(solution, keys)))
    else:
        from gradcheck_cli.render.canvas import canvas
        from gradcheck_cli.render.printer import View
        from gradcheck_cli.render.solution import print_solution

        view = View(digits, exact, only or ("questions" if ask else ""), wrt, asked_only=bool(ask))
        print_solution(canvas(width=width), solution, view, keys)
    return _code(solution, keys)


def _code(solution: Solution, keys: dict[str, str]) -> int:
    wrong = any(answer.holds is False for answer in solution.answers.values())
    if not solution.agreement.ok or wrong or any(verdict == "wrong" for verdict in keys.values()):
        return EXIT_WRONG
    return EXIT_RIGHT
