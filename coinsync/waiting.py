"""A bound on a whole exchange with another machine, whatever it consists of."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

#: So often an exchange is told to end, and so long each time it is waited for.
TRIES_MAX, TRY_SECONDS = 5, 0.1


class TookTooLong(Exception):
    """An exchange did not end in its time."""


def within(seconds: float, exchange: Callable[[], T]) -> T:
    """What ``exchange`` returns or raises; ``TookTooLong`` when it has not ended in ``seconds``.

    A socket's time-out bounds a single read, so a server that sends a byte now and then keeps every
    one of them, and looking up a host's name has no time-out at all. So the exchange has a thread
    of its own, which nobody waits for when it takes too long.
    """
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(exchange())
        except BaseException as error:
            result.set_exception(error)

    thread = Thread(target=run, name="exchange", daemon=True)
    thread.start()
    try:
        return result.result(seconds)
    except TimeoutError:
        if result.done():
            # It is the exchange's own error.
            raise
        _give_up(thread)
        raise TookTooLong from None


def _give_up(thread: Thread) -> None:
    # Loaded late: hardly any program needs it.
    import ctypes

    # The thread meets this error at the next byte, or when its socket's time-out ends a read, and
    # closes what it has open. Without it a server could keep thousands of connections.
    # Where it meets it while something is being tidied up, Python swallows it: so more than once.
    for _ in range(TRIES_MAX):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TookTooLong)
        )
        thread.join(TRY_SECONDS)
        if not thread.is_alive():
            return
