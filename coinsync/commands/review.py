"""What waits for a person: review list, post, forgive, waive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from coinsync.commands import completion
from coinsync.commands.coins import author, note_of
from coinsync.commands.posting import carry_out
from coinsync.commands.session import AsCsv, DryRun, Session, Yes
from coinsync.errors import NotFound, UsageError

if TYPE_CHECKING:
    from coinsync.core.facts import Hold
    from coinsync.core.planning.review import Ruling
    from coinsync.core.proposal import Proposal
    from coinsync.store.reader import Reader

Cases = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CASE",
        help="LESSON:RESIDENT as `review list` shows it.",
        autocompletion=completion.holds,
    ),
]
Everything = Annotated[bool, typer.Option("--all", help="Every case that is held.")]
Kind = Annotated[str, typer.Option("--kind", help="With --all: only reversal, or only guest.")]
Note = Annotated[str, typer.Option("--note", help="Why, in words that the family will read.")]


def list_cases(
    ctx: typer.Context,
    kind: Annotated[str, typer.Option("--kind", help="Only reversal, or only guest.")] = "",
    as_csv: AsCsv = False,
) -> None:
    """Held reversals and guest visits."""
    from coinsync.desk.review import cases
    from coinsync.render.coins import show_cases
    from coinsync.render.data import csv_text, json_text
    from coinsync.render.terminal import console

    session: Session = ctx.obj
    with session.reader() as reader:
        found = cases(reader, _of_kind(_of_branches(session, reader), kind))
    if session.json:
        typer.echo(json_text(found))
    elif as_csv:
        columns = (
            "case",
            "kind",
            "lesson",
            "resident",
            "name",
            "day",
            "coins",
            "balance",
            "reason",
        )
        rows = (
            (
                one.id,
                hold.kind,
                hold.lesson,
                hold.resident,
                one.name,
                hold.happened_on,
                hold.coins,
                one.balance,
                hold.reason,
            )
            for one, hold in ((one, one.hold) for one in found)
        )
        typer.echo(csv_text(columns, rows))
    else:
        show_cases(console(), found)


def post(
    ctx: typer.Context,
    cases: Cases = None,
    everything: Everything = False,
    kind: Kind = "",
    note: Note = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Do what the rules give.

    Take the coins back, even below zero, or pay the visit.
    """
    return _decide(ctx.obj, "post", cases, everything, kind, note, dry_run=dry_run, yes=yes)


def forgive(
    ctx: typer.Context,
    cases: Cases = None,
    everything: Everything = False,
    note: Note = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Take the award back and give the same as a gift.

    Both lines are seen, the balance stays.
    """
    return _decide(
        ctx.obj, "forgive", cases, everything, "reversal", note, dry_run=dry_run, yes=yes
    )


def waive(
    ctx: typer.Context,
    cases: Cases = None,
    everything: Everything = False,
    kind: Kind = "",
    note: Note = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Leave the coins as they are.

    Who decided that, and why, is kept.
    """
    return _decide(ctx.obj, "waive", cases, everything, kind, note, dry_run=dry_run, yes=yes)


def _decide(
    session: Session,
    verb: str,
    cases: list[str] | None,
    everything: bool,
    kind: str,
    note: str,
    *,
    dry_run: bool,
    yes: bool,
) -> int:
    from coinsync.core.planning.review import Ruling
    from coinsync.desk.review import review

    ruling, text, by = Ruling(verb), note_of(note), author(session)
    if bool(cases) == everything:
        raise UsageError(f"review {verb}: say which cases, or --all")
    if ruling is not Ruling.POST and not text:
        raise UsageError(f"review {verb}: say why: --note TEXT")

    def decide(reader: Reader) -> Proposal:
        found = (
            _of_kind(_of_branches(session, reader), kind)
            if everything
            else _named(reader, cases or [], ruling)
        )
        return review(reader, session.settings, found, ruling, by, note=text)

    return carry_out(session, decide, dry_run=dry_run, yes=yes)


def _of_branches(session: Session, reader: Reader) -> list[Hold]:
    from coinsync.core.facts import Hold

    chosen = {branch.id for branch in session.chosen_branches()} if session.branches else None
    return [hold for hold in reader.all(Hold) if chosen is None or hold.branch in chosen]


def _of_kind(holds: list[Hold], kind: str) -> list[Hold]:
    from coinsync.core.facts import HoldKind

    if kind and kind not in list(HoldKind):
        raise UsageError(f"--kind {kind!r}: held are {' and '.join(HoldKind)}")
    return [hold for hold in holds if not kind or hold.kind == kind]


def _named(reader: Reader, cases: list[str], ruling: Ruling) -> list[Hold]:
    from coinsync.core.facts import Hold

    held = {f"{hold.lesson}:{hold.resident}": hold for hold in reader.all(Hold)}
    unknown = [case for case in cases if case not in held]
    if unknown:
        raise NotFound(
            f"{unknown[0]!r} is not held", advice='"coinsync review list" shows what is.'
        )
    return [held[case] for case in dict.fromkeys(cases)]
