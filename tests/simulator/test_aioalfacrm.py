"""A client from the package index, written by strangers, reads the pretend CRM."""

import asyncio
from typing import Any

import aiohttp
import pytest
from aioalfacrm import AlfaClient

from coinsync.simulator import names
from tests.simulator.fixtures import Client, running


class PlainSession:
    """A session for a client that knows only https: the simulator speaks plain http."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    def post(self, url: str, **arguments: Any) -> Any:
        """Post over http."""
        return self._session.post(url.replace("https://", "http://", 1), **arguments)


async def _read(crm: Client, branch: int) -> dict[str, list[Any]]:
    """Everything that this client can read of one branch, page by page."""
    simulator = crm.simulator
    host = simulator.url.removeprefix("http://")
    async with aiohttp.ClientSession() as session:
        client = AlfaClient(
            host, simulator.email, simulator.api_key, branch, session=PlainSession(session)
        )
        assert await client.check_auth()

        async def walk(entity: Any, **filters: Any) -> list[Any]:
            return [
                row
                async for page in entity.paginator(page_size=20, **filters)
                for row in page.items
            ]

        found = {
            "branches": await walk(client.branch),
            "customers": await walk(client.customer, is_study=2, removed=1),
            "groups": await walk(client.group),
            "schedule": await walk(client.regular_lesson),
            "subjects": await walk(client.subject),
            "locations": await walk(client.location),
            "members": await client.cgi.list(group_id=branch),
            # Its class for lesson types cannot be made, so the rows are taken as they come.
            "types": (await client.lesson_type._list(0))["items"],
            "one": [await client.lesson.get(_any_lesson(crm, branch))],
        }
        for status in (1, 2, 3):
            found[f"lessons {status}"] = await walk(client.lesson, status=status)
        return found


def _any_lesson(crm: Client, branch: int) -> int:
    number: int = crm.page(f"{branch}/lesson/index")["items"][0]["id"]
    return number


@pytest.mark.parametrize("branch", [1, 2])
def test_another_client_finds_exactly_what_the_school_holds(branch: int) -> None:
    """The whole school, through its own paginator."""
    with running() as crm:
        tables = crm.simulator.school.tables
        found = asyncio.run(_read(crm, branch))
    assert [one.name for one in found["branches"]] == [one.name for one in tables.branches.values()]
    assert {one["id"]: one["name"] for one in found["types"]} == {
        one.id: one.name for one in tables.lesson_types.values()
    }
    assert {one.id: (one.name, one.is_study, one.e_date) for one in found["customers"]} == {
        one.id: (one.name, bool(one.is_study), one.e_date)
        for one in tables.customers.values()
        if branch in one.branch_ids
    }
    here = [one for one in tables.visible_lessons() if one.branch_id == branch]
    for status in (1, 2, 3):
        assert {one.id: (one.date, one.lesson_type_id) for one in found[f"lessons {status}"]} == {
            one.id: (one.date, one.lesson_type_id) for one in here if one.status == status
        }
        assert len(found[f"lessons {status}"]) == len(
            {one.id for one in found[f"lessons {status}"]}
        )
    assert {one.customer_id for one in found["members"]} == set(
        tables.members_on(branch, tables.today)
    )
    groups = [one for one in tables.groups.values() if one.branch_id == branch]
    assert [(one.id, one.name) for one in found["groups"]] == [(one.id, one.name) for one in groups]
    schedule = [one.id for one in tables.regular_lessons.values() if one.branch_id == branch]
    # It takes lines of the schedule for tariffs, which have a number too.
    assert [one.id for one in found["schedule"]] == schedule
    assert [one.name for one in found["subjects"]] == names.SUBJECTS
    assert [one.id for one in found["locations"]] == [branch]
    assert found["one"][0].status == 3


def test_another_client_cannot_read_teachers_by_name() -> None:
    """With names in `teacher_ids` its reading of numbers fails, as it does at such schools."""

    async def read(crm: Client) -> None:
        host = crm.simulator.url.removeprefix("http://")
        async with aiohttp.ClientSession() as session:
            account = (crm.simulator.email, crm.simulator.api_key)
            client = AlfaClient(host, *account, 1, session=PlainSession(session))
            await client.lesson.list()

    with running(teacher_names=True) as crm, pytest.raises(ValueError, match="is not integer"):
        asyncio.run(read(crm))
