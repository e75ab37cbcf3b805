"""Writes settings/demo-market.csv: two days of one-minute candles, the same bytes every time.

`uv run python -m tools.make_demo_market`
"""

from pathlib import Path
from typing import Final

import pandas as pd

from app.data.synthetic import synthetic_candles

TARGET: Final = Path(__file__).parent.parent / "settings" / "demo-market.csv"
CANDLES: Final = 2 * 24 * 60
SEED: Final = 67  # its averages of 5 and 20 minutes cross four times an hour or more at the beginning


def demo_market(seed: int = SEED) -> bytes:
    """The file's content for a seed."""
    frame = synthetic_candles(CANDLES, seed=seed)
    times = pd.DatetimeIndex(frame.index).as_unit("ms").asi8
    lines = ["open_time,open,high,low,close,volume"]
    for time, (opened, high, low, close, volume) in zip(times, frame.to_numpy(), strict=True):
        lines.append(f"{time},{opened:.2f},{high:.2f},{low:.2f},{close:.2f},{volume:.5f}")
    return ("\n".join(lines) + "\n").encode()


if __name__ == "__main__":
    TARGET.write_bytes(demo_market())
    print(f"wrote {TARGET.name}: {CANDLES} candles from seed {SEED}")
