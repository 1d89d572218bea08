"""The rows of an import: credits, debits and opening balances that staff keep in a spreadsheet.

A file is taken as a whole or not at all, and every problem of every row is named. Each row has a key in the ledger, so
that the same file a second time adds nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from coinsync.core.files.sheet import Problem, Row, folded, quoted, read_sheet, refusal, suggestion
from coinsync.core.identity import clean
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

_KINDS = {
    "credit": Kind.CREDIT,
    "начисление": Kind.CREDIT,
    "зачисление": Kind.CREDIT,
    "+": Kind.CREDIT,
    "debit": Kind.DEBIT,
    "списание": Kind.DEBIT,
    "-": Kind.DEBIT,
    "−": Kind.DEBIT,
    "opening": Kind.OPENING,
    "остаток": Kind.OPENING,
    "начальный остаток": Kind.OPENING,
}
_NUMBER = re.compile(r"([+−-]?)([0-9]+)")
_DIGITS_MAX = 18
_ISO_DAY = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})")
_RUSSIAN_DAY = re.compile(r"(?P<day>[0-9]{2})\.(?P<month>[0-9]{2})\.(?P<year>[0-9]{4})")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]*")


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One row, understood. ``coins`` is below 0 for a debit alone; ``day`` is None where the row does not say.

    ``resident`` is what was typed ("#101", "crm:101", a name); ``way`` is "" or one of the school's ways to earn.
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
) -> tuple[ImportRow, ...]:
    """Read a file of deeds; ``ways`` says what each way to earn gives.

    Whether a day is still to come hangs on the resident's branch, and is not asked here. Raises
    ``ImportRefused`` with all problems.
    """
    sheet = read_sheet(content, COLUMNS, needed=(("resident",), ("coins", "way")))
    problems = list(sheet.problems)
    readers = [_Reader(row, ways, coins_max, problems) for row in sheet.rows]
    proposals = [reader.proposal() for reader in readers]
    problems += _repeated(proposals)
    if problems:
        raise refusal(problems)
    digest = _digest(
        [reader.meaning(proposal) for reader, proposal in zip(readers, proposals, strict=True)]
    )
    # Rows are counted and not lines: an empty line more would otherwise give other keys to the same rows. The headings
    # are the first, so that mostly the number is also that of the line.
    return tuple(
        replace(proposal, key=KEY_PREFIX + (proposal.key or f"{digest}:{number}"))
        for number, proposal in enumerate(proposals, start=2)
    )


def _digest(meanings: Sequence[Sequence[str]]) -> str:
    """Digest of what a file says, and not of how it is written: 16 hexadecimal digits."""
    written = json.dumps(meanings, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()[:16]


def _repeated(proposals: Sequence[ImportRow]) -> list[Problem]:
    """Rows whose own key an earlier row has already."""
    first: dict[str, int] = {}
    return [
        Problem(
            proposal.line, "key", f"{quoted(proposal.key)} stands in line {first[proposal.key]} too"
        )
        for proposal in proposals
        if proposal.key and first.setdefault(proposal.key, proposal.line) != proposal.line
    ]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one row: what cannot be read is added to ``problems``, and the other cells are read all the same."""

    row: Row
    ways: Mapping[str, int]
    coins_max: int
    problems: list[Problem]

    def proposal(self) -> ImportRow:
        """The row with its own key, or none; of use only if there are no problems."""
        kind, way = self._kind(), self._way()
        coins = self._coins(kind, way)
        kind = kind or (Kind.DEBIT if coins < 0 else Kind.CREDIT)
        resident = self._text("resident", RESIDENT_LENGTH_MAX)
        if not resident:
            self._complain("resident", "is empty")
        reason = self._text("reason", REASON_LENGTH_MAX)
        if not reason and not self._cell("way") and kind is not Kind.OPENING:
            self._complain("reason", "is empty")
        return ImportRow(
            self.row.line, resident, coins, kind, reason, way, self._day(), self._key()
        )

    def meaning(self, proposal: ImportRow) -> list[str]:
        """What the row says, by itself alone.

        A spreadsheet rewrites days and numbers when it saves a file, and that changes nothing. What a way gives is
        left out: when the school changes it, the file of last week must not look like another one.
        """
        coins = str(proposal.coins) if self._cell("coins") else ""
        day = proposal.day.isoformat() if proposal.day else ""
        return [
            proposal.resident,
            coins,
            proposal.kind.value,
            proposal.reason,
            proposal.way,
            day,
            proposal.key,
        ]

    def _cell(self, column: str) -> str:
        return self.row.cells.get(column, "")

    def _complain(self, column: str, reason: str) -> None:
        self.problems.append(Problem(self.row.line, column, reason))

    def _text(self, column: str, length_max: int) -> str:
        text = clean(self._cell(column))
        if len(text) > length_max:
            self._complain(column, f"has {len(text)} characters, and {length_max} are the limit")
        return text

    def _kind(self) -> Kind | None:
        word = self._cell("kind")
        kind = _KINDS.get(folded(word))
        if word and kind is None:
            self._complain(
                "kind",
                f"{quoted(word)} is neither credit, debit nor opening{suggestion(word, _KINDS)}",
            )
        return kind

    def _way(self) -> str:
        """The code of the way, or "" where there is none or none of that name."""
        word = self._cell("way")
        # A spreadsheet likes to begin a cell with a capital.
        known = {folded(code): code for code in self.ways}
        way = word if word in self.ways else known.get(folded(word), "")
        if word and not way:
            self._complain(
                "way", f"{quoted(word)} is none of the ways to earn{suggestion(word, self.ways)}"
            )
        return way

    def _coins(self, kind: Kind | None, way: str) -> int:
        """Coins with the sign of the deed, from their cell or from the way; 0 where they cannot be read."""
        if not self._cell("coins"):
            return self._coins_of_way(kind, way)
        coins = self._coins_typed(kind)
        if coins and way and coins != self.ways[way]:
            self._complain(
                "coins", f"{coins} is not what the way {quoted(way)} gives: {self.ways[way]}"
            )
        return coins

    def _coins_of_way(self, kind: Kind | None, way: str) -> int:
        if not way:
            if not self._cell("way"):
                self._complain("coins", "is empty")
            return 0
        coins = self.ways[way]
        if coins == 0 or abs(coins) > self.coins_max:
            self._complain(
                "way", f"{quoted(way)} gives {coins} coins, and 1 to {self.coins_max} are possible"
            )
        elif kind is not None and (coins < 0) != (kind is Kind.DEBIT):
            self._complain(
                "kind", f"the way {quoted(way)} gives {coins} coins, which is no {kind.value}"
            )
        return coins

    def _coins_typed(self, kind: Kind | None) -> int:
        text = self._cell("coins")
        number = _NUMBER.fullmatch(text)
        if number is None:
            self._complain("coins", f"{quoted(text)} is not a whole number")
            return 0
        sign, digits = number[1], number[2].lstrip("0") or "0"
        # No number of so many digits is below any limit, and none is worth reading.
        amount = int(digits) if len(digits) <= _DIGITS_MAX else None
        if amount == 0:
            self._complain("coins", f"{quoted(text)} moves nothing; leave such a row out")
        elif amount is None or amount > self.coins_max:
            self._complain(
                "coins", f"{quoted(text)} is above the limit of {self.coins_max} for one row"
            )
        elif kind is not None and sign and (sign != "+") != (kind is Kind.DEBIT):
            self._complain("coins", f"{quoted(text)} has the wrong sign for {kind.value}")
        else:
            return -amount if kind is Kind.DEBIT or sign in ("-", "−") else amount
        return 0

    def _day(self) -> date | None:
        text = self._cell("date")
        if not text:
            return None
        written = _ISO_DAY.fullmatch(text) or _RUSSIAN_DAY.fullmatch(text)
        try:
            day = (
                date(int(written["year"]), int(written["month"]), int(written["day"]))
                if written
                else None
            )
        except ValueError:
            day = None
        if day is None:
            self._complain("date", f"{quoted(text)} is not a day like 2026-11-20 or 20.11.2026")
        elif day < EARLIEST:
            self._complain("date", f"{quoted(text)} is before {EARLIEST}")
        return day

    def _key(self) -> str:
        """The row's own key in lower case, or "" where it has none."""
        text = self._cell("key")
        if text and not _KEY.fullmatch(text):
            self._complain(
                "key", f"{quoted(text)} is no key: a Latin letter or digit first, then also : . _ -"
            )
        elif len(KEY_PREFIX) + len(text) > KEY_LENGTH_MAX:
            limit = KEY_LENGTH_MAX - len(KEY_PREFIX)
            self._complain(
                "key", f"{quoted(text)} has {len(text)} characters, and {limit} are the limit"
            )
        else:
            return text.lower()
        return ""
