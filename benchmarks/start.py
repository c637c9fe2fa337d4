"""From the start of the process to a training's first step: processor time and the clock, with a cache that is empty.

    PYTHONPATH=. python benchmarks/start.py [--runs 13] [--data FOLDER] [arguments of gradcheck train …]

Without arguments: digits and, where --data or $GRADCHECK_DATA names it, mnist, each with NumPy and with C. `own` is the
processor time of the process, `compiler` that of the compiler, and `way` the longest way to the first step: what the main
thread does before the compiler begins, then the compiler or what is done beside it, then the rest. On a busy machine the
clock says how busy it is, and `way` is what the clock would say where nothing has to wait for a processor. Images are
unzipped by a second thread, whose time is in `own` and not in `way`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COLUMNS = ("clock", "own", "compiler", "way")


def child(arguments):
    """Run the command up to its first step, and write what it took into the file $TAKEN."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as the command does before it imports NumPy
    from gradcheck_cli import cli
    from gradcheck_cli.train import engine, loop

    marks, train = {}, loop.Trainer.run

    def mark(name, function):
        def marked(*given, **named):
            marks.setdefault(f"before {name}", time.thread_time())
            found = function(*given, **named)
            marks.setdefault(f"after {name}", time.thread_time())
            return found

        return marked

    def first_step(*_given, **_named):
        own, clock = time.process_time(), time.time() - float(os.environ["BEGUN"])
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        compiler, way = used.ru_utime + used.ru_stime, time.thread_time()
        if marks:
            beside = max(compiler, marks["before wait"] - marks["after start"])
            way = marks["after start"] + beside + way - marks["after wait"]
        Path(os.environ["TAKEN"]).write_text(json.dumps([clock, own, compiler, way]), encoding="utf-8")
        os._exit(0)

    def run(*given):
        engine.Engine.run = first_step
        return train(*given)

    loop.Trainer.run = run
    if "c" in arguments:
        from gradcheck_cli.train.backends import c_backend

        c_backend.start = mark("start", c_backend.start)
        c_backend.Compilation.wait = mark("wait", c_backend.Compilation.wait)
    sys.argv = ["gradcheck", "train", *arguments]
    cli.main()


def measured(arguments, data):
    with tempfile.TemporaryDirectory() as folder:
        taken = Path(folder) / "taken"
        environment = os.environ | {"XDG_CACHE_HOME": folder, "TAKEN": str(taken), "BEGUN": repr(time.time())}
        environment |= {"GRADCHECK_DATA": data} if data else {}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as installed: modules are compiled once
        command = [sys.executable, __file__, "--child", *arguments]
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        return json.loads(taken.read_text(encoding="utf-8"))


def main():
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--runs", type=int, default=13)
    parser.add_argument("--data", default=os.environ.get("GRADCHECK_DATA", ""))
    options, given = parser.parse_known_args()
    sets = ["digits", "mnist"] if options.data else ["digits"]
    cases = [given] if given else [[one, "--backend", backend] for one in sets for backend in ("numpy", "c")]
    print("seconds to the first step, least and median".ljust(44), *(name.rjust(13) for name in COLUMNS))
    measured(["digits", "--backend", "c"], options.data)  # byte code is written, files are read once
    for case in cases:
        rows = [measured(case, options.data) for _ in range(options.runs)]
        cells = [f"{min(column):.3f} {statistics.median(column):.3f}".rjust(13) for column in zip(*rows, strict=True)]
        print(" ".join(case).ljust(44), *cells)


if __name__ == "__main__":
    main()
