"""The machine around the program: its lock, clock, locale, the nightly job and an alarm."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from coinsync.commands.checks.diagnosis import FAIL, OK, WARN, Diagnosis
from coinsync.commands.checks.examination import CrmAnswers, Examination
from coinsync.render.numbers import age
from coinsync.store.lock import holder_of

#: Launches are refused when VK's clock is more than this ahead of ours.
CLOCK_OFF_MAX, CLOCK_OFF_GOOD = timedelta(minutes=5), timedelta(minutes=1)
#: A run that holds the lock for longer than this hangs.
RUN_MAX = timedelta(hours=6)
#: Where jobs are found: units of systemd, the first folder with those that are switched on, and
#: tables of cron.
UNITS = (Path("/etc/systemd/system"), Path("/usr/lib/systemd/system"), Path("/lib/systemd/system"))
CRON_TABLES = (Path("/etc/crontab"), Path("/etc/cron.d"))
#: Locales whose texts Python reads as UTF-8 by itself.
_PLAIN_LOCALES = ("", "C", "POSIX")
_SET_CLOCK = "Run: timedatectl set-ntp true"


def lock(ex: Examination) -> Iterator[Diagnosis]:
    """Who runs just now, and whether this user could."""
    path = ex.session.settings.lock_path
    mode = stat.S_IMODE(path.lstat().st_mode) if os.path.lexists(path) else 0
    if path.is_symlink():
        said = f"{path} is a link, which no run follows"
        yield Diagnosis("lock", FAIL, said, "Remove it.")
    elif mode & 0o002:
        said = f"{path} can be written by everybody (mode {mode:04o}), who could stop every run"
        yield Diagnosis("lock", FAIL, said, f"Run: chmod 660 {path}")
    elif not os.access(path if mode else path.parent, os.R_OK | os.W_OK):
        said = f"{path} cannot be opened by this user (mode {mode:04o})"
        yield Diagnosis("lock", FAIL, said, "Run the command as the user of the nightly sync.")
    else:
        yield _held(path, ex.session.now())


def _held(path: Path, now: datetime) -> Diagnosis:
    holder = holder_of(path) if path.exists() else None
    if holder is None:
        return Diagnosis("lock", OK, f"{path} is free")
    since = holder.get("since", "")
    said = f"held: {holder.get('what', 'a run')} by {holder.get('actor', '?')} since {since or '?'}"
    with suppress(ValueError):
        if now - datetime.fromisoformat(since) > RUN_MAX:
            return Diagnosis("lock", WARN, said, "It seems to hang; look at it with: ps -ef")
    return Diagnosis("lock", OK, said)


def clock(ex: Examination) -> Iterator[Diagnosis]:
    """The clock, against the CRM's and against what is in the ledger."""
    now = ex.session.now()
    last_run = ex.database.last_run if ex.database else None
    if last_run is not None and now < datetime.fromisoformat(last_run.posted_at):
        said = f"before the ledger's newest run ({last_run.posted_at}), so nothing can be written"
        yield Diagnosis("clock", FAIL, said, _SET_CLOCK)
        return
    answers = ex.crm
    if not isinstance(answers, CrmAnswers) or answers.moment is None:
        said = "not before the ledger's newest run" if last_run else "nothing to compare it with"
        yield Diagnosis("clock", OK, said)
        return
    difference = answers.asked_at - answers.moment
    side = "ahead of" if difference > timedelta(0) else "behind"
    said = f"{age(abs(difference))} {side} the CRM's"
    if abs(difference) > CLOCK_OFF_MAX:
        said += ": families' launches may be refused"
        yield Diagnosis("clock", FAIL, said, _SET_CLOCK)
    elif abs(difference) > CLOCK_OFF_GOOD:
        yield Diagnosis("clock", WARN, said, _SET_CLOCK)
    else:
        yield Diagnosis("clock", OK, "agrees with the CRM's")


def locale(ex: Examination) -> Iterator[Diagnosis]:
    """Whether what is typed on a command line arrives as it was typed."""
    environ = ex.session.environment.environ
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    value = next((environ[name] for name in names if environ.get(name)), "")
    is_utf8 = "utf" in value.lower() or environ.get("PYTHONUTF8") == "1"
    if is_utf8 or value in _PLAIN_LOCALES:
        yield Diagnosis("locale", OK, f"{value or 'C'}: texts are UTF-8")
    else:
        said = f"{value} is not UTF-8: Russian names and reasons would be damaged"
        yield Diagnosis("locale", FAIL, said, "Run: export LC_ALL=C.UTF-8")


def job(ex: Examination) -> Iterator[Diagnosis]:
    """Whether something runs the sync by itself."""
    jobs = jobs_of(ex.session.environment.environ)
    if jobs:
        yield Diagnosis("job", OK, f"sync runs by {', '.join(sorted(jobs))}")
    else:
        said = "no systemd timer and no line of a crontab runs a sync, as far as this user sees"
        yield Diagnosis("job", WARN, said, "Take the timers of docs/deploy, or crontab.example.")


def alarm(ex: Examination) -> Iterator[Diagnosis]:
    """Whether somebody would hear of a sync that failed, or of none at all."""
    environ = ex.session.environment.environ
    jobs = jobs_of(environ)
    pinged = [name for name, text in jobs.items() if "ping" in text.lower()]
    mails = any("MAILTO" in text for text in jobs.values())
    if ex.session.ping_url or pinged:
        yield Diagnosis("alarm", OK, "a watcher outside is told of each sync")
    elif mails and _program("sendmail", environ):
        yield Diagnosis("alarm", OK, "cron mails what goes wrong")
    else:
        said = "nobody would hear of a failed sync: neither a ping address nor a mailer is there"
        advice = "Give sync a --ping-url of a watcher such as healthchecks.io (COINSYNC_PING_URL)."
        yield Diagnosis("alarm", WARN, said, advice)


def jobs_of(
    environ: Mapping[str, str],
    units: Sequence[Path] = UNITS,
    tables: Sequence[Path] = CRON_TABLES,
) -> dict[str, str]:
    """What runs a sync by itself: names with the text that says so, and what it reads."""
    texts = {}
    for timer in sorted((units[0] / "timers.target.wants").glob("*.timer")):
        services = [folder / f"{timer.stem}.service" for folder in units]
        texts[timer.name] = "\n".join(map(_text, services))
    for table in tables:
        for path in sorted(table.glob("*")) if table.is_dir() else [table]:
            texts[str(path)] = _text(path)
    texts["the crontab of this user"] = _own_crontab(environ)
    jobs = {}
    for name, text in texts.items():
        lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
        if any("coinsync" in line and " sync" in line for line in lines):
            jobs[name] = "\n".join([*lines, *_environment_files(lines)])
    return jobs


def _environment_files(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        key, _, path = line.partition("=")
        if key.strip() == "EnvironmentFile":
            # A dash in front says that the file may be missing.
            yield _text(Path(path.strip().removeprefix("-")))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _own_crontab(environ: Mapping[str, str]) -> str:
    # The file itself is out of reach of its owner; this program may read it.
    program = _program("crontab", environ)
    if program is None:
        return ""
    try:
        done = subprocess.run([program, "-l"], capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")


def _program(name: str, environ: Mapping[str, str]) -> str | None:
    return shutil.which(name, path=f"{environ.get('PATH', '')}:/usr/sbin:/usr/bin")
