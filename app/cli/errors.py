"""A user's mistake ends in one sentence and a stable exit code, never in a traceback."""

import sys
import traceback
from collections.abc import Callable

from app.domain.errors import KeelError


def exit_code_of(program: str, run: Callable[[], int]) -> int:
    """Run a command; print the sentence of a KeelError, or an unforeseen traceback, to stderr without secrets.

    Returns:
        The command's exit code, that of the KeelError, 1 for an unforeseen error, 130 for Ctrl+C.
    """
    try:
        return run()
    except KeelError as error:
        _complain(f"{program}: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        _complain(f"{program}: interrupted")
        return 130
    except Exception:  # noqa: BLE001  # the outermost handler: Python's own would print secrets
        _complain(traceback.format_exc().rstrip())
        return 1


def _complain(text: str) -> None:
    from app.config.masking import mask

    print(mask(text), file=sys.stderr)
