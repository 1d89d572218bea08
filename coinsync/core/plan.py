"""The plan: the difference between what is and what should be, as a value."""

from __future__ import annotations

import hashlib
import json
from calendar import monthrange
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from enum import StrEnum
from functools import cache, cached_property
from operator import attrgetter
from typing import Any, TypeVar

from coinsync.core.catalog import StockMove
from coinsync.core.fact_keys import RANK, identity
from coinsync.core.facts import Doubt, Fact, Lesson
from coinsync.core.ledger import Entry, KeyState, Kind
from coinsync.core.setting import setting, whole

F = TypeVar("F", bound=Fact)

#: Of fewer goods any change is a large part.
GOODS_CHECKED_FROM = 5
#: So many digits of a digest are shown, and as many must be typed at least.
DIGEST_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Post:
    """Post an entry to the ledger."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Put:
    """Record ``new`` in the place of ``old``."""

    new: Fact
    old: Fact | None = None

    @property
    def subject(self) -> Fact:
        """What the change is about."""
        return self.new


@dataclass(frozen=True, slots=True)
class Drop:
    """Forget a fact that no longer holds."""

    old: Fact

    @property
    def subject(self) -> Fact:
        """What the change is about."""
        return self.old


@dataclass(frozen=True, slots=True)
class Stock:
    """Record a move of stock; ``left`` is how many pieces it relies on."""

    move: StockMove
    left: int | None = None


Change = Post | Put | Drop | Stock


class Purpose(StrEnum):
    """What a plan is for; only ``REVIEW`` may reverse below zero.

    ``ACCEPT`` changes nothing: its run says that a person accepts the clock or the ledger.
    """

    PEOPLE = "people"
    LESSONS = "lessons"
    DESK = "desk"
    REVIEW = "review"
    CATALOG = "catalog"
    SALE = "sale"
    ACCEPT = "accept"


@dataclass(frozen=True, slots=True)
class Scope:
    """One branch, 0 for none, and days, both ends included."""

    branch: int
    since: date
    until: date

    def months(self) -> Iterator[Scope]:
        """Cut its days into months, so that memory and guards do not grow with history."""
        since = self.since
        while since <= self.until:
            _, days = monthrange(since.year, since.month)
            end = min(self.until, since.replace(day=days))
            yield Scope(self.branch, since, end)
            if end == self.until:
                return
            since = end + timedelta(days=1)


class RemarkKind(StrEnum):
    """What a person should know about a plan besides its changes."""

    SKIP = "skip"
    LATE = "late"
    HOLD = "hold"
    RERATE = "rerate"
    REPLACED = "replaced"
    UNREADABLE = "unreadable"
    TYPE_UNKNOWN = "type_unknown"
    VK = "vk"
    DOUBT = "doubt"
    TWICE = "twice"


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to know; ``known`` was said before, ``detail`` names a field."""

    kind: RemarkKind
    reason: str
    lesson: int | None = None
    resident: int | None = None
    coins: int = 0
    other: int | None = None
    known: bool = False
    detail: str = ""
    doubt: Doubt | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many were known, were read, and were known but not read."""

    known: int = 0
    read: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the guards weigh: what was known, and what the answer lacks."""

    lessons_known: int = 0
    lessons_read: int = 0
    awards_posted: int = 0
    lessons_unasked: int = 0
    residents: Coverage = Coverage()
    memberships: Coverage = Coverage()
    goods: Coverage = Coverage()


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a plan, or an operation, may do unless a person accepts it."""

    reversals_percent_max: int = setting(
        whole(0, 100), "Reversals, in percent of the awards posted there …", 5
    )
    reversals_checked_from: int = setting(whole(1, 10_000), "… once so many awards are posted.", 20)
    reversals_free: int = setting(
        whole(0, 10_000), "So many pass in any case: one lesson taken back.", 10
    )
    vanished_percent_max: int = setting(
        whole(0, 100), "Residents or memberships missing, in percent.", 20
    )
    goods_percent_max: int = setting(
        whole(0, 100), "Goods that one file takes out of the shop or empties, in percent.", 50
    )
    coins_per_run_max: int = setting(whole(1, 100_000_000), "Coins awarded in one run.", 50_000)
    coins_per_operation_max: int = setting(
        whole(1, 100_000_000), "Coins that one credit or debit moves.", 1_000
    )
    clock_hours_max: int = setting(
        whole(1, 100_000), "Hours by which this machine's clock may differ from the CRM's.", 24
    )


@dataclass(frozen=True, slots=True)
class Counts:
    """The totals of a plan; coins of reversals are negative."""

    awards: int = 0
    awarded: int = 0
    reversals: int = 0
    reversed: int = 0
    others: int = 0
    moved: int = 0
    facts: int = 0
    held: int = 0


# Without slots, so that what is asked for again and again is computed once.
@dataclass(frozen=True)
class Plan:
    """Changes for one scope, in a fixed order; ``basis`` says where each key stood.

    ``lessons``, ``remarks`` and ``evidence`` explain the plan and are no part of its digest.
    """

    purpose: Purpose
    scope: Scope
    changes: tuple[Change, ...]
    basis: tuple[KeyState, ...] = ()
    remarks: tuple[Remark, ...] = ()
    lessons: tuple[Lesson, ...] = ()
    evidence: Evidence = field(default=Evidence())

    @classmethod
    def of(
        cls,
        purpose: Purpose,
        scope: Scope,
        changes: Iterable[Change],
        *,
        basis: Iterable[KeyState] = (),
        remarks: Iterable[Remark] = (),
        lessons: Iterable[Lesson] = (),
        evidence: Evidence | None = None,
    ) -> Plan:
        """Make a plan whose order does not depend on that of its parts."""
        # Or the digest that a person reviewed would change with the order of the CRM's answers.
        return cls(
            purpose,
            scope,
            tuple(sorted(changes, key=_order)),
            tuple(sorted(basis, key=lambda state: state.key)),
            tuple(sorted(remarks, key=_order_of_remark)),
            tuple(sorted(lessons, key=lambda lesson: lesson.id)),
            evidence or Evidence(),
        )

    def __bool__(self) -> bool:
        return bool(self.changes)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The entries to be posted, in ledger order."""
        return tuple(change.entry for change in self.changes if isinstance(change, Post))

    @cached_property
    def stock_moves(self) -> tuple[StockMove, ...]:
        """The moves of stock to be recorded."""
        return tuple(change.move for change in self.changes if isinstance(change, Stock))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of scope, changes and basis: 64 hexadecimal digits."""
        content = (self.purpose, self.scope, self.changes, self.basis)
        return _sha256(canonical_text(content))

    @property
    def counts(self) -> Counts:
        """Add the plan up."""
        entries = self.entries
        awards = [entry.coins for entry in entries if entry.kind is Kind.AWARD]
        reversals = [entry.coins for entry in entries if entry.kind is Kind.REVERSAL]
        coins = sum(entry.coins for entry in entries)
        return Counts(
            awards=len(awards),
            awarded=sum(awards),
            reversals=len(reversals),
            reversed=sum(reversals),
            others=len(entries) - len(awards) - len(reversals),
            moved=coins - sum(awards) - sum(reversals),
            facts=len(self.changes) - len(entries) - len(self.stock_moves),
            held=sum(remark.kind is RemarkKind.HOLD for remark in self.remarks),
        )

    def check(self, limits: Limits) -> tuple[str, ...]:
        """Name every guard that refuses the plan."""
        # A plan that changes nothing does no harm, however little was read.
        if not self:
            return ()
        if self.purpose is Purpose.PEOPLE:
            bounds = (limits.reversals_checked_from, limits.vanished_percent_max)
            residents = _check_vanished("residents", self.evidence.residents, *bounds)
            return residents + _check_vanished("memberships", self.evidence.memberships, *bounds)
        if self.purpose is Purpose.CATALOG:
            bounds = (GOODS_CHECKED_FROM, limits.goods_percent_max)
            return _check_vanished("goods or their texts", self.evidence.goods, *bounds)
        if self.purpose is Purpose.LESSONS:
            return self._check_lessons(limits)
        return ()

    def refusals(self, limits: Limits, accepted: Iterable[str]) -> tuple[str, ...]:
        """What ``check`` names, unless a person accepted this very plan."""
        refusals = self.check(limits)
        if refusals and any(matches(self.digest, given) for given in accepted):
            return ()
        return refusals

    def facts_after(self, kind: type[F], known: Iterable[F]) -> list[F]:
        """The facts of a kind as they are once the plan is written."""
        after = {identity(fact): fact for fact in known}
        for change in self.changes:
            if isinstance(change, Put) and isinstance(change.new, kind):
                after[identity(change.new)] = change.new
        return list(after.values())

    @cached_property
    def _moved_by_key(self) -> Counter[str]:
        moved = Counter[str]()
        for entry in self.entries:
            moved[entry.key] += entry.coins
        return moved

    @property
    def lessons_lost(self) -> int:
        """How many attended lessons lose coins: those are the reversals that the guard weighs.

        A lesson that is taken back and paid anew, as at another rate, is no loss; what else the
        child gets that night is no comfort for a lesson that is lost.
        """
        return sum(coins < 0 for coins in self._moved_by_key.values())

    def _check_lessons(self, limits: Limits) -> tuple[str, ...]:
        evidence = self.evidence
        reversals = self.lessons_lost
        awarded = (+self._moved_by_key).total()
        refusals = []
        # An empty answer is never a reason to take coins away.
        if evidence.lessons_known and not evidence.lessons_read:
            refusals.append(f"no lessons where {evidence.lessons_known} were known")
        elif evidence.lessons_unasked:
            part = f"{evidence.lessons_unasked} of {evidence.lessons_known}"
            refusals.append(f"{part} known lessons are missing from the answer")
        posted = evidence.awards_posted
        percent_max = limits.reversals_percent_max
        allowed = max(limits.reversals_free, posted * percent_max // 100)
        # Of a few awards a single reversal is many percent already.
        if posted >= limits.reversals_checked_from and reversals > allowed:
            percent = 100 * reversals / posted
            share = f"{percent:.1f} %, limit {percent_max} %"
            refusals.append(f"{reversals} reversals of {posted} posted ({share})")
        if awarded > limits.coins_per_run_max:
            refusals.append(f"+{awarded} coins in one run (limit {limits.coins_per_run_max})")
        return tuple(refusals)


def _check_vanished(
    noun: str, coverage: Coverage, checked_from: int, percent_max: int
) -> tuple[str, ...]:
    known, missing = coverage.known, coverage.missing
    if known and not coverage.read:
        return (f"no {noun} where {known} were known",)
    percent = 100 * missing / known if known else 0.0
    if known >= checked_from and percent > percent_max:
        share = f"{percent:.1f} %, limit {percent_max} %"
        return (f"{missing} of {known} {noun} vanished ({share})",)
    return ()


def puts(facts: Iterable[Fact], known: Iterable[Fact]) -> list[Change]:
    """Record the facts that are new, or not as they are known."""
    before = {(type(fact), identity(fact)): fact for fact in known}
    changes: list[Change] = []
    for fact in facts:
        old = before.get((type(fact), identity(fact)))
        if fact != old:
            changes.append(Put(fact, old))
    return changes


def digest_of(digests: Sequence[str]) -> str:
    """Digest of several plans; a single plan's is its own, that of none is ""."""
    if len(digests) > 1:
        return _sha256("\n".join(digests))
    return digests[0] if digests else ""


def canonical_text(value: Any) -> str:
    """A value as JSON, a dataclass beginning with its name; other values give other texts.

    A named tuple is written as its values alone.
    """
    # Values are trees: looking for circles in them would take a tenth of the time.
    return json.dumps(
        value, default=_parts, ensure_ascii=False, separators=(",", ":"), check_circular=False
    )


def _parts(value: Any) -> Any:
    # All else that plans hold JSON knows by itself, members of our enumerations too.
    kind: Any = type(value)
    return _parts_of(kind)(value)


@cache
def _parts_of(kind: Any) -> Callable[[Any], Any]:
    if kind is date:
        return date.isoformat
    # Values that are equal have one text, so what is not compared is no part of it.
    names = [field.name for field in fields(kind) if field.compare]
    getter = attrgetter(*names)
    if len(names) > 1:
        return lambda value: (kind.__name__, *getter(value))
    # With a single name attrgetter gives the bare value.
    return lambda value: (kind.__name__, getter(value))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def matches(digest: str, given: str) -> bool:
    """Whether a digest as typed, eight digits at least, names this one."""
    return len(given) >= DIGEST_SHOWN and digest.startswith(given.lower())


def _order(change: Change) -> tuple[Any, ...]:
    # Entries and moves refer to facts. What takes the place of a dropped fact must find it free.
    match change:
        case Drop(old):
            return (0, RANK[type(old)], identity(old))
        case Put(new):
            return (1, RANK[type(new)], identity(new))
        case Post(entry):
            return (2, entry.happened_on, entry.key, entry.seq)
        case Stock(move):
            return (3, move.happened_on, move.key)


def _order_of_remark(remark: Remark) -> tuple[str, int, int, str, int, int]:
    return (
        remark.kind.value,
        remark.lesson or 0,
        remark.resident or 0,
        remark.reason,
        remark.coins,
        remark.other or 0,
    )
