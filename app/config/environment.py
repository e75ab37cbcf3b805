"""Secrets from the environment or a `.env` file, so that no settings file needs to hold them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from app.domain.errors import ConfigError

VARIABLES: Final = {"KEEL_API_KEY": "api_key", "KEEL_API_SECRET": "api_secret"}


def secrets_from_environment(
    environment: Mapping[str, str] | None = None, dotenv: Path = Path(".env")
) -> dict[str, str]:
    """The settings `api_key` and `api_secret` that are given outside of the settings file.

    The environment wins over the `.env` file; empty values count as not given.

    Args:
        environment: Variables to use instead of the process's.
        dotenv: A file of `NAME=value` lines; `#` begins a comment, quotes around a value are dropped.

    Raises:
        ConfigError: the file is not readable, or a line of it is no assignment.
    """
    variables = {**_read_dotenv(dotenv), **(os.environ if environment is None else environment)}
    return {setting: variables[name] for name, setting in VARIABLES.items() if variables.get(name)}


def _read_dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error
        raise ConfigError(f"{path} cannot be read ({reason}): correct or remove it") from None
    values = {}
    for number, raw in enumerate(lines, start=1):
        line = raw.strip().removeprefix("export ")
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise ConfigError(f"{path}: line {number} is no NAME=value assignment: correct or remove it")
        values[name.strip()] = value.strip().strip("\"'")
    return values
