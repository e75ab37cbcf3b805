"""What a command prints to stdout, for people and for pipes."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


def say(text: str) -> None:
    """Print to stdout now. A reader that has gone is no failure; a letter that it cannot show is escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except BrokenPipeError:
        # Python flushes stdout once more at its end: https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def stdout_kept_clean() -> Iterator[None]:
    """Send what others print, a strategy's print() for one, to stderr, so that stdout holds the result alone."""
    with redirect_stdout(sys.stderr):
        yield
