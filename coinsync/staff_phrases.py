"""The texts that clerks and directors read, each by its id, with both languages side by side."""

from collections.abc import Mapping

#: Nouns beside a number: for 1, 2 and 5 in each language.
NOUNS: Mapping[str, tuple[str, str]] = {
    "coin": ("монета монеты монет", "coin coins coins"),
    "entry": ("запись записи записей", "entry entries entries"),
    "sale": ("продажа продажи продаж", "sale sales sales"),
    "item": ("товар товара товаров", "item items items"),
    "fact": ("изменение изменения изменений", "fact facts facts"),
    "move": ("движение движения движений", "move moves moves"),
    "resident": ("ученик ученика учеников", "resident residents residents"),
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
nobody_there: начислять некому
  nobody is there to get coins
nobody_there_advice: Занятия и учеников записывает "coinsync sync".
  A sync records lessons and people.
groups_there: Группы с учениками на этот день: {groups}.
  Groups with members on that day: {groups}.
items_there: Товары покажет "coinsync catalog list".
  "coinsync catalog list" shows the goods.
unknown_way: нет способа заработать с кодом {code}
  no way to earn is called {code}
unknown_way_advice: Есть такие: {ways}; добавляют их блоками [[earn]] в настройках.
  There are: {ways}; [[earn]] blocks of the configuration add to them.
unknown_entry: записи {n} нет
  entry {n} does not exist
unknown_entry_advice: Номера записей покажет "coinsync history УЧЕНИК".
  "coinsync history RESIDENT" shows the numbers of entries.
unknown_run: запуска {n} нет
  run {n} does not exist
unknown_run_advice: Запуски покажет "coinsync journal".
  "coinsync journal" shows the runs.
unknown_sale: продажи {key} нет
  sale {key} does not exist
unknown_sale_advice: Продажи покажет "coinsync shop sales".
  "coinsync shop sales" shows the sales.
unknown_line: в продаже {sale} нет позиции {line}
  sale {sale} has no line {line}
unknown_line_advice: Позиции покажет "coinsync shop sale {sale}".
  "coinsync shop sale {sale}" shows its lines.
unknown_fair: нет ярмарки с кодом '{code}'
  no fair is called '{code}'
unknown_fair_advice: Ярмарки покажет "coinsync shop events"; открыть:\
 coinsync shop open {code} --title НАЗВАНИЕ
  "coinsync shop events" lists them; coinsync shop open {code} --title TEXT
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
above_limit: {coins:coin} — больше предела: за одну операцию можно {limit}
  {coins} coins is above the limit of {limit} for one operation
above_limit_advice: Предел задаёт [guards] coins_per_operation_max.
  The limit is [guards] coins_per_operation_max.
above_run_limit: {coins:coin} — больше предела: за один запуск можно {limit}
  {coins} coins is above the limit of {limit} for one run
above_run_limit_advice: Предел задаёт [guards] coins_per_run_max.
  The limit is [guards] coins_per_run_max.
posted_otherwise: ключ {key} уже занят другой операцией: {what}
  key {key} is already posted with other content: {what}
posted_otherwise_advice: Для новой операции ключ не нужен: уберите --key.
  Leave --key out for a new operation.
other_entry: запись {n}, {coins} для #{resident} за {day}
  entry {n}, {coins} for #{resident} on {day}
other_sale: ключ {key} уже занят другой продажей: {goods}, платит {payers}
  key {key} is another sale already: {goods} for {payers}
other_move: ключ {key} уже занят другим движением товара
  key {key} is another move of stock already
not_counted: {item}: остаток этого товара не считают
  the stock of {item} is not counted
not_counted_advice: Отметьте в файле каталога, что товар считают, и загрузите его.
  Say in the catalog's file that it is tracked, and load it.
item_archived: {item} в архиве
  {item} is archived
underpaid: продажа {sale}: вернуть нужно {worth:coin}, заплачено {paid}
  sale {sale}: {worth} coins to be given back, {paid} were paid
underpaid_advice: Что не сходится, покажет "coinsync reconcile".
  "coinsync reconcile" shows what does not agree.
unsettled: {event}: не сходится: {differences}
  {event} does not add up: {differences}
unsettled_advice: Проверьте: "coinsync reconcile" и "coinsync shop sales --event {event}".
  coinsync reconcile; coinsync shop sales --event {event}
coins_differ: продажа {sale}: по строкам {lines}, монет {coins}
  sale {sale}: lines {lines}, coins {coins}
pieces_differ: продажа {sale}: со склада ушло {gone}, продано {sold}
  sale {sale}: {gone} pieces left the stock, {sold} were sold
event_closed: ярмарка {event} закрыта {day}: {actor}
  {event} was closed on {day} by {actor}
event_closed_advice: Открытые ярмарки покажет "coinsync shop events".
  "coinsync shop events" shows the fairs that are open.
entry_reversed: запись {n} уже отменена записью {by}
  entry {n} is already reversed by {by}
sale_refunded: продажа {sale} уже возвращена
  sale {sale} is refunded already
line_refunded: позиция {line} продажи {sale} уже возвращена
  line {line} of sale {sale} is refunded already
reversed_advice: Это уже отменено; дальше только новое начисление, списание или продажа.
  It was taken back already: only a new credit, debit or sale changes that.
run_undone: запуск {n} уже отменён
  run {n} is taken back already
not_reversible_advice: Что чем отменяется, показывает "coinsync journal".
  "coinsync journal" names for each run what takes it back.
the_entry: запись {n}
  entry {n}
the_run: запуск {n}
  run {n}
no_undo: {what}: монеты не двигались
  {what} moved no coins
no_undo_reversal: {what}: это уже отмена; сделайте новое начисление или списание
  {what} is a reversal itself; post a new credit or debit instead
no_undo_refund: {what}: это возврат; оформите новую продажу
  {what} is a refund; sell again instead
no_undo_purchase: {what}: это покупка; вместе с товаром её вернёт "coinsync refund {sale}"
  {what} is a purchase; "coinsync refund {sale}" takes it back with the goods
no_undo_lessons: {what}: это синхронизация; исправьте CRM, следующая это учтёт,\
 или "coinsync reverse ЗАПИСЬ"
  {what} is a sync's; correct the CRM and sync again, or "coinsync reverse ENTRY"
no_undo_catalog: {what}: монеты не двигались; каталог правят "coinsync catalog load"\
 и "coinsync catalog stock count"
  {what} moved no coins; "coinsync catalog load" or "coinsync catalog stock count"
no_undo_review: {what}: это решение "coinsync review"; начислите или спишите разницу
  {what} is a decision of "coinsync review"; credit or debit the difference
no_undo_desk: {what}: монеты не двигались; карточки и привязки правят "coinsync residents\
 unmerge", "links add" и "links revoke", а стёртое не вернуть
  {what} moved no coins; "coinsync residents unmerge", "links add" or "links revoke"\
 mend cards and links, and nothing brings back what was erased
unrecorded_lesson: занятие {lesson} больше не записано; сначала "coinsync sync"
  lesson {lesson} is not recorded any more; run sync first
is_erased: #{id}: данные ученика стёрты
  #{id} is erased
is_erased_advice: Стёртое не вернуть; вернувшемуся ученику заведите в CRM новую карточку.
  What is erased stays so; a child who returns needs a new card in the CRM.
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
takes_back_run: отменяет запуск {n} ({actor})
  takes back run {n} of {actor}
part_taken_back: раньше уже отменено записей: {count}
  {count} of its entries were taken back before
posted_already: это уже есть: {what}
  already posted: {what}
some_posted: уже записано строк: {done} из {rows}
  {done} of {rows} rows are posted already
no_rows: в файле нет строк
  the file has no rows
left_out: пропущены: {who}
  left out: {who}
sold_already: уже продано: продажа {sale}
  sold already: sale {sale}
sale: продажа {sale}
  sale {sale}
sale_back: продажа {sale}, возврат: {goods}
  sale {sale}: {goods} back
fair_settled: ярмарка {event} закрыта {day}, её итоги не изменятся
  {event} was closed on {day}; its figures stay as they are
fair_is_open: ярмарка {event} уже открыта
  {event} is there already, open
fair_opens: {event}  {title}: открыта для продаж
  {event}  {title}: open for sales
fair_sold: {item}: продано {pieces}
  {item}: {pieces} sold
fair_received: получено {pieces}
  {pieces} received
fair_counted: по пересчёту {pieces}
  counted {pieces}
write_it: Записать?
  Write it?
not_written: ничего не записано
  nothing written
dry_run: проба: ничего не записано
  dry run: nothing written
"""),
    # What was written.
    **_pairs("""\
entries: записи {first}–{last}
  entries {first}–{last}
posted: готово: {what} ({coins}), запуск {run}
  run {run}: {what} posted ({coins})
recorded: готово: {what}, запуск {run}; монеты не двигались
  run {run}: {what} recorded, no coins moved
facts: {count:fact}
  {count:fact}
stock_moves: {count:move} товара
  {count:move} of stock
seal: печать {seal}
  seal {seal}
"""),
    # The director's month.
    **_pairs("""\
month_parts: школа|за что|статус|филиал|группа|товары
  school|for|presence|branch|group|stock
month: ||>начислено|>отменено|>потрачено|>возвращено|>остаток
  ||>issued|>reversed|>spent|>refunded|>at the end
kinds: занятие|отмена|начисление|списание|начальный остаток|подарок|продажа|возврат
  award|reversal|credit|debit|opening|gift|sale|refund
goods_today: все, на сегодня
  all goods, today
none_earned: учеников, которые ничего не получили: {idle} из {all}
  {idle} of {all} residents earned nothing
none_spent: учеников, которые ничего не потратили: {idle} из {all}
  {idle} of {all} residents spent nothing
none_sold: товаров, которые не продавались: {idle} из {all}
  {idle} of {all} goods were not sold
"""),
    # What the shop sold.
    **_pairs("""\
fair_figures: {sales:sale}, получено монет: {taken}, возвращено позиций: {refunds}
  {sales:sale}, coins taken {taken}, lines refunded {refunds}
fair_late: после закрытия возвращено позиций: {late}; эти итоги не меняются
  after closing: lines refunded {late}; these figures stay
clerks: кассир|>продаж|>монет
  clerk|>sales|>coins
hours: час|>продаж|>монет
  hour|>sales|>coins
shop_goods: товар|код|>продано|>монет|>осталось
  item|code|>sold|>coins|>left
fair_goods: товар|код|>продано|>монет|>получено|>пересчёт
  item|code|>sold|>coins|>received|>counted
idle_items: не продавалось: {count:item}
  {count:item} did not move
buyers: ученик|>куплено|>потрачено|>осталось
  resident|>bought|>spent|>has left
idle_buyers: ничего не купили: {count:resident}, из них без монет: {without}
  {count:resident} bought nothing, {without} of them have no coins
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
empty_shelf: товаров на продажу нет
  nothing is on the shelf
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
