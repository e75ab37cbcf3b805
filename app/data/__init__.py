"""Candles: handlers, sources, quality."""
