"""The ledger for other programs: export."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Context, Option

from coinsync.commands.options import Day, span
from coinsync.commands.session import Session
from coinsync.errors import UsageError
from coinsync.export import FORMATS, Roster
from coinsync.files import new_file

if TYPE_CHECKING:
    from coinsync.store.reader import Reader

#: For whom.
Format = Literal["csv", "jsonl", "beancount", "hledger"]


def export(
    ctx: Context,
    form: Annotated[
        Format, Option("--format", help="csv, jsonl, or a journal for an accounting program.")
    ],
    since: Day = None,
    until: Day = None,
    with_names: Annotated[
        bool, Option("--with-names", help="Names and notes too; without it numbers alone.")
    ] = False,
    to: Annotated[
        Path | None,
        Option(metavar="FILE", help="A new file, mode 0600, instead of the screen."),
    ] = None,
) -> None:
    """The ledger's entries for other programs.

    For a spreadsheet, for a script, or for an accounting program that counts the coins again.
    """
    session: Session = ctx.obj
    first, last = span(since, until)
    is_journal = form in ("beancount", "hledger")
    if is_journal and (since or until):
        raise UsageError("export: a journal holds every entry, or its balances would not add up")
    with session.reader() as reader:
        roster = _roster(reader, with_names=with_names)
        entries = reader.journal(since=first, until=last, by_day=is_journal)
        lines = FORMATS[form](entries, roster)
        if to is None:
            for line in lines:
                sys.stdout.write(f"{line}\n")
        else:
            count = _write(to, lines)
            session.say(f"{to}: {count} lines")


def _roster(reader: Reader, *, with_names: bool) -> Roster:
    residents = reader.residents()
    survivors = reader.survivors()
    owners = {survivors[resident.id] for resident in residents}
    return Roster(residents, reader.balances(owners), survivors, with_names)


def _write(path: Path, lines: Iterable[str]) -> int:
    """Write lines to a new file, whole or not at all; returns how many there were."""
    count = 0
    # The name may be mistyped, and what lies there be the ledger itself.
    with new_file(path, "export") as (_, file):
        for line in lines:
            file.write(f"{line}\n".encode())
            count += 1
    return count
