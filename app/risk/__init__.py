"""Exits, sizes and limits: pure rules that backtest, paper and live trading share; see docs/decisions/0005.

The rules are plain functions over floats and named tuples of floats, in the part of Python that Numba compiles. The bot
calls them as they are; the backtester compiles the very same functions.
"""
