"""The pretend school: made from a seed, living day by day, edited by hand, repeatable from a description."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from coinsync.simulator import actions
from coinsync.simulator.actions import action
from coinsync.simulator.chance import Chance
from coinsync.simulator.founding import Family, Founding, new_card, phone_of
from coinsync.simulator.life import PLANNED_AHEAD_DAYS, Life, plan_day
from coinsync.simulator.records import (
    CANCELLED,
    FOREVER,
    PLANNED,
    Customer,
    Detail,
    Group,
    Lesson,
)
from coinsync.simulator.register import Register

_PRICE = 45_000
_HAND_FAMILIES = 90_000
_HAND_START = time(17, 0)


class School:
    """A seeded imaginary school. The same arguments and the same actions always give the same school."""

    def __init__(self, *, seed: int, residents: int, days: int, today: date, branches: int) -> None:
        for name, value, limit in (
            ("residents", residents, 20_000),
            ("days", days, 1000),
            ("branches", branches, 10),
        ):
            if not 1 <= value <= limit:
                raise ValueError(f"{name} must be from 1 to {limit}, not {value}")
        self._made_with = {
            "seed": seed, "residents": residents, "days": days, "today": today.isoformat(),
            "branches": branches,
        }  # fmt: skip
        self.actions: list[dict[str, Any]] = []
        self._chance = Chance(seed)
        self._first_day = today - timedelta(days=days - 1)
        eve = self._first_day - timedelta(days=1)
        self.books = Register(today=eve, now=datetime.combine(eve, time(12)))
        Founding(self.books, self._chance, residents, branches).found()
        for ahead in range(PLANNED_AHEAD_DAYS):
            plan_day(self.books, self._chance, self._first_day + timedelta(days=ahead))
        self._live(days)

    @classmethod
    def make(
        cls, *, seed: int, residents: int = 60, days: int = 45, today: date, branches: int = 2
    ) -> "School":
        """A school with `days` days of history up to `today`, today included."""
        return cls(seed=seed, residents=residents, days=days, today=today, branches=branches)

    @classmethod
    def replay(cls, description: Mapping[str, Any]) -> "School":
        """The school of a description: made anew, and every action taken again."""
        try:
            made = {key: int(description[key]) for key in ("seed", "residents", "days", "branches")}
            school = cls(today=date.fromisoformat(description["today"]), **made)
            for step in description["actions"]:
                arguments = dict(step)
                school.act(arguments.pop("action"), **arguments)
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is not the description of a school: {error!r}") from None
        return school

    def description(self) -> dict[str, Any]:
        """Everything that `replay` needs, ready for JSON."""
        return {**self._made_with, "actions": [dict(one) for one in self.actions]}

    def act(self, name: str, /, **arguments: Any) -> Any:
        """Take the action of that name; ValueError with one line if it cannot be taken."""
        return actions.named(name)(self, **arguments)

    def __eq__(self, other: object) -> bool:
        """Equal when the books are: how they came about does not matter."""
        return self.books == other.books if isinstance(other, School) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    @property
    def today(self) -> date:
        """The day it is in the school."""
        return self.books.today

    @property
    def version(self) -> int:
        """A number that grows with every change."""
        return self.books.version

    def families(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """VK numbers, each with the cards whose VK field holds it, both in ascending order."""
        cards = defaultdict(list)
        for card in self.books.customers.values():
            number = vk_number(card.vk)
            if number is not None:
                cards[number].append(card.id)
        return tuple((number, tuple(sorted(cards[number]))) for number in sorted(cards))

    @contextmanager
    def hand(self) -> Iterator[None]:
        """While a person writes: the evening of the day, one second per action, numbers of their own."""
        written = timedelta(seconds=len(self.actions))
        self.books.now = datetime.combine(self.today, time(21)) + written
        self.books.numbers.by_hand = True
        try:
            yield
        finally:
            self.books.numbers.by_hand = False

    def _live(self, days: int) -> None:
        for _ in range(days):
            self.books.today += timedelta(days=1)
            number = (self.books.today - self._first_day).days + 1
            Life(self.books, self._chance, number).live()

    # Time

    @action
    def advance(self, days: int = 1) -> None:
        """Let the next days happen."""
        if not 1 <= days <= 400:
            raise ValueError(f"advance: days must be from 1 to 400, not {days}")
        self.books.numbers.by_hand = False
        self._live(days)

    # Attendance

    @action
    def mark(self, lesson: int, customer: int, is_attend: Literal[0, 1] | None) -> None:
        """Mark a pupil of the lesson: 1 came, 0 did not, nothing not marked."""
        row = self._lesson(lesson)
        detail = row.detail_of(customer)
        if detail is None:
            if customer not in self.books.expected(row):
                raise ValueError(f"customer {customer} is not in lesson {lesson}")
            detail = Detail(self.books.numbers.take("detail"), customer)
            row.details.append(detail)
        self._mark(row, detail, is_attend)

    def _mark(self, lesson: Lesson, detail: Detail, is_attend: int | None) -> None:
        reason = 2 if is_attend == 0 else None
        self.books.mark(lesson, detail, is_attend, reason, _PRICE if is_attend else 0)

    @action
    def add_pupil(self, lesson: int, customer: int, is_attend: Literal[0, 1] | None = 1) -> None:
        """Add a pupil to the lesson and mark them."""
        row, card = self._lesson(lesson), self._customer(customer)
        if row.detail_of(card.id) is not None:
            raise ValueError(f"customer {customer} is already in lesson {lesson}")
        self._mark(row, self.books.add_pupil(row, card.id), is_attend)

    @action
    def remove_pupil(self, lesson: int, customer: int) -> None:
        """Take a pupil out of the lesson."""
        row = self._lesson(lesson)
        if row.detail_of(customer) is None and customer not in row.customer_ids:
            raise ValueError(f"customer {customer} is not in lesson {lesson}")
        self.books.remove_pupil(row, customer)

    # Lessons

    @action
    def cancel(self, lesson: int) -> None:
        """Cancel the lesson; its marks stay on it."""
        self.books.set_status(self._lesson(lesson), CANCELLED)

    @action
    def plan(self, lesson: int) -> None:
        """Set the lesson back to planned; its marks stay on it."""
        self.books.set_status(self._lesson(lesson), PLANNED)

    @action
    def conduct(self, lesson: int) -> None:
        """Conduct the lesson; whoever has no attendance row yet came."""
        row = self._lesson(lesson)
        for detail in self.books.conduct(row):
            self._mark(row, detail, 1)

    @action
    def move(self, lesson: int, date: date) -> None:
        """Put the lesson on another date; it stays the same lesson."""
        self.books.move(self._lesson(lesson), date)

    @action
    def move_branch(self, lesson: int, branch: int) -> None:
        """Put the lesson into another branch."""
        row = self._lesson(lesson)
        self.books.move_branch(row, self._branch(branch))

    @action
    def retype(self, lesson: int, type: int) -> None:
        """Make it a lesson of another type."""
        row = self._lesson(lesson)
        self.books.retype(row, self._type(type))

    @action
    def delete(self, lesson: int) -> None:
        """Delete the lesson: it is gone from every list."""
        self.books.delete(self._lesson(lesson))

    @action
    def restore(self, lesson: int) -> None:
        """Bring a deleted lesson back."""
        row = self.books.lessons.get(lesson)
        if row is None or not row.deleted:
            raise ValueError(f"lesson {lesson} is not a deleted one")
        self.books.restore(row)

    @action
    def recreate(self, lesson: int) -> int:
        """Delete the lesson and enter the same one anew; the number of the new one."""
        return self.books.enter_again(self._lesson(lesson)).id

    @action
    def add_lesson(
        self, branch: int, group: int | None, date: date, type: int, customers: tuple[int, ...] = ()
    ) -> int:
        """Plan a lesson of a group, or of the named customers, or of both; its number."""
        branch, kind = self._branch(branch), self._type(type)
        pupils = [self._customer(one).id for one in customers]
        if group is None:
            row = self.books.lone_lesson(branch, date, _HAND_START, "", kind, pupils)
        else:
            row = self.books.group_lesson(self._group(group), date, _HAND_START, "", kind)
            row.branch_id, row.customer_ids = branch, pupils
        row.key = f"hand {row.id}"
        return self.books.enter_lesson(row).id

    @action
    def add_type(self, name: str, base: Literal[1, 2, 3] = 2) -> int:
        """Add a lesson type of base kind 1 individual, 2 group, 3 trial; its number."""
        return self.books.add_type(name, base).id

    @action
    def empty(self, branch: int) -> None:
        """All lessons of the branch vanish from the lists."""
        self.books.show_lessons(self._branch(branch), False)

    @action
    def refill(self, branch: int) -> None:
        """The lessons of an emptied branch are back."""
        self.books.show_lessons(self._branch(branch), True)

    # People

    @action
    def add_customer(self, branch: int, name: str, is_study: Literal[0, 1] = 0) -> int:
        """Enter a card, of a lead or of a client; its number."""
        family_number = _HAND_FAMILIES + len(self.actions)
        phone = phone_of(family_number)
        family = Family(family_number, (name, name), "Мама", phone, self._branch(branch))
        card = new_card(self.books, self._chance, family, 0, is_study, self.today)
        card.name, card.vk = name, ""
        return self.books.enter_customer(card).id

    @action
    def rename(self, customer: int, name: str) -> None:
        """Give the card another name."""
        self.books.rename(self._customer(customer), name)

    @action
    def archive(self, customer: int) -> None:
        """Put the card into the archive; its memberships end today."""
        self.books.archive(self._customer(customer))

    @action
    def unarchive(self, customer: int) -> None:
        """Take the card out of the archive, without its former groups."""
        self.books.set_end(self._customer(customer), FOREVER)

    @action
    def remove_customer(self, customer: int) -> None:
        """Delete the card for good."""
        self.books.remove_customer(self._customer(customer))

    @action
    def merge_customers(self, customer: int, into: int) -> None:
        """Merge a card into another one, as the CRM does with duplicates: its lessons are the other's now."""
        if customer == into:
            raise ValueError(f"customer {customer} cannot be merged into itself")
        self.books.merge(self._customer(customer), self._customer(into))

    @action
    def set_vk(self, customer: int, text: str) -> None:
        """Write another VK page into the card."""
        self.books.set_vk(self._customer(customer), text)

    @action
    def to_lead(self, customer: int) -> None:
        """Make a lead of the client; the number stays."""
        self.books.set_study(self._customer(customer), 0)

    @action
    def to_client(self, customer: int) -> None:
        """Make a client of the lead; the number stays."""
        self.books.set_study(self._customer(customer), 1)

    @action
    def change_group(self, customer: int, from_group: int | None, to_group: int | None) -> None:
        """Leave one group today and join another; either may be nothing."""
        card = self._customer(customer)
        goal = None if to_group is None else self._group(to_group)
        if from_group is not None:
            held = self.books.seats.get(card.id, [])
            now = [one for one in held if one.group_id == from_group and one.holds_on(self.today)]
            if not now:
                raise ValueError(f"customer {customer} is not in group {from_group}")
            self.books.leave(now[0], self.today)
        if goal is not None:
            self.books.join(card, goal, self.today)

    # Looking up what a person named

    def _lesson(self, number: int) -> Lesson:
        row = self.books.lessons.get(number)
        if row is None or row.deleted:
            raise ValueError(f"there is no lesson {number}")
        return row

    def _customer(self, number: int) -> Customer:
        if number not in self.books.customers:
            raise ValueError(f"there is no customer {number}")
        return self.books.customers[number]

    def _group(self, number: int) -> Group:
        if number not in self.books.groups:
            raise ValueError(f"there is no group {number}")
        return self.books.groups[number]

    def _branch(self, number: int) -> int:
        if number not in self.books.branches:
            raise ValueError(f"there is no branch {number}")
        return number

    def _type(self, number: int) -> int:
        if number not in self.books.lesson_types:
            raise ValueError(f"there is no lesson type {number}")
        return number


def vk_number(link: str | None) -> int | None:
    """The number in one of the written forms of this school's VK field; None for anything else."""
    text = (link or "").split("?")[0].rsplit("/", 1)[-1].removeprefix("@").removeprefix("id")
    return int(text) if text.isascii() and text.isdigit() else None
