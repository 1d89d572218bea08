"""Every word that the window says by itself, in Russian and in English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from coinsync.core.ledger import Kind
from coinsync.core.rules import Reason


@dataclass(frozen=True, slots=True)
class Message:
    """What a page without a cabinet says."""

    title: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """One language; braces are filled in by ``webview.pages``, ``reasons`` are by reason code."""

    language: str
    thousands: str
    months: tuple[str, ...]
    kinds: Mapping[Kind, str]
    reasons: Mapping[str, str]
    lesson: str
    reversal_of: str
    balance: str
    debt: str
    children: str
    children_more: str
    history: str
    history_empty: str
    history_more: str
    award_reversed: str
    entry_reversed: str
    older_reversed: str
    reversed_on: str
    reversed_some_day: str
    marked_on: str
    entered_on: str
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
    thousands="\N{NO-BREAK SPACE}",
    months=(
        "января",
        "февраля",
        "марта",
        "апреля",
        "мая",
        "июня",
        "июля",
        "августа",
        "сентября",
        "октября",
        "ноября",
        "декабря",
    ),
    kinds={
        Kind.AWARD: "Занятие",
        Kind.REVERSAL: "Отмена",
        Kind.CREDIT: "Начисление",
        Kind.DEBIT: "Списание",
        Kind.OPENING: "Начальный остаток",
        Kind.GIFT: "Подарок",
        Kind.SALE: "Покупка",
        Kind.REFUND: "Возврат",
    },
    reasons={
        "lesson": "",
        "rate_changed": "Изменён размер начисления за занятие",
        Reason.PAID: "Занятие засчитано",
        Reason.LESSON_GONE: "Занятия больше нет в журнале",
        Reason.NOT_CONDUCTED: "Занятие не состоялось",
        Reason.REMOVED: "Отметка исправлена: нет в списке занятия",
        Reason.ABSENT: "Отметка исправлена: не был на занятии",
        Reason.NOT_MARKED: "Отметка о посещении снята",
        Reason.TRIAL: "Это было пробное занятие",
        Reason.MAKEUP: "Это была отработка пропуска",
        Reason.TYPE_NOT_COUNTED: "Такие занятия не засчитываются",
        Reason.TYPE_UNKNOWN: "Вид занятия ещё не определён",
        Reason.NO_RULE: "За это занятие начисление не предусмотрено",
        Reason.GUEST: "Занятие было не в своей группе",
        Reason.MEMBERSHIP_UNKNOWN: "Запись в группу ещё не подтверждена",
        Reason.NOT_SCHEDULED: "Занятие было вне расписания",
    },
    lesson="Занятие",
    reversal_of="Отмена: {what}",
    balance="Сейчас на счету",
    debt="осталось отработать {coins}",
    children="Дети",
    children_more="Показаны не все дети, только первые {count}.",
    history="История",
    history_empty="Пока здесь пусто. Первая запись появится после занятия.",
    history_more="Показаны последние записи: {count}.",
    award_reversed="отмена начисления за {day}",
    entry_reversed="отмена записи от {day}",
    older_reversed="отмена более ранней записи",
    reversed_on="отменено {day}",
    reversed_some_day="отменено",
    marked_on="начислено {day}",
    entered_on="внесено {day}",
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
    thousands=",",
    months=(
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    kinds={
        Kind.AWARD: "Lesson",
        Kind.REVERSAL: "Taken back",
        Kind.CREDIT: "Credit",
        Kind.DEBIT: "Debit",
        Kind.OPENING: "Opening balance",
        Kind.GIFT: "Gift",
        Kind.SALE: "Purchase",
        Kind.REFUND: "Refund",
    },
    reasons={
        "lesson": "",
        "rate_changed": "The rate for the lesson changed",
        Reason.PAID: "The lesson counts",
        Reason.LESSON_GONE: "The lesson is no longer in the register",
        Reason.NOT_CONDUCTED: "The lesson did not take place",
        Reason.REMOVED: "Mark corrected: not on the lesson's list",
        Reason.ABSENT: "Mark corrected: was not at the lesson",
        Reason.NOT_MARKED: "The attendance mark was removed",
        Reason.TRIAL: "It was a trial lesson",
        Reason.MAKEUP: "It was a make-up lesson",
        Reason.TYPE_NOT_COUNTED: "Lessons of this kind do not count",
        Reason.TYPE_UNKNOWN: "The kind of lesson is not settled yet",
        Reason.NO_RULE: "No rule gives anything for this lesson",
        Reason.GUEST: "The lesson was in another group",
        Reason.MEMBERSHIP_UNKNOWN: "The place in the group is not confirmed yet",
        Reason.NOT_SCHEDULED: "The lesson was not on the schedule",
    },
    lesson="Lesson",
    reversal_of="Taken back: {what}",
    balance="Balance now",
    debt="{coins} to be made up",
    children="Children",
    children_more="Not all children are shown, only the first {count}.",
    history="History",
    history_empty="Nothing here yet. The first line appears after a lesson.",
    history_more="The latest lines are shown: {count}.",
    award_reversed="takes back the award of {day}",
    entry_reversed="takes back the line of {day}",
    older_reversed="takes back an earlier line",
    reversed_on="taken back on {day}",
    reversed_some_day="taken back",
    marked_on="credited on {day}",
    entered_on="entered on {day}",
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
