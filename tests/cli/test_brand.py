"""How the cabinet looks, from the configuration.

Colours that cannot be read and pictures that are none are refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from coinsync import config, pictures
from coinsync.errors import ConfigError
from tests.support.school import Installation

DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle r="4" cx="4" cy="4"/></svg>'
)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """A folder with a configuration alone: nothing here needs a database."""
    installation = Installation(tmp_path)
    installation.configure()
    return installation


def looked(installation: Installation, *words: str) -> dict[str, list[str]]:
    """What the doctor says, by what it looks at."""
    lines: dict[str, list[str]] = {}
    for diagnosis in installation.run("doctor", "--offline", "--json", *words).json:
        lines.setdefault(diagnosis["look"], []).append(f"{diagnosis['state']} {diagnosis['said']}")
    return lines


def refused(installation: Installation, **changed: Any) -> tuple[str, ...]:
    """What is wrong, as it is told where the cabinet starts; the doctor says the same."""
    installation.configure(**changed)
    with pytest.raises(ConfigError) as caught:
        pictures.brand_pictures(config.load(installation.config).brand)
    said = looked(installation)
    told = [line for line in said["colours"] + said["pictures"] if not line.startswith("ok ")]
    assert told == [f"FAIL {problem}" for problem in caught.value.problems]
    return caught.value.problems


def test_every_pair_is_shown_with_its_contrast(installation: Installation) -> None:
    """The weakest always, and with -v all six."""
    weakest = "ok 6 pairs, the weakest has a contrast of 4.51 : 1"
    assert looked(installation)["colours"] == [weakest]
    first, *pairs = looked(installation, "-v")["colours"]
    assert (first, len(pairs)) == (weakest, 6)
    assert pairs[0] == "ok light: label on the accent, #ffffff on #1f6fc9: 5.02 : 1"
    assert all(pair.startswith("ok ") for pair in pairs)


def test_colours_that_cannot_be_read_are_refused(installation: Installation) -> None:
    """With the nearest that passes; following it is enough."""
    (problem,) = refused(installation, brand__accent_light="#2688eb")
    assert "#ffffff on #2688eb, has a contrast of 3.61 : 1" in problem
    shown = looked(installation, "-v")["colours"]
    assert "FAIL light: label on the accent, #ffffff on #2688eb: 3.61 : 1" in shown
    installation.configure(brand__accent_light=problem.split()[-1])
    assert all(line.startswith("ok ") for line in looked(installation)["colours"])


def test_the_cabinet_does_not_start_with_them(installation: Installation) -> None:
    """One line for each, before anything listens; other commands do not mind."""
    installation.configure(brand__accent_dark="#529ef4", brand__logo="none.svg")
    said = installation.run("serve")
    assert said.code == 2
    assert "[brand] accent_dark: dark: label on the accent" in said.err
    assert '[brand] logo: "none.svg" cannot be read' in said.err
    assert "coinsync doctor -v" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("colour", ["red", "#fff", "#12345g", 5, "#123456;}"])
def test_what_is_no_colour_is_no_configuration(installation: Installation, colour: object) -> None:
    """For every command."""
    installation.configure(brand__label=colour)
    said = installation.run("balance")
    assert said.code == 2
    assert "[brand] label: expected a colour such as #1f6fc9" in said.err


def test_pictures_are_read_and_named_by_what_they_hold(installation: Installation) -> None:
    """A drawing stays as it is, a PNG becomes small and bare."""
    installation.file("logo.svg", DRAWING)
    Image.new("RGBA", (300, 300), "gold").save(installation.folder / "coin.png")
    installation.configure(
        brand__logo="logo.svg", brand__coin="coin.png", brand__name="Росток", brand__label="#FFFFFF"
    )
    settings = config.load(installation.config)
    shown = pictures.brand_pictures(settings.brand)
    assert settings.profile.name == "Росток"
    assert settings.brand.label == "#ffffff"
    assert shown.contents[shown.logo] == DRAWING.encode()
    assert shown.logo.endswith(".svg")
    assert shown.coin.endswith(".webp")
    assert shown.contents[shown.coin].startswith(b"RIFF")
    assert looked(installation)["pictures"] == ["ok logo.svg, coin.png"]


def test_without_a_name_of_its_own_the_cabinet_has_the_schools(installation: Installation) -> None:
    """And without pictures it has none."""
    settings = config.load(installation.config)
    assert settings.profile.name == settings.school.name
    assert pictures.brand_pictures(settings.brand) == pictures.BrandPictures("", "", {})
    assert looked(installation)["pictures"] == ["ok the school has none of its own"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none.svg", None, '"none.svg" cannot be read'),
        ("logo.jpg", b"\xff\xd8\xff", '"logo.jpg" is neither an SVG nor a PNG'),
        ("logo.png", b"no picture", '"logo.png" is neither PNG'),
        (
            "logo.svg",
            b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
            '"logo.svg" holds the element',
        ),
        (
            "logo.svg",
            DRAWING.encode() + b" " * pictures.BRAND_BYTES_MAX,
            '"logo.svg" has more than 100 KB',
        ),
    ],
    ids=["missing", "another kind", "no picture", "a program", "too large"],
)
def test_a_picture_that_is_none_is_refused(
    installation: Installation, name: str, content: bytes | None, says: str
) -> None:
    """Whichever of the two it is."""
    if content is not None:
        (installation.folder / name).write_bytes(content)
    for key in ("logo", "coin"):
        (problem,) = refused(installation, **{f"brand__{key}": name})
        assert problem.startswith(f"config: [brand] {key}: ")
        assert says in problem
