"""One tree of errors: every class knows its exit code and one line of advice.

The codes are documented and stable: 1 unexpected, 2 usage or configuration, 3 partly done, 4
differences found, 5 refused as unsafe, 6 not found or ambiguous, 7 refused by coin policy, 75 try
later.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Self

from coinsync.staff_phrases import TEXTS
from coinsync.staff_texts import ENGLISH, StaffText, in_language, joined, phrase

#: Of so many a person may still choose one.
CANDIDATES_MAX = 20


class CoinsyncError(Exception):
    """Anything foreseen that stops a command; ``message`` says what and where in one line."""

    exit_code = 1
    advice: str = "Run the command again with --debug and report what it prints."
    candidates: tuple[str, ...] = ()
    #: Says that there are more candidates than are told; "" for no more.
    more: str = ""

    def __init__(self, message: str, *, advice: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if advice is not None:
            self.advice = advice

    @classmethod
    def of(cls, id: str, /, **values: Any) -> Self:
        """The error that a text for staff tells, with its advice."""
        advice = f"{id}_advice"
        return cls(
            phrase(id, **values), advice=phrase(advice, **values) if advice in TEXTS else None
        )

    def in_language(self, language: str) -> tuple[str, str]:
        """Message and advice for staff; both are English where the message is nothing else."""
        known = language if isinstance(self.message, StaffText) else ENGLISH
        texts = [self.message, *self.candidates]
        if self.more:
            texts.append(self.more)
        lines = [in_language(text, known) for text in texts]
        return "\n    ".join(lines), in_language(self.advice, known)


def reason_of(error: Exception) -> str:
    """What the system says of a file or an address, such as "no such file or directory"."""
    if isinstance(error, UnicodeError):
        return "it is not UTF-8"
    words = getattr(error, "strerror", None) or type(error).__name__
    return str(words[0].lower() + words[1:])


def without_password(text: str) -> str:
    """A text that may hold an address, as a message may show it."""
    return re.sub(r"(://[^:/@\s]*:).*@", r"\1***@", text)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what is behind it: libraries hide causes behind errors of their own."""
    passed: set[int] = set()
    while error is not None and id(error) not in passed:
        passed.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


class UsageError(CoinsyncError):
    """The command line asks for something that cannot be."""

    exit_code = 2
    advice = 'See "coinsync COMMAND --help".'


class ConfigError(CoinsyncError):
    """The configuration cannot be used; ``problems`` holds one line for each."""

    exit_code = 2
    advice = "Correct the configuration file; config.toml.example explains every key."

    def __init__(self, problems: Sequence[str], *, advice: str | None = None) -> None:
        super().__init__("\n".join(problems), advice=advice)
        self.problems = tuple(problems)


class SecretError(CoinsyncError):
    """A secret is missing, empty, given twice or readable by others."""

    exit_code = 2
    advice = "Give each secret once, in the environment or as NAME=value in a file of mode 0600."


class DatabaseUnusable(CoinsyncError):
    """The database has the wrong schema, settings, rights or owner."""

    exit_code = 2
    advice = "Nothing was written. Correct what the line names and run the command again."


class ClockWrong(CoinsyncError):
    """This machine's clock cannot be right."""

    exit_code = 2
    advice = "Nothing was written. Correct the clock of this machine and run the command again."


class ImportRefused(CoinsyncError):
    """A file of rows cannot be taken; ``problems`` are the first ones of ``count``.

    The exit code is another one where all of them have it.
    """

    exit_code = 2
    advice = "Correct the file and run the command again; nothing of it was written."

    def __init__(
        self,
        problems: Sequence[str],
        *,
        count: int | None = None,
        file: str = "the file",
        exit_code: int = 2,
    ) -> None:
        self.exit_code = exit_code
        self.problems = tuple(problems)
        self.count = len(problems) if count is None else count
        noun = "problem" if self.count == 1 else "problems"
        lines = [f"{file}: {self.count} {noun}; nothing written", *problems]
        if self.count > len(problems):
            lines.append(f"and {self.count - len(problems)} more")
        super().__init__("\n".join(lines))


class PictureRefused(CoinsyncError):
    """A picture is missing, cannot be read, or holds what no picture needs."""

    exit_code = 2
    advice = (
        "Take a PNG, JPEG, WebP, GIF or plain SVG; docs/catalog.md says how large."
        " Nothing was written."
    )


class CrmRefused(CoinsyncError):
    """The CRM refuses the key, or the role behind it."""

    exit_code = 2
    advice = (
        "Check the e-mail, the API key and that the role of this CRM user may use the API (v2api)."
    )


class VkRefused(CoinsyncError):
    """VK refuses the service key."""

    exit_code = 2
    advice = (
        "Check the service key against the VK app's settings; numbers of VK pages that are known"
        " already stay."
    )


class IncompleteRead(CoinsyncError):
    """The CRM's answer may not be whole, so nothing may be concluded from it."""

    exit_code = 3
    advice = "The next sync reads it again; if it stays so, look at that list or file yourself."


class UnsafePlan(CoinsyncError):
    """A guard refuses the plan."""

    exit_code = 5
    advice = (
        "Nothing was written. Look at the plan above; if it is right, accept exactly this plan by"
        " its digest."
    )


class StalePlan(CoinsyncError):
    """What the plan was made from is no longer so."""

    exit_code = 5
    advice = "Nothing was written. Run sync again: the new plan starts from what is true now."


class LedgerWentBack(CoinsyncError):
    """The ledger does not hold a seal that was seen on this machine."""

    exit_code = 5


class DigestMismatch(CoinsyncError):
    """The plan is not the one that was reviewed."""

    exit_code = 5
    advice = "The CRM says something else by now: look at sync --dry-run and pass its digest."


class NotFound(CoinsyncError):
    """Nothing answers to that name or number."""

    exit_code = 6
    advice = phrase("not_found_advice")


class Ambiguous(CoinsyncError):
    """Several answer to a name; each of ``candidates`` begins with a word that names it alone."""

    exit_code = 6
    advice = phrase("ambiguous_advice")

    def __init__(self, message: str, candidates: Sequence[str]) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates[:CANDIDATES_MAX])
        hidden = len(candidates) - len(self.candidates)
        if hidden:
            self.more = phrase("more_candidates", count=hidden)


class CoinPolicy(CoinsyncError):
    """The school's rules about coins do not allow the operation."""

    exit_code = 7
    advice: str = phrase("policy_advice")

    def __init__(self, message: str, *, advice: str | None = None) -> None:
        text = joined("; ", message, phrase("not_written"))
        # What has no Russian is English as a whole.
        super().__init__(text if isinstance(message, StaffText) else str(text), advice=advice)


class NotEnoughCoins(CoinPolicy):
    """The operation would take a balance below zero."""

    advice = phrase("not_enough_advice")


class AboveLimit(CoinPolicy):
    """One operation moves more coins than the configuration allows."""

    advice = phrase("above_limit_advice")


class PostedOtherwise(CoinPolicy):
    """The key of the operation is posted already, with other content."""

    advice = phrase("posted_otherwise_advice")


class LikelyDuplicate(CoinPolicy):
    """The same was posted a moment ago under another key."""

    advice = phrase("duplicate_advice")


class OutOfStock(CoinPolicy):
    """Fewer pieces are left than are needed."""

    advice = phrase("out_of_stock_advice")


class EventClosed(CoinPolicy):
    """The fair is closed: what was sold there is settled."""

    advice = phrase("event_closed_advice")


class AlreadyReversed(CoinPolicy):
    """The entry was taken back before; that happens once."""

    advice = phrase("reversed_advice")


class NotReversible(CoinPolicy):
    """Entries of this kind are not taken back by hand."""

    advice = phrase("not_reversible_advice")


class TryLater(CoinsyncError):
    """Nothing is wrong here; the same command may succeed later."""

    exit_code = 75
    advice = "Nothing was written. Run the same command again later."


class Busy(TryLater):
    """Another run holds the lock."""

    advice = "Wait for the other run, or pass --lock-timeout SECONDS."


class HeldTooLong(TryLater):
    """Another run has held the lock for longer than any run should take."""

    advice = (
        "Nothing will be written while it runs. Look what it does; it may be ended at any time,"
        " nothing is half-written then."
    )


class CrmUnreachable(TryLater):
    """The CRM cannot be reached, fails, or asks to wait too long."""

    advice = (
        "Check the address and the network, or wait; the next sync goes on where this one stopped."
    )


class VkUnavailable(TryLater):
    """VK cannot be reached, fails, or asks to stop."""

    advice = (
        "Check the address and the network, or wait; what was found is kept, the next sync asks for"
        " the rest."
    )


class NotAnAnswer(TryLater):
    """Something answered, but not in AlfaCRM's form."""

    advice = "Check the address: a proxy, a login page or maintenance may answer there."


class DatabaseUnavailable(TryLater):
    """The database cannot be opened, is busy, full or lost."""

    advice = "Nothing was written. Check the database, its address and disk, then try again."


class OutcomeUnknown(TryLater):
    """The answer to COMMIT was lost, and the database cannot be asked."""

    advice = "Run the same command again: what is recorded already is not recorded twice."
