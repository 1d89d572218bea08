"""What a clerk types at a till: who buys, who pays a part, and which goods."""

import re
from collections import Counter
from collections.abc import Mapping

from coinsync.core.catalog import Item, Pick, named
from coinsync.core.identity import plain_number
from coinsync.errors import Ambiguous, NotFound, UsageError
from coinsync.staff_texts import phrase

# "3x2" is two of the third in the list. "mug*2" is two of what a code or a name means: there an x
# may be a part of it.
_TIMES = re.compile(r"(?<=^\d)[xхч](?=\d)|(?<=^\d\d)[xхч](?=\d)|[*×]", re.I)

#: The same keys of a keyboard in its two layouts: nobody looks at the layout while children wait.
_LATIN, _RUSSIAN = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`", "йцукенгшщзхъфывапролджэячсмитьбюё"
_OTHER_LAYOUT = str.maketrans(_LATIN + _RUSSIAN, _RUSSIAN + _LATIN)


def other_layout(text: str) -> str:
    """What the same keys give in the keyboard's other layout: "flf" → "ада"."""
    return text.casefold().translate(_OTHER_LAYOUT)


def who_and_goods(line: str) -> tuple[str, str]:
    """Cut a line: a word with a digit that comes first is who buys, else all words before one."""
    words = line.split()
    digits = [place for place, word in enumerate(words) if any(map(str.isdigit, word))]
    end = max(1, min(digits, default=len(words)))
    return " ".join(words[:end]), " ".join(words[end:])


def payers(text: str) -> list[tuple[str, int | None]]:
    """Who pays how much, in "150+160=33": #160 pays 33, #150 the rest. Raises ``UsageError``."""
    first, *others = text.split("+")
    parts: list[tuple[str, int | None]] = [(first, None)]
    for part in others:
        who, _, typed = part.rpartition("=")
        coins = plain_number(typed)
        if not who or not coins:
            raise UsageError.of("no_part", typed=repr(part))
        parts.append((who, coins))
    return parts


def picked(text: str, goods: Mapping[int, Item]) -> list[Pick]:
    """What a line of numbers, codes or names chooses, each perhaps so many times.

    Raises ``UsageError``, ``NotFound``, or ``Ambiguous``.
    """
    if not any(char.isdigit() for char in text):
        # A name may have several words; what has digits in it is a list of numbers.
        whole = named(goods.values(), text)
        if len(whole) == 1:
            return [Pick(whole[0], 1)]
    counts: Counter[Item] = Counter()
    for word in text.replace(",", " ").split():
        what, *many = _TIMES.split(word, 1)
        pieces = plain_number(many[0]) if many else 1
        if not pieces:
            raise UsageError.of("how_many", typed=repr(word))
        counts[_item(what, goods)] += pieces
    return [Pick(item, pieces) for item, pieces in counts.items()]


def _item(word: str, goods: Mapping[int, Item]) -> Item:
    number = plain_number(word)
    if number is not None and number in goods:
        return goods[number]
    for text in (word.casefold(), other_layout(word)):
        items = [item for item in goods.values() if item.code == text]
        items = items or named(goods.values(), text)
        if len(items) > 1:
            listed = [f"{item.code} {item.name_ru}" for item in items]
            what = phrase("many_answer", noun="good", name=repr(word), count=len(items))
            raise Ambiguous(what, listed)
        if items:
            return items[0]
    raise NotFound.of("not_on_list", typed=repr(word))
