"""The made-up school with edits that only tests make."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

from coinsync.simulator import School
from coinsync.simulator.tables import (
    CrmBranch,
    CrmCustomer,
    CrmGroup,
    CrmLesson,
    CrmLessonType,
    CrmTables,
    Flag,
)

DAY_OF_BIRTH = date(2015, 3, 1)


class EditedSchool(School):
    """A school that takes the actions of ``Edits`` as well as its own."""

    def actions_by_name(self) -> dict[str, Callable[..., Any]]:
        """Everything that a test may do."""
        edits = Edits(self.tables)
        names = [name for name in vars(Edits) if not name.startswith("_")]
        return {**super().actions_by_name(), **{name: getattr(edits, name) for name in names}}


class Edits:
    """What an office does now and then to lessons and cards."""

    def __init__(self, tables: CrmTables) -> None:
        self._tables = tables

    def move_branch(self, lesson: CrmLesson, branch: CrmBranch) -> None:
        """Put the lesson into another branch; its groups stay as they were."""
        lesson.branch_id = branch.id

    def retype(self, lesson: CrmLesson, type: CrmLessonType) -> None:
        """Make it a lesson of another type."""
        lesson.lesson_type_id = type.id

    def restore(self, lesson: int) -> None:
        """Bring a deleted lesson back, number and all."""
        record = self._tables.lessons.get(lesson)
        if record is None or not record.deleted:
            raise ValueError(f"lesson {lesson} is not a deleted one")
        record.deleted, record.due_on = False, None

    def add_lesson(
        self,
        branch: CrmBranch,
        group: CrmGroup | None,
        date: date,
        type: CrmLessonType,
        customers: tuple[CrmCustomer, ...] = (),
    ) -> CrmLesson:
        """Plan a lesson of a group, or of the named customers, or of both."""
        lesson = self._tables.enter_lesson(branch.id, group, date, time(17), "", type.id)
        # Two lessons of one day must not share a key, or they would share a fate.
        lesson.key = f"entered {lesson.id}"
        lesson.customer_ids = [customer.id for customer in customers]
        return lesson

    def add_customer(self, branch: CrmBranch, name: str, is_study: Flag = 0) -> CrmCustomer:
        """Enter a card, of a lead or of a client."""
        number = self._tables.take_number("customer")
        created = datetime.combine(self._tables.today, time(21))
        card = CrmCustomer(number, [branch.id], name, is_study, number, DAY_OF_BIRTH, created)
        self._tables.customers[number] = card
        return card

    def rename(self, customer: CrmCustomer, name: str) -> None:
        """Give the card another name."""
        customer.name = name

    def set_vk(self, customer: CrmCustomer, text: str) -> None:
        """Write another VK page into the card."""
        customer.vk = text

    def merge_customers(self, customer: CrmCustomer, into: CrmCustomer) -> None:
        """Make one card of two, as the CRM does with duplicates."""
        if customer is into:
            raise ValueError(f"customer {customer.id} cannot be merged into itself")
        tables = self._tables
        for lesson in tables.lessons.values():
            pupils = [into.id if who == customer.id else who for who in lesson.customer_ids]
            lesson.customer_ids = list(dict.fromkeys(pupils))
            detail = lesson.detail_of(customer.id)
            # Where both came to one lesson, the row of the card that stays is kept.
            if detail is not None and lesson.detail_of(into.id) is not None:
                lesson.details.remove(detail)
            elif detail is not None:
                detail.customer_id = into.id
        for member in tables.memberships.pop(customer.id, []):
            member.customer_id = into.id
            tables.memberships[into.id].append(member)
        into.branch_ids = list(dict.fromkeys([*into.branch_ids, *customer.branch_ids]))
        del tables.customers[customer.id]
