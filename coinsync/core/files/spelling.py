"""Whether a text looks like Russian, and in which encoding it was written if it does not.

A wrong encoding gives letters as well, only other ones: capitals within words, signs in the place
of letters, letters of other languages, and few of those that Russian uses most.
"""

import re
from collections.abc import Iterable, Iterator

#: So much of a file says in which encoding it is.
WHOLE_MAX = 20_000

#: The encodings that people save in, as Python calls them and as a person does.
_NAMES = {
    "cp1251": "Windows-1251",
    "cp866": "cp866",
    "koi8_r": "KOI8-R",
    "mac_cyrillic": "MacCyrillic",
    "iso8859_5": "ISO 8859-5",
    "utf-8": "UTF-8",
    "cp1252": "Windows-1252",
}
_COMMON = frozenset("оеаинтсрвл")
_USUAL, _RARE = frozenset("бгдзйкмпучыья"), frozenset("жфхцшщъэюё")
_NEIGHBOURS = frozenset("іїєґў")
_MARKS = frozenset("«»№—–…“”„‘’\xa0°®©™§±·•€×½²³")
#: What a sign costs that stands where none should.
_WRONG = 4

_WORD = re.compile(r"[^\x00-@\[-`{-\x7f]+")
_LATIN = re.compile("[a-z]")
_ABBREVIATION = re.compile("[А-ЯЁ]{1,4}")
# What no Russian text has, but for names as "ЭкоЛайф".
_STRANGE = re.compile("[^\x00-\x7fА-яЁё«»№—–…“”„‘’\xa0]|[а-яё][А-ЯЁ]|[…–—“”„‘’][а-яё]")
_OUT_OF_PLACE = re.compile("[а-яё][А-ЯЁ]|[А-ЯЁ]{2}(?=[а-яё])|[…–—“”„‘’•™€°][а-яё]")
# A letter in whose place stands a sign for any, a question mark, or one that nobody types.
_LOST = re.compile(r"[\ufffd\udc80-\udcff\x7f-\x84\x86-\x9f]|(?<![^\s;,\"])\?{3}")
_CELL = re.compile(r'[^;,\t\n"]+')


def cost(text: str) -> int:
    """How unlikely a text is in Russian: good texts cost half a point for each letter or less."""
    total = 0
    for word in _WORD.findall(text):
        # An abbreviation may have any letters.
        if not word.isascii() and not _ABBREVIATION.fullmatch(word):
            total += _word_cost(word)
    return total


def _word_cost(word: str) -> int:
    total = _WRONG if _OUT_OF_PLACE.search(word) else 0
    letters = word.lower()
    # An accent belongs to the Latin letters beside it; alone it is a letter of another encoding.
    is_latin = _LATIN.search(letters) is not None
    for letter in letters:
        if letter.isascii() or letter in _COMMON or letter in _MARKS:
            continue
        is_accent = is_latin and letter.isalpha() and letter < "ɐ"
        if letter in _USUAL:
            total += 1
        elif letter in _RARE or letter in _NEIGHBOURS or is_accent:
            total += 2
        else:
            total += _WRONG
    return total


def misread(text: str, shown_as: Iterable[str], margin: int) -> str:
    """What a text is written in, if it was read in one of ``shown_as`` and costs less otherwise.

    "" where the text as it is costs as little as any other, but for ``margin``.
    """
    least, name = cost(text) - margin, ""
    for shown in shown_as:
        # What is shown as UTF-8 was UTF-8.
        for written in _NAMES if shown != "utf-8" else ():
            try:
                # A byte that the wrong encoding does not know is carried along.
                other = text.encode(shown, "surrogateescape").decode(written)
            except UnicodeError:
                continue
            if cost(other) < least:
                least, name = cost(other), _NAMES[written]
    return name


def misspelt(text: str, *, is_old: bool) -> Iterator[tuple[int, str]]:
    """Where a text is none that a person wrote, and why; each with its position in the text.

    ``is_old`` says that it is no UTF and was read as Windows-1251.
    """
    lost = _LOST.search(text)
    cells: dict[str, int] = {}
    for cell in _CELL.finditer(text):
        if not cell[0].isascii():
            cells.setdefault(cell[0], cell.start())
    spoilt = _misspelt_cells(cells, ["cp1251"] if is_old else list(_NAMES))
    first = next(spoilt, None) if is_old else None
    # Any bytes are right Windows-1251, so all of them together have to look like Russian. Capitals
    # alone may look like small letters of another encoding.
    whole = "\n".join(cells)[:WHOLE_MAX] if is_old else ""
    written = misread(whole, ["cp1251"], margin=1 if _STRANGE.search(whole) else 8)
    # Lines in UTF-8 that were pasted into another file are told first: they prove themselves.
    if written and not (first and _NAMES["utf-8"] in first[1]):
        yield 0, f"the letters are those of {written}"
    elif first:
        yield first
    elif lost:
        yield lost.start(), "letters are lost or cannot be read"
    elif cost(whole) > 4 + sum(not char.isascii() for char in whole):
        yield 0, "the letters are no Russian in any encoding that is known"
    else:
        yield from spoilt


def _misspelt_cells(cells: dict[str, int], shown_as: list[str]) -> Iterator[tuple[int, str]]:
    """In a file that looks right a cell may still have come from another one."""
    for text, begin in cells.items():
        # Most texts are good Russian, and nothing costs less than that.
        if _STRANGE.search(text):
            written = misread(text, shown_as, margin=5)
            if written:
                yield begin, f"the letters were those of {written} once"
