"""The cabinet's colours, and whether a text in them can be read: the contrast of WCAG 2, computed.

The grounds are VK's own, so that the cabinet looks at home there; a school chooses only its accent, what is written on
the accent, and links.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from coinsync.core.setting import Setting, expect

#: The contrast that every text has at least, to 1.
CONTRAST_MIN = 4.5

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_BLACK, _WHITE = "#000000", "#ffffff"
_STEPS = 256


@dataclass(frozen=True, slots=True)
class Palette:
    """What surrounds a school's colours, light or dark; every text of it can be read on every ground."""

    ground: str
    card: str
    fill: str
    text: str
    quiet: str
    line: str
    gain: str


#: VK's own "sub-heading" has a contrast of 4.49 on white, so the quiet text of the light palette is darker than that.
LIGHT = Palette("#ebedf0", _WHITE, "#f5f5f5", _BLACK, "#5f6a76", "#dfe1e4", "#257a2c")
DARK = Palette("#0a0a0a", "#19191a", "#232324", "#e1e3e6", "#969a9f", "#363738", "#62c462")


def as_colour(value: Any) -> str:
    """What a colour of the configuration may be; "" stands for none where that is the default."""
    expect(isinstance(value, str) and is_colour(value.lower()), "a colour such as #1f6fc9")
    return str(value).lower()


@dataclass(frozen=True, slots=True)
class Colours:
    """What a school chooses, as "#rrggbb"; a link that is "" takes the accent, as near to it as can be read."""

    accent_light: Annotated[
        str, Setting(as_colour, "Behind the balance, and of buttons, in the light appearance …")
    ] = "#1f6fc9"
    accent_dark: Annotated[str, Setting(as_colour, "… and in the dark one.")] = "#2b62ab"
    label: Annotated[str, Setting(as_colour, "What is written on it.")] = _WHITE
    link_light: Annotated[
        str, Setting(as_colour, "Links; empty: the accent, as near to it as can be read.")
    ] = ""
    link_dark: Annotated[str, Setting(as_colour)] = ""

    def __post_init__(self) -> None:
        """Refuse at birth what is no colour: these texts end up in a style sheet."""
        links = [link for link in (self.link_light, self.link_dark) if link]
        for colour in (self.accent_light, self.accent_dark, self.label, *links):
            if not is_colour(colour):
                raise ValueError(f"a colour such as #1f6fc9 is needed, got {colour!r}")

    @property
    def links(self) -> tuple[str, str]:
        """The colours of a link, light and dark."""
        return (
            self.link_light or nearest(self.accent_light, (LIGHT.ground, LIGHT.card)),
            self.link_dark or nearest(self.accent_dark, (DARK.ground, DARK.card)),
        )


@dataclass(frozen=True, slots=True)
class Pair:
    """A text in one colour on a ground in another; ``key`` is the setting that decides, ``instead`` what would pass."""

    key: str
    what: str
    text: str
    ground: str
    instead: str

    @property
    def ratio(self) -> float:
        """How well they are told apart, to 1."""
        return contrast(self.text, self.ground)

    @property
    def passes(self) -> bool:
        """Tell whether the text can be read."""
        return self.ratio >= CONTRAST_MIN

    @property
    def told(self) -> str:
        """The ratio for a person, never rounded up to what it is not."""
        return f"{int(self.ratio * 100) / 100:.2f}"


def is_colour(text: str) -> bool:
    """Tell whether a text is a colour as it is written here: "#" and six digits from 0 to f."""
    return _COLOUR.fullmatch(text) is not None


def pairs(colours: Colours) -> tuple[Pair, ...]:
    """Every pair that a school's choice decides, light before dark."""
    found = []
    light, dark = colours.links
    for name, palette, accent, link in (
        ("light", LIGHT, colours.accent_light, light),
        ("dark", DARK, colours.accent_dark, dark),
    ):
        grounds = (palette.ground, palette.card)
        other, another = nearest(accent, (colours.label,)), nearest(link, grounds)
        found += [
            Pair(f"accent_{name}", f"{name}: label on the accent", colours.label, accent, other),
            Pair(f"link_{name}", f"{name}: link on the page", link, palette.ground, another),
            Pair(f"link_{name}", f"{name}: link on a card", link, palette.card, another),
        ]
    return tuple(found)


def problems(colours: Colours) -> list[str]:
    """One line for each setting with a text that cannot be read, and what would do instead."""
    worst: dict[str, Pair] = {}
    for pair in pairs(colours):
        if not pair.passes and (pair.key not in worst or pair.ratio < worst[pair.key].ratio):
            worst[pair.key] = pair
    return [
        f"config: [brand] {key}: {pair.what}, {pair.text} on {pair.ground}, has a contrast of {pair.told} : 1 and needs"
        f" {CONTRAST_MIN} : 1; the nearest that passes is {pair.instead}"
        for key, pair in worst.items()
    ]


def contrast(one: str, other: str) -> float:
    """How well two colours are told apart: from 1, the same, to 21, black and white."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """How much light a colour gives, from 0 to 1, as WCAG 2 defines it."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in _parts(colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def nearest(colour: str, others: Sequence[str]) -> str:
    """The colour itself where it can be told from all the ``others``, else the nearest that can, darker or lighter.

    Nearest on the straight way to black or to white, so that the hue stays; where nothing on either way passes, black
    or white, whichever is told apart better.
    """
    if _passes(colour, others):
        return colour
    found = [one for one in (_first(colour, end, others) for end in (_BLACK, _WHITE)) if one]
    if not found:
        return max((_BLACK, _WHITE), key=lambda end: min(contrast(end, other) for other in others))
    return min(found, key=lambda one: _distance(one, colour))


def _first(colour: str, end: str, others: Sequence[str]) -> str | None:
    way = (_mixed(colour, end, step / _STEPS) for step in range(1, _STEPS + 1))
    return next((one for one in way if _passes(one, others)), None)


def _passes(colour: str, others: Sequence[str]) -> bool:
    return all(contrast(colour, other) >= CONTRAST_MIN for other in others)


def _mixed(colour: str, end: str, share: float) -> str:
    mixed = (
        round(255 * (one + (other - one) * share))
        for one, other in zip(_parts(colour), _parts(end), strict=True)
    )
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _distance(one: str, other: str) -> float:
    return sum((a - b) ** 2 for a, b in zip(_parts(one), _parts(other), strict=True))


def _parts(colour: str) -> list[float]:
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
