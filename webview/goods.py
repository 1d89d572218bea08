"""The catalog as a family reads it: what it costs, what is left, who has enough."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coinsync.core.catalog import Item
from webview.school_view import SchoolView
from webview.texts import Texts

#: As many as a catalog file may hold.
GOODS_MAX = 1_000
#: An item with how many are left of it.
Shelf = Sequence[tuple[Item, int]]


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
