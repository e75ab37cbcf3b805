"""Trading strategies: a frame of closed candles goes in, a `signal` column comes out."""
