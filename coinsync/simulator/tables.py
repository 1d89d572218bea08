"""What the pretend CRM holds, and every change to it."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal

PLANNED: Final = 1
CANCELLED: Final = 2
CONDUCTED: Final = 3

INDIVIDUAL: Final = 1
GROUP: Final = 2
TRIAL: Final = 3
MAKEUP: Final = 4
MASTERCLASS: Final = 7

Mark = tuple[int | None, int | None, int]
"""Whether the pupil came (1, 0, or None: not marked), why not, kopecks to pay."""

CAME: Final[Mark] = (1, None, 45_000)
CAME_FREE: Final[Mark] = (1, None, 0)
EXCUSED: Final[Mark] = (0, 2, 0)
CHARGED: Final[Mark] = (0, 4, 45_000)
NOT_MARKED: Final[Mark] = (None, None, 0)

FOREVER: Final = date(2030, 12, 31)
"""How AlfaCRM writes "no end"."""

# A lesson has a field named `date`, which hides the type in the rest of its class.
Day = date


@dataclass(slots=True)
class CrmBranch:
    """A place where the school teaches."""

    id: int
    name: str


@dataclass(slots=True)
class CrmLessonType:
    """A kind of lesson; `base` is 1 individual, 2 group, 3 trial."""

    id: int
    name: str
    base: int


@dataclass(slots=True)
class CrmGroup:
    """A group of pupils with one subject."""

    id: int
    branch_id: int
    name: str
    subject_id: int
    teacher_id: int
    b_date: date


@dataclass(slots=True)
class CrmRegularLesson:
    """One line of the weekly schedule, of a group or of a single pupil."""

    id: int
    branch_id: int
    related_class: str
    related_id: int
    weekday: int
    start: time
    b_date: date
    e_date: date = FOREVER


@dataclass(slots=True)
class CrmMembership:
    """A pupil in a group, both days included."""

    id: int
    customer_id: int
    group_id: int
    b_date: date
    e_date: date = FOREVER

    def holds_on(self, day: date) -> bool:
        """Whether the pupil belonged to the group on that day."""
        return self.b_date <= day <= self.e_date


@dataclass(slots=True)
class CrmCustomer:
    """A card: a pupil or a lead. `vk` is a field of the school's own, often not filled."""

    id: int
    branch_ids: list[int]
    name: str
    is_study: int
    family: int
    dob: date
    created: datetime
    phone: list[str] = field(default_factory=list)
    vk: str | None = ""
    e_date: date = FOREVER

    def archived_on(self, day: date) -> bool:
        """Whether the card lies in the archive on that day."""
        return self.e_date < day


@dataclass(slots=True)
class CrmDetail:
    """One pupil in one lesson, with the parts of a mark."""

    id: int
    customer_id: int
    is_attend: int | None = None
    reason_id: int | None = None
    commission: int = 0

    def set_mark(self, mark: Mark) -> None:
        """Write the mark into the row."""
        self.is_attend, self.reason_id, self.commission = mark


@dataclass(slots=True)
class CrmLesson:
    """One lesson on one day."""

    id: int
    key: str
    """Names the lesson for the draws of chance, and survives a change of date."""
    branch_id: int
    date: date
    start: time
    lesson_type_id: int
    subject_id: int = 1
    teacher_id: int = 1
    group_ids: list[int] = field(default_factory=list)
    customer_ids: list[int] = field(default_factory=list)
    details: list[CrmDetail] = field(default_factory=list)
    regular_id: int | None = None
    status: int = PLANNED
    deleted: bool = False
    due_on: Day | None = None
    """When somebody returns to it: marks it late, conducts it again, restores it."""

    def pupils(self) -> list[int]:
        """Everybody who is named on the lesson, each once."""
        marked = [detail.customer_id for detail in self.details]
        return list(dict.fromkeys(self.customer_ids + marked))

    def detail_of(self, customer_id: int) -> CrmDetail | None:
        """The attendance row of that pupil, if there is one."""
        rows = (detail for detail in self.details if detail.customer_id == customer_id)
        return next(rows, None)


Flag = Literal[0, 1]

# What a person enters is numbered apart: it must not renumber what happens later by itself.
_NUMBERS_BEFORE = {
    "customer": (100, 70_000), "lesson": (1000, 700_000), "detail": (5000, 7_000_000),
    "membership": (300, 70_000), "lesson_type": (MASTERCLASS - 1, 10),
}  # fmt: skip

ACTIONS = (
    "mark", "remove_pupil", "cancel", "plan", "conduct", "move", "delete", "recreate",
    "add_type", "empty", "refill",
    "to_lead", "to_client", "archive", "remove_customer", "change_group",
)  # fmt: skip
"""Methods of `CrmTables` that a person may call by name, over `School.act`."""


@dataclass(slots=True)
class CrmTables:
    """All records by number; a change that cannot be made is refused with ValueError."""

    today: date
    by_hand: bool = field(default=False, compare=False)
    """Whether it is a person who enters records now."""
    _taken: Counter[tuple[str, bool]] = field(default_factory=Counter, compare=False)
    branches: dict[int, CrmBranch] = field(default_factory=dict)
    lesson_types: dict[int, CrmLessonType] = field(default_factory=dict)
    groups: dict[int, CrmGroup] = field(default_factory=dict)
    regular_lessons: dict[int, CrmRegularLesson] = field(default_factory=dict)
    customers: dict[int, CrmCustomer] = field(default_factory=dict)
    lessons: dict[int, CrmLesson] = field(default_factory=dict)
    # Each membership is in both: a large school asks in either direction for every row.
    members: dict[int, list[CrmMembership]] = field(default_factory=lambda: defaultdict(list))
    """By group."""
    memberships: dict[int, list[CrmMembership]] = field(default_factory=lambda: defaultdict(list))
    """By customer."""
    emptied_branches: set[int] = field(default_factory=set)

    def take_number(self, kind: str) -> int:
        """A number that no record of the kind ever had."""
        self._taken[kind, self.by_hand] += 1
        return _NUMBERS_BEFORE[kind][self.by_hand] + self._taken[kind, self.by_hand]

    def records(self) -> dict[type, dict[int, Any]]:
        """The records that a person may name in an action, by their type."""
        tables: dict[type, dict[int, Any]] = {CrmCustomer: self.customers, CrmGroup: self.groups}
        tables |= {CrmBranch: self.branches, CrmLessonType: self.lesson_types}
        tables[CrmLesson] = {id: row for id, row in self.lessons.items() if not row.deleted}
        return tables

    def visible_lessons(self) -> list[CrmLesson]:
        """Lessons that a list may show: not deleted, not of an emptied branch."""
        lessons, hidden = self.lessons.values(), self.emptied_branches
        return [row for row in lessons if not row.deleted and row.branch_id not in hidden]

    def members_on(self, group_id: int, day: date) -> list[int]:
        """Pupils of the group on that day, each once."""
        members = self.members.get(group_id, ())
        pupils = [member.customer_id for member in members if member.holds_on(day)]
        return list(dict.fromkeys(pupils))

    def groups_in(self, branch_id: int) -> list[CrmGroup]:
        """The groups of a branch."""
        return [group for group in self.groups.values() if group.branch_id == branch_id]

    def memberships_on(self, customer_id: int, day: date) -> list[CrmMembership]:
        """Memberships of the pupil on that day."""
        memberships = self.memberships.get(customer_id, ())
        return [member for member in memberships if member.holds_on(day)]

    def groups_on(self, customer_id: int, day: date) -> list[int]:
        """Groups of the pupil on that day."""
        return [member.group_id for member in self.memberships_on(customer_id, day)]

    def expected(self, lesson: CrmLesson) -> list[int]:
        """Who is on the list of that lesson."""
        pupils = lesson.pupils()
        # A make-up or a trial may carry the group that hosts it, but is not for its members.
        if lesson.lesson_type_id not in (MAKEUP, TRIAL):
            for group_id in lesson.group_ids:
                pupils = self.members_on(group_id, lesson.date) + pupils
        return list(dict.fromkeys(pupils))

    def add_detail(self, lesson: CrmLesson, customer_id: int) -> CrmDetail:
        """Give the pupil an attendance row in the lesson, not marked yet."""
        detail = CrmDetail(self.take_number("detail"), customer_id)
        lesson.details.append(detail)
        return detail

    def mark(self, lesson: CrmLesson, customer: int, is_attend: Flag | None) -> None:
        """Mark a pupil of the lesson, or a guest: 1 came, 0 did not, null not marked."""
        detail = lesson.detail_of(customer)
        if detail is None:
            if customer not in self.customers:
                raise ValueError(f"there is no customer {customer}")
            if customer not in self.expected(lesson):
                lesson.customer_ids.append(customer)
            detail = self.add_detail(lesson, customer)
        marks: dict[int | None, Mark] = {1: CAME, 0: EXCUSED, None: NOT_MARKED}
        detail.set_mark(marks[is_attend])

    def remove_pupil(self, lesson: CrmLesson, customer: int) -> None:
        """Take a pupil out of the lesson."""
        if lesson.detail_of(customer) is None and customer not in lesson.customer_ids:
            raise ValueError(f"customer {customer} is not in lesson {lesson.id}")
        lesson.details = [row for row in lesson.details if row.customer_id != customer]
        lesson.customer_ids = [pupil for pupil in lesson.customer_ids if pupil != customer]

    def cancel(self, lesson: CrmLesson) -> None:
        """Cancel the lesson; its marks stay on it."""
        lesson.status, lesson.due_on = CANCELLED, None

    def plan(self, lesson: CrmLesson) -> None:
        """Set the lesson back to planned; its marks stay on it."""
        lesson.status, lesson.due_on = PLANNED, None

    def hold(self, lesson: CrmLesson) -> list[CrmDetail]:
        """Conduct the lesson; the new attendance rows, which nobody has marked."""
        lesson.status, lesson.due_on = CONDUCTED, None
        # Whoever was marked as absent in advance has a row already.
        new = []
        for pupil in self.expected(lesson):
            if lesson.detail_of(pupil) is None:
                new.append(self.add_detail(lesson, pupil))
        return new

    def conduct(self, lesson: CrmLesson) -> None:
        """Conduct the lesson; whoever has no attendance row yet came."""
        for detail in self.hold(lesson):
            detail.set_mark(CAME)

    def move(self, lesson: CrmLesson, date: date) -> None:
        """Put the lesson on another date; it stays the same lesson."""
        lesson.date = date

    def delete(self, lesson: CrmLesson) -> None:
        """Delete the lesson: it is gone from every list."""
        lesson.deleted, lesson.due_on = True, None

    def recreate(self, lesson: CrmLesson) -> CrmLesson:
        """Delete the lesson and enter the same one anew, with new numbers throughout."""
        twin = replace(
            lesson,
            id=self.take_number("lesson"),
            key=f"{lesson.key}'",
            group_ids=list(lesson.group_ids),
            customer_ids=list(lesson.customer_ids),
            details=[replace(row, id=self.take_number("detail")) for row in lesson.details],
            due_on=None,
        )
        self.delete(lesson)
        self.lessons[twin.id] = twin
        return twin

    def enter_lesson(
        self, branch_id: int, group: CrmGroup | None, day: date, start: time, key: str, kind: int
    ) -> CrmLesson:
        """Plan a lesson of a group, or one without a group."""
        number = self.take_number("lesson")
        lesson = CrmLesson(number, key, branch_id, day, start, kind)
        if group is not None:
            lesson.subject_id, lesson.teacher_id = group.subject_id, group.teacher_id
            lesson.group_ids = [group.id]
        self.lessons[number] = lesson
        return lesson

    def add_type(self, name: str, base: Literal[1, 2, 3] = 2) -> CrmLessonType:
        """Add a lesson type of base kind 1 individual, 2 group, 3 trial."""
        number = self.take_number("lesson_type")
        self.lesson_types[number] = CrmLessonType(number, name, base)
        return self.lesson_types[number]

    def empty(self, branch: CrmBranch) -> None:
        """All lessons of the branch vanish from the lists."""
        self.emptied_branches.add(branch.id)

    def refill(self, branch: CrmBranch) -> None:
        """The lessons of an emptied branch are back."""
        self.emptied_branches.discard(branch.id)

    def to_lead(self, customer: CrmCustomer) -> None:
        """Make a lead of the client; the number stays."""
        customer.is_study = 0

    def to_client(self, customer: CrmCustomer) -> None:
        """Make a client of the lead; the number stays."""
        customer.is_study = 1

    def archive(self, customer: CrmCustomer) -> None:
        """Put the card into the archive; its memberships end today."""
        for member in self.memberships_on(customer.id, self.today):
            member.e_date = self.today
        customer.e_date = self.today - timedelta(days=1)

    def remove_customer(self, customer: CrmCustomer) -> None:
        """Delete the card for good; its attendance rows go on naming it."""
        for member in self.memberships.pop(customer.id, []):
            self.members[member.group_id].remove(member)
        del self.customers[customer.id]

    def join(
        self, customer: CrmCustomer, group: CrmGroup, b_date: date, e_date: date = FOREVER
    ) -> None:
        """Take the pupil into the group and into its branch."""
        number = self.take_number("membership")
        member = CrmMembership(number, customer.id, group.id, b_date, e_date)
        self.members[group.id].append(member)
        self.memberships[customer.id].append(member)
        if group.branch_id not in customer.branch_ids:
            customer.branch_ids.append(group.branch_id)

    def change_group(
        self, customer: CrmCustomer, from_group: CrmGroup | None, to_group: CrmGroup | None
    ) -> None:
        """Leave one group today and join another; either may be null."""
        if from_group is not None:
            now = self.memberships_on(customer.id, self.today)
            ended = [member for member in now if member.group_id == from_group.id]
            if not ended:
                raise ValueError(f"customer {customer.id} is not in group {from_group.id}")
            ended[0].e_date = self.today
        if to_group is not None:
            self.join(customer, to_group, self.today)
