"""What clerks read is in the language of ``[school] staff_language``; programs read English."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import pytest

from coinsync.core.catalog import Item
from tests.cli.test_till import Person
from tests.cli.test_waiting import hold
from tests.support.goods import an_item, fill
from tests.support.school import Installation, Said
from tests.support.terminal import ENTER, in_terminal

ADA, RICH, POOR = 102, 106, 115
MUG, CAP = an_item("mug", 30, name="Кружка"), an_item("cap", 45, name="Кепка", place=2)
GOODS: dict[Item, int] = {MUG: 5, CAP: 1}
#: What is to be typed, or named by staff or the CRM: commands, options, settings, and data.
TYPED = re.compile(
    r'"[^"]*"|--?[a-z-]+|\[+[a-z]+\]+(?: [a-z_]+)?|(?:coinsync|review) .*|'
    r"CRM|UNSAFE|(?:crm|vk|desk):\w+|[0-9a-f]{12}|печать .*|Python|Roblox|group lesson"
)
LATIN = re.compile("[A-Za-z]{2,}")
REASON = ("--reason", "Помогла новичку")
NOTE = ("--note", "По ошибке")


@pytest.fixture
def school(desk: Installation) -> Installation:
    """A school after its first sync, with a shop, whose staff reads Russian; Ada has 100 coins."""
    balances = desk.balances()
    fill(desk, GOODS, {ADA: 100 - balances[ADA], RICH: 200 - balances[RICH]})
    text = desk.config.read_text(encoding="utf-8")
    text = text.replace('staff_language = "en"', 'staff_language = "ru"')
    desk.config.write_text(text, encoding="utf-8")
    return desk


@pytest.fixture
def type_at(school: Installation, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Type lines at a till of the school."""

    def at_till(*lines: str) -> Said:
        monkeypatch.setattr(sys, "stdin", Person(*lines))
        return school.run("till")

    return at_till


def english_words(text: str, *data: str) -> list[str]:
    """The words in Latin letters that are neither to be typed nor ``data``."""
    words = LATIN.findall(TYPED.sub("", text.removeprefix("coinsync: ")))
    return [word for word in words if word not in data]


def test_the_summary_is_russian(school: Installation) -> None:
    """What a command would write, and that it did not, without an English word."""
    out = school.ok("credit", f"#{ADA}", "5", *REASON, "--dry-run", "--key", "1").out
    assert re.search(r"ученик +было +монеты +станет +день +за что", out)
    assert "ключ 1\nпроба: ничего не записано\n" in out
    assert not english_words(out)


@pytest.mark.parametrize(("answer", "code"), [("да", "записано"), ("нет", "ничего не записано")])
def test_the_question_is_answered_in_russian(school: Installation, answer: str, code: str) -> None:
    """Да and нет are as good as y and n."""
    before = school.balances()[ADA]
    shown = in_terminal(
        school,
        *("credit", f"#{ADA}", "5", *REASON),
        answers=[("Записать? [y/N]: ", answer + ENTER)],
    )
    assert shown.code == 0
    is_written = code == "записано"
    assert (school.balances()[ADA] == before + 5) == is_written
    assert ("ничего не записано" in shown.text) != is_written


def test_refusals_are_russian(school: Installation) -> None:
    """What is refused and what to do, whole in Russian: coins, stock, names, twice, taken back."""
    refused = {
        "не хватает монет, есть 100, нужно 500": ("debit", f"#{ADA}", "500", *REASON),
        "cap: осталось 1, нужно 2": ("sell", f"#{RICH}", "cap", "--quantity", "2"),
        "не найдено: 'Никто'": ("credit", "Никто", "5", *REASON),
        "'Рената С': подходит несколько, всего 2": ("credit", "Рената С", "5", *REASON),
    }
    for says, words in refused.items():
        said = school.run(*words, "--yes")
        assert says in said.err
        advice = said.err.splitlines()[-1]
        assert re.search("[а-я]", advice), advice
    assert "Иннополис, занимается, 200 монет)" in said.err
    school.ok("credit", f"#{ADA}", "5", *REASON, "--yes")
    said = school.run("credit", f"#{ADA}", "5", *REASON, "--yes")
    assert (said.code, "похоже, это уже записано" in said.err) == (7, True)
    number = school.ledger()[-1].n
    school.ok("reverse", str(number), "--note", "Не та Ада", "--yes")
    said = school.run("reverse", str(number), "--note", "Не та Ада", "--yes")
    assert f"запись {number} уже отменена записью {number + 1}; ничего не записано" in said.err


def test_a_closed_fair_is_refused_in_russian(school: Installation) -> None:
    """Who closed it and when."""
    school.ok("shop", "open", "fair", "--title", "Ярмарка", "--yes")
    school.ok("shop", "close", "fair", "--yes")
    said = school.run("sell", f"#{RICH}", "mug", "--event", "fair", "--yes")
    assert re.search(r"ярмарка fair закрыта 20\d\d-\d\d-\d\d: anna; ничего не записано", said.err)


def test_a_till_is_russian(school: Installation, type_at: Callable[..., Said]) -> None:
    """From its help to its total; typed wrongly, sold, and taken back."""
    out = type_at(f"{ADA} 1", "да", f"{ADA} 9", f"{RICH} 2x2", f"{RICH}", "2", "нет", "-", "").out
    assert "#150 покупает первый товар из списка" in out
    assert re.search(r"товар +код +цена +осталось", out)
    assert "продано, осталось 70 монет   продажа " in out
    assert "1 продажа, 30 монет" in out
    assert "'9': нет в списке\n  → Введите номер перед товаром." in out
    assert "cap: осталось 1, нужно 2; ничего не записано" in out
    assert "монет: 200" in out
    assert "не продано" in out
    assert "возвращено: продажа " in out
    assert out.endswith("0 продаж, 0 монет\n")


def test_what_waits_is_russian(school: Installation) -> None:
    """The morning message, with what to do."""
    hold(school)
    out = school.ok("waiting", "--all", "--stock", "3").out
    assert re.search(r"удержано: занятие \d+, \S+, #\d+: -10, могли потратить \(Отметка", out)
    assert "cap: осталось 1\n  → coinsync catalog stock receive cap PIECES" in out
    assert ", или review waive " in out
    assert "held:" not in out


def test_receipts_are_russian(school: Installation) -> None:
    """What was written, or was there already, and what was taken back: by each command."""
    rows = school.file("rows.csv", "resident;coins;reason\n101;5;Олимпиада\n")
    receipts: dict[tuple[str, ...], str] = {
        ("credit", f"#{ADA}", "5", *REASON, "--key", "k1"): r"готово: запись \d+ \(\+5\), запуск",
        ("credit", f"#{ADA}", "5", *REASON, "--key", "k1 "): r"это уже есть: запись \d+\n",
        ("debit", f"#{ADA}", "2", *REASON): r"готово: запись \d+ \(-2\), запуск \d+; печать \d",
        ("credit", "1", "--group", "Python-1", *REASON): r"готово: записи \d+–\d+ \(\+\d+\)",
        ("import", rows): r"готово: запись \d+ \(\+5\)",
        ("import", rows, "--json"): "1 of 1 rows are posted already",
        ("shop", "open", "fair", "--title", "Ярмарка"): "fair  Ярмарка: открыта для продаж",
        ("shop", "open", "FAIR"): "ярмарка fair уже открыта",
        ("sell", f"#{RICH}", "cap", "--key", "s1"): r"продажа s1\nготово: запись \d+ \(-45\)",
        ("sell", f"#{RICH}", "cap", "--key", "s1 "): "уже продано: продажа s1",
        ("refund", "s1", *NOTE): r"продажа s1, возврат: Кепка\nготово: запись \d+ \(\+45\)",
        ("sell", f"#{RICH}", "mug", "--event", "fair", "--key", "s2"): "продажа s2",
        ("catalog", "stock", "receive", "mug", "3"): "готово: 1 движение товара, запуск",
        ("catalog", "stock", "count", "mug", "6"): "монеты не двигались; печать",
        (
            "shop",
            "close",
            "fair",
        ): "mug: продано 1, получено 3, по пересчёту -1\nготово: 1 изменение",
        ("refund", "s2", *NOTE): r"ярмарка fair закрыта \S+, её итоги не изменятся",
        ("reverse", "1", *NOTE): r"отменяет запись 1\nготово: запись",
    }
    for words, says in receipts.items():
        out = school.ok(*map(str.strip, words), "--yes").out
        assert re.search(says, out), (words, out)
        if "--json" not in words:
            assert not english_words(out, "anna", "mug", "fair", "FAIR", "s1", "s2"), out
    run = school.ok("journal", "--kind", "credit", "--json").json[1]["run"]["id"]
    assert f"отменяет запуск {run} (anna)\n" in school.ok("undo", f"{run}", *NOTE, "--yes").out


def test_refusals_have_no_english_word(school: Installation) -> None:
    """Whatever the rules of coins refuse, and whoever or whatever is not there."""
    fair = ("--event", "fair")
    goods = ("sell", f"#{RICH}", "mug")
    school.ok("credit", f"#{ADA}", "5", *REASON, "--key", "k1", "--yes")
    school.ok(*goods, "--key", "s1", "--yes")
    school.ok("refund", "s1", *NOTE, "--yes")
    school.ok("shop", "open", "fair", "--yes")
    journal = school.ok("journal", "--limit", "50", "--json").json
    refused: list[tuple[str, ...]] = [
        ("credit", f"#{ADA}", "1001", *REASON),
        ("credit", f"#{ADA}", "6", *REASON, "--key", "k1"),
        ("credit", f"#{ADA}", "6", "--for", "chess"),
        ("credit", "5", "--group", "Chess", *REASON),
        ("credit", "5", "--lesson", "999999", *REASON),
        ("debit", "Никто", "5", *REASON),
        (*goods, "--key", "s1", "--reason", "Иначе"),
        ("sell", f"#{RICH}", "ракета"),
        (*goods, "--event", "other"),
        ("refund", "s1", *NOTE),
        ("refund", "s1", "--line", "1", *NOTE),
        ("refund", "s1", "--line", "2", *NOTE),
        ("refund", "s2", *NOTE),
        ("reverse", "999999", *NOTE),
        ("reverse", str(school.ledger()[-1].n), *NOTE),
        ("undo", "999999", *NOTE),
        *(("undo", str(line["run"]["id"]), *NOTE) for line in journal if not line["undo"]),
        ("catalog", "stock", "write-off", "mug", "999", *NOTE),
    ]
    data = ("k1", "s1", "s2", "mug", "fair", "other", "chess", "Chess", "olympiad", "project")
    for words in refused:
        said = school.run(*words, "--yes")
        assert said.code in (6, 7), (words, said)
        assert not english_words(said.err, *data), said.err
    school.ok(*goods, *fair, "--key", "s3", "--yes")


def test_the_month_is_russian(school: Installation) -> None:
    """Headings, parts, kinds of coins and who is idle; within 80 columns."""
    school.ok("sell", f"#{RICH}", "mug", "--yes")
    out = school.ok("report").out
    assert not english_words(out), out
    assert max(map(len, out.splitlines())) <= 80
    assert re.search(r"начислено +отменено +потрачено +возвращено +остаток", out)
    assert re.search(r"товары +все, на сегодня +-30 +\d+", out)
    assert re.search(r"статус +занимается", out)
    assert "учеников, которые ничего не получили: " in out


def test_the_shop_report_is_russian(school: Installation) -> None:
    """Of the shop, and of a fair with what came back after its end."""
    school.ok("shop", "open", "fair", "--title", "Ярмарка", "--yes")
    for key in ("s1", "s2"):
        words = ("sell", f"#{RICH}", "mug", "--event", "fair", "--key", key)
        school.ok(*words, "--yes")
    school.ok("refund", "s1", *NOTE, "--yes")
    school.ok("shop", "close", "fair", "--yes")
    school.ok("refund", "s2", *NOTE, "--yes")
    out = school.ok("shop", "report", "--event", "fair").out
    assert "1 продажа, получено монет: 30, возвращено позиций: 1\n" in out
    assert "после закрытия возвращено позиций: 1; эти итоги не меняются\n" in out
    assert re.search(r"товар +код +продано +монет +получено +пересчёт", out)
    assert not english_words(out, "fair", "anna", "mug"), out
    out = school.ok("shop", "report").out
    assert re.search(r"товар +код +продано +монет +осталось", out)
    assert not english_words(out, "mug", "cap"), out


def test_programs_and_admins_read_english(school: Installation) -> None:
    """JSON and exit codes know no language, and neither does what is an admin's."""
    hold(school)
    assert "held: lesson" in school.ok("waiting", "--all", "--json").json[0]["text"]
    said = school.run("debit", f"#{ADA}", "500", *REASON, "--yes", "--json")
    assert (said.code, "has 100 coins, 500 needed" in said.err) == (7, True)
    said = school.run("credit", f"#{ADA}", "5", *REASON, "--dry-run", "--json")
    assert (said.json["moves"][0]["kind"], said.json["words"]) == ("credit", [])
    assert re.search(r"entry +day +what", school.ok("history", f"#{ADA}").out)
