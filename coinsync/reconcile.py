"""Reconcile: gathers what is stored and has every check look at it. Reads only, and the ledger once.

What cannot be read is a finding too: where the engine refuses an answer, the checks that needed it are not made, and
``file`` says so. A text that is no text is no reason to stop: it is read once more, as it lies there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from itertools import takewhile
from typing import TypeVar

from coinsync.config import Settings
from coinsync.core.catalog import Event, Item, RefundLine, Sale, SaleLine
from coinsync.core.facts import (
    Branch,
    Decision,
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
from coinsync.core.ledger import LedgerRow, RunLine
from coinsync.core.plan import Fact, Scope
from coinsync.core.proof.checks import (
    BY_ID,
    LEDGER_CHECKS,
    STORED_CHECKS,
    Circulation,
    Findings,
    Proof,
)
from coinsync.core.proof.ledger import Ledger, Notes, Progress, no_progress
from coinsync.core.proof.lessons import Lessons, Records, check_fresh, check_records
from coinsync.core.proof.shop import Book, check_sales, check_stock
from coinsync.errors import CoinsyncError
from coinsync.store.reader import Reader

#: What can be proved of any day, and what of today.
OF_A_DAY = tuple(check.id for check in LEDGER_CHECKS)
STORED = tuple(check.id for check in (*LEDGER_CHECKS, *STORED_CHECKS))

F = TypeVar("F", bound=Fact)


@dataclass
class _Work:
    """What has been gathered so far; ``until`` is the last moment (UTC text) of a day that is looked back at."""

    reader: Reader
    settings: Settings
    progress: Progress = no_progress
    until: str = ""
    findings: Findings = field(default_factory=Findings)
    unmade: set[str] = field(default_factory=set)
    told: Records = field(default_factory=Records)
    ledger: Ledger | None = None
    totals: Circulation = field(default_factory=Circulation)

    def make(self, checks: Collection[str], part: _Part) -> None:
        """Do a part on which some checks depend; what it found counts only if it could be done to its end."""
        try:
            self.findings.join(self._tried(part))
        except (CoinsyncError, ValueError):
            self.leave_out(checks, "the database cannot be read")

    def leave_out(self, checks: Collection[str], why: str) -> None:
        """Say that some checks could not be made."""
        self.unmade |= set(checks)
        self.findings.add(
            "file", f"not checked: {', '.join(sorted(checks))}; {why}", "coinsync doctor"
        )

    def _tried(self, part: _Part) -> Findings:
        try:
            return self._once(part)
        except CoinsyncError:
            self.reader.take_any_text()
            return self._once(part)

    def _once(self, part: _Part) -> Findings:
        found = Findings()
        with self.reader.speaking():
            part(self, found)
        return found


_Part = Callable[[_Work, Findings], None]


def prove(
    reader: Reader,
    settings: Settings,
    now: datetime,
    *,
    wanted: Collection[str] = STORED,
    branches: Sequence[int] = (),
    progress: Progress = no_progress,
) -> Proof:
    """Make the wanted checks over all that is stored; ``now`` is aware, ``branches`` those that should be fresh."""
    work = _Work(reader, settings, progress)
    for checks, part in (
        # In this order: lessons are held against the ledger, and the ledger against people.
        (("links", "merges", "erased", "facts", "private"), _records),
        ((*OF_A_DAY, "notes"), _ledger),
        (("rules", "lessons", "holds"), _lessons),
        (("sales", "stock", "facts"), _shop),
        (("fresh",), partial(_fresh, now=now, branches=branches)),
        (("references",), _references),
        (("file",), _file),
        (("schema",), _schema),
    ):
        if _needed(checks, wanted):
            work.make(checks, part)
    return _proof(work, wanted)


def _needed(checks: Collection[str], wanted: Collection[str]) -> bool:
    """Whether a part is needed for what is wanted, itself or by what stands on it."""
    on_lessons = ("rules", "lessons", "holds", "facts")
    on_ledger = (*OF_A_DAY, "notes", "erased", "private", "sales", "stock", *on_lessons)
    above = {"links": on_ledger, "chain": on_ledger, "rules": on_lessons}
    needs = {*checks, *(more for check in checks for more in above.get(check, ()))}
    return not needs.isdisjoint(wanted)


def prove_day(
    reader: Reader, settings: Settings, day: date, *, wanted: Collection[str] = OF_A_DAY
) -> Proof:
    """Make the wanted checks of the ledger as it was at the end of a day (UTC)."""
    work = _Work(reader, settings, until=f"{day}T23:59:59Z")
    work.make(("floors",), _records)
    work.make(OF_A_DAY, _ledger)
    return _proof(work, wanted)


def _proof(work: _Work, wanted: Collection[str]) -> Proof:
    # That a check could not be made is said of every one that was asked for.
    told = set(wanted) if work.unmade.isdisjoint(wanted) else {*wanted, "file"}
    checked = tuple(check for id, check in BY_ID.items() if id in wanted and id not in work.unmade)
    entries = work.ledger.entries if work.ledger else 0
    residents, held = len(work.told.residents), len(work.told.holds)
    return Proof(work.findings.all(told), checked, work.totals, entries, residents, held)


# --- the parts -------------------------------------------------------------------------------------------------------


def _records(work: _Work, findings: Findings) -> None:
    """People, and what waits for one of them."""
    for kind in (Branch, LessonType, Group, Membership):
        _readable(work.reader, findings, kind)
    work.told = Records(
        {one.id: one for one in _readable(work.reader, findings, Resident)},
        tuple(_readable(work.reader, findings, Merge)),
        tuple(_readable(work.reader, findings, Link)),
        tuple(_readable(work.reader, findings, VkPage)),
        {one.key: one for one in _readable(work.reader, findings, Hold)},
        {one.key: one for one in _readable(work.reader, findings, Decision)},
    )
    check_records(work.told, findings)


def _readable(reader: Reader, findings: Findings, kind: type[F]) -> list[F]:
    """All facts of a kind; those that cannot be read are what ``facts`` finds."""
    found, broken = reader.readable(kind)
    for key in broken:
        findings.add("facts", f"{kind.__name__.lower()} {key}", "coinsync doctor")
    return found


def _ledger(work: _Work, findings: Findings) -> None:
    """One pass over all entries."""
    head = work.reader.find_head()
    runs = {told.id: told for told in _until(work, work.reader.run_lines())}
    account, notes = work.settings.account, Notes() if work.until else Notes.of(work.reader.notes())
    expected = head.n if head and type(head.n) is int else 0
    ledger = Ledger(
        account, runs, work.told.cards, notes, findings, progress=work.progress, expected=expected
    )
    ledger.take(_until(work, work.reader.ledger()))
    work.ledger, work.totals = ledger, ledger.finish(work.told.residents)
    if not work.until:
        ledger.check_head(head, account)


R = TypeVar("R", LedgerRow, RunLine)


def _until(work: _Work, rows: Iterator[R]) -> Iterator[R]:
    """The rows up to the moment that is looked back at; all of them without one."""
    return takewhile(lambda row: str(row.posted_at) <= work.until, rows) if work.until else rows


def _lessons(work: _Work, findings: Findings) -> None:
    """All lessons with their attendance, branch by branch and month by month, against what is posted for them."""
    if work.ledger is None:
        raise ValueError("the ledger could not be read")
    lessons = Lessons(
        work.settings.account, work.ledger, work.told, work.settings.rulebook, findings
    )
    months = work.reader.months()
    unread = 0
    for done, (branch, month) in enumerate(months, 1):
        try:
            scope = _month(branch, month)
            lessons.take(scope, _rolls(work.reader, scope))
        except ValueError:
            unread += 1
            findings.add(
                "facts", f"branch {branch}: a lesson or a mark in {month!r}", "coinsync doctor"
            )
        work.progress("months of lessons", done, len(months))
    lessons.finish(whole=not unread)
    if unread:
        work.leave_out(("lessons",), "a lesson or a mark cannot be read")


def _rolls(reader: Reader, scope: Scope) -> dict[int, LessonRecord]:
    """What is stored of one window. It is read whole before it is compared, so that reading twice does no harm."""
    try:
        with reader.speaking():
            return reader.lesson_records(scope.branch, scope.since, scope.until)
    except CoinsyncError:
        reader.take_any_text()
        return reader.lesson_records(scope.branch, scope.since, scope.until)


def _month(branch: int, month: str) -> Scope:
    first = date.fromisoformat(f"{month}-01")
    return Scope(branch, first, (first + timedelta(31)).replace(day=1) - timedelta(1))


def _shop(work: _Work, findings: Findings) -> None:
    """Sales against the coins that moved for them, and stock move by move."""
    for kind in (Item, Event):
        _readable(work.reader, findings, kind)
    sales, lines = (
        _readable(work.reader, findings, Sale),
        _readable(work.reader, findings, SaleLine),
    )
    book = Book.of(sales, lines, _readable(work.reader, findings, RefundLine))
    if work.ledger is None:
        raise ValueError("the ledger could not be read")
    check_sales(book, work.ledger.shop, findings)
    head, moves = work.reader.find_head(), work.reader.stock_moves()
    # That the head is missing is said already.
    check_stock(moves, head.stock if head else len(moves), book, findings)


def _fresh(work: _Work, findings: Findings, now: datetime, branches: Sequence[int]) -> None:
    synced = {
        id: run.posted_at if (run := work.reader.last_full_run(id)) else None for id in branches
    }
    check_fresh(synced, now, work.settings.sync.fresh_hours_max, findings)


def _references(work: _Work, findings: Findings) -> None:
    for table, row, parent in work.reader.orphans():
        findings.add("references", f"{table}, row {row}: no such {parent}", "coinsync doctor")


def _file(work: _Work, findings: Findings) -> None:
    for line in work.reader.damage():
        findings.add("file", line, "coinsync doctor")


def _schema(work: _Work, findings: Findings) -> None:
    for name in work.reader.guards_missing():
        findings.add(
            "schema", f"guard {name} is missing or not as it should be", "coinsync db migrate"
        )
    for fault in work.reader.schema_faults():
        findings.add("schema", fault, "coinsync doctor")
