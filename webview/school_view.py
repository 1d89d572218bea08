"""The school as pages show it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from coinsync.core.school import SchoolProfile
from coinsync.core.wording import LineFormatter
from webview.texts import RUSSIAN, Texts


@dataclass(frozen=True, slots=True)
class SchoolView:
    """The school's profile with addresses of its pictures, "" for none."""

    profile: SchoolProfile
    logo: str = ""
    coin: str = ""

    def coin_forms(self, texts: Texts) -> tuple[str, ...]:
        """The forms of the coin's name: three in Russian, two in English."""
        if texts is RUSSIAN:
            return self.profile.coin_forms_ru
        return self.profile.coin_forms_en

    def coin_word(self, count: int, texts: Texts) -> str:
        """Choose the form of the coin's name beside a number."""
        return texts.words.coin(count, self.coin_forms(texts))

    def coins(self, count: int, texts: Texts) -> str:
        """Write a number of coins with the coin's name."""
        return f"{texts.words.number(count)} {self.coin_word(count, texts)}"

    def formatter(
        self, texts: Texts, branches: Iterable[int], now: datetime, began_at: str = ""
    ) -> LineFormatter:
        """Make what writes lines in the local time of ``branches``."""
        titles = {way.code: texts.of(way.title_ru, way.title_en) for way in self.profile.ways}
        zone = self.profile.zone_of(branches)
        return LineFormatter(texts.words, zone, now.astimezone(zone).date(), titles, began_at)
