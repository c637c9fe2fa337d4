"""The command line: options in, one call, text out. Everything heavy is imported inside a command."""

from __future__ import annotations

import os
import sys

import click

from gradcheck_cli.cli.author_commands import check, new, problems, schema
from gradcheck_cli.cli.common import EXIT_INTERRUPTED, fail
from gradcheck_cli.cli.solve_command import solve
from gradcheck_cli.cli.verify_command import verify
from gradcheck_cli.errors import GradcheckError

_EPILOG = """
\b
Examples:
  gradcheck solve sigmoid-neuron
  gradcheck verify answers.yaml
"""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EPILOG,
)
@click.version_option(package_name="gradcheck", prog_name="gradcheck")
def commands() -> None:
    """Check backpropagation homework and explain it.

    A problem is a computation graph in a YAML file. gradcheck derives every upstream, local and downstream
    derivative, cross-checks each by three independent methods, and judges answers step by step.
    """


for command in (solve, verify, check, problems, new, schema):
    commands.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run a command and leave with its exit code: 0 right, 1 something wrong, 2 could not run, 130 interrupted."""
    debug = "--debug" in (sys.argv[1:] if arguments is None else arguments)
    try:
        code = commands.main(arguments, prog_name="gradcheck", standalone_mode=False)
    except GradcheckError as error:
        if debug:
            raise
        code = fail(error)
    except click.exceptions.Abort:
        code = EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        if debug:
            raise
        code = fail(GradcheckError(f"a fault of gradcheck itself: {type(error).__name__}", hint="--debug shows where"))
    sys.exit(code if isinstance(code, int) else 0)
