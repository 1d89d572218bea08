"""How little a text looks like Russian, and in which encoding it was written if it looks wrong.

A wrong encoding gives letters as well, only other ones. Nothing but the language tells them from
those that were meant: which letters follow one another, and where capitals stand.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

_LETTERS = " абвгдежзийклмнопрстуфхцчшщъыьэюя"
# For each letter, and for the space before a word, what each next one costs: the negative natural
# logarithm of its share in Russian words, at most 9.
_COSTS = (
    "933333553473433323233445447999465274343443543232743335544455999743"
    "426576266295253282473967764435655228676295294363264354976636836894"
    "427565388295364172563888679989779426465245294453253463865559645664"
    "265343544634332542336655445999966425762168294662476483997699995779"
    "414343356394432273673997679635875245344353433332453336544356999753"
    "076664596794553565348675647999987327578386295375173433875879988788"
    "326766267294465279453779689942743125678297295554246473687688946675"
    "327654276294883287333675577925864273233444534333543336556456999765"
    "528888299395385151553887679956785425544256294543265443656657945764"
    "435476379392344335314656569753773226376298294563262353777688842765"
    "243443434553333633337646344999636327968297196355273443388769955667"
    "128467498396454273454878779797589326477196193666467673876989938878"
    "428799169293572585743979759994899428589199193353455633877989983779"
    "529899199199994696993999999995999379999199699689997899999999989741"
    "294355255624424944348927546999996195555385594942568249575546999934"
    "475444775732232633326456759999686163654754664554864329755352999759"
    "195454444754433864438945564999945"
)
_LATIN = "z"
#: Letters of neighbours, each with the one in whose place it stands.
_NEIGHBOURS = str.maketrans("іїєґўё", "ииегуе")
_LOOK_ALIKE = str.maketrans("aceopxyABCEHKMOPTX", "асеорхуАВСЕНКМОРТХ")
_MARKS = frozenset("«»№—–…“”„‘’\xa0°®©™§±·•€×÷½¼¾¹²³→★✓∞≠≈≤≥")
_WORD = re.compile(r"[^\x00-@\[-`{-\x7f]+")
_REPEATED = re.compile(r"(.)\1\1+")
_CAPITAL_WITHIN = re.compile("[а-яё][А-ЯЁ]")
# Letters and signs of far scripts, as one of which several Russian letters may appear in UTF-8.
_FAR = re.compile(r"[\x80-\x9fԀ-\u1fff\u2600-\U0010ffff]")
_PLAIN = re.compile("[\x00-\x7fА-яЁё«»№—]*")
# A letter in whose place stands a sign for any, a question mark, or one that nobody types.
_LOST = re.compile(r"[\ufffd\udc80-\udcff\x7f-\x84\x86-\x9f]|(?<![^\s;,\"])\?{3}")
_CELL = re.compile(r'[^;,\t\n"]+')
#: So much of a file says in which encoding it is.
WHOLE_MAX = 20_000
_MARK_BEFORE = re.compile("[…–—“”„‘’•™€°][а-яё]")

_SINGLE_LETTER, _NEIGHBOUR, _MARK, _ACCENTED, _SIGN = 4, 2, 5, 7, 14
_TWO_ALPHABETS, _ABBREVIATED = 11, 5

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
_RUSSIAN, _OLD = tuple(_NAMES)[:-1], ("cp1251",)


def _costs() -> dict[str, int]:
    costs = {}
    for number, cost in enumerate(_COSTS):
        previous, following = divmod(number, len(_LETTERS))
        costs[_LETTERS[previous] + _LETTERS[following]] = int(cost)
    for letter in _LETTERS:
        costs[_LATIN + letter] = costs[letter + _LATIN] = _TWO_ALPHABETS
    for pair in ("  ", " " + _LATIN, _LATIN + " ", _LATIN + _LATIN):
        costs[pair] = 0
    return costs


_PAIRS = _costs()


def cost(text: str) -> int:
    """How unlikely a text is in Russian; texts in ASCII cost nothing."""
    # A letter that is held down says nothing.
    total = 0
    for word in _WORD.findall(_REPEATED.sub(r"\1", text)):
        if not word.isascii():
            total += min(_word_cost(word), _word_cost(word.translate(_LOOK_ALIKE)))
    return total


def _word_cost(word: str) -> int:
    letters = []
    total = 6 * len(_CAPITAL_WITHIN.findall(word)) + 4 * len(_MARK_BEFORE.findall(word))
    for char in word.lower():
        letter = char.translate(_NEIGHBOURS)
        if letter in _LETTERS:
            total += _NEIGHBOUR if char in "іїєґў" else 0
        elif char.isalpha() and char < "ɐ":
            total += 0 if char.isascii() else _ACCENTED
            letter = _LATIN
        else:
            total += _MARK if char in _MARKS else _SIGN
            letter = " "
        letters.append(letter)
    if len(word) == 1:
        return total + _SINGLE_LETTER if word.isalpha() else total
    for previous, following in pairwise([" ", *letters, " "]):
        total += _PAIRS[previous + following]
    # An abbreviation follows no rule.
    return min(total, _ABBREVIATED * len(word)) if word.isupper() and len(word) < 5 else total


def misread(
    text: str, shown_as: Iterable[str], margin: int, written_in: Iterable[str] = tuple(_NAMES)
) -> str:
    """Which of ``written_in`` a text is probably written in, if it was read in ``shown_as``.

    "" where the text as it is costs as little as any other, but for ``margin``.
    """
    least, name = cost(text) - margin, ""
    for shown in shown_as:
        # What is shown as UTF-8 was UTF-8.
        for written in written_in if shown != "utf-8" else ():
            try:
                # A byte that the wrong encoding does not know is carried along.
                other = text.encode(shown, "surrogateescape").decode(written)
            except UnicodeError:
                continue
            if cost(other) < least and not _FAR.search(other):
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
    whole = "\n".join(cells)[:WHOLE_MAX]
    # Any bytes are right Windows-1251, so all of them together have to look like Russian. Lines in
    # UTF-8 that were pasted into it are found first: they prove themselves.
    pasted = []
    if is_old:
        pasted = [at for cell, at in cells.items() if misread(cell, _OLD, 10, ("utf-8",))]
    written = misread(whole, _OLD, 3) if is_old else ""
    if pasted:
        yield pasted[0], "the letters are those of UTF-8 here and of another encoding elsewhere"
    elif written:
        yield 0, f"the letters are those of {written}"
    elif lost:
        yield lost.start(), "letters are lost or cannot be read"
    elif is_old and cost(whole) > 15 + 5 * sum(not char.isascii() for char in whole):
        yield 0, "the letters are no Russian in any encoding that is known"
    else:
        yield from _misspelt_cells(cells, is_old=is_old)


def _misspelt_cells(cells: Mapping[str, int], *, is_old: bool) -> Iterator[tuple[int, str]]:
    """In a file that looks right a cell may still have come from another one."""
    for text, begin in cells.items():
        # Most texts are good Russian, and nothing costs less than that.
        is_plain = _PLAIN.fullmatch(text) and not _CAPITAL_WITHIN.search(text)
        if is_plain and cost(text) <= 10 + 3 * len(text):
            continue
        written = misread(text, _OLD if is_old else _NAMES, 10, _RUSSIAN)
        if written:
            yield begin, f"the letters were those of {written} once"
