"""A user's mistake ends in one sentence and a stable exit code, never in a traceback."""

import sys
from collections.abc import Callable

from app.domain.errors import KeelError


def exit_code_of(program: str, run: Callable[[], int]) -> int:
    """Run a command; print the sentence of a KeelError to stderr and return its exit code."""
    try:
        return run()
    except KeelError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return 130
