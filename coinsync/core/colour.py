"""The cabinet's colours, and whether a text in them can be read: the contrast of WCAG 2.

The backgrounds are VK's own; a school chooses its accent, what is written on it, and links.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coinsync.core.setting import expect, setting

#: The contrast that every text has at least, to 1.
CONTRAST_MIN = 4.5

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_BLACK, _WHITE = "#000000", "#ffffff"
_STEPS = 256


@dataclass(frozen=True, slots=True)
class Palette:
    """What surrounds a school's colours, light or dark; all its texts can be read on it."""

    ground: str
    card: str
    fill: str
    text: str
    quiet: str
    line: str
    gain: str


#: VK's own "sub-heading" has a contrast of 4.49 on white, so the quiet text of the light palette is
#: darker than that.
LIGHT = Palette("#ebedf0", _WHITE, "#f5f5f5", _BLACK, "#5f6a76", "#dfe1e4", "#257a2c")
DARK = Palette("#0a0a0a", "#19191a", "#232324", "#e1e3e6", "#969a9f", "#363738", "#62c462")


def as_colour(value: Any) -> str:
    """A colour of the configuration; "" stands for none where that is the default."""
    expect(isinstance(value, str) and is_colour(value.lower()), "a colour such as #1f6fc9")
    return str(value).lower()


@dataclass(frozen=True, slots=True)
class Colours:
    """What a school chooses, as "#rrggbb"; a link that is "" is the accent, or near it."""

    accent_light: str = setting(
        as_colour, "Behind the balance, and of buttons, in the light appearance …", "#1f6fc9"
    )
    accent_dark: str = setting(as_colour, "… and in the dark one.", "#2b62ab")
    label: str = setting(as_colour, "What is written on it.", _WHITE)
    link_light: str = setting(
        as_colour, "Links; empty: the accent, as near to it as can be read.", ""
    )
    link_dark: str = setting(as_colour, default="")

    def __post_init__(self) -> None:
        # These texts end up in a style sheet.
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
    """A text in one colour on a background in another.

    ``key`` is the setting that decides, ``instead`` the nearest colour that would pass.
    """

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
        """Whether the text can be read."""
        return self.ratio >= CONTRAST_MIN

    @property
    def told(self) -> str:
        """The ratio for a person, rounded down: 4.499 must not look like enough."""
        return f"{int(self.ratio * 100) / 100:.2f}"


def is_colour(text: str) -> bool:
    """Whether a text is a colour: "#" and six digits from 0 to f."""
    return _COLOUR.fullmatch(text) is not None


def pairs(colours: Colours) -> tuple[Pair, ...]:
    """Every pair that a school's choice decides, light before dark."""
    label, (light_link, dark_link) = colours.label, colours.links
    decided: list[Pair] = []
    for name, palette, accent, link in (
        ("light", LIGHT, colours.accent_light, light_link),
        ("dark", DARK, colours.accent_dark, dark_link),
    ):
        other_accent = nearest(accent, (label,))
        other_link = nearest(link, (palette.ground, palette.card))
        link_key = f"link_{name}"
        decided += (
            Pair(f"accent_{name}", f"{name}: label on the accent", label, accent, other_accent),
            Pair(link_key, f"{name}: link on the page", link, palette.ground, other_link),
            Pair(link_key, f"{name}: link on a card", link, palette.card, other_link),
        )
    return tuple(decided)


def problems(colours: Colours) -> list[str]:
    """One line for each setting with a text that cannot be read, and what would do."""
    worst: dict[str, Pair] = {}
    for pair in pairs(colours):
        if not pair.passes and pair.ratio <= worst.get(pair.key, pair).ratio:
            worst[pair.key] = pair
    lines = []
    for key, pair in worst.items():
        lines.append(
            f"config: [brand] {key}: {pair.what}, {pair.text} on {pair.ground}, has a contrast of"
            f" {pair.told} : 1 and needs {CONTRAST_MIN} : 1; the nearest that passes is"
            f" {pair.instead}"
        )
    return lines


def contrast(one: str, other: str) -> float:
    """How well two colours are told apart: from 1, the same, to 21, black and white."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """How much light a colour gives, from 0 to 1, as WCAG 2 defines it."""
    red, green, blue = map(_linear, _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    # The gamma of sRGB is undone.
    if channel <= 0.04045:
        return channel / 12.92
    return float(((channel + 0.055) / 1.055) ** 2.4)


def nearest(colour: str, others: Sequence[str]) -> str:
    """The colour itself where it can be told from all ``others``, else the nearest that can.

    It is looked for on straight ways to black and to white, so that the hue stays. Where nothing
    passes, it is whichever of these is told apart better.
    """
    for step in range(_STEPS + 1):
        for end in (_BLACK, _WHITE):
            mixed = _mixed(colour, end, step / _STEPS)
            if _worst(mixed, others) >= CONTRAST_MIN:
                return mixed
    return max((_BLACK, _WHITE), key=lambda end: _worst(end, others))


def _worst(colour: str, others: Sequence[str]) -> float:
    return min(contrast(colour, other) for other in others)


def _mixed(colour: str, end: str, share: float) -> str:
    digits = ""
    for channel, end_channel in zip(_channels(colour), _channels(end), strict=True):
        digits += f"{round(255 * (channel + (end_channel - channel) * share)):02x}"
    return f"#{digits}"


def _channels(colour: str) -> list[float]:
    return [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
