"""What ``config.toml`` may say: each key is declared here or in a value of the domain, once.

The classes are the sections of the file, and their docstrings its comments in the example.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from coinsync.config import kinds
from coinsync.core.colour import Colours
from coinsync.core.identity import NameForm
from coinsync.core.plan import Limits
from coinsync.core.rules import Rule, Rulebook
from coinsync.core.school import Contact, SchoolProfile, Way
from coinsync.core.setting import (
    SETTING,
    Section,
    choice,
    free_text,
    ids,
    section,
    setting,
    text,
    whole,
)
from coinsync.staff_texts import ENGLISH, RUSSIAN

# Without slots: a class with slots is made twice, which every start of the program would pay for.


@dataclass(frozen=True, kw_only=True)
class SchoolSettings:
    """The school, and where its attendance is kept."""

    name: str = setting(text, "As families see it.", sample="Школа программирования «Росток»")
    crm: str = setting(
        choice("alfacrm", "csv"),
        'Where attendance comes from: "alfacrm", or "csv" files.',
        "alfacrm",
    )
    staff_language: str = setting(
        choice(ENGLISH, RUSSIAN), 'What clerks read: "ru" or "en".', ENGLISH
    )


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Folders, where a server keeps configuration and data apart; empty: this file's folder."""

    folder: Path | None = setting(
        kinds.optional_path, "Where paths of database, files and pictures start.", None
    )
    state: str = setting(
        free_text, "Below it: where the lock of a run lies, out of reach of the cabinet.", ""
    )
    backups: Path | None = setting(
        kinds.optional_path, "Where `db backup` writes when it is given no FILE.", None
    )


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings:
    """Where coins are kept: a file (a relative path starts at the data folder), or MariaDB, as in
    mysql://coinsync@db1.example,db2.example/coinsync; see docs/operations.md. The password is a
    secret: COINSYNC_DATABASE_PASSWORD. COINSYNC_DATABASE_URL stands in for all of url, for another
    account.
    """

    # The address may hold a password, so it is not shown.
    url: str = setting(kinds.database_url, default="sqlite:///coinsync.db", repr=False)
    wait_seconds: int = setting(whole(1, 600), "How long to wait for another writer.", 30)


@dataclass(frozen=True, kw_only=True)
class CrmSettings:
    """The AlfaCRM account. Its API key is a secret: COINSYNC_ALFACRM_KEY, see [secrets]."""

    url: str = setting(
        kinds.host_url("https://school.s20.online"), default="", sample="https://school.s20.online"
    )
    email: str = setting(
        free_text, "The CRM user made for the API alone.", "", sample="api@school.example"
    )
    account: str = setting(
        free_text, "Part of every key, never change it. Empty: from the host.", ""
    )
    # A little below what AlfaCRM allows, because it counts by its own clock.
    per_second: float = setting(
        kinds.amount(0.1, 1000), "Requests per second; AlfaCRM allows 5 to an account.", 4.75
    )
    page_size: int = setting(whole(10, 500), "Rows per request.", 500)
    calls: int = setting(whole(1, 8), "Requests under way at once; AlfaCRM advises one.", 1)
    tries: int = setting(whole(1, 10), "Tries per request.", 4)
    pause_seconds: float = setting(
        kinds.amount(0, 60), "Pause before the second try; it grows with each further one.", 1.0
    )
    answer_seconds: float = setting(kinds.amount(0.1, 600), "How long one answer may take.", 90)
    run_minutes: float = setting(
        kinds.amount(0.1, 600), "How long the reading of one run may take.", 30
    )
    headers: Mapping[str, str] = setting(
        kinds.table_of_texts,
        'Further headers; "$COINSYNC_APP_KEY" stands for the secret of that name.',
        default_factory=dict,
    )


@dataclass(frozen=True, kw_only=True)
class CsvSettings:
    """Only for crm = "csv": the folder with the files, see docs/csv.md."""

    folder: Path = setting(kinds.path, default=Path("attendance"))


@dataclass(frozen=True, kw_only=True)
class BranchSettings:
    """A branch that takes part."""

    id: int = setting(whole(1, 2**63 - 1))
    name: str = setting(free_text, default="")
    zone: ZoneInfo = setting(kinds.zone, default_factory=lambda: ZoneInfo("Europe/Moscow"))


@dataclass(frozen=True, kw_only=True)
class LessonSettings:
    """What the lesson types of the CRM mean (ids). Types that no rule names earn nothing; types
    that stand nowhere are reported at every sync until somebody decides.
    """

    trial: frozenset[int] = setting(ids, "Trial lessons.", frozenset({3}))
    makeup: frozenset[int] = setting(
        ids, 'Make-ups of missed lessons ("отработка").', frozenset({4})
    )
    uncounted: frozenset[int] = setting(
        ids, "Known types that earn nothing.", frozenset(), sample=[1]
    )


@dataclass(frozen=True, kw_only=True)
class ResidentSettings:
    """What is kept of a pupil's card: number, name as shown, branches, groups, VK page."""

    names: NameForm = setting(
        choice(*NameForm),
        'Keep "Ада М." of "surname_first" or "given_first" names, or "full".',
        NameForm.SURNAME_FIRST,
    )
    vk_field: str = setting(
        free_text,
        'Card field with the family\'s VK page: "custom_…", "web", or a link in "note".',
        "",
        sample="custom_vk",
    )


@dataclass(frozen=True, kw_only=True)
class ShopSettings:
    """Pictures of the shop's goods, see docs/catalog.md: where staff put them, and where the copies
    for the web are made. Relative paths start at the data folder.
    """

    pictures: Path = setting(kinds.path, default=Path("pictures"))
    web_pictures: Path = setting(
        kinds.path, "Readable by whoever runs the cabinet.", Path("pictures.web")
    )


@dataclass(frozen=True, kw_only=True)
class VkSettings:
    """Screen names in cards become numbers through VK's API, each asked once, if
    COINSYNC_VK_SERVICE_KEY (a secret: the service key of the VK app) is given.
    """

    api: str = setting(kinds.host_url("https://api.vk.ru"), default="https://api.vk.ru")


@dataclass(frozen=True, kw_only=True)
class SyncSettings:
    """The nightly reading."""

    days_back: int = setting(whole(1, 366), "How many days back marks are read again.", 45)
    fresh_hours_max: int = setting(whole(1, 10_000), "Older than that, `reconcile` warns.", 26)


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """The cabinet (coinsync serve), behind a proxy that speaks TLS. The keys of the VK app are a
    secret: COINSYNC_VK_KEYS, two of them, comma between, while one is being replaced.
    """

    host: str = setting(text, default="127.0.0.1")
    port: int = setting(whole(1, 65535), default=8080)
    threads: int = setting(whole(1, 64), default=8)
    app_id: int = setting(whole(0, 2**63 - 1), "Number of the VK app.", 0, sample=7000001)
    launch_hours_max: int = setting(whole(1, 168), "How old a launch may be.", 24)
    hosts: tuple[str, ...] = setting(
        kinds.texts(), "Host names that the proxy passes on; empty: any.", ()
    )


@dataclass(frozen=True, kw_only=True)
class CoinSettings:
    """What a coin is called: for 1, 2 and 5 in Russian, for 1 and 2 in English."""

    ru: tuple[str, str, str] = setting(kinds.texts(3), default=("монета", "монеты", "монет"))
    en: tuple[str, str] = setting(kinds.texts(2), default=("coin", "coins"))


@dataclass(frozen=True, kw_only=True)
class BrandSettings(Colours):
    """How the cabinet looks. Colours whose texts cannot be read (a contrast under 4.5 : 1) are
    refused. Pictures are SVG or PNG files of at most 100 KB; paths start at this file's folder.
    """

    name: str = setting(free_text, "What the cabinet calls the school; empty: its name above.", "")
    logo: Path | None = setting(
        kinds.optional_path, "A square picture beside the name; empty: none.", None
    )
    coin: Path | None = setting(
        kinds.optional_path, "A square picture of the coin; empty: a golden one.", None
    )


@dataclass(frozen=True, kw_only=True)
class SecretSettings:
    """Files of mode 0600 with lines NAME=value, beside this one; the environment serves as well.
    COINSYNC_SECRETS=FILE in the environment names one file in the place of both.
    """

    file: Path = setting(kinds.path, default=Path("coinsync.secrets"))
    web_file: Path = setting(
        kinds.path, "COINSYNC_VK_KEYS may stand apart, for the cabinet alone.", Path("web.secrets")
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that ``config.toml`` says; paths are absolute."""

    path: Path
    school: SchoolSettings = section(SchoolSettings, "school")
    data: DataSettings = section(DataSettings, "data")
    database: DatabaseSettings = section(DatabaseSettings, "database")
    alfacrm: CrmSettings = section(CrmSettings, "alfacrm")
    csv: CsvSettings = section(CsvSettings, "csv")
    branches: tuple[BranchSettings, ...] = section(
        BranchSettings,
        "branch",
        "Each branch that takes part: its id in the CRM and its time zone.",
        {"id": 1, "name": "Kazan", "zone": "Europe/Moscow"},
    )
    lessons: LessonSettings = section(LessonSettings, "lessons")
    rules: tuple[Rule, ...] = section(
        Rule,
        "rule",
        "What an attended lesson is worth. The most specific rule stands first. When a rate"
        " changes, add a second block with the same name and a later since: older lessons keep"
        " the older rate.",
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
    )
    residents: ResidentSettings = section(ResidentSettings, "residents")
    ways: tuple[Way, ...] = section(
        Way,
        "earn",
        "Ways to earn besides lessons, one block each: what `credit --for CODE` gives, and what"
        " the memo in the cabinet tells.",
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
        optional=True,
    )
    contact: Contact = section(Contact, "contact")
    shop: ShopSettings = section(ShopSettings, "shop")
    vk: VkSettings = section(VkSettings, "vk")
    sync: SyncSettings = section(SyncSettings, "sync")
    limits: Limits = section(
        Limits, "guards", "What one branch may change in one window, and one person by one command."
    )
    web: ServerSettings = section(ServerSettings, "web")
    coin: CoinSettings = section(CoinSettings, "coin")
    brand: BrandSettings = section(BrandSettings, "brand")
    secrets: SecretSettings = section(SecretSettings, "secrets")

    @property
    def data_folder(self) -> Path:
        """Where relative paths of the database and of files start."""
        return self.data.folder or self.path.parent

    @property
    def state_folder(self) -> Path:
        """Where the lock of a run lies."""
        return self.data_folder / self.data.state if self.data.state else self.path.parent

    @property
    def lock_path(self) -> Path:
        """The lock of a run."""
        return self.state_folder / ".coinsync.lock"

    @property
    def account(self) -> str:
        """The word that stands for the CRM account in every ledger key."""
        if self.school.crm == "csv":
            return "csv"
        host = urlsplit(self.alfacrm.url).hostname or ""
        is_address = host.replace(".", "").isdigit()
        return (self.alfacrm.account or (host if is_address else host.split(".")[0])).lower()

    @property
    def rulebook(self) -> Rulebook:
        """What lessons are worth."""
        lessons = self.lessons
        return Rulebook(self.rules, lessons.trial, lessons.makeup, lessons.uncounted)

    @property
    def way_titles(self) -> dict[str, str]:
        """What the ways to earn are called, as families see it, by code."""
        return {way.code: way.title_ru for way in self.ways}

    @cached_property
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
            # Of several blocks of one rule the last one that has a title counts.
            lesson_titles={
                rule.name: (rule.title_ru, rule.title_en)
                for rule in self.rules
                if rule.title_ru.strip()
            },
            contact=self.contact,
            colours=self.brand,
            pictures=self.shop.web_pictures,
        )


@cache
def sections() -> dict[str, Section]:
    """The sections of the file by the fields of ``Settings``, in the order of the example."""
    declared = [field for field in fields(Settings) if field.metadata]
    return {field.name: field.metadata[SETTING] for field in declared}
