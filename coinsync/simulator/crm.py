"""The pretend CRM without its wires: a call goes in, an answer comes out."""

from dataclasses import dataclass

from coinsync.simulator.dialect import (
    Answer,
    Call,
    Drift,
    Listing,
    Refusal,
    Row,
    access_denied,
    encoded,
    envelope,
    not_found,
    wrong_method,
)
from coinsync.simulator.gate import Gate
from coinsync.simulator.lists import Branches, Lists
from coinsync.simulator.options import Options
from coinsync.simulator.school import School
from coinsync.simulator.writes import Writes

_PREFIX = "/v2api/"
_LIST_ACTIONS = {("cgi", "customer")}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a call goes: branch (None when the address names none), entity, action."""

    branch: int | None
    entity: str
    action: str

    @classmethod
    def of(cls, path: str) -> "Address":
        """The parts of the path; a missing action means `index`, as the CRM has it."""
        parts = [one for one in path.removeprefix(_PREFIX).split("/") if one]
        branch = int(parts.pop(0)) if parts and parts[0].isascii() and parts[0].isdigit() else None
        if len(parts) == 1:
            parts.append("index")
        if len(parts) != 2:
            raise not_found()
        return cls(branch, parts[0], parts[1])

    @property
    def lists(self) -> bool:
        """Whether this address answers with a list."""
        return self.action == "index" or (self.entity, self.action) in _LIST_ACTIONS


class Crm:
    """Answers calls from the school's books. Changes to `options` take effect with the next call."""

    def __init__(self, school: School, options: Options, gate: Gate) -> None:
        self._school = school
        self._options = options
        self._gate = gate
        self._lists = Lists(school.books, options)
        self._writes = Writes(school, options)

    def admit(self, call: Call) -> Address:
        """Where an admitted call goes; refuses it otherwise."""
        if call.method != "POST":
            raise wrong_method()
        self._gate.check(call)
        address = Address.of(call.path)
        written = self._writes.knows(address.entity, address.action)
        if not written and not (address.lists and self._lists.knows(address.entity)):
            raise not_found()
        if written and self._options.read_only:
            raise access_denied()
        return address

    def page(self, address: Address, call: Call, drift: Drift) -> Row:
        """One page of a list."""
        return envelope(self._find(address, call), call, self._options, drift)

    def write(self, address: Address, call: Call) -> Answer:
        """What a written call answers."""
        branches = self._branches(address)
        if not branches:
            raise Refusal(404, "Not Found", "Филиал не найден.")
        return Answer(
            200, encoded(self._writes.write(address.entity, address.action, call, min(branches)))
        )

    def _find(self, address: Address, call: Call) -> Listing:
        return self._lists.find(address.entity, call, self._branches(address))

    def _branches(self, address: Address) -> Branches:
        known = frozenset(self._school.books.branches)
        if not address.branch:
            # Branch 0 is a way of saying "all"; a call without any branch depends on the account.
            first = address.branch is None and self._options.branchless == "first"
            return frozenset({min(known)}) if first else known
        if address.branch not in known:
            return self._unknown_branch()
        return frozenset({address.branch})

    def _unknown_branch(self) -> Branches:
        if self._options.unknown_branch == "forbidden":
            raise access_denied()
        if self._options.unknown_branch == "missing":
            raise not_found()
        return frozenset()
