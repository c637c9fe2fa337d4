"""What the commands share: exit codes, messages on stderr, common options."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import click

from gradcheck_cli.errors import GradcheckError, ProblemError
from gradcheck_cli.source import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

EXIT_RIGHT, EXIT_WRONG, EXIT_UNUSABLE, EXIT_INTERRUPTED = 0, 1, 2, 130
_MOST_ERRORS = 20


def fail(error: GradcheckError) -> int:
    """Say on stderr what could not be done, each error with its line of the file, and give the exit code."""
    errors: Iterable[GradcheckError] = error.errors if isinstance(error, ProblemError) else (error,)
    errors = list(errors)
    for single in errors[:_MOST_ERRORS]:
        click.echo(f"gradcheck: {visible(str(single))}", err=True)
        excerpt = single.source.excerpt(single.span) if single.source else ""
        if excerpt:
            click.echo(excerpt, err=True)
    if len(errors) > _MOST_ERRORS:
        click.echo(f"gradcheck: and {len(errors) - _MOST_ERRORS} more", err=True)
    return EXIT_UNUSABLE


def fault(error: Exception) -> GradcheckError:
    """An error that is ours: nothing that a user wrote should get here."""
    return GradcheckError(f"a fault of gradcheck itself: {type(error).__name__}", hint="--debug shows where")


def unwritable(error: OSError) -> GradcheckError:
    """The output cannot be written: a full disk, a closed stream."""
    return GradcheckError(f"the output cannot be written: {error.strerror}", hint="write it somewhere else")


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every command of results has."""
    command = click.option(
        "--width", type=click.IntRange(20, 400), help="Columns to write for; the terminal's if left out."
    )(command)
    command = click.option("--debug", is_flag=True, help="Show the traceback of an error.")(command)
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, nothing else.")(command)


def collect_seldom() -> None:
    """Let what was imported stay, and what many files leave behind be collected seldom: expressions have no cycles."""
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)
    gc.enable()
