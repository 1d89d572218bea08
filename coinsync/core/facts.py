"""What a CRM says happened, as values.

Ids are the CRM's own numbers, dates are the school's local dates.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum

#: A membership without a start date counts from the beginning.
ALWAYS = date.min


class Fact:
    """Something that is recorded and may change; ``fact_keys`` says what identifies each kind."""

    __slots__ = ()


class Status(IntEnum):
    """The life of a lesson.

    The numbers 1 to 3 are AlfaCRM's, ``GONE`` is our word for "no longer there".
    """

    GONE = 0
    PLANNED = 1
    CANCELLED = 2
    CONDUCTED = 3


class Mark(StrEnum):
    """What the lesson says of one resident.

    ``REMOVED`` is a resident whom it listed once and lists no longer.
    """

    ATTENDED = "attended"
    ABSENT = "absent"
    NOT_MARKED = "not_marked"
    REMOVED = "removed"


class GroupStanding(StrEnum):
    """How the resident stood to the lesson's groups on its date.

    ``NONE`` means that there is no group to belong to; ``UNKNOWN`` that the memberships of that
    day are not known. ``UNSETTLED`` is an attendance as it was read, before it was compared with
    the memberships at all: no coins may be given or taken for it.
    """

    UNSETTLED = "unsettled"
    MEMBER = "member"
    GUEST = "guest"
    UNKNOWN = "unknown"
    NONE = "none"


class Presence(StrEnum):
    """How the CRM carries a person today.

    Nobody is ever deleted, and no coin moves because a person vanished. ``ERASED`` is ours: the
    family asked to be forgotten, so name and links are gone and no reading brings them back.
    """

    CLIENT = "client"
    LEAD = "lead"
    ARCHIVED = "archived"
    GONE = "gone"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Branch(Fact):
    """One site of the school."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class LessonType(Fact):
    """A kind of lesson; ``base`` is 1 individual, 2 group, 3 trial, 0 not said."""

    id: int
    name: str
    base: int


@dataclass(frozen=True, slots=True)
class Group(Fact):
    """A group of residents who learn together."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Resident(Fact):
    """A pupil of the school.

    ``vk`` is the text that the CRM holds about the family's VK page, as typed.
    """

    id: int
    name: str
    presence: Presence
    branches: tuple[int, ...]
    vk: str = ""


@dataclass(frozen=True, slots=True)
class Membership(Fact):
    """A resident belongs to a group from ``since`` to ``until``, both days included.

    ``until`` None is no end.
    """

    resident: int
    group: int
    since: date = ALWAYS
    until: date | None = None

    def covers(self, day: date) -> bool:
        """Tell whether the membership holds on ``day``."""
        # The office enters a make-up in another group as a membership of that one day.
        if self.since == self.until:
            return False
        return self.since <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class RegularLesson:
    """A line of the schedule: a group meets on ``weekdays`` at ``starts``.

    Weekdays count from 1, Monday, to 7, Sunday; ``starts`` is "HH:MM".
    """

    id: int
    group: int
    weekdays: tuple[int, ...]
    starts: str
    since: date
    until: date | None

    def covers(self, lesson: Lesson) -> bool:
        """Tell whether ``lesson`` stands on this line of the schedule."""
        return (
            self.group in lesson.groups
            and lesson.date.isoweekday() in self.weekdays
            and lesson.starts == self.starts
            and self.since <= lesson.date
            and (self.until is None or lesson.date <= self.until)
        )


@dataclass(frozen=True, slots=True)
class Lesson(Fact):
    """One lesson.

    ``starts`` is "HH:MM" or ""; ``scheduled`` says that a line of the schedule stands behind it.
    """

    id: int
    branch: int
    date: date
    starts: str
    type: int
    status: Status
    groups: tuple[int, ...]
    subject: int | None = None
    scheduled: bool = False


@dataclass(frozen=True, slots=True)
class Attendance(Fact):
    """What happened to one resident in one lesson.

    ``standing`` is left open by whoever reads the CRM; ``LessonContext.settle`` fills it in.
    """

    lesson: int
    resident: int
    mark: Mark
    standing: GroupStanding = GroupStanding.UNSETTLED


@dataclass(frozen=True, slots=True)
class LessonRecord:
    """A lesson with everybody it lists: the unit in which an exchange delivers attendance."""

    lesson: Lesson
    attendance: tuple[Attendance, ...]


class LinkSource(StrEnum):
    """Who made a link.

    The CRM's card, a clerk, or the merging of a card whose viewers came along.
    """

    CRM = "crm"
    DESK = "desk"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class Link(Fact):
    """A VK account that may see a resident.

    One that is not ``live`` was revoked; it is kept so that no reading links it again.
    """

    vk: int
    resident: int
    source: LinkSource
    live: bool = True


class PageKind(StrEnum):
    """What VK says stands behind a screen name.

    ``GONE`` is an account that was deleted or banned.
    """

    PERSON = "person"
    COMMUNITY = "community"
    NOBODY = "nobody"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class VkPage(Fact):
    """What VK answered, on a day, about the screen name that a resident's card gives.

    ``number`` is the VK id where the page is a person's.
    """

    resident: int
    name: str
    kind: PageKind
    number: int
    asked_on: date


@dataclass(frozen=True, slots=True)
class Merge(Fact):
    """The card ``resident`` goes on as ``into``: coins count there, both histories are one.

    ``into`` is 0 once the merge is undone; ``ever`` are all cards that it went on as. ``links``
    are the VK accounts whose links moved along, so that undoing brings them back.
    """

    resident: int
    into: int
    links: tuple[int, ...] = ()
    ever: tuple[int, ...] = ()


class HoldKind(StrEnum):
    """Why a person must decide.

    Coins that should go but cannot, or a visit that may or may not earn.
    """

    REVERSAL = "reversal"
    GUEST = "guest"


@dataclass(frozen=True, slots=True)
class Hold(Fact):
    """A difference that waits for a person.

    ``coins`` would be taken (negative) or given (positive).
    """

    key: str
    kind: HoldKind
    branch: int
    lesson: int
    resident: int
    happened_on: date
    coins: int
    reason: str


@dataclass(frozen=True, slots=True)
class Decision(Fact):
    """A person decided that the coins under a key are right although the rules give others.

    It holds as long as the question is the same: the key stands at ``seq`` with ``coins``, and
    the rules' reason is ``reason``. ``note`` says why, in the words of ``actor``.
    """

    key: str
    lesson: int
    resident: int
    seq: int
    coins: int
    reason: str
    actor: str
    decided_on: date
    note: str


@dataclass(frozen=True, slots=True)
class Note(Fact):
    """The text of a note of the entry ``n``, with the salt of its digest.

    Dropping it leaves the entry whole: the entry itself holds only the digest.
    """

    n: int
    salt: str
    text: str
