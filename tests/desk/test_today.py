"""What a resident's today is: the day at their own branch, whoever asks and whatever for.

At the moment of these tests it is the first of December in Moscow, and the second in Kamchatka.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

import cli
from coinsync import config
from coinsync.commands import demo
from coinsync.commands.session import Session, WebView
from coinsync.core.catalog import Event, MoveKind, Pick
from coinsync.core.facts import (
    Decision,
    GroupStanding,
    Hold,
    HoldKind,
    Link,
    LinkSource,
    Membership,
)
from coinsync.core.files.import_rows import read_import_rows
from coinsync.core.ledger import lesson_key
from coinsync.core.plan import Plan, Post, Purpose, Put, Stock
from coinsync.core.planning.review import Ruling
from coinsync.core.proposal import Author, Proposal
from coinsync.desk import catalog, coins, fairs, imports, people, review, shop
from coinsync.desk.gather import Clerk
from coinsync.errors import ImportRefused, UsageError
from coinsync.lookup.residents import find_resident, roster, with_coins
from coinsync.lookup.shop import find_item, find_sale
from coinsync.store import writer
from tests.support.goods import a_move, an_item
from tests.support.makers import (
    ACCOUNT,
    a_credit,
    a_lesson,
    a_plan,
    a_resident,
    environment,
    new_database,
    order,
    present,
    reading,
    writing,
)

NOW = datetime(2026, 12, 1, 20, tzinfo=UTC)
FIRST, SECOND, THIRD = date(2026, 12, 1), date(2026, 12, 2), date(2026, 12, 3)
#: A pupil of each city.
MOSCOW, KAMCHATKA = 104, 105
ZONES = {MOSCOW: "Europe/Moscow", KAMCHATKA: "Asia/Kamchatka"}
of_each_city = pytest.mark.parametrize(
    ("pupil", "today", "tomorrow"),
    [(MOSCOW, FIRST, SECOND), (KAMCHATKA, SECOND, THIRD)],
    ids=["moscow", "kamchatka"],
)


@dataclass
class TwoCities:
    """A school with a branch in each city; ``branches`` are their numbers, by the pupil there."""

    folder: Path
    url: str
    branches: dict[int, int]

    @property
    def settings(self) -> config.Settings:
        """The configuration."""
        return config.load(self.folder / "config.toml")

    @property
    def first_branch_today(self) -> date:
        """The day at the school's first branch."""
        return FIRST if self.branches[MOSCOW] == 1 else SECOND

    def write(self, plan: Plan) -> None:
        """Write a plan under a run of its own."""
        with writing(self.url) as database:
            writer.apply(database, plan, order(), environment(now=NOW, name=plan.digest))

    def credit(self, pupil: int, day: date | None = None) -> Proposal:
        """Five coins, as ``credit`` plans them."""
        with reading(self.url) as reader:
            resident = find_resident(reader, f"#{pupil}")
            return coins.give(Clerk(reader, self.settings, author(day)), resident, 5, note="won")

    def import_row(self, pupil: int, day: date) -> Proposal:
        """The same five coins, as ``import`` plans them."""
        text = f"resident;coins;reason;date\n#{pupil};5;won;{day}\n"
        rows, problems = read_import_rows(text.encode(), coins_max=100)
        with reading(self.url) as reader:
            find = partial(find_resident, reader)
            clerk = Clerk(reader, self.settings, author())
            return imports.import_rows(clerk, rows, problems, find)

    def sell(self, *pupils: int, day: date | None = None) -> Proposal:
        """A mug for thirty coins, of which each pupil after the first pays five."""
        with reading(self.url) as reader:
            first, *others = [find_resident(reader, f"#{pupil}") for pupil in pupils]
            buyers = [shop.Buyer(first), *(shop.Buyer(other, 5) for other in others)]
            picks = [Pick(find_item(reader, "mug"), 1)]
            return shop.sell(Clerk(reader, self.settings, author(day)), picks, buyers)

    def refund(self, day: date | None = None) -> Proposal:
        """The sale back that was made before."""
        with reading(self.url) as reader:
            sale = find_sale(reader, "k1")
            return shop.refund(Clerk(reader, self.settings, author(day)), sale, (), note="broken")

    def receive(self, code: str, day: date | None = None) -> Proposal:
        """Three pieces that come in."""
        with reading(self.url) as reader:
            item = find_item(reader, code)
            return catalog.move_stock(
                Clerk(reader, self.settings, author(day)), item, MoveKind.RECEIVE, 3
            )


def author(day: date | None = None) -> Author:
    """Anna, at the moment of these tests."""
    return Author("anna", NOW, "k1", day)


@pytest.fixture(params=[MOSCOW, KAMCHATKA], ids=["moscow-first", "kamchatka-first"])
def without_goods(request: pytest.FixtureRequest, tmp_path: Path) -> TwoCities:
    """Each city's branch is the school's first once."""
    order_of_branches = sorted(ZONES, key=lambda pupil: pupil != request.param)
    branches = {pupil: id for id, pupil in enumerate(order_of_branches, 1)}
    url = new_database(tmp_path)
    values = {
        "alfacrm.account": ACCOUNT,
        "database.url": url,
        "branch": [{"id": branches[pupil], "zone": ZONES[pupil]} for pupil in order_of_branches],
        "rule": [{"name": "group", "coins": 10, "types": [2], "since": date(2026, 1, 1)}],
    }
    (tmp_path / "config.toml").write_text(config.example(values), encoding="utf-8")
    made = TwoCities(tmp_path, url, branches)
    pupils = [Put(a_resident(pupil, branches=(id,))) for pupil, id in branches.items()]
    purses = [Post(a_credit(f"purse-{pupil}", pupil, 100)) for pupil in branches]
    made.write(a_plan(*pupils, *purses, Put(Link(1, MOSCOW, LinkSource.DESK))))
    return made


@pytest.fixture
def school(without_goods: TwoCities) -> TwoCities:
    """With goods for all, and for each city alone."""
    branches = without_goods.branches
    goods = [an_item(), *(an_item(f"pen-{p}", branches=(id,)) for p, id in branches.items())]
    stock = [Stock(a_move(f"stock:first-{item.code}", item.code)) for item in goods]
    without_goods.write(a_plan(*map(Put, goods), *stock, purpose=Purpose.CATALOG))
    return without_goods


@of_each_city
def test_credit(school: TwoCities, pupil: int, today: date, tomorrow: date) -> None:
    """A day that has come in Kamchatka is taken there, and is still to come in Moscow."""
    assert [move.day for move in school.credit(pupil).moves] == [today]
    assert [move.day for move in school.credit(pupil, today).moves] == [today]
    with pytest.raises(UsageError, match=f"{tomorrow} is still to come; today is {today}"):
        school.credit(pupil, tomorrow)


@of_each_city
def test_import(school: TwoCities, pupil: int, today: date, tomorrow: date) -> None:
    """It takes what ``credit`` takes and refuses what ``credit`` refuses, with the line named."""
    assert [move.day for move in school.import_row(pupil, today).moves] == [today]
    with pytest.raises(ImportRefused) as refused:
        school.import_row(pupil, tomorrow)
    assert refused.value.problems == (
        f'line 2, column date: "{tomorrow}" is not yet; today is {today}',
    )


@pytest.mark.parametrize(
    ("buyers", "today"),
    [
        ((MOSCOW,), FIRST),
        ((KAMCHATKA,), SECOND),
        ((MOSCOW, KAMCHATKA), FIRST),
        ((KAMCHATKA, MOSCOW), FIRST),
    ],
)
def test_sell(school: TwoCities, buyers: tuple[int, ...], today: date) -> None:
    """A sale has one day, and it has come for everybody who pays, in whatever order they stand."""
    assert {move.day for move in school.sell(*buyers).moves} == {today}
    assert school.sell(*buyers, day=today).plan
    with pytest.raises(UsageError, match=f"still to come; today is {today}"):
        school.sell(*buyers, day=today + timedelta(days=1))


@of_each_city
def test_refund(school: TwoCities, pupil: int, today: date, tomorrow: date) -> None:
    """The day is that of who gets the coins back."""
    school.write(school.sell(pupil).plan)
    assert {move.day for move in school.refund().moves} == {today}
    with pytest.raises(UsageError, match=f"still to come; today is {today}"):
        school.refund(tomorrow)


@of_each_city
def test_stock(school: TwoCities, pupil: int, today: date, tomorrow: date) -> None:
    """Goods of one branch move on its days."""
    for day in (None, today):
        [move] = school.receive(f"pen-{pupil}", day).plan.stock_moves
        assert move.happened_on == today
    with pytest.raises(UsageError, match=f"still to come; today is {today}"):
        school.receive(f"pen-{pupil}", tomorrow)


def test_stock_of_all_branches(school: TwoCities) -> None:
    """Goods of all branches move on the days of the school's first."""
    [move] = school.receive("mug").plan.stock_moves
    assert move.happened_on == school.first_branch_today


@of_each_city
def test_reverse(school: TwoCities, pupil: int, today: date, tomorrow: date) -> None:
    """What a clerk did by mistake is mended on the resident's own today."""
    with reading(school.url) as reader:
        [credit] = reader.lines(pupil)
        n = credit.posted.n
        reversal = coins.reverse(Clerk(reader, school.settings, author()), n, note="a slip")
    assert [move.day for move in reversal.moves] == [today]


def test_review(school: TwoCities) -> None:
    """Each case is decided on the day at its own resident's branch."""
    for number, pupil in enumerate((MOSCOW, KAMCHATKA), 1):
        branch = school.branches[pupil]
        lesson = a_lesson(number, on=FIRST, branch=branch)
        visit = present(pupil, standing=GroupStanding.UNKNOWN, lesson=number)
        key = lesson_key(ACCOUNT, number, pupil)
        hold = Hold(key, HoldKind.GUEST, branch, number, pupil, FIRST, 10, "membership_unknown")
        school.write(a_plan(Put(lesson), Put(visit), Put(hold)))
    with reading(school.url) as reader:
        holds = reader.all(Hold)
        plan = review.review(
            Clerk(reader, school.settings, author()), holds, Ruling.WAIVE, note="spoke"
        ).plan
    days = {}
    for change in plan.changes:
        if isinstance(change, Put) and isinstance(change.new, Decision):
            days[change.new.resident] = change.new.decided_on
    assert days == {MOSCOW: FIRST, KAMCHATKA: SECOND}
    assert (plan.scope.since, plan.scope.until) == (FIRST, SECOND)


@of_each_city
def test_roster(school: TwoCities, pupil: int, today: date, tomorrow: date) -> None:
    """A group counts from the day on which it is today there."""
    memberships = [Membership(pupil, 1, today), Membership(pupil, 2, tomorrow)]
    school.write(a_plan(*map(Put, memberships), purpose=Purpose.PEOPLE))
    with reading(school.url) as reader:
        today_at = partial(school.settings.profile.today, now=NOW)
        coins = with_coins(reader, reader.residents(), today_at)
        lines = roster(reader, coins, today_at)
    assert {line.resident.id: line.groups for line in lines}[pupil] == ("group 1",)


@of_each_city
def test_links(school: TwoCities, pupil: int, today: date, tomorrow: date) -> None:
    """What moves no coins is dated all the same."""
    with reading(school.url) as reader:
        resident = find_resident(reader, f"#{pupil}")
        plan = people.link(Clerk(reader, school.settings, author()), resident, 5).plan
    assert plan.scope.until == today < tomorrow


def test_fairs(school: TwoCities) -> None:
    """A fair is the school's: it is opened on the day of its first branch."""
    with reading(school.url) as reader:
        proposal = fairs.open_fair(Clerk(reader, school.settings, author()), "fair", "Fair")
    [change] = proposal.plan.changes
    assert isinstance(change, Put)
    assert isinstance(change.new, Event)
    assert change.new.opened_on == school.first_branch_today


def test_demo(without_goods: TwoCities) -> None:
    """Its shop sells to pupils of both branches, to each on days that have come there.

    The last sale is today's, and to the pupil in Moscow, whom a family sees.
    """
    session = Session(
        config=without_goods.folder / "config.toml",
        branches=(),
        actor="anna",
        json=False,
        quiet=True,
        verbose=False,
        environment=environment(now=NOW),
        web_view=WebView(cli.serve, cli.sign, cli.launch_fault),
    )
    with writing(without_goods.url) as database:
        demo.open_shop(session, database, 1)
    with reading(without_goods.url) as reader:
        sales = reader.sales()
        entries = reader.paid(sale.id for sale in sales)
    assert len(sales) >= demo.DAYS_OF_SALES // 2
    for lines in entries.values():
        for line in lines:
            entry = line.posted.entry
            assert entry.happened_on <= (FIRST if entry.resident == MOSCOW else SECOND)
