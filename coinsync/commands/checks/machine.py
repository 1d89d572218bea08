"""The machine around the program: its lock, clock, locale, the nightly job and an alarm."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from coinsync.commands.checks.examination import (
    FAIL,
    WARN,
    CrmAnswers,
    Diagnosis,
    Examination,
    fail,
    ok,
    warn,
)
from coinsync.render.numbers import age
from coinsync.store.lock import holder_of

#: By so much our clock may differ from the CRM's; launches are refused when VK's is more than five
#: minutes ahead of ours; a day means that lessons are taken for another day's.
CLOCK_OFF_GOOD, CLOCK_OFF_LAUNCH = timedelta(minutes=1), timedelta(minutes=5)
CLOCK_OFF_MAX = timedelta(days=1)
#: A run that holds the lock for longer than this hangs.
RUN_MAX = timedelta(hours=6)
#: Where systemd keeps the timers that are switched on.
TIMERS = Path("/etc/systemd/system/timers.target.wants")
#: The address of the alarm, for all jobs, beside the configuration.
JOBS_ENVIRONMENT = "jobs.env"
#: Locales whose texts Python reads as UTF-8 by itself.
_PLAIN_LOCALES = ("", "C", "POSIX")
_SYNC_IN_CRONTAB = re.compile(r"^[^#]*coinsync\S*\s(.*\s)?sync\b", re.MULTILINE)
_PING = re.compile(r"^[^#]*(COINSYNC_PING_URL=|--ping-url).*//", re.MULTILINE)
_MAIL = re.compile(r"^\s*MAILTO=\S", re.MULTILINE)
_SET_CLOCK = "Run: timedatectl set-ntp true"
_AS_SYNC = "Run the command as the user of the nightly sync."


def lock(ex: Examination) -> Iterator[Diagnosis]:
    """Who runs just now, and whether this user could."""
    path = ex.session.settings.lock_path
    is_there = os.path.lexists(path)
    mode = stat.S_IMODE(path.lstat().st_mode) if is_there else 0
    if path.is_symlink():
        yield fail("lock", f"{path} is a link, which no run follows", "Remove it.")
    elif mode & 0o002:
        said = f"{path} can be written by everybody (mode {mode:04o}), who could stop every run"
        yield fail("lock", said, f"Run: chmod 660 {path}")
    elif not os.access(path if is_there else path.parent, os.R_OK | os.W_OK):
        yield fail("lock", f"{path} cannot be opened by this user (mode {mode:04o})", _AS_SYNC)
    else:
        holder = holder_of(path) if is_there else None
        yield ok("lock", f"{path} is free") if holder is None else _held(ex, holder)


def _held(ex: Examination, holder: dict[str, str]) -> Diagnosis:
    if not holder:
        return ok("lock", "held by a run that has just begun")
    said = f"held: {holder['what']} by {holder['actor']} since {holder['since']}"
    if ex.session.now() - datetime.fromisoformat(holder["since"]) > RUN_MAX:
        return warn("lock", said, "It seems to hang; look for it with: ps -ef")
    return ok("lock", said)


def clock(ex: Examination) -> Iterator[Diagnosis]:
    """The clock, against the CRM's and against what is in the ledger."""
    ahead = ex.crm.clock_ahead if isinstance(ex.crm, CrmAnswers) else None
    runs = ex.asked(lambda reader: reader.runs(1)) or []
    if runs and ex.session.now() < datetime.fromisoformat(runs[0].posted_at):
        said = f"before the ledger's newest run ({runs[0].posted_at}): nothing can be written"
        yield fail("clock", said, _SET_CLOCK)
    elif ahead is None:
        fine = "not before the ledger's newest run" if runs else "nothing to compare it with"
        yield ok("clock", fine)
    elif abs(ahead) <= CLOCK_OFF_GOOD:
        yield ok("clock", "agrees with the CRM's")
    else:
        side = "ahead of" if ahead > timedelta(0) else "behind"
        said = f"{age(abs(ahead))} {side} the CRM's"
        if abs(ahead) > CLOCK_OFF_LAUNCH:
            said += ": families' launches may be refused"
        # Less may be the fault of a CRM whose own clock is wrong.
        state = FAIL if abs(ahead) > CLOCK_OFF_MAX else WARN
        yield Diagnosis("clock", state, said, _SET_CLOCK)


def locale(ex: Examination) -> Iterator[Diagnosis]:
    """Whether what is typed on a command line arrives as it was typed."""
    environ = ex.session.environment.environ
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    value = next((environ[name] for name in names if environ.get(name)), "")
    is_utf8 = "utf" in value.lower() or environ.get("PYTHONUTF8") == "1"
    if is_utf8 or value in _PLAIN_LOCALES:
        yield ok("locale", f"{value or 'C'}: texts are UTF-8")
    else:
        said = f"{value} is not UTF-8: Russian names and reasons would be damaged"
        yield fail("locale", said, "Run: export LC_ALL=C.UTF-8")


def jobs(ex: Examination) -> Iterator[Diagnosis]:
    """Whether something runs the sync by itself, and somebody would hear if it failed."""
    crontab, timers = _crontab(ex), timers_in(TIMERS)
    if timers:
        yield ok("job", f"sync runs by {', '.join(timers)}")
    elif _SYNC_IN_CRONTAB.search(crontab):
        yield ok("job", "sync runs by the crontab of this user")
    else:
        said = "no systemd timer and no line of this user's crontab runs a sync"
        yield warn("job", said, "Take the timers of docs/deploy, or crontab.example.")
    path = ex.session.settings.path.with_name(JOBS_ENVIRONMENT)
    is_hidden = path.exists() and not os.access(path, os.R_OK)
    text = path.read_text(encoding="utf-8") if path.exists() and not is_hidden else ""
    if ex.session.ping_url or _PING.search(text) or _PING.search(crontab):
        yield ok("alarm", "a watcher outside is told of each sync")
    elif is_hidden:
        advice = f"Look there for COINSYNC_PING_URL. {_AS_SYNC}"
        yield warn("alarm", f"this user cannot read {path}", advice)
    elif _MAIL.search(crontab) and _program(ex, "sendmail"):
        yield ok("alarm", "cron mails what goes wrong")
    else:
        said = "nobody would hear of a failed sync: neither a ping address nor a mailer is there"
        advice = f"Write COINSYNC_PING_URL=… into {path}, with a check of healthchecks.io or alike."
        yield warn("alarm", said, advice)


def timers_in(folder: Path) -> list[str]:
    """Timers that run a sync, by their name."""
    return [path.name for path in sorted(folder.glob("coinsync-*sync*.timer"))]


def _crontab(ex: Examination) -> str:
    """This user's table of cron, as cron's own program shows it."""
    program = _program(ex, "crontab")
    if program is None:
        return ""
    try:
        done = subprocess.run([program, "-l"], capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")


def _program(ex: Examination, name: str) -> str | None:
    path = ex.session.environment.environ.get("PATH", "")
    return shutil.which(name, path=f"{path}:/usr/sbin:/usr/bin")
