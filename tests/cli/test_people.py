"""Cards that are one child, and families that ask what is held or want to be forgotten."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from coinsync.core.facts import Link
from coinsync.environment import no_probe
from coinsync.store import database
from tests.support.goods import an_item, fill
from tests.support.school import Installation, beside_vk

#: A card with its family's account, and another family's card.
CARD, HIS, INTO, THEIRS = 104, 900000002, 110, 900000005
ADA, ADAS = 102, 900000001


@pytest.fixture
def installation(desk: Installation) -> Installation:
    """A school after its first sync."""
    return desk


def seen(installation: Installation, vk: int) -> dict[int, int]:
    """Whom an account sees in the cabinet, with how many coins."""
    page = installation.cabinet(vk)
    found = re.findall(
        r'<section id="resident-(\d+)".*?<p class="balance"><strong>([\d\s]+)</strong>',
        page,
        re.DOTALL,
    )
    return {int(who): int(coins) for who, coins in found}


def links(installation: Installation) -> set[Link]:
    """All links."""
    with installation.reader() as reader:
        return set(reader.links())


class TestMerge:
    """Two cards of one child count together, for staff and for the family."""

    def test_no_coin_moves_and_everything_counts_together(self, installation: Installation) -> None:
        """One balance, one history, one line in the list.

        Whoever names the old card means the new one.
        """
        before = installation.content()
        out = installation.ok("residents", "merge", f"#{CARD}", f"#{INTO}", "--yes").out
        assert "#104 Богдан З. (40) goes on as #110 Данил С. (80): together 120" in out
        assert f"VK {HIS} will see it" in out
        assert "still a client in the CRM" in out
        assert installation.content() == before
        for name in (f"#{CARD}", f"#{INTO}", f"crm:{CARD}", "Данил"):
            assert [
                (one["resident"], one["balance"])
                for one in installation.ok("balance", name, "--json").json
            ] == [(INTO, 120)]
        assert len(installation.ok("history", f"#{CARD}", "--json").json["lines"]) == 12
        listed = {
            one["resident"]: one["balance"]
            for one in installation.ok("residents", "list", "--json").json
        }
        assert (listed[INTO], CARD in listed) == (120, False)

    def test_both_families_see_the_joint_balance(self, installation: Installation) -> None:
        """In the cabinet too, and nobody sees the old card any more."""
        assert (seen(installation, HIS), seen(installation, THEIRS)) == (
            {CARD: 40, 105: 20, 125: 0},
            {INTO: 80},
        )
        installation.ok("residents", "merge", f"#{CARD}", f"#{INTO}", "--yes")
        assert (seen(installation, HIS), seen(installation, THEIRS)) == (
            {INTO: 120, 105: 20, 125: 0},
            {INTO: 120},
        )

    def test_coins_go_to_the_card_that_goes_on(self, installation: Installation) -> None:
        """And what both have may be spent at once."""
        installation.ok("residents", "merge", f"#{CARD}", f"#{INTO}", "--yes")
        installation.ok("credit", f"#{CARD}", "5", "--reason", "x", "--yes")
        assert installation.ledger()[-1].entry.resident == INTO
        installation.ok("debit", f"#{CARD}", "125", "--reason", "x", "--yes")
        assert installation.run("debit", f"#{INTO}", "1", "--reason", "x", "--yes").code == 7

    def test_and_back(self, installation: Installation) -> None:
        """Balances, links and the cabinet are as if nothing had been."""
        balances, before = installation.balances(), links(installation)
        installation.ok("residents", "merge", f"#{CARD}", f"#{INTO}", "--yes")
        assert links(installation) != before
        out = installation.ok("residents", "unmerge", f"#{CARD}", "--yes").out
        assert "#104 Богдан З. has 40 on its own\n#110 Данил С. has 80 on its own\n" in out
        assert (installation.balances(), links(installation)) == (balances, before)
        assert (seen(installation, HIS), seen(installation, THEIRS)) == (
            {CARD: 40, 105: 20, 125: 0},
            {INTO: 80},
        )

    def test_an_account_that_both_had_stays_with_both(self, installation: Installation) -> None:
        """Brothers and sisters on one account.

        Nothing comes along, and nothing is lost on the way back.
        """
        before = links(installation)
        out = installation.ok("residents", "merge", "#106", "#107", "--yes").out
        assert "its VK accounts are known there already" in out
        assert seen(installation, 900000003) == {107: 140}
        installation.ok("residents", "unmerge", "#106", "--yes")
        assert links(installation) == before

    def test_who_was_revoked_meanwhile_stays_revoked(self, installation: Installation) -> None:
        """A court's word is not undone by a clerk's mistake."""
        installation.ok("residents", "merge", f"#{CARD}", f"#{INTO}", "--yes")
        installation.ok("links", "revoke", f"#{INTO}", str(HIS), "--yes")
        assert CARD not in seen(installation, HIS)
        assert INTO not in seen(installation, HIS)
        installation.ok("residents", "unmerge", f"#{CARD}", "--yes")
        assert CARD not in seen(installation, HIS)
        assert INTO not in seen(installation, HIS)

    def test_a_chain_of_cards(self, installation: Installation) -> None:
        """Three cards are one; they part from the end, each with its own viewers."""
        before = links(installation)
        installation.ok("residents", "merge", f"#{CARD}", f"#{INTO}", "--yes")
        installation.ok("residents", "merge", f"#{INTO}", "#112", "--yes")
        assert seen(installation, HIS)[112] == seen(installation, THEIRS)[112] == 150
        said = installation.run("residents", "unmerge", f"#{CARD}", "--yes")
        assert (said.code, f"coinsync residents unmerge {INTO}" in said.err) == (7, True)
        installation.ok("residents", "unmerge", f"#{INTO}", "--yes")
        installation.ok("residents", "unmerge", f"#{CARD}", "--yes")
        assert links(installation) == before

    def test_what_was_spent_together_keeps_them_together(self, installation: Installation) -> None:
        """7, with what the card would have."""
        installation.ok("residents", "merge", f"#{CARD}", f"#{INTO}", "--yes")
        installation.ok("debit", f"#{INTO}", "100", "--reason", "Кружка", "--yes")
        before = installation.tables()
        said = installation.run("residents", "unmerge", f"#{CARD}", "--yes")
        assert said.code == 7
        assert (
            "#110 Данил С. would have -20 coins on its own: they were spent together; "
            "nothing written" in said.err
        )
        assert installation.tables() == before

    def test_the_night_after(self, open_desk: Installation) -> None:
        """The sync finds nothing to do, and both cards go on earning for one."""
        installation = open_desk
        installation.ok("residents", "merge", f"#{CARD}", f"#{INTO}", "--yes")
        before = {link for link in links(installation) if link.resident in (CARD, INTO)}
        assert installation.ok("sync", "--json").json["digest"] == ""
        installation.school.act("advance", days=7)
        installation.ok("sync")
        sums = {
            who: sum(p.entry.coins for p in installation.ledger() if p.entry.resident == who)
            for who in (CARD, INTO)
        }
        assert (installation.balance(INTO), sums[CARD] > 40) == (sums[CARD] + sums[INTO], True)
        assert {link for link in links(installation) if link.resident in (CARD, INTO)} == before

    def test_wrong_use(self, installation: Installation) -> None:
        """Told in one line each."""
        installation.ok("residents", "merge", f"#{CARD}", f"#{INTO}", "--yes")
        for words, code, says in (
            (("merge", f"#{CARD}", "#112"), 7, "#104 is merged into #110 already"),
            (("merge", f"#{INTO}", f"#{CARD}"), 7, "#104 is merged into #110 already"),
            (("merge", "#112", "#112"), 2, "are one card"),
            (("merge", "Рената С", "#112"), 6, "2 residents answer"),
            (("merge", "#112", "#99999"), 6, "no resident answers"),
            (("unmerge", f"#{INTO}"), 7, "#110 is not merged into any other card"),
            (("unmerge", "#99999"), 6, "no resident answers"),
        ):
            said = installation.run("residents", *words, "--yes")
            assert (said.code, says in said.err) == (code, True), said.err


class TestErase:
    """The name goes for good; the numbers stay."""

    NAME, NOTE, OTHER = "Эльвирапримерова", "Заметка-о-тайном", "Заметка-о-решении"

    @pytest.fixture
    def known(self, open_desk: Installation) -> Iterator[Installation]:
        """An installation where somebody has a name, notes and links of every kind."""
        with beside_vk(open_desk, [{"id": 5002, "screen_name": "elvira.example"}]):
            open_desk.school.act("rename", customer=ADA, name=f"Пример {self.NAME}")
            open_desk.school.act("set_vk", customer=ADA, text="@elvira.example")
            open_desk.ok("sync")
            open_desk.ok("credit", f"#{ADA}", "5", "--reason", self.NOTE, "--yes")
            open_desk.ok("links", "add", f"#{ADA}", "777000111", "--yes")
            entry = next(one for one in open_desk.ledger() if one.entry.resident == ADA)
            open_desk.ok("reverse", str(entry.n), "--note", self.OTHER, "--yes")
            assert self.left(open_desk) == {self.NAME, self.NOTE, self.OTHER, "elvira.example"}
            yield open_desk

    def left(self, installation: Installation) -> set[str]:
        """Which of the texts still stand anywhere in the database's files, byte by byte."""
        content = b"".join(path.read_bytes() for path in installation.folder.glob("coinsync.db*"))
        return {
            text
            for text in (self.NAME, self.NOTE, self.OTHER, "elvira.example")
            if text.encode() in content
        }

    def test_nothing_names_them_any_more(self, known: Installation) -> None:
        """Not in any command, not in the cabinet, not in a single byte of the file."""
        balance, count = known.balance(ADA), len(known.ledger())
        out = known.ok("residents", "erase", f"#{ADA}", "--yes").out
        assert f"#{ADA} {self.NAME} П.: the name, 2 VK links and 3 notes go" in out
        assert "coins and every entry stay under the number" in out
        assert self.left(known) == set()
        forgotten = (self.NAME, self.NOTE, self.OTHER, "elvira", "777000111")
        for words in (
            ("residents", "list", "--all"),
            ("residents", "show", f"#{ADA}"),
            ("residents", "export", f"#{ADA}"),
            ("history", f"#{ADA}", "-v"),
            ("balance",),
            ("links", "list"),
            ("links", "list", "--problems"),
            ("export", "--format", "csv", "--with-names"),
            ("export", "--format", "beancount", "--with-names"),
            ("journal",),
        ):
            said = known.ok(*words)
            assert not [text for text in forgotten if text in said.out], words
        assert (known.balance(ADA), len(known.ledger())) == (balance, count)
        assert ADA not in seen(known, ADAS)
        assert set(seen(known, ADAS)) == {101, 103}
        assert seen(known, 777000111) == {}

    def test_notes_of_stock_go_too_where_they_are_named(self, known: Installation) -> None:
        """The text is gone from the file, and the chain and every seal hold."""
        fill(known, {an_item("mug", 5): 4})
        note = f"Разбил {self.NAME}"
        for words in (note, "Разбились"):
            known.ok("catalog", "stock", "write-off", "mug", "1", "--note", words, "--yes")
        with known.reader() as reader:
            seal = str(reader.seal())
        text = f" {self.NAME.upper()} "
        out = known.ok("residents", "erase", f"#{ADA}", "--stock-text", text, "--yes").out
        assert "4 notes go" in out
        assert self.left(known) == set()
        assert "Разбились" in known.ok("catalog", "stock", "list", "mug").out
        assert "all is right" in known.ok("reconcile", "--seal", seal).out

    def test_no_night_brings_the_name_back(self, known: Installation) -> None:
        """Whatever the CRM says of this number; its lessons go on counting."""
        known.ok("residents", "erase", f"#{ADA}", "--yes")
        assert known.ok("sync", "--json").json["digest"] == ""
        known.school.act("rename", customer=ADA, name=f"Новая {self.NAME}")
        known.school.act("set_vk", customer=ADA, text="id777000111")
        known.school.act("advance", days=3)
        said = known.ok("sync", "-v")
        assert self.NAME not in said.out
        assert self.left(known) == set()
        assert seen(known, 777000111) == {}
        with known.reader() as reader:
            erased = reader.resident(ADA)
        assert erased is not None
        assert (erased.name, erased.presence, erased.vk) == ("", "erased", "")

    def test_a_plan_made_before_does_not_link_them_again(self, open_desk: Installation) -> None:
        """What was read before the family asked is refused as stale."""
        installation = open_desk
        ira = installation.school.act("add_customer", branch=1, name="Новикова Ира", is_study=1)
        installation.school.act("set_vk", customer=ira, text="@elvira.example")
        installation.ok("sync", "--quiet")

        def erase(step: str) -> None:
            """The family is forgotten when the sync is about to write for the first time."""
            if step == "begin" and installation.probe is not no_probe:
                installation.probe = no_probe
                installation.ok("residents", "erase", f"#{ira}", "--yes")

        with beside_vk(installation, [{"id": 5002, "screen_name": "elvira.example"}]):
            installation.probe = erase
            said = installation.run("sync", "--quiet")
        assert (said.code, "plan is stale" in said.err) == (5, True)
        assert seen(installation, 5002) == {}

    def test_who_reads_meanwhile_does_not_keep_it(self, known: Installation) -> None:
        """A page that is being read holds the old pages a little longer.

        The next write ends that.
        """
        opened = database.open_readable(known.url)
        with database.reading(opened):
            known.ok("residents", "erase", f"#{ADA}", "--yes")
        known.ok("credit", "#101", "5", "--reason", "x", "--yes")
        assert self.left(known) == set()

    def test_every_build_of_sqlite_is_told_to_wipe(self, installation: Installation) -> None:
        """Debian's does so by itself, others do not."""
        opened = database.open_writable(installation.url)
        with closing(opened):
            assert opened.execute_sql("PRAGMA secure_delete").fetchone() == (1,)

    def test_again_is_nothing_new(self, known: Installation) -> None:
        """0, and it says so; the erased card takes no links and is not merged."""
        known.ok("residents", "erase", f"#{ADA}", "--yes")
        before = known.tables()
        assert (
            known.ok("residents", "erase", f"#{ADA}", "--yes").out == f"#{ADA} is erased already\n"
        )
        for words in (
            ("links", "add", f"#{ADA}", "5"),
            ("residents", "merge", f"#{ADA}", "#101"),
            ("residents", "merge", "#101", f"#{ADA}"),
        ):
            said = known.run(*words, "--yes")
            assert (said.code, f"#{ADA} is erased; nothing written" in said.err) == (7, True)
        assert known.tables() == before

    def test_all_cards_of_one_child_go(self, installation: Installation) -> None:
        """Who was merged is forgotten with the card that went on."""
        installation.ok("residents", "merge", f"#{CARD}", f"#{INTO}", "--yes")
        installation.ok("residents", "erase", f"#{CARD}", "--yes")
        with installation.reader() as reader:
            names = [reader.resident(one) for one in (CARD, INTO)]
        assert [(one.name, one.presence) for one in names if one] == [
            ("", "erased"),
            ("", "erased"),
        ]
        assert (seen(installation, HIS), seen(installation, THEIRS)) == ({105: 20, 125: 0}, {})
        assert installation.balance(INTO) == 120


class TestExport:
    """What a family may ask for: all of its own, nothing of others."""

    def numbers(self, value: Any, key: str) -> Iterator[int]:
        """All numbers that stand under a key, however deep."""
        if isinstance(value, dict):
            for name, one in value.items():
                yield from [one] if name == key else self.numbers(one, key)
        elif isinstance(value, list):
            for one in value:
                yield from self.numbers(one, key)

    def test_everything_of_one(self, open_desk: Installation) -> None:
        """Card, balance, groups, accounts, lessons, entries with notes, holds and decisions."""
        installation = open_desk
        held = installation.ok("review", "list", "--json").json
        who = held[0]["hold"]["resident"]
        more = [one["id"] for one in held if one["hold"]["resident"] == who]
        installation.ok("credit", f"#{who}", "5", "--reason", "Помог младшим", "--yes")
        installation.ok("review", "waive", more[0], "--note", "Был в гостях", "--yes")
        found = installation.ok("residents", "export", f"#{who}", "--json").json
        assert found["cards"][0]["id"] == who
        assert (
            found["balance"]
            == installation.balance(who)
            == sum(one["posted"]["entry"]["coins"] for one in found["entries"])
        )
        assert found["links"]
        assert found["memberships"]
        assert "Помог младшим" in {one["note"] for one in found["entries"]}
        assert {one["lesson"]["id"] for one in found["lessons"]} >= {
            one["hold"]["lesson"] for one in held[:1]
        }
        assert len(found["held"]) == len(more) - 1
        assert [one["note"] for one in found["decisions"]] == ["Был в гостях"]

    def test_nothing_of_others(self, installation: Installation) -> None:
        """No other number, no other name, no other account."""
        installation.ok("credit", "#101", "5", "--reason", "Только-для-Яны", "--yes")
        page = installation.ok("residents", "export", f"#{ADA}").out
        found = json.loads(page)
        assert found == installation.ok("residents", "export", f"#{ADA}", "--json").json
        assert set(self.numbers(found, "resident")) == {ADA}
        with installation.reader() as reader:
            others = {one.name for one in reader.residents() if one.id != ADA and len(one.name) > 3}
            accounts = {
                str(link.vk) for link in reader.links() if link.resident != ADA and link.vk != ADAS
            }
        assert not {text for text in (*others, *accounts, "Только-для-Яны") if text in page}

    def test_of_merged_cards(self, installation: Installation) -> None:
        """Both of them, whichever is named."""
        installation.ok("residents", "merge", f"#{CARD}", f"#{INTO}", "--yes")
        found = installation.ok("residents", "export", f"#{CARD}", "--json").json
        assert {one["id"] for one in found["cards"]} == {CARD, INTO}
        assert set(self.numbers(found["entries"], "resident")) == {CARD, INTO}
        assert found == installation.ok("residents", "export", f"#{INTO}", "--json").json
