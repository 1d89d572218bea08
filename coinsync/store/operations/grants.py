"""Who may do what on a MySQL or MariaDB server: three accounts with no right too many.

One migrates and owns the tables. One writes, and can only add to what only grows. That of the web
view reads what its pages show, and nothing of what staff decided.
"""

from coinsync.errors import UsageError
from coinsync.store.database import HISTORY
from coinsync.store.engines.base import GROWING
from coinsync.store.models import TABLE_NAMES

OWNER, WRITER, WEB = "coinsync_owner", "coinsync_writer", "coinsync_web"
#: Of other tables: what plans do there besides reading.
CHANGING = {
    "head": "UPDATE",
    "note": "INSERT, DELETE",
    **dict.fromkeys(("link", "vk_page", "hold", "doubt"), "INSERT, UPDATE, DELETE"),
    **dict.fromkeys(("branch", "lesson_type", "study_group", "membership"), "INSERT, UPDATE"),
    **dict.fromkeys(("resident", "merged_card", "lesson", "attendance"), "INSERT, UPDATE"),
    **dict.fromkeys(("decision", "item", "event"), "INSERT, UPDATE"),
}
#: What the pages of the web view are made from.
SHOWN = (
    "entry",
    "item",
    "lesson",
    "link",
    "merged_card",
    "resident",
    "run",
    "stock_move",
    "study_group",
)

_RIGHTS_OF_OWNER = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, TRIGGER"
_FORBIDDEN = ("'", "`", "\\", "@", "\n", "\r", "\0")


def statements(database: str, host: str) -> tuple[str, ...]:
    """What an administrator types once accounts and tables are there."""
    for name in (database, host):
        if not name or any(character in name for character in _FORBIDDEN):
            raise UsageError(f"{name!r} is no name of a database or a host")
    owner, writer, web = (f"'{name}'@'{host}'" for name in (OWNER, WRITER, WEB))
    # In the name of a database that is granted as a whole these two are wildcards.
    pattern = database.replace("_", "\\_").replace("%", "\\%")
    rights = dict.fromkeys(GROWING, "INSERT") | CHANGING
    lines = [f"GRANT {_RIGHTS_OF_OWNER} ON `{pattern}`.* TO {owner};"]
    for table in sorted(TABLE_NAMES):
        lines.append(f"GRANT SELECT, {rights[table]} ON `{database}`.`{table}` TO {writer};")
    lines.append(f"GRANT SELECT ON `{database}`.`{HISTORY}` TO {writer};")
    for table in (*SHOWN, HISTORY):
        lines.append(f"GRANT SELECT ON `{database}`.`{table}` TO {web};")
    # A family reads its notes; the salt beside them is what makes a digest say nothing.
    lines.append(f"GRANT SELECT (`n`, `text`) ON `{database}`.`note` TO {web};")
    return tuple(lines)


def makers(host: str) -> tuple[str, ...]:
    """The statements before: the accounts, with passwords to be chosen."""
    names = (OWNER, WRITER, WEB)
    return tuple(f"CREATE USER '{name}'@'{host}' IDENTIFIED BY '…';" for name in names)
