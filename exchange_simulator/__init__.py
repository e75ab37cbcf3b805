"""A Binance-compatible spot exchange on loopback, with faults on demand. It knows nothing of `app`."""
