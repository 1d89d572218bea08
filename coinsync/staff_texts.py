"""What clerks and directors read whole, in Russian and English.

A ``StaffText`` is its English, which programs and logs take, with its Russian beside it. Only
whoever prints for a person chooses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coinsync.staff_phrases import NOUNS, TEXTS

#: The languages of ``[school] staff_language``, as they stand in each pair of ``TEXTS``.
RUSSIAN, ENGLISH = "ru", "en"


class StaffText(str):
    """A text in English, with the same in Russian."""

    russian: str


def phrase(id: str, /, **values: Any) -> StaffText:
    """The text of this id with its values; a whole number may choose the form of a noun."""
    russian, english = TEXTS[id]
    return in_both(_filled(russian, 0, values), _filled(english, 1, values))


def columns(id: str) -> tuple[StaffText, ...]:
    """The headings of a table, which one text names with "|" between them."""
    pairs = zip(*(text.split("|") for text in TEXTS[id]), strict=True)
    return tuple(in_both(russian, english) for russian, english in pairs)


def joined(separator: str, *texts: str) -> StaffText:
    """Several whole texts, one after the other."""
    russian = separator.join(in_language(text, RUSSIAN) for text in texts)
    return in_both(russian, separator.join(texts))


def in_language(text: str, language: str) -> str:
    """A text in a language, as far as it has one; any other text as it is."""
    return text.russian if language == RUSSIAN and isinstance(text, StaffText) else str(text)


def counted(count: int, noun: str, plural: str = "") -> str:
    """An English number with its noun, "2 awards"; ``plural`` where an "s" is not enough."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def declined(count: int, forms: tuple[str, str, str]) -> str:
    """Choose a Russian form: 1 монета, 2 монеты, 5 монет; 11 to 14 монет."""
    one, few, many = forms
    teens = abs(count) % 100 // 10 == 1
    last_digit = abs(count) % 10
    if teens:
        return many
    if last_digit == 1:
        return one
    return few if 2 <= last_digit <= 4 else many


def in_both(russian: str, english: str) -> StaffText:
    """A text that is kept elsewhere in both languages."""
    text = StaffText(english)
    text.russian = russian
    return text


def _filled(template: str, place: int, values: Mapping[str, Any]) -> str:
    return template.format_map({name: _Value(value, place) for name, value in values.items()})


@dataclass(frozen=True, slots=True)
class _Value:
    # One value of a text; ``place`` is that of the language in each pair.
    value: Any
    place: int

    def __format__(self, noun: str) -> str:
        value = in_language(self.value, (RUSSIAN, ENGLISH)[self.place])
        if not noun:
            return value
        one, few, many = NOUNS[noun][self.place].split()
        if self.place:
            form = one if self.value == 1 else many
        else:
            form = declined(self.value, (one, few, many))
        return f"{value} {form}"
