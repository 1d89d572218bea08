"""The configuration, its secrets, the VK app, and how the cabinet will look."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from coinsync import brand
from coinsync.commands import serve
from coinsync.commands.checks.examination import (
    FAIL,
    OK,
    WARN,
    Diagnosis,
    Examination,
    fail,
    failed,
    judged,
    ok,
    warn,
)
from coinsync.commands.session import account_name
from coinsync.config.secrets import ALFACRM_KEY, SECRET_NAMES, VK_KEYS, is_plain
from coinsync.core import colour
from coinsync.errors import ConfigError, SecretError


def config(ex: Examination) -> Iterator[Diagnosis]:
    """Every fault of the configuration file."""
    try:
        ex.session.settings  # noqa: B018
    except ConfigError as error:
        yield from judged("config", error.problems, "", error.advice)
    else:
        yield ok("config", str(ex.session.config))


def secrets(ex: Examination) -> Iterator[Diagnosis]:
    """The files with secrets, and the form of each secret; the web view's have their own line."""
    settings, secrets = ex.session.settings, ex.session.secrets
    diagnoses: list[Diagnosis] = []
    for path in secrets.files:
        if os.path.lexists(path):
            diagnoses += _file_diagnoses(path)
    # What can be read by others, or by nobody, is not read.
    if not any(diagnosis.state == FAIL for diagnosis in diagnoses):
        needed = {name[1:] for name in settings.alfacrm.headers.values() if name[:1] == "$"}
        if settings.school.crm == "alfacrm":
            needed.add(ALFACRM_KEY)
        given = {name for name in SECRET_NAMES if secrets.has(name)}
        for name in sorted((needed | given) - {VK_KEYS}):
            diagnoses += _secret_diagnoses(ex, name)
        if not diagnoses:
            fine = f"{', '.join(sorted(given)) or 'none'}; nobody else reads them"
            diagnoses.append(ok("secrets", fine))
    yield from diagnoses


def _file_diagnoses(path: Path) -> Iterator[Diagnosis]:
    state = path.lstat()
    mode, owner, user = stat.S_IMODE(state.st_mode), state.st_uid, os.geteuid()
    if not stat.S_ISREG(state.st_mode):
        said = f"{path} is no file, and a link is not followed"
        yield fail("secrets", said, "Put the file itself there.")
    elif mode & 0o077:
        said = f"{path} can be read by others (mode {mode:04o})"
        yield fail("secrets", said, f"Run: chmod 600 {path}")
    elif owner != user:
        said = f"{path} belongs to {account_name(owner)}, and {account_name(user)} runs this"
        advice = "Run the command as the user of the nightly sync."
        yield Diagnosis("secrets", WARN if os.access(path, os.R_OK) else FAIL, said, advice)


def _secret_diagnoses(ex: Examination, name: str) -> Iterator[Diagnosis]:
    secrets = ex.session.secrets
    try:
        text = secrets.get(name).reveal()
    except SecretError as error:
        yield failed("secrets", error)
        return
    # Quotes and comments belong to the value here, unlike in a shell.
    if not is_plain(text):
        said = f"secret: {name} holds a quote, a space or a letter that no key has"
        yield fail("secrets", said, "Copy it again: nothing but the value may follow the =.")
    elif name == ALFACRM_KEY and secrets.in_environment(name):
        said = f"{name} stands in the environment alone, which a job at night does not have"
        yield warn("secrets", said, f"Write it into {secrets.files[0]} (mode 0600).")


def vk_app(ex: Examination) -> Iterator[Diagnosis]:
    """The number and each key, by a launch of our own that the real verifier must accept."""
    session = ex.session
    app_id = session.settings.web.app_id
    if app_id <= 0 and not session.secrets.has(VK_KEYS):
        said = "not set up yet: neither [web] app_id nor COINSYNC_VK_KEYS; no family can look"
        advice = '"coinsync preview RESIDENT" shows the cabinet without VK; serve needs both.'
        yield warn("vk app", said, advice)
        return
    problems = list(serve.launch_problems(session))
    for said, advice in problems:
        yield fail("vk app", said, advice)
    if not problems:
        signed = "each key" if len(serve.keys_of(session)) > 1 else "its key"
        yield ok("vk app", f"app {app_id}: a launch signed with {signed} is accepted")


def colours(ex: Examination) -> Iterator[Diagnosis]:
    """Whether texts can be read on the school's colours; every pair of them with -v."""
    settings = ex.session.settings.brand
    pairs = colour.pairs(settings)
    weakest = min(pairs, key=lambda pair: pair.ratio)
    fine = f"{len(pairs)} pairs, the weakest has a contrast of {weakest.told} : 1"
    yield from judged("colours", colour.problems(settings), fine, brand.ADVICE)
    for pair in pairs if ex.session.verbose else ():
        contrast = f"{pair.what}, {pair.text} on {pair.ground}: {pair.told} : 1"
        yield Diagnosis("colours", OK if pair.passes else FAIL, contrast)


def pictures(ex: Examination) -> Iterator[Diagnosis]:
    """The school's logo and its picture of the coin."""
    settings = ex.session.settings.brand
    names = [path.name for path in (settings.logo, settings.coin) if path is not None]
    fine = ", ".join(names) or "the school has none of its own"
    advice = "Take a square SVG or PNG file of at most 100 KB, or leave the key empty."
    yield from judged("pictures", brand.picture_problems(settings), fine, advice)
