"""What ``config.toml`` may say: each key is declared here or in a value of the domain, once.

The classes are the sections of the file, their fields are its keys. Loading, the refusal of unknown
keys, and the example file follow from these declarations.
"""

# Annotations are values here and not texts (no import of them from __future__): every command reads
# them when it loads the configuration, and compiling a hundred texts takes longer than all else.

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from coinsync.config import kinds
from coinsync.config.sections import Section, SectionOfFile, sections_of
from coinsync.core.colour import Colours
from coinsync.core.identity import NameForm
from coinsync.core.plan import Limits
from coinsync.core.rules import Rule, Rulebook
from coinsync.core.school import SchoolProfile, Way
from coinsync.core.setting import Setting, choice, free_text, ids, text, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolSettings:
    """The school, and where its attendance is kept."""

    name: Annotated[
        str,
        Setting(text, "As families see it.", sample="Школа программирования «Росток»"),
    ]
    crm: Annotated[
        str,
        Setting(
            kinds.one_of("alfacrm", "csv"),
            'Where attendance comes from: "alfacrm", or "csv" files.',
        ),
    ] = "alfacrm"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """Where coins are kept; the address may hold a password, so it is not shown."""

    url: Annotated[str, Setting(kinds.database_url)] = field(
        default="sqlite:///coinsync.db", repr=False
    )
    wait_seconds: Annotated[int, Setting(whole(1, 600), "How long to wait for another writer.")] = (
        30
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CrmSettings:
    """The AlfaCRM account and how gently to read it.

    AlfaCRM allows five requests per second to a whole account. The default stays a little below,
    because the CRM counts by a clock of its own, and a request too many is refused.
    """

    url: Annotated[
        str,
        Setting(kinds.host_url("https://school.s20.online"), sample="https://school.s20.online"),
    ] = ""
    email: Annotated[
        str,
        Setting(free_text, "The CRM user made for the API alone.", sample="api@school.example"),
    ] = ""
    account: Annotated[
        str, Setting(free_text, "Part of every key, never change it. Empty: from the host.")
    ] = ""
    per_second: Annotated[
        float,
        Setting(kinds.amount(0.1, 1000), "Requests per second; AlfaCRM allows 5 to an account."),
    ] = 4.75
    calls: Annotated[
        int, Setting(whole(1, 8), "Requests under way at once; AlfaCRM advises one.")
    ] = 1
    page_size: Annotated[int, Setting(whole(10, 500), "Rows per request.")] = 500
    tries: Annotated[int, Setting(whole(1, 10), "Tries per request.")] = 4
    pause_seconds: Annotated[
        float,
        Setting(
            kinds.amount(0, 60), "Pause before the second try; it grows with each further one."
        ),
    ] = 1.0
    answer_seconds: Annotated[
        float, Setting(kinds.amount(0.1, 600), "How long one answer may take.")
    ] = 90
    headers: Annotated[
        Mapping[str, str],
        Setting(
            kinds.table_of_texts,
            'Further headers; "$COINSYNC_APP_KEY" stands for the secret of that name.',
        ),
    ] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvSettings:
    """Attendance from files."""

    folder: Annotated[Path, Setting(kinds.path)] = Path("attendance")


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchSettings:
    """A branch that takes part."""

    id: Annotated[int, Setting(whole(1, 2**63 - 1))]
    name: Annotated[str, Setting(free_text)] = ""
    zone: Annotated[ZoneInfo, Setting(kinds.zone)] = field(
        default_factory=lambda: ZoneInfo("Europe/Moscow")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonSettings:
    """What lesson types mean that no rule pays for."""

    trial: Annotated[frozenset[int], Setting(ids, "Trial lessons.")] = frozenset({3})
    makeup: Annotated[frozenset[int], Setting(ids, 'Make-ups of missed lessons ("отработка").')] = (
        frozenset({4})
    )
    uncounted: Annotated[
        frozenset[int], Setting(ids, "Known types that earn nothing.", sample=[1])
    ] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentSettings:
    """What is kept of a pupil's card."""

    names: Annotated[
        NameForm,
        Setting(
            choice(NameForm), 'Keep "Ада М." of "surname_first" or "given_first" names, or "full".'
        ),
    ] = NameForm.SURNAME_FIRST
    vk_field: Annotated[
        str,
        Setting(free_text, 'Card field with the family\'s VK page: "custom_…", "web", "note".'),
    ] = "custom_vk"
    vk_pattern: Annotated[
        str,
        Setting(
            kinds.pattern,
            'Where it stands in a longer text, as in "vk:\\\\s*(\\\\S+)"; empty: all of it.',
        ),
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopSettings:
    """Pictures of the shop's goods: staff's own, and the copies for the web."""

    pictures: Annotated[Path, Setting(kinds.path)] = Path("pictures")
    web_pictures: Annotated[Path, Setting(kinds.path, "Readable by whoever runs the cabinet.")] = (
        Path("pictures.web")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class VkSettings:
    """Where screen names of VK become numbers."""

    api: Annotated[str, Setting(kinds.host_url("https://api.vk.ru"))] = "https://api.vk.ru"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncSettings:
    """The nightly reading."""

    days_back: Annotated[
        int, Setting(whole(1, 366), "How many days back marks are read again.")
    ] = 45
    fresh_hours_max: Annotated[
        int, Setting(whole(1, 10_000), "Older than that, `reconcile` warns.")
    ] = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How the web view listens, and which VK app opens it."""

    host: Annotated[str, Setting(text)] = "127.0.0.1"
    port: Annotated[int, Setting(whole(1, 65535))] = 8080
    threads: Annotated[int, Setting(whole(1, 64))] = 8
    app_id: Annotated[
        int, Setting(whole(0, 2**63 - 1), "Number of the VK app.", sample=7000001)
    ] = 0
    launch_hours_max: Annotated[int, Setting(whole(1, 168), "How old a launch may be.")] = 24
    hosts: Annotated[
        tuple[str, ...],
        Setting(kinds.texts(), "Host names that the proxy passes on; empty: any."),
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CoinSettings:
    """What a coin is called beside a number."""

    ru: Annotated[tuple[str, str, str], Setting(kinds.texts(3))] = ("монета", "монеты", "монет")
    en: Annotated[tuple[str, str], Setting(kinds.texts(2))] = ("coin", "coins")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandSettings(Colours):
    """How the web view looks: the school's colours, its name there, and its pictures."""

    name: Annotated[
        str, Setting(free_text, "What the cabinet calls the school; empty: its name above.")
    ] = ""
    logo: Annotated[
        Path | None,
        Setting(kinds.optional_path, "A square picture beside the name; empty: none."),
    ] = None
    coin: Annotated[
        Path | None,
        Setting(kinds.optional_path, "A square picture of the coin; empty: a golden one."),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSettings:
    """Where secrets are kept that the environment does not give."""

    file: Annotated[Path, Setting(kinds.path)] = Path("coinsync.secrets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that ``config.toml`` says; paths are absolute."""

    path: Path
    school: Annotated[
        SchoolSettings, Section("school", "The school, and where its attendance is kept.")
    ]
    database: Annotated[
        DatabaseSettings,
        Section(
            "database",
            "Where coins are kept: a file (a relative path starts at this file's folder), or "
            "MariaDB, as in mysql://coinsync@db1.example,db2.example/coinsync; see "
            "docs/operations.md. The password is a secret: COINSYNC_DATABASE_PASSWORD. "
            "COINSYNC_DATABASE_URL stands in for all of url, for another account.",
        ),
    ]
    alfacrm: Annotated[
        CrmSettings,
        Section(
            "alfacrm",
            "The AlfaCRM account. Its API key is a secret: COINSYNC_ALFACRM_KEY, see [secrets].",
        ),
    ]
    csv: Annotated[
        CsvSettings,
        Section("csv", 'Only for crm = "csv": the folder with the files, see docs/csv.md.'),
    ]
    branches: Annotated[
        tuple[BranchSettings, ...],
        Section(
            "branch",
            "Each branch that takes part: its id in the CRM and its time zone.",
            samples=({"id": 1, "name": "Kazan", "zone": "Europe/Moscow"},),
        ),
    ]
    lessons: Annotated[
        LessonSettings,
        Section(
            "lessons",
            "What the lesson types of the CRM mean (ids). Types that no rule names earn nothing; "
            "types that stand nowhere are reported at every sync until somebody decides.",
        ),
    ]
    rules: Annotated[
        tuple[Rule, ...],
        Section(
            "rule",
            "What an attended lesson is worth. The most specific rule stands first. When a rate "
            "changes, add a second block with the same name and a later since: older lessons keep "
            "the older rate.",
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
    ]
    residents: Annotated[
        ResidentSettings,
        Section(
            "residents",
            "What is kept of a pupil's card: number, name as shown, branches, groups, VK page.",
        ),
    ]
    ways: Annotated[
        tuple[Way, ...],
        Section(
            "earn",
            "Ways to earn besides lessons, one block each: what `credit --for CODE` gives, and "
            "what the memo in the cabinet tells.",
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
    ]
    shop: Annotated[
        ShopSettings,
        Section(
            "shop",
            "Pictures of the shop's goods, see docs/catalog.md: where staff put them, and where "
            "the copies for the web are made. Relative paths start at this file's folder.",
        ),
    ]
    vk: Annotated[
        VkSettings,
        Section(
            "vk",
            "Screen names in cards become numbers through VK's API, each asked once, if "
            "COINSYNC_VK_SERVICE_KEY (a secret: the service key of the VK app) is given.",
        ),
    ]
    sync: Annotated[SyncSettings, Section("sync", "The nightly reading.")]
    limits: Annotated[
        Limits,
        Section(
            "guards",
            "What one branch may change in one window, and one person by one command.",
        ),
    ]
    web: Annotated[
        ServerSettings,
        Section(
            "web",
            "The cabinet (coinsync serve), behind a proxy that speaks TLS. The keys of the VK app "
            "are a secret: COINSYNC_VK_KEYS, two of them, comma between, while one is being "
            "replaced.",
        ),
    ]
    coin: Annotated[
        CoinSettings,
        Section(
            "coin", "What a coin is called: for 1, 2 and 5 in Russian, for 1 and 2 in English."
        ),
    ]
    brand: Annotated[
        BrandSettings,
        Section(
            "brand",
            "How the cabinet looks. Colours whose texts cannot be read (a contrast under 4.5 : 1) "
            "are refused. Pictures are SVG or PNG files of at most 100 KB; paths start at this "
            "file's folder.",
        ),
    ]
    secrets: Annotated[
        SecretSettings,
        Section(
            "secrets",
            "A file of mode 0600 with lines NAME=value, beside this one; the environment serves as "
            "well.",
        ),
    ]

    @property
    def account(self) -> str:
        """The word that stands for the CRM account in every ledger key."""
        if self.school.crm == "csv":
            return "csv"
        return (self.alfacrm.account or _first_word(self.alfacrm.url)).lower()

    @property
    def rulebook(self) -> Rulebook:
        """What lessons are worth."""
        lessons = self.lessons
        return Rulebook(self.rules, lessons.trial, lessons.makeup, lessons.uncounted)

    @property
    def way_titles(self) -> dict[str, str]:
        """What the ways to earn are called, as families see it, by code."""
        return {way.code: way.title_ru for way in self.ways}

    @property
    def profile(self) -> SchoolProfile:
        """The school as families know it: what the web view takes as it is."""
        return SchoolProfile(
            name=self.brand.name.strip() or self.school.name,
            coin_forms_ru=self.coin.ru,
            coin_forms_en=self.coin.en,
            zone=self.branches[0].zone,
            zones={branch.id: branch.zone for branch in self.branches},
            ways=self.ways,
            rules=self.rules,
            lesson_titles=_lesson_titles(self.rules),
            colours=self.brand,
            pictures=self.shop.web_pictures,
        )

    def day_at(self, branches: Iterable[int], now: datetime) -> date:
        """The day at a resident's branches, by their own zone; ``now`` is aware."""
        return self.profile.today(branches, now)


@cache
def sections() -> tuple[SectionOfFile, ...]:
    """The sections of the file, in the order in which the example shows them."""
    return sections_of(Settings)


def _first_word(url: str) -> str:
    """The name of an account where none is given: the host's first word, or a numeric address."""
    host = urlsplit(url).hostname or ""
    return host if host.replace(".", "").isdigit() else host.split(".")[0]


def _lesson_titles(rules: Iterable[Rule]) -> dict[str, tuple[str, str]]:
    """What families call a lesson, by rule; the last block of a name that has a title counts."""
    return {rule.name: (rule.title_ru, rule.title_en) for rule in rules if rule.title_ru.strip()}
