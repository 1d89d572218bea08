"""What a row of the ledger, a run or a note must be by itself, before it is compared with others.

SQLite stores a text in a column of numbers, and somebody may have changed the database by hand.
Whatever is wrong with a row is a finding, never an error.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from itertools import product
from typing import get_args, get_type_hints

from coinsync.core.ledger import Kind, LedgerRow, Run, utc_text
from coinsync.core.plan import Purpose

#: In which direction entries of a kind move coins; a reversal goes against what it reverses.
SIGNS: Mapping[str, int] = {
    Kind.AWARD.value: 1,
    Kind.CREDIT.value: 1,
    Kind.OPENING.value: 1,
    Kind.GIFT.value: 1,
    Kind.REFUND.value: 1,
    Kind.DEBIT.value: -1,
    Kind.SALE.value: -1,
    Kind.REVERSAL.value: 0,
}

_PLAIN = re.compile(r"[-+\w:.]{1,40}", re.ASCII)
_PURPOSES = frozenset(map(str, Purpose))
_EMAIL = r"[^\s@]+@[^\s@]+\.[^\s@.]{2,}"
#: A Russian mobile number, ten digits that begin with 9, with or without +7 or 8 before it.
_RUSSIAN_MOBILE = (
    r"(?<![\w.])(?:\+\d{1,3}|8|7)?[\s(-]{0,2}9\d{2}[\s)-]{0,2}\d{3}[\s-]?\d{2}[\s-]?\d{2}(?!\w)"
)
_INTERNATIONAL = r"\+\d[\d\s()-]{8,16}\d"
_PRIVATE = re.compile(f"{_EMAIL}|{_RUSSIAN_MOBILE}|{_INTERNATIONAL}")


#: The types that the values of each column of the ledger may have.
_TYPES = tuple(get_args(hint) or (hint,) for hint in get_type_hints(LedgerRow).values())
#: Every combination of types that a row may have. Every row of the ledger is looked up here, which
#: is several times faster than a comparison column by column.
ROW_SHAPES = frozenset(product(*_TYPES))
_RUN_SHAPE = tuple(get_type_hints(Run).values())


def wrong_columns(row: LedgerRow) -> list[str]:
    """The columns of a row whose values are of another type than may be."""
    columns = zip(LedgerRow._fields, row, _TYPES, strict=True)
    return [column for column, value, types in columns if type(value) not in types]


def word_faults(row: LedgerRow) -> str:
    """What is wrong with kind, day, reason and actor of an entry; "" where all is right."""
    faults = []
    if row.kind not in SIGNS:
        faults.append(f"no kind {plain(row.kind)}")
    if not is_day(row.happened_on):
        faults.append("no day")
    if not row.reason.strip():
        faults.append("no reason")
    if not row.actor.strip():
        faults.append("no actor")
    return ", ".join(faults)


def is_run(run: Run) -> bool:
    """Whether the numbers of a run are numbers and its texts texts."""
    return tuple(map(type, run)) == _RUN_SHAPE


def run_fault(run: Run, place: int) -> str:
    """What is wrong with a run at a place, counted from 1; "" where all is right."""
    if not is_run(run):
        return "it cannot be read"
    if run.id != place:
        return f"it stands where run {place} should"
    right = (
        run.purpose in _PURPOSES
        and run.actor.strip()
        and is_day(run.since)
        and is_day(run.until)
        and is_time(run.posted_at)
    )
    return "" if right else "purpose, actor, days or time are wrong"


def is_day(text: str) -> bool:
    """Whether a text is a day as the ledger writes it: "2026-11-22"."""
    try:
        # Python reads "20261122" as well.
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def is_time(text: str) -> bool:
    """Whether a text is a moment as the ledger writes it: "2026-11-22T02:00:07Z"."""
    try:
        return utc_text(datetime.fromisoformat(text)) == text
    except ValueError:
        return False


def is_private(text: str) -> bool:
    """Whether a text looks as if it held a telephone or an e-mail address."""
    return _PRIVATE.search(text) is not None


def plain(value: object) -> str:
    """A damaged value, short, as a finding may show it.

    It may be anything, personal data too, so only a number or a plain word is shown.
    """
    text = str(value)
    return text if _PLAIN.fullmatch(text) else "something odd"
