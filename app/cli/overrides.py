"""Settings from a file, with some of them replaced on the command line: `--set risk.stop_loss_pct=0.02`."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.config.models import BotConfig
from app.config.reading import read_settings, sentence
from app.domain.errors import ConfigError


def settings_with(path: Path, replaced: Iterable[tuple[str, str]]) -> BotConfig:
    """The file's settings, with values at dotted keys replaced. No secret is read.

    Args:
        path: The settings file.
        replaced: Dotted key and value; the value is JSON, or else a text as it stands.

    Raises:
        ConfigError: one sentence that names the key, the value and the remedy.
    """
    document, replaced = read_settings(path), list(replaced)
    for key, value in replaced:
        _put(document, key, _value(value))
    try:
        return BotConfig.model_validate(document)
    except ValidationError as error:
        text = sentence(error, document, BotConfig)
        is_given = any(key.rpartition(".")[2] in text for key, _ in replaced)
        raise ConfigError(text if is_given else f"{path}: {text}") from None


def assignment(text: str, option: str) -> tuple[str, str]:
    """Key and value of `key=value`; raises ConfigError for anything else."""
    key, equals, value = text.partition("=")
    if not equals or not key or any(not part for part in key.split(".")):
        raise ConfigError(f"{option} {text!r} is no assignment: write {option} key=value")
    return key, value


def _put(document: dict[str, Any], key: str, value: object) -> None:
    *sections, last = key.split(".")
    place = document
    for depth, section in enumerate(sections):
        inner = place.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"setting {'.'.join(sections[: depth + 1])} is no section: it holds {inner!r}")
        place = inner
    place[last] = value


def _value(text: str) -> object:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, float) and not text.strip().lstrip("-")[:1].isdigit() else value  # NaN, Infinity
