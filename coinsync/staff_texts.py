"""What clerks and directors read whole, in Russian and English.

A ``StaffText`` is its English, which programs and logs take, with its Russian beside it. Only
whoever prints for a person chooses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: The languages of ``[school] staff_language``, as they stand in each pair below.
RUSSIAN, ENGLISH = "ru", "en"


class StaffText(str):
    """A text in English, with the same in Russian."""

    russian: str


def phrase(id: str, /, **values: Any) -> StaffText:
    """The text of this id with its values; a whole number may choose the form of a noun."""
    russian, english = TEXTS[id]
    return in_both(_filled(russian, 0, values), _filled(english, 1, values))


def columns(id: str) -> tuple[StaffText, ...]:
    """The headings of a table, which one text names with "|" between them."""
    pairs = zip(*(text.split("|") for text in TEXTS[id]), strict=True)
    return tuple(in_both(russian, english) for russian, english in pairs)


def joined(separator: str, *texts: str) -> StaffText:
    """Several whole texts, one after the other."""
    russian = separator.join(in_language(text, RUSSIAN) for text in texts)
    return in_both(russian, separator.join(texts))


def in_language(text: str, language: str) -> str:
    """A text in a language, as far as it has one; any other text as it is."""
    return text.russian if language == RUSSIAN and isinstance(text, StaffText) else str(text)


def counted(count: int, noun: str, plural: str = "") -> str:
    """An English number with its noun, "2 awards"; ``plural`` where an "s" is not enough."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def declined(count: int, forms: tuple[str, str, str]) -> str:
    """Choose a Russian form: 1 монета, 2 монеты, 5 монет; 11 to 14 монет."""
    one, few, many = forms
    teens = abs(count) % 100 // 10 == 1
    last_digit = abs(count) % 10
    if teens:
        return many
    if last_digit == 1:
        return one
    return few if 2 <= last_digit <= 4 else many


def in_both(russian: str, english: str) -> StaffText:
    """A text that is kept elsewhere in both languages."""
    text = StaffText(english)
    text.russian = russian
    return text


def _filled(template: str, place: int, values: Mapping[str, Any]) -> str:
    return template.format_map({name: _Value(value, place) for name, value in values.items()})


@dataclass(frozen=True, slots=True)
class _Value:
    # One value of a text; ``place`` is that of the language in each pair.
    value: Any
    place: int

    def __format__(self, noun: str) -> str:
        value = in_language(self.value, (RUSSIAN, ENGLISH)[self.place])
        if not noun:
            return value
        one, few, many = NOUNS[noun][self.place].split()
        if self.place:
            form = one if self.value == 1 else many
        else:
            form = declined(self.value, (one, few, many))
        return f"{value} {form}"


#: Nouns beside a number: for 1, 2 and 5 in each language.
NOUNS: Mapping[str, tuple[str, str]] = {
    "coin": ("монета монеты монет", "coin coins coins"),
    "entry": ("запись записи записей", "entry entries entries"),
    "sale": ("продажа продажи продаж", "sale sales sales"),
}


def _pairs(block: str) -> dict[str, tuple[str, str]]:
    # Two lines for each text: its id and the Russian, then the English.
    lines = [line.strip() for line in block.splitlines()]
    pairs = {}
    for russian, english in zip(lines[::2], lines[1::2], strict=True):
        id, _, text = russian.partition(": ")
        pairs[id] = (text, english)
    return pairs


#: Every text by its id: Russian, English. In Russian staff are addressed as "вы".
TEXTS: Mapping[str, tuple[str, str]] = {
    # Who or what is meant, and is not there.
    **_pairs("""\
not_found_advice: Назовите ученика: 101, crm:101, vk:456 или начало имени;\
 список покажет "coinsync residents list".
  Name a resident by 101, crm:101, vk:456 or the beginning of a name;\
 "coinsync residents list" shows them.
none_answers: не найдено: {name}
  no {noun} answers to {name}
many_answer: {name}: подходит несколько, всего {count}
  {count} {noun}s answer to {name}
ambiguous_advice: Укажите номер того, что имеется в виду.
  Use the number of the one that is meant.
more_candidates: и ещё {count}: введите имя подробнее
  and {count} more: type more of the name
none_chosen: ничего не выбрано
  none was chosen
candidate: {name} ({about}{presence}, {coins:coin})
  {name} ({about}{presence}, {coins:coin})
number: номер
  number
client: занимается
  client
lead: лид
  lead
archived: в архиве
  archived
gone: нет в CRM
  gone
erased: данные стёрты
  erased
"""),
    # What the school's rules about coins refuse.
    **_pairs("""\
policy_advice: Что сделано раньше, покажет "coinsync journal".
  "coinsync journal" shows what was done before.
not_enough: {who}: не хватает монет, есть {has}, нужно {needed}
  {who} has {has:coin}, {needed} needed
not_enough_then: {who}: {day} не хватало монет, было {has}, нужно {needed}
  {who} has {has:coin} on {day}, {needed} needed
not_enough_advice: Сколько есть, покажет "coinsync balance УЧЕНИК".
  "coinsync balance RESIDENT" shows what there is.
duplicate: похоже, это уже записано: запись {n}, {seconds} с назад
  likely the same as entry {n}, {seconds} s ago
duplicate_advice: Если нужно ещё раз, добавьте --allow-duplicate.
  If it is meant twice, pass --allow-duplicate.
out_of_stock: {item}: осталось {left}, нужно {needed}
  {item}: {left} left, {needed} needed
out_of_stock_advice: Остатки покажет "coinsync catalog stock list", исправит "catalog stock count".
  "coinsync catalog stock list" shows what is left; "catalog stock count" corrects it.
event_closed: ярмарка {event} закрыта {day}: {actor}
  {event} was closed on {day} by {actor}
event_closed_advice: Открытые ярмарки покажет "coinsync shop events".
  "coinsync shop events" shows the fairs that are open.
entry_reversed: запись {n} уже отменена записью {by}
  entry {n} is already reversed by {by}
sale_refunded: продажа {sale} уже возвращена
  sale {sale} is refunded already
line_refunded: строка {line} продажи {sale} уже возвращена
  line {line} of sale {sale} is refunded already
reversed_advice: Это уже отменено; дальше только новое начисление, списание или продажа.
  It was taken back already: only a new credit, debit or sale changes that.
is_erased: #{id}: данные ученика стёрты
  #{id} is erased
"""),
    # What is about to be written, and whether it is.
    **_pairs("""\
moves: ученик|>было|>монеты|>станет|день|за что
  resident|>before|>coins|>after|day|why
more: … и ещё {count}, всё покажет -v
  … {count} more, shown with -v
moves_total: {count:entry}, всего монет: {coins}
  {count:entry}, {coins} coins
key: ключ {key}
  key {key}
takes_back: отменяет запись {n}
  takes back entry {n}
sale: продажа {sale}
  sale {sale}
sale_back: продажа {sale}, возврат: {goods}
  sale {sale}: {goods} back
write_it: Записать?
  Write it?
not_written: ничего не записано
  nothing written
dry_run: проба: ничего не записано
  dry run: nothing written
"""),
    # What waits for a person.
    **_pairs("""\
held_visit: удержано: занятие {lesson}, {day}, #{resident}: {coins} за визит ({reason})
  held: lesson {lesson} on {day}, #{resident}: {coins} for a visit, {reason}
held_reversal: удержано: занятие {lesson}, {day}, #{resident}: {coins}, могли потратить ({reason})
  held: lesson {lesson} on {day}, #{resident}: {coins} for coins that may be spent, {reason}
review_held: coinsync review post {case}, или review waive {case} --note ТЕКСТ
  coinsync review post {case}, or review waive {case} --note TEXT
review_reversal: coinsync review post {case}, или review forgive|waive {case} --note ТЕКСТ
  coinsync review post {case}, or review forgive|waive {case} --note TEXT
doubt: сомнение, {about}: CRM говорит не то, что записано; review post или waive {case}
  doubt: {about}: {what}
about_card: #{id}
  #{id}
about_lesson: занятие {id}
  lesson {id}
gone_with_coins: пропала карточка: #{card} больше нет в CRM, на ней {coins:coin}
  gone: #{card} is gone from the CRM with {coins:coin}
merge_gone: если у ученика другая карточка: coinsync residents merge {card} КАРТОЧКА
  if another card goes on: coinsync residents merge {card} CARD
unclassified: тип занятия {type} {name}: не сказано, что он значит, и он ничего не даёт
  type: {type} {name} is not classified and earns nothing
classify: назовите его в [[rule]] или в [lessons]: trial, makeup, uncounted
  name it in a [[rule]], or in [lessons] trial, makeup or uncounted
unlinked: семьи, которые не видят своих монет: {count}
  links: families that do not see their coins: {count}
running_out: {item}: осталось {left}
  stock: {item}: {left} left
"""),
    # The till.
    **_pairs("""\
till_help: 150 1 2x3        #150 покупает первый товар из списка и три вторых|\
150+160=33 2     покупают вдвоём, #160 платит 33|\
?  товары    -  вернуть вашу последнюю продажу     0  закончить
  150 1 2x3        #150 buys the first of the list, and three of the second|\
150+160=33 2     together, and #160 pays 33 of it|\
?  goods     -  takes your last sale back     0  ends
buyer: покупатель
  buyer
goods: товары
  goods
interrupted: Ctrl-C ещё раз — выход
  Ctrl-C again leaves
till_total: {sales:sale}, {coins:coin}
  {sales:sale}, {coins:coin}
line_before: это была предыдущая строка; введите эту ещё раз
  the line before; type this one again
goods_changed: список товаров изменился
  the goods have changed
goods_changed_advice: Посмотрите в список.
  Look at the list.
buyer_balance: {who}   монет: {coins}
  {who}   balance {coins}
pieces_left: осталось {left:coin}
  {left} left
as_before: как вы уже ввели
  as you typed before
sell_for: продать за {coins}?
  sell for {coins}?
not_sold: не продано
  not sold
sold: продано, {what}   продажа {sale}   {total}
  sold, {what}   sale {sale}   {total}
nothing_to_take_back: ваших продаж, которые можно вернуть, нет
  nothing of yours is left to take back
take_it_back: вернуть?
  take it back?
taken_back: возвращено: продажа {sale}   {total}
  taken back: sale {sale}   {total}
shelf: >|товар|код|>цена|>осталось
  >|item|code|>price|>left
no_part: {typed}: нужно УЧЕНИК=МОНЕТЫ, например 160=33
  {typed}: expected RESIDENT=COINS, such as 160=33
no_part_advice: У всех, кроме первого, указывают, сколько они платят.
  Everybody but the first is named with what they pay.
how_many: {typed}: сколько?
  {typed}: how many?
how_many_advice: Два третьих товара из списка — это 3x2.
  Two of the third in the list are 3x2.
not_on_list: {typed}: нет в списке
  {typed} is not on the list
not_on_list_advice: Введите номер перед товаром.
  Type the number in front of the goods.
"""),
}
