"""A shop that lives at random: sales, refunds, stock, fairs, repeated keys and crashes.

A model of plain dictionaries says what must come of each operation. After every step coins, stock,
sales and goods are the model's, and what lies in the database adds up by itself. The last tests
seed known bugs and show that each is found.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from peewee import Database

from coinsync import reconcile as proof
from coinsync.core import staleness
from coinsync.core.catalog import Event, Item, MoveKind, Pick, shares
from coinsync.core.ledger import Receipt
from coinsync.core.plan import Plan, Post, Stock
from coinsync.core.proposal import Proposal
from coinsync.desk import catalog, fairs, shop
from coinsync.desk.gather import Clerk
from coinsync.environment import Probe, no_probe
from coinsync.errors import CoinsyncError
from coinsync.lookup.residents import find_resident
from coinsync.lookup.shop import find_item, find_sale, purchases
from coinsync.store import database as opening
from coinsync.store import writer
from coinsync.store.reader import Reader
from tests.support import goods
from tests.support.goods import MIRA, TODAY, Shop, a_shop, an_item
from tests.support.makers import ADA, GLEB, a_credit, a_plan, environment, order

KEYS = ("k1", "k2", "k3")
FAIRS = ("spring", "winter")
CODES = ("mug", "pen", "lesson")
#: Steps of a write at which a process may end; a step that a plan does not have is never reached.
STEPS = (
    "begin",
    "head",
    "checked",
    "insert sale",
    "insert sale_line",
    "entries",
    "stock",
    "run",
    "commit",
)
LAST = "committed"
CHECKS = (*proof.OF_A_DAY, "notes", "sales", "stock", "references")


class Refused(Exception):
    """The model does not allow it; the name of the error that must be raised."""


class Died(Exception):
    """The process is gone."""


# --- the model --------------------------------------------------------------------------------


@dataclass
class Sold:
    """A sale as the model has it: lines (item, pieces, price, listed), payments, refunds.

    ``told`` is what the buyers read, ``note`` the part of it that staff typed.
    """

    lines: list[tuple[str, int, int, int]]
    paid: dict[int, int]
    event: str
    note: str
    told: str
    counted: set[str]
    back: set[int] = field(default_factory=set)
    returned: Counter[int] = field(default_factory=Counter)


@dataclass
class Model:
    """A shop without a database."""

    coins: dict[int, int]
    goods: dict[str, Item]
    stock: Counter[str]
    sales: dict[str, Sold] = field(default_factory=dict)
    moves: dict[str, tuple[str, MoveKind, int]] = field(default_factory=dict)
    fairs: dict[str, bool] = field(default_factory=dict)

    def sell(self, op: Sell) -> None:
        """One sale."""
        done = self.sales.get(op.key)
        if done is not None:
            self._same(op, done)
            return
        lines = []
        for code, pieces in op.basket.items():
            if self.goods[code].archived:
                raise Refused("CoinPolicy")
            listed = self.goods[code].price
            price = op.prices.get(code, listed)
            if price != listed and not op.note:
                raise Refused("UsageError")
            lines.append((code, pieces, price, listed))
        total = sum(pieces * price for _, pieces, price, _ in lines)
        parts = dict(op.buyers)
        named = sum(coins or 0 for coins in parts.values())
        if named > total or (None not in parts.values() and named != total):
            raise Refused("UsageError")
        paid = {who: total - named if coins is None else coins for who, coins in parts.items()}
        if op.event:
            if op.event not in self.fairs:
                raise Refused("NotFound")
            if not self.fairs[op.event]:
                raise Refused("EventClosed")
        counted = {code for code in op.basket if self.goods[code].tracked}
        if any(self.stock[code] < op.basket[code] for code in counted):
            raise Refused("OutOfStock")
        if any(self.coins[who] < coins for who, coins in paid.items()):
            raise Refused("NotEnoughCoins")
        for who, coins in paid.items():
            self.coins[who] -= coins
        for code in counted:
            self.stock[code] -= op.basket[code]
        names = [
            self.goods[code].name_ru + (f" × {pieces}" if pieces > 1 else "")
            for code, pieces, _, _ in lines
        ]
        told = ", ".join(names) + (f" ({op.note})" if op.note else "")
        payers = {who: coins for who, coins in paid.items() if coins}
        self.sales[op.key] = Sold(lines, payers, op.event, op.note, told, counted)

    def _same(self, op: Sell, done: Sold) -> None:
        """A repeated key stands for the sale that it stood for."""
        wanted = list(op.basket.items())
        goods = wanted == [(code, pieces) for code, pieces, _, _ in done.lines]
        prices = all(op.prices.get(code, listed) == price for code, _, price, listed in done.lines)
        parts = dict(op.buyers)
        buyers = set(done.paid) <= set(parts) and all(
            coins is None or done.paid.get(who, 0) == coins for who, coins in parts.items()
        )
        if not (goods and prices and buyers and (op.event, op.note) == (done.event, done.note)):
            raise Refused("PostedOtherwise")

    def refund(self, op: Refund) -> None:
        """A sale comes back, or lines of it."""
        done = self.sales.get(op.key)
        if done is None or not set(op.lines) <= set(range(1, len(done.lines) + 1)):
            raise Refused("NotFound")
        wanted = set(op.lines) or set(range(1, len(done.lines) + 1)) - done.back
        if not wanted or wanted & done.back:
            raise Refused("AlreadyReversed")
        people = sorted(done.paid)
        left = [done.paid[who] - done.returned[who] for who in people]
        worth = sum(done.lines[n - 1][1] * done.lines[n - 1][2] for n in wanted)
        for who, coins in zip(people, shares(worth, left), strict=True):
            done.returned[who] += coins
            self.coins[who] += coins
        for n in wanted:
            code, pieces, _, _ = done.lines[n - 1]
            if code in done.counted:
                self.stock[code] += pieces
        done.back |= wanted

    def move(self, op: Move) -> None:
        """Pieces come in, are written off, or are counted."""
        if not self.goods[op.item].tracked:
            raise Refused("CoinPolicy")
        if op.key in self.moves:
            if self.moves[op.key] != (op.item, op.kind, op.pieces):
                raise Refused("PostedOtherwise")
            return
        signed = {MoveKind.RECEIVE: op.pieces, MoveKind.WRITE_OFF: -op.pieces}
        quantity = signed.get(op.kind, op.pieces - self.stock[op.item])
        if self.stock[op.item] + quantity < 0:
            raise Refused("OutOfStock")
        if quantity:
            self.stock[op.item] += quantity
            self.moves[op.key] = (op.item, op.kind, op.pieces)


# --- what staff do ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Sell:
    """A sale under one of few keys."""

    key: str
    picks: tuple[tuple[str, int, int | None], ...]
    buyers: tuple[tuple[int, int | None], ...]
    event: str
    note: str

    @property
    def basket(self) -> dict[str, int]:
        """Pieces by code."""
        return {code: pieces for code, pieces, _ in self.picks}

    @property
    def prices(self) -> dict[str, int]:
        """Prices that are named."""
        return {code: price for code, _, price in self.picks if price is not None}

    def plan(self, at: Shop, reader: Reader) -> Proposal:
        """As the command plans it."""
        picks = [Pick(find_item(reader, code), pieces, price) for code, pieces, price in self.picks]
        people = [shop.Buyer(find_resident(reader, f"#{who}"), coins) for who, coins in self.buyers]
        return shop.sell(
            Clerk(reader, goods.settings(), at.author(self.key)),
            picks,
            people,
            event=self.event,
            note=self.note,
        )

    def tell(self, model: Model) -> None:
        """As the model has it."""
        model.sell(self)


@dataclass(frozen=True)
class Refund:
    """A refund of a sale, or of some lines."""

    key: str
    lines: tuple[int, ...]

    def plan(self, at: Shop, reader: Reader) -> Proposal:
        """As the command plans it."""
        sale = find_sale(reader, self.key)
        return shop.refund(Clerk(reader, goods.settings(), at.author()), sale, self.lines, note="x")

    def tell(self, model: Model) -> None:
        """As the model has it."""
        model.refund(self)


@dataclass(frozen=True)
class Move:
    """Stock moves."""

    key: str
    item: str
    kind: MoveKind
    pieces: int

    def plan(self, at: Shop, reader: Reader) -> Proposal:
        """As the command plans it."""
        by = at.author(self.key, TODAY)
        return catalog.move_stock(
            Clerk(reader, goods.settings(), by),
            find_item(reader, self.item),
            self.kind,
            self.pieces,
        )

    def tell(self, model: Model) -> None:
        """As the model has it."""
        model.move(self)


@dataclass(frozen=True)
class Change:
    """The catalog changes: a price, a name, the archive, whether stock is counted."""

    item: Item

    def plan(self, at: Shop, reader: Reader) -> Proposal:
        """As the command plans it."""
        return goods.changed_catalog(reader, self.item, at.author())

    def tell(self, model: Model) -> None:
        """As the model has it."""
        model.goods[self.item.code] = self.item


@dataclass(frozen=True)
class Fair:
    """A fair is opened or closed."""

    code: str
    opens: bool

    def plan(self, at: Shop, reader: Reader) -> Proposal:
        """As the command plans it."""
        if self.opens:
            return fairs.open_fair(
                Clerk(reader, goods.settings(), at.author("", TODAY)), self.code, self.code
            )
        found = reader.recorded(Event, [self.code])
        return (
            fairs.close_fair(
                Clerk(reader, goods.settings(), at.author()),
                found[0],
                goods.report_of_fair(reader, self.code),
            )
            if found
            else self._nothing(at, reader)
        )

    def _nothing(self, at: Shop, reader: Reader) -> Proposal:
        return goods.changed_catalog(reader, reader.all(Item)[0], at.author())

    def tell(self, model: Model) -> None:
        """As the model has it."""
        if model.fairs.get(self.code) is False:
            raise Refused("EventClosed")
        if self.opens:
            model.fairs.setdefault(self.code, True)
        elif self.code in model.fairs:
            model.fairs[self.code] = False


Op = Sell | Refund | Move | Change | Fair

PEOPLE = (ADA, GLEB, MIRA)
PICKS = st.lists(
    st.tuples(
        st.sampled_from(CODES),
        st.sampled_from([1, 1, 2, 3]),
        st.sampled_from([None, None, None, None, 1, 7]),
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda pick: pick[0],
).map(tuple)
ALONE = st.sampled_from(PEOPLE[:2]).map(lambda who: ((who, None),))
TOGETHER = (
    st.lists(
        st.tuples(st.sampled_from(PEOPLE), st.sampled_from([None, None, 1, 3])),
        min_size=2,
        max_size=2,
        unique_by=lambda buyer: buyer[0],
    )
    .filter(lambda buyers: sum(coins is None for _, coins in buyers) <= 1)
    .map(tuple)
)
SALES = st.builds(
    Sell,
    st.sampled_from(KEYS),
    PICKS,
    st.one_of(ALONE, ALONE, TOGETHER),
    st.sampled_from(["", "", "", "", *FAIRS]),
    st.sampled_from(["scratched", "scratched", "scratched", ""]),
)
LINES = st.sampled_from([(), (), (1,), (2,), (1, 2), (3,)])
REFUNDS = st.builds(Refund, st.sampled_from(KEYS), LINES)
NUMBERS = st.integers(0, 10**6)
MOVES = st.builds(
    Move,
    st.sampled_from(KEYS),
    st.sampled_from(CODES),
    st.sampled_from([MoveKind.RECEIVE, MoveKind.WRITE_OFF, MoveKind.COUNT]),
    st.integers(1, 4),
)
CHANGES = st.builds(
    Change,
    st.builds(
        an_item,
        st.sampled_from(CODES),
        st.sampled_from([5, 7, 9]),
        name=st.sampled_from(["", "Ваза"]),
        tracked=st.sampled_from([True, True, True, False]),
        archived=st.sampled_from([False] * 7 + [True]),
    ),
)
FAIRS_OPENED = st.builds(Fair, st.sampled_from(FAIRS), st.sampled_from([True, True, False]))
OPS: st.SearchStrategy[Op] = st.one_of(*[SALES] * 5, REFUNDS, REFUNDS, MOVES, CHANGES, FAIRS_OPENED)


# --- the machine ------------------------------------------------------------------------------

FIRST = (an_item("mug", 9), an_item("pen", 5), an_item("lesson", 7, tracked=False))
STOCK = {"mug": 4, "pen": 4}
#: Little enough for two clerks to want the same coin and the same piece.
LITTLE = {ADA: 30, GLEB: 20, MIRA: 5}


@cache
def new_shop() -> bytes:
    """The database of a shop on its first day."""
    with TemporaryDirectory() as folder:
        return opening.path_of(
            a_shop(Path(folder), *FIRST, stock=STOCK, purses=LITTLE).url
        ).read_bytes()


@dataclass
class QuickShop(Shop):
    """A shop on one connection that stays open and does not wait for the disk.

    What is proved here is not its work.
    """

    database: Database = field(init=False)

    def __post_init__(self) -> None:
        """Open it."""
        self.database = opening.open_writable(self.url)
        self.database.execute_sql("PRAGMA synchronous = 0")

    def plan(self, decide: Callable[[Reader], Proposal]) -> Proposal:
        """Decide between two writes."""
        return decide(Reader(self.database))

    def write(self, plan: Plan, probe: Probe = no_probe) -> Receipt:
        """Apply one plan under a run id of its own."""
        around = environment(now=self.now, name=f"run-{next(self.keys)}", probe=probe)
        return writer.apply(self.database, plan, order(), around)


class Machine(RuleBasedStateMachine):
    """The real shop beside the model."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        path = Path(self.folder.name) / "coins.db"
        path.write_bytes(new_shop())
        self.at = QuickShop(f"sqlite:///{path}")
        self.model = Model(dict(LITTLE), {item.code: item for item in FIRST}, Counter(STOCK))
        self.do(Fair(FAIRS[0], opens=True))
        self.do(
            Sell(
                "k1",
                (("lesson", 1, None), ("pen", 1, None)),
                ((ADA, None), (GLEB, 3)),
                FAIRS[0],
                "",
            )
        )

    def teardown(self) -> None:
        """The eyes of reconcile see nothing, and nothing stays."""
        try:
            found = proof.prove(
                Reader(self.at.database), goods.settings(), self.at.now, wanted=CHECKS
            )
            assert not found.findings, found.findings
        finally:
            self.at.database.close()
            self.folder.cleanup()

    # --- doing --------------------------------------------------------------------------------

    def told(self, op: Op) -> tuple[str, Model]:
        """What the model makes of an operation: the word for it, and the model afterwards."""
        after = deepcopy(self.model)
        try:
            op.tell(after)
        except Refused as refusal:
            return str(refusal), self.model
        return "done", after

    def decided(self, op: Op) -> Proposal | str:
        """A plan, or the error that stands in its way."""
        try:
            return self.at.plan(lambda reader: op.plan(self.at, reader))
        except CoinsyncError as error:
            return type(error).__name__

    def do(self, op: Op, probe: Probe = no_probe) -> None:
        """Do it, and let the model do the same."""
        word, after = self.told(op)
        proposal = self.decided(op)
        assert (proposal if isinstance(proposal, str) else "done") == word, op
        assert isinstance(proposal, str) or bool(proposal.plan) == (after != self.model), op
        if not isinstance(proposal, str) and proposal.plan:
            self.at.write(proposal.plan, probe)
        self.model = after

    # --- what is so ---------------------------------------------------------------------------

    @invariant()
    def all_is_as_the_model_says(self) -> None:
        """Coins, stock, goods, sales and fairs; and nothing is below nothing."""
        model = self.model
        reader = Reader(self.at.database)
        assert reader.balances(PEOPLE) == model.coins
        assert reader.stock(CODES) == {code: model.stock[code] for code in CODES}
        assert {item.code: item for item in reader.all(Item)} == model.goods
        assert {one.code: one.closed_on is None for one in reader.all(Event)} == model.fairs
        assert {
            one.sale.id: (
                [(line.item, line.quantity, line.price, line.listed) for line in one.lines],
                {paid.resident: paid.coins for paid in one.payments},
                (one.sale.event, one.note, set(one.refunded)),
            )
            for one in purchases(reader, reader.sales(), goods.settings().profile.zone_of)
        } == {
            key: (
                one.lines,
                {who: coins - one.returned[who] for who, coins in one.paid.items()},
                (one.event, one.told, one.back),
            )
            for key, one in model.sales.items()
        }
        assert min(model.coins.values()) >= 0
        assert min(model.stock.values()) >= 0

    @invariant()
    def the_books_add_up_by_themselves(self) -> None:
        """Row by row, whatever the model says.

        Entries, lines, refunds and moves of every sale agree.
        """
        check_books(self.at.database.connection())

    # --- what may happen ----------------------------------------------------------------------

    @rule(op=OPS)
    def happen(self, op: Op) -> None:
        """Anything, often under a key that was used before."""
        self.do(op)

    @rule(op=SALES, n=NUMBERS)
    def sell_under_a_fresh_key(self, op: Sell, n: int) -> None:
        """As staff do it nearly always."""
        self.do(replace(op, key=f"f{n}"))

    @rule(at=NUMBERS, lines=LINES)
    def refund(self, at: int, lines: tuple[int, ...]) -> None:
        """One of the sales comes back, or a part of it."""
        self.do(Refund(self.some_sale(at), lines))

    def some_sale(self, at: int) -> str:
        """The key of a sale."""
        keys = sorted(self.model.sales)
        return keys[at % len(keys)]

    @rule(who=st.sampled_from(PEOPLE), coins=st.integers(1, 5), n=NUMBERS)
    def earn(self, who: int, coins: int, n: int) -> None:
        """Somebody has coins again."""
        self.at.write(a_plan(Post(a_credit(f"c{n}-{next(self.at.keys)}", who, coins))))
        self.model.coins[who] += coins

    @rule(op=MOVES, n=NUMBERS)
    def move(self, op: Move, n: int) -> None:
        """Stock moves."""
        self.do(replace(op, key=f"m{n}"))

    @rule(op=CHANGES | FAIRS_OPENED)
    def change(self, op: Change | Fair) -> None:
        """The catalog changes; a fair begins or ends, and whatever happened, it adds up."""
        self.do(op)

    @rule(op=OPS, step=st.sampled_from([*STEPS, LAST]))
    def die(self, op: Op, step: str) -> None:
        """The process ends in the middle: old or new, nothing between; the same again converges."""

        def probe(name: str) -> None:
            if name == step:
                raise Died

        before = self.model
        try:
            self.do(op, probe)
        except Died:
            if step == LAST:
                self.model = self.told(op)[1]
            self.all_is_as_the_model_says()
            if not (step == LAST and isinstance(op, Refund | Fair)):
                self.do(op)
        assert step != LAST or self.model is not before or self.told(op)[1] == before

    @rule(one=SALES, two=SALES, n=NUMBERS)
    def two_sales_at_once(self, one: Sell, two: Sell, n: int) -> None:
        """Perhaps of the same piece, perhaps with the same coins."""
        two = (one, replace(two, buyers=one.buyers), two)[n % 3]
        self.two_at_once(replace(one, key=f"f{n}"), replace(two, key=f"g{n}"))

    @rule(op=SALES, buyers=ALONE, n=NUMBERS)
    def one_key_at_two_tills(
        self, op: Sell, buyers: tuple[tuple[int, int | None], ...], n: int
    ) -> None:
        """Perhaps for two buyers."""
        self.two_at_once(replace(op, key=f"f{n}"), replace(op, key=f"f{n}", buyers=buyers))

    @rule(at=NUMBERS, lines=LINES, others=LINES)
    def two_refunds_at_once(self, at: int, lines: tuple[int, ...], others: tuple[int, ...]) -> None:
        """Of one sale."""
        self.two_at_once(Refund(self.some_sale(at), lines), Refund(self.some_sale(at), others))

    @rule(one=OPS, two=OPS)
    def two_at_once(self, one: Op, two: Op) -> None:
        """Two clerks look at the same shop.

        The second writes after the first: it is stale, or comes true exactly.
        """
        proposal = self.decided(two)
        self.do(one)
        if isinstance(proposal, str) or not proposal.plan:
            return
        word, after = self.told(two)
        said = self.written(proposal.plan)
        if said == "StalePlan":
            return
        if not (isinstance(two, Fair) and word == "EventClosed"):
            # Whoever closes what somebody else has closed is told that it is done.
            assert said == word, (one, two)
        self.model = after

    def written(self, plan: Plan) -> str:
        """Apply a plan; the word for what came of it."""
        try:
            self.at.write(plan)
        except CoinsyncError as error:
            return type(error).__name__
        return "done"


def check_books(connection: sqlite3.Connection) -> None:
    """What must hold of the rows themselves."""
    rows = connection.execute(
        "SELECT n, item_code, quantity, kind, sale_id FROM stock_move ORDER BY n"
    ).fetchall()
    [(head,)] = connection.execute("SELECT stock FROM head").fetchall()
    assert [n for n, *_ in rows] == list(range(1, head + 1))
    left: Counter[str] = Counter()
    out: Counter[tuple[str, str]] = Counter()
    sold_by_move = set()
    for _, item, quantity, kind, sale in rows:
        left[item] += quantity
        assert left[item] >= 0
        if sale:
            out[sale, item] -= quantity
            if kind == "sale":
                sold_by_move.add((sale, item))
    lines = connection.execute(
        "SELECT l.sale_id, l.item_code, l.quantity, l.quantity * l.price, r.line FROM sale_line l"
        " LEFT JOIN refund_line r ON r.sale_id = l.sale_id AND r.line = l.line"
    ).fetchall()
    kept: Counter[tuple[str, str]] = Counter()
    worth: Counter[str] = Counter()
    for sale, item, quantity, coins, back in lines:
        if back is None:
            worth[sale] += coins
        if back is None and (sale, item) in sold_by_move:
            kept[sale, item] += quantity
    assert +out == +kept
    coins = Counter[str]()
    for key, amount in connection.execute(
        "SELECT op_key, coins FROM entry WHERE kind IN ('sale', 'refund')"
    ):
        coins[key.split(":")[1]] -= amount
    assert +coins == +worth
    assert set(coins) == {sale for (sale,) in connection.execute("SELECT id FROM sale")}


#: The lives of the suite: so many of each of these seeds, each a test that another core may take.
SEEDS = (0, 1)
QUICK = settings(
    phases=[Phase.generate],
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def live_with_seeds(*numbers: int) -> None:
    """The lives of some seeds of the suite, up to the first that fails."""
    for number in numbers:
        run_state_machine_as_test(seed(number)(Machine), settings=QUICK)


@pytest.mark.parametrize("number", SEEDS)
def test_a_shop_lives_at_random(number: int) -> None:
    """Stock and coins agree with the model after every history."""
    live_with_seeds(number)


# --- seeded bugs ------------------------------------------------------------------------------


@contextmanager
def instead(owner: Any, name: str, bug: object) -> Iterator[None]:
    """Put a bug in the place of a part of the program."""
    right = getattr(owner, name)
    setattr(owner, name, bug)
    try:
        yield
    finally:
        setattr(owner, name, right)


BUGS: dict[str, tuple[Any, str, object]] = {
    "the stock has no floor": (writer, "_check_stock", lambda *_: None),
    "coins have no floor": (writer, "_check_floors", lambda *_: None),
    "goods may change under a sale": (shop, "_conditions", lambda _reader, _picks, _event: []),
    "a repeated key is not looked up": (shop, "_sold_already", lambda *_: None),
    "refunds of untracked goods are counted in": (
        shop,
        "_stock_of_refund",
        lambda *words: _all_come_back(*words),
    ),
    "a price is today's": (shop, "_repayments", lambda *words: _one_coin_less(*words)),
    "another's sale is taken for one's own": (staleness, "WRITTEN_ONCE", frozenset()),
}
_GIVEN_BACK, _COMES_BACK = shop._repayments, shop._stock_of_refund


def _one_coin_less(*words: Any) -> Any:
    return [
        replace(one, coins=one.coins - 1) if one.coins > 1 else one for one in _GIVEN_BACK(*words)
    ]


def _all_come_back(*words: Any) -> Any:
    found = _COMES_BACK(*words)
    again = [Stock(replace(one.move, key="again")) for one in found if isinstance(one, Stock)]
    return [*found, *again[:1]]


@pytest.mark.long
@pytest.mark.parametrize("bug", BUGS)
def test_the_machine_finds_seeded_bugs(bug: str) -> None:
    """The lives of the suite would say so if the shop were wrong."""
    owner, name, wrong = BUGS[bug]
    with instead(owner, name, wrong), pytest.raises(AssertionError):
        live_with_seeds(*SEEDS)
