"""The school's colours and pictures, judged before a family sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from coinsync import pictures as files
from coinsync.core import colour
from coinsync.core.files.sheet import quoted
from coinsync.errors import ConfigError, PictureRefused

if TYPE_CHECKING:
    from coinsync.config import BrandSettings

BYTES_MAX = 100_000
ADVICE = 'Correct [brand]; "coinsync doctor -v" shows every pair of colours with its contrast.'


@dataclass(frozen=True, slots=True)
class BrandPictures:
    """The school's own pictures by name; ``logo`` and ``coin`` are names, "" for none."""

    logo: str
    coin: str
    contents: Mapping[str, bytes] = field(repr=False)


def pictures(brand: BrandSettings) -> BrandPictures:
    """What the web view shows. Raises ``ConfigError`` with every problem."""
    refused = problems(brand)
    if refused:
        raise ConfigError(refused, advice=ADVICE)
    logo, coin = _picture(brand.logo), _picture(brand.coin)
    return BrandPictures(next(iter(logo), ""), next(iter(coin), ""), {**logo, **coin})


def problems(brand: BrandSettings) -> list[str]:
    """What is wrong with the school's colours and pictures."""
    return colour.problems(brand) + picture_problems(brand)


def picture_problems(brand: BrandSettings) -> list[str]:
    """What is wrong with the logo and the picture of the coin."""
    problems = []
    for name, path in (("logo", brand.logo), ("coin", brand.coin)):
        try:
            _picture(path)
        except PictureRefused as error:
            problems.append(f"config: [brand] {name}: {error.message}")
    return problems


def _picture(path: Path | None) -> dict[str, bytes]:
    if path is None:
        return {}
    if path.suffix.lower() not in (".svg", ".png"):
        raise PictureRefused(f"{quoted(path.name)} is neither an SVG nor a PNG")
    copy = files.web_picture(path)
    if path.stat().st_size > BYTES_MAX:
        raise PictureRefused(f"{quoted(path.name)} has more than {BYTES_MAX // 1000} KB")
    return {copy.name: copy.content}
