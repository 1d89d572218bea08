"""The school on the day before its history begins."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from coinsync.simulator import names
from coinsync.simulator.chance import Chance
from coinsync.simulator.tables import (
    GROUP,
    INDIVIDUAL,
    MAKEUP,
    TRIAL,
    CrmBranch,
    CrmCustomer,
    CrmGroup,
    CrmLessonType,
    CrmRegularLesson,
    CrmTables,
)

GROUP_SIZE = 7
SATURDAY = 6
STARTS = (time(15, 0), time(16, 30), time(17, 0), time(18, 30))
STARTS_ON_SATURDAY = (time(10, 0), time(12, 0))
# The first families are fixed: every school has brothers and sisters to try things with.
_CHILDREN_OF_FIRST = (3, 2, 2, 2, 1, 1, 1, 2, 1, 1)
FIXED_FAMILIES = len(_CHILDREN_OF_FIRST)


@dataclass(slots=True)
class Opening:
    """Fills empty tables with a school that is about to open its term."""

    tables: CrmTables
    chance: Chance
    residents: int
    branches: int
    _families: int = 0

    @property
    def _opened(self) -> date:
        return self.tables.today - timedelta(days=30)

    def prepare(self) -> None:
        """Enter everything that is there before the first day."""
        for number in range(1, self.branches + 1):
            self.tables.branches[number] = CrmBranch(number, names.BRANCHES[number - 1])
        self._enter_types()
        self._enter_groups()
        pupils = self._enter_pupils()
        self._fill_groups(pupils)
        self._enter_individual_timetable(pupils)
        if len(pupils) >= 12:
            self._make_special(pupils)
        self._enter_leads_and_archive()

    def _enter_types(self) -> None:
        # AlfaCRM lists its stock types in this order; the school added the last one.
        for lesson_type in (
            CrmLessonType(GROUP, "Групповой", 2),
            CrmLessonType(INDIVIDUAL, "Индивидуальный", 1),
            CrmLessonType(TRIAL, "Пробный", 3),
            CrmLessonType(MAKEUP, "Отработка", 2),
        ):
            self.tables.lesson_types[lesson_type.id] = lesson_type

    def _enter_groups(self) -> None:
        # Rounded up.
        needed = -(-self.residents // GROUP_SIZE)
        for number in range(1, max(2 * self.branches, needed) + 1):
            branch_id = (number - 1) % self.branches + 1
            subject = (number - 1) // self.branches % len(names.SUBJECTS) + 1
            teacher = number % len(names.TEACHERS) + 1
            name = f"{names.SUBJECTS[subject - 1]}-{number}"
            group = CrmGroup(number, branch_id, name, subject, teacher, self._opened)
            self.tables.groups[number] = group
            self._enter_timetable(group)

    def _enter_timetable(self, group: CrmGroup) -> None:
        """One or two lessons a week; the first group changes an hour in mid-term."""
        # Monday to Saturday; a second lesson is three days after the first.
        first = group.id % 6 + 1
        second = (first + 2) % 6 + 1
        weekdays = (first,) if group.id % 4 == 0 else (first, second)
        for weekday in weekdays:
            starts = STARTS_ON_SATURDAY if weekday == SATURDAY else STARTS
            start = starts[(group.id // 6) % len(starts)]
            row = self._enter_regular(group.branch_id, "Group", group.id, weekday, start)
            if group.id == 1 and weekday == first:
                row.e_date = self.tables.today + timedelta(days=25)
                later = self._enter_regular(1, "Group", group.id, weekday, time(18, 0))
                later.b_date = row.e_date + timedelta(days=1)

    def _enter_regular(
        self, branch_id: int, related_class: str, related_id: int, weekday: int, start: time
    ) -> CrmRegularLesson:
        id, opened = len(self.tables.regular_lessons) + 1, self._opened
        row = CrmRegularLesson(id, branch_id, related_class, related_id, weekday, start, opened)
        self.tables.regular_lessons[id] = row
        return row

    def _enter_pupils(self) -> list[CrmCustomer]:
        pupils: list[CrmCustomer] = []
        while len(pupils) < self.residents:
            size = self._family_size(self._families)
            missing = self.residents - len(pupils)
            pupils += self._add_family(min(size, missing), is_study=1)
        return pupils

    def _add_family(self, children: int, is_study: int) -> list[CrmCustomer]:
        family, day = self._families, self._opened
        self._families += 1
        numbers = range(children)
        return [add_card(self.tables, self.chance, family, n, is_study, day) for n in numbers]

    def _family_size(self, family: int) -> int:
        if family < FIXED_FAMILIES:
            return _CHILDREN_OF_FIRST[family]
        # Of a hundred families, six have three children and 26 have two.
        share = self.chance.share("family size", family)
        return 1 + int(share >= 0.68) + int(share >= 0.94)

    def _fill_groups(self, pupils: list[CrmCustomer]) -> None:
        for branch_id in self.tables.branches:
            groups = self.tables.groups_in(branch_id)
            its_pupils = [pupil for pupil in pupils if pupil.branch_ids[0] == branch_id]
            for place, pupil in enumerate(its_pupils):
                self.tables.join(pupil, groups[place % len(groups)], self._opened)

    def _enter_individual_timetable(self, pupils: list[CrmCustomer]) -> None:
        for pupil in pupils[9::25]:
            weekday, start = pupil.id % 5 + 1, time(19, 30)
            self._enter_regular(pupil.branch_ids[0], "Customer", pupil.id, weekday, start)

    def _make_special(self, pupils: list[CrmCustomer]) -> None:
        """One name twice, one child on two cards, one pupil in two branches."""
        pupils[11].name = pupils[7].name
        # The lead card that was never merged with the client card of the same child.
        family, made_on = pupils[4].family, self._opened - timedelta(days=9)
        add_card(self.tables, self.chance, family, 1, 0, made_on)
        pupil = pupils[5]
        own = self.tables.groups_on(pupil.id, self._opened)
        for group in self.tables.groups.values():
            elsewhere = self.branches == 1 or group.branch_id not in pupil.branch_ids
            if elsewhere and group.id not in own:
                self.tables.join(pupil, group, self._opened)
                return

    def _enter_leads_and_archive(self) -> None:
        for _ in range(max(4, self.residents // 8)):
            self._add_family(1, is_study=0)
        for _ in range(max(3, self.residents // 12)):
            for card in self._add_family(1, is_study=1):
                card.e_date = self._opened + timedelta(days=card.id % 20)


def add_card(
    tables: CrmTables, chance: Chance, family: int, child: int, is_study: int, day: date
) -> CrmCustomer:
    """Enter a card for one child of a family, made on that day."""
    about = (family, child)
    surnames = chance.pick(names.SURNAMES, "surname", family)
    girl = chance.happens(0.5, "girl", *about)
    first = chance.pick(names.GIRLS if girl else names.BOYS, "first name", *about)
    if chance.happens(0.04, "mixed letters", *about):
        # A Latin letter that only looks Cyrillic, as typed on the wrong layout.
        first = first.replace("а", "a", 1)
    space = "  " if chance.happens(0.04, "doubled space", *about) else " "
    born = date(2011, 1, 1) + timedelta(days=chance.between(0, 2500, "dob", *about))
    created = datetime.combine(day, time(12))
    created += timedelta(seconds=chance.between(0, 20_000, "created", *about))
    card = CrmCustomer(
        id=tables.take_number("customer"),
        branch_ids=[family % len(tables.branches) + 1],
        name=f"{surnames[int(girl)]}{space}{first}",
        is_study=is_study,
        family=family,
        phone=[f"8 900 {1_000_000 + family}"],
        vk=_link_of(family, child),
        dob=born,
        created=created,
    )
    tables.customers[card.id] = card
    return card


def _link_of(family: int, child: int) -> str | None:
    """What the office typed into the VK field."""
    if family == 13:
        return names.COMMUNITY
    # The fixed families have numbers, so that each of them can be linked.
    kind = family % 10 if family >= FIXED_FAMILIES else 0
    if kind == 7:
        return names.SCREEN_NAMES[family // 10 % len(names.SCREEN_NAMES)]
    if kind in (8, 9):
        return "" if kind == 8 else None
    form = names.NUMERIC_LINKS[(family + child) % len(names.NUMERIC_LINKS)]
    return form.format(names.VK_NUMBERS_SINCE + family)
