"""What waits for a person: review list, post, forgive, waive."""

from collections.abc import Callable
from typing import Annotated

from typer import Context, Option

from coinsync.commands import completion
from coinsync.commands.options import AsCsv, DryRun, Note, Yes, argument, note_of
from coinsync.commands.posting import carry_out
from coinsync.commands.session import Session, refuse_branches
from coinsync.core.facts import Doubt, Hold, HoldKind
from coinsync.core.planning.review import Ruling
from coinsync.core.proposal import Proposal
from coinsync.desk import review as desk
from coinsync.desk.gather import Clerk
from coinsync.errors import NotFound, UsageError
from coinsync.lookup.attention import doubt_cases
from coinsync.render import coins as render
from coinsync.store.reader import Reader

Cases = Annotated[
    list[str] | None,
    argument("CASE", "As `review list` names it: LESSON:RESIDENT, or a doubt.", completion.holds),
]
Everything = Annotated[bool, Option("--all", help="Every case that is held.")]
Kind = Annotated[HoldKind | None, Option(help="Of all: only these.")]


def list_cases(ctx: Context, kind: Kind = None, as_csv: AsCsv = False) -> None:
    """Held reversals and guest visits, and what the CRM says that is doubted."""
    session: Session = ctx.obj
    branches = session.chosen_branch_ids()
    with session.reader() as reader:
        cases = desk.cases(reader, _chosen(session, reader, kind))
        doubts = doubt_cases(reader, branches) if kind is None else []
    session.print_listing(render.cases_listing(cases, doubts), as_csv)


def _ruling(ruling: Ruling, help: str) -> Callable[..., int]:
    """A command that decides cases."""

    def decide(
        ctx: Context,
        cases: Cases = None,
        everything: Everything = False,
        kind: Kind = None,
        note: Note = "",
        dry_run: DryRun = False,
        yes: Yes = False,
    ) -> int:
        session: Session = ctx.obj
        text = note_of(note, "" if ruling is Ruling.POST else "--note")
        if bool(cases) == everything:
            raise UsageError(f"review {ruling}: say which cases, or --all")
        if cases and session.branches:
            refuse_branches(f"review {ruling} CASE")
        # A visit that is held has no coins to give back.
        kind_chosen = HoldKind.REVERSAL if ruling is Ruling.FORGIVE and not kind else kind

        def propose(clerk: Clerk) -> Proposal:
            if not cases:
                holds = _chosen(session, clerk.reader, kind_chosen)
                return desk.review(clerk, holds, ruling, note=text)
            waiting = {doubt.case: doubt for doubt in clerk.reader.all(Doubt)}
            doubts = [waiting[case] for case in dict.fromkeys(cases) if case in waiting]
            if len(doubts) == len(set(cases)):
                return desk.review_doubts(clerk, doubts, ruling, note=text)
            return desk.review(clerk, _named(clerk.reader, cases), ruling, note=text)

        return carry_out(session, propose, dry_run, yes)

    decide.__doc__ = help
    return decide


post = _ruling(
    Ruling.POST,
    """Do what the rules give.

    Take the coins back, even below zero, or pay the visit. Of a doubt: believe the CRM.
    """,
)
forgive = _ruling(
    Ruling.FORGIVE,
    """Take the award back and give the same as a gift.

    Both lines are seen, the balance stays.
    """,
)
waive = _ruling(
    Ruling.WAIVE,
    """Leave the coins as they are.

    Who decided that, and why, is kept. Of a doubt: keep what is recorded.
    """,
)


def _chosen(session: Session, reader: Reader, kind: HoldKind | None) -> list[Hold]:
    branches = session.chosen_branch_ids()
    holds = []
    for hold in reader.all(Hold):
        if kind in (None, hold.kind) and (branches is None or hold.branch in branches):
            holds.append(hold)
    return holds


def _named(reader: Reader, cases: list[str]) -> list[Hold]:
    held = {f"{hold.lesson}:{hold.resident}": hold for hold in reader.all(Hold)}
    for case in cases:
        if case not in held:
            raise NotFound(f"{case!r} is not held", advice='"coinsync review list" shows what is.')
    return [held[case] for case in dict.fromkeys(cases)]
