"""Whether everything that a night and a family need is as it should be."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated

import typer
from typer import Context, Option

from coinsync.commands.checks import configuration, crm, databases, machine, vk_app
from coinsync.commands.checks.diagnosis import FAIL, OK, Diagnosis, failed
from coinsync.commands.checks.examination import Examination
from coinsync.commands.session import DIFFERENT, Session
from coinsync.errors import CoinsyncError

Check = Callable[[Examination], Iterable[Diagnosis]]

#: What is said even where the configuration cannot be read.
WITHOUT_CONFIGURATION: tuple[Check, ...] = (machine.locale,)
CHECKS: tuple[Check, ...] = (
    configuration.secrets,
    crm.crm,
    crm.branches,
    crm.types,
    crm.vk_field,
    vk_app.vk_app,
    crm.vk_service,
    databases.database,
    databases.schema,
    databases.ledger,
    databases.triggers,
    databases.rights,
    databases.writing,
    databases.settings,
    databases.integrity,
    databases.disk,
    databases.backup,
    databases.freshness,
    machine.lock,
    machine.clock,
    machine.locale,
    machine.job,
    machine.alarm,
    configuration.colours,
    configuration.pictures,
)
#: Columns before what is said.
STATE_WIDTH, LOOK_WIDTH = 5, 11


def doctor(
    ctx: Context,
    offline: Annotated[
        bool, Option("--offline", help="Ask neither the CRM nor VK anything.")
    ] = False,
) -> int:
    """Look whether all is as it should be.

    One line for each thing, with advice where something is to be done; 4 when something fails. With
    -v the colours of the cabinet too, each pair with its contrast. Nothing is written.
    """
    session: Session = ctx.obj
    diagnoses = list(_diagnoses(Examination(session, offline)))
    session.tell([{"look": look, **diagnosis._asdict()} for look, diagnosis in diagnoses])
    if not session.json:
        for look, diagnosis in diagnoses:
            if not (session.quiet and diagnosis.state == OK):
                typer.echo(_shown(look, diagnosis))
    return DIFFERENT if any(diagnosis.state == FAIL for _, diagnosis in diagnoses) else 0


def _diagnoses(ex: Examination) -> Iterator[tuple[str, Diagnosis]]:
    """What each check says, with the check's name."""
    faults = list(configuration.config(ex))
    for fault in faults:
        yield "config", fault
    is_readable = all(fault.state == OK for fault in faults)
    for check in CHECKS if is_readable else WITHOUT_CONFIGURATION:
        look = check.__name__.replace("_", " ")
        try:
            for diagnosis in check(ex):
                yield look, diagnosis
        except CoinsyncError as error:
            # What stops one check says nothing of the others.
            yield look, failed(error)


def _shown(look: str, diagnosis: Diagnosis) -> str:
    head = f"{diagnosis.state:<{STATE_WIDTH}}{look:<{LOOK_WIDTH}}"
    lines = [f"{head}{diagnosis.said}"]
    indent = " " * len(head)
    if diagnosis.advice and diagnosis.state != OK:
        lines.append(f"{indent}→ {diagnosis.advice}")
    if not sys.stdout.isatty():
        return "\n".join(lines)
    # A terminal would break words.
    width = shutil.get_terminal_size().columns
    wrapped = [
        textwrap.fill(
            line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
        for line in lines
    ]
    return "\n".join(wrapped)
