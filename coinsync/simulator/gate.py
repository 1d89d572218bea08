"""Who may come in, and how often: tokens, rights, the number of requests per second."""

import json
from collections import deque
from collections.abc import Callable
from hashlib import blake2b

from coinsync.simulator.dialect import (
    Answer,
    Call,
    Refusal,
    access_denied,
    encoded,
    too_many,
    unauthorized,
    wrong_method,
)
from coinsync.simulator.options import Options

TOKEN_HEADER = "x-alfacrm-token"
APP_KEY_HEADER = "x-app-key"


class Gate:
    """Knows the one user of the API, the tokens given out and the moments of the last requests."""

    def __init__(
        self, options: Options, email: str, api_key: str, clock: Callable[[], float]
    ) -> None:
        self._options = options
        self._email = email
        self._api_key = api_key
        self._clock = clock
        self._logins = 0
        self._tokens: dict[str, float] = {}
        self._moments: deque[float] = deque()

    def crowd(self) -> Answer | None:
        """The refusal, when the account asks too often; a refused request is not counted again."""
        limit = self._options.rate_limit
        if limit is None:
            return None
        now = self._clock()
        while self._moments and self._moments[0] <= now - 1.0:
            self._moments.popleft()
        if len(self._moments) >= limit:
            return too_many(self._options)
        self._moments.append(now)
        return None

    def login(self, call: Call) -> Answer:
        """A token for the right e-mail and key."""
        if call.method != "POST":
            raise wrong_method()
        fields = call.fields()
        if (fields.get("email"), fields.get("api_key")) != (self._email, self._api_key):
            code = self._options.login_refusal_code
            raise Refusal(code, "Forbidden" if code == 403 else "Unauthorized", "Not Authorized")
        if self._options.new_login_kills_old:
            self._tokens.clear()
        self._logins += 1
        token = blake2b(
            json.dumps([self._api_key, self._logins]).encode(), digest_size=16
        ).hexdigest()
        self._tokens[token] = self._clock()
        return Answer(200, encoded({"token": token}))

    def check(self, call: Call) -> None:
        """Let the call in, or refuse it."""
        token = call.headers.get(TOKEN_HEADER, "")
        given = self._tokens.get(token)
        if given is None or self._clock() - given >= self._options.token_life:
            raise unauthorized(self._options.refusal_code)
        key = self._options.required_app_key
        if self._options.user_without_right or (
            key is not None and call.headers.get(APP_KEY_HEADER) != key
        ):
            raise access_denied()

    def forget(self, call: Call) -> None:
        """The token of this call is good no longer."""
        self._tokens.pop(call.headers.get(TOKEN_HEADER, ""), None)
