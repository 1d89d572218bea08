"""The ledger for other programs: export."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coinsync.commands.options import Day, span
from coinsync.commands.session import Session
from coinsync.errors import UsageError

if TYPE_CHECKING:
    from datetime import date

    from coinsync.export import Roster
    from coinsync.store.reader import Reader


class What(StrEnum):
    """What is exported."""

    ENTRIES = "entries"
    RESIDENTS = "residents"
    ALL = "all"


class Format(StrEnum):
    """For whom."""

    CSV = "csv"
    JSONL = "jsonl"
    BEANCOUNT = "beancount"
    HLEDGER = "hledger"


def export(
    ctx: typer.Context,
    what: Annotated[What, typer.Argument(help="entries, residents, or all.")],
    form: Annotated[
        Format, typer.Option("--format", help="csv, jsonl, or a journal for an accounting program.")
    ],
    since: Day = None,
    until: Day = None,
    with_names: Annotated[
        bool,
        typer.Option(
            "--with-names", help="Names, notes and VK accounts too; without it numbers alone."
        ),
    ] = False,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="A file, mode 0600, instead of the screen."),
    ] = None,
) -> None:
    """Entries and residents for other programs.

    For a spreadsheet, for a script, or for an accounting program that counts the coins again.
    """
    session: Session = ctx.obj
    days = span(since, until)
    _check(what, form, days)
    with session.reader() as reader:
        lines = _lines(reader, what, form, days, with_names=with_names)
        if to is None:
            _print(lines)
        else:
            count = _write(to, lines)
            session.say(f"{to}: {count} lines")


def _check(what: What, form: Format, days: tuple[date | None, date | None]) -> None:
    if form is Format.CSV and what is What.ALL:
        raise UsageError(
            "export: one CSV file holds one table",
            advice="Export entries and residents one by one.",
        )
    if form in (Format.BEANCOUNT, Format.HLEDGER):
        if what is What.RESIDENTS:
            raise UsageError(f"export: a journal of {form} is made of entries; export entries")
        if any(days):
            raise UsageError(
                "export: a journal holds every entry, or its balances would not add up"
            )
    if what is What.RESIDENTS and any(days):
        raise UsageError("export: residents have no days; leave --since and --until out")


def _lines(
    reader: Reader,
    what: What,
    form: Format,
    days: tuple[date | None, date | None],
    *,
    with_names: bool,
) -> Iterator[str]:
    from datetime import date

    from coinsync import export

    since, until = days[0] or date.min, days[1] or date.max
    roster = _roster(reader, with_names=with_names)
    by_day = form in (Format.BEANCOUNT, Format.HLEDGER)
    entries = (
        (line.posted, line.note) for line in reader.journal(since=since, until=until, by_day=by_day)
    )
    if form is Format.BEANCOUNT:
        return export.beancount(entries, roster)
    if form is Format.HLEDGER:
        return export.hledger(entries, roster)
    if form is Format.CSV:
        return (
            export.entries_csv(entries, roster)
            if what is What.ENTRIES
            else export.residents_csv(roster)
        )
    if what is What.ALL:
        return export.all_jsonl(entries, roster)
    return (
        export.entries_jsonl(entries, roster)
        if what is What.ENTRIES
        else export.residents_jsonl(roster)
    )


def _roster(reader: Reader, *, with_names: bool) -> Roster:
    from coinsync.export import Roster

    residents, survivors = reader.residents(), reader.survivors()
    owners = {survivors.get(one.id, one.id) for one in residents}
    return Roster(residents, reader.balances(owners), reader.links(), survivors, with_names)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")


def _write(path: Path, lines: Iterable[str]) -> int:
    """Write lines to a file, whole or not at all, readable by its owner alone; how many there were."""
    part, count = path.with_name(path.name + ".part"), 0
    try:
        # What an earlier try left there, or who else can read it, is not ours to take over.
        part.unlink(missing_ok=True)
        with os.fdopen(
            os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            for line in lines:
                file.write(f"{line}\n")
                count += 1
        part.replace(path)
    except OSError as error:
        raise UsageError(f"export: {path} cannot be written ({type(error).__name__})") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return count
