"""A seal can be written by hand and read back; nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsync.core.seal import EXAMPLE, Seal, parse_seal, seal_of
from coinsync.errors import UsageError

SEALED = Seal(420, "7c1e33a09f42d0b85511")


@given(st.integers(0, 10**12), st.text("0123456789abcdef", min_size=64, max_size=64))
def test_what_is_printed_is_read_back(run: int, chain: str) -> None:
    """The number, and the first twenty digits in groups of four."""
    seal = seal_of(run, chain)
    assert parse_seal(str(seal)) == seal
    assert chain.startswith(seal.digits)
    assert len(str(seal)) == len(str(run)) + 3 + 24


@pytest.mark.parametrize(
    "typed",
    [
        EXAMPLE,
        "420 7c1e33a09f42d0b85511",
        "  420·7C1E 33A0 9F42 D0B8 5511\n",
        "420 — 7c1e‑33a0–9f42−d0b8—5511.",
        "420: 7c1e, 33a0, 9f42, d0b8, 5511",
    ],
)
def test_paper_and_messengers_may_change_what_stands_between(typed: str) -> None:
    """Spaces, dots and dashes of every kind, and capitals."""
    assert parse_seal(typed) == SEALED


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "420",
        "7c1e-33a0-9f42-d0b8-5511",
        f"{EXAMPLE}0",
        EXAMPLE[:-1],
        "x" * 5000,
        "٤٢٠ · " + "0" * 20,
    ],
)
def test_anything_else_is_refused_in_one_line(typed: str) -> None:
    """With an example of a seal."""
    with pytest.raises(UsageError) as caught:
        parse_seal(typed)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 120
    assert EXAMPLE in caught.value.advice
