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

    ``resident`` is what was typed; ``day`` is None where the row does not say.
    """

    line: int
    resident: str
    coins: int
    kind: Kind
    reason: str
    day: date | None
    key: str


def read_import_rows(
    content: bytes, *, coins_max: int
) -> tuple[tuple[ImportRow, ...], tuple[Problem, ...]]:
    """Read a file of credits and debits.

    A row that has a problem is of use for its resident alone. Whether a day is still to come
    depends on the resident's branch, and is not asked here. Raises ``ImportRefused`` where the rows
    cannot be read at all.
    """
    sheet_rows, problems = read_sheet(content, COLUMNS, needed=("resident", "coins"))
    rows: list[ImportRow] = []
    for sheet_row in sheet_rows:
        rows.append(_ImportRowReader(sheet_row, problems, coins_max).import_row())
    own_keys = [row.key for row in rows]
    problems += repeated("key", zip(own_keys, sheet_rows, strict=True))
    digest = _digest(rows)
    keyed = []
    # Rows are counted and not lines: an empty line more would otherwise give other keys to the same
    # rows. The headings are the first, so that mostly the number is also that of the line.
    for number, row in enumerate(rows, start=2):
        keyed.append(replace(row, key=KEY_PREFIX + (row.key or f"{digest}:{number}")))
    return tuple(keyed), tuple(problems)


def _digest(rows: Sequence[ImportRow]) -> str:
    # Of what a file says, and not of how it is written: a spreadsheet that saves it again rewrites
    # days and numbers.
    meanings = []
    for row in rows:
        day = row.day.isoformat() if row.day else ""
        meanings.append([row.resident, row.coins, row.kind.value, row.reason, day, row.key])
    written = json.dumps(meanings, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()[:16]


@dataclass(slots=True)
class _ImportRowReader(RowReader):
    coins_max: int

    def import_row(self) -> ImportRow:
        """The row with its own key, or none; of use only if there are no problems."""
        kind = self._kind()
        coins = self._coins(kind)
        if kind is None:
            kind = Kind.DEBIT if coins < 0 else Kind.CREDIT
        resident = self.text("resident", RESIDENT_LENGTH_MAX, needed=True)
        # An opening balance has no reason but being one.
        needs_reason = kind is not Kind.OPENING
        reason = self.text("reason", REASON_LENGTH_MAX, needed=needs_reason)
        day, key = self._day(), self._key()
        return ImportRow(self.row.line, resident, coins, kind, reason, day, key)

    def _kind(self) -> Kind | None:
        word = self.cell("kind")
        kind = _KINDS_AS_COMPARED.get(folded(word))
        if word and kind is None:
            near = suggestion(word, _KINDS)
            self.complain("kind", f"{quoted(word)} is neither credit, debit nor opening{near}")
        return kind

    def _coins(self, kind: Kind | None) -> int:
        text = self.cell("coins")
        if not text:
            self.complain("coins", "is empty")
            return 0
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
