"""The school as a family meets it: its name, its coin, what earns coins, and where its clocks stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from coinsync.core.rules import Rule
from coinsync.core.school import Way
from coinsync.core.wording import LineFormatter
from webview.texts import RUSSIAN, Texts


@dataclass(frozen=True, slots=True)
class School:
    """What pages say in the school's own words; ``name`` is what the cabinet calls it.

    ``zones`` are those of branches, ``zone`` is for everybody else; ``lessons`` are Russian and English names of what
    a rule pays for, by the rule's name. ``logo`` and ``coin`` are names of pictures that are served, "" for none.
    """

    name: str
    coin_forms_ru: tuple[str, str, str]
    coin_forms_en: tuple[str, str]
    zone: ZoneInfo
    ways: tuple[Way, ...] = ()
    zones: Mapping[int, ZoneInfo] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    lessons: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    logo: str = ""
    coin: str = ""

    def coin_forms(self, texts: Texts) -> tuple[str, ...]:
        """The forms of the coin's name beside a number: one, few, many in Russian, one and other in English."""
        return self.coin_forms_ru if texts is RUSSIAN else self.coin_forms_en

    def coin_word(self, count: int, texts: Texts) -> str:
        """Choose the form of the coin's name beside a number."""
        return texts.words.coin(count, self.coin_forms(texts))

    def coins(self, count: int, texts: Texts) -> str:
        """Write a number of coins with the coin's name."""
        return f"{texts.words.number(count)} {self.coin_word(count, texts)}"

    def pen(self, texts: Texts, zone: ZoneInfo, now: datetime) -> LineFormatter:
        """What writes the lines of a family whose clock stands in ``zone``."""
        ways = {way.code: texts.of(way.title_ru, way.title_en) for way in self.ways}
        return LineFormatter(texts.words, zone, now.astimezone(zone).date(), ways)
