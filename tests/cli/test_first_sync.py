"""The first sync of a database: it shows what it would bring and asks; no later one does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from coinsync.core.facts import Decision, Hold, HoldKind
from tests.support.school import RULE, Installation, open_installation
from tests.support.terminal import QUESTION, Shown, in_terminal

ABOUT_VISITS = "pay, hold or refuse: "


def at_terminal(installation: Installation, *answers: str) -> Shown:
    """A sync at a terminal: the answers about visits, and the last one whether to apply it."""
    *about_visits, whether = answers
    script = [(ABOUT_VISITS, f"{answer}\n") for answer in about_visits]
    return in_terminal(installation, "sync", answers=[*script, (QUESTION, f"{whether}\n")])


def entries(installation: Installation) -> list[tuple[Any, ...]]:
    """What is posted, by whom and why, whatever the order."""
    values = []
    for posted in installation.ledger():
        entry = posted.entry
        reason = (entry.reason, entry.rule, entry.note)
        values.append((entry.key, entry.seq, entry.coins, entry.kind, entry.actor, reason))
    return sorted(values)


def answered(installation: Installation) -> list[tuple[Any, ...]]:
    """What persons decided, whenever that was."""
    with installation.reader() as reader:
        decisions = reader.all(Decision)
    values = [(each.key, each.seq, each.coins, each.reason, each.actor) for each in decisions]
    return sorted(values)


def held(installation: Installation) -> int:
    """How many visits wait for a clerk."""
    with installation.reader() as reader:
        return sum(hold.kind is HoldKind.GUEST for hold in reader.all(Hold))


def proved_and_still(installation: Installation) -> None:
    """Every coin is right, and the next sync finds nothing to do."""
    before = installation.content()
    installation.ok("reconcile")
    report = installation.ok("sync", "--json").json
    assert {result["report"]["changes"] for result in report["results"]} == {0}
    assert installation.content() == before


@pytest.mark.parametrize(
    ("policy", "ruling"),
    [("pay", ("post",)), ("refuse", ("waive", "--note", "nobody knows"))],
)
def test_one_answer_is_what_review_would_record_for_each_visit(
    installation: Installation, tmp_path: Path, policy: str, ruling: tuple[str, ...]
) -> None:
    """The same entries and the same decisions, in the same name; nothing is held on the way."""
    installation.ok("sync", "--yes", "--guests", policy)
    folder = tmp_path / "reviewed"
    folder.mkdir()
    reviewed = open_installation(folder, installation.simulator)
    reviewed.ok("sync", "--yes")
    assert held(reviewed) > 0
    reviewed.ok("review", *ruling, "--all", "--kind", "guest", "--yes")
    assert entries(installation) == entries(reviewed)
    assert answered(installation) == answered(reviewed)
    assert len(answered(installation)) > 0
    assert (held(installation), held(reviewed)) == (0, 0)
    proved_and_still(installation)


def test_explain_names_who_answered(installation: Installation) -> None:
    """Rules, decision and posted coins agree on one page."""
    installation.ok("sync", "--yes", "--guests", "pay")
    with installation.reader() as reader:
        decision = reader.all(Decision)[0]
    lesson, resident = str(decision.lesson), str(decision.resident)
    out = installation.ok("explain", resident, "--lesson", lesson).out
    assert "nothing: membership on that day not known; posted +10" in out
    assert re.search(r"decided: \+10 stays +\d{4}-\d\d-\d\d by anna", out)


class TestQuestions:
    """A person is there."""

    def test_shows_what_it_brings_and_asks_twice(self, installation: Installation) -> None:
        """A summary, one question about all visits, one question for all of it."""
        shown = at_terminal(installation, "pay", "y")
        assert shown.code == 0
        summary, _, rest = shown.text.partition(ABOUT_VISITS)
        assert "This is the first sync of this database." in summary
        assert re.search(r"2 Групповой +\d+ +\d+ +\+", summary)
        assert re.search(r"make-up +\d+", summary)
        assert re.search(r"\d+ visits held: membership on that day not known", summary)
        assert rest.count("Apply it?") == 1
        assert re.search(r"runs 1–6: \d+ entries posted", rest)
        assert held(installation) == 0
        assert {actor for *_, actor in answered(installation)} == {"anna"}
        proved_and_still(installation)

    @pytest.mark.parametrize("answers", [("hold",), ("h",), ("what?", "HOLD")])
    def test_a_clerk_may_decide_each(
        self, installation: Installation, answers: tuple[str, ...]
    ) -> None:
        """The beginning of a word is enough; what is no answer is asked again."""
        shown = at_terminal(installation, *answers, "y")
        assert shown.code == 0
        assert held(installation) > 0
        assert answered(installation) == []
        proved_and_still(installation)

    def test_no_writes_nothing(self, installation: Installation) -> None:
        """Neither coins nor people nor a run; the next sync is the first one again."""
        before = installation.tables()
        shown = at_terminal(installation, "pay", "n")
        assert (shown.code, installation.tables()) == (0, before)
        assert "nothing written" in shown.text

    def test_is_not_asked_about_what_an_option_says(self, installation: Installation) -> None:
        """One question is left; without visits of that kind there is no other either."""
        shown = in_terminal(installation, "sync", "--guests", "refuse", answer="y\n")
        assert shown.code == 0
        assert ABOUT_VISITS not in shown.text
        assert {coins for _, _, coins, _, _ in answered(installation)} == {0}

    def test_a_rule_that_says_pay_leaves_nothing_to_ask(self, installation: Installation) -> None:
        """No visit is held, so only whether to apply it is asked."""
        installation.configure(rule=[{**RULE, "guest": "pay"}])
        shown = in_terminal(installation, "sync", answer="y\n")
        assert shown.code == 0
        assert ABOUT_VISITS not in shown.text

    def test_a_refused_window_is_accepted_with_the_same_answer(
        self, installation: Installation
    ) -> None:
        """The command in the refusal repeats what was answered."""
        installation.configure(guards__coins_per_run_max=100)
        shown = at_terminal(installation, "pay", "y")
        assert shown.code == 5
        assert "UNSAFE: +" in shown.text
        command = shown.text.rpartition("If what is refused is true: coinsync ")[2].split()
        assert command[-4:-1] == ["--guests", "pay", "--accept-unsafe"]
        installation.ok(*command)
        assert held(installation) == 0
        installation.ok("reconcile")

    @pytest.mark.parametrize("option", ["--yes", "--quiet", "--json", "--dry-run"])
    def test_is_not_asked_by_a_script(self, installation: Installation, option: str) -> None:
        """Also where a terminal is there."""
        shown = in_terminal(installation, "sync", option)
        assert shown.code == 0
        assert "Apply it?" not in shown.text

    def test_no_later_sync_asks(self, synced: Installation) -> None:
        """Whatever it brings."""
        synced.school.act("advance", days=2)
        shown = in_terminal(synced, "sync")
        assert shown.code == 0
        assert "entries posted" in shown.text
        assert "Apply it?" not in shown.text
        assert "first sync" not in shown.text


class TestWithoutAPerson:
    """Nobody is there to be asked, as under cron."""

    def test_holds_as_the_rules_say_and_says_so(self, installation: Installation) -> None:
        """With the command that settles all of them."""
        out = installation.ok("sync").out
        assert "Nobody was asked whether to pay, hold or refuse them" in out
        assert held(installation) > 0
        installation.ok("review", "post", "--all", "--kind", "guest", "--yes")
        assert held(installation) == 0

    def test_a_dry_run_says_what_would_be_asked(self, installation: Installation) -> None:
        """And its digest is that of a run with the same answer."""
        out = installation.ok("sync", "--dry-run").out
        assert "At a terminal a first sync asks whether to pay, hold or refuse them" in out
        paid = installation.ok("sync", "--dry-run", "--guests", "pay")
        assert "asks whether" not in paid.out
        *words, digest = paid.out.splitlines()[-1].split()[1:]
        assert "--guests" in words
        assert installation.run("sync", "--expect", digest).code == 5
        installation.ok(*words, digest)
        assert held(installation) == 0

    def test_an_answer_holds_for_later_syncs_too(self, installation: Installation) -> None:
        """Of visits that it finds; what is held by then is a clerk's."""
        installation.ok("sync", "--since", "2026-11-15")
        waiting = held(installation)
        installation.ok("sync", "--guests", "pay")
        assert held(installation) == waiting
        assert answered(installation)
        installation.ok("reconcile")

    def test_what_is_no_answer_is_refused(self, installation: Installation) -> None:
        """Before anything is read."""
        said = installation.run("sync", "--guests", "perhaps")
        assert said.code == 2
        assert "'perhaps' is not one of 'hold', 'pay', 'refuse'" in said.err
        assert installation.crm.requests == []
