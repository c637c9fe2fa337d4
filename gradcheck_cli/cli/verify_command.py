"""`gradcheck verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gradcheck_cli.cli.common import EXIT_RIGHT, EXIT_UNUSABLE, EXIT_WRONG, collect_seldom, common, fail
from gradcheck_cli.errors import GradcheckError

if TYPE_CHECKING:
    from gradcheck_cli.verifying import Report

_EPILOG = """
\b
Examples:
  gradcheck verify answers.yaml
  gradcheck verify homework.md --problem sigmoid-neuron
  gradcheck verify --problem my-problem.yaml submissions/*.yaml --json
"""


@click.command(short_help="Judge files of answers.", epilog=_EPILOG)
@click.argument("files", nargs=-1, required=True, metavar="ANSWERS...")
@click.option(
    "--problem", multiple=True, metavar="PROBLEM", help="The problem, instead of the one that the file names."
)
@click.option("--quiet", is_flag=True, help="Only the score of each file.")
@click.option("--hint", is_flag=True, help="Only where to look: neither what is right nor the mistake.")
@click.option("--explain", is_flag=True, help="Also how the right answer comes about.")
@common
def verify(
    *,
    files: tuple[str, ...],
    problem: tuple[str, ...],
    quiet: bool,
    hint: bool,
    explain: bool,
    width: int | None,
    debug: bool,
    as_json: bool,
) -> int:
    """Judge files of ANSWERS: each member of each answer, the first wrong step, the mistake, the score.

    A file is a table of answers (.yaml), or homework as it was written (.md, .tex, .txt, .ipynb): every formula with an
    equality is then a claim, found by its left side.
    """
    from gradcheck_cli.problem import load
    from gradcheck_cli.verifying import judge_files

    del debug
    if hint and explain:
        message = "--hint says less, --explain says more"
        raise click.UsageError(message + ": give one of them")
    collect_seldom()
    named = tuple(load(name) for name in problem)
    reports: list[Report] = []
    unusable = 0
    for found in judge_files(files, named):
        if isinstance(found, GradcheckError):
            fail(found)
            unusable += 1
        else:
            reports.append(found)
            if not as_json:
                _show(found, width, (quiet, hint, explain), first=len(reports) == 1)
    if as_json and reports:
        from gradcheck_cli.render.json import dumps, report_document

        click.echo(dumps(report_document(reports)))
    elif reports and len(reports) + unusable > 1:
        from gradcheck_cli.render.canvas import canvas
        from gradcheck_cli.render.report import print_summary

        print_summary(canvas(width=width), reports, unusable)
    if unusable:
        return EXIT_UNUSABLE
    return EXIT_RIGHT if all(report.ok for report in reports) else EXIT_WRONG


def _show(report: Report, width: int | None, flags: tuple[bool, bool, bool], *, first: bool) -> None:
    from gradcheck_cli.render.canvas import canvas
    from gradcheck_cli.render.report import Detail, print_report

    quiet, hint, explain = flags

    place = canvas(width=width)
    if not first and not quiet:
        place.line()
    print_report(place, report, quiet=quiet, detail=Detail(hint=hint, explain=explain))
