"""The configuration, its secrets, and how the cabinet will look."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from coinsync import brand
from coinsync.commands.checks.diagnosis import FAIL, OK, WARN, Diagnosis, failed
from coinsync.config.secrets import SECRET_NAMES, SECRETS_FILE, VK_KEYS
from coinsync.core import colour
from coinsync.errors import ConfigError, SecretError

if TYPE_CHECKING:
    from coinsync.commands.checks.examination import Examination
    from coinsync.commands.session import Session


def config(ex: Examination) -> Iterator[Diagnosis]:
    """Every fault of the configuration file."""
    try:
        ex.session.settings  # noqa: B018
    except ConfigError as error:
        for problem in error.problems:
            yield Diagnosis("config", FAIL, problem, error.advice)
        return
    yield Diagnosis("config", OK, str(ex.session.config))


def secrets(ex: Examination) -> Iterator[Diagnosis]:
    """The files with secrets, and the form of each secret; those of VK have lines of their own."""
    session = ex.session
    faults: list[Diagnosis] = []
    for path in _secret_files(session):
        faults += _file_faults(path)
    yield from faults
    if any(fault.state == FAIL for fault in faults):
        # What such a file holds cannot be read.
        return
    is_fine = not faults
    needed = {name[1:] for name in session.settings.alfacrm.headers.values() if name[:1] == "$"}
    if session.settings.school.crm == "alfacrm":
        needed.add("COINSYNC_ALFACRM_KEY")
    given = [name for name in SECRET_NAMES if session.secrets.has(name)]
    for name in sorted(needed.union(given) - {VK_KEYS}):
        try:
            text = session.secrets.get(name).reveal()
        except SecretError as error:
            is_fine = False
            yield failed("secrets", error)
            continue
        for fault in _faults_of_form(session, name, text):
            is_fine = False
            yield fault
    if is_fine:
        yield Diagnosis("secrets", OK, f"{', '.join(given) or 'none'}; readable by nobody else")


def _secret_files(session: Session) -> list[Path]:
    named = session.environment.environ.get(SECRETS_FILE)
    kept = session.settings.secrets
    files = [Path(named)] if named else [kept.file, kept.web_file]
    return [path for path in files if os.path.lexists(path)]


def _file_faults(path: Path) -> Iterator[Diagnosis]:
    state = path.lstat()
    mode, owner = stat.S_IMODE(state.st_mode), _user(state.st_uid)
    if not stat.S_ISREG(state.st_mode):
        said = f"{path} is no file, and a link is not followed"
        yield Diagnosis("secrets", FAIL, said, f"Put the file itself at {path}.")
    elif mode & 0o077:
        said = f"{path} can be read by others (mode {mode:04o})"
        yield Diagnosis("secrets", FAIL, said, f"Run: chmod 600 {path}")
    elif not os.access(path, os.R_OK):
        said = f"{path} belongs to {owner}, and {_user(os.geteuid())} cannot read it"
        yield Diagnosis("secrets", FAIL, said, f"Run the command as {owner}, or change the owner.")
    elif state.st_uid != os.geteuid():
        said = f"{path} belongs to {owner}, not to {_user(os.geteuid())} who runs this"
        yield Diagnosis("secrets", WARN, said, "Run the command as the user of the nightly sync.")


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _faults_of_form(session: Session, name: str, text: str) -> Iterator[Diagnosis]:
    if text[0] in "\"'" or text[-1] in "\"'":
        said = f"secret: {name} has quotes around it, which would be sent along"
        yield Diagnosis("secrets", FAIL, said, "Write the value without quotes.")
    elif not (text.isascii() and text.isprintable()) or " " in text:
        said = f"secret: {name} holds a space or a letter that no key has"
        yield Diagnosis("secrets", FAIL, said, "Copy it again; nothing may follow it on its line.")
    elif session.secrets.in_environment(name) and name == "COINSYNC_ALFACRM_KEY":
        said = f"{name} stands in the environment alone, which a job at night does not have"
        advice = f"Write it into {session.settings.secrets.file} (mode 0600)."
        yield Diagnosis("secrets", WARN, said, advice)


def colours(ex: Examination) -> Iterator[Diagnosis]:
    """Whether texts can be read on the school's colours; every pair of them with -v."""
    settings = ex.session.settings.brand
    pairs = colour.pairs(settings)
    problems = colour.problems(settings)
    for problem in problems:
        yield Diagnosis("colours", FAIL, problem, brand.ADVICE)
    if not problems:
        weakest = min(pairs, key=lambda pair: pair.ratio)
        contrast = f"{len(pairs)} pairs, the weakest has a contrast of {weakest.told} : 1"
        yield Diagnosis("colours", OK, contrast)
    if ex.session.verbose:
        for pair in pairs:
            contrast = f"{pair.what}, {pair.text} on {pair.ground}: {pair.told} : 1"
            yield Diagnosis("colours", OK if pair.passes else FAIL, contrast)


def pictures(ex: Examination) -> Iterator[Diagnosis]:
    """The school's logo and its picture of the coin."""
    settings = ex.session.settings.brand
    problems = brand.picture_problems(settings)
    advice = "Take a square SVG or PNG file of at most 100 KB, or leave the key empty."
    for problem in problems:
        yield Diagnosis("pictures", FAIL, problem, advice)
    if not problems:
        names = [path.name for path in (settings.logo, settings.coin) if path is not None]
        yield Diagnosis("pictures", OK, ", ".join(names) or "the school has none of its own")
