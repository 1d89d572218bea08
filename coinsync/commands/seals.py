"""The seal that was last seen on this machine: a ledger without it went back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coinsync.commands.session import Session
from coinsync.errors import LedgerWentBack, reason_of
from coinsync.store.lock import last_seal, remember

if TYPE_CHECKING:
    from coinsync.core.seal import Seal
    from coinsync.store.reader import Reader


def fault(session: Session, reader: Reader) -> LedgerWentBack | None:
    """Why nothing may be written: the ledger does not hold the seal that was seen here."""
    seen = last_seal(session.seal_file)
    if seen is None or reader.has_seal(seen):
        return None
    return LedgerWentBack(
        f"ledger went back: {seen} was seen here, and this one ends at {reader.seal()}",
        advice="Nothing was written. Put the newest backup back: coinsync db restore FILE. Only if"
        f" this ledger is the right one: {accept_command(reader)}",
    )


def accept_command(reader: Reader) -> str:
    """The command that accepts a ledger as it is."""
    return f'coinsync db accept "{reader.seal()}"'


def refuse_older(session: Session, reader: Reader) -> None:
    """Raise ``LedgerWentBack`` where the ledger does not hold the seal that was seen here."""
    error = fault(session, reader)
    if error is not None:
        raise error


def keep(session: Session, seal: Seal) -> None:
    """Remember the newest seal; who may not is told once, and nothing fails."""
    try:
        remember(session.seal_file, seal)
    except OSError as error:
        said = f"{session.seal_file} cannot be written ({reason_of(error)}): "
        session.complain_once(said + "an older ledger in this one's place may not be noticed")
