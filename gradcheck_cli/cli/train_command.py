"""`gradcheck train`."""

from __future__ import annotations

import contextlib
import math
import os
import shlex
import signal
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gradcheck_cli.cli.common import EXIT_INTERRUPTED, EXIT_RIGHT
from gradcheck_cli.cli.train_files import Log, State, checked, write_afterwards
from gradcheck_cli.errors import FileError, GradcheckError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcheck_cli.render.canvas import Canvas
    from gradcheck_cli.train.loop import Epoch, Position, Trainer

_EPILOG = """
\b
Examples:
  gradcheck train digits
  gradcheck train mnist --recipe homework
  gradcheck train mnist --hidden 512,512 --epochs 10 --save mine.model
"""
_WORST = 6
_PATH = click.Path(path_type=Path)


class Sizes(click.ParamType[tuple[int, ...]]):
    """Whole numbers with commas between them; nothing for no hidden layer."""

    name = "sizes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """The numbers of a text."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(part) for part in str(value).split(",")) if value.strip() else ()
        except ValueError:
            self.fail(f"{value} is no list of sizes such as 512,512", param, ctx)


@click.command(short_help="Train a network on digits.", epilog=_EPILOG)
@click.argument("dataset", type=click.Choice(["mnist", "digits"]))
@click.option(
    "--recipe", type=click.Choice(["default", "homework", "best"]), help="A set of all settings; default if left out."
)
@click.option("--data", type=_PATH, metavar="DIR", help="Folder with the four IDX files of MNIST.")
@click.option("--network", default="", metavar="FILE", help="A problem file whose graph is trained.")
@click.option("--hidden", type=Sizes(), metavar="SIZES", help="Hidden layers: 512,512.")
@click.option("--activation", metavar="NAME", help="relu, sigmoid, tanh, silu, gelu, softplus, leaky_relu or elu.")
@click.option("--epochs", type=int, metavar="N", help="Times through the data.")
@click.option("--batch-size", type=int, metavar="N", help="Images a step.")
@click.option("--lr", type=float, metavar="RATE", help="Learning rate.")
@click.option("--optimizer", type=click.Choice(["sgd", "momentum", "nesterov", "adam"]))
@click.option("--schedule", type=click.Choice(["constant", "linear", "cosine"]), help="How the rate falls.")
@click.option("--dropout", type=float, metavar="PART", help="Part of the hidden units that is left out.")
@click.option("--weight-decay", type=float, metavar="RATE", help="How fast parameters shrink by themselves.")
@click.option("--augment", type=float, metavar="STRENGTH", help="Random small warps of the images; 0 for none.")
@click.option("--dtype", type=click.Choice(["float32", "float64"]))
@click.option("--seed", type=click.IntRange(0, 2**31), metavar="N", help="Where everything random begins.")
@click.option(
    "--threads", type=click.IntRange(1, 64), metavar="N", help="Threads; one if left out, unless two are faster."
)
@click.option("--backend", type=click.Choice(["auto", "numpy", "c", "tape"]), default="auto", show_default=True)
@click.option("--save", type=_PATH, metavar="FILE", help="Keep the model, written after every epoch.")
@click.option("--resume", type=_PATH, metavar="FILE", help="Go on with a training that was stopped.")
@click.option("--log", type=_PATH, metavar="FILE", help="A line for each epoch: .csv or .jsonl.")
@click.option("--plot", type=_PATH, metavar="FILE", help="Draw loss, accuracy and weights: .svg or .png.")
@click.option("--no-check", is_flag=True, help="Do not check the gradient first.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line on stdout, nothing else.")
@click.option("--quiet", is_flag=True, help="Only the last line.")
@click.option("--width", type=click.IntRange(20, 400), help="Columns to write for; the terminal's if left out.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def train(**options: Any) -> int:
    """Train a network on DATASET: mnist (60,000 digits of 28x28), or digits (1,797 of 8x8, which need no network).

    The graph of a problem file is compiled once, forwards, backwards and with its updates, and replayed. Before it
    trains, the gradient is checked and the program is compared with the one that checks homework.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy starts no others; a trial or --threads may, later
    from gradcheck_cli.render.canvas import canvas
    from gradcheck_cli.train.data.datasets import reading

    as_json, quiet = options["as_json"], options["quiet"]
    checked(options)
    started = time.perf_counter()
    progress = None if as_json or quiet else _fetching
    read = cache(lambda: reading(options["dataset"], options["data"], progress))
    if options["resume"] is None:  # else the model says first whether it is of this data
        read().begin()
    from gradcheck_cli.train.session import begin, close, state_file  # while the data is read

    board = canvas(width=options["width"])
    talk = _talk(board, as_json=as_json, quiet=quiet)
    wishes = _wishes(options)
    place, named = state_file(wishes, options["save"]), {options["save"], options["resume"]}
    state = State(place, place not in named, talk)
    try:
        trainer = begin(wishes, talk, read)
        for line in _summary(trainer):
            talk(line)
        killed = state.find_killed(options["dataset"])
        if killed is not None:
            talk(f"a training was killed; it goes on with: {_command(options['dataset'], killed)}")
        if not _run(trainer, board, options, state):
            click.echo(f"stopped in epoch {trainer.position.epoch}{_how_to_go_on(options, state)}", err=True)
            return EXIT_INTERRUPTED
        _finished(trainer, board, options, time.perf_counter() - started)
        _write(options, trainer, state)
        state.drop()
        if not as_json and named != {None}:
            board.line(f"saved in {options['save'] or place}")
    finally:
        close()
    return EXIT_RIGHT


def _write(options: dict[str, Any], trainer: Trainer, state: State) -> None:
    """Write what comes at the end; where that cannot be done the training need not be lost."""
    try:
        write_afterwards(options, trainer)
    except GradcheckError:
        if state.kept():
            click.echo(f"all epochs are done{_how_to_go_on(options, state)}", err=True)
        raise


def _how_to_go_on(options: dict[str, Any], state: State) -> str:
    if not state.kept():
        return "; nothing of it is kept"
    named = {name: options[name] for name in ("data", "log", "plot") if options[name] is not None}
    return f"; go on with: {_command(options['dataset'], state.path, **named)}"


def _command(dataset: str, state: Path, **named: Path) -> str:
    """What a user types to go on with a training."""
    more = [part for name, path in named.items() for part in (f"--{name}", str(path))]
    return shlex.join(["gradcheck", "train", dataset, "--resume", str(state), *more])


def _talk(board: Canvas, *, as_json: bool, quiet: bool) -> Callable[[str], None]:
    if quiet:
        return lambda _line: None
    if as_json:
        return lambda line: click.echo(line, err=True)
    from gradcheck_cli.render.train import remark

    return lambda line: remark(board, line)


def _wishes(options: dict[str, Any]) -> Any:
    from gradcheck_cli.train.session import Wishes

    names = [
        "hidden",
        "activation",
        "epochs",
        "batch_size",
        "lr",
        "optimizer",
        "schedule",
        "dropout",
        "weight_decay",
        "augment",
        "dtype",
        "seed",
    ]
    changes = {name: options[name] for name in names}
    if options["resume"] is not None:
        given = [name for name, value in changes.items() if value is not None] + ["network"] * bool(options["network"])
        given += ["recipe"] * bool(options["recipe"])
        if given:
            message = f"--{given[0].replace('_', '-')} cannot change a training that goes on"
            raise GradcheckError(message, hint="the settings are those it began with")
    return Wishes(
        options["dataset"],
        options["recipe"] or "default",
        changes,
        options["data"],
        options["network"],
        options["backend"],
        options["threads"] or 0,
        options["resume"],
        checked=not options["no_check"],
    )


def _fetching(name: str, have: int, size: int) -> None:
    """The progress of a download, on one line of stderr."""
    click.echo(f"\r{name}  {have:,} of {size:,} bytes", err=True, nl=have >= size)


def _summary(trainer: Trainer) -> list[str]:
    recipe, at = trainer.engine.recipe, trainer.position
    count = sum(array.size for array in trainer.engine.params.values())
    going_on = f"goes on in epoch {at.epoch}" if at.epoch < recipe.epochs else "all epochs are done"
    return [
        f"{trainer.dataset.name}: {trainer.rows:,} images to train, {len(trainer.dataset.test_images):,} to test",
        (
            f"{count:,} parameters, {recipe.epochs} epoch{'s' * (recipe.epochs > 1)}, batches of {trainer.batch}, "
            f"{recipe.optimizer}, rate {recipe.lr:g}, seed {recipe.seed}"
        ),
        *[going_on] * bool(at.epoch or at.chunk),
    ]


class _stoppable:  # noqa: N801 - reads as a statement
    """Within it Ctrl-C lets the step finish; a second one stops at once."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer, self.asked = trainer, False
        trainer.stop = lambda: self.asked

    def __enter__(self) -> None:
        try:
            self.before = signal.signal(signal.SIGINT, self._ask)
        except ValueError:  # not the main thread: nobody can press a key here
            self.before = None

    def _ask(self, _number: int, _frame: object) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def __exit__(self, *_: object) -> None:
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)


def _run(trainer: Trainer, board: Canvas, options: dict[str, Any], state: State) -> bool:
    """Train to the end or until Ctrl-C, with the state saved after each epoch; whether the end was reached."""
    from gradcheck_cli.render.train import epoch_document, epoch_line, json_line, live

    log = Log(options["log"], going_on=options["resume"] is not None)
    log.mend(map(epoch_document, trainer.history))

    def epoch_done(one: Epoch) -> None:
        state.save(trainer)
        log.add(epoch_document(one))
        if options["as_json"]:
            click.echo(json_line(epoch_document(one)))
        elif not options["quiet"]:
            epoch_line(board, one)

    silent = board.console is None or options["as_json"] or options["quiet"]
    try:
        with _stoppable(trainer), contextlib.nullcontext() if silent else live(board) as line:
            done = trainer.run(_live(line, trainer) if line else lambda _at: None, epoch_done)
            if not done or (state.path == options["save"] and not state.written):
                state.save(trainer)
    except (FileError, KeyboardInterrupt) as error:  # the epochs that are finished need not be lost
        if state.kept():
            said = "stopped at once" if isinstance(error, KeyboardInterrupt) else "stopped"
            click.echo(f"{said}{_how_to_go_on(options, state)}", err=True)
        raise
    except Exception:
        state.drop()
        raise
    return done


def _live(line: Any, trainer: Trainer) -> Callable[[Position], None]:
    from gradcheck_cli.render.train import figures

    task = line.add_task("", total=trainer.rows, epoch=trainer.position.epoch, figures="")

    def chunk_done(at: Position) -> None:
        speed = at.rows / max(at.seconds, 1e-9)
        rows = trainer.rows * (trainer.engine.recipe.epochs - at.epoch) - at.rows
        text = figures(at.loss / at.rows, at.right / at.rows, speed, rows / max(speed, 1e-9))
        line.update(task, completed=at.rows, epoch=at.epoch, figures=text)

    return chunk_done


def _finished(trainer: Trainer, board: Canvas, options: dict[str, Any], seconds: float) -> None:
    from gradcheck_cli.render.train import confusion_table, json_line, worst_digits
    from gradcheck_cli.train.metrics import confusion, worst

    found = trainer.evaluate(trainer.engine.recipe.views)
    labels = trainer.dataset.test_labels
    if options["as_json"]:
        click.echo(json_line(_document(trainer, found, seconds)))
        return
    if not options["quiet"]:
        confusion_table(board, confusion(found.taken, labels, trainer.dataset.classes))
        rows = worst(found, labels, _WORST)
        images = [trainer.dataset.test_images[at].reshape(trainer.dataset.size) for at in rows]
        said = [(int(labels[at]), int(found.taken[at]), math.exp(found.log_p[at].max())) for at in rows]
        worst_digits(board, images, said, trainer.dataset.top)
    wrong = round((1 - found.accuracy) * len(labels))
    board.line(
        f"test accuracy {found.accuracy:.4f} ({wrong} of {len(labels):,} wrong), loss {found.loss:.4f}, {seconds:.1f} s"
    )


def _document(trainer: Trainer, found: Any, seconds: float) -> dict[str, Any]:
    recipe = trainer.engine.recipe
    return {
        "done": True,
        "dataset": trainer.dataset.name,
        "network": list(trainer.engine.network.hidden),
        "recipe": recipe.name,
        "backend": trainer.engine.backend.name,
        "seed": recipe.seed,
        "parameters": sum(int(array.size) for array in trainer.engine.params.values()),
        "test_loss": found.loss,
        "test_accuracy": found.accuracy,
        "seconds": round(seconds, 3),
    }
