"""The school as its families know it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from coinsync.core.colour import Colours
from coinsync.core.rules import Rule
from coinsync.core.setting import code, free_text, setting, text, whole


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
