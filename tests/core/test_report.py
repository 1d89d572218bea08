"""A month is added up from sums, for the school and for each part of it."""

from __future__ import annotations

from coinsync.core.ledger import Kind
from coinsync.core.report import MonthSum, month_lines

OCTOBER, NOVEMBER = "2026-10", "2026-11"
ADA, GLEB = 101, 102
SCHOOL = ("school", "")
PARTS = {ADA: [SCHOOL, ("branch", "Kazan")], GLEB: [SCHOOL, ("branch", "Omsk")]}
SUMS = [
    MonthSum(ADA, OCTOBER, Kind.AWARD, "group", 40),
    MonthSum(ADA, NOVEMBER, Kind.AWARD, "group", 30),
    MonthSum(ADA, NOVEMBER, Kind.REVERSAL, "group", -10),
    MonthSum(ADA, NOVEMBER, Kind.CREDIT, "olympiad", 50),
    MonthSum(ADA, NOVEMBER, Kind.SALE, "", -60),
    MonthSum(ADA, NOVEMBER, Kind.REFUND, "", 20),
    MonthSum(GLEB, NOVEMBER, Kind.OPENING, "", 7),
    MonthSum(GLEB, NOVEMBER, Kind.DEBIT, "", -5),
    MonthSum(GLEB, NOVEMBER, Kind.REVERSAL, "", 5),
    MonthSum(GLEB, NOVEMBER, Kind.GIFT, "", 3),
]
LINES = month_lines(SUMS, {ADA: 70, GLEB: 10}, PARTS, (OCTOBER, NOVEMBER))


def test_every_part_has_what_its_residents_have() -> None:
    """The parts of the school come to the school."""
    ada = {"issued": 80, "reversed": -10, "spent": -60, "refunded": 20, "coins": 70}
    gleb = {"issued": 10, "spent": -5, "refunded": 5, "coins": 10}
    assert LINES[NOVEMBER, "branch", "Kazan"] == ada
    assert LINES[NOVEMBER, "branch", "Omsk"] == gleb
    together = {name: coins + gleb.get(name, 0) for name, coins in ada.items()}
    assert LINES[NOVEMBER, *SCHOOL] == together


def test_a_month_begins_with_what_the_one_before_left() -> None:
    """And ends with that and all that moved."""
    for part in (SCHOOL, *(parts[1] for parts in PARTS.values())):
        before, month = LINES[OCTOBER, *part], LINES[NOVEMBER, *part]
        moved = sum(coins for name, coins in month.items() if name != "coins")
        assert before["coins"] + moved == month["coins"]


def test_purposes_are_rules_ways_and_what_was_done_by_hand() -> None:
    """What was taken back counts for that for which it was given; nothing circulates there."""
    purposes = {key[2]: line for key, line in LINES.items() if key[:2] == (NOVEMBER, "for")}
    assert purposes == {
        "group": {"issued": 30, "reversed": -10},
        "olympiad": {"issued": 50},
        "sale": {"spent": -60},
        "refund": {"refunded": 20},
        "opening": {"issued": 7},
        "debit": {"spent": -5},
        "reversal": {"refunded": 5},
        "gift": {"issued": 3},
    }
