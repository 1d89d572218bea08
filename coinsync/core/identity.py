"""Who is who: names as they are shown, and what a text about a VK page means."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

NAME_LENGTH_MAX = 120

#: More digits are a number of nobody, and more than a database can hold.
DIGITS_MAX = 18

#: Kept in the place of a text about a VK page that means nothing: it might be a telephone.
VK_UNREADABLE = "?"
VK_ID_MAX = 2**63 - 1
#: A greater number in a link to messages is a conversation of several people, one below 0 that with
#: a community. Without a word around it, it might be a telephone as well.
PEER_MAX = 1_999_999_999

_HOST = re.compile(
    r"(?:https?://)?(?:(?:m|www|new|web)\.)?(?:vk\.com|vk\.ru|vk\.me|vkontakte\.ru)(?:/|$)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?:id)?([1-9][0-9]{0,18})", re.IGNORECASE)
_MENTION = re.compile(r"[@*](?P<who>[A-Za-z0-9_.]+)(?:\s*\([^)]*\))?")
_BRACKET = re.compile(r"\[(?P<who>[A-Za-z]+[0-9]+)\|[^\]]*\]")
_COMMUNITY = re.compile(r"(?:club|public|event|-)[0-9]+", re.IGNORECASE)
_APP_OR_PART = re.compile(
    r"app[0-9]+(?:_-?[0-9]+)?|gim[0-9]+"
    r"|(?:wall|photo|video|album|audio|topic|doc|clip|story|market)s?-?[0-9]+(?:_[0-9]+)?",
    re.IGNORECASE,
)
_WRITE = re.compile(r"write(-?[0-9]{1,19})", re.IGNORECASE)
# A conversation with a person, also one of a community (gim and its number).
_DIALOGUE = re.compile(
    r"(?:(?:im|mail|gim[0-9]+)/?\?(?:[^#]*&)?(?:sel|peer)=|(?:(?:im|gim[0-9]+)/)?convo/)"
    r"(-?[0-9]{1,19})(?:[/?&#].*)?",
    re.IGNORECASE,
)
_ID = re.compile(r"(?:id)?[0-9]+", re.IGNORECASE)
_SCREEN_NAME = re.compile(r"[A-Za-z0-9_.]{2,64}")
_SERVICE_PAGES = {"feed", "im", "friends", "groups", "settings", "apps", "market", "video"}
_SERVICE_PAGES |= {"mail", "audio", "docs", "search", "login", "support", "away.php"}
#: What offices write into the card of a family without VK.
_NO_VK = frozenset({"нет", "no", "none", "-", "—"})
#: Letters that stand for one another where names are compared: in small or in capital letters they
#: look alike on a screen, in Russian, Tatar and Ukrainian names.
_SAME_LETTERS = str.maketrans("abcehijkmopstxyəɵёëһүь", "авсеніјкморѕтхуәөеенув")

#: Control characters, direction and zero-width ones, halves of a pair, and nobody's.
_HIDDEN = ("Cc", "Cf", "Cs", "Co")

# Spreadsheets split a file at another delimiter than it was written with, inside of quotes as well.
_CELL_BEGINS, _FORMULA_BEGINS = r"((?:^|[,;\t])[\s\"]*)", "(?='*[=+\\-@＝＋－＠])"
_FORMULA = re.compile(_CELL_BEGINS + _FORMULA_BEGINS)
_PROTECTED = re.compile(f"{_CELL_BEGINS}'{_FORMULA_BEGINS}")


class VkKind(StrEnum):
    """What a text about a VK page turned out to be."""

    NOTHING = "nothing"
    HAS_NONE = "has_none"
    NUMBER = "number"
    SCREEN_NAME = "screen_name"
    COMMUNITY = "community"
    NOT_A_PERSON = "not_a_person"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class VkText:
    """The meaning of a text about a VK page; ``name`` in lower case."""

    kind: VkKind
    number: int = 0
    name: str = ""


def read_vk(text: str) -> VkText:
    """Say what a text means; never guesses, never raises."""
    text = text.strip()
    if not text:
        return VkText(VkKind.NOTHING)
    # The end of a sentence is no part of a name.
    text = text.rstrip(" .,;:!") or text
    # Before screen names: VK must not be asked for somebody called "no".
    if text.casefold() in _NO_VK:
        return VkText(VkKind.HAS_NONE)
    host = _HOST.match(text)
    if host:
        # Several links in one field: nobody can say which of them is meant.
        if len(text.split()) > 1:
            return VkText(VkKind.UNREADABLE)
        return _read_path(text[host.end() :])
    mention = _MENTION.fullmatch(text) or _BRACKET.fullmatch(text)
    if mention:
        return _read_word(mention["who"], bare=False)
    return _read_word(text, bare=True)


def _read_path(path: str) -> VkText:
    dialogue = _DIALOGUE.fullmatch(path)
    if dialogue:
        return _peer(dialogue[1])
    word = re.split(r"[?#]", path, maxsplit=1)[0].rstrip("/")
    # A page of VK's own program is nobody's.
    if not word or word.endswith(".php"):
        return VkText(VkKind.NOT_A_PERSON)
    return _read_word(word, bare=False)


def _read_word(word: str, *, bare: bool) -> VkText:
    written_to = _WRITE.fullmatch(word)
    if written_to:
        return _peer(written_to[1])
    number = _NUMBER.fullmatch(word)
    # vk.com/123 is not the page of id123, and nobody's screen name either.
    if number and (bare or not word.isdigit()):
        value = int(number[1])
        if value <= (PEER_MAX if word.isdigit() else VK_ID_MAX):
            return VkText(VkKind.NUMBER, number=value)
        return VkText(VkKind.UNREADABLE)
    if _COMMUNITY.fullmatch(word):
        return VkText(VkKind.COMMUNITY)
    is_part = _APP_OR_PART.fullmatch(word) or "/" in word
    if is_part or word.lower() in _SERVICE_PAGES:
        return VkText(VkKind.NOT_A_PERSON)
    if _SCREEN_NAME.fullmatch(word) and not _ID.fullmatch(word):
        return VkText(VkKind.SCREEN_NAME, name=word.lower())
    return VkText(VkKind.UNREADABLE)


def _peer(digits: str) -> VkText:
    value = int(digits)
    is_person = 0 < value <= PEER_MAX
    return VkText(VkKind.NUMBER, number=value) if is_person else VkText(VkKind.NOT_A_PERSON)


def harmless(text: str) -> str:
    """A text on one line, without control, direction or zero-width characters."""
    # Most texts are; this is asked of every name in every list.
    if text.isascii() and text.isprintable():
        return text
    shown = []
    for char in text:
        if char.isspace():
            shown.append(" ")
        elif unicodedata.category(char) not in _HIDDEN:
            shown.append(char)
    return "".join(shown)


def spreadsheet_safe(text: str) -> str:
    """A text as a cell of which no spreadsheet takes any part for a formula, on one line.

    An apostrophe stands where one could begin; ``unprotected`` takes it off.
    """
    return _FORMULA.sub(r"\1'", harmless(text))


def unprotected(cell: str) -> str:
    """The text of a cell that was written by ``spreadsheet_safe``."""
    return _PROTECTED.sub(r"\1", cell)


def clean(text: str) -> str:
    """A harmless text with single spaces and none around it."""
    return " ".join(harmless(text).split())


def plain_number(text: str) -> int | None:
    """The whole number that a text of plain digits writes; None for any other text."""
    # Python also takes the digits of other scripts for digits.
    is_number = text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX
    return int(text) if is_number else None


def answers_to(name: str, text: str) -> bool:
    """Whether a word of a name begins with ``text``: "ада" finds "Ада М.", not "Лада"."""
    wanted = folded(text)
    # Neither a letter nor a digit stands before it.
    beginning = rf"(?<![^\W_]){re.escape(wanted)}"
    return bool(wanted) and re.search(beginning, folded(name)) is not None


def folded(text: str) -> str:
    """A name, a heading or a word as it is compared, here and nowhere otherwise.

    Case, spaces, compatibility forms ("№" and "No"), "ё", and Latin letters that look Cyrillic make
    no difference.
    """
    # A Mac writes "й" and "ё" in two characters each; so do the letters that come out of this.
    composed = unicodedata.normalize("NFKC", text).casefold().translate(_SAME_LETTERS)
    return clean(unicodedata.normalize("NFKC", composed))


class NameForm(StrEnum):
    """How a CRM's names are written."""

    SURNAME_FIRST = "surname_first"
    GIVEN_FIRST = "given_first"
    FULL = "full"


def shown_name(text: str, form: NameForm) -> str:
    """Shorten a CRM's name: "Иванова Ада Петровна" → "Ада И."."""
    words = clean(text).split()
    if form is NameForm.FULL or len(words) < 2:
        name = " ".join(words)
    elif form is NameForm.SURNAME_FIRST:
        name = f"{words[1]} {words[0][0]}."
    else:
        name = f"{words[0]} {words[1][0]}."
    return name if len(name) <= NAME_LENGTH_MAX else name[: NAME_LENGTH_MAX - 1] + "…"
