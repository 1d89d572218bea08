"""The machine around the program: its lock, clock, locale, the nightly job and an alarm."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from coinsync.commands.checks.diagnosis import Diagnosis, fail, ok, warn
from coinsync.commands.checks.examination import CrmAnswers, Examination
from coinsync.render.numbers import age
from coinsync.store.lock import holder_of

#: Launches are refused when VK's clock is more than this ahead of ours.
CLOCK_OFF_MAX, CLOCK_OFF_GOOD = timedelta(minutes=5), timedelta(minutes=1)
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
        yield fail(f"{path} is a link, which no run follows", "Remove it.")
    elif mode & 0o002:
        said = f"{path} can be written by everybody (mode {mode:04o}), who could stop every run"
        yield fail(said, f"Run: chmod 660 {path}")
    elif not os.access(path if is_there else path.parent, os.R_OK | os.W_OK):
        yield fail(f"{path} cannot be opened by this user (mode {mode:04o})", _AS_SYNC)
    else:
        holder = holder_of(path) if is_there else None
        yield ok(f"{path} is free") if holder is None else _held(holder, ex.session.now())


def _held(holder: dict[str, str], now: datetime) -> Diagnosis:
    if not holder:
        return ok("held by a run that has just begun")
    said = f"held: {holder['what']} by {holder['actor']} since {holder['since']}"
    if now - datetime.fromisoformat(holder["since"]) > RUN_MAX:
        return warn(said, "It seems to hang; look for it with: ps -ef")
    return ok(said)


def clock(ex: Examination) -> Iterator[Diagnosis]:
    """The clock, against the CRM's and against what is in the ledger."""
    last_run = ex.database.last_run if ex.database else None
    answers = ex.crm
    if last_run is not None and ex.session.now() < datetime.fromisoformat(last_run.posted_at):
        said = f"before the ledger's newest run ({last_run.posted_at}): nothing can be written"
        yield fail(said, _SET_CLOCK)
    elif isinstance(answers, CrmAnswers) and answers.moment is not None:
        yield _compared(answers.asked_at - answers.moment)
    else:
        yield ok("not before the ledger's newest run" if last_run else "nothing to compare it with")


def _compared(difference: timedelta) -> Diagnosis:
    side = "ahead of" if difference > timedelta(0) else "behind"
    said = f"{age(abs(difference))} {side} the CRM's"
    if abs(difference) > CLOCK_OFF_MAX:
        return fail(f"{said}: families' launches may be refused", _SET_CLOCK)
    if abs(difference) > CLOCK_OFF_GOOD:
        return warn(said, _SET_CLOCK)
    return ok("agrees with the CRM's")


def locale(ex: Examination) -> Iterator[Diagnosis]:
    """Whether what is typed on a command line arrives as it was typed."""
    environ = ex.session.environment.environ
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    value = next((environ[name] for name in names if environ.get(name)), "")
    is_utf8 = "utf" in value.lower() or environ.get("PYTHONUTF8") == "1"
    if is_utf8 or value in _PLAIN_LOCALES:
        yield ok(f"{value or 'C'}: texts are UTF-8")
    else:
        said = f"{value} is not UTF-8: Russian names and reasons would be damaged"
        yield fail(said, "Run: export LC_ALL=C.UTF-8")


def job(ex: Examination) -> Iterator[Diagnosis]:
    """Whether something runs the sync by itself."""
    timers = timers_in(TIMERS)
    if timers:
        yield ok(f"sync runs by {', '.join(timers)}")
    elif _SYNC_IN_CRONTAB.search(ex.crontab):
        yield ok("sync runs by the crontab of this user")
    else:
        said = "no systemd timer and no line of this user's crontab runs a sync"
        yield warn(said, "Take the timers of docs/deploy, or crontab.example.")


def timers_in(folder: Path) -> list[str]:
    """Timers that run a sync, by their name."""
    return [path.name for path in sorted(folder.glob("coinsync-*sync*.timer"))]


def alarm(ex: Examination) -> Iterator[Diagnosis]:
    """Whether somebody would hear of a sync that failed, or of none at all."""
    path = ex.session.settings.path.with_name(JOBS_ENVIRONMENT)
    is_hidden = path.exists() and not os.access(path, os.R_OK)
    text = path.read_text(encoding="utf-8") if path.exists() and not is_hidden else ""
    if ex.session.ping_url or _PING.search(text) or _PING.search(ex.crontab):
        yield ok("a watcher outside is told of each sync")
    elif is_hidden:
        yield warn(f"this user cannot read {path}", f"Look there for COINSYNC_PING_URL. {_AS_SYNC}")
    elif _MAIL.search(ex.crontab) and ex.program("sendmail"):
        yield ok("cron mails what goes wrong")
    else:
        said = "nobody would hear of a failed sync: neither a ping address nor a mailer is there"
        advice = f"Write COINSYNC_PING_URL=… into {path}, with a check of healthchecks.io or alike."
        yield warn(said, advice)
