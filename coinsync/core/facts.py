"""What a CRM says happened, as values; ids are the CRM's, dates the school's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum, StrEnum

#: A membership without a start date counts from the beginning.
ALWAYS = date.min


def is_within(day: date, since: date, until: date | None) -> bool:
    """Whether a day lies in a period; both ends belong to it."""
    return since <= day and (until is None or day <= until)


class Fact:
    """Something recorded that may change; ``fact_keys`` identifies each kind."""

    __slots__ = ()


class Status(IntEnum):
    """The life of a lesson; 1 to 3 are AlfaCRM's numbers."""

    GONE = 0
    PLANNED = 1
    CANCELLED = 2
    CONDUCTED = 3


class Mark(StrEnum):
    """What a lesson says of a resident; ``REMOVED``: listed once, no longer.

    ``OTHER_CARD``: attended, but the visit is that of another card of the same child.
    """

    ATTENDED = "attended"
    OTHER_CARD = "other_card"
    ABSENT = "absent"
    NOT_MARKED = "not_marked"
    REMOVED = "removed"


class GroupStanding(StrEnum):
    """How the resident stood to the lesson's groups on its date.

    ``UNKNOWN``: nobody knows; ``UNSETTLED``: memberships were not looked at, so no coins may move.
    """

    UNSETTLED = "unsettled"
    MEMBER = "member"
    GUEST = "guest"
    UNKNOWN = "unknown"
    NONE = "none"


class Presence(StrEnum):
    """How the CRM carries a person; nobody is deleted, no coin moves.

    ``ERASED`` is ours: the family asked to be forgotten; no reading brings the name back.
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

    def __str__(self) -> str:
        return f"#{self.id} {self.name}"


@dataclass(frozen=True, slots=True)
class Resident(Fact):
    """A pupil; ``vk`` is the card's text about the family's page, as typed."""

    id: int
    name: str
    presence: Presence
    branches: tuple[int, ...]
    vk: str = ""

    def __str__(self) -> str:
        """For staff: the number, with the name where there is one."""
        return f"#{self.id} {self.name}".rstrip()


@dataclass(frozen=True, slots=True)
class Membership(Fact):
    """A resident belongs to a group, both days included."""

    resident: int
    group: int
    since: date = ALWAYS
    until: date | None = None

    def covers(self, day: date) -> bool:
        """Whether the membership holds on ``day``."""
        # The office enters a make-up in another group as a membership of that one day.
        if self.since == self.until:
            return False
        return is_within(day, self.since, self.until)


@dataclass(frozen=True, slots=True)
class RegularLesson:
    """A line of the schedule; weekday 1 is Monday, ``starts`` is "HH:MM"."""

    id: int
    group: int
    weekdays: tuple[int, ...]
    starts: str
    since: date
    until: date | None

    def covers(self, lesson: Lesson) -> bool:
        """Whether ``lesson`` stands on this line."""
        return (
            self.group in lesson.groups
            and lesson.date.isoweekday() in self.weekdays
            and lesson.starts == self.starts
            and is_within(lesson.date, self.since, self.until)
        )


@dataclass(frozen=True, slots=True)
class Lesson(Fact):
    """One lesson; ``starts`` is "HH:MM" or ""."""

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
    """What happened to one resident in one lesson."""

    lesson: int
    resident: int
    mark: Mark
    standing: GroupStanding = GroupStanding.UNSETTLED


@dataclass(frozen=True, slots=True)
class LessonRecord:
    """A lesson with everybody it lists."""

    lesson: Lesson
    attendance: tuple[Attendance, ...]


class LinkSource(StrEnum):
    """Who made a link; a merge moves links along."""

    CRM = "crm"
    DESK = "desk"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class Link(Fact):
    """A VK account that may see a resident; kept, not ``live``, once revoked."""

    vk: int
    resident: int
    source: LinkSource
    live: bool = True


class PageKind(StrEnum):
    """What stands behind a VK name; ``GONE`` was deleted or banned."""

    PERSON = "person"
    COMMUNITY = "community"
    NOBODY = "nobody"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class VkPage(Fact):
    """VK's answer about the name on a card; ``number`` is a person's id."""

    resident: int
    name: str
    kind: PageKind
    number: int
    asked_on: date


@dataclass(frozen=True, slots=True)
class Merge(Fact):
    """The card ``resident`` goes on as ``into``; 0 once undone.

    ``ever`` are all cards that it went on as, ``links`` the VK accounts that moved along.
    """

    resident: int
    into: int
    links: tuple[int, ...] = ()
    ever: tuple[int, ...] = ()


class HoldKind(StrEnum):
    """Why a person must decide: spent coins, or a guest's visit."""

    REVERSAL = "reversal"
    GUEST = "guest"


@dataclass(frozen=True, slots=True)
class Hold(Fact):
    """A difference that waits for a person, in coins."""

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
    """A person's answer: these coins are right, while ``seq``, ``coins`` and ``reason`` stay."""

    key: str
    lesson: int
    resident: int
    seq: int
    coins: int
    reason: str
    actor: str
    decided_on: date
    note: str


class DoubtKind(StrEnum):
    """What is doubted."""

    LESSON_COPIES = "lesson-copies"
    LESSON_DATE = "lesson-date"
    CARD_COPIES = "card-copies"
    CARD_MISSING = "card-missing"
    CARD_MERGED = "card-merged"


@dataclass(frozen=True, slots=True)
class Doubt(Fact):
    """What the CRM says of a lesson or a card and is not believed yet: what is recorded stays.

    ``claim`` is the new day of a lesson, the month in which its copies were read, or the card that
    stands in the place of one that is gone; ``since`` when that was first read (UTC text). A
    person's ``ruling`` is "post" (believe it) or "waive".
    """

    id: int
    kind: DoubtKind
    branch: int
    claim: str
    # Not compared, or the digest of a dry run would not fit the real run a minute later.
    since: str = field(compare=False)
    ruling: str = ""
    actor: str = ""
    note: str = ""

    @property
    def is_about_card(self) -> bool:
        """Whether ``id`` is a resident's."""
        return self.kind not in (DoubtKind.LESSON_COPIES, DoubtKind.LESSON_DATE)

    @property
    def may_agree(self) -> bool:
        """Whether a later reading can confirm it: copies that differ cannot."""
        return self.kind in (DoubtKind.LESSON_DATE, DoubtKind.CARD_MISSING)

    @property
    def is_merge(self) -> bool:
        """Whether it asks a person for a merge of two cards, or for a *waive*."""
        return self.kind is DoubtKind.CARD_MERGED

    @property
    def case(self) -> str:
        """Its name on the command line."""
        return f"{self.kind}:{self.id}:{self.branch}"


@dataclass(frozen=True, slots=True)
class Note(Fact):
    """A note of entry ``n``, which holds only its digest."""

    n: int
    salt: str
    text: str
