"""A school that lives a year: the CRM changes by day, clerks work, and every night is a sync.

What comes of it is held against a model of a few lines, which knows no plan and no state: the rules
over the last facts, and what the clerk's commands that were done come to.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from statistics import median

import cli
from coinsync.core.facts import (
    Attendance,
    Decision,
    GroupStanding,
    Hold,
    Lesson,
    Mark,
    Presence,
    Status,
)
from coinsync.core.ledger import LedgerRow
from coinsync.core.seal import Seal, seal_of
from coinsync.store.reader import Reader
from tests.support import steps
from tests.support.school import RULE, Installation, Said
from tests.year.clerk import Clerk
from tests.year.office import Office
from tests.year.troubles import STEPS_OF_A_SYNC, Troubles

#: The hours (UTC) of a clerk's first work of the day, and of the night's sync.
MORNING, NIGHT = time(6), time(20)
#: The rule's coins, and from a later day on.
RATES = ((date(2026, 9, 1), 10), (date(2027, 2, 1), 12))
CONFIG = {
    "rule": [RULE | {"since": since, "coins": coins} for since, coins in RATES],
    "guards__clock_hours_max": 30,
    "sync__days_back": 21,
}
#: Lesson types that the rule pays for.
PAID_TYPES = frozenset({2})
#: A night's run ends with one of these, whatever happens in it.
CODES_OF_A_NIGHT = (0, 2, 3, 5, 75)
#: So often a person accepts what a guard refuses.
ACCEPTED_MAX = 3
#: So many days back the weekly sync reads.
DEEP_DAYS = 180
#: Every so many nights nothing goes wrong, and everything is proved.
PROVED_EVERY = 12
MONTH = 30
#: How much more the last month's nights may ask the CRM for than those of the second month.
GROWTH_MAX = 1.2


@dataclass
class Year:
    """One school, its database and its CRM, from a seed."""

    installation: Installation
    seed: int
    requests: list[int] = field(default_factory=list)
    seals: dict[int, Seal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Found the school, and sync it for the first time."""
        self.random = Random(self.seed)
        self.troubles = Troubles(self.random)
        #: How much later it is at the school than here, and what its clock is wrong by besides.
        self.later = timedelta(days=-100_000)
        self.wrong_by = timedelta(0)
        self.turn_clock_to(MORNING)
        self.office = Office(self.installation.school, self.random)
        self.clerk = Clerk(self.installation, self.random, self.troubles, self.run)
        self.calm_sync()
        self.clerk.open_shop()

    def run(self, *words: str) -> Said:
        """Run a command line at the school's time."""
        return self.installation.run(*words, later=self.later + self.wrong_by)

    def turn_clock_to(self, hour: time) -> None:
        """Let it be this hour (UTC) of the school's day; from there on time passes as here."""
        moment = datetime.combine(self.installation.school.today, hour, UTC)
        self.later = max(self.later, moment - cli.utc_now())

    def live(self, nights: int) -> None:
        """Let so many days and nights pass, and settle everything in the end."""
        for night in range(1, nights + 1):
            self.day()
            self.night()
            self.look()
            if night % PROVED_EVERY == 0:
                self.settle()
        self.settle()
        self.prove()

    # --- a day and a night --------------------------------------------------------------------

    def day(self) -> None:
        """The school lives on, and a clerk works, now and then by a wrong clock."""
        school = self.installation.school
        school.act("advance", days=1)
        self.turn_clock_to(MORNING)
        self.wrong_by = self.troubles.of_the_clock()
        if self.wrong_by:
            # Whoever writes by a wrong clock may be refused, and may lock out the next ones.
            said = self.run("credit", f"#{self.clerk.somebody()}", "1", "--reason", "x", "--yes")
            assert said.code in (0, 2, 7, 75), said
            self.count_credit(said)
            self.night()
            self.wrong_by = timedelta(0)
            self.accept_clock()
        for _ in range(self.random.randint(0, 2)):
            self.office.work()
        for _ in range(self.random.randint(0, 4)):
            self.clerk.work()

    def count_credit(self, said: Said) -> None:
        """Take a credit of one coin into the clerk's account, if it was done."""
        if said.code == 0:
            row = self.clerk.rows()[-1]
            self.clerk.coins[row.resident] += 1

    def accept_clock(self) -> None:
        """Once the clock is right again a person says so, if anything was written meanwhile."""
        said = self.run("db", "accept", "--clock", "--yes")
        assert said.code == 0, said

    def night(self) -> None:
        """The sync by cron; sometimes two at once."""
        self.turn_clock_to(NIGHT)
        crm = self.installation.crm
        self.troubles.of_a_night(crm)
        asked = len(crm.requests)
        other = None
        if self.troubles.happens(0.05):
            other = steps.beside(lambda: self.run("sync", "--quiet"))
        said = self.troubles.strike(lambda: self.run("sync", "--quiet"), STEPS_OF_A_SYNC, 0.4)
        if other is not None:
            steps.ended(other)
        crm.faults.clear()
        assert said is None or said.code in CODES_OF_A_NIGHT, said
        if said is not None and said.code == 0 and other is None and not self.wrong_by:
            self.requests.append(len(crm.requests) - asked)

    def look(self) -> None:
        """Keep the seal of the last run, as somebody else would; those before still hold."""
        with self.installation.reader() as reader:
            newest = reader.head().runs
            self.seals[newest] = seal_of(newest, reader.chains([newest])[newest])
            self.check_seals(reader, list(self.seals)[-3:])

    def check_seals(self, reader: Reader, runs: Iterable[int]) -> None:
        """Nothing up to these runs was changed since their seals were kept."""
        for run, chain in reader.chains(runs).items():
            assert seal_of(run, chain) == self.seals[run]

    # --- settling and proving -----------------------------------------------------------------

    def calm_sync(self, *options: str) -> None:
        """A sync that nothing disturbs; what a guard refuses a person accepts."""
        self.office.refill()
        said = self.run("sync", "--quiet", "--yes", *options)
        # What an accepted window brings may change the plan of a later one.
        for _ in range(ACCEPTED_MAX):
            if said.code == 5:
                digest = self.run("sync", "--dry-run", "--json", *options).json["digest"]
                said = self.run("sync", "--quiet", "--accept-unsafe", digest, *options)
        assert said.code == 0, said

    def settle(self) -> None:
        """Whatever is left over is done by nights without a fault, and nothing after them."""
        # The weekly one: cards may have been merged or parted long after their lessons.
        since = self.installation.school.today - timedelta(days=DEEP_DAYS)
        self.calm_sync("--since", since.isoformat())
        # What an early month holds may be paid by the coins of a later one.
        self.calm_sync()
        before = self.clerk.entries()
        self.calm_sync()
        assert self.clerk.entries() == before, "a second sync found something to do"
        for words in (("reconcile",), ("reconcile", "--with-crm")):
            said = self.run(*words)
            assert said.code == 0, (self.seed, said.out, said.err)
        wrong = self.wrong()
        assert not wrong, wrong

    def prove(self) -> None:
        """Every seal still holds, and nights have not become longer."""
        with self.installation.reader() as reader:
            self.check_seals(reader, self.seals)
        if len(self.requests) > 3 * MONTH:
            second = median(self.requests[MONTH : 2 * MONTH])
            last = median(self.requests[-MONTH:])
            assert last <= GROWTH_MAX * second, (second, last)

    # --- the model ----------------------------------------------------------------------------

    def wrong(self) -> list[str]:
        """Where the ledger is not the rules over the last facts plus the clerk's work."""
        with self.installation.reader() as reader:
            rows = list(reader.ledger())
            lessons = {lesson.id: lesson for lesson in reader.all(Lesson)}
            marks = reader.all(Attendance)
            # A person decides upon these, or has decided.
            settled = {(hold.lesson, hold.resident) for hold in reader.all(Hold)}
            settled |= {(one.lesson, one.resident) for one in reader.all(Decision)}
            erased = reader.resident_ids(Presence.ERASED)
            survivors = reader.survivors()
        due: dict[tuple[int, int], int] = defaultdict(int)
        for mark in marks:
            due[mark.lesson, mark.resident] = worth(lessons[mark.lesson], mark)
        paid: dict[tuple[int, int], int] = defaultdict(int)
        by_hand: Counter[int] = Counter()
        for row in rows:
            if is_for_lesson(row):
                paid[row.lesson or 0, row.resident] += row.coins
            else:
                by_hand[row.resident] += row.coins
        wrong = []
        for pair in sorted(due.keys() | paid.keys()):
            # An erased resident keeps what there was; of two cards of one child one is paid.
            is_left = pair in settled or pair[1] in erased or pair[1] in survivors
            if due[pair] != paid[pair] and not is_left:
                wrong.append(f"lesson {pair}: {paid[pair]} and not {due[pair]}")
        for who in sorted(by_hand.keys() | self.clerk.coins.keys()):
            if by_hand[who] != self.clerk.coins[who]:
                wrong.append(f"by hand #{who}: {by_hand[who]} and not {self.clerk.coins[who]}")
        return wrong


def is_for_lesson(row: LedgerRow) -> bool:
    """Whether an entry is the award of a lesson or its reversal."""
    return row.lesson is not None and not row.key.startswith("gift:")


def worth(lesson: Lesson, mark: Attendance) -> int:
    """What a lesson gives a resident by the one rule of this school."""
    is_held = lesson.status is Status.CONDUCTED and mark.mark is Mark.ATTENDED
    belongs = mark.standing in (GroupStanding.MEMBER, GroupStanding.NONE)
    if not is_held or not belongs or lesson.type not in PAID_TYPES:
        return 0
    rates = [coins for since, coins in RATES if since <= lesson.date]
    return rates[-1] if rates else 0
