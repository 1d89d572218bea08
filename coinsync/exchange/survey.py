"""What a school's AlfaCRM holds, counted for whoever sets coinsync up; nothing of it is kept."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from itertools import product
from typing import Any

from coinsync.core.facts import Status
from coinsync.core.identity import VkKind, read_vk
from coinsync.errors import IncompleteRead
from coinsync.exchange import decode, values
from coinsync.exchange.alfacrm import AlfaCrm
from coinsync.exchange.paging import ListRequest

#: Where a card's note is the field: the first link to a VK page in it, without the full stop of a
#: sentence, and whole: of "wall-1_2" there is no page "wall".
LINK_IN_NOTE = r"(vk\.(?:com|ru)/[A-Za-z0-9_.]*[A-Za-z0-9_])(?![-/?\w])"

#: Of each type: enough to see that the filter was understood.
ROWS_LOOKED_AT = 10

#: Pupils of today; cards of leads and of the archive say less of how a field is used.
_PUPILS = {"is_study": 1, "removed": 0}
#: A bare word or number is a VK page only where the school says so; these show it by themselves.
_PAGE = re.compile(r"\S*vk\S*/\S+|id[0-9]+|@\S+", re.IGNORECASE)
_PERSONS = (VkKind.NUMBER, VkKind.SCREEN_NAME)
#: Fields with @names of other networks.
_ELSEWHERE = re.compile("telegram|tg|inst", re.IGNORECASE)


class AlfaCrmSurvey(AlfaCrm):
    """An AlfaCRM account that is looked at before there is a configuration."""

    def lessons_by_type(
        self, branches: Iterable[int], types: Iterable[int], since: date, until: date
    ) -> Counter[int]:
        """How many lessons of each type were held, both days included.

        Raises ``IncompleteRead`` where the CRM does not count them so.
        """
        counts: Counter[int] = Counter()
        days = {"date_from": since.isoformat(), "date_to": until.isoformat()}
        for branch, type_id in product(branches, types):
            asked = {"status": Status.CONDUCTED.value, "lesson_type_id": type_id, **days}
            request = ListRequest(f"{branch}/lesson/index", "lessons by type", asked)
            total, rows = self._lists.first_page(request, ROWS_LOOKED_AT)
            # A filter that is not understood is ignored without a word, and all lessons come.
            if any(values.number(row, "lesson_type_id") != type_id for row in rows):
                raise IncompleteRead("lessons cannot be counted by type")
            counts[type_id] += total
        return counts

    def vk_fields(self, branches: Iterable[int]) -> tuple[int, Counter[str]]:
        """How many pupils there are, and on how many of their cards each field names a VK page."""
        pupils: set[int] = set()
        pages: Counter[str] = Counter()
        for branch in branches:
            request = ListRequest(f"{branch}/customer/index", "cards", _PUPILS)
            for card in self._lists.read(request).whole():
                pupil = values.number(card, "id")
                # Whoever belongs to two branches comes with each of them.
                if pupil not in pupils:
                    pupils.add(pupil)
                    pages.update(name for name, value in card.items() if _names_page(name, value))
        return len(pupils), pages


def _names_page(name: str, value: Any) -> bool:
    """Whether a sync would find a person's VK page in a field that it is told to look at."""
    if not isinstance(value, (str, list)) or _ELSEWHERE.search(name):
        return False
    page = decode.vk_text(value, LINK_IN_NOTE if name == "note" else "")
    return bool(_PAGE.fullmatch(page)) and read_vk(page).kind in _PERSONS
