"""What a finished run was worth: returns, drawdowns, ratios, trades, intervals, and buy-and-hold beside them.

Arrays in, numbers out: no clock, no network, no file. A year has 365 days, because crypto markets do not close.

What is undefined is NaN, in every function: a ratio whose denominator is zero, a deviation of one value, an average of
nothing, anything computed from a NaN. Infinity never leaves this package. `plain` turns NaN into None, so JSON shows
`null`, and tables show a dash.
"""
