"""The pretend CRM without its network: a request goes in, a response comes out."""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from coinsync.simulator.faults import (
    Fault,
    Faults,
    replacement,
    spoil_page,
    spoil_response,
    too_many_requests,
)
from coinsync.simulator.lists import Filters, Lists
from coinsync.simulator.protocol import (
    TOKEN_HEADER,
    CallRefused,
    Options,
    Request,
    Response,
    encoded,
)
from coinsync.simulator.tables import CrmTables

PREFIX = "/v2api/"
# Branch, entity, action: the branch may be missing, and so may the action `index`.
_PATH = re.compile(r"(?a)/v2api/(?:(\d+)/)?([a-z-]+)(?:/(index|create|update|delete|teach))?/?")


@dataclass(slots=True)
class Crm:
    """Answers calls from the school's tables.

    Options, faults and account (e-mail and key) are looked at anew for every call: all of them
    may change while a client reads.
    """

    tables: CrmTables
    options: Options
    faults: Faults
    account: Callable[[], tuple[str, str]]
    clock: Callable[[], float]
    _tokens: dict[str, float] = field(default_factory=dict)
    _logins: int = 0
    _moments: deque[float] = field(default_factory=deque)

    def answer(self, request: Request) -> Response:
        """What the CRM answers, with the faults that strike this request."""
        # A request beyond the limit never reaches the CRM, so no fault counts it.
        if self._is_too_often():
            return too_many_requests(self.options)
        struck = self.faults.strike(request.path)
        response = replacement(struck, self.options) or self._work(request, struck)
        for fault in struck:
            spoil_response(response, fault)
        return response

    def _is_too_often(self) -> bool:
        """Whether the account asks too often; what is refused for it does not count."""
        limit, now = self.options.rate_limit, self.clock()
        while self._moments and self._moments[0] <= now - 1.0:
            self._moments.popleft()
        if limit is not None and len(self._moments) >= limit:
            return True
        self._moments.append(now)
        return False

    def _work(self, request: Request, struck: list[Fault]) -> Response:
        try:
            if request.method != "POST":
                raise CallRefused(405, "This URL can only handle POST.")
            if request.path == f"{PREFIX}auth/login":
                return self._login(request)
            if any(fault.kind == "lost_token" for fault in struck):
                self._tokens.pop(request.headers.get(TOKEN_HEADER, ""), None)
            self._check_access(request)
            return self._read(request, struck)
        except CallRefused as refusal:
            return refusal.response()

    def _login(self, request: Request) -> Response:
        fields = request.fields()
        if (fields.get("email"), fields.get("api_key")) != self.account():
            raise CallRefused(self.options.login_refusal_code, "Not Authorized")
        if self.options.new_login_kills_old:
            self._tokens.clear()
        self._logins += 1
        token = f"token-{self._logins:026d}"
        self._tokens[token] = self.clock()
        return Response(200, encoded({"token": token}))

    def _check_access(self, request: Request) -> None:
        given_at = self._tokens.get(request.headers.get(TOKEN_HEADER, ""))
        if given_at is None or self.clock() - given_at >= self.options.token_life:
            message = "Your request was made with invalid credentials."
            raise CallRefused(self.options.refusal_code, message)
        app_key = self.options.required_app_key
        right = app_key is None or request.headers.get("x-app-key") == app_key
        if self.options.user_without_right or not right:
            raise CallRefused(403, "Access Denied")

    def _read(self, request: Request, struck: list[Fault]) -> Response:
        """One page of a list; whatever would write is refused."""
        match = _PATH.fullmatch(request.path)
        if match is None:
            raise CallRefused(404, "Страница не найдена.")
        branch, entity, action = match.groups()
        if action not in (None, "index"):
            # The role of the API's user may only read.
            raise CallRefused(403, "Access Denied")
        filters = Filters(request, self._branches(branch))
        lists = Lists(self.tables, self.options, request, filters)
        selection = lists.select(entity)
        page = lists.page(selection, self.faults.drift(request, struck))
        for fault in struck:
            spoil_page(page, fault)
        return Response(200, encoded(page))

    def _branches(self, branch: str | None) -> frozenset[int]:
        known = frozenset(self.tables.branches)
        # Branch 0 is another way of naming none, and both mean all.
        if branch is None or int(branch) == 0:
            return known
        if int(branch) in known:
            return frozenset({int(branch)})
        if self.options.unknown_branch == "forbidden":
            raise CallRefused(403, "Access Denied")
        if self.options.unknown_branch == "missing":
            raise CallRefused(404, "Филиал не найден.")
        return frozenset()
