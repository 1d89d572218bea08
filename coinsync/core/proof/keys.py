"""The entries under each key of the ledger, as one pass over it meets them.

A ledger has as many keys as awards, and nearly all have a single entry: of those only the coins are
kept.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable

from coinsync.core.ledger import KeyState, Kind, LedgerRow, is_key, lesson_key
from coinsync.core.proof.checks import Circulation, Findings
from coinsync.core.proof.rows import plain

_AWARD, _REVERSAL, _REFUND = Kind.AWARD.value, Kind.REVERSAL.value, Kind.REFUND.value
_ISSUED = (_AWARD, Kind.CREDIT.value, Kind.OPENING.value, Kind.GIFT.value)
_SPENT = (Kind.DEBIT.value, Kind.SALE.value)
_SHOP = frozenset({Kind.SALE.value, _REFUND})
_SHOP_PREFIXES = ("sale:", "refund:")

#: How far a key has come: its last number, the coins that stand, which entry brought them, to whom.
KeyProgress = tuple[int, int, int, int]
NOTHING_POSTED: KeyProgress = (0, 0, 0, 0)


class PostedKeys:
    """What stands under each key, and the sums of the coins that came there.

    ``several`` are the keys that have more than one entry.
    """

    def __init__(self, account: str, several: Iterable[str], findings: Findings) -> None:
        #: The coins that stand for each lesson, by resident.
        self.of_lessons: defaultdict[int | None, dict[int, int]] = defaultdict(dict)
        #: The coins that stand under the keys of sales and refunds.
        self.of_shop: dict[str, int] = {}
        self._progress = dict.fromkeys(several, NOTHING_POSTED)
        self._find = findings.add_entry
        self._lesson_prefix = lesson_prefix(account)
        self._coins_by_kind: Counter[str] = Counter()
        #: Coins that reversals took of what was issued, and gave back of what was spent.
        self._reversed = self._refunded = 0

    def add(self, row: LedgerRow) -> None:
        """Look at the next entry under its key."""
        progress = self._progress.get(row.key, NOTHING_POSTED)
        seq, standing, entry, _ = progress
        if row.seq != seq + 1:
            self._find("keys", row, f"number {row.seq} under its key after {seq}")
        if takes_back(row):
            self._take_back(row, progress)
            return
        if standing:
            self._find("keys", row, f"posted while entry {entry} stands under its key")
        self._check_key(row)
        self._keep(row, row.coins, row.n)
        self._coins_by_kind[row.kind] += row.coins

    def state(self, lesson: int, resident: int) -> KeyState:
        """How far the key of a lesson and a resident has come."""
        key = f"{self._lesson_prefix}{lesson}:{resident}"
        if key in self._progress:
            seq, coins, entry, _ = self._progress[key]
            return KeyState(key, seq, coins, entry if coins else None)
        coins = self.of_lessons.get(lesson, {}).get(resident, 0)
        # Which entry it is nobody has kept; what is compared here does not depend on it.
        return KeyState(key, 1, coins) if coins else KeyState(key)

    def circulation(self, balance: int) -> Circulation:
        """The coins by what became of them; ``balance`` is what the residents have."""
        sums = self._coins_by_kind
        return Circulation(
            issued=sum(map(sums.__getitem__, _ISSUED)),
            reversed=self._reversed,
            spent=-sum(map(sums.__getitem__, _SPENT)),
            refunded=self._refunded + sums[_REFUND],
            balance=balance,
        )

    def _check_key(self, row: LedgerRow) -> None:
        if row.kind == _AWARD:
            if row.key != f"{self._lesson_prefix}{row.lesson}:{row.resident}":
                self._find("keys", row, "its key is not that of its lesson and resident")
        elif not is_key(row.key):
            self._find("keys", row, "its key is none")
        elif row.kind in _SHOP and not row.key.startswith(_SHOP_PREFIXES):
            self._find("keys", row, f"its key is not that of a {row.kind}")

    def _take_back(self, row: LedgerRow, progress: KeyProgress) -> None:
        _, standing, entry, resident = progress
        if row.kind not in (_REVERSAL, _REFUND):
            self._find("reversals", row, f"names an entry, but is of kind {plain(row.kind)}")
        elif not standing or row.reverses != entry:
            fault = "takes back no entry"
            if row.reverses is not None:
                fault = f"takes back entry {row.reverses}, which does not stand under its key"
            self._find("reversals", row, fault)
        elif (row.coins, row.resident) != (-standing, resident):
            own = f"{row.coins:+} for #{row.resident}"
            self._find("reversals", row, f"{own} against {standing:+} for #{resident}")
        # What takes coins back from somebody takes back what was issued.
        if row.coins < 0:
            self._reversed -= row.coins
        else:
            self._refunded += row.coins
        self._keep(row, 0, entry)

    def _keep(self, row: LedgerRow, coins: int, entry: int) -> None:
        # What stands under the key of a row now.
        if row.key in self._progress:
            self._progress[row.key] = (row.seq, coins, entry, row.resident)
        if row.key.startswith(self._lesson_prefix):
            self.of_lessons[row.lesson][row.resident] = coins
        elif row.key.startswith(_SHOP_PREFIXES):
            self.of_shop[row.key] = coins


def takes_back(row: LedgerRow) -> bool:
    """Whether an entry takes back another one, or says so."""
    return row.kind == _REVERSAL or row.reverses is not None


def lesson_prefix(account: str) -> str:
    """How the keys of all lessons of an account begin."""
    return lesson_key(account, 0, 0).removesuffix("0:0")
