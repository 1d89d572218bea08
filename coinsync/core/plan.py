"""The plan: the difference between what is and what should be, as a value that can be shown, stored and applied."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from coinsync.core.canonical import canonical_text
from coinsync.core.catalog import StockMove
from coinsync.core.fact_keys import RANK, identity
from coinsync.core.facts import Fact, Lesson
from coinsync.core.ledger import Entry, KeyState, Kind
from coinsync.core.setting import Setting, whole

DIGEST_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Post:
    """Post an entry to the ledger."""

    entry: Entry

    @property
    def subject(self) -> Entry:
        """What the change is about."""
        return self.entry


@dataclass(frozen=True, slots=True)
class Put:
    """Record a fact: ``new`` in the place of ``old``, or for the first time where ``old`` is None."""

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
    """Record a move of stock; ``left`` is how many pieces there are before it, where the move hangs on that."""

    move: StockMove
    left: int | None = None

    @property
    def subject(self) -> StockMove:
        """What the change is about."""
        return self.move


Change = Post | Put | Drop | Stock


class Purpose(StrEnum):
    """What a plan is for; a sync's plans, ``PEOPLE`` and ``LESSONS``, have guards.

    ``DESK`` is what a clerk does by hand, ``REVIEW`` what a person decided about something held: only there may a
    reversal take a balance below zero. ``CATALOG`` is what the shop has, ``SALE`` what it sold or took back.
    """

    PEOPLE = "people"
    LESSONS = "lessons"
    DESK = "desk"
    REVIEW = "review"
    CATALOG = "catalog"
    SALE = "sale"


@dataclass(frozen=True, slots=True)
class Scope:
    """One branch and one window of days, both ends included; what belongs to no branch has the number 0."""

    branch: int
    since: date
    until: date


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
    MERGED = "merged"


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to know; ``reason`` is a reason code, ``coins`` what would move, ``other`` a second lesson or card.

    ``known`` says that an earlier plan said the same, ``detail`` is the field of a record that cannot be read.
    """

    kind: RemarkKind
    reason: str
    lesson: int | None = None
    resident: int | None = None
    coins: int = 0
    other: int | None = None
    known: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the guards weigh: what was known in the scope before, and what of it the answer lacks."""

    lessons_known: int = 0
    lessons_read: int = 0
    awards_posted: int = 0
    lessons_unasked: int = 0
    residents_known: int = 0
    residents_read: int = 0
    residents_missing: int = 0
    memberships_known: int = 0
    memberships_read: int = 0
    memberships_missing: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one plan, or one operation by hand, may do without a person's word.

    ``reversals_free`` reversals pass in any case: that a lesson is taken back is everyday life in a small school too.
    """

    reversals_percent_max: Annotated[
        int, Setting(whole(0, 100), "Reversals, in percent of the awards posted there …")
    ] = 5
    reversals_checked_from: Annotated[
        int, Setting(whole(1, 10_000), "… once so many awards are posted.")
    ] = 20
    reversals_free: Annotated[
        int, Setting(whole(0, 10_000), "So many pass in any case: one lesson taken back.")
    ] = 10
    vanished_percent_max: Annotated[
        int, Setting(whole(0, 100), "Residents or memberships missing, in percent.")
    ] = 20
    coins_per_run_max: Annotated[
        int, Setting(whole(1, 100_000_000), "Coins awarded in one run.")
    ] = 50_000
    coins_per_operation_max: Annotated[
        int, Setting(whole(1, 100_000_000), "Coins that one credit or debit moves.")
    ] = 1_000


@dataclass(frozen=True, slots=True)
class Counts:
    """The totals of a plan; coins of awards are positive, of reversals negative."""

    awards: int = 0
    awarded: int = 0
    reversals: int = 0
    reversed: int = 0
    others: int = 0
    moved: int = 0
    facts: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes for one scope, in one fixed order, with what they rely on.

    ``basis`` says where each key stood that the plan posts to; the ``old`` of each ``Put`` and ``Drop`` completes it.
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
        """Make a plan whose order does not depend on the order in which its parts were found."""
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
        """A plan without changes is false: all is as it should be."""
        return bool(self.changes)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries to be posted, in ledger order."""
        return tuple(change.entry for change in self.changes if isinstance(change, Post))

    @property
    def stock_moves(self) -> tuple[StockMove, ...]:
        """The moves of stock to be recorded, in their order."""
        return tuple(change.move for change in self.changes if isinstance(change, Stock))

    @property
    def digest(self) -> str:
        """SHA-256 of scope, changes and basis in canonical form: 64 hexadecimal digits."""
        content = (self.purpose, self.scope, self.changes, self.basis)
        return digest_of_text(canonical_text(content))

    @property
    def counts(self) -> Counts:
        """Add the plan up."""
        awards = [entry.coins for entry in self.entries if entry.kind is Kind.AWARD]
        reversals = [entry.coins for entry in self.entries if entry.kind is Kind.REVERSAL]
        others = [
            entry.coins for entry in self.entries if entry.kind not in (Kind.AWARD, Kind.REVERSAL)
        ]
        return Counts(
            awards=len(awards),
            awarded=sum(awards),
            reversals=len(reversals),
            reversed=sum(reversals),
            others=len(others),
            moved=sum(others),
            facts=len(self.changes) - len(self.entries) - len(self.stock_moves),
            held=sum(remark.kind is RemarkKind.HOLD for remark in self.remarks),
        )

    def check(self, limits: Limits) -> tuple[str, ...]:
        """Name every guard that refuses the plan; empty when it is safe."""
        if not self:
            return ()
        if self.purpose is Purpose.PEOPLE:
            return self._check_people(limits)
        return self._check_lessons(limits) if self.purpose is Purpose.LESSONS else ()

    def refusals(self, limits: Limits, accepted: Iterable[str]) -> tuple[str, ...]:
        """What ``check`` names, unless a person accepted exactly this plan by its digest."""
        found = self.check(limits)
        return () if found and any(matches(self.digest, given) for given in accepted) else found

    def _check_people(self, limits: Limits) -> tuple[str, ...]:
        seen = self.evidence
        refusals = []
        for noun, known, read, missing in (
            ("residents", seen.residents_known, seen.residents_read, seen.residents_missing),
            (
                "memberships",
                seen.memberships_known,
                seen.memberships_read,
                seen.memberships_missing,
            ),
        ):
            percent = 100 * missing / known if known else 0.0
            if known and not read:
                refusals.append(f"no {noun} where {known} were known")
            elif known >= limits.reversals_checked_from and percent > limits.vanished_percent_max:
                refusals.append(
                    f"{missing} of {known} {noun} vanished ({percent:.1f} %, limit {limits.vanished_percent_max} %)"
                )
        return tuple(refusals)

    def _check_lessons(self, limits: Limits) -> tuple[str, ...]:
        counts, seen = self.counts, self.evidence
        refusals = []
        if seen.lessons_known and not seen.lessons_read:
            refusals.append(f"no lessons where {seen.lessons_known} were known")
        elif seen.lessons_unasked:
            refusals.append(
                f"{seen.lessons_unasked} of {seen.lessons_known} known lessons are missing from the answer"
            )
        allowed = max(
            limits.reversals_free, seen.awards_posted * limits.reversals_percent_max // 100
        )
        if seen.awards_posted >= limits.reversals_checked_from and counts.reversals > allowed:
            share = 100 * counts.reversals / seen.awards_posted
            refusals.append(
                f"{counts.reversals} reversals of {seen.awards_posted} posted "
                f"({share:.1f} %, limit {limits.reversals_percent_max} %)"
            )
        if counts.awarded > limits.coins_per_run_max:
            refusals.append(
                f"+{counts.awarded} coins in one run (limit {limits.coins_per_run_max})"
            )
        return tuple(refusals)


def digest_of(digests: Sequence[str]) -> str:
    """Digest of several plans together, by their own; that of a single one is its own."""
    return digests[0] if len(digests) == 1 else digest_of_text("\n".join(digests))


def digest_of_text(text: str) -> str:
    """SHA-256 of a text: 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def matches(digest: str, given: str) -> bool:
    """Tell whether a digest as typed by a person, whole or its first eight digits or more, names this one."""
    return len(given) >= DIGEST_SHOWN and digest.startswith(given.lower())


def _order(change: Change) -> tuple[Any, ...]:
    """Drops first, then facts before the entries and moves that refer to them; entries by day."""
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
