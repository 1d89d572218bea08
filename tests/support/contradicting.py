"""A pretend CRM that contradicts itself, and whose clock a test sets to the hour."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime
from typing import Any

from coinsync.simulator import Simulator
from coinsync.simulator.protocol import Request, Response


class ContradictingCrm(Simulator):
    """``hour`` is counted (UTC) from the beginning of the school's day.

    ``copied`` records come a second time, with other content: by entity and number.
    """

    hour = 12
    copied: dict[tuple[str, int], dict[str, Any]] = {}  # noqa: RUF012 - replaced, never changed

    def _answer(self, request: Request) -> Response:
        response = super()._answer(request)
        midnight = datetime.combine(self.school.today, time(), UTC)
        now = midnight + timedelta(hours=self.hour)
        response.headers["Date"] = format_datetime(now, usegmt=True)
        if not self.copied:
            return response
        page = json.loads(response.body)
        copies = []
        for item in page.get("items", ()):
            changed = self.copied.get((request.path.split("/")[-2], item["id"]))
            if changed is not None:
                copies.append({**item, **changed})
        if copies:
            page["items"] += copies
            page["count"] += len(copies)
            response.body = json.dumps(page).encode()
        return response
