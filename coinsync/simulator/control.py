"""The page for a person, and what a person may do over it or with any HTTP client."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from inspect import signature
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from bottle import SimpleTemplate

from coinsync.simulator.arguments import as_arguments
from coinsync.simulator.faults import KINDS, Faults
from coinsync.simulator.options import Options
from coinsync.simulator.protocol import HTML, Request, Response, encoded
from coinsync.simulator.school import School

_LESSONS_SHOWN = 40


@dataclass(slots=True)
class Control:
    """Answers what is not for the API. `POST /control/NAME` takes an action of the school."""

    school: School
    options: Options
    faults: Faults
    on_change: Callable[[], None] | None

    def answer(self, request: Request) -> Response:
        """The page, or what came of an action."""
        if request.method == "GET" and request.path == "/":
            return Response(200, self._page().encode(), HTML)
        if request.method != "POST" or not request.path.startswith("/control/"):
            return _refused(404, "there is nothing at this address")
        # What `curl -d` sends calls itself a form, also when it is JSON.
        content_type = request.headers.get("content-type", "")
        from_page = "form" in content_type and not request.body.startswith(b"{")
        try:
            arguments = _form_fields(request.body) if from_page else request.fields()
            result = self._do(request.path.removeprefix("/control/"), arguments)
        except ValueError as error:
            return _refused(400, str(error))
        if from_page:
            return Response(303, b"", HTML, {"Location": "/"})
        return Response(200, encoded({"ok": True, **result}))

    def _do(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name == "options":
            for option, value in as_arguments(Options, arguments).items():
                setattr(self.options, option, value)
            return {"options": asdict(self.options)}
        if name == "fault":
            return {"fault": asdict(self.faults.add(arguments.pop("kind", None), **arguments))}
        if name == "faults/clear":
            self.faults.clear()
            return {}
        result = self.school.act(name, **arguments)
        if self.on_change is not None:
            self.on_change()
        return {"result": result, "today": self.school.today.isoformat()}

    def _page(self) -> str:
        tables = self.school.tables
        lessons = [row for row in tables.visible_lessons() if row.date <= tables.today]
        lessons.sort(key=lambda row: (row.date, row.start, row.id), reverse=True)
        template = SimpleTemplate(Path(__file__).with_name("page.html").read_text("utf-8"))
        page: str = template.render(
            tables=tables,
            lessons=lessons[:_LESSONS_SHOWN],
            faults=self.faults.active,
            kinds=KINDS,
            options=asdict(self.options),
            actions=self.school.actions_by_name(),
            signature=signature,
            as_json=json.dumps,
        )
        return page


def _form_fields(body: bytes) -> dict[str, Any]:
    """Numbers, true, null and lists are as in JSON; other texts are meant as they stand."""
    fields: dict[str, Any] = {}
    for name, text in parse_qsl(body.decode("utf-8", "replace")):
        try:
            fields[name] = json.loads(text)
        except (ValueError, RecursionError):
            fields[name] = text
    return fields


def _refused(status: int, why: str) -> Response:
    return Response(status, encoded({"ok": False, "error": why}))
