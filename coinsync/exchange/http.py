"""One connection to AlfaCRM, one ``call()``, with the token renewed when the CRM asks for it."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from coinsync.errors import CrmRefused, CrmUnreachable, NotAnAnswer
from coinsync.exchange.wire import Bounds, Denied, Wire

#: A token goes into a header, where a space or a line end would mean something else.
_TOKEN = re.compile(r"[!-~]+")


class Http(Wire):
    """A connection to one AlfaCRM account."""

    name = "AlfaCRM"
    answer = "an AlfaCRM answer"
    bad_header = "[alfacrm] headers: one of them cannot be sent as it is written"
    unreachable_error = CrmUnreachable
    answer_error = NotAnAnswer

    def __init__(
        self,
        url: str,
        email: str,
        key: str,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        bounds: Bounds,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(clock=clock, sleep=sleep, bounds=bounds, headers=headers)
        self._url = f"{url.rstrip('/')}/v2api"
        self._login = {"email": email, "api_key": key}
        self._token = ""
        self._token_at = 0.0
        self._login_refused = ""

    def call(
        self, path: str, body: Mapping[str, Any], query: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Post ``body`` to ``path`` and return the object in the answer.

        Raises ``CrmUnreachable``, ``NotAnAnswer``, or ``CrmRefused`` for a fresh token too.
        """
        token = self._valid_token(refused="")
        try:
            return self._ask(path, body, query, token)
        except Denied:
            # An expired token is 401 in the documentation, and some accounts answer 403, which
            # elsewhere means that the role may not use the API. Only a fresh token tells which.
            token = self._valid_token(refused=token)
        try:
            return self._ask(path, body, query, token)
        except Denied as denied:
            raise CrmRefused(f"AlfaCRM refused the key (HTTP {denied.status}, twice)") from None

    def _valid_token(self, *, refused: str) -> str:
        is_old = self._clock() - self._token_at > self._bounds.token_seconds
        if not self._token or is_old or self._token == refused:
            self._log_in()
        return self._token

    def _log_in(self) -> None:
        if not self._login_refused:
            try:
                answer = self._ask("auth/login", self._login, None, "")
            except Denied as denied:
                self._login_refused = f"AlfaCRM refused e-mail or key (HTTP {denied.status})"
        if self._login_refused:
            # A wrong key does not become right by asking again, and asking may lock the account.
            raise CrmRefused(self._login_refused)
        token = answer.get("token")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise NotAnAnswer("not an AlfaCRM answer (login without a token)")
        self._token, self._token_at = token, self._clock()

    def _ask(
        self, path: str, body: Mapping[str, Any], query: Mapping[str, Any] | None, token: str
    ) -> dict[str, Any]:
        url = f"{self._url}/{path}"
        headers = {"X-ALFACRM-TOKEN": token} if token else {}
        return self.with_retries(lambda: self.post(url, headers=headers, query=query, body=body))
