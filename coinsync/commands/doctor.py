"""Whether everything that a night and a family need is as it should be."""

import shutil
import sys
import textwrap
from collections.abc import Callable
from typing import Annotated

import typer
from typer import Context, Option

from coinsync.commands.checks import configuration, machine
from coinsync.commands.checks.examination import FAIL, OK, Diagnosis, Examination
from coinsync.commands.session import DIFFERENT, Session
from coinsync.errors import CoinsyncError

CHECKS: tuple[Callable[[Examination], None], ...] = (
    configuration.secrets,
    configuration.crm,
    configuration.types,
    configuration.vk_field,
    configuration.vk_app,
    configuration.vk_service,
    machine.database,
    machine.seal,
    machine.disk,
    machine.backup,
    machine.freshness,
    machine.lock,
    machine.clock,
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
    ex = Examination(session, offline)
    configuration.config(ex)
    for check in CHECKS if ex.states("config") == {OK} else ():
        try:
            check(ex)
        except CoinsyncError as error:
            # What stops one check says nothing of the others.
            ex.failed(check.__name__.replace("_", " "), error)
    session.tell([diagnosis._asdict() for diagnosis in ex.diagnoses])
    if not session.json:
        for diagnosis in ex.diagnoses:
            if not (session.quiet and diagnosis.state == OK):
                typer.echo(_shown(diagnosis))
    return DIFFERENT if any(diagnosis.state == FAIL for diagnosis in ex.diagnoses) else 0


def _shown(diagnosis: Diagnosis) -> str:
    head = f"{diagnosis.state:<5}{diagnosis.look:<11}"
    indent = " " * len(head)
    lines = [f"{head}{diagnosis.said}"]
    if diagnosis.advice:
        lines.append(f"{indent}→ {diagnosis.advice}")
    if sys.stdout.isatty():
        # A terminal would break words.
        width = shutil.get_terminal_size().columns
        wrapper = textwrap.TextWrapper(
            width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
        lines = list(map(wrapper.fill, lines))
    return "\n".join(lines)
