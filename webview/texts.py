"""What only the window says, in Russian and in English; words about lines are ``coinsync.core.wording``'s."""

from __future__ import annotations

from dataclasses import dataclass

from coinsync.core import wording


@dataclass(frozen=True, slots=True)
class Message:
    """What a page without a cabinet says."""

    title: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """One language; braces are filled in by ``webview.pages``, ``words`` are those about lines."""

    language: str
    words: wording.Words
    balance: str
    children: str
    children_more: str
    history: str
    history_empty: str
    history_more: str
    fresh_today: str
    fresh_yesterday: str
    fresh_on: str
    fresh_never: str
    stranger: Message
    stranger_number: str
    open_app: str
    refused: Message
    expired: Message
    trouble: Message
    broken: Message
    missing: Message
    wrong_method: Message


RUSSIAN = Texts(
    language="ru",
    words=wording.RUSSIAN,
    balance="Сейчас на счету",
    children="Дети",
    children_more="Показаны не все дети, только первые {count}.",
    history="История",
    history_empty="Пока здесь пусто. Первая запись появится после занятия.",
    history_more="Показаны последние записи: {count}.",
    fresh_today="Обновлено сегодня в {time}",
    fresh_yesterday="Обновлено вчера в {time}",
    fresh_on="Обновлено {day} в {time}",
    fresh_never="Данные о занятиях ещё не загружены",
    stranger=Message(
        "Кабинет ещё не подключён",
        "Мы пока не знаем, чей это кабинет. Назовите этот номер администратору школы — и здесь появятся записи"
        " вашего ребёнка.",
    ),
    stranger_number="Ваш номер ВКонтакте",
    open_app="Открыть ВКонтакте",
    refused=Message(
        "Откройте приложение ВКонтакте",
        "Кабинет работает только внутри ВКонтакте: так мы узнаём, кому его показать.",
    ),
    expired=Message("Откройте приложение ещё раз", "Эта страница была открыта давно. Откройте приложение заново."),
    trouble=Message("Зайдите через минуту", "Сейчас не получается прочитать данные. Ничего не пропало."),
    broken=Message("Что-то пошло не так", "Мы уже записали, что случилось. Попробуйте зайти ещё раз чуть позже."),
    missing=Message("Такой страницы нет", "Откройте кабинет заново из ВКонтакте."),
    wrong_method=Message("Здесь можно только смотреть", "Кабинет ничего не принимает и не изменяет."),
)

ENGLISH = Texts(
    language="en",
    words=wording.ENGLISH,
    balance="Balance now",
    children="Children",
    children_more="Not all children are shown, only the first {count}.",
    history="History",
    history_empty="Nothing here yet. The first line appears after a lesson.",
    history_more="The latest lines are shown: {count}.",
    fresh_today="Updated today at {time}",
    fresh_yesterday="Updated yesterday at {time}",
    fresh_on="Updated on {day} at {time}",
    fresh_never="Lessons have not been loaded yet",
    stranger=Message(
        "This cabinet is not connected yet",
        "We do not know yet whose cabinet this is. Tell the school's office this number, and your child's lines will"
        " appear here.",
    ),
    stranger_number="Your VK number",
    open_app="Open VK",
    refused=Message("Open it in VK", "The cabinet works only inside VK: that is how we know whom to show it to."),
    expired=Message("Open it again", "This page was opened long ago. Please open the app again."),
    trouble=Message("Please come back in a minute", "The data cannot be read right now. Nothing is lost."),
    broken=Message("Something went wrong", "We have noted what happened. Please try again a little later."),
    missing=Message("There is no such page", "Open the cabinet again from VK."),
    wrong_method=Message("You can only look here", "The cabinet accepts and changes nothing."),
)

#: VK's language codes whose speakers are served in Russian; "" is a launch that does not say.
_RUSSIAN_CODES = frozenset({"", "ru", "uk", "ua", "be", "kz"})


def of_language(code: str) -> Texts:
    """Choose the texts for a language code of VK's."""
    return RUSSIAN if code in _RUSSIAN_CODES else ENGLISH
