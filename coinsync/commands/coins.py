"""Coins by hand: credit, debit, reverse, import."""

from functools import cache, partial
from pathlib import Path
from typing import Annotated

from typer import Context, Option

from coinsync.commands import completion
from coinsync.commands.options import (
    AllowDuplicate,
    Day,
    DryRun,
    InGroup,
    Key,
    Note,
    Reason,
    Who,
    Yes,
    argument,
    author_of,
    note_of,
    number_of,
    resident_argument,
)
from coinsync.commands.posting import carry_out
from coinsync.commands.session import Session
from coinsync.config import Settings
from coinsync.core.facts import Presence, Resident
from coinsync.core.files.import_rows import read_import_rows
from coinsync.core.proposal import Proposal
from coinsync.core.school import Way
from coinsync.desk import coins as desk
from coinsync.desk.gather import Clerk
from coinsync.desk.imports import import_rows
from coinsync.errors import ImportRefused, NotFound, UsageError, reason_of
from coinsync.lookup.residents import attended, find_resident, members_of, residents_of

#: Where many get the same, how many coins is the only word, and stands in the place of who.
WhoPerhaps = Annotated[
    str | None,
    resident_argument("101, vk:456, or a name's beginning; left out for many."),
]
CoinsPerhaps = Annotated[str | None, argument("COINS", "How many; left out with --for.")]
ForWay = Annotated[
    str,
    Option(
        "--for",
        metavar="WAY",
        help="A way to earn of the configuration.",
        autocompletion=completion.ways,
    ),
]
OfLesson = Annotated[int | None, Option(min=1, metavar="NUMBER", help="All who attended it.")]
Everybody = Annotated[
    bool, Option("--everybody", help="All clients, or those of the --branch that is named.")
]


def credit(
    ctx: Context,
    resident: WhoPerhaps = None,
    coins: CoinsPerhaps = None,
    reason: Reason = "",
    way: ForWay = "",
    group: InGroup = "",
    lesson: OfLesson = None,
    everybody: Everybody = False,
    date: Day = None,
    key: Key = None,
    allow_duplicate: AllowDuplicate = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Give coins by hand, to one resident or to many.

    For a --reason, or --for one of the school's ways to earn, which says how many. A --group as it
    is on that day, those who attended a --lesson, or --everybody get the same each: all or none.
    """
    session: Session = ctx.obj
    kinds = sum(map(bool, (group, lesson, everybody)))
    if kinds > 1 or (kinds and coins is not None) or (not kinds and resident is None):
        raise UsageError("credit: name RESIDENT, --group, --lesson or --everybody, one of them")
    if kinds:
        # The only word is then how many coins.
        resident, coins = None, resident
    if resident is not None and session.branches:
        raise UsageError(
            "credit RESIDENT: --branch says nothing here",
            advice="For all of a branch: coinsync credit COINS --everybody --branch BRANCH.",
        )
    chosen = _way(session.settings, way) if way else None
    amount = _amount(coins, chosen)
    author, note = author_of(session, key, date, allow_duplicate), note_of(reason)
    if not (note or chosen):
        raise UsageError("say why: --reason TEXT, or --for WAY")

    def decide(clerk: Clerk) -> Proposal:
        if resident is None:
            many = _many(session, clerk, group, lesson)
            return desk.give_all(clerk, many, amount, note=note, way=chosen)
        who = find_resident(clerk.reader, resident)
        return desk.give(clerk, who, amount, note=note, way=chosen)

    return carry_out(session, decide, dry_run, yes, author)


def _many(session: Session, clerk: Clerk, group: str, lesson: int | None) -> list[Resident]:
    residents = residents_of(clerk.reader, session.chosen_branch_ids())
    if group:
        return members_of(clerk.reader, residents, group, clerk.day)
    if lesson is not None:
        return attended(clerk.reader, residents, lesson)
    return [resident for resident in residents if resident.presence is Presence.CLIENT]


def _amount(coins: str | None, way: Way | None) -> int:
    if way is None:
        if coins is None:
            raise UsageError("credit: say how many coins, or --for which way to earn")
        return number_of(coins, "number of coins")
    if coins is not None:
        advice = "leave the number out, or --for"
        raise UsageError(f"credit: {way.code} gives {way.coins}; {advice}")
    return way.coins


def _way(settings: Settings, code: str) -> Way:
    for way in settings.ways:
        if way.code == code:
            return way
    known = ", ".join(way.code for way in settings.ways)
    raise NotFound.of("unknown_way", code=repr(code), ways=known or "–")


def debit(
    ctx: Context,
    resident: Who,
    coins: Annotated[str, argument("COINS", "How many.")],
    reason: Reason = "",
    date: Day = None,
    key: Key = None,
    allow_duplicate: AllowDuplicate = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Take coins by hand; never below zero."""
    session: Session = ctx.obj
    amount = number_of(coins, "number of coins")
    author, note = author_of(session, key, date, allow_duplicate), note_of(reason, "--reason")

    def decide(clerk: Clerk) -> Proposal:
        return desk.give(clerk, find_resident(clerk.reader, resident), -amount, note=note)

    return carry_out(session, decide, dry_run, yes, author)


def reverse(
    ctx: Context,
    entry: Annotated[str, argument("ENTRY", "Its number in the history.")],
    note: Note = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Take an entry back: a second entry that names it, once."""
    number, text = number_of(entry, "number of an entry"), note_of(note, "--note")
    return carry_out(ctx.obj, lambda clerk: desk.reverse(clerk, number, note=text), dry_run, yes)


def import_file(
    ctx: Context,
    file: Annotated[Path, argument("FILE.csv", "A spreadsheet saved as CSV; see docs/import.md.")],
    allow_duplicate: AllowDuplicate = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Coins from a spreadsheet: all rows or none.

    Credits, debits and opening balances; a second run of the same file adds nothing.
    """
    session: Session = ctx.obj
    author = author_of(session, allow_duplicate=allow_duplicate)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"import: {file} cannot be read ({reason_of(error)})") from error
    try:
        coins_max = session.settings.limits.coins_per_operation_max
        rows, problems = read_import_rows(content, coins_max=coins_max)

        def decide(clerk: Clerk) -> Proposal:
            # A file may name a resident in many rows.
            find = cache(partial(find_resident, clerk.reader))
            return import_rows(clerk, rows, problems, find)

        return carry_out(session, decide, dry_run, yes, author)
    except ImportRefused as error:
        raise ImportRefused(
            error.problems, count=error.count, file=str(file), exit_code=error.exit_code
        ) from error
