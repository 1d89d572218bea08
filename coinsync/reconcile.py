"""Reconcile: gathers what is stored and has every check look at it.

It reads only, and the ledger once.

What cannot be read is a finding too: where the engine refuses an answer, the checks that needed it
are not made, and ``file`` says so. A text that is no valid UTF-8 is no reason to stop: it is read
once more, as it lies there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import NamedTuple, TypeVar

from coinsync.config import Settings
from coinsync.core.catalog import Event, Item, RefundLine, Sale, SaleLine
from coinsync.core.facts import (
    Branch,
    Decision,
    Fact,
    Group,
    Hold,
    LessonRecord,
    LessonType,
    Link,
    Membership,
    Merge,
    Resident,
    VkPage,
)
from coinsync.core.freshness import Freshness
from coinsync.core.ledger import LedgerRow, Run
from coinsync.core.plan import Scope
from coinsync.core.proof.checks import (
    BY_ID,
    LEDGER_CHECKS,
    STORED_CHECKS,
    Circulation,
    Findings,
    Proof,
)
from coinsync.core.proof.crm import check_fresh
from coinsync.core.proof.ledger import LedgerPass, Progress, StoredNotes, no_progress
from coinsync.core.proof.lessons import LessonsPass
from coinsync.core.proof.people import StoredPeople, check_people
from coinsync.core.proof.shop import StoredSales, check_sales, check_stock
from coinsync.errors import CoinsyncError
from coinsync.store.reader import Reader

#: What can be proved of any day, and what of today.
OF_A_DAY = tuple(check.id for check in LEDGER_CHECKS)
STORED = tuple(check.id for check in (*LEDGER_CHECKS, *STORED_CHECKS))

_CONDITION = "coinsync doctor"
_CANNOT_BE_READ = "the database cannot be read"

#: The checks of lessons, with ``facts``: a lesson that cannot be read is found where lessons are
#: read.
_ON_LESSONS = frozenset({"rules", "lessons", "holds", "facts"})
#: All that is compared with the ledger.
_ON_LEDGER = frozenset({*OF_A_DAY, "notes", "erased", "private", "sales", "stock", *_ON_LESSONS})

F = TypeVar("F", bound=Fact)
R = TypeVar("R", LedgerRow, Run)


class _Part(NamedTuple):
    """A part of the work: ``checks`` cannot be made without it.

    It is done where any of ``needed_for`` is wanted.
    """

    checks: Collection[str]
    needed_for: Collection[str]
    work: Callable[[Findings], None]


def prove(
    reader: Reader,
    settings: Settings,
    now: datetime,
    *,
    wanted: Collection[str] = STORED,
    branches: Sequence[int] = (),
    progress: Progress = no_progress,
) -> Proof:
    """Make the wanted checks over all that is stored.

    ``now`` is aware; ``branches`` are those that should be fresh.
    """
    gathering = _Gathering(reader, settings, progress)

    def check_branches(findings: Findings) -> None:
        gathering.check_branches(findings, now, branches)

    people = ("links", "merges", "erased", "facts", "private")
    lessons = ("rules", "lessons", "holds")
    shop = ("sales", "stock", "facts")
    # In this order: lessons and sales are compared with the ledger, and the ledger with people.
    for part in (
        _Part(people, {*people, *_ON_LEDGER}, gathering.check_people),
        _Part((*OF_A_DAY, "notes"), _ON_LEDGER, gathering.check_ledger),
        _Part(lessons, _ON_LESSONS, gathering.check_lessons),
        _Part(shop, shop, gathering.check_shop),
        _Part(("fresh",), ("fresh",), check_branches),
        _Part(("references",), ("references",), gathering.check_references),
        _Part(("file",), ("file",), gathering.check_file),
        _Part(("schema",), ("schema",), gathering.check_schema),
    ):
        if not set(wanted).isdisjoint(part.needed_for):
            gathering.do(part.checks, part.work)
    return gathering.proof(wanted)


def prove_day(
    reader: Reader, settings: Settings, day: date, *, wanted: Collection[str] = OF_A_DAY
) -> Proof:
    """Make the wanted checks of the ledger as it was at the end of a day (UTC)."""
    gathering = _Gathering(reader, settings, until=f"{day}T23:59:59Z")
    gathering.do(("floors",), gathering.check_people)
    gathering.do(OF_A_DAY, gathering.check_ledger)
    return gathering.proof(wanted)


class _Gathering:
    """What has been gathered so far.

    ``until`` is the last moment (UTC text) of a day that is looked back at.
    """

    def __init__(
        self,
        reader: Reader,
        settings: Settings,
        progress: Progress = no_progress,
        until: str = "",
    ) -> None:
        """Nothing gathered yet."""
        self._reader = reader
        self._settings = settings
        self._progress = progress
        self._until = until
        self._findings = Findings()
        self._unmade: set[str] = set()
        self._people = StoredPeople()
        self._ledger: LedgerPass | None = None
        self._totals = Circulation()

    def do(self, checks: Collection[str], part: Callable[[Findings], None]) -> None:
        """Do a part on which some checks depend.

        What it found counts only if it could be done to its end.
        """
        try:
            self._findings.join(self._tried_twice(part))
        except (CoinsyncError, ValueError):
            self._leave_out(checks, _CANNOT_BE_READ)

    def proof(self, wanted: Collection[str]) -> Proof:
        """What was found by the wanted checks."""
        shown = set(wanted)
        # That a check could not be made is said of every one that was asked for.
        if not self._unmade.isdisjoint(wanted):
            shown.add("file")
        checked = []
        for id, check in BY_ID.items():
            if id in wanted and id not in self._unmade:
                checked.append(check)
        return Proof(
            findings=self._findings.of(shown),
            checked=tuple(checked),
            totals=self._totals,
            entries=self._ledger.entries if self._ledger else 0,
            residents=len(self._people.residents),
            held=len(self._people.holds),
        )

    def _tried_twice(self, part: Callable[[Findings], None]) -> Findings:
        try:
            return self._tried(part)
        except CoinsyncError:
            # The driver refuses a text that is no valid UTF-8, and with it the whole answer.
            self._reader.take_any_text()
            return self._tried(part)

    def _tried(self, part: Callable[[Findings], None]) -> Findings:
        findings = Findings()
        with self._reader.speaking():
            part(findings)
        return findings

    def _leave_out(self, checks: Collection[str], why: str) -> None:
        """Say that some checks could not be made."""
        self._unmade.update(checks)
        case = f"not checked: {', '.join(sorted(checks))}; {why}"
        self._findings.add("file", case, _CONDITION)

    # --- the parts ----------------------------------------------------------------------------

    def check_people(self, findings: Findings) -> None:
        """People, and what waits for one of them."""
        # These are compared with nothing here; that they can be read is checked.
        for kind in (Branch, LessonType, Group, Membership):
            self._all(kind, findings)
        self._people = StoredPeople(
            residents={card.id: card for card in self._all(Resident, findings)},
            merges=tuple(self._all(Merge, findings)),
            links=tuple(self._all(Link, findings)),
            pages=tuple(self._all(VkPage, findings)),
            holds={hold.key: hold for hold in self._all(Hold, findings)},
            decisions={decision.key: decision for decision in self._all(Decision, findings)},
        )
        check_people(self._people, findings)

    def check_ledger(self, findings: Findings) -> None:
        """One pass over all entries."""
        reader = self._reader
        head = reader.find_head()
        # Notes may have been erased since, so that they say nothing about a day of the past.
        notes = StoredNotes() if self._until else StoredNotes.of(reader.notes())
        ledger = LedgerPass(
            self._settings.account,
            {run.id: run for run in self._up_to(reader.run_lines())},
            self._people.cards,
            notes,
            findings,
            progress=self._progress,
            expected=head.n if head and type(head.n) is int else 0,
        )
        ledger.take(self._up_to(reader.ledger()))
        self._ledger = ledger
        self._totals = ledger.finish(self._people.residents)
        if not self._until:
            ledger.check_head(head)

    def check_lessons(self, findings: Findings) -> None:
        """All lessons with their attendance, branch by branch and month by month.

        A month at a time keeps the memory small, however long the history.
        """
        lessons = LessonsPass(
            self._settings.account,
            self._ledger_read(),
            self._people,
            self._settings.rulebook,
            findings,
        )
        months = self._reader.months()
        unreadable = 0
        for done, (branch, month) in enumerate(months, start=1):
            try:
                scope = _scope_of(branch, month)
                lessons.take(scope, self._lesson_records(scope))
            except ValueError:
                unreadable += 1
                case = f"branch {branch}: a lesson or a mark in {month!r}"
                findings.add("facts", case, _CONDITION)
            self._progress("months of lessons", done, len(months))
        lessons.finish(whole=not unreadable)
        if unreadable:
            self._leave_out(("lessons",), "a lesson or a mark cannot be read")

    def check_shop(self, findings: Findings) -> None:
        """Sales against the coins that moved for them, and stock move by move."""
        for kind in (Item, Event):
            self._all(kind, findings)
        sales = StoredSales.of(
            self._all(Sale, findings),
            self._all(SaleLine, findings),
            self._all(RefundLine, findings),
        )
        check_sales(sales, self._ledger_read().keys.shop_coins(), findings)
        moves = self._reader.stock_moves()
        head = self._reader.find_head()
        # That the head is missing is said by the check of the ledger.
        expected = head.stock if head else len(moves)
        check_stock(moves, expected, sales, findings)

    def check_branches(self, findings: Findings, now: datetime, branches: Sequence[int]) -> None:
        """When each branch was last synced."""
        fresh = []
        for id in branches:
            last = self._reader.last_full_run(id)
            fresh.append(Freshness.of(id, f"branch {id}", last, now))
        check_fresh(fresh, self._settings.sync.fresh_hours_max, findings)

    def check_references(self, findings: Findings) -> None:
        """Rows that refer to a row that is not there."""
        for table, row, parent in self._reader.orphans():
            findings.add("references", f"{table}, row {row}: no such {parent}", _CONDITION)

    def check_file(self, findings: Findings) -> None:
        """What the engine itself finds damaged."""
        for line in self._reader.damage():
            findings.add("file", line, _CONDITION)

    def check_schema(self, findings: Findings) -> None:
        """Tables, indexes, and the triggers that keep the ledger from being changed."""
        for name in self._reader.guards_missing():
            case = f"guard {name} is missing or not as it should be"
            findings.add("schema", case, "coinsync db migrate")
        for fault in self._reader.schema_faults():
            findings.add("schema", fault, _CONDITION)

    # --- reading ------------------------------------------------------------------------------

    def _all(self, kind: type[F], findings: Findings) -> list[F]:
        """All facts of a kind that can be read; those that cannot are found by ``facts``."""
        readable, broken = self._reader.readable(kind)
        for key in broken:
            findings.add("facts", f"{kind.__name__.lower()} {key}", _CONDITION)
        return readable

    def _up_to(self, rows: Iterator[R]) -> Iterator[R]:
        """The rows up to the moment that is looked back at; all of them without one."""
        if not self._until:
            return rows
        return takewhile(lambda row: str(row.posted_at) <= self._until, rows)

    def _ledger_read(self) -> LedgerPass:
        """The pass over the ledger. Raises ``ValueError`` where there was none."""
        if self._ledger is None:
            raise ValueError("the ledger could not be read")
        return self._ledger

    def _lesson_records(self, scope: Scope) -> dict[int, LessonRecord]:
        """What is stored of one window.

        It is read whole before it is compared, so that reading it twice does no harm: comparing
        takes keys away.
        """
        reader = self._reader
        try:
            with reader.speaking():
                return reader.lesson_records(scope.branch, scope.since, scope.until)
        except CoinsyncError:
            reader.take_any_text()
            return reader.lesson_records(scope.branch, scope.since, scope.until)


def _scope_of(branch: int, month: str) -> Scope:
    """A branch's month, which is written "2026-11". Raises ``ValueError`` for one that is none."""
    first = date.fromisoformat(f"{month}-01")
    last = (first + timedelta(31)).replace(day=1) - timedelta(1)
    return Scope(branch, first, last)
