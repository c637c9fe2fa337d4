"""`gradcheck check`, `problems`, `new`, `schema`: for those who write problems."""

from __future__ import annotations

import click

from gradcheck_cli.cli.common import EXIT_RIGHT, EXIT_UNUSABLE, EXIT_WRONG, fail
from gradcheck_cli.errors import GradcheckError


@click.command(
    short_help="Check problem files for their author.",
    epilog="\b\nExamples:\n  gradcheck check my-problem.yaml\n  gradcheck check problems/*.yaml\n",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def check(*, files: tuple[str, ...], debug: bool) -> int:
    """Check problem files: valid, every question answerable, the author's answers right.

    Also warns of mistakes that give the right number at these values: a wrong derivation would pass.
    """
    from gradcheck_cli.problem import load
    from gradcheck_cli.render.canvas import canvas
    from gradcheck_cli.render.check import print_check
    from gradcheck_cli.verifying.keys import check_problem

    del debug
    code = EXIT_RIGHT
    for file in files:
        try:
            checked = check_problem(load(file))
        except GradcheckError as error:
            code = max(code, fail(error))
            continue
        print_check(canvas(), file, checked)
        if not checked.ok:
            code = max(code, EXIT_WRONG)
    return code


@click.command(epilog="\b\nExamples:\n  gradcheck problems\n  gradcheck problems | grep neuron\n")
def problems() -> int:
    """List the bundled problems with their titles."""
    from gradcheck_cli.problem import bundled, load

    names = bundled()
    width = max((len(name) for name in names), default=0)
    for name in names:
        click.echo(f"{name.ljust(width)}  {load(name).title}")
    return EXIT_RIGHT


@click.command(
    short_help="Write a problem file to start from.",
    epilog="\b\nExamples:\n  gradcheck new my-problem\n  gradcheck new week3/two-layers.yaml\n",
)
@click.argument("name")
def new(*, name: str) -> int:
    """Write a commented problem file NAME.yaml to start from; a file that exists is left alone."""
    from gradcheck_cli.problem.template import write_template

    try:
        path = write_template(name)
    except GradcheckError as error:
        fail(error)
        return EXIT_UNUSABLE
    click.echo(f"wrote {path}; try: gradcheck solve {path}")
    return EXIT_RIGHT


@click.command(epilog="\b\nExamples:\n  gradcheck schema > problem.schema.json\n  gradcheck schema | head\n")
def schema() -> int:
    """Print the JSON Schema of problem files, for editors."""
    import json

    from gradcheck_cli.problem.schema import problem_schema

    click.echo(json.dumps(problem_schema(), indent=2))
    return EXIT_RIGHT
