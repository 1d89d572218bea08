"""AlfaCRM as an ``Exchange``: which lists to ask for, and how to know that a list is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from threading import Lock
from typing import Any, TypeVar

from coinsync.core.facts import (
    Branch,
    Group,
    LessonRecord,
    LessonType,
    Membership,
    RegularLesson,
    Resident,
    Status,
)
from coinsync.core.identity import NameForm
from coinsync.errors import IncompleteRead, NotAnAnswer
from coinsync.exchange import decode
from coinsync.exchange.base import Exchange, Progress, Reading, Unreadable, no_progress
from coinsync.exchange.http import Http

PAGES_MAX = 2_000
READINGS_MAX = 3
STATUSES = (Status.CONDUCTED, Status.PLANNED, Status.CANCELLED)

T = TypeVar("T")
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reads:
    """How to read: rows per page to ask for, calls under way at once, and what to keep of a customer's card.

    ``today`` serves until a branch's own day is known.
    """

    today: date
    page_size: int = 500
    calls: int = 1
    names: NameForm = NameForm.SURNAME_FIRST
    vk_field: str = ""
    vk_pattern: str = ""


@dataclass(slots=True)
class _Pages:
    """One walk through the pages of a list."""

    rows: dict[int, Record] = field(default_factory=dict)
    totals: set[int] = field(default_factory=set)
    pages: int = 0
    why: str = ""

    @property
    def complete(self) -> bool:
        """All totals were the same and so many different rows came."""
        return not self.why and self.totals == {len(self.rows)}


class AlfaCrm(Exchange):
    """One AlfaCRM account. Reads one list after another, as its makers advise, unless more ``calls`` are allowed."""

    def __init__(self, http: Http, reads: Reads, progress: Progress = no_progress) -> None:
        """Read through ``http``."""
        self._http = http
        self._reads = reads
        self._today = reads.today
        self._progress = progress
        self._branches: Reading[Record] | None = None
        self._cards: dict[int, Reading[Record]] = {}
        self._ahead: dict[str, Reading[Record]] = {}
        self._reporting = Lock()

    @property
    def calls(self) -> int:  # type: ignore[override]
        """Requests sent so far, the login among them."""
        return self._http.calls

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def moment(self) -> datetime | None:
        """The time on the CRM's own answers, asking for the branches if it has not answered yet."""
        if self._http.moment is None:
            self.branches()
        return self._http.moment

    def expect(self, branch: int, today: date) -> None:
        """Note the day, and read the lists of a branch's people at once where several calls may be under way."""
        self._today = today
        if self._reads.calls > 1:
            whats = {"lesson-type": "lesson types", "group": "groups", "regular-lesson": "schedule"}
            paths = {f"{branch}/{entity}/index": what for entity, what in whats.items()}
            jobs = [partial(self._list, path, {}, what) for path, what in paths.items()]
            found = self._together([*jobs, partial(self._customers, branch)])
            self._ahead = dict(zip(paths, found, strict=False))

    # --- lists --------------------------------------------------------------------------------------------------

    def branches(self) -> Reading[Branch]:
        """All branches of the account."""
        found = self._branches or self._list("branch/index", {}, "branches")
        if found.complete:
            self._branches = found
        return _decoded(found, decode.branch)

    def lesson_types(self, branch: int) -> Reading[LessonType]:
        """The kinds of lessons."""
        return _decoded(
            self._list(f"{branch}/lesson-type/index", {}, "lesson types"), decode.lesson_type
        )

    def groups(self, branch: int) -> Reading[Group]:
        """The groups of a branch."""
        return _decoded(self._list(f"{branch}/group/index", {}, "groups"), decode.group)

    def residents(self, branch: int) -> Reading[Resident]:
        """Customers of a branch: clients and leads, the archive among them."""
        cards, reads = self._customers(branch), self._reads
        into = partial(
            decode.resident,
            today=self._today,
            names=reads.names,
            vk_field=reads.vk_field,
            vk_pattern=reads.vk_pattern,
        )
        return _decoded(cards, into)

    def memberships(self, branch: int) -> Reading[Membership]:
        """Current memberships: from the customers' cards where the CRM gives them, else group by group."""
        cards = self._customers(branch)
        if not cards.complete or any("groups" in record for record in cards.items):
            nested = _decoded(cards, decode.card_memberships)
            flat = tuple(one for found in nested.items for one in found)
            return Reading(flat, nested.complete, nested.why, nested.unreadable)
        return self._memberships_by_group(branch)

    def schedule(self, branch: int) -> Reading[RegularLesson]:
        """The schedule of a branch."""
        found = _decoded(
            self._list(f"{branch}/regular-lesson/index", {}, "schedule"), decode.regular_lesson
        )
        lines = tuple(line for line in found.items if line is not None)
        return Reading(lines, found.complete, found.why, found.unreadable)

    def lesson_records(self, branch: int, since: date, until: date) -> Reading[LessonRecord]:
        """Lessons of a branch and window: conducted, planned and cancelled, each status asked for by itself."""
        merged: dict[int, LessonRecord] = {}
        unreadable: list[Unreadable] = []
        span = {"date_from": since.isoformat(), "date_to": until.isoformat()}
        path = f"{branch}/lesson/index"
        jobs = [
            partial(self._list, path, {"status": status.value, **span}, "lessons")
            for status in STATUSES
        ]
        for status, found in zip(STATUSES, self._together(jobs), strict=True):
            lesson_records = _decoded(found, partial(decode.record, branch=branch))
            if not lesson_records.complete:
                return Reading((), complete=False, why=lesson_records.why)
            # A filter that the CRM did not heed lets foreign rows in: they are not part of the answer.
            merged.update(
                (record.lesson.id, record)
                for record in lesson_records.items
                if record.lesson.branch == branch
                and record.lesson.status is status
                and since <= record.lesson.date <= until
            )
            unreadable += lesson_records.unreadable
        bad = {one.id for one in unreadable}
        return Reading(
            tuple(record for id, record in merged.items() if id not in bad),
            unreadable=tuple(unreadable),
        )

    def find_lesson_record(self, lesson: int, branches: Sequence[int]) -> LessonRecord | None:
        """Ask for one lesson by number, under each branch and status; None when no answer holds it.

        Raises ``IncompleteRead`` when an answer cannot be trusted or the record cannot be read.
        """
        for branch in branches:
            for status in STATUSES:
                asked = {"id": lesson, "status": status.value}
                found = self._list(f"{branch}/lesson/index", asked, f"lesson {lesson}")
                lesson_records = _decoded(found, partial(decode.record, branch=branch))
                if not lesson_records.complete or any(
                    one.id == lesson for one in lesson_records.unreadable
                ):
                    raise IncompleteRead(
                        f"lesson {lesson}: {lesson_records.why or 'record unreadable'}"
                    )
                for record in lesson_records.items:
                    if record.lesson.id == lesson and record.lesson.status is status:
                        return record
        return None

    def _customers(self, branch: int) -> Reading[Record]:
        asked = {"is_study": 2, "removed": 1, "withGroups": True}
        found = self._cards.get(branch) or self._list(
            f"{branch}/customer/index", asked, "residents"
        )
        if found.complete:
            self._cards[branch] = found
        return found

    def _memberships_by_group(self, branch: int) -> Reading[Membership]:
        merged: list[Membership] = []
        groups = self.groups(branch)
        if not groups.complete:
            return Reading((), complete=False, why=groups.why)
        path = f"{branch}/cgi/index"
        jobs = [
            partial(self._list, path, {}, "memberships", {"group_id": group.id})
            for group in groups.items
        ]
        for group, found in zip(groups.items, self._together(jobs), strict=True):
            memberships = _decoded(found, decode.membership)
            if memberships.unreadable:
                # The row does not say whose it is, so nobody's membership may be taken for ended.
                memberships = Reading(
                    (), complete=False, why=f"memberships of group {group.id} unreadable"
                )
            if not memberships.complete:
                return Reading((), complete=False, why=memberships.why)
            merged += [one for one in memberships.items if one.group == group.id]
        return Reading(tuple(merged))

    # --- pages --------------------------------------------------------------------------------------------------

    def _list(
        self, path: str, asked: Record, what: str, query: Mapping[str, Any] | None = None
    ) -> Reading[Record]:
        """Read a whole list, and read it again when what came does not add up; say so if it never does."""
        ahead = self._ahead.pop(path, None)
        if ahead is not None:
            return ahead
        walk = _Pages()
        for _ in range(READINGS_MAX):
            walk = self._walk(path, asked, what, query)
            if walk.complete:
                return Reading(tuple(walk.rows.values()))
        totals = "/".join(map(str, sorted(walk.totals))) or "?"
        why = walk.why or f"{len(walk.rows)} distinct of {totals}"
        return Reading(
            (),
            complete=False,
            why=f"{what}: {why} on {walk.pages} pages, read {READINGS_MAX} times",
        )

    def _together(self, jobs: Sequence[Callable[[], Reading[Record]]]) -> Iterator[Reading[Record]]:
        """Run jobs and yield their results in order: one by one, or as many at once as calls are allowed."""
        if self._reads.calls == 1:
            return (job() for job in jobs)
        with ThreadPoolExecutor(self._reads.calls) as pool:
            return iter(list(pool.map(lambda job: job(), jobs)))

    def _walk(self, path: str, asked: Record, what: str, query: Mapping[str, Any] | None) -> _Pages:
        walk = _Pages()
        previous: list[int] | None = None
        for page in range(PAGES_MAX):
            body = {**asked, "page": page, "pageSize": self._reads.page_size}
            total, count, items = _envelope(self._http.call(path, body, query))
            walk.pages += 1
            walk.totals.add(total)
            ids = [_id(item) for item in items]
            if None in ids or count != len(items):
                walk.why = (
                    "a row without a number"
                    if None in ids
                    else f"{len(items)} rows where {count} are announced"
                )
                return walk
            fresh = [id for id in ids if id is not None and id not in walk.rows]
            walk.rows.update(zip((id for id in ids if id is not None), items, strict=True))
            with self._reporting:
                self._progress(what, len(walk.rows), total)
            if (
                _ended(len(items), len(fresh), len(walk.rows), total, page, self._reads.page_size)
                or ids == previous
            ):
                return walk
            previous = [id for id in ids if id is not None]
        walk.why = f"more than {PAGES_MAX} pages"
        return walk


def _ended(rows: int, fresh: int, distinct: int, total: int, page: int, page_size: int) -> bool:
    """Tell whether a list is at its end: an empty page, or all that ``total`` promises.

    A first page that is exactly full may carry the page's size in the place of the total, so one more is asked for.
    """
    if not rows or (page and not fresh):
        return True
    return distinct >= total and not (
        page == 0 and rows == total and rows in (20, 50, 100, page_size)
    )


def _envelope(answer: Record) -> tuple[int, int, list[Record]]:
    """Take total, count and rows out of a list's answer; the count may be missing."""
    items = answer.get("items")
    if not isinstance(items, list):
        raise NotAnAnswer("not an AlfaCRM answer (a list without items)")
    count = answer.get("count")
    try:
        return (
            decode.whole(answer.get("total"), "total"),
            decode.whole(len(items) if count is None else count, "count"),
            items,
        )
    except decode.UnreadableRecord as error:
        raise NotAnAnswer(f"not an AlfaCRM answer (a list without {error.path})") from None


def _id(item: Any) -> int | None:
    if not isinstance(item, dict):
        return None
    try:
        return decode.number(item.get("id"), "id")
    except decode.UnreadableRecord:
        return None


def _decoded(found: Reading[Record], into: Callable[[Record], T]) -> Reading[T]:
    """Decode every record of a reading; those that cannot be read are named, the others stand."""
    unreadable: list[Unreadable] = []

    def facts() -> Iterator[T]:
        for record in found.items:
            try:
                yield into(record)
            except decode.UnreadableRecord as error:
                unreadable.append(Unreadable(decode.number(record["id"], "id"), error.path))

    items = tuple(facts())
    return Reading(items, found.complete, found.why, tuple(unreadable))
