"""The runs that posted the ledger: chain, totals, order, and the balances at the end of each."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from coinsync.core.ledger import GENESIS, LedgerRow, Run, RunHash
from coinsync.core.plan import Purpose
from coinsync.core.proof.checks import Findings, history_command
from coinsync.core.proof.keys import takes_back
from coinsync.core.proof.people import MergedCards
from coinsync.core.proof.rows import is_run, is_time, plain, run_fault
from coinsync.core.seal import Seal, seal_of

_RUNS = "coinsync journal"


class Chain:
    """Hashes again what each of the recorded ``runs`` wrote."""

    def __init__(self, runs: Mapping[int, Run]) -> None:
        self._hashes: dict[int, RunHash] = {}
        chain = GENESIS
        for run in runs.values():
            self._hashes[run.id] = RunHash(chain, run)
            # The next is compared with the hash that stands here, right or wrong: one change is
            # one case.
            chain = run.chain
        #: Tables with rows of a run that is not recorded.
        self.strays = Counter[str]()
        #: Runs whose recorded hash is not the one that follows.
        self.broken: list[int] = []

    def take(self, table: str, run: Any, row: Sequence[Any]) -> None:
        """Take in a row of a run."""
        # Whatever lies there as the number of a run, damaged or not, can be looked up.
        run_hash = self._hashes.get(run)
        if run_hash is None:
            self.strays[table] += 1
        else:
            run_hash.add(table, row)

    @property
    def seal(self) -> Seal:
        """The newest seal, as it is recorded."""
        for run_hash in reversed(self._hashes.values()):
            return seal_of(run_hash.run.id, str(run_hash.run.chain))
        return seal_of(0, GENESIS)

    def fault(self, seal: Seal) -> str:
        """Why a seal does not hold; "" where it does."""
        run_hash = self._hashes.get(seal.run)
        if seal.run > self.seal.run:
            return f"the ledger ends at run {self.seal.run}"
        if run_hash is not None and not str(run_hash.run.chain).startswith(seal.digits):
            return f"run {seal.run} is not what was sealed"
        if self.broken and self.broken[0] <= seal.run:
            return f"run {self.broken[0]} was changed since"
        return ""

    def differs_from(self, others: Iterable[Run]) -> tuple[str, int]:
        """The first run that is another one in a copy, "" if none is; and how far that goes."""
        difference, last = "", 0
        # All are taken: their connection answers nothing else before.
        for other in others:
            last = other.id
            run_hash = self._hashes.get(other.id)
            if difference:
                continue
            if run_hash is None:
                difference = f"run {other.id}, posted {other.posted_at}, is missing here"
            elif run_hash.run.chain != other.chain:
                difference = f"run {other.id}, posted {other.posted_at}, is another one here"
        return difference, last

    def check(self, findings: Findings) -> None:
        """Compare every hash with the recorded one."""
        for run_hash in self._hashes.values():
            run = run_hash.run
            if run_hash.chain != run.chain:
                self.broken.append(run.id)
                case = f"run {plain(run.id)} does not follow from the run before and what it wrote"
                findings.add("chain", case, _RUNS)


@dataclass(slots=True)
class OpenRun:
    """The run whose entries are being read; all must have its ``posted_at``."""

    id: int | None = None
    recorded: Run | None = None
    posted_at: str = ""
    is_review: bool = False
    entries: int = 0
    n_last: int = 0
    moves: Counter[int] = field(default_factory=Counter)
    #: Residents whose coins a person decided to take back: they may go below zero.
    reviewed: set[int] = field(default_factory=set)


class PostedRuns:
    """Follows the runs as their entries come, and adds up ``balances``."""

    def __init__(self, recorded: Mapping[int, Run], cards: MergedCards, findings: Findings) -> None:
        self.balances: dict[int, int] = {}
        self.open = OpenRun()
        self._recorded = recorded
        self._cards = cards
        self._findings = findings
        self._find = findings.add_entry
        self._with_entries: set[int | None] = set()
        self._ever_reviewed: set[int] = set()

    def begin(self, row: LedgerRow) -> None:
        """Close the open run, and open that of an entry."""
        self.close()
        recorded = self._recorded.get(row.run)
        posted_at = recorded.posted_at if recorded else row.posted_at
        is_review = recorded is not None and recorded.purpose == Purpose.REVIEW.value
        self.open = OpenRun(row.run, recorded, posted_at, is_review)
        if recorded is None:
            self._find("runs", row, f"its run {row.run} is not recorded")
        elif not is_time(posted_at):
            self._find("entry", row, "no time")

    def add(self, row: LedgerRow) -> None:
        """Add an entry of the open run."""
        run = self.open
        run.entries += 1
        run.n_last = row.n
        run.moves[row.resident] += row.coins
        if run.is_review and takes_back(row):
            run.reviewed.add(row.resident)
        if row.posted_at != run.posted_at:
            times = f"posted at {plain(row.posted_at)}, its run at {plain(run.posted_at)}"
            self._find("runs", row, times)
            if not is_time(row.posted_at):
                self._find("entry", row, "no time")

    def close(self) -> None:
        """Compare the totals of the open run with those recorded, and move the balances.

        They are looked at here alone, as the writer does: the entries of a run stand in the order
        of days and keys, so that a debit may come before the credit that pays it.
        """
        run = self.open
        self._check_totals()
        for resident, coins in run.moves.items():
            self._move(resident, coins)
        self._with_entries.add(run.id)
        self._ever_reviewed.update(run.reviewed)
        self.open = OpenRun()

    def check_recorded(self) -> None:
        """Whether runs have no gaps, each going on where the last one stopped."""
        n_last = 0
        posted_at = ""
        for place, run in enumerate(self._recorded.values(), start=1):
            fault = run_fault(run, place) or self._fault_after(run, n_last, posted_at)
            if fault:
                self._findings.add("runs", f"run {plain(run.id)}: {fault}", _RUNS)
            # The next is compared with what this one says of itself: one fault is one case.
            if is_run(run):
                n_last = run.n_last
                posted_at = run.posted_at

    def check_families(self) -> None:
        """Whether cards that were ever merged have fewer coins than none together, today.

        Their past cannot be told apart by card, so the end of each run says nothing about them.
        """
        together: Counter[int] = Counter()
        for card in self._cards.families:
            together[self._cards.survivor(card)] += self.balances.get(card, 0)
        for owner, coins in together.items():
            if coins < 0 and self._ever_reviewed.isdisjoint(self._cards.families[owner]):
                case = f"#{owner} has {coins}, and nobody reviewed it"
                self._findings.add("floors", case, history_command(owner))

    def _check_totals(self) -> None:
        run, recorded = self.open, self.open.recorded
        if recorded is None:
            return
        coins = sum(run.moves.values())
        if (recorded.entries, recorded.coins, recorded.n_last) != (run.entries, coins, run.n_last):
            counted = f"{run.entries} entries ({coins:+}) up to {run.n_last}"
            total = f"{plain(recorded.entries)} ({plain(recorded.coins)})"
            case = f"run {run.id}: {counted}, recorded {total} up to {plain(recorded.n_last)}"
            self._findings.add("runs", case, _RUNS)

    def _move(self, resident: int, coins: int) -> None:
        balance = self.balances.get(resident, 0) + coins
        self.balances[resident] = balance
        # Who is below zero after a review may gain coins and still be below zero.
        if coins >= 0 or balance >= 0:
            return
        if resident not in self.open.reviewed and resident not in self._cards.families:
            case = f"run {self.open.id} left #{resident} at {balance}, and nobody reviewed it"
            self._findings.add("floors", case, history_command(resident))

    def _fault_after(self, run: Run, n_last: int, posted_at: str) -> str:
        if (run.entries or run.coins) and run.id not in self._with_entries:
            return f"its {run.entries} entries ({run.coins:+}) are missing"
        # Moments of one form compare as texts.
        is_earlier = run.posted_at < posted_at and run.purpose != Purpose.ACCEPT.value
        if run.n_last != n_last + run.entries or is_earlier:
            return "it does not go on where the run before ended"
        return ""
