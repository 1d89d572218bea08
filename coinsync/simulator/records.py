"""What the pretend school keeps: plain records without behaviour."""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Final

PLANNED: Final = 1
CANCELLED: Final = 2
CONDUCTED: Final = 3

INDIVIDUAL: Final = 1
GROUP: Final = 2
TRIAL: Final = 3
MAKEUP: Final = 4
MASTERCLASS: Final = 7

FOREVER: Final = date(2030, 12, 31)

# A lesson has a field named `date`, which hides the type in the rest of its class.
Day = date

CREATED: Final = 1
CHANGED: Final = 2
DELETED: Final = 3


@dataclass(slots=True)
class Branch:
    """A place where the school teaches."""

    id: int
    name: str


@dataclass(slots=True)
class Subject:
    """What is taught."""

    id: int
    name: str


@dataclass(slots=True)
class Teacher:
    """Who teaches, in one branch."""

    id: int
    branch_id: int
    name: str


@dataclass(slots=True)
class Room:
    """A class-room of a branch; its location has the number of the branch."""

    id: int
    branch_id: int
    name: str


@dataclass(slots=True)
class LessonType:
    """A kind of lesson; `base` is 1 individual, 2 group, 3 trial."""

    id: int
    name: str
    base: int
    sort: int


@dataclass(slots=True)
class Group:
    """A group of pupils with one subject."""

    id: int
    branch_id: int
    name: str
    subject_id: int
    teacher_id: int
    room_id: int
    b_date: date
    e_date: date = FOREVER


@dataclass(slots=True)
class RegularLesson:
    """One line of the weekly schedule, of a group or of a single pupil."""

    id: int
    branch_id: int
    related_class: str
    related_id: int
    subject_id: int
    teacher_id: int
    room_id: int
    weekday: int
    start: time
    b_date: date
    e_date: date = FOREVER


@dataclass(slots=True)
class Membership:
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
class Customer:
    """A card: a pupil or a lead. `vk` is the text in the school's own field, None where nobody filled it."""

    id: int
    branch_ids: list[int]
    name: str
    is_study: int
    family: int
    legal_name: str
    phone: list[str]
    vk: str | None
    dob: date | None
    created: datetime
    e_date: date = FOREVER
    last_attended: date | None = None

    def archived_on(self, day: date) -> bool:
        """Whether the card lies in the archive on that day."""
        return self.e_date < day


@dataclass(slots=True)
class Detail:
    """One pupil in one lesson. `is_attend` is 1, 0, or None while nobody marked it; money is in kopecks."""

    id: int
    customer_id: int
    is_attend: int | None = None
    reason_id: int | None = None
    commission: int = 0


@dataclass(slots=True)
class Lesson:
    """One lesson on one day.

    `key` names the lesson for the draws of chance and survives a change of date.
    `due_on` is the day when somebody returns to the lesson: marks it late, conducts it again, restores it.
    """

    id: int
    key: str
    branch_id: int
    date: date
    start: time
    lesson_type_id: int
    subject_id: int
    teacher_id: int
    room_id: int
    group_ids: list[int] = field(default_factory=list)
    customer_ids: list[int] = field(default_factory=list)
    details: list[Detail] = field(default_factory=list)
    regular_id: int | None = None
    status: int = PLANNED
    deleted: bool = False
    due_on: Day | None = None

    def detail_of(self, customer_id: int) -> Detail | None:
        """The attendance row of that pupil, if there is one."""
        return next((one for one in self.details if one.customer_id == customer_id), None)


@dataclass(slots=True)
class LogRow:
    """One row of the change history; `lesson_id` and `customer_id` say what it goes away with."""

    id: int
    entity: str
    entity_id: int
    branch_id: int
    event: int
    at: datetime
    fields_old: dict[str, object]
    fields_new: dict[str, object]
    fields_rel: dict[str, object]
    lesson_id: int | None = None
    customer_id: int | None = None
