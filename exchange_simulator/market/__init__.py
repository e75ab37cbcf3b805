"""The exchange's market: virtual clock, price processes, house liquidity, candles and tickers."""
