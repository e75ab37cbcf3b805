"""Which bot may trade a symbol: one row per symbol, so that bots on different machines leave each other alone, too."""

from datetime import UTC, datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.core.holder import Holder
from app.domain.errors import DatabaseError, DatabaseGone
from app.models.sql import Lease


class LeaseRepository:
    """The leases of this database. A lease ends with its holder, or when it was not renewed in time."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def take(self, symbol: str, holder: Holder, *, now_ms: int, valid_ms: int) -> None:
        """Take the symbol's lease, also from a holder that is dead or whose time is over.

        Raises:
            DatabaseError: another bot holds it.
        """
        with unit_of_work(self.session):
            row = self.session.get(Lease, symbol, with_for_update=True)
            if row is None:
                row = Lease(symbol=symbol)
                self.session.add(row)
            elif (other := _holder_of(row)) != holder and _ms(row.expires_at) > now_ms and not other.is_gone():
                raise DatabaseError(
                    f"another bot ({other}) trades {symbol} in this database: stop it, choose another db_path, or wait "
                    f"until {row.expires_at:%Y-%m-%d %H:%M:%S} UTC when it is dead"
                )
            row.host, row.pid, row.birth = holder.host, holder.pid, holder.birth
            row.expires_at = _moment(now_ms + valid_ms)
            self.session.flush()

    def renew(self, symbol: str, holder: Holder, *, now_ms: int, valid_ms: int) -> None:
        """Hold it longer.

        Raises:
            DatabaseGone: another bot has taken it: we were not heard of for too long.
        """
        with unit_of_work(self.session):
            row = self.session.get(Lease, symbol, with_for_update=True)
            if row is None or _holder_of(row) != holder:
                whom = "nobody" if row is None else _holder_of(row)
                raise DatabaseGone(f"the lease of {symbol} is held by {whom}, not by us: stop one of the two bots")
            row.expires_at = _moment(now_ms + valid_ms)
            self.session.flush()

    def give_back(self, symbol: str, holder: Holder) -> None:
        """Let the next one start at once; does nothing when it is not ours."""
        ours = (Lease.symbol == symbol, Lease.host == holder.host, Lease.pid == holder.pid, Lease.birth == holder.birth)
        with unit_of_work(self.session):
            self.session.execute(delete(Lease).where(*ours))

    def of(self, symbol: str) -> tuple[Holder, datetime] | None:
        """Who holds the symbol's lease, and until when."""
        with unit_of_work(self.session):
            row = self.session.get(Lease, symbol)
            return None if row is None else (_holder_of(row), row.expires_at)


def _holder_of(row: Lease) -> Holder:
    return Holder(row.host, row.pid, row.birth)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1_000, UTC)
