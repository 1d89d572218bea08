"""The program: its environment, ``serve``, and ``main``, which turns errors into words.

Nothing in ``coinsync`` knows the clock, the system's environment or ``webview``; all three come in
here. ``coinsync.commands.program`` says which command lies where.
"""

# Answering ``--version`` must not wait for a library, so each function imports what it needs.
from __future__ import annotations

import gc
import io
import os
import re
import signal
import sys
from contextlib import suppress
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from coinsync import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from coinsync.commands.program import CommandGroup
    from coinsync.commands.serve import CabinetTerms
    from coinsync.commands.session import Session
    from coinsync.environment import Environment

#: What a shell gives for a program that was interrupted from the keyboard, and for one that a
#: signal ended it is this and the signal's number.
INTERRUPTED, SIGNALLED = 130, 128
#: New objects after which garbage is looked for; 700 in Python itself.
GARBAGE_THRESHOLD = 50_000

# --- the environment ------------------------------------------------------------------------------


def utc_now() -> datetime:
    """The time, aware, in UTC: the one place that asks the clock."""
    from datetime import UTC, datetime

    return datetime.now(UTC)  # noqa: TID251


def fresh_text() -> str:
    """32 hexadecimal digits that nobody has seen before."""
    return os.urandom(16).hex()


def environment(
    environ: Mapping[str, str], *, now: Callable[[], datetime] = utc_now
) -> Environment:
    """The real environment; a test may live at another time."""
    import time

    from coinsync.environment import Environment

    program = sys.argv[0]
    return Environment(
        environ=environ,
        now=now,
        monotonic=time.monotonic,
        sleep=time.sleep,
        fresh_text=fresh_text,
        chance=lambda: os.urandom(1)[0] / 256,
        # How it was called, for commands that are to be repeated.
        program=program if os.path.basename(program) == "coinsync" else "coinsync",
    )


# --- the web view ---------------------------------------------------------------------------------


def serve(session: Session, terms: CabinetTerms) -> None:
    """Serve the web view until it is stopped. Raises ``ConfigError`` or ``UsageError``."""
    import logging

    from coinsync.errors import UsageError, reason_of
    from coinsync.pictures import brand_pictures
    from webview.app import AppSettings, make_app
    from webview.serve import serve as listen

    settings = session.settings
    pictures = brand_pictures(settings.brand)
    with session.reader():
        pass  # A database that cannot be read is told now, not to the first family.
    logging.basicConfig(
        level=logging.WARNING if session.quiet else logging.INFO, format="%(asctime)s %(message)s"
    )
    app = AppSettings(
        settings.profile,
        app_id=terms.app_id,
        keys=terms.keys,
        age_seconds_max=terms.age_seconds_max,
        hosts=frozenset(terms.hosts),
        own_pictures=pictures.contents,
        logo=pictures.logo,
        coin=pictures.coin,
    )
    wsgi = make_app(
        app,
        session.database_url,
        now=lambda: session.now().timestamp(),
        reader=terms.reader,
    )
    try:
        listen(wsgi, terms.host, terms.port, terms.threads, terms.listening)
    except OSError as error:
        # The reason names the address.
        advice = "Choose another --port, or stop what listens there."
        raise UsageError(reason_of(error), advice=advice) from error


def sign(fields: Mapping[str, str], key: str) -> str:
    """Sign the parameters of a launch as VK does."""
    from webview.launch import sign

    return sign(fields, key)


def launch_fault(query: str, key: str, app_id: int, now: int) -> str:
    """Why the web view refuses a launch at ``now`` in Unix seconds; "" when it does not."""
    from webview.launch import LaunchFault, verify

    answer = verify(query, keys=[key], app_id=app_id, now=now)
    return answer.value if isinstance(answer, LaunchFault) else ""


# --- words and streams ----------------------------------------------------------------------------

_FLAGS = frozenset({"--json", "-q", "--quiet", "-v", "--verbose", "--debug"})
_VALUED = frozenset({"--config", "--branch", "--actor", "--ping-url"})


def hoisted(argv: Sequence[str]) -> list[str]:
    """Put global options first: people write ``coinsync sync --json`` too."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            # What follows is no option, whatever it looks like.
            rest.append(word)
            rest.extend(words)
        elif word in _FLAGS:
            front.append(word)
        elif word.partition("=")[0] in _VALUED:
            front.append(word)
            if word in _VALUED:
                # Else the command would be its value.
                value = next(words, None)
                if value is None:
                    return [word]
                front.append(value)
        else:
            rest.append(word)
    return front + rest


class PatientStream:
    """A stream whose closed pipe or full disk does not end a run half-way.

    A full disk is kept in ``failed``, and told in the end.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failed: OSError | None = None
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Write, or drop what nobody reads."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        """Flush, or drop what nobody reads."""
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        # Whoever closed a pipe has seen enough; every other failure is a loss.
        if self.failed is None and not isinstance(error, BrokenPipeError):
            self.failed = error
        self._stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


# --- main -----------------------------------------------------------------------------------------


@cache
def _commands() -> CommandGroup:
    # Making them takes longer than many of them do, and a test runs hundreds.
    from coinsync.commands.program import program

    return program()


def _run_command(
    words: Sequence[str], environment: Callable[[], Environment], sessions: list[Session]
) -> int:
    _refuse_other_encodings(words)

    def session(**options: Any) -> Session:
        from dataclasses import replace

        from coinsync.commands.session import Session, WebView

        web_view = WebView(serve, sign, launch_fault)
        made = Session(replace(environment(), words=tuple(words)), web_view, **options)
        sessions.append(made)
        return made

    code = _commands()(args=words, prog_name="coinsync", standalone_mode=False, obj=session)
    if code == INTERRUPTED:
        # Typer catches the interrupt wherever nobody is asked something, and says nothing.
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0


def _refuse_other_encodings(words: Sequence[str]) -> None:
    try:
        "".join(words).encode()
    except UnicodeEncodeError as error:
        from coinsync.errors import UsageError

        # What cannot be read would be left out of a text that cannot be changed any more.
        advice = "Set the terminal to UTF-8, and run: export LC_ALL=C.UTF-8"
        raise UsageError("the command line is not UTF-8", advice=advice) from error


def main(argv: Sequence[str], environment: Environment) -> int:
    """Run a command line; an error becomes one line, one line of advice and a code."""
    return _main(argv, lambda: environment)


def _main(
    argv: Sequence[str], environment: Callable[[], Environment], signals: Sequence[int] = ()
) -> int:
    words = hoisted(argv)
    quiet = "-q" in words or "--quiet" in words
    sessions: list[Session] = []
    try:
        code = _run_command(words, environment, sessions)
    except (Exception, KeyboardInterrupt) as error:
        from coinsync.commands.program import command_of
        from coinsync.errors import Busy

        message, advice, code = _explained(error, sessions)
        if code == INTERRUPTED and signals:
            code = SIGNALLED + signals[0]
        advice = advice.replace("COMMAND", command_of(words)).replace("  ", " ")
        if not message and "--debug" in words:
            raise
        message = message or f"unexpected error ({type(error).__name__}); nothing is half-written"
        if isinstance(error, Busy):
            # Where two crons met, the one that came first does the work.
            sessions.clear()
        if not (quiet and isinstance(error, Busy)):
            if "--json" in words:
                _complain_to_program(message, advice, code)
            else:
                _complain(message, "" if quiet else advice)
    if code not in (0, INTERRUPTED):
        for session in sessions:
            session.ping("fail")
    return code


def _explained(error: BaseException, sessions: Sequence[Session]) -> tuple[str, str, int]:
    import typer

    from coinsync.errors import CoinsyncError
    from coinsync.staff_texts import ENGLISH, StaffText

    if isinstance(error, CoinsyncError):
        language = ENGLISH
        # What has both languages was said after the configuration was read.
        if sessions and isinstance(error.message, StaffText):
            language = sessions[0].staff_language
        return *error.in_language(language), error.exit_code
    if isinstance(error, typer.TyperException):
        option = getattr(error, "option_name", "")
        if option[:1] == "-" and option[1:].isdigit():
            # A number below zero looks like an option.
            advice = 'Write a number above 0; "coinsync debit" takes coins.'
            return f"'{option}' is below 0", advice, 2
        message = error.format_message().replace("valid int range", "whole number")
        message = " ".join(message.split())
        return message, 'See "coinsync COMMAND --help".', 2
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        message, advice = "interrupted; nothing is half-written", "Run the same command again."
        return message, advice, INTERRUPTED
    if isinstance(error, MemoryError):
        return "out of memory; nothing written", "Give the process more memory.", 1
    return "", CoinsyncError.advice, 1


def _complain(message: str, advice: str) -> None:
    import textwrap

    fold = textwrap.TextWrapper(
        sys.maxsize, subsequent_indent=" " * 4, break_long_words=False, break_on_hyphens=False
    )
    # In a pipe, which has no size, and at a terminal that says 0, each is one line.
    with suppress(OSError, ValueError):
        fold.width = os.get_terminal_size(sys.stderr.fileno()).columns or fold.width
    lines = f"coinsync: {message}".splitlines()
    if advice:
        lines.append(f"  → {advice}")
    for line in lines:
        # A command is copied whole.
        kept = re.sub('coinsync [^";,]+', lambda match: match[0].replace(" ", "\0"), line)
        sys.stderr.write(fold.fill(kept).replace("\0", " ") + "\n")


def _complain_to_program(message: str, advice: str, code: int) -> None:
    from coinsync.render.data import json_text

    error = {"message": message, "advice": advice, "exit_code": code}
    sys.stderr.write(f"{json_text(error)}\n")


def _interrupted_by_signals() -> list[int]:
    """Let SIGTERM and SIGHUP end the program as Ctrl-C does; those that came are in the list."""
    signals: list[int] = []

    def interrupt(number: int, _frame: object) -> None:
        signals.append(number)
        # A terminal that closes may send two, and the second must not disturb the end.
        if len(signals) == 1:
            raise KeyboardInterrupt(number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        # What nohup started goes on.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    return signals


def _open_closed_streams() -> None:
    """Put nothing where a stream is closed: the next file that is opened would take its place."""
    # Each takes the lowest number that is free, which is its own.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def _begin_in_utf8(environ: Mapping[str, str]) -> None:
    """Begin anew in Python's UTF-8 mode where the locale has another encoding."""
    # A terminal sends UTF-8 whatever the locale says, and what is posted cannot be changed.
    if sys.getfilesystemencoding() != "utf-8" and environ.get("PYTHONUTF8") != "1":
        words = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, words, {**environ, "PYTHONUTF8": "1"})


def run() -> NoReturn:
    """The program ``coinsync``."""
    environ = dict(os.environ)  # noqa: TID251
    _begin_in_utf8(environ)
    # What a start makes stays: looking for garbage in it again and again costs a tenth of the time.
    gc.set_threshold(GARBAGE_THRESHOLD)
    _open_closed_streams()
    out = PatientStream(sys.stdout)
    sys.stdout, sys.stderr = out, PatientStream(sys.stderr)
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"coinsync {__version__}\n")
        code = 0
    else:
        signals = _interrupted_by_signals()
        code = _main(sys.argv[1:], partial(environment, environ), signals)
    out.flush()
    if out.failed is not None and code == 0:
        _complain(
            f"its output could not be written whole ({out.failed.strerror})",
            "What it posted stands; look with a command that can be read.",
        )
        code = 1
    sys.exit(code)


if __name__ == "__main__":
    run()
