"""A person's choice where what they typed means several: by number, the same everywhere."""

from __future__ import annotations

from contextlib import suppress

import typer

from coinsync.commands.session import Session, at_terminal, somebody_is_there
from coinsync.core.identity import clean, plain_number
from coinsync.errors import Ambiguous, CoinsyncError
from coinsync.staff_texts import joined, phrase


def can_ask(session: Session) -> bool:
    """Whether a person sees questions and can answer them."""
    return somebody_is_there() and not (session.json or session.quiet)


def ask_line(prompt: str) -> str:
    """A line that a person types. Raises ``EOFError`` when nobody types any more."""
    with suppress(ImportError):
        import readline  # noqa: F401  Arrow keys and history, where the terminal has them.
    return clean(input(prompt))


def choose(session: Session, error: Ambiguous) -> str:
    """What names the candidate alone that a person chooses. Raises ``Ambiguous`` for none."""
    typer.echo(session.for_staff(error.message))
    for number, candidate in enumerate(error.candidates, 1):
        typer.echo(f"{number:4}  {session.for_staff(candidate)}")
    if error.more:
        typer.echo(session.for_staff(error.more))
    prompt = session.for_staff(phrase("number"))
    chosen = plain_number(ask_line(f"{prompt}> "))
    if not chosen or chosen > len(error.candidates):
        raise Ambiguous(joined("; ", error.message, phrase("none_chosen")), ())
    return error.candidates[chosen - 1].split()[0]


def chosen_resident(ctx: typer.Context, text: str | None) -> str | None:
    """A resident's name as it was typed, or the number that a person chose where it means several.

    Programs are not asked: to them the command tells the candidates.
    """
    from coinsync.lookup.residents import find_card

    if text is None or plain_number(text.removeprefix("#")) is not None or ctx.resilient_parsing:
        return text
    if not can_ask(ctx.obj):
        return text
    try:
        with ctx.obj.reader() as reader:
            find_card(reader, text)
    except Ambiguous as error:
        with at_terminal(), suppress(EOFError):
            return choose(ctx.obj, error)
    except CoinsyncError:
        pass  # The command itself says what is wrong.
    return text
