"""What clerks and directors read: every text in both languages, whole, with the same values."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from coinsync.core.facts import Presence
from coinsync.errors import CoinPolicy
from coinsync.staff_phrases import NOUNS, TEXTS
from coinsync.staff_texts import (
    ENGLISH,
    RUSSIAN,
    columns,
    in_language,
    joined,
    phrase,
)

PRODUCT = Path(__file__).resolve().parents[2] / "coinsync"


def values_of(template: str) -> set[str]:
    """The names of the values that a text takes."""
    return {name for _, name, _, _ in Formatter().parse(template) if name}


@pytest.mark.parametrize("id", TEXTS)
def test_every_text_has_both_languages(id: str) -> None:
    """Neither is empty, and the Russian one is written in Russian."""
    russian, english = TEXTS[id]
    assert russian.strip()
    assert english.strip()
    if re.search("[a-z]", re.sub(r"{.*?}", "", english)):
        assert re.search(r"[а-яё]|{\w+:\w+}", russian)
    assert not re.search("[А-Яа-яЁё]", english)
    # A table has as many columns, and numbers stand in the same ones.
    numbers = [[part[:1] == ">" for part in text.split("|")] for text in (russian, english)]
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("id", TEXTS)
def test_both_languages_say_the_same(id: str) -> None:
    """They take the same values, and each noun that one names has its forms.

    An English ``what`` or ``noun`` is said otherwise in Russian.
    """
    russian, english = TEXTS[id]
    if not values_of(english) & {"what", "noun"}:
        assert values_of(russian) == values_of(english)
    for template in (russian, english):
        nouns = {noun for _, _, noun, _ in Formatter().parse(template) if noun}
        assert nouns <= NOUNS.keys()


def test_every_text_is_said() -> None:
    """No id stands there for nothing."""
    code = "".join(path.read_text(encoding="utf-8") for path in PRODUCT.rglob("*.py"))
    unsaid = {id for id in TEXTS if f'"{id.removesuffix("_advice")}"' not in code}
    by_class = {id for id in TEXTS if f'phrase("{id}")' in code}
    assert unsaid - by_class <= set(Presence)


def test_no_sentence_is_built_from_pieces() -> None:
    """No text is put into another string, where its Russian would be lost."""
    for path in PRODUCT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.JoinedStr, ast.BinOp)):
                called = {
                    call.func.id
                    for call in ast.walk(node)
                    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
                }
                assert not called & {"phrase", "joined"}, (path, node.lineno)


@pytest.mark.parametrize(
    ("count", "russian", "english"),
    [
        (0, "0 записей", "0 entries"),
        (1, "1 запись", "1 entry"),
        (2, "2 записи", "2 entries"),
        (11, "11 записей", "11 entries"),
        (21, "21 запись", "21 entries"),
    ],
)
def test_a_noun_follows_its_number(count: int, russian: str, english: str) -> None:
    """Each language has its own forms."""
    text = phrase("moves_total", count=count, coins="+5")
    assert str(text).startswith(f"{english},")
    assert in_language(text, RUSSIAN).startswith(f"{russian},")


def test_a_text_in_a_text_keeps_its_language() -> None:
    """What is refused, that nothing was written, and the advice are in one language.

    What has no Russian is English as a whole.
    """
    refusal = CoinPolicy.of("item_archived", item="mug")
    assert refusal.in_language(ENGLISH)[0] == "mug is archived; nothing written"
    assert refusal.in_language(RUSSIAN) == (
        "mug в архиве; ничего не записано",
        'Что сделано раньше, покажет "coinsync journal".',
    )
    plain = CoinPolicy("plain")
    assert plain.in_language(RUSSIAN) == plain.in_language(ENGLISH)
    both = joined("; ", phrase("takes_back", n=3), "Ада")
    assert in_language(both, RUSSIAN) == "отменяет запись 3; Ада"
    assert in_language("plain", RUSSIAN) == "plain"


def test_headings_have_both_languages() -> None:
    """Each heading is a text by itself."""
    first = columns("moves")[0]
    assert (first, in_language(first, RUSSIAN)) == ("resident", "ученик")
