"""What clerks and directors read: every text in both languages, whole, with the same values."""

from __future__ import annotations

import ast
import re
from itertools import product
from pathlib import Path
from string import Formatter

import pytest

from coinsync.core.facts import Presence
from coinsync.staff_texts import NOUNS, RUSSIAN, TEXTS, columns, in_language, joined, phrase

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
    """They take the same values, and each noun that one names has its forms."""
    russian, english = TEXTS[id]
    assert values_of(russian) == values_of(english)
    for template in (russian, english):
        nouns = {noun for _, _, noun, _ in Formatter().parse(template) if noun}
        assert nouns <= NOUNS.keys()


def test_every_text_is_said() -> None:
    """No id stands there for nothing."""
    code = "".join(path.read_text(encoding="utf-8") for path in PRODUCT.rglob("*.py"))
    unsaid = {id for id in TEXTS if code.count(f'"{id}"') < 2}
    # What a text is about chooses among some.
    counts, nouns = ("no", "many"), ("resident", "group", "item")
    chosen = {f"{count}_{noun}" for count, noun in product(counts, nouns)}
    assert unsaid <= chosen | set(Presence)


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
    """What is refused, and that nothing was written, are in one language."""
    refusal = phrase("nothing_written", what=phrase("is_erased", id=101))
    assert str(refusal) == "#101 is erased; nothing written"
    assert in_language(refusal, RUSSIAN) == "#101: данные ученика стёрты; ничего не записано"
    both = joined("; ", phrase("undone", run=3), "Ада")
    assert in_language(both, RUSSIAN) == "запуск 3 уже отменён; Ада"
    assert in_language("plain", RUSSIAN) == "plain"


def test_headings_have_both_languages() -> None:
    """Each heading is a text by itself."""
    first = columns("moves")[0]
    assert (first, in_language(first, RUSSIAN)) == ("resident", "ученик")
