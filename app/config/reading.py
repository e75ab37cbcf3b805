"""A settings file as a document, and what is wrong with it as one sentence."""

import json
import math
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from app.domain.errors import ConfigError

LONGEST_SHOWN: Final = 80  # characters of an offending value in a sentence


def read_settings(path: Path) -> dict[str, Any]:
    """The JSON object that a file holds.

    Raises:
        ConfigError: not readable, no JSON (which knows no NaN and no Infinity), no object, a key that stands twice, or
            a text that no path and no market could hold.
    """
    try:
        document = json.loads(
            path.read_text(encoding="utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_constant=_no_number,
            parse_float=_finite,
        )
        _check_texts(document, "")
    except FileNotFoundError:
        raise ConfigError(f"config file {str(path)!r} does not exist: give its path with --config") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"config file {str(path)!r} cannot be read: {error}") from None
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"{path}: line {error.lineno} is no valid JSON: {error.msg} at column {error.colno}"
        ) from None
    except RecursionError:
        raise ConfigError(f"{path}: lists or objects are nested too deeply: write settings as objects") from None
    except ValueError as error:  # of Python's own int(), too: more than 4300 digits
        raise ConfigError(f"{path}: {error}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: the file holds {type(document).__name__}, not an object of settings")
    return document


def sentence(error: ValidationError, document: dict[str, Any], model: type[BaseModel]) -> str:
    """The first problem in words: key, value, remedy; and how many more there are."""
    problems = error.errors(include_url=False)
    first = problems[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = ", ".join(sorted(_known_keys(first["loc"][:-1], model)))
        text = f"unknown setting {key!r}: known here are {known}"
    elif first["type"] == "missing":
        text = f"setting {key!r} is missing: add it"
    elif first["type"] == "value_error":
        text = f"{key}: {first['msg'].removeprefix('Value error, ')}".removeprefix(": ")
    elif first["type"] == "model_type":
        text = f"{key} is {type(_value(first['loc'], document)).__name__}: write an object of settings, {{...}}"
    else:
        text = f"{key} is {_shown(first['loc'], document)}: {first['msg'][0].lower()}{first['msg'][1:]}"
    return text if len(problems) == 1 else f"{text} (and {len(problems) - 1} more problems)"


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for key, value in pairs:
        if key in settings:
            raise ValueError(f"setting {key!r} stands twice in one object: keep one of the two")
        settings[key] = value
    return settings


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number: write a finite one")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:LONGEST_SHOWN]} is too large: write a finite number")
    return number


def _check_texts(value: object, key: str) -> None:
    """Refuse texts with a NUL, which no path may hold, or half a surrogate pair, which no encoding can write."""
    if isinstance(value, dict):
        for name, part in value.items():
            _check_texts(name, f"{key}.{name}".lstrip("."))
            _check_texts(part, f"{key}.{name}".lstrip("."))
    elif isinstance(value, list):
        for part in value:
            _check_texts(part, key)
    elif isinstance(value, str) and any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError(f"{ascii(key)[1:-1]} holds a character that cannot be written: remove \\u0000 and \\ud800")


def _known_keys(location: tuple[int | str, ...], root: type[BaseModel]) -> set[str]:
    model: Any = root
    for part in location:
        annotation = model.model_fields[str(part)].annotation
        model = next(
            kind for kind in (annotation, *getattr(annotation, "__args__", ())) if hasattr(kind, "model_fields")
        )
    return set(model.model_fields)


def _value(location: tuple[int | str, ...], document: dict[str, Any]) -> object:
    value: Any = document
    for part in location:
        if isinstance(value, dict):
            value = value.get(str(part))
        else:
            value = value[part] if isinstance(value, list) and isinstance(part, int) else None
    return value


def _shown(location: tuple[int | str, ...], document: dict[str, Any]) -> str:
    """The offending value, unless it is a secret or may hold one."""
    value = _value(location, document)
    if any("api_" in str(part) for part in location):
        return "a hidden value"
    if isinstance(value, dict | list):
        return f"a {type(value).__name__}"
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
