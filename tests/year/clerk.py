"""A clerk who works by day, and what the clerk's work must come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from coinsync.core.facts import Hold, Presence
from coinsync.core.ledger import LedgerRow
from tests.support.school import Installation, Said
from tests.year.troubles import STEPS_OF_A_COMMAND, Troubles

#: Codes by which a command refuses what cannot be, and by which it asks to be run again later.
REFUSED, LATER = (6, 7), (2, 75)
PRICE = 15
CATALOG = f"code;name;price\nmug;Кружка;{PRICE}\n"
ERASED_MAX = 4


@dataclass
class Clerk:
    """Commands that are typed by day; ``coins`` is what they must come to for each resident."""

    installation: Installation
    random: Random
    troubles: Troubles
    #: Runs a command line at the school's time.
    run: Callable[..., Said]
    coins: Counter[int] = field(default_factory=Counter)
    sales: list[str] = field(default_factory=list)
    credits: list[tuple[int, int, int]] = field(default_factory=list)
    keys: int = 0

    def open_shop(self) -> None:
        """Bring goods into the shop, more than are sold in a year."""
        file = self.installation.file("catalog.csv", CATALOG)
        self.must("catalog", "load", file)
        self.must("catalog", "stock", "receive", "mug", "5000", "--key", "first")

    def work(self) -> None:
        """One thing that a clerk does."""
        actions: list[tuple[Callable[[], None], int]] = [
            *((self.credit, 6), (self.debit, 2), (self.spend, 5), (self.sell, 4), (self.refund, 2)),
            *((self.reverse, 2), (self.take_award_back, 1), (self.import_rows, 2)),
            *((self.review, 5), (self.merge, 1), (self.unmerge, 1), (self.link, 1)),
            *((self.erase, 1), (self.stock, 1)),
        ]
        weights = [weight for _, weight in actions]
        ((action, _),) = self.random.choices(actions, weights)
        action()

    def must(self, *words: str) -> Said:
        """Run a command that nothing disturbs and that must succeed."""
        said = self.run(*words, "--yes")
        assert said.code == 0, (words, said)
        return said

    def rows(self) -> list[LedgerRow]:
        """The whole ledger."""
        with self.installation.reader() as reader:
            return list(reader.ledger())

    def somebody(self) -> int:
        """A resident whose card has not ended."""
        with self.installation.reader() as reader:
            ended = reader.resident_ids(Presence.ERASED) | reader.survivors().keys()
            return self.random.choice(sorted(reader.resident_ids() - ended))

    def key(self) -> str:
        """A key that nobody has used."""
        self.keys += 1
        return f"{self.keys:06d}"

    def do(self, words: tuple[str, ...], moves: Mapping[int, int]) -> bool:
        """Carry out one command through whatever disturbs it; tell whether it was done.

        ``moves`` are the coins of its entries, by resident.
        """
        before = self.entries()
        said = self.troubles.strike(lambda: self.run(*words, "--yes"), STEPS_OF_A_COMMAND)
        posted = self.entries() - before
        is_unclear = said is None or said.code in LATER
        if is_unclear and not posted:
            # Whole or absent; and where it is absent, the same command does it now.
            said = self.run(*words, "--yes")
            posted = self.entries() - before
        elif posted and "--key" in words and (is_unclear or self.troubles.happens(0.2)):
            again = self.run(*words, "--yes")
            assert (again.code, self.entries() - before) == (0, posted), (words, again)
        assert said is None or said.code in (0, *REFUSED), (words, said)
        done = posted > 0 or (said is not None and said.code == 0)
        if done:
            assert posted == len(moves), (words, said, posted, moves)
            for who, coins in moves.items():
                self.coins[who] += coins
        return done

    def entries(self) -> int:
        """How many entries the ledger has."""
        with self.installation.reader() as reader:
            return reader.head().n

    # --- coins --------------------------------------------------------------------------------

    def credit(self) -> None:
        """Coins are given."""
        self.give("credit", self.somebody(), self.random.randint(1, 40))

    def debit(self) -> None:
        """Coins are taken, and sometimes more than there are."""
        self.give("debit", self.somebody(), self.random.randint(1, 60))

    def spend(self) -> None:
        """Somebody spends all that there is; what is reversed after that is held."""
        who = self.somebody()
        with self.installation.reader() as reader:
            balance = reader.balance(who)
        if balance > 0:
            self.give("debit", who, balance)

    def give(self, verb: str, who: int, coins: int) -> None:
        """Coins are given or taken under a key."""
        key = self.key()
        words = (verb, f"#{who}", str(coins), "--reason", f"note {key}", "--key", key)
        signed = coins if verb == "credit" else -coins
        if self.do((*words, "--allow-duplicate"), {who: signed}):
            self.credits.append((self.entries(), who, signed))

    def sell(self) -> None:
        """Something is sold."""
        who, key = self.somebody(), self.key()
        pieces = self.random.randint(1, 3)
        words = ("sell", f"#{who}", "mug", "--quantity", str(pieces), "--key", key)
        if self.do(words, {who: -PRICE * pieces}):
            self.sales.append(key)

    def refund(self) -> None:
        """A sale is taken back; its coins go to the card that paid, or to what it goes on as."""
        if not self.sales:
            return
        key = self.sales.pop(self.random.randrange(len(self.sales)))
        paid = [row for row in self.rows() if row.key.startswith(f"sale:{key}:")]
        moves = {row.resident: -row.coins for row in paid}
        if not self.do(("refund", key, "--note", "back"), moves):
            self.sales.append(key)

    def reverse(self) -> None:
        """Something done by hand is taken back."""
        if not self.credits:
            return
        entry, who, coins = self.credits.pop(self.random.randrange(len(self.credits)))
        self.do(("reverse", str(entry), "--note", "wrong"), {who: -coins})

    def take_award_back(self) -> None:
        """An award for a lesson is taken back by hand: whether that stays is a person's word."""
        awards = [row for row in self.rows() if row.kind == "award"]
        if awards:
            row = self.random.choice(awards)
            # What it moves belongs to the lesson, and the model reads it from the decision.
            self.do_for_lessons(("reverse", str(row.n), "--note", "not earned"))

    def import_rows(self) -> None:
        """A sheet with three rows for different people, all or none."""
        people = {self.somebody() for _ in range(3)}
        moves = {who: self.random.choice((-5, 5, 10, 20)) for who in people}
        lines = [f"#{who};{coins};sheet;{self.key()}" for who, coins in moves.items()]
        text = "\n".join(["resident;coins;reason;key", *lines, ""])
        file = self.installation.file(f"rows-{self.keys}.csv", text)
        words = ("import", file, "--allow-duplicate")
        self.do(words, moves)

    # --- what waits, people, goods ------------------------------------------------------------

    def review(self) -> None:
        """Something that is held is decided."""
        with self.installation.reader() as reader:
            holds = sorted(reader.all(Hold), key=lambda hold: hold.key)
        if not holds:
            return
        hold = self.random.choice(holds)
        verb = self.random.choice(("post", "waive", "forgive"))
        self.do_for_lessons(("review", verb, f"{hold.lesson}:{hold.resident}", "--note", "so"))

    def do_for_lessons(self, words: tuple[str, ...]) -> None:
        """Carry out what moves coins of lessons; gifts are the clerk's."""
        before = len(self.rows())
        said = self.troubles.strike(lambda: self.run(*words, "--yes"), STEPS_OF_A_COMMAND)
        rows = self.rows()
        if (said is None or said.code in LATER) and len(rows) == before:
            # Where it was done without any entry, it is not held any more.
            said = self.run(*words, "--yes")
            rows = self.rows()
        assert said is None or said.code in (0, 2, *REFUSED), (words, said)
        for row in rows[before:]:
            if row.kind == "gift":
                self.coins[row.resident] += row.coins

    def merge(self) -> None:
        """Two cards turn out to be one child's."""
        card, into = self.somebody(), self.somebody()
        if card != into:
            self.settle("residents", "merge", f"#{card}", f"#{into}")

    def unmerge(self) -> None:
        """They were two children after all."""
        with self.installation.reader() as reader:
            merged = sorted(reader.survivors())
        if merged:
            self.settle("residents", "unmerge", f"#{self.random.choice(merged)}")

    def erase(self) -> None:
        """A family asks to be forgotten."""
        with self.installation.reader() as reader:
            erased = reader.resident_ids(Presence.ERASED)
        if len(erased) < ERASED_MAX:
            self.settle("residents", "erase", f"#{self.somebody()}")

    def link(self) -> None:
        """A parent may see a child."""
        vk = self.random.randint(700, 720)
        self.settle("links", "add", f"#{self.somebody()}", str(vk))

    def stock(self) -> None:
        """Pieces come in."""
        self.settle("catalog", "stock", "receive", "mug", "5", "--key", self.key())

    def settle(self, *words: str) -> None:
        """Carry out what moves no coins, through whatever disturbs it."""
        before = self.entries()
        said = self.troubles.strike(lambda: self.run(*words, "--yes"), STEPS_OF_A_COMMAND)
        if said is None or said.code in LATER:
            said = self.run(*words, "--yes")
        # What was done already by a process that was killed is refused the second time.
        assert said.code in (0, *REFUSED), (words, said)
        assert self.entries() == before, words
