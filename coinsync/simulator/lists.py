"""What each `index` finds, and the page of it that goes out.

A key that no filter here looks at is ignored without a word, exactly as the CRM does it.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from coinsync.simulator import names
from coinsync.simulator.chance import Chance
from coinsync.simulator.protocol import (
    CallRefused,
    JsonObject,
    Options,
    Request,
    as_day,
    as_number,
    as_numbers,
)
from coinsync.simulator.tables import (
    CONDUCTED,
    FOREVER,
    PLANNED,
    CrmCustomer,
    CrmDetail,
    CrmGroup,
    CrmLesson,
    CrmMembership,
    CrmRegularLesson,
    CrmTables,
)

#: What varies from row to row.
_CHANCE = Chance(0)


@dataclass(frozen=True, slots=True)
class RowPrinter:
    """Prints records. What varies depends on the record alone, so rows stay as they are."""

    tables: CrmTables
    options: Options

    def lesson(self, lesson: CrmLesson) -> JsonObject:
        """A row of `lesson/index`."""
        row: JsonObject = {
            "id": lesson.id,
            "branch_id": lesson.branch_id,
            "date": f"{lesson.date}",
            # Starts are at second 01.
            "time_from": f"{lesson.date} {lesson.start:%H:%M}:01",
            "lesson_type_id": lesson.lesson_type_id,
            "status": lesson.status,
            "subject_id": lesson.subject_id,
            "teacher_ids": self._teachers(lesson.teacher_id),
            "customer_ids": list(lesson.customer_ids),
            "group_ids": list(lesson.group_ids),
            "details": [self._detail(detail, lesson) for detail in lesson.details],
        }
        if lesson.status == PLANNED and not self.options.details_on_planned:
            row.update(customer_ids=[], details=[])
        if self.options.regular_id != "missing":
            present = self.options.regular_id == "present"
            row["regular_id"] = lesson.regular_id if present else None
        return row

    def _detail(self, detail: CrmDetail, lesson: CrmLesson) -> JsonObject:
        share = _CHANCE.share("detail", lesson.id, detail.customer_id)
        row: JsonObject = {
            "id": detail.id,
            "customer_id": detail.customer_id,
            "branch_id": lesson.branch_id,
            "is_attend": _mark_in_some_type(detail.is_attend, share),
            "reason_id": detail.reason_id,
            "commission": f"{detail.commission // 100}.{detail.commission % 100:02d}",
        }
        # Clients meet numbers as texts, and keys that are missing on some rows.
        if 0.04 <= share < 0.08:
            row["customer_id"] = str(detail.customer_id)
        if share > 0.93:
            del row["branch_id"]
        if detail.is_attend is None and share > 0.8:
            del row["is_attend"]
        return row

    def _teachers(self, teacher_id: int) -> list[Any]:
        """Numbers, or names, which surprise clients that read numbers."""
        if self.options.teacher_names:
            return [names.TEACHERS[teacher_id - 1]]
        return [teacher_id]

    def customer(self, card: CrmCustomer, with_groups: bool) -> JsonObject:
        """A row of `customer/index`."""
        row: JsonObject = {
            "id": card.id,
            "branch_ids": list(card.branch_ids),
            "teacher_ids": [] if card.id % 3 else self._teachers(card.id % 5 + 1),
            "name": card.name,
            "is_study": card.is_study,
            "dob": _dotted(card.dob) if card.id % 5 else "",
            "b_date": f"{card.created}",
            "e_date": f"{card.e_date}",
            "note": names.CUSTOMER_NOTES[card.id % 5],
            "phone": list(card.phone),
        }
        # A field that the school made is filled, empty, null or not there at all.
        if card.vk is not None or card.id % 2:
            row["custom_vk"] = card.vk
        if with_groups and self.options.with_groups != "absent":
            row["groups"] = self._groups_of(card)
        return row

    def _groups_of(self, card: CrmCustomer) -> list[Any]:
        rows: list[Any] = []
        for member in self.tables.memberships_on(card.id, self.tables.today):
            if self.options.with_groups == "ids":
                rows.append(member.group_id)
                continue
            name = self.tables.groups[member.group_id].name
            rows.append({"id": member.group_id, "name": name, **_days(member)})
        return rows

    def group(self, group: CrmGroup) -> JsonObject:
        """A row of `group/index`."""
        return {
            "id": group.id,
            "branch_ids": [group.branch_id],
            "teacher_ids": self._teachers(group.teacher_id),
            "name": group.name,
            "subject_id": group.subject_id,
            "b_date": f"{group.b_date}",
            "e_date": f"{FOREVER}",
        }

    def regular_lesson(self, line: CrmRegularLesson) -> JsonObject:
        """A row of `regular-lesson/index`."""
        return {
            "id": line.id,
            "branch_id": line.branch_id,
            "related_class": line.related_class,
            "related_id": line.related_id,
            "day": line.weekday,
            "days": [line.weekday],
            "time_from_v": f"{line.start:%H:%M}",
            "b_date": f"{line.b_date}",
            "e_date": f"{line.e_date}",
        }


def _mark_in_some_type(is_attend: int | None, share: float) -> int | bool | str | None:
    """0 and 1 come as numbers mostly, and now and then as truth values or as texts."""
    if is_attend is None or share < 0.9:
        return is_attend
    return bool(is_attend) if share < 0.95 else str(is_attend)


def membership(member: CrmMembership) -> JsonObject:
    """A row of `cgi/index`."""
    return {**asdict(member), **_days(member)}


def _days(member: CrmMembership) -> JsonObject:
    return {"b_date": _dotted(member.b_date), "e_date": _dotted(member.e_date)}


def _dotted(day: date) -> str:
    return f"{day:%d.%m.%Y}"


# --- what is found ---


class Filters:
    """The numbers that a request wants, by the name of the field."""

    def __init__(self, request: Request, branches: frozenset[int]) -> None:
        self.fields = request.fields()
        self._wanted = {name: as_numbers(value) for name, value in self.fields.items()}
        # The branch is named in the path.
        self._wanted["branch"] = branches

    def has(self, name: str) -> bool:
        """Whether the request sets that filter; an empty one does not count."""
        return self._wanted.get(name) is not None

    def fit(self, **values: Collection[int]) -> bool:
        """Whether a record is wanted; of several numbers one has to fit."""
        for name, numbers in values.items():
            wanted = self._wanted.get(name)
            if wanted is not None and wanted.isdisjoint(numbers):
                return False
        return True


#: Everything that a read finds, in order, and how one record of it is printed.
Selection = tuple[Sequence[Any], Callable[[Any], JsonObject]]


@dataclass(frozen=True, slots=True)
class Drift:
    """How far the rows have moved since the first page of this read was taken."""

    shift: int = 0
    total: int = 0
    swapped: bool = False


@dataclass(frozen=True, slots=True)
class Lists(RowPrinter):
    """Reads the tables the way a client asked for them."""

    request: Request
    filters: Filters

    def select(self, entity: str) -> Selection:
        """Everything that the request asks for, in the CRM's order."""
        tables, fit = self.tables, self.filters.fit
        match entity:
            case "branch":
                return [*tables.branches.values()], asdict
            case "subject":
                subjects = [*enumerate(names.SUBJECTS, start=1)]
                return subjects, lambda row: {"id": row[0], "name": row[1]}
            case "lesson-type":
                kinds = [*tables.lesson_types.values()]
                return kinds, lambda kind: {"id": kind.id, "name": kind.name, "type": kind.base}
            case "location":
                # One per branch, with its number.
                branches = [row for row in tables.branches.values() if fit(branch=[row.id])]
                return branches, lambda row: {**asdict(row), "branch_id": row.id}
            case "group":
                groups = [*tables.groups.values()]
                groups = [row for row in groups if fit(id=[row.id], branch=[row.branch_id])]
                return groups, self.group
            case "regular-lesson":
                return self._regular_lessons(), self.regular_lesson
            case "cgi":
                return self._memberships(), membership
            case "customer":
                with_groups = self.filters.fields.get("withGroups") in (True, "1", "true")
                return self._customers(), lambda card: self.customer(card, with_groups)
            case "lesson":
                return self._lessons(), self.lesson
        raise CallRefused(404, "Страница не найдена.")

    def page(self, selection: Selection, drift: Drift) -> JsonObject:
        """One page of the selection. Only the rows of this page are printed."""
        page, size = page_number(self.request), self._page_size()
        selected, print_row = selection
        count = len(selected)
        records = _slice(selected, page, size, drift)
        if not records and count and self.options.past_the_end == "repeat":
            records = _slice(selected, (count - 1) // size, size, drift)
        items = list(map(print_row, records))
        return {"total": count + drift.total, "count": len(items), "page": page, "items": items}

    def _page_size(self) -> int:
        """`per-page` of the query, else `pageSize` of the body, and no other spelling."""
        in_body = as_number(self.filters.fields.get("pageSize"))
        asked = as_number(self.request.query.get("per-page")) or in_body
        if asked is None or asked < 1:
            asked = self.options.page_size_default
        return min(asked, self.options.page_size_max)

    def _regular_lessons(self) -> list[Any]:
        lines = []
        for line in self.tables.regular_lessons.values():
            groups = [line.related_id] if line.related_class == "Group" else []
            if self.filters.fit(id=[line.id], branch=[line.branch_id], group_id=groups):
                lines.append(line)
        return lines

    def _memberships(self) -> list[Any]:
        """Of one group or one customer, which must be named in the query."""
        group = as_number(self.request.query.get("group_id"))
        customer = as_number(self.request.query.get("customer_id"))
        if group is not None:
            candidates = self.tables.members.get(group, [])
        elif customer is not None:
            candidates = self.tables.memberships.get(customer, [])
        else:
            raise CallRefused(400, "Отсутствуют обязательные параметры: group_id")
        memberships = []
        for member in candidates:
            branch_id = self.tables.groups[member.group_id].branch_id
            current = self.options.cgi_past or member.holds_on(self.tables.today)
            asked_for = customer in (None, member.customer_id)
            if current and asked_for and self.filters.fit(branch=[branch_id]):
                memberships.append(member)
        return memberships

    def _customers(self) -> list[CrmCustomer]:
        """Leads newest first, clients by name."""
        cards = [card for card in self.tables.customers.values() if self._is_asked_for(card)]
        # Sorting keeps the order of equals, so ties are put in order first.
        cards.sort(key=self._tie_key())
        if as_number(self.filters.fields.get("is_study")) == 0:
            cards.sort(key=lambda card: card.created, reverse=True)
        else:
            cards.sort(key=lambda card: card.name.casefold())
        return cards

    def _is_asked_for(self, card: CrmCustomer) -> bool:
        is_study = as_number(self.filters.fields.get("is_study"))
        removed = as_number(self.filters.fields.get("removed"))
        is_study = self.options.is_study_default if is_study is None else is_study
        removed = self.options.removed_default if removed is None else removed
        state = 2 if card.archived_on(self.tables.today) else 0
        if is_study not in (2, card.is_study) or removed not in (1, state):
            return False
        return self.filters.fit(id=[card.id], branch=card.branch_ids)

    def _tie_key(self) -> Callable[[Any], float]:
        """How equal rows fall: newest first, or differently in every request."""
        if self.options.unstable_ties:
            chance = Chance(self.request.number)
            return lambda record: chance.share(record.id)
        return lambda record: -record.id

    def _lessons(self) -> list[CrmLesson]:
        """Newest first."""
        since = as_day(self.filters.fields.get("date_from") or date.min)
        until = as_day(self.filters.fields.get("date_to") or date.max)
        if since is None or until is None:
            # A spelling that is not understood finds nothing.
            return []
        lessons = [
            lesson
            for lesson in self.tables.visible_lessons()
            if since <= lesson.date <= until and self._is_wanted(lesson)
        ]
        lessons.sort(key=self._tie_key())
        lessons.sort(key=lambda lesson: lesson.date, reverse=True)
        return lessons

    def _is_wanted(self, lesson: CrmLesson) -> bool:
        if lesson.status != CONDUCTED and not self.filters.has("status"):
            # Without a word only conducted lessons are found, by their number too.
            return False
        return self.filters.fit(
            id=[lesson.id],
            branch=[lesson.branch_id],
            status=[lesson.status],
            lesson_type_id=[lesson.lesson_type_id],
            teacher_id=[lesson.teacher_id],
            subject_id=[lesson.subject_id],
            group_id=lesson.group_ids,
            customer_id=lesson.pupils(),
        )


def page_number(request: Request) -> int:
    """The page asked for, counted from 0."""
    return max(as_number(request.fields().get("page")) or 0, 0)


def _slice(records: Sequence[Any], page: int, size: int, drift: Drift) -> list[Any]:
    start = page * size
    if page:
        start = max(start + drift.shift, 0)
    rows = list(records[start : start + size])
    if drift.swapped and rows and start > 0:
        # Two equal rows fell differently: the last of the page before comes again.
        rows[0] = records[start - 1]
    return rows
