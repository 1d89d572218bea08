"""One pass over the ledger in its order: every entry looked at as it lies there, and what stands in the end.

Nothing here trusts what it looks at: whatever is wrong with a row is a finding, never an error. The pass keeps little
for each key: how far it has come, what stands, and who it is for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import product

from coinsync.core.facts import Merge, Note
from coinsync.core.ledger import (
    GENESIS,
    Head,
    Kind,
    LedgerRow,
    RunLine,
    is_key,
    lesson_key,
    note_digest,
    row_hash,
    survivors_of,
)
from coinsync.core.plan import Purpose
from coinsync.core.proof.checks import Circulation, Findings, erase, is_private, shown

Progress = Callable[[str, int, int], None]


def no_progress(_what: str, _done: int, _expected: int) -> None:
    """Nobody watches."""


@dataclass(slots=True)
class Notes:
    """What must be known of the stored notes: digests by entry, and which look private. The texts are not kept."""

    digests: dict[int, str] = field(default_factory=dict)
    private: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, notes: Iterable[Note]) -> Notes:
        """Read the notes once."""
        made = cls()
        for one in notes:
            made.digests[one.n] = note_digest(one.salt, one.text)
            if is_private(one.text):
                made.private.add(one.n)
        return made


class Cards:
    """Which cards count together: today by ``survivors``, and at any time by ``kin``, of which history cannot be split."""

    def __init__(self, merges: Iterable[Merge] = (), erased: Iterable[int] = ()) -> None:
        """Take the merges, undone ones too, and who is erased."""
        known = tuple(merges)
        self.survivors = survivors_of(known)
        self.kin: dict[int, frozenset[int]] = {}
        for one in known:
            cards = {one.resident, *one.ever, *([one.into] if one.into else [])}
            family = frozenset().union(cards, *(self.kin.get(card, frozenset()) for card in cards))
            self.kin.update(dict.fromkeys(family, family))
        self.erased = frozenset(erased)
        self.forgotten = self.erased.union(
            *(self.kin.get(card, frozenset()) for card in self.erased)
        )

    def head(self, card: int) -> int:
        """The card on which one goes on."""
        return self.survivors.get(card, card)


#: How far a key has come: last number, coins that stand, the entry that brought them, and for whom.
State = tuple[int, int, int, int]

_SIGNS: Mapping[str, int] = {
    Kind.AWARD.value: 1,
    Kind.CREDIT.value: 1,
    Kind.OPENING.value: 1,
    Kind.GIFT.value: 1,
    Kind.REFUND.value: 1,
    Kind.DEBIT.value: -1,
    Kind.SALE.value: -1,
    Kind.REVERSAL.value: 0,
}
_ISSUED = tuple(kind.value for kind in (Kind.AWARD, Kind.CREDIT, Kind.OPENING, Kind.GIFT))
_SPENT = tuple(kind.value for kind in (Kind.DEBIT, Kind.SALE))
_AWARD, _REVERSAL, _REFUND = Kind.AWARD.value, Kind.REVERSAL.value, Kind.REFUND.value
_SHOP = frozenset({Kind.SALE.value, Kind.REFUND.value})
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

_NUMBERS = frozenset({"n", "seq", "resident", "coins", "run"})
_MAYBE = frozenset({"lesson", "reverses"})
_ALLOWED: tuple[tuple[type, ...], ...] = tuple(
    (int,) if name in _NUMBERS else (int, type(None)) if name in _MAYBE else (str,)
    for name in LedgerRow._fields
)
_SHAPES = frozenset(product(*_ALLOWED))
_RUN_TEXTS = frozenset(
    {"uuid", "purpose", "since", "until", "actor", "started_at", "posted_at", "digest"}
)
_RUN_SHAPE = tuple(str if name in _RUN_TEXTS else int for name in RunLine._fields)


class Ledger:
    """One pass over the ledger in its order; afterwards its sums, and where every key stands."""

    def __init__(
        self,
        account: str,
        runs: Mapping[int, RunLine],
        cards: Cards,
        notes: Notes,
        findings: Findings,
        *,
        progress: Progress = no_progress,
        expected: int = 0,
    ) -> None:
        """Nothing taken yet; ``expected`` is how many rows will come, as far as that is known."""
        self.states: dict[str, State] = {}
        self.balances: dict[int, int] = {}
        self.sums: dict[str, int] = {}
        self.reversed = self.refunded = self.entries = self.last = 0
        self._prefix = prefix_of(account)
        self._runs, self._cards, self._notes, self._findings = runs, cards, notes, findings
        self._progress, self._expected = progress, expected
        self._words: set[tuple[str, str, str, str]] = set()
        self._run: int | None = None
        self._posted_at = ""
        self._count, self._moves = 0, dict[int, int]()
        self._reviewed, self._ever_reviewed = set[int](), set[int]()
        self._done: set[int] = set()

    @property
    def shop(self) -> dict[str, int]:
        """Coins under the keys of sales and of refunds."""
        return {
            key: state[1]
            for key, state in self.states.items()
            if key.startswith(("sale:", "refund:"))
        }

    def take(self, rows: Iterable[LedgerRow]) -> None:
        """Look at every row, in the order of their numbers."""
        words, signs, last, before = self._words, _SIGNS, self.last, GENESIS
        for row in rows:
            if tuple(map(type, row)) not in _SHAPES:
                last, before = self._misshapen(row, last)
                continue
            n, _, _, _, coins, kind, day, reason, actor, _, digest, _, _, run, at, chain = row
            if run != self._run:
                self._turn(row)
            if (kind, day, reason, actor) not in words:
                self._learn(row)
            if not coins or coins * signs.get(kind, 0) < 0:
                self._say("entry", row, f"{coins:+} coins of kind {_plain(kind)}")
            if at != self._posted_at:
                self._mistime(row)
            if n != last + 1:
                self._miss(last, n)
            if row_hash(before, row) != chain:
                self._say("chain", row, "its hash does not follow from the entry before")
            last, before = n, chain
            self.last = n
            self._book(row)
            if digest:
                self._vouch(row)
        self._close()

    def _say(self, check: str, row: LedgerRow, what: str) -> None:
        self._findings.add(check, f"entry {row.n} (#{row.resident}): {what}", shown(row.resident))

    # --- each entry ---------------------------------------------------------------------------------------------

    def _misshapen(self, row: LedgerRow, last: int) -> tuple[int, str]:
        """A row in which numbers are no numbers, or texts no texts, takes part in nothing else."""
        wrong = [
            name
            for name, value, kinds in zip(LedgerRow._fields, row, _ALLOWED, strict=True)
            if type(value) not in kinds
        ]
        self._findings.add(
            "entry", f"entry {_plain(row.n)}: {', '.join(wrong)} cannot be", "coinsync runs"
        )
        self.entries += 1
        self.last = row.n if type(row.n) is int else last + 1
        return self.last, row.chain if type(row.chain) is str else GENESIS

    def _learn(self, row: LedgerRow) -> None:
        """Look once at words that come again and again; where something is wrong, at every entry."""
        wrong = [
            what
            for what, right in (
                (f"no kind {_plain(row.kind)}", row.kind in _SIGNS),
                ("no day", _is_day(row.happened_on)),
                ("no reason", bool(row.reason.strip())),
                ("no actor", bool(row.actor.strip())),
            )
            if not right
        ]
        if wrong:
            self._say("entry", row, ", ".join(wrong))
        elif is_private(row.reason):
            self._say("private", row, "its reason")
        else:
            self._words.add((row.kind, row.happened_on, row.reason, row.actor))

    def _mistime(self, row: LedgerRow) -> None:
        """An entry is posted at another time than its run."""
        self._say(
            "runs", row, f"posted at {_plain(row.posted_at)}, its run at {_plain(self._posted_at)}"
        )
        if not _is_time(row.posted_at):
            self._say("entry", row, "no time")

    def _miss(self, last: int, n: int) -> None:
        """Entries between two numbers are not there."""
        count = max(1, n - 1 - last)
        named = f"entry {last + 1} is" if count == 1 else f"entries {last + 1} … {n - 1} are"
        self._findings.add("numbers", f"{named} missing", "coinsync runs", count=count)

    # --- keys and coins -----------------------------------------------------------------------------------------

    def _book(self, row: LedgerRow) -> None:
        """Write the entry to its key and to its resident."""
        n, key, seq, resident, coins, kind, _, _, _, _, _, lesson, reverses, _, _, _ = row
        before = self.states.get(key)
        if seq != (before[0] + 1 if before else 1):
            self._say("keys", row, f"number {seq} under its key after {before[0] if before else 0}")
        self._count += 1
        self._moves[resident] = self._moves.get(resident, 0) + coins
        if kind == _REVERSAL or reverses is not None:
            self._take_back(row, before)
            return
        if before is not None and before[1]:
            self._say("keys", row, f"posted while entry {before[2]} stands under its key")
        if kind == _AWARD:
            if key != f"{self._prefix}{lesson}:{resident}":
                self._say("keys", row, "its key is not that of its lesson and resident")
        elif before is None and not is_key(key):
            self._say("keys", row, "its key is none")
        elif kind in _SHOP and not key.startswith(("sale:", "refund:")):
            self._say("keys", row, f"its key is not that of a {kind}")
        self.states[key] = (seq, coins, n, resident)
        self.sums[kind] = self.sums.get(kind, 0) + coins

    def _take_back(self, row: LedgerRow, before: State | None) -> None:
        if row.kind not in (_REVERSAL, _REFUND):
            self._say("reversals", row, f"names an entry, but is of kind {_plain(row.kind)}")
        elif before is None or not before[1] or row.reverses != before[2]:
            named = f"entry {row.reverses}, which" if row.reverses is not None else "none that"
            self._say("reversals", row, f"takes back {named} does not stand under its key")
        elif (row.coins, row.resident) != (-before[1], before[3]):
            self._say(
                "reversals",
                row,
                f"{row.coins:+} for #{row.resident} against {before[1]:+} for #{before[3]}",
            )
        if before[1] > 0 if before is not None and before[1] else row.coins < 0:
            self.reversed -= row.coins
        else:
            self.refunded += row.coins
        self.states[row.key] = (row.seq, 0, before[2] if before else row.n, row.resident)
        self._reviewed.add(row.resident)

    # --- notes --------------------------------------------------------------------------------------------------

    def _vouch(self, row: LedgerRow) -> None:
        """Whether the stored note is the one that the entry was chained with; an erased one may be gone."""
        digest = self._notes.digests.pop(row.n, None)
        if digest is None and row.resident not in self._cards.forgotten:
            self._say("notes", row, "its note is missing")
        elif digest is not None and digest != row.note_digest:
            self._say("notes", row, "its note is another one")
        if row.n in self._notes.private:
            self._say("private", row, "its note")
        if digest is not None and row.resident in self._cards.erased:
            self._findings.add(
                "erased", f"#{row.resident}: the note of entry {row.n}", erase(row.resident)
            )

    # --- runs and floors ----------------------------------------------------------------------------------------

    def _turn(self, row: LedgerRow) -> None:
        """Close the run that went on until now, and open that of the row."""
        self._close()
        self._run = row.run
        told = self._runs.get(row.run)
        self._posted_at = told.posted_at if told else row.posted_at
        if told is None:
            self._say("runs", row, f"its run {row.run} is not recorded")
        elif not _is_time(told.posted_at):
            self._say("entry", row, "no time")

    def _close(self) -> None:
        """Compare a run's totals, and look at the floors at its end."""
        if self._run is None:
            return
        told, coins = self._runs.get(self._run), sum(self._moves.values())
        if told is not None and (told.entries, told.coins, told.n_last) != (
            self._count,
            coins,
            self.last,
        ):
            self._findings.add(
                "runs",
                f"run {self._run}: {self._count} entries ({coins:+}) up to {self.last}, "
                f"recorded {_plain(told.entries)} ({_plain(told.coins)}) up to {_plain(told.n_last)}",
                "coinsync runs",
            )
        reviewed = (
            self._reviewed
            if told is not None and told.purpose == Purpose.REVIEW.value
            else set[int]()
        )
        for resident, move in self._moves.items():
            self._floor(resident, move, reviewed)
        self._ever_reviewed |= reviewed
        self._done.add(self._run)
        self.entries += self._count
        self._count, self._moves, self._reviewed = 0, {}, set()
        self._progress("entries", self.entries, self._expected)

    def _floor(self, resident: int, move: int, reviewed: Collection[int]) -> None:
        after = self.balances[resident] = self.balances.get(resident, 0) + move
        if move < 0 and after < 0 and resident not in reviewed and resident not in self._cards.kin:
            self._findings.add(
                "floors",
                f"run {self._run} left #{resident} at {after}, and nobody reviewed it",
                shown(resident),
            )

    # --- the end ------------------------------------------------------------------------------------------------

    def finish(self, recorded: Collection[int]) -> Circulation:
        """Look at what only the whole shows; ``recorded`` are the residents who can be asked for their balance."""
        self._check_runs()
        self._check_families()
        for n in self._notes.digests:
            self._findings.add(
                "notes", f"note {n} belongs to no entry that vouches for it", "coinsync runs"
            )
        made = Circulation(
            sum(self.sums.get(kind, 0) for kind in _ISSUED),
            self.reversed,
            -sum(self.sums.get(kind, 0) for kind in _SPENT),
            self.refunded + self.sums.get(_REFUND, 0),
            sum(coins for resident, coins in self.balances.items() if resident in recorded),
        )
        if made.balance != made.expected:
            self._findings.add(
                "circulation",
                f"{made.expected} coins should be in circulation, the residents have {made.balance}",
                "coinsync balance",
            )
        return made

    def _check_runs(self) -> None:
        """Whether runs are counted without gaps and go on where the last one stopped."""
        n_last, posted_at = 0, ""
        for n, told in enumerate(self._runs.values(), 1):
            wrong = _run_faults(told, n)
            if not wrong and (told.entries or told.coins) and told.id not in self._done:
                wrong = f"its {told.entries} entries ({told.coins:+}) are missing"
            elif not wrong and (told.n_last != n_last + told.entries or told.posted_at < posted_at):
                wrong = "it does not go on where the run before ended"
            if wrong:
                self._findings.add("runs", f"run {_plain(told.id)}: {wrong}", "coinsync runs")
            if _is_run(told):
                n_last, posted_at = told.n_last, told.posted_at

    def check_head(self, head: Head | None, account: str) -> None:
        """Whether the row that every writer changes first says how far the ledger has come, and whose it is."""
        if head is None:
            self._findings.add("numbers", "the head is missing", "coinsync runs")
            return
        for what, told, counted in (
            ("entries", head.n, self.last),
            ("runs", head.runs, len(self._runs)),
        ):
            if told != counted:
                words = f"the head counts {_plain(told)} {what}, there are {counted}"
                self._findings.add("numbers", words, "coinsync runs")
        if head.account not in (account, "" if not head.runs else account):
            self._findings.add(
                "numbers",
                "the head names another CRM account than the configuration",
                "coinsync runs",
            )

    def _check_families(self) -> None:
        """Cards that are or were ever merged: what they have today, because their past cannot be told apart."""
        together: Counter[int] = Counter()
        for resident, coins in self.balances.items():
            if resident in self._cards.kin:
                together[self._cards.head(resident)] += coins
        for owner, coins in together.items():
            if coins < 0 and self._ever_reviewed.isdisjoint(self._cards.kin[owner]):
                self._findings.add(
                    "floors", f"#{owner} has {coins}, and nobody reviewed it", shown(owner)
                )


def _run_faults(told: RunLine, n: int) -> str:
    if not _is_run(told):
        return "it cannot be read"
    if told.id != n:
        return f"it stands where run {n} should"
    right = (
        told.purpose in {one.value for one in Purpose}
        and told.actor.strip()
        and _is_time(told.posted_at)
    )
    return (
        ""
        if right and _is_day(told.since) and _is_day(told.until)
        else "purpose, actor, days or time are wrong"
    )


def _is_run(told: RunLine) -> bool:
    return tuple(map(type, told)) == _RUN_SHAPE


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    return _TIME.fullmatch(text) is not None and _is_moment(text)


def _is_moment(text: str) -> bool:
    try:
        return bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def _plain(value: object) -> str:
    """A damaged value, short: it may be anything, so what is no number or plain word is only said to be odd."""
    text = str(value)
    return text if re.fullmatch(r"[-+\w:.]{1,40}", text, re.ASCII) else "something odd"


def prefix_of(account: str) -> str:
    """How the keys of all lessons of an account begin."""
    return lesson_key(account, 0, 0).removesuffix("0:0")
