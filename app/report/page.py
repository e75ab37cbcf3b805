"""The page: one HTML file that needs no network. Figures are in its text; scripts draw charts and the trade list."""

from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from app.domain.errors import ConfigError
from app.report.blocks import body_head, charts, notes, tiles, trade_list, what_if
from app.report.data import ReportData
from app.report.payload import payload
from app.report.tables import certificate, decisions, groups, heatmap, metrics_tables, settings

_SCRIPTS = ("data.js", "scale.js", "chart.js", "series.js", "trades.js", "whatif.js", "main.js")


def write_html(data: ReportData, path: str | Path) -> Path:
    """Write the page and return its path.

    Raises:
        ConfigError: it cannot be written there.
    """
    target, text = Path(path), page(data)
    try:
        if target.exists() and not target.is_file():  # a device or a pipe
            target.write_text(text, encoding="utf-8")
        else:
            _write_whole(target, text)
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"the report cannot be written to {target} ({reason}): choose another file") from None
    return target


def _write_whole(target: Path, text: str) -> None:
    """All of it or nothing: what was there before stays until then."""
    part = target.with_name(f".{target.name}.unfinished")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def framed(data: ReportData, *, height_px: int = 900) -> str:
    """The page in a frame of its own, for notebooks: its styles and scripts touch nothing else."""
    return (
        f'<iframe srcdoc="{escape(page(data))}" sandbox="allow-scripts allow-downloads" title="{escape(data.title)}" '
        f'style="width:100%;height:{height_px}px;border:0"></iframe>'
    )


def page(data: ReportData) -> str:
    """The whole page as text. Every name in it is escaped; its own policy forbids it to load anything."""
    parts = (tiles, charts, metrics_tables, heatmap, groups, what_if, trade_list, decisions, certificate, settings)
    body = "\n".join(filter(None, (part(data) for part in parts)))
    return Template(_asset("page.html")).substitute(
        title=escape(data.title),
        style=_asset("style.css"),
        body=f"{body_head(data, body)}\n<main>\n{body}\n</main>\n{notes(data)}",
        payload=payload(data),
        script="\n".join(_asset(name) for name in _SCRIPTS),
    )


@cache
def _asset(name: str) -> str:
    return (files("app.report") / "assets" / name).read_text(encoding="utf-8").strip()
