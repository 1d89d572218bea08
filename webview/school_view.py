"""The school as pages show it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from coinsync.core.school import SchoolProfile
from coinsync.core.wording import LineFormatter
from webview.texts import RUSSIAN, Texts


@dataclass(frozen=True, slots=True)
class ContactText:
    """How to get what was saved up for, and whom to ask, in one language; "" is not said."""

    text: str
    hours: str
    link: str


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

    def contact(self, texts: Texts) -> ContactText | None:
        """What the school says of itself, if anything."""
        contact = self.profile.contact
        said = ContactText(
            texts.of(contact.text_ru, contact.text_en),
            texts.of(contact.hours_ru, contact.hours_en),
            contact.link,
        )
        return said if said.text or said.hours or said.link else None

    def how_to_get(self, texts: Texts) -> str:
        """What stands beside a wish that is reached."""
        contact = self.contact(texts)
        said = f"{contact.text} {contact.hours}".strip() if contact else ""
        return said or texts.ask_the_office

    def formatter(
        self, texts: Texts, branches: Iterable[int], now: datetime, began_at: str = ""
    ) -> LineFormatter:
        """Make what writes lines in the local time of ``branches``."""
        titles = {way.code: texts.of(way.title_ru, way.title_en) for way in self.profile.ways}
        zone = self.profile.zone_of(branches)
        return LineFormatter(texts.words, zone, now.astimezone(zone).date(), titles, began_at)
