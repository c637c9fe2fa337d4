"""`gradcheck` and `python -m gradcheck_cli`: Ctrl-C ends it with 130 and without a traceback, from the first import on."""

import os
import signal
from importlib import import_module
from types import FrameType

_INTERRUPTED = 130


def main() -> None:
    """Run the command of the command line; it leaves with its exit code.

    A shell that has Ctrl-C ignored for what it runs beside itself is heeded. Little is imported before, for until the
    handler is there Ctrl-C ends in a traceback.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupted)
    try:
        import_module("gradcheck_cli.cli").main()
    except KeyboardInterrupt:  # beside a command, which has its own way to end
        os._exit(_INTERRUPTED)


def _interrupted(number: int, frame: FrameType | None) -> None:
    """Leave at once from within an import, where an exception would become another or get lost."""
    at = frame
    while at is not None:
        if at.f_code.co_filename.startswith("<frozen importlib"):
            os._exit(_INTERRUPTED)
        at = at.f_back
    signal.default_int_handler(number, frame)


if __name__ == "__main__":
    main()
