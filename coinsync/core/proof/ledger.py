"""One pass over the ledger in its order: every entry by itself, and what stands in the end.

Whatever is wrong with a row is a finding, never an error. All checks share one pass, because
reading a ledger of millions of entries is what takes the time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from coinsync.core.facts import Note
from coinsync.core.ledger import Head, LedgerRow, Run, note_digest
from coinsync.core.proof.checks import Circulation, Findings, erase_command
from coinsync.core.proof.keys import PostedKeys
from coinsync.core.proof.people import MergedCards
from coinsync.core.proof.rows import (
    ROW_SHAPES,
    SIGNS,
    is_private,
    plain,
    word_faults,
    wrong_columns,
)
from coinsync.core.proof.runs import Chain, PostedRuns
from coinsync.environment import Progress, no_progress

_RUNS = "coinsync journal"
_STOCK = "coinsync catalog stock list"


@dataclass(slots=True)
class StoredNotes:
    """What must be known of the stored notes, without their texts."""

    digests: dict[int, str] = field(default_factory=dict)
    private: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, notes: Iterable[Note]) -> StoredNotes:
        """Read the notes once."""
        stored = cls()
        for note in notes:
            stored.digests[note.n] = note_digest(note.salt, note.text)
            if is_private(note.text):
                stored.private.add(note.n)
        return stored


class LedgerPass:
    """One pass over the ledger; ``expected`` entries will come, as far as that is known.

    ``several`` are the keys with more than one entry. Afterwards ``keys`` say what stands. What
    runs wrote besides entries, ``chain`` must have taken in before.
    """

    def __init__(
        self,
        account: str,
        runs: Mapping[int, Run],
        cards: MergedCards,
        notes: StoredNotes,
        findings: Findings,
        *,
        several: Iterable[str],
        progress: Progress = no_progress,
        expected: int = 0,
    ) -> None:
        self.keys = PostedKeys(account, several, findings)
        self.chain = Chain(runs)
        self.entries = 0
        self._account = account
        self._runs = PostedRuns(runs, cards, findings)
        self._runs_recorded = len(runs)
        self._cards = cards
        self._notes = notes
        self._findings = findings
        self._find = findings.add_entry
        self._progress = progress
        self._expected = expected
        self._n_last = 0
        self._right_words: set[tuple[str, str, str, str]] = set()

    @property
    def balances(self) -> Mapping[int, int]:
        """The coins of every card that was ever named."""
        return self._runs.balances

    def take_shop(self, rows: Iterable[tuple[str, Any, Sequence[Any]]]) -> None:
        """Take in every row of the shop that only grows: its table, its run, and all it holds.

        They must come before the entries, because so a run hashes them.
        """
        for table, run, row in rows:
            self.chain.take(table, run, row)
            if table == "stock_move":
                # Its number stands first in a move, the digest of its note eighth.
                self._check_note_of_move(row[0], row[7])

    def take(self, rows: Iterable[LedgerRow]) -> None:
        """Look at every row, in the order of their numbers."""
        runs, keys, right_words = self._runs, self.keys, self._right_words
        take_in = self.chain.take
        for row in rows:
            self.entries += 1
            take_in("entry", row.run, row)
            if tuple(map(type, row)) not in ROW_SHAPES:
                self._skip(row)
                continue
            if row.run != runs.open.id:
                self._progress("entries", self.entries - 1, self._expected)
                runs.begin(row)
            if (row.kind, row.happened_on, row.reason, row.actor) not in right_words:
                self._check_words(row)
            if not row.coins or row.coins * SIGNS.get(row.kind, 0) < 0:
                self._find("entry", row, f"{row.coins:+} coins of kind {plain(row.kind)}")
            if row.n != self._n_last + 1:
                self._find_gap(row.n)
            self._n_last = row.n
            runs.add(row)
            keys.add(row)
            if row.note_digest:
                self._check_note(row)
        runs.close()
        self._progress("entries", self.entries, self._expected)

    def finish(self, residents: Collection[int]) -> Circulation:
        """Make the checks that need the whole ledger.

        What belongs to none of the recorded ``residents`` is not in circulation.
        """
        self.chain.check(self._findings)
        self._runs.check_recorded()
        self._runs.check_families()
        # Digests that entries vouch for were taken out, one by one.
        for n in self._notes.digests:
            self._findings.add("notes", f"note {n} belongs to no entry that vouches for it", _RUNS)
        balances = self.balances.items()
        balance = sum(coins for resident, coins in balances if resident in residents)
        totals = self.keys.circulation(balance)
        if balance != totals.expected:
            expected = f"{totals.expected} coins should be in circulation"
            case = f"{expected}, the residents have {balance}"
            self._findings.add("circulation", case, "coinsync balance")
        return totals

    def check_head(self, head: Head | None) -> None:
        """Whether the head says how far the ledger has come."""
        if head is None:
            self._findings.add("numbers", "the head is missing", _RUNS)
            return
        self._check_count("entries", head.n, self._n_last)
        self._check_count("runs", head.runs, self._runs_recorded)
        # Until something is written the database belongs to no account.
        unused = not head.runs and head.account == ""
        if head.account != self._account and not unused:
            case = "the head names another CRM account than the configuration"
            self._findings.add("numbers", case, _RUNS)

    def check_strays(self) -> None:
        """Whether everything that only grows belongs to a recorded run; entries are looked at."""
        for table, count in self.chain.strays.items():
            if table != "entry":
                case = f"rows of {table} belong to no recorded run"
                self._findings.add("runs", case, _RUNS, count=count)

    def _skip(self, row: LedgerRow) -> None:
        # A row whose numbers are no numbers, or texts no texts, takes part in nothing else.
        columns = ", ".join(wrong_columns(row))
        self._findings.add("entry", f"entry {plain(row.n)}: {columns} cannot be", _RUNS)
        self._n_last = row.n if type(row.n) is int else self._n_last + 1

    def _check_words(self, row: LedgerRow) -> None:
        faults = word_faults(row)
        if faults:
            self._find("entry", row, faults)
        elif is_private(row.reason):
            self._find("private", row, "its reason")
        else:
            # The same words come again and again, and are looked at once.
            self._right_words.add((row.kind, row.happened_on, row.reason, row.actor))

    def _find_gap(self, n: int) -> None:
        first = self._n_last + 1
        # A number may also come twice.
        count = max(1, n - first)
        case = f"entry {first} is" if count == 1 else f"entries {first} … {n - 1} are"
        self._findings.add("numbers", f"{case} missing", _RUNS, count=count)

    def _check_note_of_move(self, n: Any, expected: Any) -> None:
        # It lies under the number turned round. Nobody needs it, so that it may be gone.
        under = -n if type(n) is int else 0
        digest = self._notes.digests.pop(under, None)
        if digest is not None and digest != expected:
            self._findings.add("notes", f"move of stock {n}: its note is another one", _STOCK)
        if under in self._notes.private:
            self._findings.add("private", f"move of stock {n}: its note", _STOCK)

    def _check_note(self, row: LedgerRow) -> None:
        digest = self._notes.digests.pop(row.n, None)
        # The note of somebody who was erased may be gone.
        if digest is None and row.resident not in self._cards.forgotten:
            self._find("notes", row, "its note is missing")
        elif digest is not None and digest != row.note_digest:
            self._find("notes", row, "its note is another one")
        if row.n in self._notes.private:
            self._find("private", row, "its note")
        if digest is not None and row.resident in self._cards.erased:
            case = f"#{row.resident}: the note of entry {row.n}"
            self._findings.add("erased", case, erase_command(row.resident))

    def _check_count(self, what: str, recorded: int, counted: int) -> None:
        if recorded != counted:
            case = f"the head counts {plain(recorded)} {what}, there are {counted}"
            self._findings.add("numbers", case, _RUNS)
