"""Run a backtest: `python run_backtest.py --config settings/config.json --data settings/demo-market.csv`."""

import sys

from app.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["backtest", *sys.argv[1:]]))
