"""Colours: contrast as WCAG computes it, the nearest that passes, and that the cabinet can always be read."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsync.core.colour import (
    CONTRAST_MIN,
    DARK,
    LIGHT,
    Colours,
    Palette,
    contrast,
    is_colour,
    nearest,
    pairs,
    problems,
)
from tests.support.makers import thorough
from webview.page_renderer import properties

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#767676", "#ffffff", 4.54),
        ("#2688eb", "#ffffff", 3.62),
        ("#4bb34b", "#ffffff", 2.68),
        ("#529ef4", "#19191a", 6.32),
        ("#123456", "#123456", 1.0),
    ],
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    """Known values, the same both ways."""
    assert round(contrast(one, other), 2) == round(contrast(other, one), 2) == ratio


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_of_the_palettes_can_be_read_on_every_ground(palette: Palette) -> None:
    """Small and quiet texts too."""
    for text, ground in product(
        (palette.text, palette.quiet, palette.gain), (palette.ground, palette.card, palette.fill)
    ):
        assert contrast(text, ground) >= CONTRAST_MIN, (text, ground)


def test_the_usual_colours_pass() -> None:
    """A school that chooses nothing has a cabinet that can be read."""
    assert problems(Colours()) == []
    assert all(pair.passes for pair in pairs(Colours()))
    assert [pair.key for pair in pairs(Colours())] == [
        "accent_light",
        "link_light",
        "link_light",
        "accent_dark",
        "link_dark",
        "link_dark",
    ]


@thorough(30)
@given(colours, st.lists(colours, min_size=1, max_size=1))
def test_the_nearest_passes_and_is_the_colour_itself_where_that_does(
    colour: str, others: list[str]
) -> None:
    """Against one ground there is always one."""
    found = nearest(colour, others)
    assert is_colour(found)
    assert contrast(found, others[0]) >= CONTRAST_MIN
    assert (found == colour) == (contrast(colour, others[0]) >= CONTRAST_MIN)


@thorough(30)
@given(colours, colours)
def test_links_made_of_an_accent_can_always_be_read(light: str, dark: str) -> None:
    """On the page and on a card, in both appearances."""
    found = pairs(Colours(accent_light=light, accent_dark=dark))
    assert all(pair.passes for pair in found if pair.key.startswith("link_"))


@thorough(30)
@given(colours, colours, colours)
def test_what_is_proposed_is_accepted(light: str, dark: str, label: str) -> None:
    """Whoever follows the advice is done."""
    chosen = Colours(light, dark, label)
    better = {pair.key: pair.instead for pair in pairs(chosen) if not pair.passes}
    assert (
        problems(Colours(**{"accent_light": light, "accent_dark": dark, "label": label, **better}))
        == []
    )


def test_a_colour_that_fails_is_named_with_the_nearest_that_passes() -> None:
    """One line for each setting, the worst of its pairs."""
    assert problems(Colours(accent_light="#2688eb", link_dark="#333333")) == [
        "config: [brand] accent_light: light: label on the accent, #ffffff on #2688eb, has a contrast of 3.61 : 1"
        " and needs 4.5 : 1; the nearest that passes is #2278cf",
        "config: [brand] link_dark: dark: link on a card, #333333 on #19191a, has a contrast of 1.39 : 1"
        " and needs 4.5 : 1; the nearest that passes is #818181",
    ]


def test_a_ratio_is_never_told_as_more_than_it_is() -> None:
    """4.499 is not 4.5."""
    assert next(pair for pair in pairs(Colours(accent_light="#777777"))).told == "4.47"


@pytest.mark.parametrize(
    "text",
    ["", "red", "#fff", "#12345g", "#FFFFFF", "#1234567", "#123456\n", "#123456;}", "rgb(1,2,3)"],
)
def test_what_is_no_colour_is_refused_at_birth(text: str) -> None:
    """It would end up in a style sheet."""
    assert not is_colour(text)
    for name in ("accent_light", "accent_dark", "label"):
        with pytest.raises(ValueError, match="a colour such as"):
            Colours(**{name: text})


def test_the_style_sheet_names_every_colour_light_and_dark() -> None:
    """The system's appearance first, what VK says over it."""
    style = properties(Colours(accent_light="#112233", accent_dark="#445566", link_dark="#aabbcc"))
    system, light, dark = (
        style.partition("@media")[0],
        style.splitlines()[-1],
        style.splitlines()[-2],
    )
    assert "color-scheme: light dark" in system
    assert "--accent: #112233" in system
    assert '@media (prefers-color-scheme: dark) { :root:not([data-appearance="light"]) {' in style
    assert style.count("--accent: #445566; --label: #ffffff; --link: #aabbcc;") == 2
    assert dark.startswith(':root[data-appearance="dark"] { color-scheme: dark;')
    assert light == ':root[data-appearance="light"] { color-scheme: light; }'
    for name in (*Palette.__slots__, "accent", "label", "link"):
        assert style.count(f"--{name}: #") == 3
