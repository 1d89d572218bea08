"""Setting up: init makes a configuration and a database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Context, Option

from coinsync import config
from coinsync.commands.session import Session, ask, somebody_is_there
from coinsync.errors import ConfigError, UsageError
from coinsync.store import database


def init(
    ctx: Context,
    school: Annotated[str | None, Option(help="The school's name as families see it.")] = None,
    url: Annotated[str | None, Option(help="Address of the AlfaCRM, https://….s20.online")] = None,
    email: Annotated[str | None, Option(help="E-mail of the CRM user made for the API.")] = None,
    csv_folder: Annotated[
        str | None, Option(help="No CRM: attendance in CSV files of this folder.")
    ] = None,
    database_url: Annotated[
        str | None,
        Option("--database", metavar="URL", help="Where coins are kept; a file if left out."),
    ] = None,
) -> None:
    """Make a configuration and a database.

    By questions, or from options where they are given.

    Branches are given by --branch ID or --branch ID=ZONE, as in --branch 1=Europe/Moscow.
    """
    session: Session = ctx.obj
    is_new = not session.config.exists()
    if is_new:
        values = _answers(session, school, url, email, csv_folder)
        if database_url:
            values["database.url"] = database_url
        write_new(session.config, config.example(values), 0o640)
    try:
        settings = session.settings
    except ConfigError:
        if is_new:
            session.config.unlink()
        raise
    key_is_given = "COINSYNC_ALFACRM_KEY" in session.environment.environ
    if is_new and settings.school.crm == "alfacrm" and not key_is_given:
        _ask_for_key(session, settings.secrets.file)
    _show_result(session, is_new=is_new, is_created=create_database(session))


def _show_result(session: Session, *, is_new: bool, is_created: bool) -> None:
    config_path, place = session.config, database.place(session.database_url)
    data = {"config": str(config_path), "written": is_new, "database": place, "created": is_created}
    session.tell(data)
    session.say(f"{config_path}: {'written' if is_new else 'there already, left as it is'}")
    session.say(f"{place}: {'created' if is_created else 'there already, nothing to do'}")
    if is_new:
        session.say(
            f"Next: look through {config_path}, above all [lessons] and [[rule]],"
            " then: coinsync sync --dry-run"
        )


def _answers(
    session: Session, school: str | None, url: str | None, email: str | None, csv_folder: str | None
) -> dict[str, Any]:
    name = school or ask("init", "School's name as families see it", "--school")
    values: dict[str, Any] = {"school.name": name, "school.crm": "alfacrm", "web.app_id": 0}
    if csv_folder is not None:
        values |= {"school.crm": "csv", "csv.folder": csv_folder}
        values |= {"alfacrm.url": "", "alfacrm.email": ""}
    else:
        question = "Address of the AlfaCRM (https://….s20.online)"
        values["alfacrm.url"] = url or ask("init", question, "--url")
        values["alfacrm.email"] = email or ask("init", "E-mail of its API user", "--email")
    branches = list(session.branches)
    if not branches:
        branches = ask("init", "Branches, as 1=Europe/Moscow 2", "--branch").split()
    values["branch"] = [_branch_block(text) for text in branches]
    return values


def _branch_block(text: str) -> dict[str, Any]:
    id, _, zone = text.partition("=")
    if not (id.isascii() and id.isdigit()):
        raise UsageError(f"--branch {text!r}: expected ID or ID=ZONE, such as 1=Europe/Moscow")
    return {"id": int(id), "name": "", "zone": zone or "Europe/Moscow"}


def _ask_for_key(session: Session, file: Path) -> None:
    if file.exists():
        return
    key = ""
    if somebody_is_there():
        question = "API key of that user (not shown; empty: later)"
        key = str(typer.prompt(question, hide_input=True, default="", show_default=False))
    if key:
        write_new(file, f"COINSYNC_ALFACRM_KEY={key}\n", 0o600)
        session.say(f"{file}: written, only you can read it")
    else:
        session.say(f"Put COINSYNC_ALFACRM_KEY=… into {file} (mode 0600) or into the environment.")


def write_new(path: Path, content: str, mode: int) -> None:
    """Write a new file with exactly this mode."""
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
            # The web view is perhaps another user of the group.
            path.parent.chmod(0o2750)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise ConfigError([f"{path} cannot be written ({type(error).__name__})"]) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        # The mode is meant, whatever the umask takes away: a group may share the folder.
        os.fchmod(file.fileno(), mode)
        file.write(content)


def create_database(session: Session) -> bool:
    """Make the database; False when it is there already."""
    return database.create(session.database_url)
