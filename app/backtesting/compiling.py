"""Compiles the bot's own rules into the pass, and keeps the machine code on disk until one of their sources changes.

Numba notices a change of the file that holds a compiled function, not of those it calls. So the cache lies in a folder
named by a digest of every source that goes into the pass.
"""

import hashlib
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numba
from numba import config, njit
from numba.extending import register_jitable

from app.backtesting import ahead, booking, cells, companions, judging, layout, steps
from app.core import decision
from app.domain import grid
from app.risk import codes, correlation, exits, limits, sizing
from app.simulation import candle

RULES: Final = (grid, exits, sizing, limits, correlation, candle, cells, booking, steps, judging, companions)
SOURCES: Final = (*RULES, ahead, codes, decision, layout)


def sources_digest(modules: tuple[ModuleType, ...]) -> str:
    """What Numba's version, this file and the sources of these modules come down to, 16 hexadecimal digits."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in (__file__, *(str(module.__file__) for module in modules)):
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()[:16]


def cache_folder(modules: tuple[ModuleType, ...] = SOURCES) -> Path:
    """Where machine code made of these sources is kept: NUMBA_CACHE_DIR, beside this file, or the user's cache."""
    beside = Path(__file__).parent / "__pycache__"
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keel"
    base = Path(config.CACHE_DIR) if config.CACHE_DIR else beside if _is_writable(beside) else home
    return base / f"pass-{sources_digest(modules)}"


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of the pass at its first call, or load it from the cache.

    It cannot make arrays: without reference counts, its many small calls cost a third.
    """
    before = config.CACHE_DIR
    config.CACHE_DIR = str(_FOLDER)
    try:
        return njit(cache=True, _nrt=False, error_model="numpy")(function)  # type: ignore[no-any-return]
    finally:
        config.CACHE_DIR = before


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _register() -> None:
    """Let compiled code call every rule.

    All are laid into the pass itself: cells then have fixed places, which makes it a third faster.
    """
    rules = [rule for module in RULES for rule in vars(module).values() if inspect.isfunction(rule)]
    for rule in [*rules, decision.choose, decision.with_entries]:
        register_jitable(forceinline=True)(rule)


_FOLDER: Final = cache_folder()
_register()
