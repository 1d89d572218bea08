"""The school as its families know it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from coinsync.core.colour import Colours
from coinsync.core.rules import Rule
from coinsync.core.setting import code, expect, free_text, setting, text, whole

_VK_LINK = re.compile(r"https://(vk\.me|vk\.com|vk\.ru)/[\w.?=&-]{1,100}", re.ASCII)


def vk_link(value: object) -> str:
    """An address inside VK, or nothing: the cabinet leads nowhere else."""
    link = free_text(value).strip()
    expect(not link or bool(_VK_LINK.fullmatch(link)), "a link such as https://vk.me/school")
    return link


@dataclass(frozen=True, slots=True)
class Contact:
    """How a family gets what it has saved up for, and whom it asks. Shown in the catalog, beside a
    wish that is reached, and wherever the cabinet cannot help; empty lines are left out.
    """

    text_ru: str = setting(
        free_text,
        "Where goods are handed out, and by whom.",
        "",
        sample="Заказы выдаёт администратор на ресепшене.",
    )
    text_en: str = setting(
        free_text, default="", sample="Ask the administrator at the reception desk."
    )
    hours_ru: str = setting(
        free_text, "When the shop is open.", "", sample="Магазин открыт по пятницам с 16 до 19."
    )
    hours_en: str = setting(
        free_text, default="", sample="The shop is open on Fridays from 16 to 19."
    )
    link: str = setting(
        vk_link, "Where families write to the school.", "", sample="https://vk.me/rostok_school"
    )


@dataclass(frozen=True, slots=True)
class Way:
    """A way to earn besides lessons."""

    code: str = setting(code, "A short word, never change it.")
    title_ru: str = setting(text, "As families see it.")
    title_en: str = setting(text)
    coins: int = setting(whole(1, 1_000_000))
    text_ru: str = setting(free_text, "What to do for it.", "")
    text_en: str = setting(free_text, default="")


@dataclass(frozen=True, slots=True)
class SchoolProfile:
    """What families read in the school's own words.

    Coin forms are for 1, 2 and 5 in Russian, 1 and 2 in English; ``lesson_titles`` (Russian,
    English) are by rule.
    """

    name: str
    coin_forms_ru: tuple[str, str, str]
    coin_forms_en: tuple[str, str]
    zone: ZoneInfo
    zones: Mapping[int, ZoneInfo] = field(default_factory=dict)
    ways: tuple[Way, ...] = ()
    rules: tuple[Rule, ...] = ()
    lesson_titles: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    contact: Contact = field(default_factory=Contact)
    colours: Colours = field(default_factory=Colours)
    pictures: Path | None = None

    def zone_of(self, branches: Iterable[int]) -> ZoneInfo:
        """The zone of the first of a resident's branches that has one, else the school's."""
        for branch in branches:
            if branch in self.zones:
                return self.zones[branch]
        return self.zone

    def today(self, branches: Iterable[int], now: datetime) -> date:
        """The day at a resident's branches; ``now`` is aware."""
        return now.astimezone(self.zone_of(branches)).date()
