"""Coins by hand: credit, debit, reverse, import."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coinsync.commands import completion
from coinsync.commands.posting import carry_out
from coinsync.commands.session import Day, DryRun, Session, Who, Yes, day_of, number_of
from coinsync.core.identity import clean
from coinsync.errors import ImportRefused, NotFound, UsageError

if TYPE_CHECKING:
    from coinsync.config import Settings
    from coinsync.core.facts import Resident
    from coinsync.core.proposal import Author, Proposal
    from coinsync.core.school import Way
    from coinsync.store.reader import Reader

NOTE_LENGTH_MAX = 200
KEY_LENGTH_MAX = 40

Reason = Annotated[str, typer.Option("--reason", help="Why, in words that the family will read.")]
Key = Annotated[
    str, typer.Option(help="Key of an earlier try, to repeat it without doing it twice.")
]
AllowDuplicate = Annotated[bool, typer.Option("--allow-duplicate", help="It is meant twice.")]


def credit(
    ctx: typer.Context,
    resident: Who,
    coins: Annotated[
        str | None, typer.Argument(metavar="COINS", help="How many; with --for left out.")
    ] = None,
    reason: Reason = "",
    way: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="WAY",
            help="A way to earn of the configuration.",
            autocompletion=completion.ways,
        ),
    ] = "",
    date: Day = None,
    key: Key = "",
    allow_duplicate: AllowDuplicate = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Give coins by hand.

    For a --reason, or --for one of the school's ways to earn, which says how many.
    """
    session: Session = ctx.obj
    chosen = _way(session.settings, way) if way else None
    if chosen is not None and coins is not None:
        raise UsageError(f"credit: {way} gives {chosen.coins}; leave the number out, or --for")
    if chosen is None and coins is None:
        raise UsageError("credit: say how many coins, or --for which way to earn")
    amount = chosen.coins if chosen else number_of(coins or "", "number of coins")
    decide = partial(
        _give,
        session,
        resident,
        amount,
        reason,
        chosen,
        author(session, key, date, allow_duplicate),
    )
    return carry_out(session, decide, dry_run=dry_run, yes=yes)


def debit(
    ctx: typer.Context,
    resident: Who,
    coins: Annotated[str, typer.Argument(metavar="COINS", help="How many.")],
    reason: Reason = "",
    date: Day = None,
    key: Key = "",
    allow_duplicate: AllowDuplicate = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Take coins by hand; never below zero."""
    session: Session = ctx.obj
    amount = -number_of(coins, "number of coins")
    decide = partial(
        _give, session, resident, amount, reason, None, author(session, key, date, allow_duplicate)
    )
    return carry_out(session, decide, dry_run=dry_run, yes=yes)


def _give(
    session: Session,
    resident: str,
    coins: int,
    reason: str,
    way: Way | None,
    by: Author,
    reader: Reader,
) -> Proposal:
    from coinsync.desk.coins import give
    from coinsync.lookup.residents import find_resident

    note = note_of(reason)
    if not (note or way):
        raise UsageError("say why: --reason TEXT" + (", or --for WAY" if coins > 0 else ""))
    who = find_resident(reader, resident)
    return give(reader, session.settings, who, coins, by, note=note, way=way)


def _way(settings: Settings, code: str) -> Way:
    found = next((way for way in settings.ways if way.code == code), None)
    if found is None:
        there = (
            ", ".join(way.code for way in settings.ways)
            or "none; add [[earn]] blocks to the configuration"
        )
        raise NotFound(f"no way to earn is called {code!r}", advice=f"There are: {there}.")
    return found


def author(
    session: Session, key: str = "", date: str | None = None, allow_duplicate: bool = False
) -> Author:
    """The hand of whoever called: name, time, and a key made before anything is asked."""
    from coinsync.core.proposal import Author

    given = key.removeprefix("desk:").lower()
    if given and (
        len(given) > KEY_LENGTH_MAX or not given.replace("-", "").isalnum() or not given.isascii()
    ):
        raise UsageError(
            f"--key {clean(key)!r} is no key", advice="Keys are letters a-z, digits and hyphens."
        )
    id = given or session.environment.fresh_text()[:12]
    return Author(session.actor, session.now(), id, day_of(date), allow_duplicate)


def note_of(text: str) -> str:
    """What staff typed, as it is kept: one line of at most 200 characters."""
    note = clean(text)
    if len(note) > NOTE_LENGTH_MAX:
        raise UsageError(f"the text has {len(note)} characters, at most {NOTE_LENGTH_MAX} are kept")
    return note


def reverse(
    ctx: typer.Context,
    entry: Annotated[str, typer.Argument(metavar="ENTRY", help="Its number in the history.")],
    note: Annotated[
        str, typer.Option("--note", help="Why, in words that the family will read.")
    ] = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Take an entry back: a second entry that names it, once."""
    from coinsync.desk import coins

    session: Session = ctx.obj
    n, text = number_of(entry, "number of an entry"), note_of(note)
    if not text:
        raise UsageError("reverse: say why: --note TEXT")
    by = author(session)
    return carry_out(
        session,
        lambda reader: coins.reverse(reader, session.settings, n, by, note=text),
        dry_run=dry_run,
        yes=yes,
    )


def import_file(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE.csv", help="A spreadsheet saved as CSV; see docs/import.md."),
    ],
    allow_duplicate: AllowDuplicate = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Coins from a spreadsheet: all rows or none.

    Credits, debits and opening balances; a second run of the same file adds nothing.
    """
    from coinsync.core.files.import_rows import read_import_rows
    from coinsync.desk.imports import import_rows
    from coinsync.lookup.residents import find_resident

    session: Session = ctx.obj
    settings = session.settings
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"import: {file} cannot be read ({type(error).__name__})") from error
    by = author(session, allow_duplicate=allow_duplicate)

    def decide(reader: Reader) -> Proposal:
        @cache
        def find(text: str) -> Resident:
            return find_resident(reader, text)

        return import_rows(reader, settings, rows, find, by)

    try:
        rows = read_import_rows(
            content,
            ways={way.code: way.coins for way in settings.ways},
            coins_max=settings.limits.coins_per_operation_max,
        )
        return carry_out(session, decide, dry_run=dry_run, yes=yes)
    except ImportRefused as error:
        raise ImportRefused(error.problems, count=error.count, file=str(file)) from error
