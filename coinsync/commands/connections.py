"""Connections to the school's CRM and to VK."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from datetime import date
from typing import TYPE_CHECKING

from coinsync.commands.session import Session
from coinsync.errors import ConfigError

if TYPE_CHECKING:
    from coinsync.config import Settings
    from coinsync.core.rules import GuestPolicy
    from coinsync.exchange.base import Exchange, Progress
    from coinsync.exchange.survey import AlfaCrmSurvey
    from coinsync.exchange.vk import VkApi
    from coinsync.render.progress import Bar
    from coinsync.store.reader import Reader
    from coinsync.sync import Sync


@contextmanager
def sync(
    session: Session,
    reader: Reader,
    days: tuple[date | None, date | None],
    *,
    rerate: bool = False,
    guests: GuestPolicy | None = None,
) -> Iterator[tuple[Sync, Bar]]:
    """A sync that reads the school's CRM and VK, and the bar that shows how far it is."""
    from coinsync.sync import Sync

    settings, bar = session.settings, session.progress_bar()
    with bar, exchange(session, bar) as crm, vk(session) as api:
        run = Sync(crm, reader, settings, session.now(), *days, rerate=rerate, vk=api)
        run.guests, run.actor = guests, session.actor
        yield run, bar


def exchange(session: Session, progress: Progress | None = None) -> closing[Exchange]:
    """The school's CRM; ``progress`` is told how far a list is read."""
    if session.settings.school.crm == "csv":
        return closing(_csv(session.settings))
    from coinsync.exchange.base import no_progress

    return closing(_alfacrm(session, progress or no_progress))


def _csv(settings: Settings) -> Exchange:
    from coinsync.exchange.csvfile import CsvExchange

    if not settings.csv.folder.is_dir():
        problem = f"config: [csv] folder: {settings.csv.folder} does not exist"
        advice = "Put the attendance files there; docs/csv.md describes them."
        raise ConfigError([problem], advice=advice)
    return CsvExchange(settings.csv.folder)


def _alfacrm(session: Session, progress: Progress) -> Exchange:
    from coinsync.exchange.alfacrm import AlfaCrm
    from coinsync.exchange.http import Http
    from coinsync.exchange.wire import Bounds

    settings, environment = session.settings, session.environment
    crm = settings.alfacrm
    bounds = Bounds(
        per_second=crm.per_second,
        tries=crm.tries,
        pause_seconds=crm.pause_seconds,
        answer_seconds=crm.answer_seconds,
        run_seconds=crm.run_minutes * 60,
    )
    http = Http(
        crm.url,
        crm.email,
        session.secrets.get("COINSYNC_ALFACRM_KEY").reveal(),
        clock=environment.monotonic,
        sleep=environment.sleep,
        bounds=bounds,
        headers=_headers(session),
    )
    page_size, calls = crm.page_size, crm.calls
    return AlfaCrm(http, settings.residents, page_size=page_size, calls=calls, progress=progress)


def survey(session: Session, url: str, email: str, key: str, bar: Progress) -> AlfaCrmSurvey:
    """The account that somebody names while setting up, who waits and may try again."""
    from coinsync.config.settings import ResidentSettings
    from coinsync.exchange.http import Http
    from coinsync.exchange.survey import AlfaCrmSurvey
    from coinsync.exchange.wire import Bounds

    bounds = Bounds(tries=3, pause_seconds=0.5)
    clock, sleep = session.environment.monotonic, session.environment.sleep
    http = Http(url, email, key, clock=clock, sleep=sleep, bounds=bounds)
    return AlfaCrmSurvey(http, ResidentSettings(), page_size=500, progress=bar)


def _headers(session: Session) -> dict[str, str]:
    """Further headers of every request; one that begins with "$" is the name of a secret."""
    headers = {}
    for name, value in session.settings.alfacrm.headers.items():
        is_secret = value.startswith("$")
        headers[name] = session.secrets.get(value[1:]).reveal() if is_secret else value
    return headers


def vk(session: Session) -> AbstractContextManager[VkApi | None]:
    """VK's API; None without a service key."""
    if not session.secrets.has("COINSYNC_VK_SERVICE_KEY"):
        return nullcontext()
    from coinsync.exchange.vk import VkApi

    key = session.secrets.get("COINSYNC_VK_SERVICE_KEY").reveal()
    clock, sleep = session.environment.monotonic, session.environment.sleep
    return closing(VkApi(session.settings.vk.api, key, clock=clock, sleep=sleep))
