"""Trouble on the way to the CRM, through the real command line.

What is written, what is said, how it ends.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import date

import pytest

from tests.support.school import Installation, a_school, listening, open_installation

RATES = {
    "too_many": 0.04,
    "error_500": 0.03,
    "error_503": 0.03,
    "html_200": 0.03,
    "empty_body": 0.02,
    "cut_json": 0.02,
    "drop": 0.02,
    "lost_token": 0.01,
}


def essence(installation: Installation) -> list[tuple[object, ...]]:
    """What the ledger says, without numbers and times."""
    return sorted(
        (
            p.entry.key,
            p.entry.seq,
            p.entry.resident,
            p.entry.coins,
            p.entry.kind,
            p.entry.happened_on,
            p.entry.reason,
        )
        for p in installation.ledger()
    )


def sync_until_done(installation: Installation) -> None:
    """Sync again and again, as cron does, until a night goes well."""
    for _ in range(20):
        said = installation.run("sync", "--quiet")
        if said.code == 0:
            return
        assert said.code in (3, 75), said.err
    raise AssertionError("no night went well")


def live(installation: Installation) -> None:
    """Five days with their edits, a sync after each."""
    for day in range(5):
        sync_until_done(installation)
        installation.school.act("advance", days=1)
        lesson = installation.paid_lessons()[day]
        installation.school.act(
            ("cancel", "delete", "retype", "recreate", "plan")[day],
            lesson=lesson.id,
            **({"type": 4} if day == 2 else {}),
        )
    sync_until_done(installation)


@pytest.mark.parametrize("seed", [1, 2])
def test_with_every_fifth_answer_spoilt_the_ledger_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """Faults at 20 %: the final ledger is entry for entry the one without faults."""
    ledgers = []
    for faulty in (False, True):
        with listening(a_school(residents=16, days=20)) as simulator:
            installation = open_installation(
                tmp_path_factory.mktemp("installation"),
                simulator,
                sync__days_back=20,
                guards__reversals_free=100,
            )
            if faulty:
                for kind, rate in RATES.items():
                    simulator.faults.add(kind, rate=rate, seed=seed)
            live(installation)
            ledgers.append(essence(installation))
            if faulty:
                statuses = [seen.status for seen in simulator.requests]
                assert sum(status != 200 for status in statuses) > len(statuses) / 20, (
                    "there were faults indeed"
                )
    assert ledgers[0] == ledgers[1]
    assert len(ledgers[0]) > 30


@pytest.mark.parametrize("kind", ["wrong_total", "empty_first_page"])
def test_an_incomplete_reading_writes_nothing_for_its_branch(
    installation: Installation, kind: str
) -> None:
    """The branch says that it is incomplete, the others go on, exit 3."""
    installation.crm.faults.add(kind, match="/1/lesson/index")
    said = installation.run("sync")
    assert said.code == 3
    assert "incomplete read: lessons:" in said.err
    assert "nothing written" in said.err
    branches = {
        installation.school.tables.lessons[p.entry.lesson].branch_id
        for p in installation.ledger()
        if p.entry.lesson
    }
    assert branches == {2}


def test_an_incomplete_reading_of_the_only_branch_takes_nothing(synced: Installation) -> None:
    """Known coins stay where they are."""
    before = synced.content()
    synced.crm.faults.add("wrong_total", match="lesson/index")
    said = synced.run("sync")
    assert said.code == 3
    assert synced.content() == before


def test_when_the_trouble_is_over_the_next_sync_does_all(installation: Installation) -> None:
    """Promise 7: repeating the command ends as if nothing had failed."""
    installation.crm.faults.add("wrong_total", match="/1/lesson/index")
    installation.run("sync")
    installation.crm.faults.clear()
    installation.ok("sync")
    after = essence(installation)
    with listening(a_school()) as simulator:
        (installation.folder / "other").mkdir()
        clean = open_installation(installation.folder / "other", simulator)
        clean.ok("sync")
    assert after == essence(clean)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("html_200", "not an AlfaCRM answer (text/html,"),
        ("cut_json", "not an AlfaCRM answer (application/json,"),
        ("error_503", "AlfaCRM out of reach (HTTP 503), 4 tries"),
        ("too_many", "too many requests (HTTP 429), 4 tries"),
        ("drop", " (no connection), 4 tries"),
        ("null_body", "not an AlfaCRM answer"),
        ("items_null", "not an AlfaCRM answer (a list without"),
        ("redirect", "redirect refused, HTTP 302"),
    ],
)
def test_a_lasting_fault_is_told_in_one_line_and_writes_nothing(
    installation: Installation, kind: str, says: str
) -> None:
    """75, what and where, one line of advice, an untouched database."""
    installation.crm.faults.add(kind)
    said = installation.run("sync")
    assert said.code == 75
    assert says in said.err
    assert said.err.splitlines()[0].endswith("nothing written")
    assert said.err.splitlines()[1].startswith("  → ")
    with installation.reader() as reader:
        assert (reader.head().n, reader.head().runs) == (0, 0)


def test_a_hanging_crm_is_given_up_in_time(installation: Installation) -> None:
    """No answer within the configured time is a failure like any other."""
    installation.configure(alfacrm__answer_seconds=0.2, alfacrm__tries=2)
    installation.crm.faults.add("hang", seconds=30)
    said = installation.run("sync")
    assert said.code == 75
    assert "no answer in time" in said.err


def test_what_was_not_asked_for_is_told_to_who_wants_to_know(installation: Installation) -> None:
    """A filter that the CRM ignores does no harm, and is a reason to look at it."""
    installation.crm.faults.add(
        "bad_field", match="1/lesson/index", path="branch_id", value=2, times=1
    )
    verbose = installation.ok("sync", "-v")
    oddity = "came without being asked for, and was not used: 1 lessons of another branch"
    assert oddity in verbose.out
    assert "without being asked" not in installation.ok("sync").out
    assert installation.run("reconcile").code == 0


def test_an_unreachable_host_is_told(installation: Installation) -> None:
    """Nobody listens there: 75."""
    installation.configure(alfacrm__url="http://127.0.0.1:9")
    said = installation.run("sync")
    assert said.code == 75
    unreachable = "AlfaCRM out of reach at http://127.0.0.1:9 (nothing listens), 4 tries"
    assert f"{unreachable}; nothing written" in said.err


def test_a_wrong_key_is_told_without_showing_it(installation: Installation) -> None:
    """2, no loop of logins, and the key stands nowhere."""
    said = installation.run("sync", environ={"COINSYNC_ALFACRM_KEY": "wrong-key-of-somebody"})
    assert said.code == 2, "given twice"
    (installation.folder / "coinsync.secrets").unlink()
    said = installation.run("sync", environ={"COINSYNC_ALFACRM_KEY": "wrong-key-of-somebody"})
    assert said.code == 2
    assert "AlfaCRM refused e-mail or key (HTTP 403)" in said.err
    assert "wrong-key" not in said.out + said.err
    assert len(installation.crm.requests) <= 2


def test_a_branch_that_the_crm_does_not_have_is_told(installation: Installation) -> None:
    """The configuration names branch 9: what the CRM has is listed."""
    installation.configure(branch=[{"id": 9, "name": "", "zone": "Europe/Moscow"}])
    said = installation.run("sync")
    assert said.code == 2
    assert "no such branch in the CRM" in said.err
    assert "The CRM has: 1 Казань, 2 Иннополис." in said.err


def test_a_role_without_rights_is_told(installation: Installation) -> None:
    """The CRM user may not use the API."""
    installation.crm.options.user_without_right = True
    said = installation.run("sync")
    assert said.code == 2
    assert "AlfaCRM refused" in said.err


@pytest.mark.parametrize("value", ["many", None, -3, 2.5])
def test_a_mistyped_field_holds_its_lesson_and_nothing_else(
    synced: Installation, value: object
) -> None:
    """One unreadable lesson is neither paid nor taken back; the others go on; exit 3."""
    before = synced.content()
    assert synced.simulator is not None
    synced.crm.faults.add("bad_field", match="/1/lesson/index", path="lesson_type_id", value=value)
    said = synced.run("sync")
    assert said.code == 3
    assert "unreadable" in said.out
    assert "field lesson_type_id cannot be read: held, neither paid nor taken back" in said.out
    assert "records unreadable, first: lesson " in said.err
    assert "\n  → Look at it in the CRM" in said.err
    assert synced.content() == before


def test_an_unreadable_card_changes_nothing_for_its_owner(synced: Installation) -> None:
    """Neither the person nor a membership is taken for gone.

    Exit 3 says that something is wrong.
    """
    before = synced.content()
    synced.crm.faults.add("bad_field", match="customer/index", path="groups", value="many")
    assert synced.simulator is not None
    synced.crm.faults.add(
        "bad_field", match="customer/index", path="branch_ids", value="all", row=1
    )
    said = synced.run("sync", "--json")
    assert said.code == 3
    assert {result["report"]["changes"] for result in said.json["results"]} == {0}
    assert "field groups cannot be read: this card stays as it was" in said.out
    synced.crm.faults.clear()
    synced.ok("sync")
    assert synced.content() == before


def test_missing_lists_of_marks_are_not_read_as_absence(synced: Installation) -> None:
    """Conducted lessons without their marks are unreadable: no coin moves."""
    before = synced.content()
    synced.crm.faults.add("details_missing", match="lesson/index")
    assert synced.run("sync").code == 3
    assert synced.content() == before


def test_a_lost_token_in_mid_read_is_renewed(installation: Installation) -> None:
    """One more login, and the run goes on."""
    installation.crm.faults.add("lost_token", at=[6])
    installation.ok("sync")
    assert sum(seen.path.endswith("auth/login") for seen in installation.crm.requests) == 2


def test_every_mark_turned_absent_overnight_is_refused(synced: Installation) -> None:
    """What looks like a slip of the CRM takes no coins."""
    before = synced.content()
    for lesson in synced.paid_lessons():
        if lesson.date >= date(2026, 11, 1):
            for detail in lesson.details:
                if detail.is_attend == 1:
                    synced.school.act(
                        "mark", lesson=lesson.id, customer=detail.customer_id, is_attend=0
                    )
    said = synced.run("sync")
    assert said.code == 5
    assert synced.content() == before


def test_coinsync_never_writes_to_the_crm(installation: Installation) -> None:
    """Every request is a login or an index; names of pupils stand in no address."""
    installation.ok("sync")
    for seen in installation.crm.requests:
        assert seen.method == "POST"
        assert seen.path.endswith(("/auth/login", "/index"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_a_run_as_ctrl_c_does(
    installation: Installation, number: signal.Signals, code: int
) -> None:
    """A server that is switched off, or a terminal that closes: one line, nothing is written."""
    installation.crm.faults.add("hang", seconds=5)
    words = [sys.executable, "-m", "cli", "--config", str(installation.config), "sync"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env={}) as process:
        until = time.monotonic() + 20
        while not installation.crm.requests and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert err.startswith("coinsync: interrupted; nothing is half-written\n")
    with installation.reader() as reader:
        assert reader.head().runs == 0
