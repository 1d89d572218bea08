"""What happens in the school by itself on one day."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import partial
from operator import attrgetter

from coinsync.simulator import names
from coinsync.simulator.chance import Chance
from coinsync.simulator.opening import FIXED_FAMILIES, add_card
from coinsync.simulator.tables import (
    CAME,
    CAME_FREE,
    CHARGED,
    CONDUCTED,
    EXCUSED,
    GROUP,
    INDIVIDUAL,
    MAKEUP,
    MASTERCLASS,
    PLANNED,
    TRIAL,
    CrmCustomer,
    CrmDetail,
    CrmGroup,
    CrmLesson,
    CrmRegularLesson,
    CrmTables,
    Mark,
)

PLANNED_AHEAD_DAYS = 14
MASTERCLASS_SINCE_DAY = 20
_LATE_FAMILIES = 5_000

# Share of all marks up to which each reaches; of the rest, nobody marks anything.
_MARKS = ((0.80, CAME), (0.83, CAME_FREE), (0.91, EXCUSED), (0.98, CHARGED))

# The same for lessons on their day; the rest is conducted and marked.
_CANCELLED, _PUT_OFF, _LEFT_PLANNED, _UNMARKED = 0.03, 0.055, 0.09, 0.13


def plan_day(tables: CrmTables, chance: Chance, day: date) -> None:
    """Enter the lessons that the timetable gives for that day."""
    for row in tables.regular_lessons.values():
        if row.weekday == day.isoweekday() and row.b_date <= day <= row.e_date:
            _plan_regular(tables, chance, row, day)


def _plan_regular(tables: CrmTables, chance: Chance, row: CrmRegularLesson, day: date) -> None:
    group = tables.groups[row.related_id] if row.related_class == "Group" else None
    if group is None and row.related_id not in tables.customers:
        return
    key, kind = f"regular {row.id} {day}", INDIVIDUAL if group is None else GROUP
    lesson = tables.enter_lesson(row.branch_id, group, day, row.start, key, kind)
    lesson.regular_id = row.id
    if group is None:
        lesson.customer_ids = [row.related_id]
    elif chance.happens(0.5, "list in advance", key):
        # Of today: whoever joins the group later is expected all the same.
        lesson.customer_ids = tables.members_on(group.id, tables.today)
        for customer_id in lesson.customer_ids:
            # Some schools mark a pupil on holiday as absent weeks before the lesson.
            if chance.happens(0.06, "excused in advance", key, customer_id):
                tables.add_detail(lesson, customer_id).set_mark(EXCUSED)


@dataclass(slots=True)
class Life:
    """What happens on `tables.today`, the day of the school with that number."""

    tables: CrmTables
    chance: Chance
    number: int

    @property
    def _today(self) -> date:
        return self.tables.today

    @property
    def _size(self) -> int:
        # A large school has more of everything on a day.
        return 1 + len(self.tables.groups) // 40

    def live(self) -> None:
        """Let the day happen, in the order of a school's day."""
        plan_day(self.tables, self.chance, self._day(PLANNED_AHEAD_DAYS))
        self._open_masterclasses()
        if self._every(2):
            self._book_trial()
        # Before the make-ups: a card that is deleted today is not given one.
        self._change_people()
        if self._every(2, 1):
            self._book_makeups()
        lessons = self._lessons(PLANNED, self._today, self._today)
        for lesson in sorted(lessons, key=lambda row: (row.start, row.id)):
            self._meet_fate(lesson)
        self._return_to_lessons()
        self._edit_the_past()

    def _every(self, days: int, offset: int = 0) -> bool:
        return self.number % days == offset % days

    def _day(self, days: int) -> date:
        return self._today + timedelta(days=days)

    def _enter_lesson(
        self, branch_id: int, group: CrmGroup | None, start: time, name: str, kind: int
    ) -> CrmLesson:
        key = f"{name} {self._today}"
        return self.tables.enter_lesson(branch_id, group, self._today, start, key, kind)

    def _open_masterclasses(self) -> None:
        """In mid-term somebody invents a lesson type, and tells nobody."""
        if self.number == MASTERCLASS_SINCE_DAY:
            self.tables.add_type("Мастер-класс", 2)
        if self.number >= MASTERCLASS_SINCE_DAY and self._every(5):
            groups = list(self.tables.groups.values())
            group = self.chance.pick(groups, self.number, "masterclass")
            self._enter_lesson(group.branch_id, group, time(12), "masterclass", MASTERCLASS)

    def _book_trial(self) -> None:
        branches = sorted(self.tables.branches)
        branch_id = self.chance.pick(branches, self.number, "trial branch")
        leads = [card for card in self._cards(is_study=0) if card.branch_ids[0] == branch_id]
        size = self.chance.between(1, 3, self.number, "trial size")
        invited = self._some_cards(leads, size, "trial")
        if invited:
            lesson = self._enter_lesson(branch_id, None, time(11), "trial", TRIAL)
            lesson.date = self._day(2)
            lesson.customer_ids = [lead.id for lead in invited]

    # Make-ups, in all the shapes that schools have

    def _book_makeups(self) -> None:
        excuses = [
            (lesson, detail)
            for lesson in self._group_lessons(CONDUCTED, -7, -1)
            for detail in lesson.details
            if (detail.is_attend, detail.reason_id) == EXCUSED[:2]
        ]
        about = (self.number, "makeup")
        for lesson, detail in self.chance.some(excuses, self._size, _name_of_excuse, *about):
            card = self.tables.customers.get(detail.customer_id)
            if card is not None:
                self._book_makeup(lesson.branch_id, card)

    def _book_makeup(self, branch_id: int, card: CrmCustomer) -> None:
        # A lesson of its own type without, then with the group of a host lesson, a guest in that
        # lesson, a membership of one day, an individual lesson.
        shape = self.number // 2 % 5
        host = self._host_of(branch_id, card)
        if host is not None and shape == 2:
            host.customer_ids.append(card.id)
        elif host is not None and shape == 3:
            group = self.tables.groups[host.group_ids[0]]
            self.tables.join(card, group, self._today, self._today)
        else:
            kind = INDIVIDUAL if shape == 4 else MAKEUP
            lesson = self._enter_lesson(branch_id, None, time(13, 30), f"makeup {card.id}", kind)
            lesson.customer_ids = [card.id]
            if host is not None and shape < 2:
                lesson.start = host.start
                lesson.group_ids = list(host.group_ids) if shape == 1 else []

    def _host_of(self, branch_id: int, card: CrmCustomer) -> CrmLesson | None:
        own = set(self.tables.groups_on(card.id, self._today))
        hosts = [
            lesson
            for lesson in self._group_lessons(PLANNED, 0, 0)
            if lesson.branch_id == branch_id and own.isdisjoint(lesson.group_ids)
        ]
        drawn = self.chance.some(hosts, 1, _key_of, self.number, "host")
        return drawn[0] if drawn else None

    def _meet_fate(self, lesson: CrmLesson) -> None:
        # The date is part of the name: a lesson that was put off has another fate then.
        fate = self.chance.share("fate", lesson.key, lesson.date)
        later = self._day(self.chance.between(3, 15, "late", lesson.key))
        if fate < _CANCELLED:
            self.tables.cancel(lesson)
        elif fate < _PUT_OFF:
            lesson.date = self._day(self.chance.between(1, 4, "put off", lesson.key))
        elif fate < _LEFT_PLANNED:
            lesson.due_on = later
        elif fate < _UNMARKED:
            self.tables.hold(lesson)
            lesson.due_on = later
        else:
            self._hold(lesson)

    def _hold(self, lesson: CrmLesson) -> None:
        for detail in self.tables.hold(lesson):
            self._mark(lesson, detail)

    def _mark(self, lesson: CrmLesson, detail: CrmDetail) -> None:
        share = self.chance.share("mark", lesson.key, detail.customer_id)
        for limit, mark in _MARKS:
            if share < limit:
                detail.set_mark(mark)
                return

    def _return_to_lessons(self) -> None:
        """Late marks, late lessons, and deletions that were a mistake."""
        for lesson in self.tables.lessons.values():
            if lesson.due_on != self._today:
                continue
            lesson.due_on = None
            if lesson.deleted:
                lesson.deleted = False
            elif lesson.status == PLANNED:
                self._hold(lesson)
            elif lesson.status == CONDUCTED:
                for detail in lesson.details:
                    if detail.is_attend is None:
                        self._mark(lesson, detail)

    def _edit_the_past(self) -> None:
        """Each kind of edit has days of its own: every so many, after an offset."""
        edits: tuple[tuple[int, int, Callable[[CrmLesson], object]], ...] = (
            (3, 1, partial(self._turn, 1, EXCUSED)),
            (4, 2, partial(self._turn, 0, CAME)),
            (6, 4, self._forget_pupil),
            (7, 3, self._remember_pupil),
            (9, 5, self.tables.cancel),
            (7, 6, self._undo),
            (8, 7, self._move_back),
            (9, 8, self.tables.delete),
            (10, 9, self._delete_by_mistake),
            (8, 5, self.tables.recreate),
            (11, 10, self._make_makeup),
        )
        for days, offset, edit in edits:
            if self._every(days, offset):
                for lesson in self._settled(offset, days):
                    edit(lesson)

    def _settled(self, *about: object) -> list[CrmLesson]:
        lessons = self._group_lessons(CONDUCTED, -12, -1)
        settled = [lesson for lesson in lessons if lesson.due_on is None and lesson.details]
        return self.chance.some(settled, self._size, _key_of, self.number, "edit", *about)

    def _group_lessons(self, status: int, since: int, until: int) -> list[CrmLesson]:
        """Those of the days between, counted from today."""
        lessons = self._lessons(status, self._day(since), self._day(until))
        return [lesson for lesson in lessons if lesson.lesson_type_id == GROUP]

    def _lessons(self, status: int, since: date, until: date) -> list[CrmLesson]:
        return [
            lesson
            for lesson in self.tables.lessons.values()
            if since <= lesson.date <= until and lesson.status == status and not lesson.deleted
        ]

    def _turn(self, is_attend: int, mark: Mark, lesson: CrmLesson) -> None:
        """Give the first pupil who was marked so another mark."""
        for detail in lesson.details:
            if detail.is_attend == is_attend:
                detail.set_mark(mark)
                return

    def _forget_pupil(self, lesson: CrmLesson) -> None:
        self.tables.remove_pupil(lesson, lesson.details[-1].customer_id)

    def _remember_pupil(self, lesson: CrmLesson) -> None:
        """A pupil who sat in another group's lesson is written down days later."""
        clients = self._cards(is_study=1)
        pupils = [card for card in clients if lesson.branch_id in card.branch_ids]
        for card in self._some_cards(pupils, 1, "remembered", lesson.key):
            if lesson.detail_of(card.id) is None:
                lesson.customer_ids.append(card.id)
                self._mark(lesson, self.tables.add_detail(lesson, card.id))

    def _undo(self, lesson: CrmLesson) -> None:
        lesson.status, lesson.due_on = PLANNED, self._day(3)

    def _move_back(self, lesson: CrmLesson) -> None:
        lesson.date -= timedelta(days=1)

    def _delete_by_mistake(self, lesson: CrmLesson) -> None:
        lesson.deleted, lesson.due_on = True, self._day(4)

    def _make_makeup(self, lesson: CrmLesson) -> None:
        lesson.lesson_type_id = MAKEUP

    def _change_people(self) -> None:
        """Each kind of change has days of its own too."""
        if self._every(3):
            self._add_leads()
        changes: tuple[tuple[int, int, int, str, Callable[[CrmCustomer], None]], ...] = (
            (6, 2, 0, "won", self._win),
            (12, 7, 1, "rename", self._rename),
            (10, 4, 1, "change group", self._change_group),
            (14, 11, 1, "archive", self.tables.archive),
            (20, 13, 1, "to lead", self.tables.to_lead),
            (25, 19, 0, "remove", self.tables.remove_customer),
        )
        for days, offset, is_study, name, change in changes:
            if self._every(days, offset):
                for card in self._some_cards(self._cards(is_study), self._size, name):
                    change(card)

    def _add_leads(self) -> None:
        for place in range(self._size):
            family = _LATE_FAMILIES + self.number * 50 + place
            add_card(self.tables, self.chance, family, 0, 0, self._today)

    def _win(self, card: CrmCustomer) -> None:
        self.tables.to_client(card)
        self.tables.join(card, self._other_group(card.branch_ids[0], card), self._today)

    def _rename(self, card: CrmCustomer) -> None:
        surname, *others = card.name.split()
        masculine, feminine = names.SURNAMES[self.number % len(names.SURNAMES)]
        new = feminine if surname.endswith("а") else masculine
        card.name = " ".join([new, *others])

    def _change_group(self, card: CrmCustomer) -> None:
        own = self.tables.groups_on(card.id, self._today)
        if own:
            group = self.tables.groups[own[0]]
            goal = self._other_group(group.branch_id, card)
            self.tables.change_group(card, group, goal)

    def _other_group(self, branch_id: int, card: CrmCustomer) -> CrmGroup:
        own = self.tables.groups_on(card.id, self._today)
        groups = self.tables.groups_in(branch_id)
        others = [group for group in groups if group.id not in own]
        return self.chance.pick(others or groups, self.number, "group", card.id)

    def _cards(self, is_study: int) -> list[CrmCustomer]:
        """Cards that may change: the fixed families stay as they are."""
        return [
            card
            for card in self.tables.customers.values()
            if card.is_study == is_study
            and card.family >= FIXED_FAMILIES
            and not card.archived_on(self._today)
        ]

    def _some_cards(
        self, cards: list[CrmCustomer], count: int, *about: object
    ) -> list[CrmCustomer]:
        return self.chance.some(cards, count, lambda card: card.id, self.number, *about)


_key_of = attrgetter("key")


def _name_of_excuse(excuse: tuple[CrmLesson, CrmDetail]) -> str:
    lesson, detail = excuse
    return f"{lesson.key} {detail.customer_id}"
