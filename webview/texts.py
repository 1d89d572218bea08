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
    """Russian; the page's script fills in braces of ``script``.

    Families are addressed as "вы", and so is a child by the cabinet; only the ways to earn speak
    to the child as "ты".
    """

    language = "ru"
    words = wording.RUSSIAN
    screens = "Разделы"
    cabinet = "Кабинет"
    balance = "Сейчас накоплено"
    this_month = "В этом месяце {coins} за {lessons}"
    lessons: tuple[str, ...] = ("занятие", "занятия", "занятий")
    children = "Дети"
    children_more = "Показаны не все дети, только первые {count}."
    last = "Недавно"
    all_lines = "Вся история"
    history = "История"
    seal = "Код:"
    history_empty = "Пока здесь пусто. Всё начнётся с первого занятия."
    history_more = "Показаны последние {count}."
    kinds: ClassVar[Mapping[str, str]] = {
        "": "Всё",
        "lesson": "Занятия",
        "reward": "Награды",
        "shop": "Покупки",
    }
    kind_empty = "Такого здесь пока нет."
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
    lesson_text = "Приходи на занятия по расписанию. Пробные занятия и отработки не считаются."
    fresh = "Обновлено"
    fresh_on: ClassVar[Mapping[str, str]] = {
        "today": "сегодня в {time}",
        "yesterday": "вчера в {time}",
        "earlier": "{day} в {time}",
    }
    fresh_never = "Данные о занятиях ещё не загружены"
    stranger = Message(
        "Кабинет ещё не подключён",
        "Мы пока не знаем, чей это кабинет. Назовите этот номер администратору школы — и здесь"
        " появится кабинет вашего ребёнка.",
    )
    how_to_get = "Как и где получить"
    whom_to_ask = "Есть вопрос?"
    ask_the_office = "Подойдите к администратору школы."
    write = "Написать школе"
    number_is_copied = "Номер скопируется сам: останется вставить его в сообщение."
    stranger_number = "Ваш номер ВКонтакте"
    copy = "Скопировать"
    goal = "На что копим"
    goal_none = "Выберите в каталоге, на что копить"
    to_catalog = "В каталог"
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
        "goal": "ещё {coins}, это {lessons}",
        "goal_coins": "ещё {coins}",
        "goal_reached": "Можно забирать!",
        "goal_choose": "Копить на это",
        "goal_chosen": "Копим на «{name}»",
        "not_together": "Хватает на что-нибудь одно: вместе это {coins}.",
        "lessons": lessons,
        "news": "с прошлого раза",
        "new": "новое",
        "up_to_date": "Это самые свежие данные",
        "offline": "Нет связи. Показано то, что было загружено раньше.",
        **fresh_on,
        "loading": "Загружаем…",
        "failed": "Не получилось загрузить. Попробуйте ещё раз.",
        "expired": "Эта страница открыта давно. Закройте приложение и откройте его заново.",
        "shown": "Показано: {count}.",
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
    balance = "Saved up so far"
    this_month = "{coins} this month for {lessons}"
    lessons = ("lesson", "lessons")
    children = "Children"
    children_more = "Not all children are shown, only the first {count}."
    last = "Lately"
    all_lines = "Whole history"
    history = "History"
    seal = "Code:"
    history_empty = "Nothing here yet. It all begins with the first lesson."
    history_more = "The latest {count} are shown."
    kinds: ClassVar[Mapping[str, str]] = {
        "": "All",
        "lesson": "Lessons",
        "reward": "Rewards",
        "shop": "Purchases",
    }
    kind_empty = "There is none of it here yet."
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
    lesson_text = "Come to the lessons of your schedule. Trial and make-up lessons do not count."
    fresh = "Updated"
    fresh_on: ClassVar[Mapping[str, str]] = {
        "today": "today at {time}",
        "yesterday": "yesterday at {time}",
        "earlier": "on {day} at {time}",
    }
    fresh_never = "Lessons have not been loaded yet"
    stranger = Message(
        "This cabinet is not connected yet",
        "We do not know yet whose cabinet this is. Tell the school's office this number, and your"
        " child's cabinet will appear here.",
    )
    how_to_get = "How and where to get it"
    whom_to_ask = "Any questions?"
    ask_the_office = "Ask the school's administrator."
    write = "Write to the school"
    number_is_copied = "The number is copied for you: just paste it into the message."
    stranger_number = "Your VK number"
    copy = "Copy"
    goal = "Saving up for"
    goal_none = "Choose in the catalog what to save up for"
    to_catalog = "To the catalog"
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
        "goal": "{coins} to go, that is {lessons}",
        "goal_coins": "{coins} to go",
        "goal_reached": "Ready for you!",
        "goal_choose": "Save up for this",
        "goal_chosen": "Saving up for “{name}”",
        "not_together": "There is enough for one of them: together it is {coins}.",
        "lessons": lessons,
        "news": "since last time",
        "new": "new",
        "up_to_date": "This is the latest",
        "offline": "No connection. What was loaded before is shown.",
        **fresh_on,
        "loading": "Loading…",
        "failed": "It could not be loaded. Please try again.",
        "expired": "This page was opened long ago. Please close the app and open it again.",
        "shown": "Shown: {count}.",
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
