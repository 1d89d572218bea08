"""The one page of the simulator, for a person: plain HTML, no scripts."""

from collections.abc import Iterable
from datetime import date, timedelta
from html import escape

from coinsync.simulator.control import STATUS_NAMES, Control
from coinsync.simulator.faults import KINDS
from coinsync.simulator.records import CANCELLED, CONDUCTED, Lesson
from coinsync.simulator.register import Register

LESSONS_SHOWN_MAX = 30
_DAYS_SHOWN = 7

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #2a6fdb; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
header, .line { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; }
form { display: inline-flex; flex-wrap: wrap; gap: .4rem; margin: 0; align-items: center; }
button, input, select { font: inherit; padding: .15rem .6rem; border: 1px solid var(--line); }
button, input, select { border-radius: .4rem; }
button { cursor: pointer; background: var(--soft); } button.main { background: var(--accent); color: #fff; }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .4rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; } td { padding: .15rem 1rem .15rem 0; }
code { background: var(--soft); padding: 0 .3rem; }
.said { border-left: 4px solid var(--accent); padding: .3rem .8rem; background: var(--soft); }
.cancelled { text-decoration: line-through; opacity: .7; } .quiet { opacity: .7; }
"""

_MARKS: dict[int | None, str] = {1: "came", 0: "absent", None: "not marked"}


class Page:
    """Draws the page for one day of the school."""

    def __init__(self, control: Control, account: dict[str, str], day: date, said: str) -> None:
        self._control = control
        self._books: Register = control.school.books
        self._account = account
        self._day = day
        self._said = said

    def html(self) -> str:
        """The whole document."""
        parts = [self._head(), self._lessons(), self._faults(), self._options(), self._taken()]
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>AlfaCRM simulator</title><style>{_STYLE}</style><body>{''.join(parts)}</body></html>"
        )

    def _head(self) -> str:
        books = self._books
        said = f'<p class="said">{escape(self._said)}</p>' if self._said else ""
        account = " · ".join(
            f"{name} <code>{escape(text)}</code>" for name, text in self._account.items()
        )
        return (
            f"<header><h1>A pretend AlfaCRM</h1><strong>{books.today:%A, %d %B %Y}</strong>"
            f"{self._button('advance', 'next day', main=True)}"
            f"{self._button('advance', 'next week', days=7)}</header>"
            f"<p class='quiet'>{account}<br>{len(books.branches)} branches · {len(books.groups)} groups · "
            f"{len(books.customers)} cards · {len(books.lessons)} lessons</p>{said}"
        )

    # Lessons

    def _lessons(self) -> str:
        since = self._day - timedelta(days=_DAYS_SHOWN - 1)
        found = [one for one in self._books.visible_lessons() if since <= one.date <= self._day]
        found.sort(key=lambda one: (one.date, one.start, one.id), reverse=True)
        shown = "".join(self._lesson(one) for one in found[:LESSONS_SHOWN_MAX])
        rest = len(found) - LESSONS_SHOWN_MAX
        more = f"<p class='quiet'>and {rest} more before these</p>" if rest > 0 else ""
        return (
            f"<h2>Lessons up to {self._day:%d %B}</h2>{self._days()}{shown or '<p>None.</p>'}{more}"
        )

    def _days(self) -> str:
        links = (
            ("earlier", self._day - timedelta(days=1)),
            ("later", self._day + timedelta(days=1)),
        )
        return (
            "<p class='line'>"
            + "".join(f'<a href="/?date={day}">{name}</a>' for name, day in links)
            + '<a href="/">today</a></p>'
        )

    def _lesson(self, lesson: Lesson) -> str:
        books = self._books
        groups = ", ".join(books.groups[one].name for one in lesson.group_ids) or "no group"
        title = (
            f"{lesson.date:%a %d %b} {lesson.start:%H:%M} · {escape(groups)} · "
            f"{escape(books.lesson_types[lesson.lesson_type_id].name)} · "
            f"{escape(books.branches[lesson.branch_id].name)} · {STATUS_NAMES[lesson.status]}"
        )
        style = "cancelled" if lesson.status == CANCELLED else ""
        return (
            f"<details><summary class='{style}'>#{lesson.id} {title}</summary>"
            f"<table>{self._pupils(lesson)}</table><p class='line'>{self._edits(lesson)}</p></details>"
        )

    def _pupils(self, lesson: Lesson) -> str:
        rows = []
        for number in self._books.expected(lesson):
            card, detail = self._books.customers.get(number), lesson.detail_of(number)
            mark = detail.is_attend if detail else None
            buttons = "".join(
                self._button(
                    "mark",
                    name,
                    lesson=lesson.id,
                    customer=number,
                    is_attend="" if value is None else value,
                )
                for value, name in _MARKS.items()
                if value != mark
            )
            name = escape(card.name) if card else "gone"
            rows.append(f"<tr><td>#{number} {name}<td>{_MARKS[mark]}<td>{buttons}")
        return "".join(rows)

    def _edits(self, lesson: Lesson) -> str:
        if lesson.status == CONDUCTED:
            names = ["cancel", "plan", "recreate", "delete"]
        else:
            names = [
                "conduct",
                "plan" if lesson.status == CANCELLED else "cancel",
                "recreate",
                "delete",
            ]
        buttons = "".join(self._button(name, name, lesson=lesson.id) for name in names)
        day = f'<input type="date" name="date" value="{lesson.date}">'
        return buttons + self._form("move", f"{day}<button>move</button>", lesson=lesson.id)

    # Trouble and settings

    def _faults(self) -> str:
        active = "".join(
            f"<p class='line'><code>{one.kind}</code> {escape(_faults_share(one.rate, one.times))} "
            f"{escape(one.match) or 'every address'}, struck {one.struck} of {one.seen}"
            f"{self._button('faults/remove', 'off', number=number)}</p>"
            for number, one in enumerate(self._control.faults)
        )
        fields = (
            f"<select name='kind'>{_choices(KINDS)}</select>"
            "<label>share <input name='rate' value='0.3' size='4'></label>"
            "<label>at most <input name='times' size='4' placeholder='∞'></label>"
            "<label>address <input name='match' value='lesson/index' size='14'></label>"
            "<button class='main'>on</button>"
        )
        clear = self._button("faults/clear", "all off") if active else ""
        active = active or "<p class='quiet'>All is well.</p>"
        return f"<h2>Faults</h2>{active}{self._form('fault', fields)} {clear}"

    def _options(self) -> str:
        rows = "".join(
            f"<tr><td><code>{name}</code><td>"
            + self._form(
                "options", f'<input name="{name}" value="{_as_text(value)}"><button>set</button>'
            )
            for name, value in self._control.options.described().items()
        )
        return f"<h2>Options</h2><details><summary>How this CRM behaves</summary><table>{rows}</table></details>"

    def _taken(self) -> str:
        taken = self._control.school.actions[-10:]
        rows = "".join(f"<li><code>{escape(str(one))}</code>" for one in reversed(taken))
        return f"<h2>Done by hand</h2><ul>{rows or '<li class=quiet>nothing yet'}</ul>"

    def _button(self, action: str, text: str, main: bool = False, **arguments: object) -> str:
        style = ' class="main"' if main else ""
        return self._form(action, f"<button{style}>{text}</button>", **arguments)

    def _form(self, action: str, inside: str, **arguments: object) -> str:
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{escape(str(value))}">'
            for name, value in (*arguments.items(), ("back", self._back()))
        )
        return f'<form method="post" action="/control/{action}">{hidden}{inside}</form>'

    def _back(self) -> str:
        """The day to come back to; nothing stands for today, whichever day that then is."""
        return "" if self._day == self._books.today else self._day.isoformat()


def _choices(names: Iterable[str]) -> str:
    return "".join(f"<option>{name}" for name in names)


def _faults_share(rate: float | None, times: int | None) -> str:
    share = "always" if rate is None else f"{rate:.0%}"
    return share if times is None else f"{share}, {times} times at most"


def _as_text(value: object) -> str:
    return "" if value is None else escape(str(value))
