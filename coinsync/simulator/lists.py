"""What each `index` finds: the filters that the CRM knows, its hidden defaults, and its order.

A key that no filter here looks at is ignored without a word, exactly as the CRM does it.
"""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from coinsync.simulator.chance import Chance
from coinsync.simulator.dialect import (
    Call,
    Listing,
    Row,
    as_day,
    as_number,
    as_numbers,
    parameter_missing,
)
from coinsync.simulator.options import Options
from coinsync.simulator.records import (
    CONDUCTED,
    Customer,
    Lesson,
    LogRow,
    Membership,
    RegularLesson,
)
from coinsync.simulator.register import Register
from coinsync.simulator.shapes import Shapes, lead_status_of

Branches = frozenset[int]

_DICTIONARIES: dict[str, tuple[Row, ...]] = {
    "study-status": (
        {"id": 1, "name": "Учится", "is_enabled": 1, "weight": 1},
        {"id": 2, "name": "На паузе", "is_enabled": 1, "weight": 2},
    ),
    "lead-status": tuple(
        {"id": number, "name": name, "is_enabled": 1, "weight": number}
        for number, name in enumerate(
            ("Новый", "Записан на пробное", "Был на пробном", "Думает"), start=1
        )
    ),
    "lead-source": (
        {"id": 1, "name": "Сайт", "code": "site", "is_enabled": 1, "weight": 1},
        {"id": 2, "name": "Знакомые", "code": None, "is_enabled": 1, "weight": 2},
        {"id": 3, "name": "Группа VK", "code": "vk", "is_enabled": 1, "weight": 3},
    ),
    "lead-reject": (),
    "user": ({"id": 2, "name": "Интеграция", "email": "api@school.example"},),
    "pay": (),
    "pay-account": (),
    "pay-item": (),
    "pay-item-category": (),
    "tariff": ({"id": 1, "type": 1, "name": "4 занятия", "price": "1800.00", "lessons_count": 4},),
    "discount": (),
    "level": ({"id": 1, "name": "Начальный", "is_enabled": 1, "weight": 1},),
    "task": (),
    "bonus": (),
}


class Lists:
    """Reads the books the way a client asked for them."""

    def __init__(self, books: Register, options: Options) -> None:
        self._books = books
        self._options = options
        self.shapes = Shapes(books, options)
        self._finders: dict[str, Callable[[Call, Branches], Listing]] = {
            "branch": self._branches,
            "subject": self._subjects,
            "lesson-type": self._lesson_types,
            "location": self._locations,
            "room": self._rooms,
            "teacher": self._teachers,
            "customer": self._customers,
            "lesson": self._lessons,
            "regular-lesson": self._regular_lessons,
            "group": self._groups,
            "cgi": self._memberships,
            "customer-tariff": self._tariffs,
            "communication": self._communications,
            "log": self._log,
        }

    def knows(self, entity: str) -> bool:
        """Whether there is such an entity."""
        return entity in self._finders or entity in _DICTIONARIES

    def find(self, entity: str, call: Call, branches: Branches) -> Listing:
        """Everything that the call asks for, in the CRM's order."""
        if entity in _DICTIONARIES:
            return Listing(_DICTIONARIES[entity], lambda row: dict(row))
        return self._finders[entity](call, branches)

    def _tie(self, call: Call) -> Callable[[int], float]:
        """How rows with equal sort keys fall: newest number first, or differently in every request."""
        if self._options.unstable_ties:
            draws = Chance(call.number)
            return lambda number: draws.share(number)
        return lambda number: -float(number)

    # Lists that a school fills once

    def _branches(self, call: Call, branches: Branches) -> Listing:
        return Listing(list(self._books.branches.values()), self.shapes.branch)

    def _subjects(self, call: Call, branches: Branches) -> Listing:
        return Listing(list(self._books.subjects.values()), self.shapes.subject)

    def _lesson_types(self, call: Call, branches: Branches) -> Listing:
        kinds = _with_ids(self._books.lesson_types.values(), call)
        return Listing(sorted(kinds, key=lambda one: one.sort), self.shapes.lesson_type)

    def _locations(self, call: Call, branches: Branches) -> Listing:
        here = [one for one in self._books.branches.values() if one.id in branches]
        return Listing(here, self.shapes.location)

    def _rooms(self, call: Call, branches: Branches) -> Listing:
        return Listing(_of_branches(self._books.rooms.values(), branches), self.shapes.room)

    def _teachers(self, call: Call, branches: Branches) -> Listing:
        here = _of_branches(self._books.teachers.values(), branches)
        return Listing(_with_ids(here, call), self.shapes.teacher)

    # Cards

    def _customers(self, call: Call, branches: Branches) -> Listing:
        fields = call.fields()
        cards = [
            one
            for one in _with_ids(self._books.customers.values(), call)
            if not branches.isdisjoint(one.branch_ids) and self._is_asked_for(one, fields)
        ]
        tie = self._tie(call)
        with_groups = fields.get("withGroups") in (True, 1, "1", "true")
        cards.sort(key=lambda one: tie(one.id))
        if as_number(fields.get("is_study")) == 0:
            cards.sort(key=lambda one: one.created, reverse=True)
        else:
            cards.sort(key=lambda one: one.name.casefold())
        return Listing(cards, lambda card: self.shapes.customer(card, with_groups))

    def _is_asked_for(self, card: Customer, fields: Row) -> bool:
        removed = _choice(fields.get("removed"), self._options.removed_default)
        is_study = _choice(fields.get("is_study"), self._options.is_study_default)
        archived = card.archived_on(self._books.today)
        if is_study not in (2, card.is_study) or removed not in (1, 2 if archived else 0):
            return False
        drops = self._options.unsorted_leads_drop and as_number(fields.get("removed")) == 0
        if drops and not card.is_study and lead_status_of(card) is None:
            return False
        return self._reads_like(card, fields) and _fits(
            fields, {"lead_status_id": lead_status_of(card), "legal_type": 1}
        )

    @staticmethod
    def _reads_like(card: Customer, fields: Row) -> bool:
        name, phone = fields.get("name"), fields.get("phone")
        if isinstance(name, str) and name.casefold() not in card.name.casefold():
            return False
        return not isinstance(phone, str) or any(
            _digits(phone) in _digits(one) for one in card.phone
        )

    # Lessons

    def _lessons(self, call: Call, branches: Branches) -> Listing:
        fields = call.fields()
        within = self._days(fields)
        statuses = as_numbers(fields.get("status"))
        if statuses is None:
            statuses = frozenset({CONDUCTED})
        found = [
            one
            for one in _with_ids(self._books.visible_lessons(), call)
            if one.branch_id in branches
            and one.status in statuses
            and within(one.date)
            and self._concerns(one, fields)
        ]
        tie = self._tie(call)
        found.sort(key=lambda one: (-one.date.toordinal(), tie(one.id)))
        return Listing(found, self.shapes.lesson)

    def _days(self, fields: Row) -> Callable[[date], bool]:
        """The filter by date, both ends included; a spelling that is not understood finds nothing."""
        limits: list[date] = []
        for name, open_end in (("date_from", date.min), ("date_to", date.max)):
            value = fields.get(name)
            limit = open_end if value in (None, "") else as_day(value, self._options)
            if limit is None:
                return lambda day: False
            limits.append(limit)
        return lambda day: limits[0] <= day <= limits[1]

    def _concerns(self, lesson: Lesson, fields: Row) -> bool:
        single: dict[str, int | None] = {
            "lesson_type_id": lesson.lesson_type_id,
            "teacher_id": lesson.teacher_id,
            "subject_id": lesson.subject_id,
            "room_ids": lesson.room_id,
            "location_ids": lesson.branch_id,
        }
        groups, pupils = as_numbers(fields.get("group_id")), as_numbers(fields.get("customer_id"))
        return (
            _fits(fields, single)
            and (groups is None or not groups.isdisjoint(lesson.group_ids))
            and (pupils is None or not pupils.isdisjoint(self._pupils(lesson)))
        )

    def _pupils(self, lesson: Lesson) -> set[int]:
        pupils = {*lesson.customer_ids, *(one.customer_id for one in lesson.details)}
        if self._options.foreign_rows:
            for group_id in lesson.group_ids:
                pupils.update(self._books.members_on(group_id, self._books.today))
        return pupils

    # Groups and timetable

    def _groups(self, call: Call, branches: Branches) -> Listing:
        removed = _choice(call.fields().get("removed"), 0)
        here = [
            one
            for one in _of_branches(_with_ids(self._books.groups.values(), call), branches)
            if removed in (1, 3) or (one.e_date < self._books.today) == (removed == 2)
        ]
        return Listing(here, self.shapes.group)

    def _regular_lessons(self, call: Call, branches: Branches) -> Listing:
        fields = call.fields()
        groups, teachers = as_numbers(fields.get("group_id")), as_numbers(fields.get("teacher_id"))
        here: list[RegularLesson] = [
            one
            for one in _of_branches(_with_ids(self._books.regular_lessons.values(), call), branches)
            if (groups is None or (one.related_class == "Group" and one.related_id in groups))
            and (teachers is None or one.teacher_id in teachers)
        ]
        return Listing(here, self.shapes.regular_lesson)

    def _memberships(self, call: Call, branches: Branches) -> Listing:
        group, customer = _of_query(call, "group_id"), _of_query(call, "customer_id")
        if group is None and customer is None:
            raise parameter_missing("group_id")
        rows: Iterable[Membership] = (
            self._books.members.get(group, ())
            if group is not None
            else self._books.seats.get(customer or 0, ())
        )
        found = [
            one
            for one in _with_ids(rows, call)
            if (customer is None or one.customer_id == customer)
            and self._books.groups[one.group_id].branch_id in branches
            and (self._options.cgi_past or one.holds_on(self._books.today))
        ]
        return Listing(found, self.shapes.membership)

    def _tariffs(self, call: Call, branches: Branches) -> Listing:
        customer = _of_query(call, "customer_id")
        if customer is None:
            raise parameter_missing("customer_id")
        card = self._books.customers.get(customer)
        held = [card] if card and card.is_study and not branches.isdisjoint(card.branch_ids) else []
        return Listing(held, self.shapes.tariff)

    @staticmethod
    def _communications(call: Call, branches: Branches) -> Listing:
        for name in ("class", "related_id"):
            if not call.query.get(name):
                raise parameter_missing(name)
        return Listing((), lambda row: dict(row))

    # The change history

    def _log(self, call: Call, branches: Branches) -> Listing:
        fields = call.fields()
        entity, entity_ids = fields.get("entity"), as_numbers(fields.get("entity_id"))
        everywhere = branches | {0}
        rows = [
            one
            for one in self._books.log
            if one.branch_id in everywhere
            and (not entity or one.entity == entity)
            and (entity_ids is None or one.entity_id in entity_ids)
            and not self._vanished(one)
        ]
        rows.sort(key=lambda one: (one.at, one.id), reverse=True)
        return Listing(rows, self.shapes.log)

    def _vanished(self, row: LogRow) -> bool:
        if not self._options.log_rows_vanish:
            return False
        if row.lesson_id is not None and self._books.lessons[row.lesson_id].deleted:
            return True
        return row.customer_id is not None and row.customer_id not in self._books.customers


def _with_ids(records: Iterable[Any], call: Call) -> list[Any]:
    """The records with the numbers of the filter `id`: one, or a list."""
    wanted = as_numbers(call.fields().get("id"))
    return [one for one in records if wanted is None or one.id in wanted]


def _of_branches(records: Iterable[Any], branches: Branches) -> list[Any]:
    return [one for one in records if one.branch_id in branches]


def _of_query(call: Call, name: str) -> int | None:
    return as_number(call.query.get(name))


def _fits(fields: Row, values: dict[str, int | None]) -> bool:
    for name, value in values.items():
        wanted = as_numbers(fields.get(name))
        if wanted is not None and value not in wanted:
            return False
    return True


def _choice(value: object, default: int) -> int:
    number = as_number(value)
    return default if number is None else number


def _digits(text: str) -> str:
    return "".join(one for one in text if one.isdigit())
