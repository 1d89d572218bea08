"""The made-up school as a newcomer meets it: one command, then the others on its folder."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from coinsync import config
from coinsync.commands.demo import free_port
from tests.support.catalog_file import archive_goods
from tests.support.school import FastClock, Installation

SMALL = ("--residents", "12", "--days", "14", "--seed", "5")


def get(url: str, **settings: Any) -> requests.Response:
    """One GET, with whatever status."""
    return requests.get(url, timeout=10, **settings)


def hurry(installation: Installation) -> None:
    """Let the client of a demo go as fast as it can: its pace is not what is tried here."""
    text = installation.config.read_text(encoding="utf-8")
    installation.config.write_text(
        text.replace("per_second = 4.75", "per_second = 1000"), encoding="utf-8"
    )


def no_limit(url: str) -> None:
    """Let the simulator answer any number of requests."""
    assert requests.post(f"{url}/control/options", json={"rate_limit": None}, timeout=10).json()[
        "ok"
    ]


@contextmanager
def program(*words: str) -> Iterator[subprocess.Popen[str]]:
    """A command that goes on until it is told to stop."""
    running = subprocess.Popen(
        [sys.executable, "-u", "-m", "cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield running
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=20)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, str]:
    """The folder of a demo that does not serve, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    installation = unhurried(folder)
    return installation, installation.ok("demo", "--no-serve", "--dir", str(folder), *SMALL).out


def unhurried(folder: Path) -> Installation:
    """An installation that keeps to the pace of its CRM, and waits for nothing."""
    clock = FastClock()
    return Installation(folder, sleep=clock.sleep, monotonic=clock.monotonic)


def test_leaves_a_configuration_secrets_and_a_database(demo: tuple[Installation, str]) -> None:
    """One *.toml, secrets in a 0600 file beside it, a ledger with coins."""
    installation, _ = demo
    assert [path.name for path in installation.folder.glob("*.toml")] == ["config.toml"]
    assert (installation.folder / "coinsync.secrets").stat().st_mode & 0o777 == 0o600
    assert config.load(installation.config).account == "demo"
    assert installation.ledger()


def test_leaves_a_shop_with_pictures(demo: tuple[Installation, str]) -> None:
    """Goods, each with a copy of its picture for the web, pieces of them, and sales.

    All of it adds up.
    """
    installation, _ = demo
    listed = installation.ok("catalog", "list", "--json").json
    assert [item["code"] for item in listed[:3]] == ["stickers", "pen", "chocolate"]
    assert len(listed) == 12
    web = installation.folder / "pictures.web"
    assert {item["picture"] for item in listed} == {path.name for path in web.iterdir()}
    assert all(item["left"] > 0 for item in listed if item["tracked"])
    assert all(
        item[f"{field}_{language}"]
        for item in listed
        for field in ("name", "text")
        for language in ("ru", "en")
    )
    assert len(installation.ok("shop", "sales", "--json").json) >= 3
    assert installation.run("reconcile", "--json").code == 0
    assert min(installation.balances().values()) >= 0


def test_its_catalog_is_a_file_to_play_with(demo: tuple[Installation, str], tmp_path: Path) -> None:
    """It stands beside its pictures.

    Loaded again it changes nothing, and what is changed in it is the plan.
    """
    installation = copied(demo, tmp_path)
    file = tmp_path / "pictures" / "catalog.csv"
    assert installation.ok("catalog", "load", str(file)).out == "no changes\n"
    file.write_text(file.read_text(encoding="utf-8").replace(",10,", ",11,"), encoding="utf-8")
    assert installation.ok("catalog", "load", str(file), "--yes").out.startswith(
        "~ stickers  Набор наклеек  price 10 → 11\n"
    )


def test_a_shop_that_was_changed_stays_so(demo: tuple[Installation, str], tmp_path: Path) -> None:
    """The next start neither brings goods back nor pieces, nor sells anything."""
    installation = copied(demo, tmp_path)
    assert "- mug " in archive_goods(installation, "mug")
    installation.ok("catalog", "stock", "count", "pen", "1", "--yes")
    before = installation.tables()
    installation.ok("demo", "--no-serve", "--dir", str(tmp_path))
    after = installation.tables()
    assert {name: after[name] for name in ("item", "stock_move", "sale", "entry")} == {
        name: before[name] for name in ("item", "stock_move", "sale", "entry")
    }


def test_prints_what_it_did_and_a_signed_link_on_a_line_of_its_own(
    demo: tuple[Installation, str],
) -> None:
    """A table of the sync, the family, the link."""
    _, out = demo
    assert "awards (+" in out
    assert "This family has VK account" in out
    assert re.search(
        r"\nThe shop has 12 goods and sold \d+ times:  \S+ --config \S+ catalog list\n", out
    )
    assert re.fullmatch(
        r"http://127\.0\.0\.1:8080/\?vk_access_token_settings=&vk_app_id=\S+&sign=[\w-]{43}",
        out.splitlines()[-1],
    )


def test_a_second_demo_of_the_same_folder_goes_on_with_it(demo: tuple[Installation, str]) -> None:
    """Nothing is paid twice."""
    installation, _ = demo
    before = installation.content()
    installation.ok("demo", "--no-serve", "--dir", str(installation.folder), *SMALL)
    assert installation.content() == before


def test_another_school_does_not_fit_into_the_folder(demo: tuple[Installation, str]) -> None:
    """2: its lessons would be taken for those of the first."""
    installation, _ = demo
    said = installation.run("demo", "--no-serve", "--dir", str(installation.folder), "--seed", "6")
    assert said.code == 2
    assert "holds another school" in said.err


def test_the_same_seed_gives_the_same_coins(demo: tuple[Installation, str], tmp_path: Path) -> None:
    """A demo can be repeated elsewhere."""
    installation, _ = demo
    twin = unhurried(tmp_path)
    twin.ok("demo", "--no-serve", "--dir", str(tmp_path), *SMALL)
    assert twin.content() == installation.content()


def copied(demo: tuple[Installation, str], folder: Path) -> Installation:
    """The same demo in another folder, to do with as one likes."""
    shutil.copytree(demo[0].folder, folder, dirs_exist_ok=True)
    return unhurried(folder)


def test_the_simulator_of_the_folder_is_the_same_school_and_keeps_what_happens(
    demo: tuple[Installation, str], tmp_path: Path
) -> None:
    """Sync finds nothing new, then the day that was advanced by hand.

    The next start remembers it.
    """
    installation = copied(demo, tmp_path)
    hurry(installation)
    with program("simulator", "--dir", str(tmp_path), "--json") as simulator:
        assert simulator.stdout is not None
        known = json.loads(simulator.stdout.readline())
        assert known.keys() == {"url", "email", "api_key", "branches"}
        no_limit(known["url"])
        report = installation.ok("sync", "--json").json
        assert {result["report"]["changes"] for result in report["results"]} == {0}
        done = requests.post(f"{known['url']}/control/advance", data='{"days": 7}', timeout=10)
        assert done.json()["ok"]
        report = installation.ok("sync", "--json").json
        assert sum(result["report"]["counts"]["awards"] for result in report["results"]) > 0
    with program("simulator", "--dir", str(tmp_path), "--json") as simulator:
        assert simulator.stdout is not None
        no_limit(json.loads(simulator.stdout.readline())["url"])
        report = installation.ok("sync", "--json").json
        assert {result["report"]["changes"] for result in report["results"]} == {0}


def test_a_port_that_is_taken_is_told(demo: tuple[Installation, str]) -> None:
    """2: the folder's configuration names that port, and nothing is changed."""
    installation, _ = demo
    kept = installation.folder / "school.json"
    before, port = kept.read_bytes(), json.loads(kept.read_text(encoding="utf-8"))["port"]
    with socket.create_server(("127.0.0.1", port)):
        said = installation.run("simulator", "--dir", str(installation.folder))
    assert (said.code, f"cannot listen on port {port}" in said.err) == (2, True)
    assert kept.read_bytes() == before


def test_a_demo_tells_a_program_one_value(demo: tuple[Installation, str]) -> None:
    """Folder, link and what the sync did; without options an existing demo goes on."""
    installation, _ = demo
    said = installation.ok("demo", "--no-serve", "--dir", str(installation.folder), "--json").json
    assert said["link"].startswith("http://127.0.0.1:8080/?vk_")
    assert {result["report"]["changes"] for result in said["sync"]["results"]} == {0}
    assert said["shop"]["items"] == 12


def test_a_simulator_prints_its_account(demo: tuple[Installation, str], tmp_path: Path) -> None:
    """For whoever points another client at it."""
    copied(demo, tmp_path)
    with program("simulator", "--dir", str(tmp_path)) as simulator:
        assert simulator.stdout is not None
        lines = [simulator.stdout.readline() for _ in range(4)]
    assert [line.split("  ")[0].strip() for line in lines] == [
        "address",
        "e-mail",
        "API key",
        "branches",
    ]


def test_a_folder_without_a_demo_is_told(tmp_path: Path) -> None:
    """2, and how to make one."""
    said = Installation(tmp_path).run("simulator", "--dir", str(tmp_path))
    assert said.code == 2
    assert f"coinsync demo --no-serve --dir {tmp_path}" in said.err


def test_a_folder_with_something_else_is_left_alone(desk: Installation) -> None:
    """A real school may live there: no made-up visit or sale comes into its ledger."""
    before, mode = desk.tables(), desk.folder.stat().st_mode
    names = sorted(path.name for path in desk.folder.iterdir())
    said = desk.run("demo", "--no-serve", "--dir", str(desk.folder), *SMALL)
    assert said.code == 2
    assert "holds something that is no demo" in said.err
    assert (desk.tables(), desk.folder.stat().st_mode) == (before, mode)
    assert sorted(path.name for path in desk.folder.iterdir()) == names


def test_the_whole_demo_serves_the_cabinet_of_its_family(tmp_path: Path) -> None:
    """The link that it prints opens the balances of a family; a forged one does not."""
    port = str(free_port())
    with program("demo", "--dir", str(tmp_path), "--port", port, *SMALL) as running:
        assert running.stdout is not None
        link = next(line.strip() for line in running.stdout if line.startswith("http://127.0.0.1:"))
        page = get_when_ready(link)
        installation = Installation(tmp_path)
        visitor = int(re.search(r"vk_user_id=(\d+)", link)[1])  # type: ignore[index]
        with installation.reader() as reader:
            children = reader.residents_of_visitor(visitor)
            balances = reader.balances(child.id for child in children)
        assert page.status_code == 200
        for child in children:
            assert child.name in page.text
            assert str(balances[child.id]) in page.text
        assert (
            get(link.replace(f"vk_user_id={visitor}", f"vk_user_id={visitor + 1}")).status_code
            == 403
        )
        assert get(f"http://127.0.0.1:{port}/").status_code == 403
        assert requests.post(link, timeout=10).status_code == 405
        assert get(f"http://127.0.0.1:{port}/healthz").json()["database"] == "ok"


def get_when_ready(url: str) -> requests.Response:
    """GET as soon as the server listens."""
    for _ in range(100):
        try:
            return get(url)
        except requests.ConnectionError:
            signal.sigtimedwait([], 0.1)
    raise AssertionError(f"nobody listens at {url.split('?')[0]}")


def test_serve_refuses_a_port_that_is_taken(demo: tuple[Installation, str]) -> None:
    """2, with another port as advice."""
    installation, _ = demo
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = installation.run("serve", "--port", str(port))
    assert said.code == 2
    assert f"cannot listen on 127.0.0.1:{port}" in said.err
