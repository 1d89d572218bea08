"""What happens in the school by itself on one day."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta

from coinsync.simulator import names
from coinsync.simulator.chance import Chance
from coinsync.simulator.founding import FIXED_FAMILIES, Family, new_card, phone_of
from coinsync.simulator.records import (
    CANCELLED,
    CONDUCTED,
    GROUP,
    INDIVIDUAL,
    MAKEUP,
    MASTERCLASS,
    PLANNED,
    TRIAL,
    Customer,
    Detail,
    Group,
    Lesson,
    RegularLesson,
)
from coinsync.simulator.register import Register

PLANNED_AHEAD_DAYS = 14
MASTERCLASS_SINCE_DAY = 20

_LESSON_PRICE = 45_000
_EXCUSED, _UNEXCUSED = 2, 4
_LATE_FAMILIES = 5_000

# Share of all marks up to which a fate reaches: came, came free, excused, charged, nobody marked it.
_CAME, _CAME_FREE, _SICK, _CHARGED = 0.80, 0.83, 0.91, 0.98

# The same for lessons on their day: cancelled, put off, left planned, conducted without marks.
_CANCELLED, _PUT_OFF, _LEFT_PLANNED, _UNMARKED = 0.03, 0.055, 0.09, 0.13


def plan_day(books: Register, chance: Chance, day: date) -> None:
    """Enter the lessons that the timetable gives for that day."""
    for row in books.regular_lessons.values():
        if row.weekday == day.isoweekday() and row.b_date <= day <= row.e_date:
            _plan_regular(books, chance, row, day)


def _plan_regular(books: Register, chance: Chance, row: RegularLesson, day: date) -> None:
    key = f"regular {row.id} {day}"
    if row.related_class == "Group":
        lesson = books.group_lesson(books.groups[row.related_id], day, row.start, key, GROUP)
        if chance.happens(0.5, "list in advance", key):
            lesson.customer_ids = books.members_on(row.related_id, books.today)
            _excuse_in_advance(books, chance, lesson)
    elif row.related_id in books.customers:
        lesson = books.lone_lesson(row.branch_id, day, row.start, key, INDIVIDUAL, [row.related_id])
    else:
        return
    lesson.regular_id = row.id
    books.enter_lesson(lesson)


def _excuse_in_advance(books: Register, chance: Chance, lesson: Lesson) -> None:
    """Some schools mark a pupil on holiday as absent weeks before the lesson."""
    for customer_id in lesson.customer_ids:
        if chance.happens(0.06, "excused in advance", lesson.key, customer_id):
            number = books.numbers.take("detail")
            lesson.details.append(Detail(number, customer_id, 0, _EXCUSED))


class Life:
    """One day: `live` does everything that happens on `books.today`, the `number`-th day of the school."""

    def __init__(self, books: Register, chance: Chance, number: int) -> None:
        self._books = books
        self._chance = chance
        self._number = number
        self._today = books.today
        self._size = 1 + len(books.groups) // 40

    def live(self) -> None:
        """Let the day happen, in the order of a school's day."""
        self._at(time(8))
        plan_day(self._books, self._chance, self._today + timedelta(days=PLANNED_AHEAD_DAYS))
        self._open_masterclasses()
        self._book_trial()
        self._at(time(9))
        self._people_change()
        self._at(time(9, 30))
        self._book_makeups()
        self._hold_lessons()
        self._at(time(20, 15))
        self._return_to_lessons()
        self._edit_the_past()

    def _at(self, hour: time) -> None:
        self._books.now = datetime.combine(self._today, hour)

    def _every(self, days: int, offset: int = 0) -> bool:
        return self._number % days == offset % days

    # New lessons

    def _open_masterclasses(self) -> None:
        """In mid-term somebody invents a lesson type, and nobody tells the accountant."""
        if self._number == MASTERCLASS_SINCE_DAY:
            self._books.numbers.reserve("lesson_type", MASTERCLASS)
            self._books.add_type("Мастер-класс", 2)
        if self._number >= MASTERCLASS_SINCE_DAY and self._every(5):
            group = self._chance.pick(
                list(self._books.groups.values()), self._number, "masterclass"
            )
            key = f"masterclass {self._today}"
            lesson = self._books.group_lesson(group, self._today, time(12), key, MASTERCLASS)
            self._books.enter_lesson(lesson)

    def _book_trial(self) -> None:
        if not self._every(2):
            return
        branch_id = self._chance.pick(sorted(self._books.branches), self._number, "trial branch")
        leads = [one for one in self._cards(is_study=0) if one.branch_ids[0] == branch_id]
        invited = self._some(leads, self._chance.between(1, 3, self._number, "trial size"), "trial")
        if invited:
            day, key = self._today + timedelta(days=2), f"trial {self._today}"
            pupils = [one.id for one in invited]
            lesson = self._books.lone_lesson(branch_id, day, time(11), key, TRIAL, pupils)
            self._books.enter_lesson(lesson)

    # Make-ups, in all the shapes that schools have

    def _book_makeups(self) -> None:
        if not self._every(2, 1):
            return
        shape = self._number // 2 % 5
        for lesson, detail in self._chance.some(
            self._recent_excuses(), self._size, _excuse, self._number, "makeup"
        ):
            card = self._books.customers.get(detail.customer_id)
            if card is not None:
                self._book_makeup(shape, lesson, card)

    def _recent_excuses(self) -> Iterator[tuple[Lesson, Detail]]:
        for lesson in self._past_lessons(7):
            if lesson.lesson_type_id == GROUP:
                for detail in lesson.details:
                    if detail.is_attend == 0 and detail.reason_id == _EXCUSED:
                        yield lesson, detail

    def _book_makeup(self, shape: int, missed: Lesson, card: Customer) -> None:
        host = self._host_of(missed.branch_id, card)
        if shape == 4 or host is None:
            kind = INDIVIDUAL if shape == 4 else MAKEUP
            self._enter_makeup(missed.branch_id, kind, card, time(13, 30), [])
        elif shape in (0, 1):
            self._enter_makeup(
                missed.branch_id, MAKEUP, card, host.start, host.group_ids if shape else []
            )
        elif shape == 2:
            self._books.name_pupil(host, card.id)
        else:
            group = self._books.groups[host.group_ids[0]]
            self._books.join(card, group, self._today, self._today)

    def _host_of(self, branch_id: int, card: Customer) -> Lesson | None:
        """Another group's ordinary lesson today."""
        own = self._books.groups_on(card.id, self._today)
        hosts = [
            one
            for one in self._books.lessons.values()
            if not one.deleted
            and (one.date, one.branch_id, one.status) == (self._today, branch_id, PLANNED)
            and one.lesson_type_id == GROUP
            and not set(one.group_ids) & set(own)
        ]
        return next(iter(self._chance.some(hosts, 1, _key, self._number, "host")), None)

    def _enter_makeup(
        self, branch_id: int, kind: int, card: Customer, start: time, group_ids: list[int]
    ) -> None:
        key = f"makeup {card.id} {self._today}"
        lesson = self._books.lone_lesson(branch_id, self._today, start, key, kind, [card.id])
        lesson.group_ids = list(group_ids)
        self._books.enter_lesson(lesson)

    # The lessons of the day

    def _hold_lessons(self) -> None:
        today = [
            one
            for one in self._books.lessons.values()
            if one.date == self._today and not one.deleted
        ]
        for lesson in sorted(today, key=lambda one: (one.start, one.id)):
            if lesson.status == PLANNED:
                self._at(lesson.start)
                self._meet_fate(lesson)

    def _meet_fate(self, lesson: Lesson) -> None:
        fate = self._chance.share("fate", lesson.key, lesson.date)
        later = self._today + timedelta(days=self._chance.between(3, 15, "late", lesson.key))
        if fate < _CANCELLED:
            self._books.set_status(lesson, CANCELLED)
        elif fate < _PUT_OFF:
            days = self._chance.between(1, 4, "put off", lesson.key)
            self._books.move(lesson, self._today + timedelta(days=days))
        elif fate < _LEFT_PLANNED:
            lesson.due_on = later
        elif fate < _UNMARKED:
            self._books.conduct(lesson)
            lesson.due_on = later
        else:
            self._hold(lesson)

    def _hold(self, lesson: Lesson) -> None:
        """Conduct the lesson and mark whoever was not marked in advance."""
        for detail in self._books.conduct(lesson):
            self._mark(lesson, detail)

    def _mark(self, lesson: Lesson, detail: Detail) -> None:
        share = self._chance.share("mark", lesson.key, detail.customer_id)
        price = _LESSON_PRICE if lesson.lesson_type_id != TRIAL else 0
        if share < _CAME_FREE:
            self._books.mark(lesson, detail, 1, None, price if share < _CAME else 0)
        elif share < _SICK:
            self._books.mark(lesson, detail, 0, _EXCUSED, 0)
        elif share < _CHARGED:
            self._books.mark(lesson, detail, 0, _UNEXCUSED, price)

    def _return_to_lessons(self) -> None:
        """Somebody comes back to what was left: late marks, late lessons, deletions that were a mistake."""
        due = [one for one in self._books.lessons.values() if one.due_on == self._today]
        for lesson in due:
            lesson.due_on = None
            if lesson.deleted:
                self._books.restore(lesson)
            elif lesson.status == PLANNED:
                self._hold(lesson)
            elif lesson.status == CONDUCTED:
                for detail in lesson.details:
                    if detail.is_attend is None:
                        self._mark(lesson, detail)

    # Edits of lessons that were long conducted

    def _edit_the_past(self) -> None:
        edits: tuple[tuple[int, int, Callable[[Lesson], None]], ...] = (
            (3, 1, self._make_absent),
            (4, 2, self._make_present),
            (6, 4, self._forget_pupil),
            (7, 3, self._remember_pupil),
            (9, 5, lambda lesson: self._books.set_status(lesson, CANCELLED)),
            (7, 6, self._undo),
            (8, 7, lambda lesson: self._books.move(lesson, lesson.date - timedelta(days=1))),
            (9, 8, self._books.delete),
            (10, 9, self._delete_by_mistake),
            (8, 5, self._enter_again),
            (11, 10, lambda lesson: self._books.retype(lesson, MAKEUP)),
        )
        for days, offset, edit in edits:
            if self._every(days, offset):
                for lesson in self._settled(offset, days):
                    edit(lesson)

    def _settled(self, *about: object) -> list[Lesson]:
        """A few conducted lessons of the last days that nobody is going to return to."""
        lessons = [
            one
            for one in self._past_lessons(12)
            if one.due_on is None and one.details and one.lesson_type_id == GROUP
        ]
        return self._chance.some(lessons, self._size, _key, self._number, "edit", *about)

    def _past_lessons(self, days: int) -> list[Lesson]:
        since = self._today - timedelta(days=days)
        return [
            one
            for one in self._books.lessons.values()
            if since <= one.date < self._today and one.status == CONDUCTED and not one.deleted
        ]

    def _make_absent(self, lesson: Lesson) -> None:
        for detail in [one for one in lesson.details if one.is_attend == 1][:1]:
            self._books.mark(lesson, detail, 0, _EXCUSED, 0)

    def _make_present(self, lesson: Lesson) -> None:
        for detail in [one for one in lesson.details if one.is_attend == 0][:1]:
            self._books.mark(lesson, detail, 1, None, _LESSON_PRICE)

    def _forget_pupil(self, lesson: Lesson) -> None:
        self._books.remove_pupil(lesson, lesson.details[-1].customer_id)

    def _remember_pupil(self, lesson: Lesson) -> None:
        """A pupil of the branch who sat in another group's lesson and was written down days later."""
        here = [one for one in self._cards(is_study=1) if lesson.branch_id in one.branch_ids]
        for card in self._some(here, 1, "remembered", lesson.key):
            if lesson.detail_of(card.id) is None:
                self._mark(lesson, self._books.add_pupil(lesson, card.id))

    def _undo(self, lesson: Lesson) -> None:
        self._books.set_status(lesson, PLANNED)
        lesson.due_on = self._today + timedelta(days=3)

    def _delete_by_mistake(self, lesson: Lesson) -> None:
        self._books.delete(lesson)
        lesson.due_on = self._today + timedelta(days=4)

    def _enter_again(self, lesson: Lesson) -> None:
        self._books.enter_again(lesson)

    # People come, change and go

    def _people_change(self) -> None:
        if self._every(3):
            self._enter_lead()
        if self._every(6, 2):
            self._win_leads()
        if self._every(12, 7):
            self._change(self._cards(is_study=1), "rename", self._rename)
        if self._every(10, 4):
            self._change(self._cards(is_study=1), "change group", self._change_group)
        if self._every(14, 11):
            self._change(self._cards(is_study=1), "archive", self._books.archive)
        if self._every(20, 13):
            self._change(
                self._cards(is_study=1), "to lead", lambda one: self._books.set_study(one, 0)
            )
        if self._every(25, 19):
            self._change(self._cards(is_study=0), "remove", self._books.remove_customer)

    def _change(self, cards: list[Customer], what: str, change: Callable[[Customer], None]) -> None:
        for card in self._some(cards, self._size, what):
            change(card)

    def _enter_lead(self) -> None:
        for place in range(self._size):
            number = _LATE_FAMILIES + self._number * 50 + place
            family = Family(
                number,
                self._chance.pick(names.SURNAMES, "surname", number),
                self._chance.pick(names.PARENTS, "parent", number),
                phone_of(number),
                number % len(self._books.branches) + 1,
            )
            card = new_card(self._books, self._chance, family, 0, 0, self._today)
            self._books.enter_customer(card)

    def _win_leads(self) -> None:
        for card in self._some(self._cards(is_study=0), self._size, "won"):
            self._books.set_study(card, 1)
            self._books.join(card, self._group_in(card.branch_ids[0], card), self._today)

    def _rename(self, card: Customer) -> None:
        surname = names.SURNAMES[self._number % len(names.SURNAMES)][
            card.name.split()[0].endswith("а")
        ]
        self._books.rename(card, " ".join([surname, *card.name.split()[1:]]))

    def _change_group(self, card: Customer) -> None:
        held = [one for one in self._books.seats.get(card.id, ()) if one.holds_on(self._today)]
        if held:
            branch_id = self._books.groups[held[0].group_id].branch_id
            self._books.leave(held[0], self._today)
            self._books.join(card, self._group_in(branch_id, card), self._today)

    def _group_in(self, branch_id: int, card: Customer) -> Group:
        """Another group of the branch than the pupil has now."""
        own = self._books.groups_on(card.id, self._today)
        groups = [one for one in self._books.groups.values() if one.branch_id == branch_id]
        others = [one for one in groups if one.id not in own]
        return self._chance.pick(others or groups, self._number, "group", card.id)

    def _cards(self, is_study: int) -> list[Customer]:
        """Cards that life may change: the fixed families stay as they were founded."""
        return [
            one
            for one in self._books.customers.values()
            if one.is_study == is_study
            and one.family >= FIXED_FAMILIES
            and not one.archived_on(self._today)
        ]

    def _some(self, cards: list[Customer], count: int, *about: object) -> list[Customer]:
        return self._chance.some(cards, count, lambda one: one.id, self._number, *about)


def _key(lesson: Lesson) -> str:
    return lesson.key


def _excuse(missed: tuple[Lesson, Detail]) -> str:
    return f"{missed[0].key} {missed[1].customer_id}"
