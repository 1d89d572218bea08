"""Connections to the school's CRM and to VK."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from coinsync.commands.session import Session
from coinsync.config.secrets import ALFACRM_KEY, VK_SERVICE_KEY
from coinsync.environment import Progress, no_progress
from coinsync.errors import ConfigError

if TYPE_CHECKING:
    from coinsync.config.settings import CrmSettings
    from coinsync.core.rules import GuestPolicy
    from coinsync.exchange.alfacrm import AlfaCrmSurvey
    from coinsync.exchange.base import Exchange
    from coinsync.exchange.http import Http
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
        if run.doubted:
            doubted = f"the CRM's clock says {run.doubted:%Y-%m-%d}, which cannot be"
            session.complain(f"{doubted}: this machine's day was taken")
        if session.verbose:
            for what, count in sorted(crm.oddities().items()):
                session.say(f"came without being asked for, and was not used: {count} {what}")


def exchange(session: Session, progress: Progress = no_progress) -> closing[Exchange]:
    """The school's CRM; ``progress`` is told how far a list is read."""
    settings = session.settings
    if settings.school.crm == "csv":
        from coinsync.exchange.csvfile import CsvExchange

        if not settings.csv.folder.is_dir():
            problem = f"config: [csv] folder: {settings.csv.folder} does not exist"
            advice = "Put the attendance files there; docs/csv.md describes them."
            raise ConfigError([problem], advice=advice)
        return closing(CsvExchange(settings.csv.folder))
    from coinsync.exchange.alfacrm import AlfaCrm

    crm = settings.alfacrm
    http = _http(session, crm, session.secrets.get(ALFACRM_KEY).reveal())
    kept, page_size = settings.residents, crm.page_size
    return closing(AlfaCrm(http, kept, page_size=page_size, calls=crm.calls, progress=progress))


def survey(session: Session, url: str, email: str, key: str, progress: Progress) -> AlfaCrmSurvey:
    """The account that somebody names while setting up, who waits and may try again."""
    from coinsync.config.settings import CrmSettings, ResidentSettings
    from coinsync.exchange.alfacrm import AlfaCrmSurvey

    crm = CrmSettings(url=url, email=email, tries=3, pause_seconds=0.5)
    http = _http(session, crm, key)
    return AlfaCrmSurvey(http, ResidentSettings(), page_size=crm.page_size, progress=progress)


def _http(session: Session, crm: CrmSettings, key: str) -> Http:
    from coinsync.exchange.http import Http
    from coinsync.exchange.wire import Bounds

    headers = {}
    for name, value in crm.headers.items():
        # One that begins with "$" is the name of a secret.
        is_secret = value.startswith("$")
        headers[name] = session.secrets.get(value[1:]).reveal() if is_secret else value
    bounds = Bounds(
        per_second=crm.per_second,
        tries=crm.tries,
        pause_seconds=crm.pause_seconds,
        answer_seconds=crm.answer_seconds,
        run_seconds=crm.run_minutes * 60,
    )
    clock, sleep = session.environment.monotonic, session.environment.sleep
    return Http(crm.url, crm.email, key, clock=clock, sleep=sleep, bounds=bounds, headers=headers)


def named(place: str, message: str) -> str:
    """What is wrong with a CRM, with its address or folder where the message leaves it out."""
    return message if (urlsplit(place).netloc or place) in message else f"{place}: {message}"


def vk(session: Session) -> AbstractContextManager[VkApi | None]:
    """VK's API; None without a service key."""
    if not session.secrets.has(VK_SERVICE_KEY):
        return nullcontext()
    from coinsync.exchange.vk import VkApi

    key = session.secrets.get(VK_SERVICE_KEY).reveal()
    clock, sleep = session.environment.monotonic, session.environment.sleep
    return closing(VkApi(session.settings.vk.api, key, clock=clock, sleep=sleep))
