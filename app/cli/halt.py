"""`keel halt`, `keel resume`, `keel status`: the kill switch, and what it has done."""

import argparse
from typing import TYPE_CHECKING, Final

from app.cli.output import say

if TYPE_CHECKING:
    from app.config.models import BotConfig
    from app.core.kill_switch import KillSwitch, Wish

PATIENCE_S: Final = 30.0  # for the running bot to do what it was asked
ASK_EVERY_S: Final = 0.2


def halt_parser() -> argparse.ArgumentParser:
    """The options of `keel halt`; documented in docs/command-line.md, which a test compares."""
    options = _parser("halt", "Cancel all own orders and do nothing until `keel resume`.")
    options.add_argument("--close", action="store_true", help="also sell what is held at market")
    return options


def halt(argv: list[str]) -> int:
    """Stop everything: through the running bot, or here when none runs."""
    from app.core.kill_switch import Wish

    arguments = halt_parser().parse_args(argv)
    return _ask(arguments.config, Wish.HALT_AND_CLOSE if arguments.close else Wish.HALT)


def resume(argv: list[str]) -> int:
    """Allow trading again."""
    from app.core.kill_switch import Wish

    parser = _parser("resume", "Lift a halt: losses and the highest equity count from now on.")
    return _ask(parser.parse_args(argv).config, Wish.RESUME)


def status(argv: list[str]) -> int:
    """Print state, position and the day."""
    arguments = _parser("status", "Show the state, the position with its levels, the day's result.").parse_args(argv)
    say("\n".join(_report(_config(arguments.config))))
    return 0


def _parser(command: str, description: str) -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog=f"keel {command}", description=description)
    options.add_argument("--config", default="settings/config.json", help="settings file (default: %(default)s)")
    return options


def _config(path: str) -> "BotConfig":
    from app.config.models import BotConfig

    return BotConfig.load_from_file(path)


def _ask(path: str, wish: "Wish") -> int:
    from app.core.kill_switch import KillSwitch
    from app.core.lease import exclusive_lease
    from app.domain.errors import DatabaseError

    config = _config(path)
    switch = KillSwitch(config.db_path)
    switch.ask(wish)
    try:
        with exclusive_lease(config.db_path, config.strategy.symbol):
            pass
    except DatabaseError:  # a bot runs: it reads the file
        _wait_for_the_bot(config, switch, wish)
    else:
        _do_it_here(config)
    say("\n".join(_report(config)))
    return 0


def _do_it_here(config: "BotConfig") -> None:
    """No bot runs: what it would do is done by one that lives just as long."""
    from app.cli.compose import running_bot

    with running_bot(config, live=_is_live(config), real_money=True) as (bot, _):
        bot.obey()


def _wait_for_the_bot(config: "BotConfig", switch: "KillSwitch", wish: "Wish") -> None:
    from app.cli.status import look
    from app.core.clock import SystemClock
    from app.core.kill_switch import Wish
    from app.core.stop import StopFlag
    from app.domain.errors import OrderError
    from app.risk.limits import HALTED

    clock = SystemClock()
    until_ms = clock.now_ms() + int(PATIENCE_S * 1_000)
    while clock.now_ms() < until_ms:
        found = look(config)
        is_halted = found is not None and found.standing is not None and found.standing.state == HALTED
        is_flat = found is None or found.position is None
        if is_halted is (wish is not Wish.RESUME) and (is_flat or wish is not Wish.HALT_AND_CLOSE):
            return
        clock.wait_until(clock.now_ms() + int(ASK_EVERY_S * 1_000), StopFlag())
    raise OrderError(
        f"the running bot did not confirm {wish.value!r} within {PATIENCE_S:.0f} s: it is asked for in {switch.path}, "
        "look at its log"
    )


def _is_live(config: "BotConfig") -> bool:
    """Whether this database belongs to a bot that sent orders to an exchange."""
    from app.core.database import Database
    from app.repositories import OrderRepository

    database = Database()
    database.open(config.db_path)
    try:
        with database.session_scope() as session:
            return OrderRepository(session).known_client_prefix() is not None
    finally:
        database.close()


def _report(config: "BotConfig") -> list[str]:
    from app.cli.status import report

    return report(config)
