"""Setting up: init makes a configuration, a file of secrets and a database."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

from typer import Context, Option

from coinsync import config
from coinsync.commands.session import Session, confirm, somebody_is_there
from coinsync.commands.setup_interview import Interview, ask_key
from coinsync.config.secrets import ALFACRM_KEY
from coinsync.config.settings import SecretSettings
from coinsync.errors import ConfigError, reason_of
from coinsync.exchange.csvfile import make_templates
from coinsync.files import make_folder, write_whole
from coinsync.store import database

LEFT = "there already, left as it is"
#: The group, which the web view belongs to, may look at the data; the files in it stay the group's.
DATA_FOLDER_MODE = 0o2750

School = Annotated[str | None, Option(help="The school's name as families see it.")]
Url = Annotated[str | None, Option(help="Address of the AlfaCRM, https://….s20.online")]
Email = Annotated[str | None, Option(help="E-mail of the CRM user made for the API.")]
CsvFolder = Annotated[
    str | None, Option(help="No CRM: attendance in CSV files of this folder.", metavar="FOLDER")
]
Regular = Annotated[
    str | None, Option(metavar="IDS", help='Lesson types that earn coins, as in "2 5".')
]
Trial = Annotated[
    str | None, Option(metavar="IDS", help="Types of trial lessons; by their names if left out.")
]
Makeup = Annotated[
    str | None, Option(metavar="IDS", help="Types of make-ups; by their names if left out.")
]
Coins = Annotated[str | None, Option(metavar="NUMBER", help="Coins for one attended lesson.")]
Since = Annotated[str | None, Option(metavar="YYYY-MM-DD", help="First day whose lessons count.")]
VkField = Annotated[str | None, Option(help="Card field with the family's VK page, or none.")]
VkApp = Annotated[str | None, Option(metavar="NUMBER", help="Number of the VK app, or none.")]
StaffLanguage = Annotated[
    str | None,
    Option(
        metavar="LANGUAGE", help="What clerks read, ru or en; as the school's name if left out."
    ),
]
DatabaseUrl = Annotated[
    str | None,
    Option("--database", metavar="URL", help="Where coins are kept; a file if left out."),
]
NoDatabase = Annotated[
    bool, Option("--no-database", help="Make configuration and secrets, and nothing else.")
]
DataFolder = Annotated[
    str | None,
    Option(metavar="FOLDER", help="Where data lies; beside the configuration if left out."),
]
BackupFolder = Annotated[
    str | None, Option(metavar="FOLDER", help="Where `db backup` writes; nowhere if left out.")
]
NoProbe = Annotated[bool, Option("--no-probe", help="Ask nothing of the CRM.")]


def init(
    ctx: Context,
    school: School = None,
    url: Url = None,
    email: Email = None,
    csv_folder: CsvFolder = None,
    regular: Regular = None,
    trial: Trial = None,
    makeup: Makeup = None,
    coins: Coins = None,
    since: Since = None,
    vk_field: VkField = None,
    vk_app: VkApp = None,
    staff_language: StaffLanguage = None,
    database_url: DatabaseUrl = None,
    no_database: NoDatabase = False,
    data: DataFolder = None,
    backups: BackupFolder = None,
    no_probe: NoProbe = False,
) -> None:
    """Make a configuration and a database.

    By questions, or from options where they are given; the CRM says what it has. Its API key is
    asked for, unless it stands in COINSYNC_ALFACRM_KEY. Run again, init goes on with what is
    missing.

    Branches are given by --branch ID or --branch ID=ZONE, as in --branch 1=Europe/Moscow.
    """
    session: Session = ctx.obj
    given = {**ctx.params, "branch": " ".join(session.branches) or None}
    is_new = not session.config.exists()
    typed_key = _configure(session, given, probing=not no_probe) if is_new else ""
    session.say(f"{session.config}: {'written' if is_new else LEFT}")
    if session.settings.school.crm == "alfacrm":
        session.say(_settle_key(session, typed_key, asks=not is_new))
    result: dict[str, Any] = {"config": str(session.config), "written": is_new}
    if not no_database:
        result |= _make_data(session)
        session.say("Next: coinsync doctor, then: coinsync sync --dry-run")
    session.tell(result)


def _configure(session: Session, given: Mapping[str, Any], *, probing: bool) -> str:
    """Ask, and write the configuration; the CRM's key, if somebody typed it."""
    path, environ = session.config, session.environment.environ
    unasked = {
        "database.url": given["database_url"],
        "data.folder": given["data"],
        "data.state": "state" if given["data"] else None,
        "data.backups": given["backups"],
    }
    chosen = {name: value for name, value in unasked.items() if value}
    # What cannot be used in the end is refused before a dozen questions.
    folder = path.parent
    if folder.exists() and not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise ConfigError([f"{path} cannot be written, its folder does not allow it"])
    config.addressed(chosen.get("database.url", "sqlite:///coinsync.db"), folder)
    secrets = config.Secrets(folder / SecretSettings().file, environ)
    with closing(Interview(session, given, secrets, probing=probing)) as interview:
        text = config.first_file(interview.values(_machine_zone(environ)) | chosen)
    # Nothing appears that could not be loaded.
    config.parse(text, path)
    # With the data elsewhere the folder is as open as the file, which holds no secret.
    write_new(path, text, 0o644, 0o755 if given["data"] else DATA_FOLDER_MODE)
    return interview.typed_key


def _machine_zone(environ: Mapping[str, str]) -> str:
    """The time zone of this machine by its name, "" where it has none."""
    return environ.get("TZ", "") or os.path.realpath("/etc/localtime").partition("/zoneinfo/")[2]


def _settle_key(session: Session, typed_key: str, *, asks: bool) -> str:
    """Keep the CRM's key in the file of secrets, if there is one to keep; the line that says it."""
    file = session.settings.secrets.file
    is_person = somebody_is_there()
    is_in_environment = session.secrets.in_environment(ALFACRM_KEY)
    if not typed_key:
        if config.Secrets(file, {}).has(ALFACRM_KEY):
            return f"{file}: has the key of the CRM, left as it is"
        if is_in_environment:
            alone = f"{ALFACRM_KEY} stands in the environment alone, which cron does not have"
            if is_person:
                session.complain(alone)
            if not (is_person and confirm(f"Keep it in {file}?", default=True)):
                return f"{file}: left as it is; {alone}"
            typed_key = session.secrets.get(ALFACRM_KEY).reveal()
        elif asks and is_person and os.access(file.parent, os.W_OK):
            typed_key = ask_key()
    if not typed_key:
        return f"{file}: put {ALFACRM_KEY}=… there (mode 0600); without it nothing can be read"
    known = file.read_text(encoding="utf-8-sig").splitlines() if file.exists() else []
    lines = [line for line in known if line.partition("=")[0].strip() != ALFACRM_KEY]
    write_new(file, "\n".join([*lines, f"{ALFACRM_KEY}={typed_key}", ""]), 0o600)
    # A key that is given twice is refused.
    advice = f"; now run: unset {ALFACRM_KEY}" if is_in_environment else ""
    return f"{file}: written, only you can read it{advice}"


def _make_data(session: Session) -> dict[str, Any]:
    """Make the database, and for a school without a CRM the files that it fills in."""
    settings = session.settings
    for folder, mode in ((settings.data_folder, DATA_FOLDER_MODE), (settings.state_folder, 0o700)):
        with _writing(folder):
            make_folder(folder, mode)
    if settings.school.crm == "csv":
        folder = settings.csv.folder
        with _writing(folder):
            is_made = make_templates(folder)
        session.say(f"{folder}: {'files to fill in, see docs/csv.md' if is_made else LEFT}")
    is_created = database.create(session.database_url)
    place = database.place(session.database_url)
    session.say(f"{place}: {'created' if is_created else 'there already, nothing to do'}")
    return {"database": place, "created": is_created}


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError([f"{path} cannot be written ({reason_of(error)})"]) from error


def write_new(path: Path, content: str, mode: int, folder_mode: int = DATA_FOLDER_MODE) -> None:
    """Write a whole file with exactly this mode, and make its folder where there is none."""
    with _writing(path):
        make_folder(path.parent, folder_mode)
        write_whole(path, content.encode(), mode)
