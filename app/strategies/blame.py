"""Where in a user's own code something went wrong, in words."""

import sysconfig
import traceback
from pathlib import Path
from typing import Final

from app.strategies.base import BaseStrategy

_LIBRARIES: Final = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_INDICATORS: Final = str(Path(__file__).parents[1] / "indicators")  # to blame is who called them
_RUNNERS: Final = {
    str(Path(__file__).with_name(name)) for name in ("guarded.py", "loader.py", "frame.py", "windows.py")
}


def in_words(error: BaseException, fallback: str) -> str:
    """Such as `ZeroDivisionError in my_strategy.py line 12: division by zero`.

    The place is the deepest one outside of installed libraries, that is: the line somebody can change.

    Args:
        error: A caught exception, its traceback still on it.
        fallback: The place to name when the traceback never leaves the libraries.
    """
    text = str(error) or "no message"
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f"{type(error).__name__} in {error.filename} line {error.lineno}: {error.msg}"
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(frame.filename)]
    place = f"{own[-1].filename} line {own[-1].lineno}" if own else fallback
    return f"{type(error).__name__} in {place}: {text}"


def place_of(strategy: type[BaseStrategy]) -> str:
    """File and line at which the class's `generate_signals` begins."""
    code = getattr(getattr(strategy, "generate_signals", None), "__code__", None)
    return f"{code.co_filename} line {code.co_firstlineno}" if code else f"{strategy.__module__}.{strategy.__name__}"


def is_library(filename: str) -> bool:
    """Whether a file belongs to Python or to what is installed; what has no file does."""
    return not filename or filename.startswith((*_LIBRARIES, "<frozen"))


def _is_own(filename: str) -> bool:
    return not is_library(filename) and not filename.startswith(_INDICATORS) and filename not in _RUNNERS
