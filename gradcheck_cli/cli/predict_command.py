"""`gradcheck predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gradcheck_cli.cli.common import EXIT_RIGHT, EXIT_WRONG

if TYPE_CHECKING:
    from gradcheck_cli.train.predict import Prediction

_EPILOG = """
\b
Examples:
  gradcheck train mnist --save mnist.model
  gradcheck predict mnist.model seven.png
"""


@click.command(short_help="Say which digits images show.", epilog=_EPILOG)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IMAGE...")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, nothing else.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def predict(*, model: Path, images: tuple[Path, ...], as_json: bool, debug: bool) -> int:
    """Say which digit each IMAGE (PNG or IDX) shows, by a MODEL that gradcheck train --save wrote.

    Dark ink on bright paper is inverted; a digit of another size is scaled and centred as MNIST's were. The exit code is
    1 if a picture is blank.
    """
    from gradcheck_cli.render.canvas import canvas
    from gradcheck_cli.render.json import dumps
    from gradcheck_cli.train.checkpoint import load
    from gradcheck_cli.train.data.images import read_images
    from gradcheck_cli.train.predict import predict as run

    del debug
    named = [one for path in images for one in read_images(path)]
    found = run(load(model), [image for _, image in named])
    code = EXIT_WRONG if any(one.digit is None for one in found) else EXIT_RIGHT
    if as_json:
        documents = [
            {"file": name, "digit": one.digit, "probabilities": _numbers(one)}
            for (name, _), one in zip(named, found, strict=True)
        ]
        click.echo(dumps({"gradcheck": 1, "predictions": documents}))
        return code
    board = canvas()
    for (name, _), one in zip(named, found, strict=True):
        if one.digit is None:
            board.line(f"{name}: ", ("nothing is drawn there", "bad"))
            continue
        first, *order = sorted(range(len(one.probabilities)), key=lambda digit: -one.probabilities[digit])
        others = ", ".join(f"{digit} {one.probabilities[digit]:.1%}" for digit in order[:2])
        board.line(f"{name}: ", (str(first), "value"), f"  {one.probabilities[first]:.1%}", (f"  ({others})", "dim"))
    return code


def _numbers(one: Prediction) -> list[float]:
    return [] if one.digit is None else [float(p) for p in one.probabilities]
