"""`python -m exchange_simulator`: the exchange's own command."""

from exchange_simulator.server.command import main

if __name__ == "__main__":
    raise SystemExit(main())
