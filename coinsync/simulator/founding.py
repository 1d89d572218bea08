"""The school on the day before its history begins: branches, staff, groups, timetable, families."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from coinsync.simulator import names
from coinsync.simulator.chance import Chance
from coinsync.simulator.records import (
    GROUP,
    INDIVIDUAL,
    MAKEUP,
    TRIAL,
    Branch,
    Customer,
    Group,
    LessonType,
    RegularLesson,
    Room,
    Subject,
    Teacher,
)
from coinsync.simulator.register import Register

GROUP_SIZE = 7
STARTS = (time(15, 0), time(16, 30), time(17, 0), time(18, 30))
WEEKEND_STARTS = (time(10, 0), time(12, 0))

# The first families are fixed, so that every school has brothers and sisters to try things with.
_CHILDREN_OF_FIRST = (3, 2, 2, 2, 1, 1, 1, 2, 1, 1)
FIXED_FAMILIES = len(_CHILDREN_OF_FIRST)
_CHILDREN_SHARES = ((0.68, 1), (0.94, 2), (1.0, 3))


@dataclass(frozen=True, slots=True)
class Family:
    """What the children of one family share."""

    number: int
    surname: tuple[str, str]
    parent: str
    phone: str
    branch_id: int


class Founding:
    """Fills empty books with a school that is about to open its term."""

    def __init__(self, books: Register, chance: Chance, residents: int, branches: int) -> None:
        self._books = books
        self._chance = chance
        self._residents = residents
        self._branches = branches
        self._opened = books.today - timedelta(days=30)
        self._families = 0

    def found(self) -> None:
        """Enter everything that is there before the first day."""
        self._enter_places()
        self._enter_types()
        self._enter_groups()
        pupils = self._enter_pupils()
        self._seat(pupils)
        self._enter_individual_timetable(pupils)
        self._enter_special_cards(pupils)
        self._enter_others()

    def _enter_places(self) -> None:
        books = self._books
        for number in range(1, self._branches + 1):
            books.branches[number] = Branch(
                number, names.BRANCHES[(number - 1) % len(names.BRANCHES)]
            )
            for spot in range(1, 4):
                teacher = (number - 1) * 3 + spot
                name = names.TEACHERS[(teacher - 1) % len(names.TEACHERS)]
                books.teachers[teacher] = Teacher(teacher, number, name)
                books.rooms[teacher] = Room(teacher, number, f"Кабинет {spot}")
        for number, name in enumerate(names.SUBJECTS, start=1):
            books.subjects[number] = Subject(number, name)

    def _enter_types(self) -> None:
        stock = (
            (GROUP, "Групповой", 2),
            (INDIVIDUAL, "Индивидуальный", 1),
            (TRIAL, "Пробный", 3),
            (MAKEUP, "Отработка", 2),
        )
        for sort, (number, name, base) in enumerate(stock, start=1):
            self._books.lesson_types[number] = LessonType(number, name, base, sort)

    def _enter_groups(self) -> None:
        count = max(2 * self._branches, -(-self._residents // GROUP_SIZE))
        for number in range(1, count + 1):
            branch_id = (number - 1) % self._branches + 1
            subject = (number - 1) // self._branches % len(names.SUBJECTS) + 1
            spot = (branch_id - 1) * 3 + number % 3 + 1
            name = f"{names.SUBJECTS[subject - 1]}-{number}"
            group = Group(number, branch_id, name, subject, spot, spot, self._opened)
            self._books.groups[number] = group
            self._enter_timetable(group)

    def _enter_timetable(self, group: Group) -> None:
        first = group.id % 6 + 1
        second = (first + 2) % 6 + 1
        weekdays = (first,) if group.id % 4 == 0 else (first, second)
        for weekday in weekdays:
            starts = WEEKEND_STARTS if weekday == 6 else STARTS
            start = starts[(group.id // 6) % len(starts)]
            self._enter_regular(group, weekday, start)

    def _enter_regular(self, group: Group, weekday: int, start: time) -> None:
        """One weekly lesson; that of the first group changes its hour in mid-term, on a second row."""
        change = self._books.today + timedelta(days=25)
        moves = group.id == 1 and weekday == group.id % 6 + 1
        first = self._regular("Group", group.id, group, weekday, start, self._opened)
        if moves:
            first.e_date = change
            self._regular(
                "Group", group.id, group, weekday, time(18, 0), change + timedelta(days=1)
            )

    def _regular(
        self, kind: str, related_id: int, like: Group, weekday: int, start: time, b_date: date
    ) -> RegularLesson:
        number = len(self._books.regular_lessons) + 1
        row = RegularLesson(
            number,
            like.branch_id,
            kind,
            related_id,
            like.subject_id,
            like.teacher_id,
            like.room_id,
            weekday,
            start,
            b_date,
        )
        self._books.regular_lessons[number] = row
        return row

    def _enter_pupils(self) -> list[Customer]:
        pupils: list[Customer] = []
        while len(pupils) < self._residents:
            family = self._new_family()
            size = min(self._family_size(family.number), self._residents - len(pupils))
            pupils.extend(self._enter_card(family, child, is_study=1) for child in range(size))
        return pupils

    def _new_family(self, branch_id: int | None = None) -> Family:
        number = self._families
        self._families += 1
        surname = self._chance.pick(names.SURNAMES, "surname", number)
        parent = self._chance.pick(names.PARENTS, "parent", number)
        return Family(
            number, surname, parent, phone_of(number), branch_id or number % self._branches + 1
        )

    def _family_size(self, number: int) -> int:
        if number < FIXED_FAMILIES:
            return _CHILDREN_OF_FIRST[number]
        share = self._chance.share("family size", number)
        return next(size for limit, size in _CHILDREN_SHARES if share < limit)

    def _enter_card(self, family: Family, child: int, is_study: int) -> Customer:
        return self._books.enter_customer(
            new_card(self._books, self._chance, family, child, is_study, self._opened)
        )

    def _seat(self, pupils: list[Customer]) -> None:
        """Fill the groups of each branch evenly."""
        for branch_id in self._books.branches:
            groups = [one for one in self._books.groups.values() if one.branch_id == branch_id]
            here = [one for one in pupils if one.branch_ids[0] == branch_id]
            for place, pupil in enumerate(here):
                self._books.join(pupil, groups[place % len(groups)], self._opened)

    def _enter_individual_timetable(self, pupils: list[Customer]) -> None:
        for pupil in pupils[9::25]:
            group = self._books.groups[self._books.groups_on(pupil.id, self._books.today)[0]]
            weekday = pupil.id % 5 + 1
            self._regular("Customer", pupil.id, group, weekday, time(19, 30), self._opened)

    def _enter_special_cards(self, pupils: list[Customer]) -> None:
        """Two children of one name, one child on two cards, one pupil in two branches and two groups."""
        if len(pupils) < 12:
            return
        pupils[11].name = pupils[7].name
        child = pupils[4]
        twin = self._card_like(child)
        self._books.enter_customer(twin)
        pupil = pupils[5]
        elsewhere = [
            one
            for one in self._books.groups.values()
            if one.id not in self._books.groups_on(pupil.id, self._books.today)
            and (self._branches == 1 or one.branch_id not in pupil.branch_ids)
        ]
        self._books.join(pupil, elsewhere[0], self._opened)

    def _card_like(self, child: Customer) -> Customer:
        """The lead card that was never merged with the client card of the same child."""
        return Customer(
            id=self._books.numbers.take("customer"),
            branch_ids=list(child.branch_ids),
            name=child.name,
            is_study=0,
            family=child.family,
            legal_name=child.legal_name,
            phone=list(child.phone),
            vk=child.vk,
            dob=child.dob,
            created=child.created - timedelta(days=9),
        )

    def _enter_others(self) -> None:
        """Leads, and cards that were archived long ago."""
        for _ in range(max(4, self._residents // 8)):
            self._enter_card(self._new_family(), 0, is_study=0)
        for _ in range(max(3, self._residents // 12)):
            card = self._enter_card(self._new_family(), 0, is_study=1)
            card.e_date = self._opened + timedelta(days=card.id % 20)


def phone_of(family: int) -> str:
    """An invented number in one of the ways in which people write them."""
    tail = f"{family:06d}"
    forms = (
        f"+7(900)1{tail[:2]}-{tail[2:4]}-{tail[4:]}",
        f"8 900 1{tail[:2]} {tail[2:4]} {tail[4:]}",
        f"+79001{tail}",
        f"900-1{tail}",
    )
    return forms[family % len(forms)]


def link_of(family: int, child: int) -> str | None:
    """What the office typed into the VK field: a number, a nickname, nothing, a community."""
    if family == 13:
        return names.COMMUNITY
    kind = family % 10 if family >= FIXED_FAMILIES else 0
    if kind == 7:
        return names.SCREEN_NAMES[family // 10 % len(names.SCREEN_NAMES)]
    if kind in (8, 9):
        return "" if kind == 8 else None
    form = names.NUMERIC_LINKS[(family + child) % len(names.NUMERIC_LINKS)]
    return form.format(names.VK_NUMBERS_SINCE + family)


def new_card(
    books: Register, chance: Chance, family: Family, child: int, is_study: int, day: date
) -> Customer:
    """A card for one child of the family, not yet entered."""
    about = (family.number, child)
    girl = chance.happens(0.5, "girl", *about)
    first = chance.pick(names.GIRLS if girl else names.BOYS, "first name", *about)
    space = "  " if chance.happens(0.04, "doubled space", *about) else " "
    created = datetime.combine(day, time(12)) + timedelta(
        seconds=chance.between(0, 20_000, "created", *about)
    )
    return Customer(
        id=books.numbers.take("customer"),
        branch_ids=[family.branch_id],
        name=f"{family.surname[int(girl)]}{space}{_in_mixed_letters(first, chance, about)}",
        is_study=is_study,
        family=family.number,
        legal_name=f"{family.surname[1]}  {family.parent}" if family.number % 3 else "",
        phone=[family.phone],
        vk=link_of(family.number, child),
        dob=date(2011, 1, 1) + timedelta(days=chance.between(0, 2500, "dob", *about)),
        created=created,
    )


def _in_mixed_letters(name: str, chance: Chance, about: tuple[int, int]) -> str:
    """Now and then a Latin letter that only looks Cyrillic, as typed on the wrong layout."""
    return name.replace("а", "a", 1) if chance.happens(0.04, "mixed letters", *about) else name
