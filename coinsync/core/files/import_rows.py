"""The rows of an import: credits, debits and opening balances that staff keep in a spreadsheet.

A file is taken as a whole or not at all, and every problem of every row is named. Each row has a
key in the ledger, so that the same file a second time adds nothing.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from coinsync.core.files.sheet import (
    Problem,
    RowReader,
    day_in,
    digits_in,
    quoted,
    read_sheet,
    repeated,
    suggestion,
)
from coinsync.core.identity import folded, plain_number
from coinsync.core.ledger import Kind

#: The columns and their other headings.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "resident": ("ученик", "резидент", "ребёнок", "имя", "кому"),
    "coins": ("монеты", "баллы", "сумма"),
    "kind": ("вид", "операция"),
    "reason": ("причина", "за что", "комментарий"),
    "way": ("способ",),
    "date": ("дата",),
    "key": ("ключ",),
}

RESIDENT_LENGTH_MAX = 200
REASON_LENGTH_MAX = 200
KEY_LENGTH_MAX = 100
EARLIEST = date(2000, 1, 1)

#: What begins every key that comes from a file.
KEY_PREFIX = "csv:"

#: The others are what spreadsheets and editors make of the first.
_MINUS = "-−–—‐‑"
_KINDS = {
    **dict.fromkeys(_MINUS, Kind.DEBIT),
    "credit": Kind.CREDIT,
    "начисление": Kind.CREDIT,
    "зачисление": Kind.CREDIT,
    "+": Kind.CREDIT,
    "debit": Kind.DEBIT,
    "списание": Kind.DEBIT,
    "opening": Kind.OPENING,
    "остаток": Kind.OPENING,
    "начальный остаток": Kind.OPENING,
}
_KINDS_AS_COMPARED = {folded(word): kind for word, kind in _KINDS.items()}
_NUMBER = re.compile(rf"([{_MINUS}+]?)([0-9]+)")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]*")


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One row, understood; ``coins`` is below 0 for a debit alone.

    ``resident`` is what was typed; ``way`` is "" or the code of a way to earn; ``day`` is None
    where the row does not say.
    """

    line: int
    resident: str
    coins: int
    kind: Kind
    reason: str
    way: str
    day: date | None
    key: str


def read_import_rows(
    content: bytes, *, ways: Mapping[str, int], coins_max: int
) -> tuple[tuple[ImportRow, ...], tuple[Problem, ...]]:
    """Read a file of credits and debits; ``ways`` says what each way to earn gives.

    A row that has a problem is of use for its resident alone. Whether a day is still to come
    depends on the resident's branch, and is not asked here. Raises ``ImportRefused`` where the rows
    cannot be read at all.
    """
    sheet = read_sheet(content, COLUMNS, needed=(("resident",), ("coins", "way")))
    problems: list[Problem] = list(sheet.problems)
    rows: list[ImportRow] = []
    meanings: list[list[str]] = []
    for sheet_row in sheet.rows:
        reader = _ImportRowReader(sheet_row, problems, ways, coins_max)
        row = reader.import_row()
        rows.append(row)
        meanings.append(_meaning(row, has_coins=bool(reader.cell("coins"))))
    own_keys = [row.key for row in rows]
    problems += repeated("key", zip(own_keys, sheet.rows, strict=True))
    digest = _digest(meanings)
    keyed = []
    # Rows are counted and not lines: an empty line more would otherwise give other keys to the same
    # rows. The headings are the first, so that mostly the number is also that of the line.
    for number, row in enumerate(rows, start=2):
        keyed.append(replace(row, key=KEY_PREFIX + (row.key or f"{digest}:{number}")))
    return tuple(keyed), tuple(problems)


def _meaning(row: ImportRow, *, has_coins: bool) -> list[str]:
    # A spreadsheet rewrites days and numbers when it saves a file, and that changes nothing. What a
    # way gives is left out: when the school changes it, the file of last week must not look like
    # another one.
    coins = str(row.coins) if has_coins else ""
    day = row.day.isoformat() if row.day else ""
    return [row.resident, coins, row.kind.value, row.reason, row.way, day, row.key]


def _digest(meanings: Sequence[Sequence[str]]) -> str:
    # Of what a file says, and not of how it is written.
    written = json.dumps(meanings, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()[:16]


@dataclass(slots=True)
class _ImportRowReader(RowReader):
    ways: Mapping[str, int]
    coins_max: int

    def import_row(self) -> ImportRow:
        """The row with its own key, or none; of use only if there are no problems."""
        kind = self._kind()
        way = self._way()
        coins = self._coins(kind, way)
        if kind is None:
            kind = Kind.DEBIT if coins < 0 else Kind.CREDIT
        resident = self.text("resident", RESIDENT_LENGTH_MAX, needed=True)
        # A way says why by itself, and an opening balance has no reason but being one.
        needs_reason = not self.cell("way") and kind is not Kind.OPENING
        reason = self.text("reason", REASON_LENGTH_MAX, needed=needs_reason)
        day, key = self._day(), self._key()
        return ImportRow(self.row.line, resident, coins, kind, reason, way, day, key)

    def cell(self, column: str) -> str:
        return self.row.cells.get(column, "")

    def _kind(self) -> Kind | None:
        word = self.cell("kind")
        kind = _KINDS_AS_COMPARED.get(folded(word))
        if word and kind is None:
            near = suggestion(word, _KINDS)
            self.complain("kind", f"{quoted(word)} is neither credit, debit nor opening{near}")
        return kind

    def _way(self) -> str:
        word = self.cell("way")
        if word in self.ways:
            return word
        # A spreadsheet likes to begin a cell with a capital.
        codes = {folded(code): code for code in self.ways}
        way = codes.get(folded(word), "")
        if word and not way:
            near = suggestion(word, self.ways)
            self.complain("way", f"{quoted(word)} is none of the ways to earn{near}")
        return way

    def _coins(self, kind: Kind | None, way: str) -> int:
        if not self.cell("coins"):
            return self._coins_of_way(kind, way)
        coins = self._coins_typed(kind)
        if coins and way and coins != self.ways[way]:
            given = self.ways[way]
            self.complain("coins", f"{coins} is not what the way {quoted(way)} gives: {given}")
        return coins

    def _coins_of_way(self, kind: Kind | None, way: str) -> int:
        if not way:
            # Where a way is named that nobody knows, that is the problem and not the coins.
            if not self.cell("way"):
                self.complain("coins", "is empty")
            return 0
        coins = self.ways[way]
        if kind is not None and (coins < 0) != (kind is Kind.DEBIT):
            reason = f"the way {quoted(way)} gives {coins} coins, which is no {kind.value}"
            self.complain("kind", reason)
        return coins

    def _coins_typed(self, kind: Kind | None) -> int:
        text = self.cell("coins")
        number = _NUMBER.fullmatch(digits_in(text))
        if number is None:
            self.complain("coins", f"{quoted(text)} is not a whole number")
            return 0
        sign = number[1]
        # A number of too many digits is above any limit.
        amount = plain_number(number[2].lstrip("0") or "0")
        is_minus = bool(sign) and sign in _MINUS
        is_taken = kind is Kind.DEBIT or is_minus
        if amount == 0:
            self.complain("coins", f"{quoted(text)} moves nothing; leave such a row out")
        elif amount is None or amount > self.coins_max:
            limit = f"the limit of {self.coins_max} for one row"
            self.complain("coins", f"{quoted(text)} is above {limit}")
        elif kind is not None and sign and is_minus != (kind is Kind.DEBIT):
            self.complain("coins", f"{quoted(text)} has the wrong sign for {kind.value}")
        else:
            return -amount if is_taken else amount
        return 0

    def _day(self) -> date | None:
        text = self.cell("date")
        if not text:
            return None
        day = day_in(text)
        if day is None:
            self.complain("date", f"{quoted(text)} is not a day like 2026-11-20 or 20.11.2026")
        elif day < EARLIEST:
            self.complain("date", f"{quoted(text)} is before {EARLIEST}")
        return day

    def _key(self) -> str:
        text = self.cell("key")
        limit = KEY_LENGTH_MAX - len(KEY_PREFIX)
        if text and not _KEY.fullmatch(text):
            reason = f"{quoted(text)} is no key: a Latin letter or digit first, then also : . _ -"
            self.complain("key", reason)
        elif len(text) > limit:
            length = f"has {len(text)} characters, and {limit} are the limit"
            self.complain("key", f"{quoted(text)} {length}")
        else:
            return text.lower()
        return ""
