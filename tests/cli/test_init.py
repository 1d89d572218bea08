"""Setting up: a configuration, a file of secrets and a database from nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from socket import socket

import pytest

from coinsync import config
from coinsync.config.proposals import (
    propose_since,
    propose_staff_language,
    propose_types,
    propose_zone,
)
from coinsync.core.facts import LessonType
from coinsync.simulator import Simulator
from tests.support.school import KEY, Installation, a_school, listening
from tests.support.terminal import END_OF_INPUT, ENTER, INTERRUPT, in_terminal

CHOSEN = ("--regular", "2", "--coins", "10", "--since", "2026-09-01")
SCHOOL = ("init", "--school", "Росток")
CRM = ("--url", "https://rostok.s20.online", "--email", "api@rostok.example", "--no-probe")
BRANCHES = ("--branch", "1=Europe/Moscow", "--branch", "2")
WORDS = (*SCHOOL, *CRM, *BRANCHES, *CHOSEN)
EMAIL = "api@school.example"
KEY_IN_ENVIRONMENT = {"USER": "anna", "COINSYNC_ALFACRM_KEY": KEY}


@pytest.fixture(scope="module")
def crm() -> Iterator[Simulator]:
    """The CRM of a small school."""
    with listening(a_school()) as simulator:
        yield simulator


def probing(crm: Simulator, *changed: str, email: str = EMAIL) -> tuple[str, ...]:
    """Options that answer everything about a school, whose CRM is asked; later ones count."""
    return (*SCHOOL, "--url", crm.url, "--email", email, *BRANCHES, *CHOSEN, *changed)


class TestOptions:
    """Without a terminal options answer everything."""

    def test_a_school_from_options(self, tmp_path: Path) -> None:
        """Files that load, with the modes that they need, and what to do next."""
        installation = Installation(tmp_path)
        said = installation.ok(*WORDS)
        assert "coinsync sync --dry-run" in said.out
        assert "COINSYNC_ALFACRM_KEY" in said.out
        assert installation.config.stat().st_mode & 0o777 == 0o644
        assert (tmp_path / "coinsync.db").stat().st_mode & 0o777 == 0o640
        assert "0 entries, 0 runs, 0 residents" in installation.run("doctor").out
        settings = config.load(installation.config)
        assert (settings.school.name, settings.account) == ("Росток", "rostok")
        assert [(branch.id, str(branch.zone)) for branch in settings.branches] == [
            (1, "Europe/Moscow"),
            (2, "Europe/Moscow"),
        ]

    @pytest.mark.parametrize(
        "typed", ["rostok.s20.online", "https://rostok.s20.online/company/1/customer?id=5"]
    )
    def test_an_address_may_be_copied_from_a_browser(self, tmp_path: Path, typed: str) -> None:
        """With a page, or without https://."""
        installation = Installation(tmp_path)
        installation.ok(*WORDS, "--url", typed)
        assert config.load(installation.config).alfacrm.url == "https://rostok.s20.online"

    @pytest.mark.parametrize(
        ("words", "language"),
        [((), "ru"), (("--staff-language", "en"), "en"), (("--school", "Sprout"), "en")],
    )
    def test_the_language_of_staff_follows_the_name(
        self, tmp_path: Path, words: tuple[str, ...], language: str
    ) -> None:
        """Unless an option names another."""
        installation = Installation(tmp_path)
        installation.ok(*WORDS, *words)
        assert config.load(installation.config).school.staff_language == language

    def test_again_changes_nothing(self, tmp_path: Path) -> None:
        """A second init leaves file and database as they are, and says so."""
        installation = Installation(tmp_path)
        installation.ok(*WORDS)
        before = installation.config.read_bytes()
        assert installation.ok(*WORDS).out.count("there already") == 2
        assert installation.config.read_bytes() == before

    @pytest.mark.parametrize(
        "option", ["--school", "--url", "--email", "--branch", "--regular", "--coins", "--since"]
    )
    def test_what_is_missing_is_named_when_nobody_can_be_asked(
        self, tmp_path: Path, option: str
    ) -> None:
        """2, in one line, and no half of a configuration."""
        words = list(WORDS)
        while option in words:
            del words[words.index(option) : words.index(option) + 2]
        said = Installation(tmp_path).run(*words)
        assert said.code == 2
        assert f"init: {option} is missing" in said.err
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize(
        ("option", "value", "expected"),
        [
            ("--url", "http://rostok.s20.online", "an address such as https://rostok.s20.online"),
            ("--url", "https://[", "an address such as"),
            ("--url", "rostok s20 online", "an address such as"),
            ("--email", "api", "an e-mail such as"),
            ("--branch", "Kazan", "ID or ID=ZONE"),
            ("--branch", "1=Mars/Olympus", "a time zone such as"),
            ("--regular", "group", "numbers such as 2 5"),
            ("--regular", "none", "at least one number"),
            ("--trial", "2", "[2] are chosen above"),
            ("--coins", "0", "a whole number from 1 to"),
            ("--coins", "", "a whole number from 1 to"),
            ("--since", "", "a day such as"),
            ("--school", " ", "expected text"),
            ("--coins", "ten", "a whole number from 1 to"),
            ("--since", "01.09.2026", "a day such as 2026-09-01"),
            ("--vk-app", "my app", "a whole number from 0 to"),
            ("--staff-language", "de", 'expected "en" or "ru"'),
            ("--database", "postgres://x", "sqlite:///PATH or mysql://USER@HOST/NAME"),
        ],
    )
    def test_a_wrong_option_leaves_nothing_behind(
        self, tmp_path: Path, option: str, value: str, expected: str
    ) -> None:
        """2, with what was expected in its place."""
        said = Installation(tmp_path).run(*WORDS, option, value)
        assert said.code == 2
        assert expected in said.err
        assert len(said.err.splitlines()) == 2
        assert not list(tmp_path.iterdir())

    def test_a_folder_that_cannot_be_made_is_named(self, tmp_path: Path) -> None:
        """2 and one line."""
        (tmp_path / "file").write_text("")
        said = Installation(tmp_path / "file").run(*WORDS)
        assert said.code == 2
        assert "cannot be written" in said.err

    def test_a_school_without_a_crm(self, tmp_path: Path) -> None:
        """Attendance in CSV files, from init to coins; the files need only be filled in."""
        installation = Installation(tmp_path)
        installation.ok(*SCHOOL, "--csv-folder", "attendance", "--branch", "1", *CHOSEN)
        folder = tmp_path / "attendance"
        for name, text in {
            "branches": "1;Казань",
            "types": "2;Группа;2",
            "groups": "5;Python;1",
            "residents": "7;Ада М.;1;id900000009;client",
            "memberships": "7;5;2026-09-01;",
            "lessons": "70;1;2026-11-18;17:00;2;conducted;5;",
            "attendance": "70;7;attended",
        }.items():
            with (folder / f"{name}.csv").open("a", encoding="utf-8") as file:
                file.write(text + "\n")
        installation.ok("sync", "--since", "2026-11-01", "--until", "2026-11-20")
        assert [(p.entry.key, p.entry.coins) for p in installation.ledger()] == [
            ("alfacrm:csv:lesson:70:7", 10)
        ]
        assert f"{folder}: there already" in installation.ok("init").out
        assert "Казань" in (folder / "branches.csv").read_text(encoding="utf-8-sig")

    def test_migrate_has_nothing_to_do_after_init(self, tmp_path: Path) -> None:
        """The schema is made whole."""
        installation = Installation(tmp_path)
        installation.ok(*WORDS)
        assert installation.ok("db", "migrate").out == "nothing to do\n"

    def test_data_may_lie_elsewhere(self, tmp_path: Path) -> None:
        """Configuration first, then by another run the database, in folders with their modes."""
        data = tmp_path / "var" / "data"
        installation = Installation(tmp_path / "etc")
        words = (*WORDS, "--no-database", "--data", str(data), "--backups", str(tmp_path / "old"))
        installation.ok(*words)
        assert not data.exists()
        assert installation.folder.stat().st_mode & 0o7777 == 0o755
        out = installation.ok("init").out
        assert f"{installation.config}: there already, left as it is" in out
        assert data.stat().st_mode & 0o7777 == 0o2750
        assert (data / "state").stat().st_mode & 0o7777 == 0o700
        assert (data / "coinsync.db").exists()
        assert config.load(installation.config).data.backups == tmp_path / "old"


class TestFile:
    """The file that init writes promises nothing that nobody chose."""

    def test_it_holds_what_was_answered(self, tmp_path: Path) -> None:
        """And nothing else of what the example shows."""
        installation = Installation(tmp_path)
        words = ("--trial", "3", "--makeup", "4,6", "--vk-field", "web", "--vk-app", "7000009")
        installation.ok(*WORDS, *words)
        settings = config.load(installation.config)
        (rule,) = settings.rules
        assert (rule.coins, rule.since) == (10, date(2026, 9, 1))
        assert rule.types == {2}
        assert (rule.until, rule.title_ru) == (None, "")
        lessons = settings.lessons
        assert lessons.trial == {3}
        assert lessons.makeup == {4, 6}
        assert not lessons.uncounted
        assert (settings.residents.vk_field, settings.web.app_id) == ("web", 7000009)
        assert settings.ways == ()

    def test_what_is_left_out_is_left_for_later(self, tmp_path: Path) -> None:
        """No field of a card, no app."""
        installation = Installation(tmp_path)
        installation.ok(*WORDS)
        settings = config.load(installation.config)
        assert (settings.residents.vk_field, settings.web.app_id) == ("", 0)

    @pytest.mark.parametrize("source", [CRM, ("--csv-folder", "attendance")])
    def test_its_samples_may_be_taken_as_they_are(
        self, tmp_path: Path, source: tuple[str, ...]
    ) -> None:
        """With the marks taken away they load, and are the example's."""
        installation = Installation(tmp_path)
        installation.ok(*SCHOOL, *source, *BRANCHES, *CHOSEN)
        text = installation.config.read_text(encoding="utf-8")
        taken = re.sub(r"^#(?=[\[a-z])", "", text, flags=re.MULTILINE)
        settings, example = config.parse(taken, installation.config), config.example()
        shown = config.parse(example, installation.config)
        assert settings.ways == shown.ways
        assert settings.rules[0].until == shown.rules[0].until
        assert settings.residents.vk_field == shown.residents.vk_field
        assert settings.web.app_id == shown.web.app_id


class TestProbe:
    """The CRM is asked, also where options answer everything."""

    def test_a_school_whose_crm_answers(self, tmp_path: Path, crm: Simulator) -> None:
        """Names come from the CRM; the key stays in the environment, and that is said."""
        installation = Installation(tmp_path, environ=KEY_IN_ENVIRONMENT)
        out = installation.ok(*probing(crm)).out
        names = [branch.name for branch in config.load(installation.config).branches]
        assert names == ["Казань", "Иннополис"]
        assert "which cron does not have" in out
        assert not (tmp_path / "coinsync.secrets").exists()

    def test_a_key_in_the_file_serves(self, tmp_path: Path, crm: Simulator) -> None:
        """As an interrupted init may have left it."""
        secrets = tmp_path / "coinsync.secrets"
        secrets.write_text(f"COINSYNC_ALFACRM_KEY={KEY}\n")
        secrets.chmod(0o600)
        assert (
            "has the key of the CRM, left as it is" in Installation(tmp_path).ok(*probing(crm)).out
        )

    @pytest.mark.parametrize(
        ("changed", "expected"),
        [
            (("--branch", "7"), "--branch 7: no such branch in the CRM; it has 1 Казань, 2 Инно"),
            (("--regular", "77"), "numbers that the CRM has, not [77]"),
        ],
    )
    def test_numbers_that_it_does_not_have(
        self, tmp_path: Path, crm: Simulator, changed: tuple[str, ...], expected: str
    ) -> None:
        """2, with those that it has."""
        said = Installation(tmp_path, environ=KEY_IN_ENVIRONMENT).run(*probing(crm, *changed))
        assert said.code == 2
        assert expected in said.err
        assert not list(tmp_path.iterdir())

    def test_a_missing_key_is_asked_for_by_name(self, tmp_path: Path, crm: Simulator) -> None:
        """2, with the places where it is looked for."""
        said = Installation(tmp_path).run(*probing(crm))
        assert said.code == 2
        assert "secret: COINSYNC_ALFACRM_KEY is missing" in said.err

    @pytest.mark.parametrize(
        ("fault", "code", "expected"),
        [
            ("", 2, "refused e-mail or key"),
            ("html_200", 75, "not an AlfaCRM answer"),
            ("too_many", 75, "too many requests"),
        ],
    )
    def test_what_the_crm_refuses(
        self, tmp_path: Path, fault: str, code: int, expected: str
    ) -> None:
        """One line that names the address, one of advice, and nothing is written."""
        with listening(a_school(residents=4, days=2)) as simulator:
            if fault:
                simulator.faults.add(fault, times=100)
            email = EMAIL if fault else "wrong@school.example"
            installation = Installation(tmp_path, environ=KEY_IN_ENVIRONMENT)
            installation.sleep = lambda _seconds: None
            said = installation.run(*probing(simulator, email=email))
            address = simulator.url.removeprefix("http://")
        assert said.code == code
        assert expected in said.err
        assert address in said.err
        assert len(said.err.splitlines()) == 2
        assert not list(tmp_path.iterdir())

    def test_an_address_where_nobody_listens(self, tmp_path: Path, crm: Simulator) -> None:
        """75 and the address."""
        with closing(socket()) as bound:
            bound.bind(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{bound.getsockname()[1]}"
            installation = Installation(tmp_path, environ=KEY_IN_ENVIRONMENT)
            installation.sleep = lambda _seconds: None
            said = installation.run(*probing(crm, "--url", address))
        assert said.code == 75
        assert address.removeprefix("http://") in said.err
        assert not list(tmp_path.iterdir())


QUESTIONS = {
    "school": "for families: ",
    "url": "[none]: ",
    "email": "for the API: ",
    "key": "later): ",
    "branch": "[1 2]: ",
    "zone": "[Europe/Moscow]: ",
    "regular": "earn coins [2]: ",
    "trial": "Trial lessons [3]: ",
    "makeup": "missed lessons [4]: ",
    "field": "[custom_vk]: ",
    "coins": "[10]: ",
    "since": "lessons count [20",
    "app": "app (none: later) [none]: ",
    "language": "clerks read: ru or en [ru]: ",
}


def conversation(**answers: str) -> list[tuple[str, str]]:
    """Questions in their order with answers; Enter where none is given."""
    return [(text, answers.get(name, "") + ENTER) for name, text in QUESTIONS.items()]


class TestPerson:
    """At a terminal each question once, with what the CRM has as the proposal."""

    def test_a_school_is_asked(self, tmp_path: Path, crm: Simulator) -> None:
        """A wrong address and a wrong key are asked again, and nothing typed before is lost."""
        installation = Installation(tmp_path)
        first = conversation(
            school="  Росток ", url="http://127.0.0.1:9", email="me@x.ru", key="bad"
        )
        again = [
            ("http://127.0.0.1:9]: ", f" {crm.url} {ENTER}"),
            ("[me@x.ru]: ", EMAIL + ENTER),
            ("later): ", f"{KEY} {ENTER}"),
        ]
        rest = conversation(branch="1", makeup="none", coins="7", since="2026-09-01")[4:]
        shown = in_terminal(installation, "init", answers=[*first[:4], *again, *rest])
        assert shown.code == 0, shown.text
        settings = config.load(installation.config)
        assert (settings.school.name, settings.alfacrm.url) == ("Росток", crm.url)
        assert settings.school.staff_language == "ru"
        assert [(branch.id, branch.name) for branch in settings.branches] == [(1, "Казань")]
        assert (settings.rules[0].coins, settings.rules[0].since) == (7, date(2026, 9, 1))
        assert settings.lessons.trial == {3}
        assert not settings.lessons.makeup
        # What she saw and named nowhere is known to earn nothing.
        assert settings.lessons.uncounted == {1, 4, 7}
        assert settings.residents.vk_field == "custom_vk"
        secrets = tmp_path / "coinsync.secrets"
        assert secrets.read_text() == f"COINSYNC_ALFACRM_KEY={KEY}\n"
        assert secrets.stat().st_mode & 0o777 == 0o600
        assert re.search(r"2 +\d+  Групповой\n", shown.text)
        assert KEY not in shown.text
        dialogue = shown.text.split(f"{installation.config}: written")[0]
        # A bar is drawn over itself.
        lines = [line for line in dialogue.splitlines() if "━" not in line]
        assert max(map(len, lines)) <= 80

    @pytest.mark.parametrize("end", [INTERRUPT, END_OF_INPUT])
    def test_interrupted_it_leaves_nothing_and_begins_again(self, tmp_path: Path, end: str) -> None:
        """At the key, as at any other question."""
        answers = [*conversation(school="Росток", url="rostok.s20.online", email="me@x.ru")[:3]]
        shown = in_terminal(Installation(tmp_path), "init", answers=[*answers, ("later): ", end)])
        assert shown.code == 130
        assert not list(tmp_path.iterdir())

    def test_interrupted_while_it_reads(self, tmp_path: Path, crm: Simulator) -> None:
        """Nothing is left either, and the terminal shows its cursor again."""
        answers = conversation(school="Росток", url=crm.url, email=EMAIL, key=KEY)[:5]
        answers += [("(1) [Europe/Moscow]: ", ENTER), ("(2) [Europe/Moscow]: ", ENTER)]
        shown = in_terminal(
            Installation(tmp_path), "init", answers=[*answers, ("lessons by type", INTERRUPT)]
        )
        assert shown.code == 130
        assert not list(tmp_path.iterdir())
        assert shown.raw.rfind("\x1b[?25h") > shown.raw.rfind("\x1b[?25l")

    def test_a_key_that_is_missing_is_asked_for_by_the_next_init(self, tmp_path: Path) -> None:
        """Enter leaves it out once; nothing else is asked again."""
        installation = Installation(tmp_path)
        installation.ok(*WORDS)
        shown = in_terminal(installation, "init", answers=[("later): ", f"{KEY}{ENTER}")])
        assert shown.code == 0, shown.text
        assert "left as it is" in shown.text
        assert f"COINSYNC_ALFACRM_KEY={KEY}\n" in (tmp_path / "coinsync.secrets").read_text()

    def test_a_key_may_come_later(self, tmp_path: Path) -> None:
        """Then nobody asks the CRM; numbers are typed, and the key is not asked for twice."""
        installation = Installation(tmp_path)
        answers = [
            *conversation(school="Росток", url="rostok.s20.online", email="me@x.ru")[:4],
            ("1=Europe/Moscow 2: ", f"3{ENTER}"),
            ("Time zone of branch (3) [Europe/Moscow]: ", f"Asia/Omsk{ENTER}"),
            *conversation()[6:9],
            ("page (none: later) [none]: ", ENTER),
            *conversation()[10:],
        ]
        shown = in_terminal(installation, "init", answers=answers)
        assert shown.code == 0, shown.text
        assert shown.text.count("API key") == 1
        assert "put COINSYNC_ALFACRM_KEY=… there" in shown.text
        (branch,) = config.load(installation.config).branches
        assert (branch.id, str(branch.zone)) == (3, "Asia/Omsk")

    @pytest.mark.parametrize("answer", ["", "n"])
    def test_a_key_of_the_environment_is_offered_to_be_kept(
        self, tmp_path: Path, answer: str
    ) -> None:
        """Other secrets of the file stay, and its mode."""
        installation = Installation(tmp_path)
        installation.ok(*WORDS)
        secrets = tmp_path / "coinsync.secrets"
        secrets.write_text("COINSYNC_VK_KEYS=abc")
        secrets.chmod(0o600)
        shown = in_terminal(
            installation, "init", answers=[("[Y/n]: ", answer + ENTER)], environ=KEY_IN_ENVIRONMENT
        )
        assert shown.code == 0, shown.text
        kept = "" if answer else f"\nCOINSYNC_ALFACRM_KEY={KEY}\n"
        assert secrets.read_text() == "COINSYNC_VK_KEYS=abc" + kept
        assert ("unset COINSYNC_ALFACRM_KEY" in shown.text) == (not answer)

    def test_questions_are_seen_where_the_output_goes_into_a_file(self, tmp_path: Path) -> None:
        """And no question is in the file."""
        installation, out = Installation(tmp_path), tmp_path / "log.txt"
        answers = [
            *conversation(school="Росток")[:2],
            ("CSV files [attendance]: ", ENTER),
            ("1=Europe/Moscow 2: ", "1=Europe/Samara" + ENTER),
            *conversation()[6:9],
            *conversation()[10:],
        ]
        # The space behind a question is the system's own, and goes into the file.
        seen = [(text.rstrip(), answer) for text, answer in answers]
        shown = in_terminal(installation, "init", answers=seen, out=out)
        assert shown.code == 0, shown.text
        assert out.read_text(encoding="utf-8").strip().startswith(f"{installation.config}: written")
        assert (tmp_path / "attendance" / "lessons.csv").exists()


class TestProposals:
    """What is proposed is most likely right."""

    @pytest.mark.parametrize(
        ("machine", "zone"),
        [
            ("Etc/UTC", "Europe/Moscow"),
            ("", "Europe/Moscow"),
            ("Asia/Tomsk", "Asia/Tomsk"),
            ("Mars/Olympus", "Europe/Moscow"),
            ("MSK-3", "Europe/Moscow"),
        ],
    )
    def test_a_zone(self, machine: str, zone: str) -> None:
        """The machine's, else Moscow's."""
        assert propose_zone(machine) == zone

    @pytest.mark.parametrize(
        ("names", "locale", "language"),
        [
            (["Росток"], "en_US.UTF-8", "ru"),
            (["Sprout", "Казань"], "C.UTF-8", "ru"),
            (["Sprout", "Kazan"], "ru_RU.UTF-8", "ru"),
            (["Sprout", "Kazan"], "C.UTF-8", "en"),
            (["Sprout"], "", "en"),
        ],
    )
    def test_the_language_of_staff(self, names: list[str], locale: str, language: str) -> None:
        """As the school and its branches are called, else as the machine speaks."""
        assert propose_staff_language(names, {"LANG": locale}) == language

    def test_types(self) -> None:
        """By their names; of the others the most used one."""
        names = ("Индивидуальный", "Групповой", "Пробное", "Отработка пробного", "Makeup")
        types = [LessonType(id, name, 0) for id, name in enumerate(names, 1)]
        assert propose_types(types, {1: 3, 2: 40, 3: 90}) == ({2}, {3}, {4, 5})
        assert propose_types([], {}) == (set(), set(), set())

    def test_types_of_an_account_without_lessons(self) -> None:
        """Rather that of groups."""
        types = [LessonType(9, "Один", 1), LessonType(5, "Курс", 2), LessonType(3, "Первый", 3)]
        assert propose_types(types, {}) == ({5}, {3}, set())

    @pytest.mark.parametrize(
        ("today", "since"),
        [
            (date(2026, 11, 30), date(2026, 11, 1)),
            (date(2026, 7, 15), date(2026, 9, 1)),
            (date(2026, 9, 3), date(2026, 9, 1)),
        ],
    )
    def test_a_first_day(self, today: date, since: date) -> None:
        """This month's, or that of the coming school year."""
        assert propose_since(today) == since
