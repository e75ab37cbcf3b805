"""Start the bot: `python run_live.py --config settings/config.json --mode mock --sleep 60`."""

import sys

from app.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["live", *sys.argv[1:]]))
