"""The command line: options in, one call, text out. Everything heavy is imported inside a command."""

from __future__ import annotations

import gc
import os
import sys
import traceback

import click

from gradcheck_cli.cli.author_commands import check, new, problems, schema
from gradcheck_cli.cli.common import EXIT_INTERRUPTED, EXIT_RIGHT, fail, fault, unwritable
from gradcheck_cli.cli.predict_command import predict
from gradcheck_cli.cli.solve_command import solve
from gradcheck_cli.cli.train_command import train
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


for command in (solve, verify, check, problems, new, schema, train, predict):
    commands.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run a command and leave with its exit code: 0 right, 1 something wrong, 2 could not run, 130 interrupted."""
    if arguments is not None:
        sys.exit(call(arguments))
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - closed by the shell
    gc.disable()  # importing SymPy with the collector on takes a third longer
    code = call(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = EXIT_RIGHT
    except OSError as error:
        code = fail(unwritable(error))
    os._exit(code)  # freeing SymPy's modules one by one would take longer than the command did


def call(arguments: list[str]) -> int:
    """Run a command and give its exit code; what went wrong is said on stderr."""
    debug = "--debug" in arguments
    try:
        code = commands.main(arguments, prog_name="gradcheck", standalone_mode=False)
    except (KeyboardInterrupt, click.exceptions.Abort):
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (BrokenPipeError, SystemExit):  # rich leaves with SystemExit when its reader has gone
        return EXIT_RIGHT
    except Exception as error:  # noqa: BLE001 - nothing that a user writes ends in a traceback
        if debug:
            traceback.print_exc()
        told = unwritable(error) if isinstance(error, OSError) else fault(error)
        return fail(error if isinstance(error, GradcheckError) else told)
    return code if isinstance(code, int) else EXIT_RIGHT
