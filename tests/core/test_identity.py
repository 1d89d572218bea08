"""Texts about VK pages mean what they say or nothing, and names are safe to show."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsync.core.identity import (
    NAME_LENGTH_MAX,
    VK_ID_MAX,
    NameForm,
    VkKind,
    VkText,
    answers_to,
    clean,
    harmless,
    plain_number,
    read_vk,
    shown_name,
)
from tests.support.makers import thorough

# --- pages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "123",
        " 123\t",
        "id123",
        "ID123",
        "@id123",
        "*id123",
        "@id123 (Ада)",
        "*id123 (Ада М.)",
        "*id123(Ада)",
        "[id123|Ада]",
        "vk.com/id123",
        "vk.com/id123/",
        "VK.com/ID123",
        "vk.ru/id123",
        "vk.me/id123",
        "vkontakte.ru/id123",
        "m.vk.com/id123",
        "www.vk.com/id123",
        "new.vk.com/id123",
        "http://vk.com/id123",
        "https://vk.com/id123",
        "https://m.vk.ru/id123?from=search",
        "https://vk.com/id123#about",
        "https://vk.com/id123?w=wall7_8",
        "vk.com/write123",
        "https://vk.com/write123?ref=1",
        "vk.com/im?sel=123",
        "https://vk.com/im?media=&sel=123&st=1",
        "https://vk.com/im?sel=123#x",
        "https://vk.com/im/convo/123?entrypoint=list_all",
        "https://vk.ru/im/convo/123",
        "vk.com/im/convo/123/",
        "https://web.vk.me/convo/123",
        "https://vk.com/gim200?sel=123",
        "vk.com/gim200?tab=all&sel=123&msgid=7",
        "https://vk.com/gim200/convo/123?tab=all",
        "https://m.vk.com/mail?act=show&peer=123",
        *("id123.", "id123,", "vk.com/id123.", "@id123 (Ада).", "123,", "id123 ;"),
    ],
)
def test_a_number_is_read_in_every_form(text: str) -> None:
    """A page's number needs no question to VK, however it is written."""
    assert read_vk(text) == VkText(VkKind.NUMBER, number=123)


@pytest.mark.parametrize(
    "text",
    [
        "ada.minina",
        "Ada.Minina",
        "@ada.minina",
        "*ada.minina",
        "@ada.minina (Ада)",
        "vk.com/ada.minina",
        "vk.com/Ada.Minina/",
        "vk.me/ada.minina",
        "https://vk.com/ada.minina?from=search",
        "https://m.vk.com/ada.minina#x",
        "https://vk.com/ada.minina?w=wall7_8",
    ],
)
def test_a_screen_name_is_read_in_every_form(text: str) -> None:
    """A screen name is the same name in any case of letters and in any link."""
    assert read_vk(text) == VkText(VkKind.SCREEN_NAME, name="ada.minina")


@pytest.mark.parametrize(
    "text", ["club1", "public1", "event1", "[club1|Школа]", "-1", "@club1", "vk.com/club1", "Club1"]
)
def test_a_community_is_not_a_person(text: str) -> None:
    """Groups, public pages and events are told apart from people."""
    assert read_vk(text) == VkText(VkKind.COMMUNITY)


@pytest.mark.parametrize(
    "text",
    [
        "vk.com",
        "https://vk.com/",
        "vk.com/?x=1",
        "app1_-2",
        "vk.com/app1",
        "vk.com/away.php",
        "vk.com/away.php?to=x",
        "vk.cc/abc",
        "https://vk.cc/abc",
        "https://example.org/ada",
        "vk.com/feed?w=wall123_4",
        "vk.com/wall123_4",
        "vk.com/wall-123_4",
        "vk.com/photo123_4",
        "vk.com/videos123",
        "vk.com/album123_0",
        "vk.com/im?sel=-5",
        "vk.com/im?sel=c5",
        "https://vk.com/im?sel=2000000195",
        "https://vk.com/im/convo/2000000000",
        "https://vk.com/im/convo/-200?entrypoint=community_page&tab=all",
        "https://vk.com/gim200?sel=-5",
        "https://vk.com/gim200?sel=2000000001",
        *("vk.com/gim200", "gim200", "vk.com/write2000000001", "vk.com/write-5", "write0"),
        *("vk.com/im/convo/", "vk.com/im/convo/x", "vk.com/mail", "vk.com/im/channels/5"),
        "vk.com/market/product/x",
        *(
            "feed",
            "im",
            "friends",
            "groups",
            "settings",
            "apps",
            "market",
            "video",
            "audio",
            "docs",
            "search",
            "login",
        ),
        *("vk.com/support", "https://vk.com/feed", "https://vk.com/al_im.php?sel=5"),
    ],
)
def test_a_link_to_something_else_is_not_a_person(text: str) -> None:
    """Applications, short links, pictures, walls and service pages name nobody."""
    assert read_vk(text) == VkText(VkKind.NOT_A_PERSON)


@pytest.mark.parametrize(
    "text",
    [
        "+79160000000",
        "89160000000",
        "79160000000",
        "9160000000",
        "8 (916) 000-00-00",
        "@123",
        "vk.com/123",
        "0",
        "id0",
        "007",
        "id" + "9" * 19,
        "id" + "1" * 20,
        "ada@example.org",
        "Ада Минина",
        "ада",
        "²",
        "١٢٣",
        "a",
        "x" * 65,
        "id123 id124",
        "vk.com/id 123",
        "[id123]",
        "<script>",
    ],
)
def test_what_may_be_something_else_is_not_guessed(text: str) -> None:
    """Telephones, addresses, names and numbers beyond VK's are unreadable rather than somebody's
    page."""
    assert read_vk(text) == VkText(VkKind.UNREADABLE)


def test_a_ten_digit_page_is_told_from_a_telephone() -> None:
    """A bare number is a page up to the size of VK's numbers.

    A greater one needs a word that says so.
    """
    assert read_vk("1100000000") == VkText(VkKind.NUMBER, number=1_100_000_000)
    assert read_vk("1999999999").number == 1_999_999_999
    assert read_vk("2000000000").kind is VkKind.UNREADABLE
    assert read_vk("id9160000000") == VkText(VkKind.NUMBER, number=9_160_000_000)
    assert read_vk(f"id{VK_ID_MAX}").number == VK_ID_MAX
    assert read_vk(f"id{VK_ID_MAX + 1}").kind is VkKind.UNREADABLE


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_nothing_means_nothing(text: str) -> None:
    """An empty card is no news."""
    assert read_vk(text) == VkText(VkKind.NOTHING)


_PIECES = st.sampled_from(
    [
        "vk.com/",
        "https://",
        "id",
        "club",
        "write",
        "im?sel=",
        "9999999999",
        "name",
        *"@*[]|()-1?#/ё._ \u200b\n",
    ]
)


@thorough(400)
@given(st.text() | st.lists(_PIECES, max_size=8).map("".join))
def test_any_text_is_read_without_an_error(text: str) -> None:
    """Whatever is typed has a kind.

    Only numbers have a number, within VK's range, and only names have a name.
    """
    found = read_vk(text)
    assert (found.kind is VkKind.NUMBER) == (0 < found.number <= VK_ID_MAX)
    assert (found.kind is VkKind.SCREEN_NAME) == bool(found.name)
    assert found.name == found.name.lower()


@thorough(100)
@given(st.integers(1, VK_ID_MAX))
def test_every_number_is_read_from_its_page(number: int) -> None:
    """The link of a page gives back its number."""
    assert read_vk(f"https://vk.com/id{number}").number == number


# --- texts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ада", "Ада"),
        ("Ада\x1b[31m", "Ада[31m"),
        ("Ада\x00\x07", "Ада"),
        ("Ада\u202eьлеГ", "АдаьлеГ"),
        ("А\u200bд\u200dа\ufeff", "Ада"),
        ("А\u00adда", "Ада"),
        ("Ада\nГлеб", "Ада Глеб"),
        ("Ада\u2028Глеб", "Ада Глеб"),
        ("Ада\u00a0М.", "Ада М."),
        ("\ud800Ада", "Ада"),
        ("\ue000Ада", "Ада"),
        ("Ада 🐈", "Ада 🐈"),
        ("Ада [/]", "Ада [/]"),
    ],
)
def test_a_text_loses_what_cannot_be_seen(text: str, shown: str) -> None:
    """Control, direction, zero-width, half and private characters go; line breaks become spaces.

    The rest stays.
    """
    assert harmless(text) == shown


@thorough(400)
@given(
    st.text(st.characters(categories=None))
    | st.text(st.sampled_from("a \t\n\x00\x1b\x85\u200b\u202e\u2028ё"))
)
def test_no_hidden_character_passes(text: str) -> None:
    """No control, format, surrogate or private character is ever left, nor a break of the line."""
    for found in (
        harmless(text),
        clean(text),
        shown_name(text, NameForm.FULL),
        shown_name(text, NameForm.SURNAME_FIRST),
    ):
        assert not {unicodedata.category(char) for char in found} & {
            "Cc",
            "Cf",
            "Cs",
            "Co",
            "Zl",
            "Zp",
        }
        assert len(found.splitlines()) <= 1


@thorough(100)
@given(st.text())
def test_clean_is_settled_after_one_time(text: str) -> None:
    """A clean text stays as it is, has no space around it and never two in a row."""
    found = clean(text)
    assert clean(found) == found == found.strip()
    assert "  " not in found


# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Минина Ада Петровна", "Ада М."),
        ("Минина Ада", "Ада М."),
        ("  Минина \t Ада ", "Ада М."),
        ("Ада", "Ада"),
        ("", ""),
        (" \u200b ", ""),
        ("Ли\u202e Ян", "Ян Л."),
    ],
)
def test_a_name_is_shortened(text: str, shown: str) -> None:
    """First name and initial of the surname; a name of one word stays."""
    assert shown_name(text, NameForm.SURNAME_FIRST) == shown


def test_a_full_name_stays_full() -> None:
    """Where the school keeps full names, only the spaces change."""
    assert shown_name(" Минина  Ада Петровна", NameForm.FULL) == "Минина Ада Петровна"


def test_a_name_that_begins_with_the_given_name_is_shortened_at_its_end() -> None:
    """As the school's CRM writes it."""
    assert shown_name("Ада Минина", NameForm.GIVEN_FIRST) == "Ада М."


@pytest.mark.parametrize("form", NameForm)
def test_a_long_name_is_cut_visibly(form: NameForm) -> None:
    """A name longer than its column ends in an ellipsis."""
    found = shown_name("а" * 500 + " " + "а" * 500, form)
    assert len(found) == NAME_LENGTH_MAX
    assert found.endswith("…")
    assert shown_name("а" * NAME_LENGTH_MAX, form) == "а" * NAME_LENGTH_MAX


@pytest.mark.parametrize(
    ("name", "text", "answers"),
    [
        ("Ада М.", "ада", True),
        ("Лада М.", "Ада", False),
        ("Лада Адамова", "ада", True),
        ("Анна-Мария К.", "мария", True),
        ("Ада  М.", " ада\tм", True),
        ("Семён П.", "семен", True),
        ("Семен П.", "семе\u0308н", True),
        ("Ада М.", "Aдa", True),
        ("Ада М.", "", False),
        ("Ада М.", " \u200b", False),
        ("Ада М.", "м.", True),
        ("Алина Ё.", "алина\u00a0е", True),
        ("Cepaфима Ш.", "серафима", True),
        ("Серафима Ш.", "Cepaфимa", True),
        ("Игорb С.", "игорь", True),
        ("Əлфия Һ.", "әлфия н", True),
        ("Ілля Ј.", "iлля j", True),
        ("Сёма", "Cëмa", True),
        ("Ада ｶ", "ада カ", True),
        ("Ａｎｎ", "ann", True),
        ("Ада М.", "ада\u202f\u2007м", True),
    ],
)
def test_a_name_answers_to_the_beginnings_of_its_words(name: str, text: str, answers: bool) -> None:
    """Whatever the case, the spaces, the dots of "ё", and the alphabet of letters that look alike."""  # noqa: E501
    assert answers_to(name, text) is answers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("207", 207),
        ("007", 7),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, None),
        ("", None),
        ("-1", None),
        ("+1", None),
        (" 1", None),
        ("1_0", None),
        ("1.0", None),
        ("٣", None),
        ("²", None),
    ],
)
def test_a_number_is_plain_digits(text: str, number: int | None) -> None:
    """No signs, no spaces, no digits of other scripts, and no more than a database can hold."""
    assert plain_number(text) == number
