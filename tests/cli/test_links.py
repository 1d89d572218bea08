"""Which VK account sees whom.

By hand in every form that people type, and from the cards' screen names at night.
"""

from __future__ import annotations

import csv
import io
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.school import SECRETS, Installation, beside_vk, open_installation
from tests.support.vk_double import DROP, HTML, Trouble, VkDouble

#: A client whose card names no page, and one whose card names another.
DAN, BARE = 110, 123
#: A card that a test adds, without a page.
IRA = 70001
NUMBER = 900009001
PEOPLE = [
    {"id": 5001, "screen_name": "knopkin.example"},
    {"id": 5002, "screen_name": "ada.example"},
    {"id": 5003, "screen_name": "gone.example", "deactivated": "deleted"},
    {"id": 5004, "screen_name": "later.example"},
]
OTHERS = [{"screen_name": "chess.club", "type": "group", "object_id": 7}]


@pytest.fixture
def installation(desk: Installation) -> Installation:
    """A school after its first sync."""
    return desk


def links_of(installation: Installation, resident: int) -> dict[int, tuple[str, bool]]:
    """The accounts of a resident, by whom and whether live."""
    with installation.reader() as reader:
        return {link.vk: (link.source.value, link.live) for link in reader.links_of([resident])}


def problems(installation: Installation) -> dict[int, str]:
    """What could not be linked, by resident."""
    return {
        one["resident"]: one["problem"]
        for one in installation.ok("links", "list", "--problems", "--json").json
    }


class TestByHand:
    """links add and links revoke."""

    @pytest.mark.parametrize(
        "forms",
        [
            ("{}", "id{}", "ID{}", " {} "),
            (
                "vk.com/id{}",
                "https://vk.com/id{}",
                "http://m.vk.com/id{}/",
                "www.vk.ru/id{}",
                "new.vk.com/id{}",
            ),
            ("vk.me/id{}", "https://vkontakte.ru/id{}?from=search#top", "VK.COM/ID{}"),
            ("@id{}", "*id{}", "@id{} (Ада)", "*id{} (Ада Примерова)", "[id{}|Ада]"),
            ("vk.com/write{}", "https://vk.com/im?sel={}", "vk.com/im?peers=1&sel={}"),
        ],
        ids=["number", "page", "other hosts", "mention", "dialogue"],
    )
    def test_every_form_of_a_number(
        self, installation: Installation, forms: tuple[str, ...]
    ) -> None:
        """The same account, without a question to anybody."""
        for place, form in enumerate(forms):
            number = NUMBER + place
            installation.ok("links", "add", f"#{DAN}", form.format(number), "--yes")
            assert links_of(installation, DAN)[number] == ("desk", True)
            installation.ok("links", "revoke", f"#{DAN}", form.format(number), "--yes")
            assert links_of(installation, DAN)[number] == ("desk", False)

    def test_what_names_no_person(self, installation: Installation) -> None:
        """2, and nothing is written or guessed."""
        before = installation.tables()
        for text in (
            *(
                "club1",
                "public1",
                "event1",
                "[club1|Клуб]",
                "-1",
                "vk.com/club1",
                "app1_-2",
                "vk.com/away.php",
                "vk.com",
            ),
            *(
                "vk.com/feed",
                "vk.com/im",
                "vk.com/wall1_2",
                "vk.cc/abc",
                "+7 900 000-00-00",
                "89000000000",
                "id0",
                "",
            ),
            *(
                "vk.com/id1 vk.com/id2",
                "Ада Примерова",
                "ada@example.org",
                "id99999999999999999999",
                "https://ok.example/1",
            ),
        ):
            said = installation.run("links", "add", "--yes", "--", f"#{DAN}", text)
            assert said.code == 2, text
            assert "names no person in VK" in said.err, text
        assert installation.tables() == before

    def test_a_screen_name_without_the_key(self, installation: Installation) -> None:
        """2, with what to do instead."""
        said = installation.run("links", "add", f"#{DAN}", "@ada.example", "--yes")
        assert said.code == 2
        assert "cannot be looked up without COINSYNC_VK_SERVICE_KEY" in said.err
        assert "Write the number instead" in said.err

    def test_screen_names(self, installation: Installation) -> None:
        """Looked up once each, in whatever case and dress; what is no person is told apart."""
        with beside_vk(installation, PEOPLE, OTHERS) as vk:
            for form in (
                "@ada.example",
                "Ada.Example",
                "https://vk.com/ada.example?x=1",
                "vk.me/ADA.example/",
            ):
                installation.ok("links", "add", f"#{DAN}", form, "--yes")
                installation.ok("links", "revoke", f"#{DAN}", form, "--yes")
            assert links_of(installation, DAN)[5002] == ("desk", False)
            for name, says in (
                ("nobody.example", "VK: nobody.example is a screen name that nobody has"),
                ("chess.club", "VK: chess.club is a community, not a person"),
                ("gone.example", "VK: gone.example is an account that was deleted or banned"),
            ):
                said = installation.run("links", "add", f"#{DAN}", name, "--yes")
                assert (said.code, says in said.err) == (6, True), said.err
            assert set(vk.methods()) == {"users.get", "utils.resolveScreenName"}

    @pytest.mark.parametrize(
        ("trouble", "code", "says"),
        [
            (Trouble(code=5), 2, "VK refused the service key (error 5)"),
            (Trouble(code=29), 75, "VK asks to stop"),
            (DROP, 75, "VK out of reach"),
            (HTML, 75, "not a VK answer"),
            (Trouble(status=500), 75, "VK"),
        ],
        ids=["key refused", "limit", "down", "a page", "server error"],
    )
    def test_vk_in_trouble(
        self, installation: Installation, trouble: Trouble, code: int, says: str
    ) -> None:
        """2 for the key, 75 for all that passes.

        Nothing written, and neither key nor name in a word of it.
        """
        before = installation.tables()
        with beside_vk(installation, PEOPLE) as vk:
            vk.always(trouble)
            said = installation.run("links", "add", f"#{DAN}", "@ada.example", "--yes")
            assert (said.code, says in said.err) == (code, True), said.err
            assert vk.key not in said.err
            assert "ada.example" not in said.err
        assert installation.tables() == before

    def test_add_says_what_else_the_account_sees(self, installation: Installation) -> None:
        """A slip is seen before it is written; a second time there is nothing to do."""
        out = installation.ok("links", "add", f"#{DAN}", "900000001", "--dry-run").out
        assert "VK 900000001 will see #110 Данил С." in out
        assert "it also sees #102 Ада Д., #103 Семён Д., #101 Яна Д." in out
        installation.ok("links", "add", f"#{DAN}", "900000001", "--yes")
        before = installation.tables()
        assert installation.ok("links", "add", f"#{DAN}", "900000001", "--yes").out == (
            "VK 900000001 sees #110 Данил С. already\n"
        )
        assert installation.tables() == before
        assert "resident-110" in installation.cabinet(900000001)

    def test_revoke(self, installation: Installation) -> None:
        """The family no longer sees the child; again there is nothing to do.

        Who had no link is told so.
        """
        installation.ok("links", "revoke", "#101", "900000001", "--yes")
        assert "resident-101" not in installation.cabinet(900000001)
        assert "resident-102" in installation.cabinet(900000001)
        assert "any more" in installation.ok("links", "revoke", "#101", "900000001", "--yes").out
        said = installation.run("links", "revoke", "#101", "5", "--yes")
        assert (said.code, "VK 5 has no link to #101 Яна Д." in said.err) == (6, True)
        out = installation.ok("links", "add", "#101", "900000001", "--yes").out
        assert "this link was revoked before" in out
        assert "resident-101" in installation.cabinet(900000001)

    def test_the_list(self, installation: Installation) -> None:
        """Who sees whom, by whom, and what was revoked.

        The same for a program and a spreadsheet.
        """
        installation.ok("links", "add", f"#{DAN}", str(NUMBER), "--yes")
        installation.ok("links", "revoke", "#101", "900000001", "--yes")
        out = installation.ok("links", "list").out
        assert "36 links, 1 revoked" in out
        assert any(line.split()[-1] == "revoked" and "#101" in line for line in out.splitlines())
        listed = installation.ok("links", "list", "--json").json
        rows = list(csv.DictReader(io.StringIO(installation.ok("links", "list", "--csv").out)))
        assert [int(row["vk"]) for row in rows] == [one["vk"] for one in listed]
        assert {(one["vk"], one["resident"], one["source"], one["live"]) for one in listed} >= {
            (NUMBER, DAN, "desk", True),
            (900000001, 101, "crm", False),
        }


class TestTheNight:
    """Screen names on cards become numbers, once each."""

    @pytest.fixture
    def night(self, open_desk: Installation) -> Iterator[tuple[Installation, VkDouble]]:
        """A school with a new card, beside VK."""
        installation = open_desk
        installation.school.act("add_customer", branch=1, name="Новикова Ира", is_study=1)
        with beside_vk(installation, PEOPLE, OTHERS) as vk:
            yield installation, vk

    def write(self, installation: Installation, text: str, card: int = IRA) -> None:
        """Type a VK page into a card of the CRM."""
        installation.school.act("set_vk", customer=card, text=text)

    def test_each_name_is_asked_once(self, night: tuple[Installation, VkDouble]) -> None:
        """Linked in the first night, no call in the second.

        Communities and names of nobody are remembered too.
        """
        installation, vk = night
        for card, text in (
            (IRA, "@Ada.Example"),
            (BARE, "vk.com/chess.club"),
            (128, "nobody.example"),
        ):
            self.write(installation, text, card)
        installation.ok("sync")
        assert links_of(installation, IRA) == {5002: ("crm", True)}
        asked = [name for call in vk.calls for name in call.names if call.method == "users.get"]
        assert sorted(asked) == ["ada.example", "chess.club", "nobody.example"]
        vk.forget()
        assert installation.ok("sync", "--json").json["digest"] == ""
        assert vk.calls == []
        assert (problems(installation)[BARE], problems(installation)[128]) == (
            "community",
            "nobody",
        )
        assert "resident-70001" in installation.cabinet(5002)

    def test_a_text_that_changes_is_asked_and_not_linked_anew(
        self, night: tuple[Installation, VkDouble]
    ) -> None:
        """The old account goes on seeing the child until a person decides.

        The change is reported.
        """
        installation, vk = night
        self.write(installation, "@ada.example")
        installation.ok("sync")
        vk.forget()
        self.write(installation, "@later.example")
        said = installation.ok("sync")
        assert [call.names for call in vk.calls] == [["later.example"]]
        assert "VK page not linked: not the account that is linked" in said.out
        assert links_of(installation, IRA) == {5002: ("crm", True)}
        assert problems(installation)[IRA] == "changed"
        vk.forget()
        assert "not the account that is linked" not in installation.ok("sync").out
        assert vk.calls == []
        installation.ok("links", "add", f"#{IRA}", "@later.example", "--yes")
        installation.ok("links", "revoke", f"#{IRA}", "5002", "--yes")
        installation.ok("sync")
        assert links_of(installation, IRA) == {5002: ("crm", False), 5004: ("desk", True)}
        assert IRA not in problems(installation)

    def test_a_revoked_link_stays_revoked(self, night: tuple[Installation, VkDouble]) -> None:
        """The card still names the account; it is listed as revoked and not linked again."""
        installation, _ = night
        self.write(installation, "@ada.example")
        installation.ok("sync")
        installation.ok("links", "revoke", f"#{IRA}", "@ada.example", "--yes")
        assert installation.ok("sync", "--json").json["digest"] == ""
        assert links_of(installation, IRA) == {5002: ("crm", False)}
        assert problems(installation)[IRA] == "revoked"

    @pytest.mark.parametrize(
        ("trouble", "says"),
        [
            (DROP, "VK out of reach"),
            (Trouble(code=5), "VK refused the service key"),
            (HTML, "not a VK answer"),
        ],
        ids=["down", "key refused", "a page"],
    )
    def test_vk_in_trouble(
        self, night: tuple[Installation, VkDouble], trouble: Trouble, says: str
    ) -> None:
        """The night is good all the same and says one line.

        The next one asks for what is missing.
        """
        installation, vk = night
        self.write(installation, "@ada.example")
        installation.school.act("advance", days=1)
        vk.always(trouble)
        before = len(installation.ledger())
        said = installation.ok("sync", "--branch", "1")
        (line,) = said.err.splitlines()
        assert says in line
        assert line.endswith("screen names wait for the next sync")
        assert vk.key not in said.err + said.out
        assert "ada.example" not in said.err + said.out
        assert len(installation.ledger()) > before
        assert links_of(installation, IRA) == {}
        assert problems(installation)[IRA] == "screen_name"
        vk.forget()
        installation.ok("sync", "--branch", "1")
        assert links_of(installation, IRA) == {5002: ("crm", True)}

    def test_a_dry_run_keeps_nothing(self, night: tuple[Installation, VkDouble]) -> None:
        """It shows the link that would be made; the real night asks again."""
        installation, _ = night
        self.write(installation, "@ada.example")
        before = installation.tables()
        assert "1 new VK link" in installation.ok("sync", "--dry-run").out
        assert installation.tables() == before
        assert "1 new VK link" in installation.ok("sync").out

    def test_without_a_key_nobody_is_asked(self, night: tuple[Installation, VkDouble]) -> None:
        """Numbers are linked, names wait and are listed."""
        installation, vk = night
        del installation.environ["COINSYNC_VK_SERVICE_KEY"]
        self.write(installation, "@ada.example")
        self.write(installation, "id777", BARE)
        installation.ok("sync")
        assert vk.calls == []
        assert links_of(installation, BARE) == {777: ("crm", True)}
        assert problems(installation)[IRA] == "screen_name"

    def test_the_key_may_stand_in_the_file(self, night: tuple[Installation, VkDouble]) -> None:
        """Beside the others, but not twice."""
        installation, vk = night
        (installation.folder / "coinsync.secrets").write_text(
            f"{SECRETS}COINSYNC_VK_SERVICE_KEY={vk.key}\n"
        )
        said = installation.run("sync")
        assert (said.code, "COINSYNC_VK_SERVICE_KEY is given twice" in said.err) == (2, True)
        assert vk.key not in said.err
        del installation.environ["COINSYNC_VK_SERVICE_KEY"]
        self.write(installation, "@ada.example")
        installation.ok("sync")
        assert links_of(installation, IRA) == {5002: ("crm", True)}

    def test_only_the_crm_and_vk_are_called(
        self, night: tuple[Installation, VkDouble], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No other address, with the key in the head of VK's calls alone."""
        installation, vk = night
        called: set[tuple[Any, ...]] = set()
        connect = socket.socket.connect

        def noting(wire: socket.socket, address: Any) -> None:
            called.add(tuple(address))
            connect(wire, address)

        monkeypatch.setattr(socket.socket, "connect", noting)
        self.write(installation, "@ada.example")
        installation.ok("sync")
        assert installation.simulator is not None
        urls = {f"http://{host}:{port}" for host, port in called}
        assert urls == {installation.simulator.url, vk.url}
        assert {call.headers["authorization"] for call in vk.calls} == {f"Bearer {vk.key}"}
        assert not any(vk.key in str(call.params) for call in vk.calls)

    def test_every_kind_of_problem_is_listed(self, night: tuple[Installation, VkDouble]) -> None:
        """In words for a person, by code for a program; what is linked is not among them."""
        installation, vk = night
        texts = {
            IRA: "@ada.example",
            101: "@later.example",
            102: "vk.com/chess.club",
            103: "nobody.example",
        }
        texts |= {
            104: "gone.example",
            105: "тел. +7 900 000-00-00",
            106: "vk.com/feed",
            107: "id777",
            BARE: "id888",
        }
        for card, text in texts.items():
            self.write(installation, text, card)
        installation.ok("sync")
        installation.ok("links", "revoke", f"#{BARE}", "888", "--yes")
        self.write(installation, "@knopkin.example", 128)
        vk.always(Trouble(code=5))
        installation.ok("sync")
        found = problems(installation)
        assert found == {
            **{
                101: "changed",
                102: "community",
                103: "nobody",
                104: "gone",
                105: "unreadable",
                106: "not_a_person",
            },
            **{107: "changed", 122: "community", BARE: "revoked", 128: "screen_name"},
        }
        out = installation.ok("links", "list", "--problems").out
        for words in (
            "not the account that is linked",
            "a community, not a person",
            "a screen name that nobody has",
            "an account that was deleted or banned",
            "cannot be understood",
            "not a person's page",
            "this link was revoked here",
            "a screen name that VK was not asked about yet",
        ):
            assert words in out
        assert "+7 900" not in out
        rows = list(
            csv.DictReader(io.StringIO(installation.ok("links", "list", "--problems", "--csv").out))
        )
        assert {int(row["resident"]): row["problem"] for row in rows} == found


class TestWhoIsReached:
    """How many clients a VK account sees; nothing is praised while somebody is not."""

    def test_cards_without_a_page_are_counted(self, open_desk: Installation) -> None:
        """With -v they are named too, for a program as well; a link by hand is enough."""
        assert missing(open_desk) == set()
        open_desk.school.act("add_customer", branch=1, name="Новикова Ира", is_study=1)
        open_desk.ok("sync")
        out = open_desk.ok("links", "list", "--problems").out
        assert "25 of 27 residents are seen by a VK account" in out
        assert "1 card without a page, and nobody linked" in out
        assert 'or "нет" if the family has no VK' in out
        assert f"#{IRA} " not in out
        assert missing(open_desk) == {IRA}
        assert f"#{IRA} " in open_desk.ok("links", "list", "--problems", "-v").out
        open_desk.ok("links", "add", f"#{IRA}", str(NUMBER), "--yes")
        assert missing(open_desk) == set()

    @pytest.mark.parametrize("word", ["нет", "Нет ", "НЕТ", "no", "-", "—"])
    def test_a_family_without_vk_says_so(self, open_desk: Installation, word: str) -> None:
        """It is no problem any more, and VK is not asked for somebody of that name."""
        open_desk.school.act("set_vk", customer=BARE, text=word)
        with beside_vk(open_desk, PEOPLE) as vk:
            open_desk.ok("sync")
            asked = {name for call in vk.calls for name in call.names}
        assert word.strip() not in asked
        assert BARE not in missing(open_desk)
        assert BARE not in problems(open_desk)

    def test_no_links_at_all(self, open_desk: Installation) -> None:
        """A wrong field shows no page: that is said, with what to look at."""
        open_desk.configure(residents__vk_field="custom_other")
        open_desk.ok("sync")
        out = open_desk.ok("links", "list", "--problems").out
        assert "0 of 2" in out
        assert "is [residents] vk_field the right field?" in out
        assert "every card's VK page is linked" not in out

    def test_before_the_first_sync(self, tmp_path: Path) -> None:
        """Nobody is recorded, and nobody is praised."""
        out = open_installation(tmp_path).ok("links", "list", "--problems").out
        assert out == "nobody is recorded yet: coinsync sync\n"


def missing(installation: Installation) -> set[int]:
    """The clients whom nobody sees and whose card says nothing."""
    said = installation.ok("links", "list", "--problems", "-v", "--json").json
    return {one["resident"] for one in said if one["problem"] == "missing"}
