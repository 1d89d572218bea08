"""The catalog as a family reads it: what there is, what it costs, what is left, and for whom it is enough. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from coinsync.core.catalog import Item
from webview.school import School
from webview.texts import Texts

#: As many as a catalog file may hold.
GOODS_MAX = 1_000

#: An item with how many are left of it.
Shelf = Sequence[tuple[Item, int]]


@dataclass(frozen=True, slots=True)
class Buyer:
    """A child with its coins, as the catalog counts them; ``name`` "" where there is no other child to tell it from."""

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
    """One of the goods; ``letter`` stands where there is no ``picture``, ``stock`` is "" where pieces are not counted.

    ``price`` is the number as read, ``cost`` the same for a program; ``heart`` is what the button for favourites says.
    """

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
    """Neighbours of one kind; ``title`` is "" for those that have none, ``number`` is the same for the same title."""

    number: int
    title: str
    goods: tuple[Good, ...]


def catalog(
    shelf: Shelf, buyers: Sequence[Buyer], pictures: Mapping[str, str], school: School, texts: Texts
) -> tuple[Category, ...]:
    """What the buyers' branches have, everything where there is no buyer; neighbours of one category stand together.

    The order is the catalog's. ``pictures`` are the addresses of pictures by name.
    """
    ours = {branch for buyer in buyers for branch in buyer.branches}
    there = [one for one in shelf[:GOODS_MAX] if not buyers or _is_for(one[0], ours)]

    def category(one: tuple[Item, int]) -> str:
        return texts.of(one[0].category_ru, one[0].category_en)

    numbers: dict[str, int] = {}
    return tuple(
        Category(
            numbers.setdefault(title, len(numbers) + 1),
            title,
            tuple(
                _good(item, left, buyers, pictures.get(item.picture, ""), school, texts)
                for item, left in run
            ),
        )
        for title, run in groupby(there, category)
    )


def _good(
    item: Item, left: int, buyers: Iterable[Buyer], picture: str, school: School, texts: Texts
) -> Good:
    name = texts.of(item.name_ru, item.name_en)
    gone = item.tracked and left <= 0
    stock = texts.left.format(count=texts.words.number(left)) if item.tracked else ""
    return Good(
        code=item.code,
        name=name,
        text=texts.of(item.text_ru, item.text_en),
        picture=picture,
        letter=next((sign for sign in name if sign.isalnum()), "").upper(),
        cost=item.price,
        price=texts.words.number(item.price),
        coins=school.coin_word(item.price, texts),
        stock=texts.none_left if gone else stock,
        gone=gone,
        # Whether coins would do for what is not there is nobody's question.
        reach=()
        if gone
        else tuple(_reach(item, buyer, texts) for buyer in buyers if _is_for(item, buyer.branches)),
        heart=texts.heart.format(name=name),
    )


def _is_for(item: Item, branches: Collection[int]) -> bool:
    return not item.branches or not set(item.branches).isdisjoint(branches)


def _reach(item: Item, buyer: Buyer, texts: Texts) -> Reach:
    lacking = item.price - buyer.balance
    text = texts.enough if lacking <= 0 else texts.lacking.format(coins=texts.words.number(lacking))
    return Reach(buyer.id, buyer.name, lacking <= 0, text)
