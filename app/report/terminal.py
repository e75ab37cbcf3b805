"""The figures as a table in the terminal."""

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from app.analytics.trades import GroupFigures
from app.report.data import ReportData
from app.report.rows import Section, sections
from app.report.text import count, moment, money, number, percent

_TONES = {1: "green", 0: "", -1: "red"}


def print_report(data: ReportData, console: Console) -> None:
    """Print head line, figures and the tables by symbol and exit reason."""
    console.print(Group(*_parts(data)))


def _parts(data: ReportData) -> Iterator[RenderableType]:
    yield _head(data)
    yield _figures(sections(data), with_hold=data.metrics.hold is not None, level=data.intervals.level)
    if len(data.metrics.by_symbol) > 1:
        yield _groups("By symbol", data.metrics.by_symbol)
    if data.metrics.by_exit:
        yield _groups("By exit reason", data.metrics.by_exit)


def _head(data: ReportData) -> Text:
    metrics = data.metrics
    text = Text()
    text.append(data.title, style="bold")
    text.append(f"  {', '.join(data.candles)}  {data.timeframe}  ")
    text.append(f"{moment(metrics.start_ms)} to {moment(metrics.end_ms)} UTC, {count(metrics.candles)} candles\n")
    if data.verdict is not None:
        style = {True: "green", False: "bold red", None: "yellow"}[data.verdict.believable]
        text.append(data.verdict.headline, style=style)
        text.append(f": {data.verdict.finding}\n" if data.verdict.finding else "\n")
    return text


def _figures(parts: list[Section], *, with_hold: bool, level: float) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("run", justify="right")
    table.add_column(f"{level * 100:.0f} % interval", justify="right", style="dim")
    if with_hold:
        table.add_column("buy and hold", justify="right", style="dim")
    for section in parts:
        table.add_row(Text(section.title, style="bold"))
        for row in section.rows:
            cells = [
                Text(f"  {row.label}"),
                Text(row.value, style=_TONES[row.tone]),
                Text(row.interval),
                Text(row.hold),
            ]
            table.add_row(*cells[: len(table.columns)])
    return table


def _groups(title: str, groups: list[GroupFigures]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for name in ("trades", "win rate", "net result", "profit factor", "mean return", "fees"):
        table.add_column(name, justify="right")
    for group in groups:
        table.add_row(
            Text(group.name),
            count(group.count),
            percent(group.win_rate, 1),
            money(group.pnl, sign=True),
            number(group.profit_factor),
            percent(group.mean_return, 3, sign=True),
            money(group.fees),
        )
    return table
