"""Keel: one strategy class from backtest to live trading."""
