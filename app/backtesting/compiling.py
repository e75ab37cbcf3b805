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

import app.core.decision
import app.domain.grid
import app.risk.exits
import app.simulation.candle
from app.backtesting import layout, steps

RULES: Final = (app.domain.grid, app.risk.exits, app.simulation.candle, steps)
SOURCES: Final = (*RULES, app.core.decision, layout)


def sources_digest(modules: tuple[ModuleType, ...]) -> str:
    """What the sources of these modules and Numba's version come down to, 16 hexadecimal digits."""
    digest = hashlib.sha256(numba.__version__.encode())
    for module in modules:
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()[:16]


def cache_folder(modules: tuple[ModuleType, ...] = SOURCES) -> Path:
    """Where machine code made of these sources is kept: NUMBA_CACHE_DIR, beside this file, or the user's cache."""
    beside = Path(__file__).parent / "__pycache__"
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keel"
    base = Path(config.CACHE_DIR) if config.CACHE_DIR else beside if _is_writable(beside) else home
    return base / f"pass-{sources_digest(modules)}"


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of the pass at its first call, or load it from the cache."""
    before = config.CACHE_DIR
    config.CACHE_DIR = str(_FOLDER)
    try:
        return njit(cache=True)(function)  # type: ignore[no-any-return]
    finally:
        config.CACHE_DIR = before


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _register(modules: tuple[ModuleType, ...]) -> None:
    """Let compiled code call every function that these modules define."""
    for module in modules:
        for function in vars(module).values():
            if inspect.isfunction(function) and function.__module__ == module.__name__:
                register_jitable(function)
    register_jitable(app.core.decision.choose)


_FOLDER: Final = cache_folder()
_register(tuple(module for module in RULES))
