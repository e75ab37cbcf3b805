"""From a strategy's name in the settings to the strategy: a shipped one, or a class in the user's own file."""

import hashlib
import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

from app.config.models import StrategyConfig
from app.domain.errors import ConfigError, KeelError, StrategyError
from app.strategies.base import BaseStrategy
from app.strategies.blame import in_words, place_of

SHIPPED: Final = {  # module in app.strategies: class
    "sma_cross": "SmaCrossStrategy",
    "rsi_reversion": "RsiReversionStrategy",
    "donchian_breakout": "DonchianBreakoutStrategy",
}


def load_strategy(strategy_config: StrategyConfig) -> BaseStrategy:
    """The strategy that the settings name.

    Raises:
        ConfigError: the name, the file or the class is not there, or a parameter is wrong.
        StrategyError: the user's code raised; the sentence names file and line.
    """
    kind = strategy_class(strategy_config.name)
    try:
        return kind(strategy_config)
    except KeelError:
        raise
    except (Exception, SystemExit) as error:
        raise StrategyError(f"strategy {kind.__name__} cannot be made: {in_words(error, place_of(kind))}") from error


def strategy_class(name: str) -> type[BaseStrategy]:
    """The class for `sma_cross`, `SmaCrossStrategy` or `path/to/file.py:ClassName`; errors as in `load_strategy`."""
    file, colon, class_name = name.rpartition(":")
    if name.endswith(".py"):
        raise ConfigError(f'strategy {name!r} lacks the class: write "{name}:ClassName"')
    if colon and file.endswith(".py"):
        return _class_in(Path(file).expanduser(), class_name)
    for module, shipped in SHIPPED.items():
        if name in {module, shipped}:
            found: type[BaseStrategy] = getattr(importlib.import_module(f"app.strategies.{module}"), shipped)
            return found
    raise ConfigError(
        f"strategy {name!r} is not known: use one of {', '.join(SHIPPED)}, "
        'or your own file as "path/to/file.py:ClassName"'
    )


def _class_in(file: Path, class_name: str) -> type[BaseStrategy]:
    module = _module(file)
    kind = getattr(module, class_name, None)
    if kind is None:
        strategies = [
            name
            for name, value in vars(module).items()
            if inspect.isclass(value) and issubclass(value, BaseStrategy) and value.__module__ == module.__name__
        ]
        raise ConfigError(f"{file} has no class {class_name!r}: its strategies are {', '.join(strategies) or 'none'}")
    if not (inspect.isclass(kind) and issubclass(kind, BaseStrategy)):
        raise ConfigError(f"{class_name} in {file} is no strategy: derive it from app.strategies.base.BaseStrategy")
    if inspect.isabstract(kind):
        missing = ", ".join(sorted(kind.__abstractmethods__))
        raise ConfigError(f"strategy {class_name} in {file} lacks {missing}: add it")
    return kind


def _module(file: Path) -> ModuleType:
    """The file as a module, executed anew each time, so that an edited file is seen."""
    if not file.is_file():
        raise ConfigError(f"strategy file {file} does not exist: give its path from {Path.cwd()}, or a full one")
    name = f"keel_strategy_{hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"strategy file {file} cannot be read as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise StrategyError(f"strategy file {file} cannot be loaded: {in_words(error, str(file))}") from error
    return module
