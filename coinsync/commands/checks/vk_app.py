"""Whether the web view would let families in: the number of the VK app, and its keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from coinsync.commands.checks.diagnosis import Diagnosis, fail, failed, ok, warn
from coinsync.config.secrets import VK_KEYS
from coinsync.errors import SecretError

if TYPE_CHECKING:
    from coinsync.commands.checks.examination import Examination
    from coinsync.commands.session import Session

_WHERE_THE_KEY_IS = "Copy the protected key from the VK app's settings: Development, Access keys."
_WHERE_THE_NUMBER_IS = "Write the number of the VK app there; it stands in the app's settings."
#: Whom a launch names that the program signs for itself.
NOBODY = 1


def vk_app(ex: Examination) -> Iterator[Diagnosis]:
    """The number and each key, by a launch of our own that the real verifier must accept."""
    session = ex.session
    app_id = session.settings.web.app_id
    if app_id <= 0 and not session.secrets.has(VK_KEYS):
        said = "not set up yet: neither [web] app_id nor COINSYNC_VK_KEYS; no family can look"
        advice = '"coinsync preview RESIDENT" shows the cabinet without VK; serve needs both.'
        yield warn(said, advice)
        return
    problems = list(vk_app_problems(session))
    yield from problems
    if not problems:
        count = len(keys_of(session))
        launch = f"a launch signed with {'each key' if count > 1 else 'its key'} is accepted"
        yield ok(f"app {app_id}: {launch}")


def vk_app_problems(session: Session) -> Iterator[Diagnosis]:
    """Why the web view would let nobody in."""
    app_id = session.settings.web.app_id
    if app_id <= 0:
        said = "config: [web] app_id is 0, so every family would be refused"
        yield fail(said, _WHERE_THE_NUMBER_IS)
    try:
        keys = keys_of(session)
    except SecretError as error:
        yield failed(error)
        return
    for number, key in enumerate(keys, 1):
        why = _fault_of_key(session, key, app_id or 1)
        if why:
            name = f"key {number} of {len(keys)}" if len(keys) > 1 else "the key"
            said = f"secret: {VK_KEYS}: {name} {why}"
            yield fail(said, _WHERE_THE_KEY_IS)


def keys_of(session: Session) -> tuple[str, ...]:
    """The keys of the VK app, the newest first. Raises ``SecretError``."""
    keys = session.secrets.get(VK_KEYS).reveal().split(",")
    return tuple(key.strip() for key in keys)


def _fault_of_key(session: Session, key: str, app_id: int) -> str:
    # VK's keys are letters and digits. A quote or a space comes from pasting, and would be taken
    # for a part of the key.
    if not (key.isascii() and key.isprintable()) or set(key) & set(" \"'"):
        return "holds a quote, a space or a letter that no key of VK has"
    moment = int(session.now().timestamp())
    query = session.web_view.sign(launch_fields(app_id, NOBODY, moment), key)
    fault = session.web_view.launch_fault(query, key, app_id, moment)
    if fault == "no_key":
        return f"is too short ({len(key)} characters); VK's have 20"
    return f"does not accept its own launch ({fault})" if fault else ""


def launch_fields(app_id: int, visitor: int, moment: int) -> dict[str, str]:
    """The parameters of a launch as VK sends them; ``moment`` in Unix seconds."""
    return {
        "vk_access_token_settings": "",
        "vk_app_id": str(app_id),
        "vk_are_notifications_enabled": "0",
        "vk_is_app_user": "1",
        "vk_language": "ru",
        "vk_platform": "desktop_web",
        "vk_ts": str(moment),
        "vk_user_id": str(visitor),
    }
