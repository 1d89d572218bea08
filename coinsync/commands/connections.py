"""Connections to the school's CRM and to VK."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from coinsync.commands.session import Session
from coinsync.errors import ConfigError

if TYPE_CHECKING:
    from coinsync.config import Settings
    from coinsync.exchange.base import Exchange, Progress
    from coinsync.exchange.csvfile import CsvExchange
    from coinsync.exchange.http import Http
    from coinsync.exchange.vk import VkApi


@contextmanager
def exchange(session: Session, progress: Progress) -> Iterator[Exchange]:
    """The school's CRM."""
    settings = session.settings
    opened = _csv(settings) if settings.school.crm == "csv" else _alfacrm(session, progress)
    try:
        yield opened
    finally:
        opened.close()


def _csv(settings: Settings) -> CsvExchange:
    from coinsync.exchange.csvfile import CsvExchange

    if not settings.csv.folder.is_dir():
        raise ConfigError(
            [f"config: [csv] folder: {settings.csv.folder} does not exist"],
            advice="Put the attendance files there; docs/csv.md describes them.",
        )
    return CsvExchange(settings.csv.folder)


def _alfacrm(session: Session, progress: Progress) -> Exchange:
    from coinsync.exchange.alfacrm import AlfaCrm

    settings = session.settings
    return AlfaCrm(
        _http(session),
        settings.residents,
        page_size=settings.alfacrm.page_size,
        calls=settings.alfacrm.calls,
        progress=progress,
    )


def _http(session: Session) -> Http:
    from coinsync.exchange.http import Http
    from coinsync.exchange.wire import Bounds

    crm, environment = session.settings.alfacrm, session.environment
    return Http(
        crm.url,
        crm.email,
        session.secrets.get("COINSYNC_ALFACRM_KEY").reveal(),
        clock=environment.monotonic,
        sleep=environment.sleep,
        bounds=Bounds(
            per_second=crm.per_second,
            tries=crm.tries,
            pause_seconds=crm.pause_seconds,
            answer_seconds=crm.answer_seconds,
            run_seconds=crm.run_minutes * 60,
        ),
        headers=_headers(session),
    )


def _headers(session: Session) -> dict[str, str]:
    """Further headers of every request; one that begins with "$" is the name of a secret."""
    headers = {}
    for name, value in session.settings.alfacrm.headers.items():
        is_secret = value.startswith("$")
        headers[name] = session.secrets.get(value[1:]).reveal() if is_secret else value
    return headers


@contextmanager
def vk(session: Session) -> Iterator[VkApi | None]:
    """VK's API; None without a service key."""
    if not session.secrets.has("COINSYNC_VK_SERVICE_KEY"):
        yield None
        return
    from coinsync.exchange.vk import VkApi

    environment = session.environment
    api = VkApi(
        session.settings.vk.api,
        session.secrets.get("COINSYNC_VK_SERVICE_KEY").reveal(),
        clock=environment.monotonic,
        sleep=environment.sleep,
    )
    try:
        yield api
    finally:
        api.close()
