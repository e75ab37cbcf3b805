"""Writes docs/settings.md from the descriptions in `app.config.models`; a test fails when the page is out of date.

`python tools/settings_page.py > docs/settings.md`
"""

from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from app.config.models import BotConfig

HEAD = """# Settings

One JSON file, `settings/config.json` by default. Unknown keys, wrong types and contradictions stop the bot before
anything connects. Percentages are fractions of 1; "quote units" are units of the asset in which is paid (USDT).
Paths are relative to the folder in which the bot is started.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_section(BotConfig, "")])


def _section(model: type[BaseModel], prefix: str) -> list[str]:
    title = f"`{prefix.rstrip('.')}`" if prefix else "The file"
    about = (model.__doc__ or "").strip().splitlines()[0]
    lines = [f"## {title}", "", about, "", "| key | default | meaning |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        lines.append(f"| `{prefix}{name}` | {_default(field)} | {field.description} |")
    lines.append("")
    for name, field in model.model_fields.items():
        for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                lines += _section(kind, f"{prefix}{name}.")
    return lines


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default: Any = field.get_default(call_default_factory=True)
    if isinstance(default, SecretStr):
        return "empty"
    if default is None or isinstance(default, BaseModel):
        return ""
    return f"`{default!r}`" if isinstance(default, bool | dict) else f"`{default}`"


if __name__ == "__main__":
    print(page(), end="")
