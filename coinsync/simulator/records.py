"""What the pretend CRM keeps: plain records, almost without behaviour."""

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
