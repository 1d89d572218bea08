"""Whether everything that a night and a family need is as it should be."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated

import typer
from typer import Context, Option

from coinsync.commands.checks import configuration, crm, databases, machine
from coinsync.commands.checks.examination import FAIL, OK, Diagnosis, Examination, failed
from coinsync.commands.session import DIFFERENT, Session
from coinsync.errors import CoinsyncError

Check = Callable[[Examination], Iterable[Diagnosis]]

CHECKS: tuple[Check, ...] = (
    configuration.secrets,
    crm.crm,
    crm.types,
    crm.vk_field,
    configuration.vk_app,
    crm.vk_service,
    databases.database,
    databases.disk,
    databases.backup,
    databases.freshness,
    machine.lock,
    machine.clock,
    machine.locale,
    machine.jobs,
    configuration.colours,
    configuration.pictures,
)


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
    session.tell([diagnosis._asdict() for diagnosis in diagnoses])
    if not session.json:
        for diagnosis in diagnoses:
            if not (session.quiet and diagnosis.state == OK):
                typer.echo(_shown(diagnosis))
    return DIFFERENT if any(diagnosis.state == FAIL for diagnosis in diagnoses) else 0


def _diagnoses(ex: Examination) -> Iterator[Diagnosis]:
    faults = list(configuration.config(ex))
    yield from faults
    # The locale is looked at even where the configuration cannot be read.
    is_readable = all(fault.state == OK for fault in faults)
    for check in CHECKS if is_readable else (machine.locale,):
        try:
            yield from check(ex)
        except CoinsyncError as error:
            # What stops one check says nothing of the others.
            yield failed(check.__name__.replace("_", " "), error)


def _shown(diagnosis: Diagnosis) -> str:
    head = f"{diagnosis.state:<5}{diagnosis.look:<11}"
    indent = " " * len(head)
    lines = [f"{head}{diagnosis.said}"]
    if diagnosis.advice and diagnosis.state != OK:
        lines.append(f"{indent}→ {diagnosis.advice}")
    if sys.stdout.isatty():
        # A terminal would break words.
        width = shutil.get_terminal_size().columns
        wrapper = textwrap.TextWrapper(
            width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
        lines = list(map(wrapper.fill, lines))
    return "\n".join(lines)
