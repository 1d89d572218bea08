"""``config.toml`` and secrets to frozen settings: every problem at once, unknown keys refused, secrets kept apart.

One table below describes every key: what it is for, what it may be, and its usual value. The loader, the example file
and ``coinsync init`` are all made from it, so they cannot differ.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from coinsync.core.colour import Colours, is_colour
from coinsync.core.identity import NameForm
from coinsync.core.plan import Limits
from coinsync.core.rules import GuestPolicy, Rule, Rulebook
from coinsync.core.school import SchoolProfile, Way
from coinsync.errors import ConfigError, SecretError, UsageError

REQUIRED: Any = object()
DATABASE_URL, DATABASE_PASSWORD = "COINSYNC_DATABASE_URL", "COINSYNC_DATABASE_PASSWORD"
SECRET_NAMES = (
    *("COINSYNC_ALFACRM_KEY", "COINSYNC_APP_KEY", "COINSYNC_VK_KEYS", "COINSYNC_VK_SERVICE_KEY"),
    *(DATABASE_URL, DATABASE_PASSWORD),
)
_SECRET_WORDS = re.compile(
    r"(api_?key|password|secret|token|protected_?key|vk_?keys?|service_?key)$", re.IGNORECASE
)
_PASSWORD = re.compile(r"(://[^:/@\s]*:).*@")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


# --- what a value may be ---------------------------------------------------------------------------------------------

Kind = Callable[[Any], Any]


def _expect(fits: bool, expected: str) -> None:
    if not fits:
        raise ValueError(expected)


def _text(value: Any) -> str:
    _expect(isinstance(value, str) and bool(value.strip()), "text")
    return str(value)


def _free_text(value: Any) -> str:
    _expect(isinstance(value, str), "text")
    return str(value)


def _yes_no(value: Any) -> bool:
    _expect(isinstance(value, bool), "true or false")
    return bool(value)


def _whole(least: int, most: int) -> Kind:
    def whole(value: Any) -> int:
        _expect(
            type(value) is int and least <= value <= most, f"a whole number from {least} to {most}"
        )
        return int(value)

    return whole


def _amount(least: float, most: float) -> Kind:
    def amount(value: Any) -> float:
        _expect(
            type(value) in (int, float) and least <= value <= most,
            f"a number from {least:g} to {most:g}",
        )
        return float(value)

    return amount


def _day(value: Any) -> date:
    _expect(type(value) is date, "a date such as 2026-09-01, without quotes")
    return value  # type: ignore[no-any-return]


def _ids(value: Any) -> frozenset[int]:
    good = isinstance(value, list) and all(type(one) is int and one > 0 for one in value)
    _expect(good, "a list of numbers such as [2, 5]")
    return frozenset(value)


def _texts(count: int | None) -> Kind:
    def texts(value: Any) -> tuple[str, ...]:
        good = isinstance(value, list) and all(isinstance(one, str) and one for one in value)
        wanted = "a list of texts" if count is None else f"a list of {count} texts"
        _expect(good and (count is None or len(value) == count), wanted)
        return tuple(value)

    return texts


def _one_of(*choices: str) -> Kind:
    def one_of(value: Any) -> str:
        _expect(value in choices, " or ".join(f'"{choice}"' for choice in choices))
        return str(value)

    return one_of


def _table(value: Any) -> dict[str, str]:
    good = isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
    _expect(good, 'a table of texts such as { "X-APP-KEY" = "1" }')
    return dict(value)


def _zone(value: Any) -> ZoneInfo:
    try:
        return ZoneInfo(_text(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            'a time zone such as "Europe/Moscow" (install tzdata if it is right)'
        ) from None


def _host_url(example: str) -> Kind:
    def host_url(value: Any) -> str:
        parts = urlsplit(_text(value))
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        plain = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
        _expect(safe and bool(parts.hostname) and plain, f"an address such as {example}")
        return str(value).rstrip("/")

    return host_url


def _pattern(value: Any) -> str:
    expected = 'a pattern with one group such as "vk:\\\\s*(\\\\S+)"'
    try:
        groups = re.compile(_free_text(value)).groups
    except re.error:
        raise ValueError(expected) from None
    _expect(groups == 1, expected)
    return str(value)


def _code(value: Any) -> str:
    _expect(
        isinstance(value, str) and re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", value) is not None,
        "a-z, 0-9, _ or -",
    )
    return str(value)


def _colour(value: Any) -> str:
    _expect(isinstance(value, str) and is_colour(value.lower()), "a colour such as #1f6fc9")
    return str(value).lower()


def _database_url(value: Any) -> str:
    form = r"sqlite:///.+|(mysql|mariadb)://[^/@\s]+@[^/\s]+/[^/?#\s]+(\?[^#\s]+)?"
    expected = "sqlite:///PATH or mysql://USER@HOST/NAME"
    _expect(isinstance(value, str) and re.fullmatch(form, value) is not None, expected)
    return str(value)


# --- the table of all keys -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its name, what it may be, what it is for, what it is when left out, and what the example shows."""

    name: str
    kind: Kind
    doc: str
    default: Any = REQUIRED
    sample: Any = None

    @property
    def shown(self) -> Any:
        """The value for the example file."""
        return self.default if self.sample is None else self.sample


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the file; ``samples`` are the blocks that the example shows of a repeated one (``[[name]]``).

    One that is ``optional`` may be missing altogether.
    """

    name: str
    doc: str
    keys: tuple[Key, ...]
    samples: tuple[Mapping[str, Any], ...] = ()
    optional: bool = False

    @property
    def repeated(self) -> bool:
        """Tell whether the section may stand several times."""
        return bool(self.samples)


SECTIONS: tuple[Section, ...] = (
    Section(
        "school",
        "The school, and where its attendance is kept.",
        (
            Key("name", _text, "As families see it.", sample="Школа программирования «Росток»"),
            Key(
                "crm",
                _one_of("alfacrm", "csv"),
                'Where attendance comes from: "alfacrm", or "csv" files.',
                "alfacrm",
            ),
        ),
    ),
    Section(
        "database",
        "Where coins are kept: a file (a relative path starts at this file's folder), or MariaDB, as in\n"
        "mysql://coinsync@db1.example,db2.example/coinsync; see docs/operations.md. The password is a secret:\n"
        "COINSYNC_DATABASE_PASSWORD. COINSYNC_DATABASE_URL stands in for all of url, for another account.",
        (
            Key("url", _database_url, "", "sqlite:///coinsync.db"),
            Key("wait_seconds", _whole(1, 600), "How long to wait for another writer.", 30),
        ),
    ),
    Section(
        "alfacrm",
        "The AlfaCRM account. Its API key is a secret: COINSYNC_ALFACRM_KEY, see [secrets].",
        (
            Key(
                "url",
                _host_url("https://school.s20.online"),
                "",
                "",
                sample="https://school.s20.online",
            ),
            Key(
                "email",
                _free_text,
                "The CRM user made for the API alone.",
                "",
                sample="api@school.example",
            ),
            Key(
                "account",
                _free_text,
                "Part of every key, never change it. Empty: from the host.",
                "",
            ),
            Key(
                "per_second",
                _amount(0.1, 1000),
                "Requests per second that the CRM allows to the account.",
                5,
            ),
            Key("share_percent", _whole(1, 100), "How much of that coinsync may use.", 95),
            Key("calls", _whole(1, 8), "Requests under way at once; AlfaCRM advises one.", 1),
            Key("page_size", _whole(10, 500), "Rows per request.", 500),
            Key("tries", _whole(1, 10), "Tries per request.", 4),
            Key(
                "pause_seconds",
                _amount(0, 60),
                "Pause before the second try; it grows with each further one.",
                1.0,
            ),
            Key("answer_seconds", _amount(0.1, 600), "How long one answer may take.", 90),
            Key("run_minutes", _amount(0.1, 600), "How long the reading of one run may take.", 30),
            Key(
                "headers",
                _table,
                'Further headers; "$COINSYNC_APP_KEY" stands for the secret of that name.',
                {},
            ),
        ),
    ),
    Section(
        "csv",
        'Only for crm = "csv": the folder with the files, see docs/csv.md.',
        (Key("folder", _free_text, "", "attendance"),),
    ),
    Section(
        "branch",
        "Each branch that takes part: its id in the CRM and its time zone.",
        (
            Key("id", _whole(1, 2**63 - 1), ""),
            Key("name", _free_text, "", ""),
            Key("zone", _zone, "", "Europe/Moscow"),
        ),
        samples=({"id": 1, "name": "Kazan", "zone": "Europe/Moscow"},),
    ),
    Section(
        "lessons",
        "What the lesson types of the CRM mean (ids). Types that no rule names earn nothing; types that stand nowhere\n"
        "are reported at every sync until somebody decides.",
        (
            Key("trial", _ids, "Trial lessons.", [3]),
            Key("makeup", _ids, 'Make-ups of missed lessons ("отработка").', [4]),
            Key("uncounted", _ids, "Known types that earn nothing.", [], sample=[1]),
        ),
    ),
    Section(
        "rule",
        "What an attended lesson is worth. The most specific rule stands first. When a rate changes, add a second\n"
        "block with the same name and a later since: older lessons keep the older rate.",
        (
            Key("name", _text, "Written on every entry."),
            Key("coins", _whole(1, 1_000_000), ""),
            Key("types", _ids, "Lesson types that it pays for."),
            Key("since", _day, ""),
            Key("until", _day, "Last day; leave out for no end.", None),
            Key("branches", _ids, "Empty lists mean everywhere.", []),
            Key("subjects", _ids, "", []),
            Key("groups", _ids, "", []),
            Key(
                "guest",
                _one_of("hold", "pay", "refuse"),
                "When membership on that day is not known.",
                "hold",
            ),
            Key("scheduled_only", _yes_no, "Pay only lessons of the regular schedule.", False),
            Key(
                "title_ru", _free_text, 'As the memo in the cabinet calls it; empty: "lesson".', ""
            ),
            Key("title_en", _free_text, "", ""),
        ),
        samples=(
            {
                "name": "group lesson",
                "coins": 10,
                "types": [2],
                "since": date(2026, 9, 1),
                "until": date(2030, 8, 31),
                "branches": [],
                "subjects": [],
                "groups": [],
                "guest": "hold",
                "scheduled_only": False,
                "title_ru": "Занятие в группе",
                "title_en": "Group lesson",
            },
        ),
    ),
    Section(
        "residents",
        "What is kept of a pupil's card: number, name as shown, branches, groups, VK page.",
        (
            Key(
                "names",
                _one_of(*NameForm),
                'Keep "Ада М." of "surname_first" or "given_first" names, or "full".',
                "surname_first",
            ),
            Key(
                "vk_field",
                _free_text,
                'Card field with the family\'s VK page: "custom_…", "web", "note".',
                "custom_vk",
            ),
            Key(
                "vk_pattern",
                _pattern,
                'Where it stands in a longer text, as in "vk:\\\\s*(\\\\S+)"; empty: all of it.',
                "",
            ),
        ),
    ),
    Section(
        "earn",
        "Ways to earn besides lessons, one block each: what `credit --for CODE` gives, and what the memo in the\n"
        "cabinet tells.",
        (
            Key("code", _code, "A short word, never change it."),
            Key("title_ru", _text, "As families see it."),
            Key("title_en", _text, ""),
            Key("coins", _whole(1, 1_000_000), ""),
            Key("text_ru", _free_text, "What to do for it.", ""),
            Key("text_en", _free_text, "", ""),
        ),
        samples=(
            {
                "code": "olympiad",
                "title_ru": "Победа в олимпиаде",
                "title_en": "Olympiad won",
                "coins": 50,
                "text_ru": "Принеси диплом городской олимпиады или выше.",
                "text_en": "Bring a diploma of a city olympiad or above.",
            },
            {
                "code": "project",
                "title_ru": "Защита проекта",
                "title_en": "Project presented",
                "coins": 30,
                "text_ru": "Покажи группе игру или сайт, которые сделал сам.",
                "text_en": "Show your group a game or a site that you made yourself.",
            },
        ),
        optional=True,
    ),
    Section(
        "shop",
        "Pictures of the shop's goods, see docs/catalog.md: where staff put them, and where the copies for the web\n"
        "are made. Relative paths start at this file's folder.",
        (
            Key("pictures", _text, "", "pictures"),
            Key("web_pictures", _text, "Readable by whoever runs the cabinet.", "pictures.web"),
        ),
    ),
    Section(
        "vk",
        "Screen names in cards become numbers through VK's API, each asked once, if COINSYNC_VK_SERVICE_KEY (a\n"
        "secret: the service key of the VK app) is given.",
        (Key("api", _host_url("https://api.vk.ru"), "", "https://api.vk.ru"),),
    ),
    Section(
        "sync",
        "The nightly reading.",
        (
            Key("days_back", _whole(1, 366), "How many days back marks are read again.", 45),
            Key(
                "missing_asked_max",
                _whole(1, 500),
                "Missing lessons that are asked for one by one.",
                50,
            ),
            Key("fresh_hours_max", _whole(1, 10_000), "Older than that, `reconcile` warns.", 26),
        ),
    ),
    Section(
        "guards",
        "What one branch may change in one window, and one person by one command.",
        (
            Key(
                "reversals_percent_max",
                _whole(0, 100),
                "Reversals, in percent of the awards posted there …",
                5,
            ),
            Key(
                "reversals_checked_from", _whole(1, 10_000), "… once so many awards are posted.", 20
            ),
            Key(
                "reversals_free",
                _whole(0, 10_000),
                "So many pass in any case: one lesson taken back.",
                10,
            ),
            Key(
                "vanished_percent_max",
                _whole(0, 100),
                "Residents or memberships missing, in percent.",
                20,
            ),
            Key("coins_per_run_max", _whole(1, 100_000_000), "Coins awarded in one run.", 50_000),
            Key(
                "coins_per_operation_max",
                _whole(1, 100_000_000),
                "Coins that one credit or debit moves.",
                1_000,
            ),
        ),
    ),
    Section(
        "web",
        "The cabinet (coinsync serve), behind a proxy that speaks TLS. The keys of the VK app are a secret:\n"
        "COINSYNC_VK_KEYS, two of them, comma between, while one is being replaced.",
        (
            Key("host", _text, "", "127.0.0.1"),
            Key("port", _whole(1, 65535), "", 8080),
            Key("threads", _whole(1, 64), "", 8),
            Key("app_id", _whole(0, 2**63 - 1), "Number of the VK app.", 0, sample=7000001),
            Key("launch_hours_max", _whole(1, 168), "How old a launch may be.", 24),
            Key("hosts", _texts(None), "Host names that the proxy passes on; empty: any.", []),
        ),
    ),
    Section(
        "coin",
        "What a coin is called: for 1, 2 and 5 in Russian, for 1 and 2 in English.",
        (
            Key("ru", _texts(3), "", ["монета", "монеты", "монет"]),
            Key("en", _texts(2), "", ["coin", "coins"]),
        ),
    ),
    Section(
        "brand",
        "How the cabinet looks. Colours whose texts cannot be read (a contrast under 4.5 : 1) are refused; look at\n"
        "them with `coinsync brand check`. Pictures are SVG or PNG files of at most 100 KB; paths start at this\n"
        "file's folder.",
        (
            Key(
                "name", _free_text, "What the cabinet calls the school; empty: its name above.", ""
            ),
            Key("logo", _free_text, "A square picture beside the name; empty: none.", ""),
            Key("coin", _free_text, "A square picture of the coin; empty: a golden one.", ""),
            Key(
                "accent_light",
                _colour,
                "Behind the balance, and of buttons, in the light appearance …",
                "#1f6fc9",
            ),
            Key("accent_dark", _colour, "… and in the dark one.", "#2b62ab"),
            Key("label", _colour, "What is written on it.", "#ffffff"),
            Key(
                "link_light", _colour, "Links; empty: the accent, as near to it as can be read.", ""
            ),
            Key("link_dark", _colour, "", ""),
        ),
    ),
    Section(
        "secrets",
        "A file of mode 0600 with lines NAME=value, beside this one; the environment serves as well.",
        (Key("file", _free_text, "", "coinsync.secrets"),),
    ),
)


# --- settings --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BranchSettings:
    """A branch that takes part."""

    id: int
    name: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class CrmSettings:
    """The AlfaCRM account and how gently to read it."""

    url: str
    email: str
    account: str
    per_second: float
    share_percent: int
    calls: int
    page_size: int
    tries: int
    pause_seconds: float
    answer_seconds: float
    run_minutes: float
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The cabinet."""

    host: str
    port: int
    threads: int
    app_id: int
    launch_hours_max: int
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BrandSettings:
    """How the cabinet looks; pictures are absolute paths."""

    name: str
    logo: Path | None
    coin: Path | None
    colours: Colours


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that ``config.toml`` says; paths are absolute."""

    path: Path
    school: str
    crm: str
    database_url: str = field(repr=False)
    wait_seconds: int
    alfacrm: CrmSettings
    csv_folder: Path
    branches: tuple[BranchSettings, ...]
    rulebook: Rulebook
    lesson_titles: Mapping[str, tuple[str, str]]
    names: NameForm
    vk_field: str
    vk_pattern: str
    vk_api: str
    ways: tuple[Way, ...]
    pictures: Path
    web_pictures: Path
    days_back: int
    missing_asked_max: int
    fresh_hours_max: int
    limits: Limits
    web: WebSettings
    coin_ru: tuple[str, ...]
    coin_en: tuple[str, ...]
    brand: BrandSettings
    secrets_file: Path

    @property
    def way_titles(self) -> dict[str, str]:
        """What the ways to earn are called, as families see it, by code."""
        return {way.code: way.title_ru for way in self.ways}

    @property
    def account(self) -> str:
        """The word that stands for the CRM account in every ledger key."""
        return self.alfacrm.account if self.crm == "alfacrm" else "csv"

    def day_at(self, branches: Iterable[int], now: datetime) -> date:
        """The day at a resident's branches, by their own zone; ``now`` is aware."""
        return self.profile.today(branches, now)

    @property
    def profile(self) -> SchoolProfile:
        """The school as families know it: what the web view takes as it is."""
        one, few, many = self.coin_ru
        singular, plural = self.coin_en
        return SchoolProfile(
            name=self.brand.name,
            coin_forms_ru=(one, few, many),
            coin_forms_en=(singular, plural),
            zone=self.branches[0].zone,
            zones={branch.id: branch.zone for branch in self.branches},
            ways=self.ways,
            rules=self.rulebook.rules,
            lesson_titles=self.lesson_titles,
            colours=self.brand.colours,
            pictures=self.web_pictures,
        )


def load(path: Path) -> Settings:
    """Read the configuration file. Raises ``ConfigError`` with every problem that it has."""
    data = _read_toml(path)
    problems: list[str] = []
    values = _values(data, path, problems)
    if not problems:
        settings = _settings(values, path.resolve())
        problems += _contradictions(settings)
    if problems:
        raise ConfigError(problems)
    return settings


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise ConfigError(
            [f"config: {path} cannot be read ({type(error).__name__})"],
            advice='Run "coinsync init", or pass --config FILE.',
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"config: {path}: not valid TOML: {error}"]) from error


def _values(data: Mapping[str, Any], path: Path, problems: list[str]) -> dict[str, Any]:
    names = [section.name for section in SECTIONS]
    problems += [_unknown(f"[{name}]", name, names, path) for name in data if name not in names]
    return {
        section.name: _section_values(section, data.get(section.name), path, problems)
        for section in SECTIONS
    }


def _section_values(section: Section, given: Any, path: Path, problems: list[str]) -> Any:
    if section.repeated:
        if given is None and section.optional:
            return []
        if (
            not isinstance(given, list)
            or not all(isinstance(block, dict) for block in given)
            or not given
        ):
            problems.append(
                f"config: [[{section.name}]]: expected at least one block, got {_shown(given)}"
            )
            return []
        return [
            _block_values(section, block, f"[[{section.name}]] {index}", path, problems)
            for index, block in enumerate(given, 1)
        ]
    if given is not None and not isinstance(given, dict):
        problems.append(f"config: [{section.name}]: expected a section, got {_shown(given)}")
        return {}
    return _block_values(section, given or {}, f"[{section.name}]", path, problems)


def _block_values(
    section: Section, block: Mapping[str, Any], where: str, path: Path, problems: list[str]
) -> dict[str, Any]:
    names = [key.name for key in section.keys]
    problems += [
        _unknown(f"{where} {name}", name, names, path) for name in block if name not in names
    ]
    values: dict[str, Any] = {}
    for key in section.keys:
        given = block.get(key.name, key.default)
        if given is REQUIRED:
            problems.append(f"config: {where} {key.name}: missing; {_expected(key)} is needed")
        elif given is None or (given == "" and key.default == ""):
            values[key.name] = given
        else:
            try:
                values[key.name] = key.kind(given)
            except ValueError as error:
                problems.append(
                    f"config: {where} {key.name}: expected {error}, got {_shown(given)}"
                )
    return values


def _expected(key: Key) -> str:
    try:
        key.kind(object())
    except ValueError as error:
        return str(error)
    return "a value"


def _unknown(where: str, name: str, names: Sequence[str], path: Path) -> str:
    if _SECRET_WORDS.search(name):
        return f"config: {where} is a secret and must not stand in {path.name}; put it into the environment or a 0600 file"
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
    return f"config: unknown key {where} (did you mean {near[0]}?)"


def _shown(value: Any) -> str:
    text = _PASSWORD.sub(r"\1***@", json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= 60 else text[:59] + "…"


def _settings(values: Mapping[str, Any], path: Path) -> Settings:
    alfacrm = dict(values["alfacrm"])
    alfacrm["account"] = (alfacrm["account"] or _account_of(alfacrm["url"])).lower()
    base = path.parent
    return Settings(
        path=path,
        school=values["school"]["name"],
        crm=values["school"]["crm"],
        database_url=_absolute(values["database"]["url"], base),
        wait_seconds=values["database"]["wait_seconds"],
        alfacrm=CrmSettings(**alfacrm),
        csv_folder=base / values["csv"]["folder"],
        branches=tuple(BranchSettings(**block) for block in values["branch"]),
        rulebook=Rulebook(
            tuple(map(_rule, values["rule"])),
            trials=values["lessons"]["trial"],
            makeups=values["lessons"]["makeup"],
            uncounted=values["lessons"]["uncounted"],
        ),
        lesson_titles={
            block["name"]: (block["title_ru"], block["title_en"])
            for block in values["rule"]
            if block["title_ru"].strip()
        },
        names=NameForm(values["residents"]["names"]),
        vk_field=values["residents"]["vk_field"],
        vk_pattern=values["residents"]["vk_pattern"],
        vk_api=values["vk"]["api"],
        ways=tuple(Way(**block) for block in values["earn"]),
        pictures=base / values["shop"]["pictures"],
        web_pictures=base / values["shop"]["web_pictures"],
        **values["sync"],
        limits=Limits(**values["guards"]),
        web=WebSettings(**values["web"]),
        coin_ru=values["coin"]["ru"],
        coin_en=values["coin"]["en"],
        brand=_brand(values["brand"], values["school"]["name"], base),
        secrets_file=base / values["secrets"]["file"],
    )


def _absolute(url: str, base: Path) -> str:
    file = url.removeprefix("sqlite:///")
    return url if file == url else f"sqlite:///{base / file}"


def _rule(block: Mapping[str, Any]) -> Rule:
    # What families call it decides nothing, so the rule does not know it.
    told = {name: value for name, value in block.items() if not name.startswith("title_")}
    return Rule(**{**told, "guest": GuestPolicy(block["guest"])})


def _brand(block: Mapping[str, Any], school: str, base: Path) -> BrandSettings:
    logo, coin = (base / block[name] if block[name] else None for name in ("logo", "coin"))
    colours = Colours(**{name: block[name] for name in Colours.__slots__})
    return BrandSettings(block["name"].strip() or school, logo, coin, colours)


def _account_of(url: str) -> str:
    host = urlsplit(url).hostname or ""
    return host if host.replace(".", "").isdigit() else host.split(".")[0]


def _contradictions(settings: Settings) -> Iterator[str]:
    if settings.crm == "alfacrm":
        for name in ("url", "email"):
            if not getattr(settings.alfacrm, name):
                yield f'config: [alfacrm] {name}: missing; it is needed for crm = "alfacrm"'
        if not re.fullmatch(r"[a-z0-9._-]{1,40}", settings.alfacrm.account):
            yield f"config: [alfacrm] account: expected letters a-z, digits and . _ -, got {settings.alfacrm.account}"
    if settings.vk_field == "note" and not settings.vk_pattern:
        yield "config: [residents] vk_pattern: needed for the field note, where any word might be taken for a page"
    ids = [branch.id for branch in settings.branches]
    yield from (
        f"config: [[branch]] id {id}: given twice"
        for id in sorted({id for id in ids if ids.count(id) > 1})
    )
    codes = [way.code for way in settings.ways]
    yield from (
        f"config: [[earn]] code {one}: given twice"
        for one in sorted({c for c in codes if codes.count(c) > 1})
    )
    for way in settings.ways:
        if way.coins > settings.limits.coins_per_operation_max:
            most = settings.limits.coins_per_operation_max
            yield f"config: [[earn]] {way.code} coins: {way.coins} is above [guards] coins_per_operation_max = {most}"
    if settings.pictures == settings.web_pictures:
        yield "config: [shop] web_pictures: expected another folder than pictures"
    yield from _rule_contradictions(settings.rulebook, frozenset(ids))


def _rule_contradictions(book: Rulebook, branches: frozenset[int]) -> Iterator[str]:
    idle = book.trials | book.makeups | book.uncounted
    for index, rule in enumerate(book.rules, 1):
        where = f"config: [[rule]] {index} ({rule.name})"
        if not rule.types:
            yield f"{where} types: expected at least one lesson type"
        if rule.types & idle:
            yield f"{where} types: {_listed(rule.types & idle)} stands in [lessons] as earning nothing"
        if rule.branches - branches:
            yield f"{where} branches: {_listed(rule.branches - branches)} is no [[branch]] of this file"
        if rule.until is not None and rule.until < rule.since:
            yield f"{where} until: {rule.until} is before since {rule.since}"
        for above in book.rules[: index - 1]:
            if above.name == rule.name and above.since == rule.since:
                yield f"{where} since: two blocks of this name begin on {rule.since}"
            elif above.name != rule.name and above.covers_scope_of(rule) and _spans(above, rule):
                yield f"{where}: never applies, rule {above.name} above covers it; put the more specific one first"


def _spans(above: Rule, rule: Rule) -> bool:
    return above.since <= rule.since and (
        above.until is None or (rule.until is not None and rule.until <= above.until)
    )


def _listed(ids: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(ids)))


# --- secrets ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that shows itself to nobody but its one user, who calls ``reveal``."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __str__(self) -> str:
        return "***"


class Secrets:
    """Secrets by name, from the environment or from one file of mode 0600, never from both."""

    def __init__(self, file: Path, environ: Mapping[str, str]) -> None:
        """Look in ``environ`` and, when it exists, in ``file``; the file is read when a secret is asked for."""
        self._file = file
        self._environ = environ

    def has(self, name: str) -> bool:
        """Tell whether a secret is given at all, rightly or not."""
        return name in self._environ or name in self._in_file()

    def in_environment(self, name: str) -> bool:
        """Tell whether the environment has it."""
        return name in self._environ

    def get(self, name: str) -> Secret:
        """One secret. Raises ``SecretError`` when it is missing, empty, given twice, or its file is open to others."""
        given, kept = self._environ.get(name), self._in_file().get(name)
        if given is not None and kept is not None:
            raise SecretError(
                f"secret: {name} is given twice, in the environment and in {self._file.name}"
            )
        text = kept if given is None else given
        if text is None or not text.strip() or text != text.strip() or "\n" in text:
            state = "missing" if text is None else "empty or has spaces around it"
            raise SecretError(
                f"secret: {name} is {state}",
                advice=f"Set {name} in the environment, or write {name}=… into {self._file} (mode 0600).",
            )
        return Secret(text)

    def _in_file(self) -> dict[str, str]:
        try:
            descriptor = os.open(self._file, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise SecretError(
                f"secret: {self._file} cannot be read ({type(error).__name__})"
            ) from error
        with os.fdopen(descriptor, encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise SecretError(
                    f"secret: {self._file} can be read by others (mode {mode:04o})",
                    advice=f"Run: chmod 600 {self._file}",
                )
            lines = [
                line.rstrip("\r\n")
                for line in file
                if line.strip() and not line.lstrip().startswith("#")
            ]
        pairs = [line.partition("=") for line in lines]
        unknown = [name.strip() for name, _, _ in pairs if name.strip() not in SECRET_NAMES]
        if unknown:
            near = difflib.get_close_matches(unknown[0], SECRET_NAMES, n=1, cutoff=0.0)[0]
            raise SecretError(f"secret: {self._file.name}: unknown name (did you mean {near}?)")
        return {name.strip(): value for name, _, value in pairs}


def database_url(settings: Settings, secrets: Secrets) -> str:
    """The database's address with its password, from wherever they are kept; it is a secret from here on.

    A whole address in the place of the configured one lets the same configuration serve another account.
    """
    url = settings.database_url
    # A file has no password: only the environment may name another one, and no file of secrets is opened for that.
    if secrets.in_environment(DATABASE_URL) or (
        not url.startswith("sqlite:") and secrets.has(DATABASE_URL)
    ):
        try:
            return _absolute(
                _database_url(secrets.get(DATABASE_URL).reveal()), settings.path.parent
            )
        except ValueError as error:
            raise SecretError(f"secret: {DATABASE_URL}: expected {error}") from None
    if url.startswith("sqlite:") or not secrets.has(DATABASE_PASSWORD):
        return url
    if ":" in urlsplit(url).netloc.rpartition("@")[0]:
        raise SecretError(f"secret: {DATABASE_PASSWORD} is given twice, here and in [database] url")
    return _with_password(url, secrets.get(DATABASE_PASSWORD).reveal())


def addressed(url: str, base: Path, password: str = "") -> str:
    """Another database's address as it is typed; a relative path starts at ``base``. Raises ``UsageError``."""
    try:
        known = _absolute(_database_url(url), base)
    except ValueError as error:
        shown = _PASSWORD.sub(r"\1***@", url)
        raise UsageError(f"{shown}: expected {error}") from None
    return (
        _with_password(known, password) if password and not known.startswith("sqlite:") else known
    )


def _with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    account, at, hosts = parts.netloc.rpartition("@")
    return parts._replace(
        netloc=f"{account.partition(':')[0]}:{quote(password, safe='')}{at}{hosts}"
    ).geturl()


# --- the example file ------------------------------------------------------------------------------------------------


def example(values: Mapping[str, Any] | None = None) -> str:
    """The text of ``config.toml.example``; ``values`` by "section.key", or by section for blocks, replace samples."""
    given = values or {}
    parts = [
        "# coinsync. Dates without quotes, texts in quotes. Secrets never stand in this file.\n"
    ]
    for section in SECTIONS:
        parts.append("".join(f"# {line}\n" for line in section.doc.splitlines()))
        if section.repeated:
            for block in given.get(section.name, section.samples):
                keys = [key for key in section.keys if key.name in block]
                parts.append(
                    f"[[{section.name}]]\n"
                    + "".join(_line(key, block[key.name]) for key in keys)
                    + "\n"
                )
        else:
            lines = (
                _line(key, given.get(f"{section.name}.{key.name}", key.shown))
                for key in section.keys
            )
            parts.append(f"[{section.name}]\n" + "".join(lines) + "\n")
    return "".join(parts).rstrip() + "\n"


def _line(key: Key, value: Any) -> str:
    line = f"{key.name} = {_toml(value)}"
    return f"{line:<43} # {key.doc}\n" if key.doc else f"{line}\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{json.dumps(name)} = {_toml(one)}" for name, one in value.items())
            + "}"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
