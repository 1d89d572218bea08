"""Settings: every problem at once, secrets kept apart, contradictions found before they cost coins."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from coinsync import config
from coinsync.core.rules import GuestPolicy
from coinsync.errors import ConfigError, SecretError

RULE = {"name": "lesson", "coins": 10, "types": [2], "since": date(2026, 9, 1)}


def load(tmp_path: Path, **changed: Any) -> config.Settings:
    """Load the example with some values replaced."""
    path = tmp_path / "config.toml"
    path.write_text(
        config.example({name.replace("__", "."): value for name, value in changed.items()}), encoding="utf-8"
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
    assert settings.database_url == f"sqlite:///{tmp_path}/coinsync.db"
    assert settings.secrets_file == tmp_path / "coinsync.secrets"


def test_an_absolute_database_path_stays(tmp_path: Path) -> None:
    """sqlite:////srv/coins.db is /srv/coins.db."""
    assert load(tmp_path, database__url="sqlite:////srv/coins.db").database_url == "sqlite:////srv/coins.db"


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
        ({"alfacrm__url": "http://school.s20.online"}, "[alfacrm] url: expected an address such as https://"),
        ({"alfacrm__url": ""}, '[alfacrm] url: missing; it is needed for crm = "alfacrm"'),
        ({"alfacrm__per_second": True}, "[alfacrm] per_second: expected a number from 0.1 to 1000, got true"),
        ({"alfacrm__headers": {"X": 1}}, "[alfacrm] headers: expected a table of texts"),
        ({"alfacrm__account": "a/b"}, "[alfacrm] account: expected letters"),
        ({"database__url": "oracle://x"}, "[database] url: expected sqlite:///PATH"),
        (
            {"branch": [{"id": 1, "zone": "Mars/Olympus"}]},
            '[[branch]] 1 zone: expected a time zone such as "Europe/Moscow"',
        ),
        ({"branch": [{"id": 1}, {"id": 1}]}, "[[branch]] id 1: given twice"),
        ({"branch": []}, "[[branch]]: expected at least one block"),
        ({"rule": [{**RULE, "coins": 0}]}, "[[rule]] 1 coins: expected a whole number from 1 to 1000000, got 0"),
        ({"rule": [{**RULE, "coins": 1.5}]}, "[[rule]] 1 coins: expected a whole number"),
        ({"rule": [{**RULE, "since": "soon"}]}, "[[rule]] 1 since: expected a date such as 2026-09-01"),
        ({"rule": [{**RULE, "types": []}]}, "types: expected at least one lesson type"),
        ({"rule": [{**RULE, "types": [3]}]}, "types: 3 stands in [lessons] as earning nothing"),
        ({"rule": [{**RULE, "branches": [9]}]}, "branches: 9 is no [[branch]] of this file"),
        ({"rule": [{**RULE, "until": date(2026, 8, 1)}]}, "until: 2026-08-01 is before since 2026-09-01"),
        ({"rule": [RULE, RULE]}, "two blocks of this name begin on 2026-09-01"),
        ({"rule": [RULE, {**RULE, "name": "python", "groups": [5]}]}, "never applies, rule lesson above covers it"),
    ],
)
def test_a_bad_value_is_named_with_what_is_expected(tmp_path: Path, changed: dict[str, Any], says: str) -> None:
    """The key, what it may be, what it is."""
    assert any(says in problem for problem in problems(tmp_path, **changed)), problems(tmp_path, **changed)


def test_several_problems_are_told_together(tmp_path: Path) -> None:
    """Nobody mends a file one error at a time."""
    assert len(problems(tmp_path, school__name=1, web__port=0, sync__days_back="x")) == 3


def test_a_more_specific_rule_above_a_general_one_is_fine(tmp_path: Path) -> None:
    """That is the order that the file asks for."""
    load(tmp_path, rule=[{**RULE, "name": "python", "groups": [5]}, RULE])


def test_a_later_rate_of_the_same_rule_is_fine(tmp_path: Path) -> None:
    """A second block with a later since."""
    assert len(load(tmp_path, rule=[RULE, {**RULE, "since": date(2026, 12, 1), "coins": 12}]).rulebook.rules) == 2


@pytest.mark.parametrize("name", ["api_key", "password", "token", "vk_keys", "secret"])
def test_a_secret_in_the_file_is_refused_without_showing_it(tmp_path: Path, name: str) -> None:
    """It would be in every backup of the configuration."""
    path = tmp_path / "config.toml"
    path.write_text(config.example().replace("[alfacrm]\n", f'[alfacrm]\n{name} = "very-secret"\n'), encoding="utf-8")
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
            ("COINSYNC_ALFA_KEY=a\n", {}, "unknown name (did you mean COINSYNC_ALFACRM_KEY?)"),
        ],
    )
    def test_refusals(self, tmp_path: Path, content: str, environ: dict[str, str], says: str) -> None:
        """Missing, empty, doubtful or double: each is told by name, never by value."""
        with pytest.raises(SecretError, match="secret: ") as caught:
            config.Secrets(self._file(tmp_path, content), environ).get("COINSYNC_ALFACRM_KEY")
        assert says in caught.value.message

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
