"""Reconcile: gathers what is stored and has every check look at it.

It reads only, and the ledger once. What cannot be read is a finding too: where the engine refuses
an answer, the checks that needed it are not made, and ``file`` says so.
"""

from calendar import monthrange
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from itertools import takewhile
from typing import TypeVar

from coinsync.config import Settings
from coinsync.core.catalog import Event, Item, RefundLine, Sale, SaleLine
from coinsync.core.facts import (
    Branch,
    Decision,
    Doubt,
    Fact,
    Group,
    Hold,
    LessonType,
    Link,
    Membership,
    Merge,
    Resident,
    VkPage,
)
from coinsync.core.ledger import Freshness, LedgerRow, Run
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
from coinsync.core.proof.ledger import LedgerPass, StoredNotes
from coinsync.core.proof.lessons import LessonsPass
from coinsync.core.proof.people import StoredPeople, check_people
from coinsync.core.proof.shop import StoredSales, check_sales, check_stock
from coinsync.core.seal import Seal
from coinsync.environment import Progress, no_progress
from coinsync.errors import CoinsyncError
from coinsync.store.reader import Reader

#: What can be proved of any day, and what of today.
OF_A_DAY = tuple(check.id for check in LEDGER_CHECKS)
STORED = tuple(check.id for check in (*LEDGER_CHECKS, *STORED_CHECKS))

_CONDITION = "coinsync doctor"

#: The checks that reading lessons makes: a lesson that cannot be read is found among the ``facts``.
_ON_LESSONS = frozenset({"rules", "lessons", "holds", "twice", "facts"})
#: All that is compared with the ledger.
_ON_LEDGER = frozenset({*OF_A_DAY, "notes", "erased", "private", "sales", "stock", *_ON_LESSONS})

F = TypeVar("F", bound=Fact)
R = TypeVar("R", LedgerRow, Run)
T = TypeVar("T")


def prove(
    reader: Reader,
    settings: Settings,
    now: datetime,
    *,
    wanted: Collection[str] = STORED,
    branches: Sequence[int] = (),
    seals: Sequence[tuple[Seal, str]] = (),
    copy: Reader | None = None,
    progress: Progress = no_progress,
) -> Proof:
    """Make the wanted checks over all that is stored.

    ``now`` is aware; ``branches`` are those that should be fresh. Held against the ledger are
    ``seals``, each with the command that mends it, and the runs of a ``copy``.
    """
    gathering = _Gathering(reader, settings, progress)
    check_seals = partial(gathering.check_seals, seals, copy)
    check_branches = partial(gathering.check_branches, now, branches)
    people = ("links", "merges", "erased", "facts", "private")
    lessons = ("rules", "lessons", "holds", "twice")
    shop = ("sales", "stock", "facts")
    # Of each part: the checks that cannot be made without it, those for which it is done, and the
    # work. Lessons and sales are compared with the ledger, and the ledger with people.
    for checks, needed_for, work in (
        (people, {*people, *_ON_LEDGER}, gathering.check_people),
        ((*OF_A_DAY, "notes"), {*_ON_LEDGER, "seal"}, gathering.check_ledger),
        (("seal",), ("seal",), check_seals),
        (lessons, _ON_LESSONS, gathering.check_lessons),
        (shop, shop, gathering.check_shop),
        (("fresh",), ("fresh",), check_branches),
        (("references",), ("references",), gathering.check_references),
        (("file",), ("file",), gathering.check_file),
        (("schema",), ("schema",), gathering.check_schema),
    ):
        if not set(wanted).isdisjoint(needed_for):
            gathering.do(checks, work)
    return gathering.proof(wanted)


def prove_day(
    reader: Reader, settings: Settings, day: date, *, wanted: Collection[str] = OF_A_DAY
) -> Proof:
    """Make the wanted checks of the ledger as it was at the end of a day (UTC)."""
    gathering = _Gathering(reader, settings, until=f"{day}T23:59:59Z")
    gathering.do(("floors",), gathering.check_people)
    gathering.do(OF_A_DAY, gathering.check_ledger)
    return gathering.proof(wanted)


@dataclass(slots=True)
class _Gathering:
    # What has been gathered so far; ``until`` is the last moment (UTC text) of a day that is looked
    # back at.

    reader: Reader
    settings: Settings
    progress: Progress = no_progress
    until: str = ""
    findings: Findings = field(default_factory=Findings)
    unmade: set[str] = field(default_factory=set)
    open_doubts: int = 0
    people: StoredPeople = field(default_factory=StoredPeople)
    ledger: LedgerPass | None = None
    totals: Circulation = field(default_factory=Circulation)
    holds: list[str] = field(default_factory=list)

    def do(self, checks: Collection[str], work: Callable[[Findings], None]) -> None:
        """Do a part on which some checks depend; it counts only if it is done to its end."""
        try:
            self.findings.join(self._read(lambda: _found_by(work)))
        except (CoinsyncError, ValueError):
            self._leave_out(checks, "the database cannot be read")

    def proof(self, wanted: Collection[str]) -> Proof:
        shown = set(wanted)
        # That a check could not be made is said of every one that was asked for.
        if not self.unmade.isdisjoint(wanted):
            shown.add("file")
        made = set(wanted) - self.unmade
        return Proof(
            findings=self.findings.of(shown),
            checked=tuple(check for id, check in BY_ID.items() if id in made),
            totals=self.totals,
            entries=self.ledger.entries if self.ledger else 0,
            residents=len(self.people.residents),
            held=len(self.people.holds) + self.open_doubts,
            seal=str(self.ledger.chain.seal) if self.ledger else "",
            holds=tuple(self.holds),
        )

    def _read(self, read: Callable[[], T]) -> T:
        try:
            with self.reader.speaking():
                return read()
        except CoinsyncError:
            # The driver refuses a text that is no valid UTF-8, and with it the whole answer. Once
            # more, such a text is read as it lies there.
            self.reader.take_any_text()
            with self.reader.speaking():
                return read()

    def _leave_out(self, checks: Collection[str], why: str) -> None:
        self.unmade.update(checks)
        case = f"not checked: {', '.join(sorted(checks))}; {why}"
        self.findings.add("file", case, _CONDITION)

    def check_people(self, findings: Findings) -> None:
        # These are compared with nothing here; that they can be read is checked.
        for kind in (Branch, LessonType, Group):
            self._all(kind, findings)
        residents = {card.id: card for card in self._all(Resident, findings)}
        holds = {hold.key: hold for hold in self._all(Hold, findings)}
        decisions = {decision.key: decision for decision in self._all(Decision, findings)}
        doubts = self._all(Doubt, findings)
        self.open_doubts = sum(not doubt.ruling for doubt in doubts)
        self.people = StoredPeople(
            residents,
            merges=tuple(self._all(Merge, findings)),
            links=tuple(self._all(Link, findings)),
            pages=tuple(self._all(VkPage, findings)),
            holds=holds,
            decisions=decisions,
            memberships=tuple(self._all(Membership, findings)),
            doubts=tuple(doubt for doubt in doubts if doubt.is_about_card),
        )
        check_people(self.people, findings)

    def check_ledger(self, findings: Findings) -> None:
        reader = self.reader
        head = reader.find_head()
        # Notes may have been erased since, so that they say nothing about a day of the past.
        notes = StoredNotes() if self.until else StoredNotes.of(reader.notes())
        ledger = LedgerPass(
            self.settings.account,
            {run.id: run for run in self._up_to(reader.run_lines())},
            self.people.cards,
            notes,
            findings,
            several=reader.keys_with_several_entries(),
            progress=self.progress,
            expected=head.n if head and type(head.n) is int else 0,
        )
        ledger.take_shop(reader.shop_rows())
        ledger.take(self._up_to(reader.ledger()))
        self.ledger = ledger
        self.totals = ledger.finish(self.people.residents)
        if not self.until:
            ledger.check_head(head)
            ledger.check_strays()

    def check_seals(
        self, seals: Sequence[tuple[Seal, str]], copy: Reader | None, findings: Findings
    ) -> None:
        chain = self._ledger_read().chain
        for seal, mend in seals:
            fault = chain.fault(seal)
            if fault:
                findings.add("seal", f"{seal}: {fault}", mend)
            else:
                self.holds.append(f"seal {seal}")
        if copy is not None:
            difference, last = chain.differs_from(copy.run_lines())
            if difference:
                findings.add("seal", f"against the copy: {difference}", "coinsync journal")
            else:
                self.holds.append(f"every run of the copy, up to {last},")

    def check_lessons(self, findings: Findings) -> None:
        lessons = LessonsPass(
            self.settings.account,
            self._ledger_read(),
            self.people,
            self.settings.rulebook,
            self.reader.key_states,
            findings,
        )
        # A month at a time keeps the memory small, however long the history.
        months = self.reader.months()
        unreadable = 0
        for done, (branch, month) in enumerate(months, start=1):
            try:
                scope = _scope_of(branch, month)
                # It is read whole before it is compared, so that reading it twice does no harm:
                # comparing takes keys away.
                window = (scope.branch, scope.since, scope.until)
                lessons.take(scope, self._read(partial(self.reader.lesson_records, *window)))
            except ValueError:
                unreadable += 1
                case = f"branch {branch}: a lesson or a mark in {month!r}"
                findings.add("facts", case, _CONDITION)
            self.progress("months of lessons", done, len(months))
        lessons.finish(whole=not unreadable)
        if unreadable:
            self._leave_out(("lessons",), "a lesson or a mark cannot be read")

    def check_shop(self, findings: Findings) -> None:
        for kind in (Item, Event):
            self._all(kind, findings)
        sales = StoredSales.of(
            self._all(Sale, findings),
            self._all(SaleLine, findings),
            self._all(RefundLine, findings),
        )
        check_sales(sales, self._ledger_read().keys.of_shop, findings)
        moves = self.reader.stock_moves()
        head = self.reader.find_head()
        # That the head is missing is said by the check of the ledger.
        expected = head.stock if head else len(moves)
        check_stock(moves, expected, sales, findings)

    def check_branches(self, now: datetime, branches: Sequence[int], findings: Findings) -> None:
        fresh = []
        for id in branches:
            last = self.reader.last_full_run(id)
            fresh.append(Freshness.of(id, f"branch {id}", last, now))
        check_fresh(fresh, self.settings.sync.fresh_hours_max, findings)

    def check_references(self, findings: Findings) -> None:
        """Rows that refer to a row that is not there."""
        for table, row, parent in self.reader.orphans():
            findings.add("references", f"{table}, row {row}: no such {parent}", _CONDITION)

    def check_file(self, findings: Findings) -> None:
        """What the engine itself finds damaged."""
        for line in self.reader.damage():
            findings.add("file", line, _CONDITION)

    def check_schema(self, findings: Findings) -> None:
        """Tables, indexes, and the triggers that keep the ledger from being changed."""
        for name in self.reader.guards_missing():
            case = f"guard {name} is missing or not as it should be"
            findings.add("schema", case, "coinsync db migrate")
        for fault in self.reader.schema_faults():
            findings.add("schema", fault, _CONDITION)

    def _all(self, kind: type[F], findings: Findings) -> list[F]:
        readable, broken = self.reader.readable(kind)
        for key in broken:
            findings.add("facts", f"{kind.__name__.lower()} {key}", _CONDITION)
        return readable

    def _up_to(self, rows: Iterator[R]) -> Iterator[R]:
        if not self.until:
            return rows
        return takewhile(lambda row: str(row.posted_at) <= self.until, rows)

    def _ledger_read(self) -> LedgerPass:
        if self.ledger is None:
            raise ValueError("the ledger could not be read")
        return self.ledger


def _found_by(work: Callable[[Findings], None]) -> Findings:
    findings = Findings()
    work(findings)
    return findings


def _scope_of(branch: int, month: str) -> Scope:
    # A month is written "2026-11"; what is none raises ValueError.
    first = date.fromisoformat(f"{month}-01")
    _, days = monthrange(first.year, first.month)
    return Scope(branch, first, first.replace(day=days))
