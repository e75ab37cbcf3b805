"""The stops and targets under which each trade stood, for the report's chart."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from app.analytics.columns import moments, numbers, texts

if TYPE_CHECKING:
    from app.backtesting.result import BacktestResult


def steps_of(result: "BacktestResult") -> pd.DataFrame:
    """Each trade's levels from its entry to its exit: one row for each change.

    Columns: trade (its row in `result.trades`), time (from when on), stop, target; by trade, then by time.
    """
    levels, trades = result.levels, result.trades
    order = np.argsort(texts(levels, "symbol"), kind="stable")
    symbols, times = texts(levels, "symbol")[order], moments(levels, "time")[order]
    begins = np.flatnonzero(levels["begins"].to_numpy()[order])
    ends = np.append(begins[1:], len(order)) if len(begins) else begins
    place = {key: i for i, key in enumerate(zip(symbols[begins].tolist(), times[begins].tolist(), strict=True))}
    rows, owners = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    entries, exits = moments(trades, "entry_time").tolist(), moments(trades, "exit_time").tolist()
    for trade, key in enumerate(zip(texts(trades, "symbol").tolist(), entries, strict=True)):
        begin, end = int(begins[place[key]]), int(ends[place[key]])
        end = begin + max(int(np.searchsorted(times[begin:end], exits[trade], side="right")), 1)
        rows.append(np.arange(begin, end))
        owners.append(np.full(end - begin, trade))
    chosen = order[np.concatenate(rows)]
    return pd.DataFrame(
        {
            "trade": np.concatenate(owners),
            "time": levels["time"].iloc[chosen].reset_index(drop=True),
            "stop": numbers(levels, "stop")[chosen],
            "target": numbers(levels, "target")[chosen],
        }
    )
