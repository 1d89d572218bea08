"""What one AlfaCRM does one way and another does the other: settable while the simulator runs."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_type_hints

from coinsync.simulator.arguments import as_type


@dataclass(slots=True)
class Options:
    """Settings of the pretend CRM. The defaults are what a school most likely meets today."""

    token_life: float = 900.0
    """Seconds for which a token is good."""
    refusal_code: Literal[401, 403] = 401
    """Status for a missing, wrong or expired token."""
    login_refusal_code: Literal[401, 403] = 403
    """Status for a wrong e-mail or key."""
    new_login_kills_old: bool = False
    """Whether a login makes all earlier tokens worthless."""
    user_without_right: bool = False
    """Whether the role of the user may not use the API at all."""
    read_only: bool = False
    """Whether the user may only read."""
    required_app_key: str | None = None
    """What the header X-APP-KEY must hold; None: the header is not looked at."""

    page_size_default: int = 50
    page_size_max: int = 500
    count_in_body: bool = False
    """Whether `count` in the body sets the page size."""
    past_the_end: Literal["empty", "repeat"] = "empty"
    """What a page after the last one holds: nothing, or the last one again."""
    unstable_ties: bool = False
    """Whether rows with equal sort keys fall differently in every request."""

    is_study_default: Literal[0, 1, 2] = 1
    """Which cards `customer/index` gives when nobody asks: leads, clients, both."""
    removed_default: Literal[0, 1, 2] = 0
    """Which cards `customer/index` gives when nobody asks: active, all, archived."""
    unsorted_leads_drop: bool = False
    """Whether leads without a status drop out when `removed: 0` is asked for."""
    with_groups: Literal["objects", "ids", "absent"] = "objects"
    """What `withGroups: true` adds to a card."""
    foreign_rows: bool = False
    """Whether the lesson filter `customer_id` also gives lessons of the pupil's groups without the pupil."""
    dates_dotted: Literal["accepted", "nothing"] = "nothing"
    """Whether a date filter written `dd.mm.yyyy` works or finds nothing."""
    regular_id: Literal["present", "null", "missing"] = "present"
    details_on_planned: bool = True
    """Whether planned lessons already show pupils and attendance rows."""
    teacher_names: bool = False
    """Whether `teacher_ids` holds names instead of numbers."""
    cgi_past: bool = False
    """Whether `cgi/index` also lists memberships that have ended."""
    log_rows_vanish: bool = True
    """Whether the history of what was deleted is deleted with it."""

    unknown_branch: Literal["forbidden", "missing", "empty"] = "forbidden"
    """Answer for a branch that the school does not have: 403, 404 or an empty list."""
    branchless: Literal["all", "first"] = "all"
    """What a call without a branch reads: all branches, or the first one."""

    rate_limit: float | None = 5.0
    """Requests answered in any one second, login and all branches together; None: no limit."""
    retry_after: float | None = None
    """Seconds in the header Retry-After of a 429; None: no such header."""
    too_many_body: Literal["json", "html"] = "json"
    latency: float = 0.0
    """Seconds that every answer takes."""

    def set(self, name: str, value: object) -> None:
        """Set one option by its name; ValueError with one line for an unknown name or a wrong value."""
        kinds = get_type_hints(Options)
        if name not in kinds:
            raise ValueError(f"there is no option {name!r}")
        setattr(self, name, as_type(name, value, kinds[name]))

    def described(self) -> dict[str, Any]:
        """All options with their values."""
        return asdict(self)
