"""A run's figures as plain data."""

from dataclasses import asdict

from app.analytics.metrics import plain
from app.report.data import ReportData
from app.report.text import moment


def plain_report(data: ReportData) -> dict[str, object]:
    """Dicts, lists, texts and numbers for `json.dumps(..., allow_nan=False)`; what is undefined is None.

    Fractions, not percent; times as milliseconds UTC, and the range also as text.
    """
    result = plain(
        {
            "strategy": data.title,
            "timeframe": data.timeframe,
            "symbols": list(data.candles),
            "quote": data.quote,
            "from": moment(data.metrics.start_ms),
            "to": moment(data.metrics.end_ms),
            "causality": None if data.verdict is None else asdict(data.verdict),
            "metrics": asdict(data.metrics),
            "intervals": asdict(data.intervals),
        }
    )
    assert isinstance(result, dict)  # noqa: S101 - for the type checker
    return result
