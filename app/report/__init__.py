"""A run's figures for people: a table in the terminal, plain data for JSON, and one self-contained HTML page."""

from app.report.data import ReportData, Verdict

__all__ = ["ReportData", "Verdict"]
