"""The configuration, its secrets, and how the cabinet will look."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from coinsync import brand
from coinsync.commands.checks.diagnosis import FAIL, OK, Diagnosis, fail, failed, judged, ok, warn
from coinsync.commands.checks.examination import Examination
from coinsync.config.secrets import SECRET_NAMES, SECRETS_FILE, VK_KEYS
from coinsync.core import colour
from coinsync.errors import ConfigError, SecretError


def config(ex: Examination) -> Iterator[Diagnosis]:
    """Every fault of the configuration file."""
    try:
        ex.session.settings  # noqa: B018
    except ConfigError as error:
        yield from judged(FAIL, error.problems, "", error.advice)
    else:
        yield ok(str(ex.session.config))


def secrets(ex: Examination) -> Iterator[Diagnosis]:
    """The files with secrets, and the form of each secret; the web view's have their own line."""
    session, kept = ex.session, ex.session.settings.secrets
    named = session.environment.environ.get(SECRETS_FILE)
    diagnoses: list[Diagnosis] = []
    for path in [Path(named)] if named else [kept.file, kept.web_file]:
        if os.path.lexists(path):
            diagnoses += _file_diagnoses(path)
    # What can be read by others, or by nobody, is not read.
    if not any(diagnosis.state == FAIL for diagnosis in diagnoses):
        needed = {name[1:] for name in session.settings.alfacrm.headers.values() if name[:1] == "$"}
        if session.settings.school.crm == "alfacrm":
            needed.add("COINSYNC_ALFACRM_KEY")
        given = {name for name in SECRET_NAMES if session.secrets.has(name)}
        for name in sorted((needed | given) - {VK_KEYS}):
            diagnoses += _secret_diagnoses(ex, name)
        if not diagnoses:
            diagnoses.append(ok(f"{', '.join(sorted(given)) or 'none'}; nobody else reads them"))
    yield from diagnoses


def _file_diagnoses(path: Path) -> Iterator[Diagnosis]:
    state = path.lstat()
    mode, owner, user = stat.S_IMODE(state.st_mode), _user(state.st_uid), _user(os.geteuid())
    if not stat.S_ISREG(state.st_mode):
        yield fail(f"{path} is no file, and a link is not followed", "Put the file itself there.")
    elif mode & 0o077:
        yield fail(f"{path} can be read by others (mode {mode:04o})", f"Run: chmod 600 {path}")
    elif owner != user:
        said = f"{path} belongs to {owner}, and {user} runs this"
        advice = "Run the command as the user of the nightly sync."
        yield warn(said, advice) if os.access(path, os.R_OK) else fail(said, advice)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _secret_diagnoses(ex: Examination, name: str) -> Iterator[Diagnosis]:
    secrets = ex.session.secrets
    try:
        text = secrets.get(name).reveal()
    except SecretError as error:
        yield failed(error)
        return
    # Quotes and comments belong to the value here, unlike in a shell.
    if not (text.isascii() and text.isprintable()) or set(text) & set(" \"'"):
        said = f"secret: {name} holds a quote, a space or a letter that no key has"
        yield fail(said, "Copy it again: nothing but the value may follow the =.")
    elif name == "COINSYNC_ALFACRM_KEY" and secrets.in_environment(name):
        said = f"{name} stands in the environment alone, which a job at night does not have"
        yield warn(said, f"Write it into {ex.session.settings.secrets.file} (mode 0600).")


def colours(ex: Examination) -> Iterator[Diagnosis]:
    """Whether texts can be read on the school's colours; every pair of them with -v."""
    settings = ex.session.settings.brand
    pairs = colour.pairs(settings)
    weakest = min(pairs, key=lambda pair: pair.ratio)
    fine = f"{len(pairs)} pairs, the weakest has a contrast of {weakest.told} : 1"
    yield from judged(FAIL, colour.problems(settings), fine, brand.ADVICE)
    if ex.session.verbose:
        for pair in pairs:
            contrast = f"{pair.what}, {pair.text} on {pair.ground}: {pair.told} : 1"
            yield Diagnosis(OK if pair.passes else FAIL, contrast)


def pictures(ex: Examination) -> Iterator[Diagnosis]:
    """The school's logo and its picture of the coin."""
    settings = ex.session.settings.brand
    names = [path.name for path in (settings.logo, settings.coin) if path is not None]
    fine = ", ".join(names) or "the school has none of its own"
    advice = "Take a square SVG or PNG file of at most 100 KB, or leave the key empty."
    yield from judged(FAIL, brand.picture_problems(settings), fine, advice)
