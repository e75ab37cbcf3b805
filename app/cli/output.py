"""What a command prints to stdout, for people and for pipes."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from app.domain.errors import KeelError


def say(text: str) -> None:
    """Print to stdout now. A reader that has gone is no failure; a letter that it cannot show is escaped.

    Raises:
        KeelError: stdout cannot be written for another reason, a full disk for one.
    """
    encoding = sys.stdout.encoding or "utf-8"
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except BrokenPipeError:
        _discard_stdout()
    except OSError as error:
        _discard_stdout()
        raise KeelError(f"stdout cannot be written ({error}): send it elsewhere and run the command again") from None


def open_missing_streams() -> None:
    """Give a process that was started without stdout or stderr (`>&-`, some supervisors) the null device instead."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            device = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # open as long as the process
            setattr(sys, name, device)


@contextmanager
def stdout_kept_clean() -> Iterator[None]:
    """Send what others print, a strategy's print() for one, to stderr, so that stdout holds the result alone."""
    with redirect_stdout(sys.stderr):
        yield


def _discard_stdout() -> None:
    """Python flushes stdout once more at its end: https://docs.python.org/3/library/signal.html#note-on-sigpipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
