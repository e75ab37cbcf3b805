"""Access to exchanges through ccxt, guarded: shared by candle sources and executors."""
