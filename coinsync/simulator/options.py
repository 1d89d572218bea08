"""What one AlfaCRM does one way and another one differently."""

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class Options:
    """Settings, also while it runs. The defaults are what a school most likely meets."""

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
    required_app_key: str | None = None
    """What the header X-APP-KEY must hold; None: the header is not looked at."""
    page_size_default: int = 50
    page_size_max: int = 500
    past_the_end: Literal["empty", "repeat"] = "empty"
    """What a page after the last one holds: nothing, or the last one again."""
    unstable_ties: bool = False
    """Whether rows with equal sort keys fall differently in every request."""
    is_study_default: Literal[0, 1, 2] = 1
    """Which cards `customer/index` gives when nobody asks: leads, clients, both."""
    removed_default: Literal[0, 1, 2] = 0
    """Which cards `customer/index` gives when nobody asks: active, all, archived."""
    with_groups: Literal["objects", "ids", "absent"] = "objects"
    """What `withGroups: true` adds to a card."""
    regular_id: Literal["present", "null", "missing"] = "present"
    details_on_planned: bool = True
    """Whether planned lessons already show pupils and attendance rows."""
    teacher_names: bool = False
    """Whether `teacher_ids` holds names instead of numbers."""
    cgi_past: bool = False
    """Whether `cgi/index` also lists memberships that have ended."""
    unknown_branch: Literal["forbidden", "missing", "empty"] = "forbidden"
    """Answer for a branch that is not there: 403, 404 or an empty list."""
    rate_limit: float | None = 5.0
    """Requests answered in a second, login and all branches together; None: no limit."""
    retry_after: float | None = None
    """Seconds in the header Retry-After of a 429; None: no such header."""
    too_many_body: Literal["json", "html"] = "json"
