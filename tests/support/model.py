"""What every coin should be, as simply as it can be said.

A school, its CRM and its coins are plain dictionaries. The model knows no database, no plan and
none of the program's rules. It is told what happens (edits in the CRM, syncs, what clerks do) and
says where every key, held case and link must stand afterwards, or by which name of an error
something is refused.
"""

from __future__ import annotations

from collections.abc import Collection
from copy import copy as shallow
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

#: (lesson, resident): what coins of lessons are for.
Pair = tuple[int, int]


class Refused(Exception):
    """An operation is not done; the text is the name of the error that says so."""


@dataclass(frozen=True)
class Lesson:
    """A lesson as the CRM has it or as it was last seen.

    Only one that was seen says how its residents stood.
    """

    day: date
    status: str = "conducted"
    kind: str = "paid"
    marks: dict[int, str] = field(default_factory=dict)
    standing: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class KeyState:
    """Where a key of a lesson stands: how many entries it has, and the coins that they come to."""

    seq: int = 0
    coins: int = 0


@dataclass(frozen=True)
class Done:
    """What a clerk did under a key; once it is ``back``, it counts no more."""

    resident: int
    coins: int
    kind: str
    note: str
    at: datetime
    back: bool = False


@dataclass
class Model:
    """The whole school.

    What is in the first block is the CRM's and the calendar's, all else is what was recorded.
    """

    now: datetime
    today: date
    cards: set[int]
    members: frozenset[int]
    rates: dict[date, int]
    crm: dict[int, Lesson] = field(default_factory=dict)

    first_read: date | None = None
    belongs: dict[int, date | None] = field(default_factory=dict)
    missed: dict[int, datetime] = field(default_factory=dict)
    seen: dict[int, Lesson] = field(default_factory=dict)
    looked: set[int] = field(default_factory=set)
    key_states: dict[Pair, KeyState] = field(default_factory=dict)
    held: dict[Pair, tuple[str, int]] = field(default_factory=dict)
    held_for: dict[Pair, str] = field(default_factory=dict)
    words: dict[Pair, tuple[int, int, str]] = field(default_factory=dict)
    proposals: dict[str, Done] = field(default_factory=dict)
    into: dict[int, int] = field(default_factory=dict)
    erased: set[int] = field(default_factory=set)
    known: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    viewers: set[Pair] = field(default_factory=set)
    revoked: set[Pair] = field(default_factory=set)

    def copy(self) -> Model:
        """The same school, on its own; what its dictionaries hold is never changed in place."""
        same = shallow(self)
        vars(same).update(
            {
                name: each.copy()
                for name, each in vars(self).items()
                if isinstance(each, (dict, set))
            }
        )
        return same

    # --- coins --------------------------------------------------------------------------------

    def survivor(self, card: int) -> int:
        """The card on which a card goes on in the end."""
        while card in self.into:
            card = self.into[card]
        return card

    def balance(self, card: int) -> int:
        """All coins of whoever the card belongs to."""
        survivor = self.survivor(card)
        lessons = sum(
            state.coins
            for (_, who), state in self.key_states.items()
            if self.survivor(who) == survivor
        )
        return lessons + sum(
            one.coins
            for one in self.proposals.values()
            if not one.back and self.survivor(one.resident) == survivor
        )

    def worth(self, lesson: Lesson, who: int) -> tuple[int, int, str]:
        """Coins that a lesson gives, coins that it may give if a person says so, and why."""
        if lesson.status != "conducted":
            return 0, 0, "lesson_gone" if lesson.status == "gone" else "not_conducted"
        if lesson.marks[who] != "attended":
            mark = lesson.marks[who]
            return 0, 0, "same_child" if mark == "other_card" else mark
        if lesson.kind != "paid":
            return 0, 0, "trial"
        rate = self.rates[max(since for since in self.rates if since <= lesson.day)]
        return {
            "member": (rate, 0, "paid"),
            "unknown": (0, rate, "membership_unknown"),
            "guest": (0, 0, "guest"),
        }[lesson.standing[who]]

    # --- a sync -------------------------------------------------------------------------------

    def read_people(self) -> None:
        """Who is in the CRM today.

        Whoever is still not there twelve hours after that was first noticed is gone, and left the
        group today.
        """
        self.looked = set()
        self.first_read = self.first_read or self.today
        self.known |= self.cards
        self.gone -= self.cards
        for who in self.known:
            if who in self.cards or who in self.gone | self.erased:
                self.missed.pop(who, None)
            elif self.now >= self.missed.setdefault(who, self.now) + timedelta(hours=12):
                self.gone.add(who)
                del self.missed[who]
                if self.belongs.get(who, date.min) is None:
                    self.belongs[who] = self.today
        for who in (self.members & self.cards) - self.erased:
            self.belongs[who] = None

    def settled(self, id: int) -> Lesson:
        """A lesson of the CRM with how its residents stand, and with those whom it listed once
        as removed."""
        lesson, before = self.crm[id], self.seen.get(id, Lesson(date.min))
        environment = "unknown" if lesson.day < (self.first_read or self.today) else "guest"
        standing = {
            who: "member"
            if (self.belongs.get(who, date.min) or date.max) >= lesson.day
            else environment
            for who in lesson.marks
        }
        removed = dict.fromkeys(before.marks, "removed")
        marks, standing = removed | lesson.marks, before.standing | standing
        for who in self.erased & set(marks):
            # Of whom nothing more is recorded, that stays as it was.
            del marks[who]
            if who in before.marks:
                marks[who], standing[who] = before.marks[who], before.standing[who]
        settled = replace(lesson, marks=marks, standing=standing)
        return replace(settled, marks=marks | self.other_cards(id, settled))

    def other_cards(self, id: int, lesson: Lesson) -> dict[int, str]:
        """The cards whose visit is that of another card of the same child."""
        visits = []
        for who in lesson.marks:
            coins, offer, _ = self.worth(lesson, who)
            state = self.key_states.get((id, who), KeyState())
            if (coins or offer) and who not in self.erased:
                place = (not state.coins, not state.seq, not coins, who in self.into)
                visits.append((place, who))
        first: dict[int, int] = {}
        for _, who in sorted(visits):
            first.setdefault(self.survivor(who), who)
        return {who: "other_card" for _, who in visits if first[self.survivor(who)] != who}

    def read_window(
        self,
        since: date,
        until: date,
        *,
        accepted: bool = False,
        rerate: bool = False,
        spoilt: frozenset[int] = frozenset(),
        blind: bool = False,
    ) -> str:
        """Take in the lessons of a window.

        "done", "refused" by a guard, or "unread" if one cannot be asked for.
        """
        stored = {id for id, one in self.seen.items() if since <= one.day <= until}
        listed = {id for id, one in self.crm.items() if since <= one.day <= until}
        missing = {id for id in stored - listed - self.looked if self.seen[id].status != "gone"}
        doubtful = any(self.seen[id].status == "conducted" for id in stored) and not listed - spoilt
        if doubtful and missing and not accepted:
            return "refused"
        asked = missing & set(self.crm) if not doubtful else set()
        if not doubtful and missing and (blind or asked & spoilt):
            return "unread"
        read = listed - self.looked - spoilt | asked
        open_still = {id for id, _ in self.held} | {
            id for (id, _), state in self.key_states.items() if state.coins
        }
        gone = missing - asked | {
            id for id in open_still & stored - read if self.seen[id].status == "gone"
        }
        fresh = {id: self.settled(id) for id in read} | {
            id: replace(self.seen[id], status="gone") for id in gone
        }
        before, self.looked = dict(self.seen), self.looked | read
        self.seen |= fresh
        pairs = sorted(
            (one.day, id, who) for id, one in fresh.items() for who in set(one.marks) - self.erased
        )
        gains = [
            (id, who)
            for _, id, who in pairs
            if self.worth(fresh[id], who)[0] >= self.key_states.get((id, who), KeyState()).coins
        ]
        losses = [(id, who) for _, id, who in pairs if (id, who) not in gains]
        for id, who in gains + losses:
            old = before.get(id)
            known = (
                old is not None
                and who in old.marks
                and self.worth(old, who) == self.worth(fresh[id], who)
            )
            self.weigh((id, who), known=known, rerate=rerate)
        return "done"

    def weigh(self, pair: Pair, *, known: bool, rerate: bool) -> None:
        """Post what a lesson gives now, hold it for a person, or leave it, if only the rules
        moved."""
        coins, offer, reason = self.worth(self.seen[pair[0]], pair[1])
        state, held = self.key_states.get(pair, KeyState()), pair in self.held
        owed = coins - state.coins
        if self.words.get(pair) == (state.seq, state.coins, reason) or (owed == 0 and not offer):
            self.held.pop(pair, None)
        elif known and not rerate and owed and (owed > 0 or not held):
            pass
        elif offer and not state.coins:
            self.held[pair], self.held_for[pair] = ("guest", offer), reason
        elif owed < 0 and (
            (known and held and self.held_for[pair] != reason)
            or reason in ("not_marked", "membership_unknown")
            or self.balance(pair[1]) < -owed
        ):
            self.held[pair], self.held_for[pair] = ("reversal", owed), reason
        else:
            self.held.pop(pair, None)
            self.post(pair, coins)

    def post(self, pair: Pair, coins: int) -> None:
        """Take back what stands under a key, if anything does, and award what is due, if
        anything is."""
        state = self.key_states.get(pair, KeyState())
        self.key_states[pair] = KeyState(state.seq + bool(state.coins) + bool(coins), coins)

    # --- a clerk ------------------------------------------------------------------------------

    def give(
        self, key: str, who: int, coins: int, note: str, *, sure: bool = False, most: int = 10
    ) -> None:
        """A credit, or a debit if ``coins`` is negative."""
        if self.survivor(who) in self.erased:
            raise Refused("CoinPolicy")
        if abs(coins) > most:
            raise Refused("AboveLimit")
        self.give_each(key, {key: who}, coins, note, sure=sure)

    def give_group(
        self, key: str, coins: int, note: str, *, sure: bool = False, most: int = 10
    ) -> None:
        """The same for all who are in the group today, but who is gone or erased."""
        members = set()
        for who, until in self.belongs.items():
            survivor = self.survivor(who)
            if (until or date.max) >= self.today and survivor not in self.gone | self.erased:
                members.add(survivor)
        if not members:
            raise Refused("NotFound")
        if coins > most:
            raise Refused("AboveLimit")
        self.give_each(key, {f"{key}:{who}": who for who in members}, coins, note, sure=sure)

    def give_each(
        self, key: str, receivers: dict[str, int], coins: int, note: str, *, sure: bool
    ) -> None:
        """The same for each of them under a key of its own, all or none; once under one key."""
        kind = "credit" if coins > 0 else "debit"
        wanted = {
            own: Done(self.survivor(who), coins, kind, note, self.now)
            for own, who in receivers.items()
        }
        posted = [
            replace(done, resident=self.survivor(done.resident), at=self.now, back=False)
            for own, done in self.proposals.items()
            if own == key or own.startswith(f"{key}:")
        ]
        if posted:
            if sorted(map(repr, posted)) != sorted(map(repr, wanted.values())):
                raise Refused("PostedOtherwise")
            return
        if not sure and any(self.is_twice(done, timedelta(minutes=10)) for done in wanted.values()):
            raise Refused("LikelyDuplicate")
        self.check_floors(list(wanted.values()))
        self.proposals |= wanted

    def import_rows(
        self, rows: tuple[tuple[str, int, int, str], ...], *, sure: bool = False
    ) -> None:
        """Rows of key, resident, coins and note, all or none."""
        wanted = {
            key: Done(self.survivor(who), coins, "credit" if coins > 0 else "debit", note, self.now)
            for key, who, coins, note in rows
        }
        wrong: list[str] = []
        fresh: dict[str, Done] = {}
        for key, done in wanted.items():
            if done.resident in self.erased:
                wrong.append("CoinPolicy")
                continue
            try:
                if not self.is_done(key, done):
                    fresh[key] = done
            except Refused as refused:
                wrong.append(str(refused))
        for who in {done.resident for done in fresh.values()}:
            try:
                self.check_floors([done for done in fresh.values() if done.resident == who])
            except Refused as refused:
                wrong.append(str(refused))
        if wrong:
            raise Refused(wrong[0] if len(wrong) == 1 else "ImportRefused")
        if not sure and any(
            self.is_twice(done, timedelta(days=7), "csv:", wanted) for done in fresh.values()
        ):
            raise Refused("LikelyDuplicate")
        self.proposals |= fresh

    def is_done(self, key: str, done: Done) -> bool:
        """Whether just this is posted under the key, on whatever card of the person.

        Something else is refused.
        """
        before = self.proposals.get(key)
        if before is None:
            return False
        if replace(before, resident=self.survivor(before.resident), at=done.at, back=False) != done:
            raise Refused("PostedOtherwise")
        return True

    def is_twice(
        self, done: Done, within: timedelta, prefix: str = "", but: Collection[str] = ()
    ) -> bool:
        """Whether the same was done lately under another key.

        Keys of the same file do not count.
        """
        others = (
            one for key, one in self.proposals.items() if key.startswith(prefix) and key not in but
        )
        return any(
            one.at >= self.now - within and replace(one, at=done.at) == done for one in others
        )

    def check_floors(self, proposals: list[Done]) -> None:
        """Nobody who loses coins ends with fewer than none."""
        for survivor in {self.survivor(one.resident) for one in proposals}:
            after = self.balance(survivor) + sum(
                one.coins for one in proposals if self.survivor(one.resident) == survivor
            )
            if after < min(0, self.balance(survivor)):
                raise Refused("NotEnoughCoins")

    def reverse(self, key: str) -> None:
        """What was done under a desk's or a gift's key is taken back."""
        done = self.proposals[key]
        if done.back:
            raise Refused("AlreadyReversed")
        self.check_floors([replace(done, coins=-done.coins)])
        self.proposals[key] = replace(done, back=True)

    def undo(self, keys: list[str]) -> None:
        """What still stands of all that was done under these keys is taken back."""
        standing = {key: self.proposals[key] for key in keys if not self.proposals[key].back}
        if not standing:
            raise Refused("AlreadyReversed")
        self.check_floors([replace(done, coins=-done.coins) for done in standing.values()])
        for key, done in standing.items():
            self.proposals[key] = replace(done, back=True)

    def reverse_award(self, pair: Pair, seq: int) -> None:
        """An award is taken back by hand, which is a person's word that nothing is due."""
        state = self.key_states[pair]
        if not state.coins or state.seq != seq:
            raise Refused("AlreadyReversed")
        self.check_floors([Done(pair[1], -state.coins, "", "", self.now)])
        self.post(pair, 0)
        self.held.pop(pair, None)
        self.words[pair] = (seq + 1, 0, self.worth(self.seen[pair[0]], pair[1])[2])

    def review(self, pair: Pair, word: str) -> None:
        """A person's word about what is held: post, forgive or waive."""
        if pair not in self.held:
            raise Refused("NotFound")
        (kind, _), state = self.held[pair], self.key_states.get(pair, KeyState())
        if kind == "guest" and word == "forgive":
            raise Refused("UsageError")
        del self.held[pair]
        coins, offer, reason = self.worth(self.seen[pair[0]], pair[1])
        agreed = coins + (offer if kind == "guest" else 0)
        if word != "waive" and agreed != state.coins:
            self.post(pair, agreed)
        if word == "forgive" and state.coins > coins:
            gift = Done(pair[1], state.coins - coins, "gift", "so be it", self.now)
            self.proposals[f"gift:{pair[0]}:{pair[1]}:{state.seq}"] = gift
        now = self.key_states.get(pair, KeyState())
        if offer or now.coins != coins:
            self.words[pair] = (now.seq, now.coins, reason)

    # --- cards and links ----------------------------------------------------------------------

    def group(self, card: int) -> set[int]:
        """All cards of whoever the card belongs to."""
        survivor = self.survivor(card)
        return {survivor, *(one for one in self.into if self.survivor(one) == survivor)}

    def live_links(self) -> set[Pair]:
        """Who may see whom: (VK account, the card that somebody goes on as)."""
        return {(vk, self.survivor(card)) for vk, card in self.viewers}

    def merge(self, card: int, other: int) -> None:
        """One card goes on as another, and whoever sees it sees that other, unless that was
        revoked there."""
        if card in self.into or self.into.get(other) == card:
            raise Refused("CoinPolicy")
        survivor = self.survivor(other)
        if card == survivor:
            raise Refused("UsageError" if other == card else "CoinPolicy")
        if {card, survivor} & self.erased:
            raise Refused("CoinPolicy")
        self.join(card, survivor)

    def join(self, card: int, survivor: int) -> None:
        """The merge itself."""
        self.viewers -= {
            (vk, one) for vk, who in self.revoked if who == survivor for one in self.group(card)
        }
        self.into[card] = survivor

    def unmerge(self, card: int) -> None:
        """A card stands on its own again, and each has its own viewers that were not revoked
        since."""
        if card not in self.into or self.into[card] in self.into:
            raise Refused("CoinPolicy")
        alone = self.copy()
        other = alone.into.pop(card)
        if alone.balance(card) < 0 or alone.balance(other) < 0:
            raise Refused("NotEnoughCoins")
        del self.into[card]

    def erase(self, who: int) -> None:
        """Names, notes and links of all cards go; coins stay."""
        cards = self.group(who)
        self.erased |= cards
        self.held = {pair: held for pair, held in self.held.items() if pair[1] not in cards}
        for who in cards & set(self.belongs):
            self.belongs[who] = self.belongs[who] or self.today
        self.viewers = {pair for pair in self.viewers if pair[1] not in cards}
        self.revoked = {pair for pair in self.revoked if pair[1] not in cards}
        self.proposals = {
            key: replace(one, note="") if one.resident in cards else one
            for key, one in self.proposals.items()
        }

    def link(self, vk: int, who: int) -> None:
        """A VK account may see a resident."""
        survivor = self.survivor(who)
        if survivor in self.erased:
            raise Refused("CoinPolicy")
        if (vk, survivor) not in self.live_links():
            self.viewers.add((vk, survivor))
            self.revoked.discard((vk, survivor))

    def revoke(self, vk: int, who: int) -> None:
        """A VK account may see a resident no longer.

        Where it may not anyway, that is said or nothing is done.
        """
        if (vk, self.survivor(who)) not in self.live_links():
            raise Refused("NotFound|")
        for card in self.group(who):
            if (vk, card) in self.viewers or card == self.survivor(who):
                self.viewers.discard((vk, card))
                self.revoked.add((vk, card))

    def wrong_cards(self) -> list[str]:
        """What must never be of cards.

        A circle, or a person of whose cards one is erased and another is not.
        """
        wrong = []
        for card in self.into:
            at = card
            for _ in self.into:
                at = self.into.get(at, 0)
                if at == card:
                    wrong.append(f"#{card} goes on as itself")
                    break
        return wrong + [
            f"#{card} and #{other}"
            for card, other in self.into.items()
            if (card in self.erased) != (other in self.erased)
        ]
