"""AlfaCRM as an ``Exchange``: which lists to ask for, and what to make of their rows.

Filters are traps there. Some have a default that leaves rows out, so they are always sent; one that
is not understood is ignored without a word, so rows are checked against what was asked for. What
comes without the branch in the path differs by account.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import partial
from itertools import chain, product
from typing import Any, TypeVar

from coinsync.config.settings import ResidentSettings
from coinsync.core.facts import (
    Branch,
    Group,
    Lesson,
    LessonRecord,
    LessonType,
    Membership,
    RegularLesson,
    Resident,
    Status,
)
from coinsync.core.identity import VkKind, read_vk
from coinsync.core.plan import Scope
from coinsync.core.planning.compare import COPIES
from coinsync.environment import Progress, no_progress
from coinsync.errors import IncompleteRead
from coinsync.exchange import decode
from coinsync.exchange.base import Exchange, Reading, Unreadable
from coinsync.exchange.decode import Record
from coinsync.exchange.http import Http, ListRequest, PagedLists

#: Without a status only conducted lessons come, by date and by number alike.
STATUSES = (Status.CONDUCTED, Status.PLANNED, Status.CANCELLED)

#: Clients and leads, the archive too: both filters have defaults that leave people out. With
#: their groups the cards say who belongs where, which saves a request for each group.
_ALL_CUSTOMERS = {"is_study": 2, "removed": 1, "withGroups": True}

#: So many cards have a field between them that at least one of them fills in.
CARDS_LOOKED_AT = 100

#: Of each type: enough to see that the filter was understood.
ROWS_LOOKED_AT = 10

#: Pupils of today; cards of leads and of the archive say less of how a field is used.
_PUPILS = {"is_study": 1, "removed": 0}
#: A bare word or number is a VK page only where the school says so; these show it by themselves.
_PAGE = re.compile(r"\S*vk\S*/\S+|id[0-9]+|@\S+", re.IGNORECASE)
_PERSONS = (VkKind.NUMBER, VkKind.SCREEN_NAME)
#: Fields with @names of other networks.
_ELSEWHERE = re.compile("telegram|tg|inst", re.IGNORECASE)

T = TypeVar("T")


class AlfaCrm(Exchange):
    """One AlfaCRM account, read by one call at a time, as its makers advise, or by several."""

    def __init__(
        self,
        http: Http,
        kept: ResidentSettings,
        *,
        page_size: int,
        calls: int = 1,
        progress: Progress = no_progress,
    ) -> None:
        self._http = http
        self._kept = kept
        self._lists = PagedLists(http, page_size, progress, calls)
        self._whole: dict[str, Reading[Record]] = {}

    @property
    def calls(self) -> int:  # type: ignore[override]
        return self._http.calls

    def oddities(self) -> dict[str, int]:
        return dict(+self._http.oddities)

    def close(self) -> None:
        self._lists.close()
        self._http.close()

    def moment(self) -> datetime | None:
        # A login comes first in any case, and its answer brings the time as others do.
        if self._http.moment is None:
            self._http.log_in()
        if self._http.moment is None:
            self.branches()
        return self._http.moment

    def expect(self, branch: int, windows: Sequence[Scope]) -> None:
        lists = [_BRANCHES, _cards(branch), _types(branch), _groups(branch), _schedule(branch)]
        for window in windows:
            lists += _lessons(branch, window.since, window.until)
        self._lists.expect(lists)

    def branches(self) -> Reading[Branch]:
        return _decoded(self._read_once(_BRANCHES), decode.branch)

    def lesson_types(self, branch: int) -> Reading[LessonType]:
        return _decoded(self._lists.read(_types(branch)), decode.lesson_type)

    def groups(self, branch: int) -> Reading[Group]:
        return _decoded(self._lists.read(_groups(branch)), decode.group)

    def schedule(self, branch: int) -> Reading[RegularLesson]:
        reading = _decoded(self._lists.read(_schedule(branch)), decode.regular_lesson)
        return reading.with_items(line for line in reading.items if line is not None)

    def residents(self, branch: int, today: date) -> Reading[Resident]:
        into = partial(decode.resident, today=today, kept=self._kept)
        return _decoded(self._read_once(_cards(branch)), into)

    def _read_once(self, request: ListRequest) -> Reading[Record]:
        # Residents and memberships both need the cards. What was not whole is asked for again.
        reading = self._whole.get(request.path) or self._lists.read(request)
        if reading.complete:
            self._whole[request.path] = reading
        return reading

    def card_fields(self, branch: int) -> frozenset[str]:
        """The names alone; a card may come without a field that it leaves empty."""
        request = _request(branch, "customer", "cards", _ALL_CUSTOMERS)
        _, cards = self._lists.first_page(request, CARDS_LOOKED_AT)
        return frozenset(chain.from_iterable(cards))

    def memberships(self, branch: int) -> Reading[Membership]:
        cards = self._read_once(_cards(branch))
        # Not every account answers to ``withGroups``. One that does may still have cards without.
        if cards.complete and not any("groups" in card for card in cards.items):
            return self._memberships_by_group(branch)
        by_card = _decoded(cards, decode.card_memberships)
        return by_card.with_items(chain.from_iterable(by_card.items))

    def _memberships_by_group(self, branch: int) -> Reading[Membership]:
        groups = self.groups(branch)
        if not groups.complete:
            return Reading.incomplete(groups.why)
        # This list alone takes its filter from the query; in the body it is not understood.
        requests = [
            _request(branch, "cgi", "memberships", query={"group_id": group.id})
            for group in groups.items
        ]
        members: list[Membership] = []
        for group, rows in zip(groups.items, self._lists.read_all(requests), strict=False):
            reading = _decoded(rows, decode.membership)
            if not reading.complete:
                return Reading.incomplete(reading.why)
            if reading.unreadable:
                # The row does not say whose it is, so nobody's membership may be taken for ended.
                return Reading.incomplete(f"memberships of group {group.id} unreadable")
            own = [member for member in reading.items if member.group == group.id]
            self._http.oddities["memberships of another group"] += len(reading.items) - len(own)
            members += own
        return Reading(tuple(members))

    def lesson_records(self, branch: int, since: date, until: date) -> Reading[LessonRecord]:
        lists = self._lists.read_all(_lessons(branch, since, until))
        records: dict[int, LessonRecord] = {}
        unreadable: list[Unreadable] = []
        for status, rows in zip(STATUSES, lists, strict=False):
            reading = _decoded(rows, partial(decode.lesson_record, branch=branch))
            if not reading.complete:
                return Reading.incomplete(reading.why)
            for record in reading.items:
                lesson = record.lesson
                if not self._is_asked_for(lesson, branch, status, since, until):
                    continue
                if records.setdefault(lesson.id, record) != record:
                    unreadable.append(Unreadable(lesson.id, COPIES))
            unreadable += reading.unreadable
        # A lesson whose status changes while it is read may come twice, and nobody knows which of
        # its records is the newer one.
        for bad in unreadable:
            records.pop(bad.id, None)
        return Reading(tuple(records.values()), unreadable=tuple(unreadable))

    def find_lesson_record(self, lesson: int, branches: Sequence[int]) -> LessonRecord | None:
        for branch, status in product(branches, STATUSES):
            # No dates are sent: a lesson that was moved out of its window is looked for.
            asked = {"id": lesson, "status": status.value}
            rows = self._lists.read(_request(branch, "lesson", f"lesson {lesson}", asked))
            reading = _decoded(rows, partial(decode.lesson_record, branch=branch))
            if lesson in reading.unreadable_fields() or not reading.complete:
                why = reading.why or "record unreadable"
                raise IncompleteRead(f"lesson {lesson}: {why}")
            for record in reading.items:
                if record.lesson.id == lesson and record.lesson.status is status:
                    return record
                self._http.oddities["other lessons than the one that was looked for"] += 1
        return None

    def _is_asked_for(
        self, lesson: Lesson, branch: int, status: Status, since: date, until: date
    ) -> bool:
        # What was not asked for comes where a filter was not understood, and is told with -v.
        if lesson.branch != branch:
            others = "lessons of another branch"
        elif lesson.status is not status:
            others = "lessons of another status"
        elif not since <= lesson.date <= until:
            others = "lessons of other days"
        else:
            return True
        self._http.oddities[others] += 1
        return False


def _request(
    branch: int, entity: str, what: str, asked: Record | None = None, query: Record | None = None
) -> ListRequest:
    # The short form without "index" has answered with empty lists for some accounts since 2024.
    return ListRequest(f"{branch}/{entity}/index", what, asked or {}, query)


_BRANCHES = ListRequest("branch/index", "branches")


def _cards(branch: int) -> ListRequest:
    return _request(branch, "customer", "residents", _ALL_CUSTOMERS)


def _types(branch: int) -> ListRequest:
    return _request(branch, "lesson-type", "lesson types")


def _groups(branch: int) -> ListRequest:
    return _request(branch, "group", "groups")


def _schedule(branch: int) -> ListRequest:
    return _request(branch, "regular-lesson", "schedule")


def _lessons(branch: int, since: date, until: date) -> list[ListRequest]:
    span = {"date_from": since.isoformat(), "date_to": until.isoformat()}
    requests = []
    for status in STATUSES:
        requests.append(_request(branch, "lesson", "lessons", {"status": status.value, **span}))
    return requests


def _decoded(reading: Reading[Record], into: Callable[[Record], T]) -> Reading[T]:
    # Records that cannot be read are named, the others stand. Copies of a row may differ in what
    # nobody reads here, so it is compared what they become.
    items: dict[int, T] = {}
    unreadable: list[Unreadable] = []
    for record in reading.items:
        number = decode.number(record, "id")
        try:
            item = into(record)
            if items.setdefault(number, item) != item:
                unreadable.append(Unreadable(number, COPIES))
        except decode.UnreadableRecord as error:
            unreadable.append(Unreadable(number, error.path))
    return Reading(tuple(items.values()), reading.complete, reading.why, tuple(unreadable))


# --- what an account holds, counted for whoever sets coinsync up; nothing of it is kept ---


class AlfaCrmSurvey(AlfaCrm):
    """An AlfaCRM account that is looked at before there is a configuration."""

    def lessons_by_type(
        self, branches: Iterable[int], types: Iterable[int], since: date, until: date
    ) -> Counter[int]:
        """How many lessons of each type were held, both days included.

        Raises ``IncompleteRead`` where the CRM does not count them so.
        """
        counts: Counter[int] = Counter()
        days = {"date_from": since.isoformat(), "date_to": until.isoformat()}
        for branch, type_id in product(branches, types):
            asked = {"status": Status.CONDUCTED.value, "lesson_type_id": type_id, **days}
            request = ListRequest(f"{branch}/lesson/index", "lessons by type", asked)
            total, rows = self._lists.first_page(request, ROWS_LOOKED_AT)
            # A filter that is not understood is ignored without a word, and all lessons come.
            if any(decode.number(row, "lesson_type_id") != type_id for row in rows):
                raise IncompleteRead("lessons cannot be counted by type")
            counts[type_id] += total
        return counts

    def vk_fields(self, branches: Iterable[int]) -> tuple[int, Counter[str]]:
        """How many pupils there are, and on how many of their cards each field names a VK page."""
        pupils: set[int] = set()
        pages: Counter[str] = Counter()
        for branch in branches:
            request = ListRequest(f"{branch}/customer/index", "cards", _PUPILS)
            for card in self._lists.read(request).whole():
                pupil = decode.number(card, "id")
                # Whoever belongs to two branches comes with each of them.
                if pupil not in pupils:
                    pupils.add(pupil)
                    pages.update(name for name, value in card.items() if _names_page(name, value))
        return len(pupils), pages


def _names_page(name: str, value: Any) -> bool:
    """Whether a sync would find a person's VK page in a field that it is told to look at."""
    if not isinstance(value, (str, list)) or _ELSEWHERE.search(name):
        return False
    page = decode.vk_text(name, value)
    return bool(_PAGE.fullmatch(page)) and read_vk(page).kind in _PERSONS
