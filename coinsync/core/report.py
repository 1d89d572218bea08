"""A month of coins as the school's director reads it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from coinsync.core.ledger import Kind

#: What became of coins, as reconcile adds them up, and how many are in circulation at the end.
OUTCOMES = ("issued", "reversed", "spent", "refunded", "coins")
_OUTCOME_OF = {Kind.REVERSAL: "reversed", Kind.REFUND: "refunded"}
_OUTCOME_OF |= dict.fromkeys((Kind.DEBIT, Kind.SALE), "spent")

#: A part of the school and its name, as ("branch", "Kazan"), or what coins were for.
Part = tuple[str, str]
#: Sums by month ("2026-11"), part and name.
MonthLines = defaultdict[tuple[str, str, str], Counter[str]]


class MonthSum(NamedTuple):
    """Coins of a resident in a month by kind and rule: all gains, or all losses."""

    resident: int
    month: str
    kind: Kind
    rule: str
    coins: int


def month_lines(
    sums: Iterable[MonthSum],
    coins: Mapping[int, int],
    parts: Mapping[int, Sequence[Part]],
    months: tuple[str, str],
) -> MonthLines:
    """Add up a month and the one before it, which comes first in ``months``.

    ``coins`` is what residents have at the end of the later one, ``parts`` are where they belong.
    """
    lines: MonthLines = defaultdict(Counter)
    for resident, has in coins.items():
        for part in parts[resident]:
            for month in months:
                lines[month, *part]["coins"] += has
    for total in sums:
        outcome = _OUTCOME_OF.get(total.kind, "issued")
        if outcome == "reversed" and total.coins > 0:
            # It gave back what was spent.
            outcome = "refunded"
        purpose = ("for", total.rule or total.kind.value)
        for part in (*parts[total.resident], purpose):
            lines[total.month, *part][outcome] += total.coins
        if total.month != months[0]:
            # When the month before ended, this was not in circulation yet.
            for part in parts[total.resident]:
                lines[months[0], *part]["coins"] -= total.coins
    return lines
