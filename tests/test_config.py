"""Settings: every problem at once, secrets kept apart, contradictions found in time."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from coinsync import config
from coinsync.core.rules import GuestPolicy
from coinsync.core.school import Way
from coinsync.errors import ConfigError, SecretError, UsageError

RULE = {"name": "lesson", "coins": 10, "types": [2], "since": date(2026, 9, 1)}
WAY = {
    "code": "olympiad",
    "title_ru": "Победа в олимпиаде",
    "title_en": "Olympiad won",
    "coins": 50,
}


def load(tmp_path: Path, **changed: Any) -> config.Settings:
    """Load the example with some values replaced."""
    path = tmp_path / "config.toml"
    path.write_text(
        config.example({name.replace("__", "."): value for name, value in changed.items()}),
        encoding="utf-8",
    )
    return config.load(path)


def problems(tmp_path: Path, **changed: Any) -> tuple[str, ...]:
    """The problems of the example with some values replaced."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **changed)
    return caught.value.problems


def test_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    """Whatever the working directory is."""
    settings = load(tmp_path)
    assert settings.database.url == f"sqlite:///{tmp_path}/coinsync.db"
    assert settings.secrets.file == tmp_path / "coinsync.secrets"


def test_data_may_lie_apart_from_the_file(tmp_path: Path) -> None:
    """What the school keeps starts there; what belongs to the configuration stays beside it."""
    settings = load(tmp_path, data__folder="/var/lib/coins", data__state="state")
    assert settings.database.url == "sqlite:////var/lib/coins/coinsync.db"
    assert settings.csv.folder == Path("/var/lib/coins/attendance")
    assert settings.shop.web_pictures == Path("/var/lib/coins/pictures.web")
    assert settings.state_folder == Path("/var/lib/coins/state")
    assert settings.secrets.file == tmp_path / "coinsync.secrets"
    assert load(tmp_path).state_folder == tmp_path


def test_a_first_file_holds_what_was_chosen(tmp_path: Path) -> None:
    """Samples are comments; defaults, and whatever was chosen, are not."""
    rules = [{**RULE, "until": date(2027, 5, 31)}, {**RULE, "name": "other", "types": [5]}]
    values = {
        "school.name": "Росток",
        "alfacrm.url": "https://rostok.s20.online",
        "alfacrm.email": "api@rostok.example",
        "branch": [{"id": 3, "zone": "Asia/Omsk"}],
        "rule": rules,
    }
    text = config.first_file(values)
    lines = [line.split(" ")[0] for line in text.splitlines()]
    assert lines.count("until") == lines.count("#until") == 1
    assert lines.count("#[[earn]]") == 2
    assert "guest" in lines
    assert "#app_id" in lines
    settings = config.parse(text, tmp_path / "config.toml")
    assert [rule.until for rule in settings.rules] == [date(2027, 5, 31), None]
    assert (settings.ways, settings.web.app_id, settings.residents.vk_field) == ((), 0, "")


def test_an_absolute_database_path_stays(tmp_path: Path) -> None:
    """sqlite:////srv/coins.db is /srv/coins.db."""
    assert (
        load(tmp_path, database__url="sqlite:////srv/coins.db").database.url
        == "sqlite:////srv/coins.db"
    )


def test_the_account_is_the_hosts_first_word(tmp_path: Path) -> None:
    """It stands in every key, so it must not be empty."""
    assert load(tmp_path, alfacrm__url="https://kazan.s20.online").account == "kazan"
    assert load(tmp_path, alfacrm__account="Kazan-1").account == "kazan-1"


def test_a_rule_becomes_a_value(tmp_path: Path) -> None:
    """With its scope, its dates, and what to do with guests."""
    rule = load(tmp_path, rule=[{**RULE, "guest": "pay", "groups": [5]}]).rulebook.rules[0]
    assert (rule.coins, rule.guest) == (10, GuestPolicy.PAY)
    assert (rule.types, rule.groups) == (frozenset({2}), frozenset({5}))
    assert rule.until is None


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"school__name": 3}, "[school] name: expected text, got 3"),
        ({"school__crm": "excel"}, '[school] crm: expected "alfacrm" or "csv", got "excel"'),
        (
            {"alfacrm__url": "http://school.s20.online"},
            "[alfacrm] url: expected an address such as https://",
        ),
        ({"alfacrm__url": ""}, '[alfacrm] url: missing; it is needed for crm = "alfacrm"'),
        (
            {"alfacrm__per_second": True},
            "[alfacrm] per_second: expected a number from 0.1 to 1000, got true",
        ),
        ({"alfacrm__headers": {"X": 1}}, "[alfacrm] headers: expected a table of texts"),
        ({"alfacrm__account": "a/b"}, "[alfacrm] account: expected letters"),
        ({"database__url": "oracle://x"}, "[database] url: expected sqlite:///PATH or mysql"),
        (
            {"branch": [{"id": 1, "zone": "Mars/Olympus"}]},
            '[[branch]] 1 zone: expected a time zone such as "Europe/Moscow"',
        ),
        ({"branch": [{"id": 1}, {"id": 1}]}, "[[branch]] id 1: given twice"),
        ({"branch": []}, "[[branch]]: expected at least one block"),
        (
            {"rule": [{**RULE, "coins": 0}]},
            "[[rule]] 1 coins: expected a whole number from 1 to 1000000, got 0",
        ),
        ({"rule": [{**RULE, "coins": 1.5}]}, "[[rule]] 1 coins: expected a whole number"),
        (
            {"rule": [{**RULE, "since": "soon"}]},
            "[[rule]] 1 since: expected a date such as 2026-09-01",
        ),
        ({"rule": [{**RULE, "types": []}]}, "types: expected at least one lesson type"),
        ({"rule": [{**RULE, "types": [3]}]}, "types: 3 stands in [lessons] as earning nothing"),
        ({"rule": [{**RULE, "branches": [9]}]}, "branches: 9 is no [[branch]] of this file"),
        (
            {"rule": [{**RULE, "until": date(2026, 8, 1)}]},
            "until: 2026-08-01 is before since 2026-09-01",
        ),
        ({"rule": [RULE, RULE]}, "two blocks of this name begin on 2026-09-01"),
        (
            {"rule": [RULE, {**RULE, "name": "python", "groups": [5]}]},
            "never applies, rule lesson above covers it",
        ),
        (
            {"earn": [{**WAY, "code": "Won it"}]},
            '[[earn]] 1 code: expected a-z, 0-9, _ or -, got "Won it"',
        ),
        ({"earn": [{**WAY, "code": ""}]}, "[[earn]] 1 code: expected a-z, 0-9, _ or -"),
        ({"earn": [{**WAY, "code": "-won"}]}, "[[earn]] 1 code: expected a-z, 0-9, _ or -"),
        ({"earn": [{**WAY, "code": "w" * 41}]}, "[[earn]] 1 code: expected a-z, 0-9, _ or -"),
        ({"earn": [{**WAY, "code": 7}]}, "[[earn]] 1 code: expected a-z, 0-9, _ or -, got 7"),
        ({"earn": [WAY, WAY]}, "[[earn]] code olympiad: given twice"),
        (
            {"earn": [{**WAY, "coins": 0}]},
            "[[earn]] 1 coins: expected a whole number from 1 to 1000000, got 0",
        ),
        ({"earn": [{**WAY, "coins": 2.5}]}, "[[earn]] 1 coins: expected a whole number"),
        ({"earn": [{**WAY, "title_ru": " "}]}, "[[earn]] 1 title_ru: expected text"),
        (
            {"earn": [{**WAY, "coins": 51}], "guards__coins_per_operation_max": 50},
            "[[earn]] olympiad coins: 51 is above [guards] coins_per_operation_max = 50",
        ),
        (
            {"earn": [{name: value for name, value in WAY.items() if name != "title_en"}]},
            "[[earn]] 1 title_en: missing; text is needed",
        ),
        (
            {"guards__coins_per_operation_max": 0},
            "[guards] coins_per_operation_max: expected a whole number from 1",
        ),
        (
            {"sync__fresh_hours_max": 0},
            "[sync] fresh_hours_max: expected a whole number from 1 to 10000, got 0",
        ),
        ({"sync__fresh_hours_max": "26h"}, "[sync] fresh_hours_max: expected a whole number"),
        (
            {"vk__api": "http://api.vk.ru"},
            "[vk] api: expected an address such as https://api.vk.ru",
        ),
        (
            {"vk__api": "https://api.vk.ru/method"},
            "[vk] api: expected an address such as https://api.vk.ru",
        ),
        ({"vk__api": ""}, "[vk] api: expected"),
    ],
)
def test_a_bad_value_is_named_with_what_is_expected(
    tmp_path: Path, changed: dict[str, Any], says: str
) -> None:
    """The key, what it may be, what it is."""
    assert any(says in problem for problem in problems(tmp_path, **changed)), problems(
        tmp_path, **changed
    )


def test_several_problems_are_told_together(tmp_path: Path) -> None:
    """Nobody mends a file one error at a time."""
    assert len(problems(tmp_path, school__name=1, web__port=0, sync__days_back="x")) == 3


def test_a_more_specific_rule_above_a_general_one_is_fine(tmp_path: Path) -> None:
    """That is the order that the file asks for."""
    load(tmp_path, rule=[{**RULE, "name": "python", "groups": [5]}, RULE])


def test_a_later_rate_of_the_same_rule_is_fine(tmp_path: Path) -> None:
    """A second block with a later since."""
    assert (
        len(
            load(
                tmp_path, rule=[RULE, {**RULE, "since": date(2026, 12, 1), "coins": 12}]
            ).rulebook.rules
        )
        == 2
    )


# --- ways to earn, VK, limits ---------------------------------------------------------------


def test_ways_to_earn_become_values(tmp_path: Path) -> None:
    """In the order of the file; texts may be left out."""
    other = {**WAY, "code": "week-2_x", "coins": 1, "text_ru": "Приходи.", "text_en": "Come."}
    settings = load(tmp_path, earn=[WAY, other])
    assert settings.ways == (
        Way("olympiad", "Победа в олимпиаде", "Olympiad won", 50, "", ""),
        Way("week-2_x", "Победа в олимпиаде", "Olympiad won", 1, "Приходи.", "Come."),
    )
    assert settings.way_titles == {
        "olympiad": "Победа в олимпиаде",
        "week-2_x": "Победа в олимпиаде",
    }


def test_a_way_may_give_as_much_as_one_operation_may_move(tmp_path: Path) -> None:
    """And not a coin more, or the credit would be refused when it is earned."""
    assert load(tmp_path, earn=[WAY], guards__coins_per_operation_max=50).ways[0].coins == 50


def test_the_limits_of_a_person_are_read(tmp_path: Path) -> None:
    """With what they are when nobody says."""
    assert load(tmp_path).limits.coins_per_operation_max == 1_000
    assert load(tmp_path).sync.fresh_hours_max == 26
    settings = load(tmp_path, guards__coins_per_operation_max=200, sync__fresh_hours_max=50)
    assert (settings.limits.coins_per_operation_max, settings.sync.fresh_hours_max) == (200, 50)


def test_pictures_stand_beside_the_file(tmp_path: Path) -> None:
    """And their copies for the web in another folder: staff's own files are not served."""
    settings = load(tmp_path)
    assert (settings.shop.pictures, settings.shop.web_pictures) == (
        tmp_path / "pictures",
        tmp_path / "pictures.web",
    )
    assert load(tmp_path, shop__web_pictures="/srv/web").shop.web_pictures == Path("/srv/web")
    assert problems(tmp_path, shop__web_pictures="pictures") == (
        "config: [shop] web_pictures: expected another folder than pictures",
    )


@pytest.mark.parametrize(
    "address", ["https://api.vk.ru", "https://api.vk.com/", "http://127.0.0.1:8090"]
)
def test_vk_is_asked_where_the_file_says(tmp_path: Path, address: str) -> None:
    """Over TLS, or on this machine."""
    assert load(tmp_path).vk.api == "https://api.vk.ru"
    assert load(tmp_path, vk__api=address).vk.api == address.rstrip("/")


NEEDED = """
[school]
name = "Росток"
[alfacrm]
url = "https://school.s20.online"
email = "api@school.example"
[[branch]]
id = 1
[lessons]
[[rule]]
name = "lesson"
coins = 10
types = [2]
since = 2026-09-01
"""


def test_a_file_of_an_earlier_release_still_loads(tmp_path: Path) -> None:
    """Ways to earn, VK and the limits may be missing altogether; a school may have no ways."""
    path = tmp_path / "config.toml"
    path.write_text(NEEDED, encoding="utf-8")
    settings = config.load(path)
    assert (settings.ways, settings.vk.api) == ((), "https://api.vk.ru")
    assert (settings.limits.coins_per_operation_max, settings.sync.fresh_hours_max) == (1_000, 26)


@pytest.mark.parametrize("missing", ["branch", "rule"])
def test_a_section_that_is_needed_may_not_be_missing(tmp_path: Path, missing: str) -> None:
    """Without a branch or a rule there is nothing to do."""
    path = tmp_path / "config.toml"
    begin = NEEDED.index(f"[[{missing}]]")
    end = NEEDED.find("[lessons]", begin) if missing == "branch" else len(NEEDED)
    path.write_text(NEEDED[:begin] + NEEDED[end:], encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert caught.value.problems == (
        f"config: [[{missing}]]: expected at least one block, got nothing",
    )


@pytest.mark.parametrize("text", ["earn = []", "earn = 5", "[earn]\ncode = 'x'"])
def test_ways_to_earn_are_blocks_or_missing(tmp_path: Path, text: str) -> None:
    """An empty list or one section is a slip that is told."""
    path = tmp_path / "config.toml"
    path.write_text(f"{text}\n{NEEDED}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"\[\[earn\]\]: expected at least one block"):
        config.load(path)


@pytest.mark.parametrize("name", ["service_key", "vk_service_key"])
def test_the_service_key_of_vk_is_a_secret(tmp_path: Path, name: str) -> None:
    """Like any other it has no place in the file."""
    path = tmp_path / "config.toml"
    path.write_text(f'{NEEDED}[vk]\n{name} = "very-secret"\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert f"[vk] {name} is a secret" in caught.value.message
    assert "very-secret" not in caught.value.message


@pytest.mark.parametrize("name", ["key", "api_key", "password", "token", "vk_keys", "secret"])
def test_a_secret_in_the_file_is_refused_without_showing_it(tmp_path: Path, name: str) -> None:
    """It would be in every backup of the configuration."""
    path = tmp_path / "config.toml"
    path.write_text(
        config.example().replace("[alfacrm]\n", f'[alfacrm]\n{name} = "very-secret"\n'),
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert f"[alfacrm] {name} is a secret and must not stand in config.toml" in caught.value.message
    assert "very-secret" not in caught.value.message


class TestSecrets:
    """Secrets come from the environment or one closed file."""

    def _file(self, folder: Path, content: str, mode: int = 0o600) -> Path:
        path = folder / "coinsync.secrets"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, mode), "w") as file:
            file.write(content)
        path.chmod(mode)
        return path

    def test_from_the_file(self, tmp_path: Path) -> None:
        """Lines NAME=value; comments and a trailing newline are no part of it."""
        path = self._file(tmp_path, "# note\nCOINSYNC_ALFACRM_KEY=a=b\n")
        assert config.Secrets(path, {}).get("COINSYNC_ALFACRM_KEY").reveal() == "a=b"

    def test_from_the_environment(self, tmp_path: Path) -> None:
        """Without any file."""
        secrets = config.Secrets(tmp_path / "none", {"COINSYNC_ALFACRM_KEY": "k"})
        assert secrets.get("COINSYNC_ALFACRM_KEY").reveal() == "k"

    def test_may_be_asked_for(self, tmp_path: Path) -> None:
        """Without its key VK is not asked; an empty one is given, and refused when it is used."""
        path = self._file(tmp_path, "COINSYNC_VK_SERVICE_KEY=\n")
        assert config.Secrets(path, {}).has("COINSYNC_VK_SERVICE_KEY")
        assert config.Secrets(tmp_path / "none", {"COINSYNC_VK_SERVICE_KEY": "k"}).has(
            "COINSYNC_VK_SERVICE_KEY"
        )
        assert not config.Secrets(path, {}).has("COINSYNC_VK_KEYS")
        with pytest.raises(SecretError, match="is empty"):
            config.Secrets(path, {}).get("COINSYNC_VK_SERVICE_KEY")

    def test_keys_of_the_web_view_may_stand_apart(self, tmp_path: Path) -> None:
        """In a file that holds nothing for anybody else, whatever else it says."""
        path = self._file(tmp_path, "COINSYNC_ALFACRM_KEY=a\n")
        web_file = path.rename(tmp_path / "web.secrets")
        web_file.write_text("COINSYNC_VK_KEYS=v\nCOINSYNC_DATABASE_URL=sqlite:///x\n")
        secrets = config.Secrets(self._file(tmp_path, "COINSYNC_ALFACRM_KEY=a\n"), {}, web_file)
        assert secrets.get("COINSYNC_VK_KEYS").reveal() == "v"
        assert not secrets.has("COINSYNC_DATABASE_URL")
        self._file(tmp_path, "COINSYNC_VK_KEYS=other\n")
        with pytest.raises(SecretError, match=r"twice, in coinsync\.secrets and in web\.secrets"):
            secrets.get("COINSYNC_VK_KEYS")

    def test_the_environment_may_name_the_file(self, tmp_path: Path) -> None:
        """As systemd does, which puts a copy of it where one service alone can read it."""
        settings = load(tmp_path)
        self._file(tmp_path, "COINSYNC_ALFACRM_KEY=a\n")
        given = tmp_path / "given"
        given.mkdir()
        named = self._file(given, "COINSYNC_VK_KEYS=v\n")
        secrets = config.Secrets.of(settings, {"COINSYNC_SECRETS": str(named)})
        assert secrets.get("COINSYNC_VK_KEYS").reveal() == "v"
        assert not secrets.has("COINSYNC_ALFACRM_KEY")
        named.write_text("")
        with pytest.raises(SecretError) as caught:
            secrets.get("COINSYNC_VK_KEYS")
        assert f"into {tmp_path}/web.secrets" in caught.value.advice

    def test_is_shown_to_nobody(self) -> None:
        """Neither by str nor by repr."""
        secret = config.Secret("top")
        assert "top" not in f"{secret} {secret!r}"

    @pytest.mark.parametrize(
        ("content", "environ", "says"),
        [
            ("", {}, "is missing"),
            ("COINSYNC_ALFACRM_KEY=\n", {}, "is empty"),
            ("COINSYNC_ALFACRM_KEY= x\n", {}, "has spaces around it"),
            ("", {"COINSYNC_ALFACRM_KEY": "two\nlines"}, "COINSYNC_ALFACRM_KEY is"),
            ("COINSYNC_ALFACRM_KEY=a\n", {"COINSYNC_ALFACRM_KEY": "b"}, "is given twice"),
            (
                "export COINSYNC_ALFACRM_KEY=a\n",
                {},
                "line 1: write NAME=value, without the word export",
            ),
            ("COINSYNC_ALFA_KEY=a\n", {}, "unknown name (did you mean COINSYNC_ALFACRM_KEY?)"),
        ],
    )
    def test_refusals(
        self, tmp_path: Path, content: str, environ: dict[str, str], says: str
    ) -> None:
        """Missing, empty, doubtful or double: each is told by name, never by value."""
        with pytest.raises(SecretError, match="secret: ") as caught:
            config.Secrets(self._file(tmp_path, content), environ).get("COINSYNC_ALFACRM_KEY")
        assert says in caught.value.message

    @pytest.mark.parametrize(
        "content",
        [
            "\ufeffCOINSYNC_ALFACRM_KEY=a-b\n",
            'COINSYNC_ALFACRM_KEY="a-b"\r\n',
            "COINSYNC_ALFACRM_KEY='a-b'",
            "# ключ\n\u200bCOINSYNC_ALFACRM_KEY =a-b\n",
        ],
    )
    def test_what_editors_write_is_read_rightly(self, tmp_path: Path, content: str) -> None:
        """A mark at the beginning, quotes that systemd takes off, line ends of Windows."""
        path = self._file(tmp_path, "")
        path.write_bytes(content.encode())
        assert config.Secrets(path, {}).get("COINSYNC_ALFACRM_KEY").reveal() == "a-b"

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"COINSYNC_ALFACRM_KEY=a # the key\n", "a comment stands behind it"),
            (b'COINSYNC_ALFACRM_KEY="a" # the key\n', "a comment stands behind it"),
            (b'COINSYNC_ALFACRM_KEY="a\n', "a quote, a space or a letter"),
            (b'COINSYNC_ALFACRM_KEY=""\n', "is empty"),
            ("COINSYNC_ALFACRM_KEY=a\u200b\n".encode(), "signs that nobody sees"),
            ("COINSYNC_ALFACRM_KEY=a\u00a0b\n".encode(), "signs that nobody sees"),
            (b"COINSYNC_ALFACRM_KEY=a\0b\n", "signs that nobody sees"),
            ("COINSYNC_ALFACRM_KEY=кey\n".encode(), "a letter that no key has"),
            ("# ключ\nCOINSYNC_ALFACRM_KEY=a\n".encode("cp1251"), "is not UTF-8"),
            ("COINSYNC_ALFACRM_KEY=a\n".encode("utf-16"), "is not UTF-8"),
            (b"COINSYNC_ALFACRM_KEY=a\nCOINSYNC_ALFACRM_KEY=b\n", "stands there twice"),
        ],
    )
    def test_what_would_be_refused_far_away_is_refused_here(
        self, tmp_path: Path, content: bytes, says: str
    ) -> None:
        """In one line that shows nothing of it."""
        path = self._file(tmp_path, "")
        path.write_bytes(content)
        with pytest.raises(SecretError) as caught:
            config.Secrets(path, {}).get("COINSYNC_ALFACRM_KEY")
        assert says in caught.value.message
        assert "\n" not in caught.value.message

    def test_what_is_no_file_is_refused_at_once(self, tmp_path: Path) -> None:
        """A folder, or a pipe, from which nobody would ever read to the end."""
        folder, pipe = tmp_path / "folder", tmp_path / "pipe"
        folder.mkdir(0o700)
        os.mkfifo(pipe, 0o600)
        for path in (folder, pipe):
            with pytest.raises(SecretError, match="is no file"):
                config.Secrets(path, {}).get("COINSYNC_ALFACRM_KEY")

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
    def test_a_file_open_to_others_is_refused(self, tmp_path: Path, mode: int) -> None:
        """With the command that closes it."""
        with pytest.raises(SecretError) as caught:
            config.Secrets(self._file(tmp_path, "", mode), {}).get("COINSYNC_ALFACRM_KEY")
        assert "chmod 600" in caught.value.advice

    def test_a_link_to_a_file_is_refused(self, tmp_path: Path) -> None:
        """Somebody else may own what it points to."""
        (tmp_path / "link").symlink_to(self._file(tmp_path, "COINSYNC_ALFACRM_KEY=a\n"))
        with pytest.raises(SecretError):
            config.Secrets(tmp_path / "link", {}).get("COINSYNC_ALFACRM_KEY")


# --- how the cabinet looks ------------------------------------------------------------------


def test_what_families_call_a_lesson_is_no_part_of_its_rule(tmp_path: Path) -> None:
    """A title moves no coins; the last block that has one decides, so a new rate needs none."""
    blocks = [
        {**RULE, "title_ru": "Занятие", "title_en": "Lesson"},
        {**RULE, "since": date(2026, 10, 1), "coins": 12},
    ]
    settings = load(tmp_path, rule=blocks)
    assert settings.profile.lesson_titles == {"lesson": ("Занятие", "Lesson")}
    assert load(tmp_path, rule=[RULE]).profile.lesson_titles == {}
    assert settings.rulebook.rules == load(tmp_path, rule=[RULE, blocks[1]]).rulebook.rules


def test_pictures_of_the_brand_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    """None where none is named; colours are written small."""
    assert (load(tmp_path).brand.logo, load(tmp_path).brand.coin) == (None, None)
    brand = load(
        tmp_path, brand__logo="logo.svg", brand__coin="/srv/coin.png", brand__accent_dark="#AABBCC"
    ).brand
    assert (brand.logo, brand.coin) == (tmp_path / "logo.svg", Path("/srv/coin.png"))
    assert brand.accent_dark == "#aabbcc"
    assert load(tmp_path, brand__name="  ").profile.name == load(tmp_path).school.name


# --- the database's address -----------------------------------------------------------------

SERVER = "mysql://anna@db1,db2:33/coins?tls=on"


def test_a_servers_password_is_kept_apart(tmp_path: Path) -> None:
    """It comes from the secrets, whatever characters it has, and settings never show it."""
    settings = load(tmp_path, database__url=SERVER)
    assert settings.database.url == SERVER
    url = config.database_url(
        settings, config.Secrets(settings.secrets.file, {config.DATABASE_PASSWORD: "p/@:ё"})
    )
    assert url == "mysql://anna:p%2F%40%3A%D1%91@db1,db2:33/coins?tls=on"
    written = load(tmp_path, database__url="mysql://anna:hidden@db/coins")
    assert "hidden" not in repr(written)


def test_an_address_may_come_from_the_environment(tmp_path: Path) -> None:
    """For another account or database; a relative path starts where the configured one would."""
    settings = load(tmp_path)
    for given, known in ((SERVER, SERVER), ("sqlite:///x.db", f"sqlite:///{tmp_path}/x.db")):
        secrets = config.Secrets(settings.secrets.file, {config.DATABASE_URL: given})
        assert config.database_url(settings, secrets) == known
    assert (
        config.database_url(settings, config.Secrets(settings.secrets.file, {}))
        == settings.database.url
    )


def test_an_address_and_a_password_may_both_come_from_the_environment(tmp_path: Path) -> None:
    """The password goes into an address that has none."""
    settings = load(tmp_path)
    environ = {config.DATABASE_URL: "mysql://anna@db/coins", config.DATABASE_PASSWORD: "p@"}
    secrets = config.Secrets(settings.secrets.file, environ)
    assert config.database_url(settings, secrets) == "mysql://anna:p%40@db/coins"
    environ[config.DATABASE_URL] = "mysql://anna:own@db/coins"
    assert config.database_url(settings, secrets) == "mysql://anna:own@db/coins"


def test_a_password_given_twice_is_refused(tmp_path: Path) -> None:
    """Nobody would know which of them counts."""
    settings = load(tmp_path, database__url="mysql://anna:hidden@db/coins")
    secrets = config.Secrets(settings.secrets.file, {config.DATABASE_PASSWORD: "other"})
    with pytest.raises(SecretError, match="is given twice") as caught:
        config.database_url(settings, secrets)
    assert "hidden" not in caught.value.message


def test_a_file_needs_no_secrets(tmp_path: Path) -> None:
    """A file of secrets that others can read stops nobody who only asks for a balance."""
    settings = load(tmp_path)
    settings.secrets.file.write_text("COINSYNC_APP_KEY=x\n")
    settings.secrets.file.chmod(0o644)
    assert (
        config.database_url(settings, config.Secrets(settings.secrets.file, {}))
        == settings.database.url
    )


@pytest.mark.parametrize("url", ["mysql://anna:hidden@db", "mysql://db/coins", "x://a:hidden@b/c"])
def test_an_address_that_cannot_be_is_told_without_its_password(tmp_path: Path, url: str) -> None:
    """In the file, in the environment, and on the command line."""
    (told,) = problems(tmp_path, database__url=url)
    settings = load(tmp_path)
    with pytest.raises(SecretError) as secret:
        config.database_url(
            settings, config.Secrets(settings.secrets.file, {config.DATABASE_URL: url})
        )
    with pytest.raises(UsageError) as typed:
        config.addressed(url, tmp_path)
    for text in (told, secret.value.message, typed.value.message):
        assert "expected sqlite:///PATH or mysql://USER@HOST/NAME" in text
        assert "hidden" not in text


def test_another_database_is_addressed_from_where_one_stands(tmp_path: Path) -> None:
    """With a password that need not be typed."""
    assert config.addressed("sqlite:///copy.db", tmp_path) == f"sqlite:///{tmp_path}/copy.db"
    assert config.addressed("mysql://a@h/c", tmp_path, "p w") == "mysql://a:p%20w@h/c"
    assert config.addressed("mysql://a:b@h/c", tmp_path) == "mysql://a:b@h/c"


# --- files that no person wrote -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"x = " + b"[" * 50_000, "line 1 has more than 2000 bytes"),
        (b"x = " + b"[\n" * 40_000, "not valid TOML"),
        (b"x = " + b"{a = " * 390, "not valid TOML"),
        (b"a" + b".a" * 40_000 + b" = 1", "line 1 has more than 2000 bytes"),
        (b"[web]\nport = " + b"9" * 4_400, "line 2 has more than 2000 bytes"),
        (b"[web]\nport = " + b"9" * 1_900, "[web] port: expected a whole number"),
        (b"[web]\nport = 0x" + b"f" * 1_900, "[web] port: expected a whole number"),
        (b"k = 1\n" * 20_000, "has more than 100000 bytes"),
        (b'[school]\nname = "\xed\xa0\x80"', "is not UTF-8"),
        (b'[school]\nname = "\\ud800"', "not valid TOML"),
        (b"[school]\nname = 2026-02-30", "not valid TOML"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whatever_the_file_holds_is_read_or_refused(
    tmp_path: Path, content: bytes, says: str
) -> None:
    """As a problem of the configuration, at once, however deep, long or large it is."""
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert any(says in problem for problem in caught.value.problems)


def test_a_file_without_an_end(tmp_path: Path) -> None:
    """No more than a part of it is read."""
    path = tmp_path / "config.toml"
    path.symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match="has more than 100000 bytes"):
        config.load(path)


def test_a_file_of_secrets_of_another_owner(tmp_path: Path) -> None:
    """Root may read it as long as nobody else but its owner may."""
    path = tmp_path / "coinsync.secrets"
    path.write_text("COINSYNC_ALFACRM_KEY=abc\n")
    path.chmod(0o600)
    if os.getuid() == 0:  # Nobody else may give a file away.
        os.chown(path, 65_534, 65_534)
    assert config.Secrets(path, {}).get("COINSYNC_ALFACRM_KEY").reveal() == "abc"
    path.chmod(0o640)
    with pytest.raises(SecretError, match="can be read by others"):
        config.Secrets(path, {}).get("COINSYNC_ALFACRM_KEY")
