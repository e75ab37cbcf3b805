"""Finds the strategy that the settings name: a shipped one, or a class in the user's own file."""

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Final

from app.config.models import StrategyConfig
from app.domain.errors import ConfigError, KeelError
from app.strategies.base import BaseStrategy

REGISTERED: Final = {
    "sma_cross": "app.strategies.sma_cross:SmaCrossStrategy",
}


def load_strategy(config: StrategyConfig) -> BaseStrategy:
    """The strategy of `config.name`: a registered name, its class name, or `path/to/file.py:ClassName`.

    Raises:
        ConfigError: one sentence that names the file and, where there is one, the line.
    """
    kind = _class_in_file(config.name) if ".py" in config.name else _registered_class(config.name)
    try:
        return kind(config)
    except KeelError:
        raise
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise ConfigError(
            f"strategy {config.name!r} cannot be made: {type(error).__name__}: {error} ({place.filename} line {place.lineno})"
        ) from error


def _registered_class(name: str) -> type[BaseStrategy]:
    by_class = {target.rpartition(":")[2]: target for target in REGISTERED.values()}
    target = REGISTERED.get(name) or by_class.get(name)
    if target is None:
        known = ", ".join(REGISTERED)
        raise ConfigError(f'strategy.name {name!r} is not known: use one of {known}, or "path/to/file.py:ClassName"')
    module, _, class_name = target.partition(":")
    kind: type[BaseStrategy] = getattr(importlib.import_module(module), class_name)
    return kind


def _class_in_file(name: str) -> type[BaseStrategy]:
    file, colon, class_name = name.rpartition(":")
    if not colon or not file.endswith(".py") or not class_name.isidentifier():
        raise ConfigError(f'strategy.name {name!r} lacks the class: write "path/to/file.py:ClassName"')
    path = Path(file)
    if not path.is_file():
        raise ConfigError(f"strategy file {file!r} does not exist: correct strategy.name")
    kind = getattr(_module(path), class_name, None)
    if kind is None:
        raise ConfigError(f"{file} has no class {class_name!r}: it has {_strategies_in(path) or 'no strategy'}")
    if not (isinstance(kind, type) and issubclass(kind, BaseStrategy)):
        raise ConfigError(f"{file}: {class_name} is no strategy: derive it from BaseStrategy")
    return kind


def _module(path: Path) -> ModuleType:
    """The file as a module; loaded once per process."""
    identity = f"keel_user_strategy_{path.resolve()}"
    if identity in sys.modules:
        return sys.modules[identity]
    specification = importlib.util.spec_from_file_location(identity, path)
    if specification is None or specification.loader is None:
        raise ConfigError(f"strategy file {str(path)!r} cannot be loaded: give a Python file")
    module = importlib.util.module_from_spec(specification)
    sys.modules[identity] = module
    try:
        specification.loader.exec_module(module)
    except SyntaxError as error:
        del sys.modules[identity]
        raise ConfigError(f"{path} line {error.lineno} is no Python: {error.msg}") from error
    except Exception as error:
        del sys.modules[identity]
        places = [place for place in traceback.extract_tb(error.__traceback__) if place.filename == str(path)]
        line = f" line {places[-1].lineno}" if places else ""
        raise ConfigError(f"{path}{line} cannot be loaded: {type(error).__name__}: {error}") from error
    return module


def _strategies_in(path: Path) -> str:
    found = [
        name
        for name, kind in vars(_module(path)).items()
        if isinstance(kind, type) and issubclass(kind, BaseStrategy) and kind is not BaseStrategy
    ]
    return ", ".join(found)
