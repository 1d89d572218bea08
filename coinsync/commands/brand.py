"""How the cabinet looks: the school's colours and pictures, judged before a family sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from coinsync.commands.session import Session
from coinsync.core import colour
from coinsync.errors import ConfigError, PictureRefused

if TYPE_CHECKING:
    from coinsync.config import BrandSettings, Settings

BYTES_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Shown:
    """The pictures that the cabinet shows of the school, by name; ``logo`` and ``coin`` are names, "" for none."""

    logo: str
    coin: str
    pictures: Mapping[str, bytes] = field(repr=False)


def check(ctx: typer.Context) -> int:
    """The colours of the cabinet, each pair with its contrast, and its pictures; 2 when something cannot be used."""
    session: Session = ctx.obj
    settings = session.settings
    pairs, problems = colour.pairs(settings.brand), _problems(settings.brand)
    if session.json:
        data = [
            {
                "key": one.key,
                "what": one.what,
                "text": one.text,
                "ground": one.ground,
                "ratio": one.told,
            }
            for one in pairs
        ]
        session.tell({"pairs": data, "problems": problems})
    for one in pairs:
        session.say(
            f"{one.what:<28}{one.text} on {one.ground}  {one.told:>5} : 1  {'ok' if one.passes else 'too little'}"
        )
    for problem in problems:
        session.complain(problem)
    return ConfigError.exit_code if problems else 0


def shown(settings: Settings) -> Shown:
    """What the cabinet shows. Raises ``ConfigError`` with everything that cannot be used."""
    problems = _problems(settings.brand)
    if problems:
        raise ConfigError(
            problems, advice='"coinsync brand check" shows every pair of colours with its contrast.'
        )
    logo, coin = _picture(settings.brand.logo), _picture(settings.brand.coin)
    return Shown(logo=next(iter(logo), ""), coin=next(iter(coin), ""), pictures={**logo, **coin})


def _problems(brand: BrandSettings) -> list[str]:
    found = colour.problems(brand)
    for name, path in (("logo", brand.logo), ("coin", brand.coin)):
        try:
            _picture(path)
        except PictureRefused as error:
            found.append(f"config: [brand] {name}: {error.message}")
    return found


def _picture(path: Path | None) -> dict[str, bytes]:
    """A picture as it is served, under its name; nothing where there is none. Raises ``PictureRefused``."""
    from coinsync import pictures
    from coinsync.core.files.sheet import quoted

    if path is None:
        return {}
    if path.suffix.lower() not in (".svg", ".png"):
        raise PictureRefused(f"{quoted(path.name)} is neither an SVG nor a PNG")
    copy = pictures.web_picture(path)
    if path.stat().st_size > BYTES_MAX:
        raise PictureRefused(f"{quoted(path.name)} has more than {BYTES_MAX // 1000} KB")
    return {copy.name: copy.content}
