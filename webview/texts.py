"""What only the web view says, in Russian and English."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from coinsync.core import wording

NoticeKind = Literal[
    "refused",
    "expired",
    "clock",
    "elsewhere",
    "trouble",
    "broken",
    "missing",
    "wrong_method",
]


@dataclass(frozen=True, slots=True)
class Message:
    """What a page without a cabinet says."""

    title: str
    text: str


class Texts:
    """Russian; the page's script fills in braces of ``script``."""

    language = "ru"
    words = wording.RUSSIAN
    screens = "Разделы"
    cabinet = "Кабинет"
    balance = "Сейчас на счету"
    children = "Дети"
    children_more = "Показаны не все дети, только первые {count}."
    last = "Последние записи"
    all_lines = "Вся история"
    history = "История"
    history_empty = "Пока здесь пусто. Первая запись появится после занятия."
    history_more = "Показаны последние записи: {count}."
    more = "Показать ещё"
    catalog = "Каталог"
    catalog_empty = "Каталог пока пуст. Скоро здесь появятся товары."
    catalog_more = "Показаны не все товары, только первые {count}."
    filters = "Что показать"
    all_goods = "Все товары"
    affordable = "Хватает сейчас"
    nothing_fits = "Пока ничего не подходит. Копите дальше — всё получится!"
    heart = "В избранное: {name}"
    left = "осталось {count}"
    none_left = "нет в наличии"
    enough = "хватает"
    lacking = "не хватает {coins}"
    details = "Подробнее"
    favourites = "Избранное"
    favourites_empty = "Отмечайте товары сердечком в каталоге — они соберутся здесь."
    earn = "Как заработать"
    earn_short = "Заработать"
    earn_empty = "Скоро здесь появятся способы заработать."
    lesson_text = (
        "За каждое занятие по расписанию, на котором ребёнок был."
        " Пробные занятия и отработки не считаются."
    )
    fresh_today = "Обновлено сегодня в {time}"
    fresh_yesterday = "Обновлено вчера в {time}"
    fresh_on = "Обновлено {day} в {time}"
    fresh_never = "Данные о занятиях ещё не загружены"
    stranger = Message(
        "Кабинет ещё не подключён",
        "Мы пока не знаем, чей это кабинет. Назовите этот номер администратору школы — и здесь"
        " появятся записи вашего ребёнка.",
    )
    stranger_number = "Ваш номер ВКонтакте"
    copy = "Скопировать"
    goal_none = "Выбрать в каталоге, на что копить"
    home_screen = "На главный экран"
    home_screen_text = "Кабинет будет открываться одним касанием."
    open_app = "Открыть ВКонтакте"
    notices: ClassVar[Mapping[NoticeKind, Message]] = {
        "refused": Message(
            "Откройте приложение ВКонтакте",
            "Кабинет работает только внутри ВКонтакте: так мы узнаём, кому его показать. Если вы"
            " уже там, закройте приложение и откройте заново. Не поможет — скажите об этом школе.",
        ),
        "expired": Message(
            "Откройте приложение ещё раз",
            "Эта страница была открыта давно. Откройте приложение заново. Если вы открыли его"
            " только что, скажите об этом школе.",
        ),
        "clock": Message(
            "Кабинет скоро откроется",
            "На сервере школы отстали часы, поэтому кабинет пока закрыт. Ничего не пропало."
            " Пожалуйста, скажите об этом школе.",
        ),
        "elsewhere": Message(
            "Откройте кабинет ВКонтакте",
            "В Одноклассниках он не работает: там мы не можем узнать, кому его показать.",
        ),
        "trouble": Message(
            "Зайдите через минуту", "Сейчас не получается прочитать данные. Ничего не пропало."
        ),
        "broken": Message(
            "Что-то пошло не так",
            "Мы уже записали, что случилось. Попробуйте зайти ещё раз чуть позже.",
        ),
        "missing": Message("Такой страницы нет", "Откройте кабинет заново из ВКонтакте."),
        "wrong_method": Message(
            "Здесь можно только смотреть", "Кабинет ничего не принимает и не изменяет."
        ),
    }
    script: ClassVar[Mapping[str, str | tuple[str, ...]]] = {
        "goal": "До «{name}» осталось {coins} — это {lessons}",
        "goal_coins": "До «{name}» осталось накопить {coins}",
        "goal_reached": "На «{name}» уже хватает",
        "lessons": ("занятие", "занятия", "занятий"),
        "loading": "Загружаем…",
        "failed": "Не получилось загрузить. Попробуйте ещё раз.",
        "expired": "Эта страница открыта давно. Откройте приложение заново.",
        "shown": "Показано записей: {count}.",
        "saved_here": "Избранное сохранено пока только на этом устройстве",
        "not_saved": "Избранное не сохранилось: оно останется, пока открыта эта страница",
        "too_many": "В избранном больше нет места",
        "copied": "Скопировано",
        "not_copied": "Не получилось скопировать. Выделите номер и скопируйте его сами.",
    }

    def of(self, russian: str, english: str) -> str:
        """Choose between the school's texts; untranslated ones stay Russian."""
        return (russian if self is RUSSIAN else english.strip() or russian).strip()


class EnglishTexts(Texts):
    """English, all of it: a test compares the two."""

    language = "en"
    words = wording.ENGLISH
    screens = "Sections"
    cabinet = "Cabinet"
    balance = "Balance now"
    children = "Children"
    children_more = "Not all children are shown, only the first {count}."
    last = "Latest lines"
    all_lines = "All lines"
    history = "History"
    history_empty = "Nothing here yet. The first line appears after a lesson."
    history_more = "The latest lines are shown: {count}."
    more = "Show more"
    catalog = "Catalog"
    catalog_empty = "The catalog is empty for now. Goods will appear here soon."
    catalog_more = "Not all goods are shown, only the first {count}."
    filters = "What to show"
    all_goods = "All goods"
    affordable = "Enough coins now"
    nothing_fits = "Nothing fits yet. Keep saving, you will get there!"
    heart = "Add to favourites: {name}"
    left = "{count} left"
    none_left = "out of stock"
    enough = "enough"
    lacking = "{coins} more needed"
    details = "Details"
    favourites = "Favourites"
    favourites_empty = "Mark goods with a heart in the catalog, and they gather here."
    earn = "How to earn"
    earn_short = "Earn"
    earn_empty = "Ways to earn will appear here soon."
    lesson_text = (
        "For every lesson of the schedule that the child attends."
        " Trial and make-up lessons do not count."
    )
    fresh_today = "Updated today at {time}"
    fresh_yesterday = "Updated yesterday at {time}"
    fresh_on = "Updated on {day} at {time}"
    fresh_never = "Lessons have not been loaded yet"
    stranger = Message(
        "This cabinet is not connected yet",
        "We do not know yet whose cabinet this is. Tell the school's office this number, and your"
        " child's lines will appear here.",
    )
    stranger_number = "Your VK number"
    copy = "Copy"
    goal_none = "Choose in the catalog what to save up for"
    home_screen = "Add to the home screen"
    home_screen_text = "The cabinet will open with one tap."
    open_app = "Open VK"
    notices: ClassVar[Mapping[NoticeKind, Message]] = {
        "refused": Message(
            "Open it in VK",
            "The cabinet works only inside VK: that is how we know whom to show it to. If you are"
            " there already, close the app and open it again; if that does not help, tell the"
            " school.",
        ),
        "expired": Message(
            "Open it again",
            "This page was opened long ago. Please open the app again. If you have just opened it,"
            " tell the school.",
        ),
        "clock": Message(
            "The cabinet will open soon",
            "The clock of the school's server is slow, so the cabinet is closed for now. Nothing"
            " is lost. Please tell the school.",
        ),
        "elsewhere": Message(
            "Open the cabinet in VK",
            "It does not work in Odnoklassniki: there we cannot know whom to show it to.",
        ),
        "trouble": Message(
            "Please come back in a minute", "The data cannot be read right now. Nothing is lost."
        ),
        "broken": Message(
            "Something went wrong", "We have noted what happened. Please try again a little later."
        ),
        "missing": Message("There is no such page", "Open the cabinet again from VK."),
        "wrong_method": Message(
            "You can only look here", "The cabinet accepts and changes nothing."
        ),
    }
    script: ClassVar[Mapping[str, str | tuple[str, ...]]] = {
        "goal": "{coins} to “{name}”: that is {lessons}",
        "goal_coins": "{coins} to go to “{name}”",
        "goal_reached": "There is enough for “{name}”",
        "lessons": ("lesson", "lessons"),
        "loading": "Loading…",
        "failed": "It could not be loaded. Please try again.",
        "expired": "This page was opened long ago. Please open the app again.",
        "shown": "Lines shown: {count}.",
        "saved_here": "Favourites are kept on this device only for now",
        "not_saved": "Favourites were not saved: they stay while this page is open",
        "too_many": "There is no more room among favourites",
        "copied": "Copied",
        "not_copied": "It could not be copied. Please select the number and copy it yourself.",
    }


RUSSIAN, ENGLISH = Texts(), EnglishTexts()

#: VK's language codes whose speakers are served in Russian; "" is a launch that does not say.
_RUSSIAN_CODES = frozenset({"", "ru", "uk", "ua", "be", "kz"})


def of_language(code: str) -> Texts:
    """Choose the texts for a language code of VK's."""
    return RUSSIAN if code in _RUSSIAN_CODES else ENGLISH
