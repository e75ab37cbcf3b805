"""How an order fills without an exchange: one rule for paper trading and backtest. No I/O."""
