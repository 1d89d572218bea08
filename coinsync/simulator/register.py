"""The books of the pretend school, and every elementary change to them, kept in the change history."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from coinsync.simulator.records import (
    CHANGED,
    CONDUCTED,
    CREATED,
    DELETED,
    FOREVER,
    MAKEUP,
    PLANNED,
    TRIAL,
    Branch,
    Customer,
    Detail,
    Group,
    Lesson,
    LessonType,
    LogRow,
    Membership,
    RegularLesson,
    Room,
    Subject,
    Teacher,
)

_FIRST_NUMBERS = {
    "customer": 101,
    "lesson": 1001,
    "detail": 5001,
    "membership": 301,
    "lesson_type": 1,
}

# What a person enters by hand is numbered apart, so that it does not renumber what happens later by itself.
_HAND_NUMBERS = {
    "customer": 70_001,
    "lesson": 700_001,
    "detail": 7_000_001,
    "membership": 70_001,
    "lesson_type": 11,
}


class Numbers:
    """The next free number of each kind of record."""

    def __init__(self) -> None:
        self.by_hand = False
        self._own = dict(_FIRST_NUMBERS)
        self._hand = dict(_HAND_NUMBERS)

    def take(self, kind: str) -> int:
        """A number that was never used before."""
        counters = self._hand if self.by_hand else self._own
        counters[kind] += 1
        return counters[kind] - 1

    def reserve(self, kind: str, number: int) -> None:
        """Go on from that number, and leave those before it unused."""
        self._own[kind] = number


@dataclass(slots=True)
class Register:
    """All tables of the school, and the only code that changes them."""

    today: date
    now: datetime
    branches: dict[int, Branch] = field(default_factory=dict)
    subjects: dict[int, Subject] = field(default_factory=dict)
    teachers: dict[int, Teacher] = field(default_factory=dict)
    rooms: dict[int, Room] = field(default_factory=dict)
    lesson_types: dict[int, LessonType] = field(default_factory=dict)
    groups: dict[int, Group] = field(default_factory=dict)
    regular_lessons: dict[int, RegularLesson] = field(default_factory=dict)
    customers: dict[int, Customer] = field(default_factory=dict)
    members: dict[int, list[Membership]] = field(default_factory=lambda: defaultdict(list))
    seats: dict[int, list[Membership]] = field(default_factory=lambda: defaultdict(list))
    lessons: dict[int, Lesson] = field(default_factory=dict)
    log: list[LogRow] = field(default_factory=list)
    emptied: set[int] = field(default_factory=set)
    numbers: Numbers = field(default_factory=Numbers, compare=False)
    version: int = field(default=0, compare=False)

    # Looking things up

    def visible_lessons(self) -> list[Lesson]:
        """Lessons that any list may show: not deleted, and not of a branch that was emptied."""
        return [
            one
            for one in self.lessons.values()
            if not one.deleted and one.branch_id not in self.emptied
        ]

    def members_on(self, group_id: int, day: date) -> list[int]:
        """Pupils of the group on that day, each once."""
        held = (one.customer_id for one in self.members.get(group_id, ()) if one.holds_on(day))
        return list(dict.fromkeys(held))

    def groups_on(self, customer_id: int, day: date) -> list[int]:
        """Groups of the pupil on that day."""
        return [one.group_id for one in self.seats.get(customer_id, ()) if one.holds_on(day)]

    def expected(self, lesson: Lesson) -> list[int]:
        """Who is on the list of that lesson.

        A make-up or a trial may carry the group that hosts it, and is still only for the pupils named on it.
        """
        named = [*lesson.customer_ids, *(one.customer_id for one in lesson.details)]
        if lesson.lesson_type_id not in (MAKEUP, TRIAL):
            for group_id in lesson.group_ids:
                named[:0] = self.members_on(group_id, lesson.date)
        return list(dict.fromkeys(named))

    # Cards

    def enter_customer(self, card: Customer) -> Customer:
        """Put a new card into the books."""
        self.customers[card.id] = card
        self._write_customer(card, CREATED, {}, {"name": card.name, "is_study": str(card.is_study)})
        return card

    def rename(self, card: Customer, name: str) -> None:
        """Give the card another name."""
        old, card.name = card.name, name
        self._write_customer(card, CHANGED, {"name": old}, {"name": name})

    def set_study(self, card: Customer, is_study: int) -> None:
        """Make the card a client (1) or a lead (0); the number stays."""
        old, card.is_study = card.is_study, is_study
        self._write_customer(card, CHANGED, {"is_study": old}, {"is_study": str(is_study)})

    def set_end(self, card: Customer, e_date: date) -> None:
        """Set the last day of the card: a past one archives it."""
        old, card.e_date = card.e_date, e_date
        self._write_customer(card, CHANGED, {"e_date": str(old)}, {"e_date": str(e_date)})

    def remove_customer(self, card: Customer) -> None:
        """Delete the card for good; its attendance rows stay behind and name a card that nobody has."""
        for member in self.seats.pop(card.id, []):
            self.members[member.group_id].remove(member)
        del self.customers[card.id]
        self._write_customer(card, DELETED, {"name": card.name}, {})

    def merge(self, card: Customer, into: Customer) -> None:
        """Make one card of two: attendance rows, places on lists and memberships go to the other, the card is gone."""
        for lesson in self.lessons.values():
            lesson.customer_ids = list(
                dict.fromkeys(into.id if one == card.id else one for one in lesson.customer_ids)
            )
            detail = lesson.detail_of(card.id)
            if detail is None:
                continue
            if lesson.detail_of(into.id) is None:
                detail.customer_id = into.id
            else:
                lesson.details.remove(detail)
        for member in self.seats.pop(card.id, []):
            member.customer_id = into.id
            self.seats[into.id].append(member)
        into.branch_ids += [branch for branch in card.branch_ids if branch not in into.branch_ids]
        del self.customers[card.id]
        self._write_customer(card, DELETED, {"name": card.name}, {})

    def set_vk(self, card: Customer, text: str) -> None:
        """Write another VK page into the card."""
        old, card.vk = card.vk, text
        self._write_customer(card, CHANGED, {"custom_vk": old or ""}, {"custom_vk": text})

    def join(self, card: Customer, group: Group, b_date: date, e_date: date = FOREVER) -> None:
        """Take the pupil into the group, and the card into the branch of the group."""
        member = Membership(self.numbers.take("membership"), card.id, group.id, b_date, e_date)
        self.members[group.id].append(member)
        self.seats[card.id].append(member)
        if group.branch_id not in card.branch_ids:
            card.branch_ids.append(group.branch_id)
        fields = {"customer_id": str(card.id), "group_id": group.id, "b_date": f"{b_date:%d.%m.%Y}"}
        self._write(
            "CustomerGroupInvolve",
            member.id,
            group.branch_id,
            CREATED,
            {},
            fields,
            customer=card.id,
        )

    def leave(self, member: Membership, last_day: date) -> None:
        """End a membership."""
        branch_id = self.groups[member.group_id].branch_id
        old: dict[str, object] = {"e_date": f"{member.e_date:%d.%m.%Y}"}
        new: dict[str, object] = {"e_date": f"{last_day:%d.%m.%Y}"}
        member.e_date = last_day
        self._write(
            "CustomerGroupInvolve",
            member.id,
            branch_id,
            CHANGED,
            old,
            new,
            customer=member.customer_id,
        )

    def archive(self, card: Customer) -> None:
        """Put the card into the archive and end its memberships."""
        for member in self.seats.get(card.id, ()):
            if member.holds_on(self.today):
                self.leave(member, self.today)
        self.set_end(card, self.today - timedelta(days=1))

    # Lessons

    def enter_lesson(self, lesson: Lesson) -> Lesson:
        """Put a new lesson into the books."""
        self.lessons[lesson.id] = lesson
        fields = {
            "date": str(lesson.date),
            "lesson_type_id": str(lesson.lesson_type_id),
            "status": lesson.status,
        }
        self._write_lesson(lesson, CREATED, {}, fields)
        return lesson

    def set_status(self, lesson: Lesson, status: int) -> None:
        """Plan, cancel or conduct the lesson; the attendance rows stay as they are."""
        old, lesson.status, lesson.due_on = lesson.status, status, None
        self._write_lesson(lesson, CHANGED, {"status": old}, {"status": str(status)})

    def conduct(self, lesson: Lesson) -> list[Detail]:
        """Hold the lesson: everybody who is expected gets an attendance row. Returns the new rows."""
        new = [
            Detail(self.numbers.take("detail"), customer_id)
            for customer_id in self.expected(lesson)
            if lesson.detail_of(customer_id) is None
        ]
        lesson.details.extend(new)
        self.set_status(lesson, CONDUCTED)
        return new

    def mark(
        self,
        lesson: Lesson,
        detail: Detail,
        is_attend: int | None,
        reason_id: int | None,
        commission: int,
    ) -> None:
        """Write into the attendance row whether the pupil came, why not, and what it cost."""
        old: dict[str, object] = (
            {"is_attend": detail.is_attend} if detail.is_attend is not None else {}
        )
        detail.is_attend, detail.reason_id, detail.commission = is_attend, reason_id, commission
        card = self.customers.get(detail.customer_id)
        if card and is_attend and (card.last_attended is None or card.last_attended < lesson.date):
            card.last_attended = lesson.date
        self._write_detail(lesson, detail, CHANGED, old, {"is_attend": is_attend})

    def add_pupil(self, lesson: Lesson, customer_id: int) -> Detail:
        """Add a pupil to the lesson, not marked yet."""
        detail = Detail(self.numbers.take("detail"), customer_id)
        lesson.details.append(detail)
        lesson.customer_ids.append(customer_id)
        self._write_detail(lesson, detail, CREATED, {}, {"customer_id": str(customer_id)})
        return detail

    def name_pupil(self, lesson: Lesson, customer_id: int) -> None:
        """Write a pupil on the list of a lesson that has no attendance rows yet."""
        old = list(lesson.customer_ids)
        lesson.customer_ids.append(customer_id)
        self._write_lesson(
            lesson, CHANGED, {"customer_ids": old}, {"customer_ids": list(lesson.customer_ids)}
        )

    def remove_pupil(self, lesson: Lesson, customer_id: int) -> None:
        """Take a pupil out of the lesson."""
        detail = lesson.detail_of(customer_id)
        lesson.details = [one for one in lesson.details if one is not detail]
        lesson.customer_ids = [one for one in lesson.customer_ids if one != customer_id]
        if detail is not None:
            self._write_detail(lesson, detail, DELETED, {"customer_id": customer_id}, {})

    def move(self, lesson: Lesson, day: date) -> None:
        """Put the lesson on another date; it stays the same lesson."""
        old, lesson.date = lesson.date, day
        self._write_lesson(lesson, CHANGED, {"date": str(old)}, {"date": str(day)})

    def move_branch(self, lesson: Lesson, branch_id: int) -> None:
        """Put the lesson into another branch; its groups stay as they were."""
        old, lesson.branch_id = lesson.branch_id, branch_id
        self._write_lesson(lesson, CHANGED, {"branch_id": old}, {"branch_id": branch_id})

    def retype(self, lesson: Lesson, lesson_type_id: int) -> None:
        """Make it a lesson of another type."""
        old, lesson.lesson_type_id = lesson.lesson_type_id, lesson_type_id
        self._write_lesson(
            lesson, CHANGED, {"lesson_type_id": old}, {"lesson_type_id": str(lesson_type_id)}
        )

    def delete(self, lesson: Lesson) -> None:
        """Take the lesson out of every list."""
        lesson.deleted, lesson.due_on = True, None
        self._write_lesson(lesson, DELETED, {"status": lesson.status}, {})

    def restore(self, lesson: Lesson) -> None:
        """Bring a deleted lesson back, number and all."""
        lesson.deleted, lesson.due_on = False, None
        self._write_lesson(lesson, CREATED, {}, {"status": lesson.status})

    def enter_again(self, lesson: Lesson) -> Lesson:
        """Delete the lesson and enter the same one anew, with new numbers throughout."""
        if not lesson.deleted:
            self.delete(lesson)
        take = self.numbers.take
        twin = replace(
            lesson,
            id=take("lesson"),
            key=f"{lesson.key}'",
            group_ids=list(lesson.group_ids),
            customer_ids=list(lesson.customer_ids),
            details=[replace(one, id=take("detail")) for one in lesson.details],
            deleted=False,
        )
        return self.enter_lesson(twin)

    def add_type(self, name: str, base: int) -> LessonType:
        """Add a lesson type at the end of the list."""
        number = self.numbers.take("lesson_type")
        kind = LessonType(number, name, base, len(self.lesson_types) + 1)
        self.lesson_types[number] = kind
        self._write("LessonType", number, 0, CREATED, {}, {"name": name, "type": str(base)})
        return kind

    def show_lessons(self, branch_id: int, shown: bool) -> None:
        """Hide all lessons of the branch from every list, or show them again."""
        if shown:
            self.emptied.discard(branch_id)
        else:
            self.emptied.add(branch_id)
        self.version += 1

    def group_lesson(
        self, group: Group, day: date, start: time, key: str, lesson_type_id: int
    ) -> Lesson:
        """A new planned lesson of the group, not yet entered."""
        return Lesson(
            id=self.numbers.take("lesson"),
            key=key,
            branch_id=group.branch_id,
            date=day,
            start=start,
            lesson_type_id=lesson_type_id,
            subject_id=group.subject_id,
            teacher_id=group.teacher_id,
            room_id=group.room_id,
            group_ids=[group.id],
            status=PLANNED,
        )

    def lone_lesson(
        self,
        branch_id: int,
        day: date,
        start: time,
        key: str,
        lesson_type_id: int,
        pupils: list[int],
    ) -> Lesson:
        """A new planned lesson for named pupils without a group, not yet entered."""
        teacher = next(one for one in self.teachers.values() if one.branch_id == branch_id)
        room = next(one for one in self.rooms.values() if one.branch_id == branch_id)
        return Lesson(
            id=self.numbers.take("lesson"),
            key=key,
            branch_id=branch_id,
            date=day,
            start=start,
            lesson_type_id=lesson_type_id,
            subject_id=min(self.subjects),
            teacher_id=teacher.id,
            room_id=room.id,
            customer_ids=pupils,
            status=PLANNED,
        )

    # The change history

    def _write_customer(
        self, card: Customer, event: int, old: dict[str, object], new: dict[str, object]
    ) -> None:
        self._write("Customer", card.id, card.branch_ids[0], event, old, new, customer=card.id)

    def _write_lesson(
        self, lesson: Lesson, event: int, old: dict[str, object], new: dict[str, object]
    ) -> None:
        self._write("Lesson", lesson.id, lesson.branch_id, event, old, new, lesson=lesson.id)

    def _write_detail(
        self,
        lesson: Lesson,
        detail: Detail,
        event: int,
        old: dict[str, object],
        new: dict[str, object],
    ) -> None:
        row = self._write(
            "LessonDetails", detail.id, lesson.branch_id, event, old, new, lesson=lesson.id
        )
        row.fields_rel = {"lesson_id": lesson.id, "customer_id": str(detail.customer_id)}

    def _write(
        self,
        entity: str,
        entity_id: int,
        branch_id: int,
        event: int,
        old: dict[str, object],
        new: dict[str, object],
        *,
        lesson: int | None = None,
        customer: int | None = None,
    ) -> LogRow:
        number = len(self.log) + 1
        row = LogRow(
            number, entity, entity_id, branch_id, event, self.now, old, new, {}, lesson, customer
        )
        self.log.append(row)
        self.version += 1
        return row
