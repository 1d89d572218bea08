"""Answers of a CRM, recorded once, and the entries that the first version posted for them.

The recording is the demo's school (seed 1, 60 residents, 45 days) over five weeks and 17 syncs:
between the syncs days went by, lessons were edited by hand, and in a few of them the CRM
misbehaved. Every request of ``coinsync sync`` to the school's simulator was written down there
with its answer, and after each sync some more requests that another order of reading may need.

``answers.json.xz`` holds for each sync the time, the options, the exit code and the exchanges;
``entries.csv`` holds the whole ledger after the last one. It differs from the first version's in
one thing: a card that was missing for the first time is doubted, so its lesson of that day is paid.
"""

from __future__ import annotations

import csv
import json
import lzma
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest

import cli

GOLDEN = Path(__file__).with_name("golden")
ENVIRON = {"USER": "anna", "COINSYNC_ALFACRM_KEY": "key-of-the-demo"}

#: The columns that say what was decided, as ``entries.csv`` and as the database name them.
COLUMNS = {
    "key": "op_key",
    "seq": "seq",
    "resident": "resident_id",
    "coins": "coins",
    "kind": "kind",
    "day": "happened_on",
    "reason": "reason",
    "rule": "rule",
}

Question = tuple[str, str, str]
Entries = dict[tuple[str, str], dict[str, str]]


class Playback(ThreadingHTTPServer):
    """Answers a request as it was answered when one sync was recorded, in whatever order."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), PlaybackHandler)
        self.unrecorded: list[str] = []
        self._answers: dict[Question, list[Mapping[str, Any]]] = {}
        self._lock = Lock()

    @property
    def url(self) -> str:
        """The address without a slash at its end."""
        return f"http://127.0.0.1:{self.server_port}"

    def load(self, exchanges: Sequence[Mapping[str, Any]]) -> None:
        """Take the exchanges of the next sync in the place of those before."""
        self._answers = {}
        for exchange in exchanges:
            question = question_of(exchange["method"], exchange["path"], exchange["asked"])
            self._answers.setdefault(question, []).append(exchange)

    def answer(self, method: str, path: str, asked: Any) -> Mapping[str, Any]:
        """The next answer to this question; its last one serves for all further times."""
        question = question_of(method, path, asked)
        with self._lock:
            answers = self._answers.get(question) or self._of_a_day(path, asked)
            if not answers:
                text = f"not recorded: {' '.join(question)}"
                self.unrecorded.append(text)
                return {"status": 500, "headers": {"Content-Type": "text/plain"}, "answer": text}
            # More than one answer to a question means that the first ones were refusals.
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def _of_a_day(self, path: str, asked: Any) -> list[Mapping[str, Any]]:
        """The lessons of one day, out of the recorded answers for a span that has it."""
        day = (asked or {}).get("date_from")
        if day is None or day != asked["date_to"]:
            return []
        found: list[Mapping[str, Any]] = []
        rows = {}
        for (_, recorded_path, text), answers in self._answers.items():
            span = json.loads(text) or {}
            is_alike = recorded_path == path and span.get("status") == asked["status"]
            if is_alike and span.get("date_from", "") <= day <= span.get("date_to", ""):
                found = answers[-1:]
                for row in json.loads(found[0]["answer"])["items"]:
                    if row["date"] == day:
                        rows[row["id"]] = row
        items = list(rows.values())
        page = {"total": len(items), "count": len(items), "page": 0, "items": items}
        return [{**answer, "answer": json.dumps(page)} for answer in found]


class PlaybackHandler(BaseHTTPRequestHandler):
    """Passes a request on to the recorded answers, and keeps quiet."""

    server: Playback

    def do_POST(self) -> None:
        """Answer with the recorded status, headers and body."""
        text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        recorded = self.server.answer("POST", self.path, json.loads(text) if text else None)
        body = recorded["answer"].encode()
        # The plain send_response would add this machine's date, and it is the CRM's date that
        # decides which day it is.
        self.send_response_only(recorded["status"])
        for name, value in recorded["headers"].items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def question_of(method: str, path: str, asked: Any) -> Question:
    """What tells one request from another: the order of the fields in its body does not."""
    return method, path, json.dumps(asked, sort_keys=True)


@contextmanager
def playback() -> Iterator[Playback]:
    """A server of recorded answers that listens."""
    with Playback() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def call(folder: Path, words: Sequence[str], now: datetime) -> int:
    """Run one command line of the program at that time; its exit code."""
    environment = cli.environment(ENVIRON, now=lambda: now)
    return cli.main(["--config", str(folder / "config.toml"), *words], environment)


def golden_entries() -> list[dict[str, str]]:
    """The entries that the first version posted."""
    with (GOLDEN / "entries.csv").open(encoding="utf-8", newline="") as file:
        return [{name: row[name] for name in COLUMNS} for row in csv.DictReader(file)]


def posted_entries(database: Path) -> list[dict[str, str]]:
    """The entries of a database, every value as text."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(f"SELECT {', '.join(COLUMNS.values())} FROM entry").fetchall()
    return [dict(zip(COLUMNS, map(str, row), strict=True)) for row in rows]


def by_key(entries: Sequence[dict[str, str]]) -> Entries:
    """Entries by their key and number."""
    return {(entry["key"], entry["seq"]): entry for entry in entries}


def test_recorded_answers_give_the_very_entries_that_the_first_version_posted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Key, number, resident, coins, kind, day, reason and rule of each entry; none more or less."""
    syncs = json.loads(lzma.decompress((GOLDEN / "answers.json.xz").read_bytes()))
    with playback() as server:
        for number, sync in enumerate(syncs):
            text = (GOLDEN / sync["config"]).read_text(encoding="utf-8")
            text = text.replace("http://crm.invalid", server.url)
            (tmp_path / "config.toml").write_text(text, encoding="utf-8")
            now = datetime.fromisoformat(sync["now"])
            if number == 0:
                assert call(tmp_path, ["init"], now) == 0
            server.load(sync["exchanges"])
            code = call(tmp_path, ["sync", "--quiet", *sync["options"]], now)
            about = f"sync {number}, {sync['what']}"
            assert not server.unrecorded, f"{about}: the program asked what was not recorded"
            assert code == sync["code"], f"{about}: {capsys.readouterr().err}"

    expected, posted = golden_entries(), posted_entries(tmp_path / "coinsync.db")
    entries_expected, entries_posted = by_key(expected), by_key(posted)
    wrong = {}
    for key in entries_expected | entries_posted:
        pair = entries_expected.get(key), entries_posted.get(key)
        if pair[0] != pair[1]:
            wrong[key] = pair
    assert not wrong, f"{len(wrong)} entries differ: expected and posted"
    assert len(posted) == len(expected)
