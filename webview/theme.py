"""A school's colours as custom properties of the style sheet, light and dark."""

from __future__ import annotations

from coinsync.core.colour import DARK, LIGHT, Colours, Palette


def properties(colours: Colours) -> str:
    """Style rules that name every colour, for light and dark.

    The system's appearance decides, unless ``data-appearance`` says what VK says.
    """
    light_link, dark_link = colours.links
    light = _declared(LIGHT, colours.accent_light, colours.label, light_link)
    dark = _declared(DARK, colours.accent_dark, colours.label, dark_link)
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        "@media (prefers-color-scheme: dark) "
        f'{{ :root:not([data-appearance="light"]) {{ {dark} }} }}\n'
        f':root[data-appearance="dark"] {{ color-scheme: dark; {dark} }}\n'
        ':root[data-appearance="light"] { color-scheme: light; }\n'
    )


def _declared(palette: Palette, accent: str, label: str, link: str) -> str:
    named = {name: getattr(palette, name) for name in Palette.__slots__}
    named |= {"accent": accent, "label": label, "link": link}
    return " ".join(f"--{name}: {colour};" for name, colour in named.items())
