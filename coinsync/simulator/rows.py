"""Records as AlfaCRM prints them, with the mixture of types that its rows have."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from coinsync.simulator import names
from coinsync.simulator.chance import Chance
from coinsync.simulator.options import Options
from coinsync.simulator.protocol import JsonObject
from coinsync.simulator.records import (
    FOREVER,
    PLANNED,
    CrmCustomer,
    CrmDetail,
    CrmGroup,
    CrmLesson,
    CrmMembership,
    CrmRegularLesson,
)
from coinsync.simulator.tables import CrmTables

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

    def customer(self, card: CrmCustomer, with_groups: bool = False) -> JsonObject:
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
            days = {"b_date": _dotted(member.b_date), "e_date": _dotted(member.e_date)}
            rows.append({"id": member.group_id, "name": name, **days})
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
    days = {"b_date": _dotted(member.b_date), "e_date": _dotted(member.e_date)}
    return {**asdict(member), **days}


def _dotted(day: date) -> str:
    return f"{day:%d.%m.%Y}"
