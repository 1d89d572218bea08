"""The school as pages show it: its coins, its ways to earn, its goods."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from coinsync.core.catalog import Item
from coinsync.core.facts import is_within
from coinsync.core.ledger import Kind, Line
from coinsync.core.rules import Rule
from coinsync.core.school import SchoolProfile
from coinsync.core.wording import LineFormatter
from webview.texts import RUSSIAN, Texts

#: As many as a catalog file may hold.
GOODS_MAX = 1_000
#: An item with how many are left of it.
Shelf = Sequence[tuple[Item, int]]


@dataclass(frozen=True, slots=True)
class ContactText:
    """How to get what was saved up for, and whom to ask, in one language; "" is not said."""

    text: str
    hours: str
    link: str


@dataclass(frozen=True, slots=True)
class SchoolView:
    """The school's profile with addresses of its pictures, "" for none."""

    profile: SchoolProfile
    logo: str = ""
    coin: str = ""

    def coin_forms(self, texts: Texts) -> tuple[str, ...]:
        """The forms of the coin's name: three in Russian, two in English."""
        if texts is RUSSIAN:
            return self.profile.coin_forms_ru
        return self.profile.coin_forms_en

    def coin_word(self, count: int, texts: Texts) -> str:
        """Choose the form of the coin's name beside a number."""
        return texts.words.coin(count, self.coin_forms(texts))

    def coins(self, count: int, texts: Texts) -> str:
        """Write a number of coins with the coin's name."""
        return f"{texts.words.number(count)} {self.coin_word(count, texts)}"

    def contact(self, texts: Texts) -> ContactText | None:
        """What the school says of itself, if anything."""
        contact = self.profile.contact
        said = ContactText(
            texts.of(contact.text_ru, contact.text_en),
            texts.of(contact.hours_ru, contact.hours_en),
            contact.link,
        )
        return said if said.text or said.hours or said.link else None

    def how_to_get(self, texts: Texts) -> str:
        """What stands beside a wish that is reached."""
        contact = self.contact(texts)
        said = f"{contact.text} {contact.hours}".strip() if contact else ""
        return said or texts.ask_the_office

    def formatter(
        self, texts: Texts, branches: Iterable[int], now: datetime, began_at: str = ""
    ) -> LineFormatter:
        """Make what writes lines in the local time of ``branches``."""
        titles = {way.code: texts.of(way.title_ru, way.title_en) for way in self.profile.ways}
        zone = self.profile.zone_of(branches)
        return LineFormatter(texts.words, zone, now.astimezone(zone).date(), titles, began_at)


# --- how coins are earned: by lessons under the rules in force, and otherwise ---


@dataclass(frozen=True, slots=True)
class Earning:
    """One way to earn, as it is read."""

    title: str
    text: str
    amount: str


def memo(
    school: SchoolView, branches: Iterable[int], texts: Texts, today: date
) -> tuple[Earning, ...]:
    """All ways to earn in ``branches``, everywhere where none is named."""
    # Rules that families know by one name stand on one line.
    rates: dict[str, list[int]] = {}
    for rule in rules_on(school.profile.rules, branches, today):
        titles = school.profile.lesson_titles.get(rule.name, ("", ""))
        rates.setdefault(texts.of(*titles) or texts.words.lesson, []).append(rule.coins)
    earnings = []
    for title, coins in rates.items():
        least, most = min(coins), max(coins)
        from_least = f"{texts.words.number(least)}–" if least < most else ""
        amount = f"+{from_least}{school.coins(most, texts)}"
        earnings.append(Earning(title, texts.lesson_text, amount))
    for way in school.profile.ways:
        title, text = texts.of(way.title_ru, way.title_en), texts.of(way.text_ru, way.text_en)
        earnings.append(Earning(title, text, f"+{school.coins(way.coins, texts)}"))
    return tuple(earnings)


def rules_on(rules: Iterable[Rule], branches: Iterable[int], day: date) -> tuple[Rule, ...]:
    """The rules in force in any of the branches, at their latest rate."""
    asked = frozenset(branches)
    latest: dict[object, Rule] = {}
    for rule in rules:
        here = not asked or not rule.branches or bool(asked & rule.branches)
        if not (here and is_within(day, rule.since, rule.until)):
            continue
        scope = (rule.name, rule.branches, rule.subjects, rule.groups)
        if scope not in latest or rule.since > latest[scope].since:
            latest[scope] = rule
    return tuple(latest.values())


def coins_per_lesson(lines: Iterable[Line], rules: Iterable[Rule]) -> int:
    """What a child's next lesson most likely gives.

    The rate of the rule that paid the last lesson; for a child never paid the lowest, so that
    nobody is promised too much.
    """
    rates: dict[str, int] = {}
    for rule in rules:
        rates[rule.name] = min(rule.coins, rates.get(rule.name, rule.coins))
    for line in lines:
        entry = line.posted.entry
        if entry.kind is Kind.AWARD and entry.rule in rates:
            return rates[entry.rule]
    return min(rates.values(), default=0)


# --- the catalog ---


@dataclass(frozen=True, slots=True)
class Purse:
    """A child with its coins; ``name`` is "" of an only child."""

    id: int
    name: str
    branches: tuple[int, ...]
    balance: int


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether an item is within one child's reach, in words."""

    resident: int
    name: str
    enough: bool
    text: str


@dataclass(frozen=True, slots=True)
class Good:
    """One of the goods, in words; ``letter`` stands for a missing ``picture``."""

    code: str
    name: str
    text: str
    picture: str
    letter: str
    cost: int
    price: str
    coins: str
    stock: str
    gone: bool
    reach: tuple[Reach, ...]
    heart: str


@dataclass(frozen=True, slots=True)
class Category:
    """Neighbours of one kind; the same ``title`` has the same ``number``."""

    number: int
    title: str
    goods: list[Good]


def catalog(
    shelf: Shelf,
    purses: Sequence[Purse],
    pictures: Mapping[str, str],
    school: SchoolView,
    texts: Texts,
) -> list[Category]:
    """What the children's branches have; all where there is no child."""
    branches = {branch for purse in purses for branch in purse.branches}
    shown = [pair for pair in shelf[:GOODS_MAX] if not purses or pair[0].is_sold_at(branches)]
    categories: list[Category] = []
    numbers: dict[str, int] = {}
    for item, left in shown:
        title = texts.of(item.category_ru, item.category_en)
        if not categories or categories[-1].title != title:
            # One that comes again further down keeps its number, so that one button finds both.
            number = numbers.setdefault(title, len(numbers) + 1)
            categories.append(Category(number, title, []))
        picture = pictures.get(item.picture, "")
        categories[-1].goods.append(_good(item, left, purses, picture, school, texts))
    return categories


def _good(
    item: Item, left: int, purses: Iterable[Purse], picture: str, school: SchoolView, texts: Texts
) -> Good:
    name, number = texts.of(item.name_ru, item.name_en), texts.words.number
    gone = item.tracked and left <= 0
    stock = texts.none_left if gone else ""
    if item.tracked and not gone:
        stock = texts.left.format(count=number(left))
    reach = []
    for purse in purses:
        # Whether coins would do for what is not there is nobody's question.
        if not gone and item.is_sold_at(purse.branches):
            lacking = item.price - purse.balance
            missing = texts.lacking.format(coins=number(lacking)) if lacking > 0 else texts.enough
            reach.append(Reach(purse.id, purse.name, lacking <= 0, missing))
    return Good(
        code=item.code,
        name=name,
        text=texts.of(item.text_ru, item.text_en),
        picture=picture,
        letter=next((sign.upper() for sign in name if sign.isalnum()), ""),
        cost=item.price,
        price=number(item.price),
        coins=school.coin_word(item.price, texts),
        stock=stock,
        gone=gone,
        reach=tuple(reach),
        heart=texts.heart.format(name=name),
    )
