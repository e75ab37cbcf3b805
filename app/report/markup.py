"""Small pieces of HTML that the page's parts share. What comes from outside passes `escape` before it gets here."""

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

MINUS: Final = "\u2212"


def section(target: str, title: str, body: str, *, beside: str = "") -> str:
    """A card with a heading that the page's menu can point at. title: plain text; body, beside: HTML."""
    return f'<section id="{target}"><div class="top"><h2>{escape(title)}</h2>{beside}</div>\n{body}</section>'


def note(text: str) -> str:
    """A quiet remark. text: HTML."""
    return f'<p class="note">{text}</p>'


def heads(names: Iterable[str], *, numbers: bool = True) -> str:
    """Column headings of plain texts."""
    kind = ' class="number"' if numbers else ""
    return "".join(f'<th scope="col"{kind}>{escape(name)}</th>' for name in names)


def cell(text: str, tone: str = "", *, below: str = "") -> str:
    """A table cell with a figure; `below` stands under it where the screen is narrow. text, below: plain."""
    under = f'<small class="under">{minus(escape(below))}</small>' if below else ""
    return f'<td class="number {tone}">{minus(escape(text))}{under}</td>'


def table(head: str, rows: Iterable[str], kind: str = "") -> str:
    """A table from HTML of its heading's cells and of its rows."""
    return f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def facts(items: Mapping[str, object]) -> str:
    """Names and values, one a line."""
    rows = (
        f'<tr><th scope="row">{escape(str(name))}</th><td>{escape(str(value))}</td></tr>'
        for name, value in items.items()
    )
    return f'<table class="facts"><tbody>{"".join(rows)}</tbody></table>'


def tone(value: float) -> str:
    """The class for a good or bad figure."""
    return "up" if value > 0 else "down" if value < 0 else ""


def minus(text: str) -> str:
    """Hyphens that are signs as minus signs; those within dates stay."""
    return re.sub(r"(?<![\w-])-(?=[\d>])", MINUS, text)
