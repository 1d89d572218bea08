"""The director's month agrees with the ledger, whoever adds it up."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from coinsync.core.facts import Group, Membership, Merge, Presence
from coinsync.core.plan import Post, Put
from coinsync.core.report import MonthLines
from coinsync.lookup.report import month_report
from coinsync.reconcile import prove
from tests.support import engines
from tests.support.goods import MIRA, NAMES, OMSK, TODAY, Shop, a_shop, settings
from tests.support.makers import (
    ADA,
    GLEB,
    a_credit,
    a_plan,
    a_resident,
    an_award,
    reading,
)

ENGINES = engines.BOTH

BRANCHES = {1: "Kazan", OMSK: "Omsk"}
LEFT = 104
OCTOBER, NOVEMBER, DECEMBER = (date(2026, month, 1) for month in (10, 11, 12))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Purses filled in November, an award of October, a mug sold, a child that left with coins."""
    shop = a_shop(tmp_path)
    memberships = [Membership(ADA, 7), Membership(GLEB, 7), Membership(MIRA, 8, NOVEMBER)]
    gone = a_resident(LEFT, "", branches=(), presence=Presence.GONE)
    people = [Put(Group(7, "Python")), Put(Group(8, "Python")), *map(Put, memberships), Put(gone)]
    old, kept = an_award(1, ADA, 10, on=date(2026, 10, 31)), a_credit("kept", LEFT, 12)
    shop.write(a_plan(*people, Post(old), Post(kept)))
    shop.sell({"mug": 1}, ADA)
    return shop


def report(
    shop: Shop, first: date = NOVEMBER, branches: tuple[int, ...] | None = None
) -> MonthLines:
    """The month that begins on a day."""
    with reading(shop.url) as reader:
        return month_report(reader, branches, first, TODAY, BRANCHES)


def test_what_is_in_circulation_is_what_reconcile_proves(shop: Shop) -> None:
    """And what became of coins in all months comes to the same."""
    with reading(shop.url) as reader:
        totals = prove(reader, settings(), shop.now, wanted=("circulation",)).totals
    lines = report(shop)
    assert lines["2026-11", "school", ""]["coins"] == totals.balance
    months = [lines[month, "school", ""] for month in ("2026-10", "2026-11")]
    assert sum(line["issued"] for line in months) == totals.issued
    assert -sum(line["spent"] for line in months) == totals.spent


def test_a_month_goes_on_where_the_one_before_ended(shop: Shop) -> None:
    """Whichever of the two is asked for."""
    then = report(shop, OCTOBER)
    assert then["2026-10", "school", ""] == {"issued": 10, "coins": 10}
    assert report(shop)["2026-10", "school", ""] == then["2026-10", "school", ""]
    later = report(shop, DECEMBER)
    assert later["2026-11", "school", ""] == report(shop)["2026-11", "school", ""]
    assert later["2026-12", "school", ""]["coins"] == later["2026-11", "school", ""]["coins"]


def test_coins_are_those_of_branches_and_groups(shop: Shop) -> None:
    """Groups of one name are told apart; a child of no branch belongs to the school alone."""
    lines = report(shop)
    assert lines["2026-11", "branch", "Kazan"] == {"issued": 150, "spent": -30, "coins": 130}
    assert lines["2026-11", "branch", "Omsk"] == {"issued": 5, "coins": 5}
    assert lines["2026-11", "group", "#7 Python"] == lines["2026-11", "branch", "Kazan"]
    assert lines["2026-11", "group", "#8 Python"] == lines["2026-11", "branch", "Omsk"]
    assert lines["2026-11", "presence", "gone"] == {"issued": 12, "coins": 12}
    only = report(shop, branches=(OMSK,))
    assert only["2026-11", "school", ""] == only["2026-11", "branch", "Omsk"]


def test_a_merged_card_counts_as_the_child(shop: Shop) -> None:
    """Its coins move along, those of the month before too."""
    before = report(shop)
    shop.write(a_plan(Put(Merge(ADA, GLEB, (), (GLEB,)))))
    lines = report(shop)
    assert lines["2026-11", "school", ""] == before["2026-11", "school", ""]
    assert lines["2026-11", "resident", f"#{GLEB} {NAMES[GLEB]}"]["coins"] == 130
    assert ("2026-11", "resident", f"#{ADA} {NAMES[ADA]}") not in lines


def test_goods_are_worth_what_they_cost(shop: Shop) -> None:
    """Those that are counted; what sold is told from what lies there."""
    lines = report(shop)
    goods = {key[2]: line for key, line in lines.items() if key[1] == "goods"}
    assert goods["Вещь mug"] == {"spent": -30, "coins": 4 * 30}
    assert goods["Вещь pen"] == {"spent": 0, "coins": 5 * 7}
    assert lines["2026-11", "stock", "all goods"] == {"spent": -30, "coins": 155}
