"""The CRM and VK: whether they let us in, and whether the configuration speaks of what is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from coinsync.commands import connections
from coinsync.commands.checks.examination import (
    FAIL,
    WARN,
    CrmAnswers,
    Diagnosis,
    Examination,
    fail,
    failed,
    judged,
    ok,
    warn,
)
from coinsync.core.facts import LessonType
from coinsync.core.rules import Reason
from coinsync.errors import CoinsyncError, TryLater
from coinsync.lookup.vk_pages import vk_coverage
from coinsync.render.numbers import counted
from coinsync.store.reader import Reader

#: Of so many days lessons are counted.
DAYS = 60
#: A screen name that VK itself has had for many years: the community about its API.
NAME_IN_VK = "apiclub"


def crm(ex: Examination) -> Iterator[Diagnosis]:
    """Whether it answers, takes the key, and has the branches of the configuration."""
    settings, answers = ex.session.settings, ex.crm
    if answers is None:
        return
    is_file = settings.school.crm == "csv"
    place = str(settings.csv.folder) if is_file else settings.alfacrm.url
    if isinstance(answers, CoinsyncError):
        said = connections.named(place, answers.message.splitlines()[0])
        yield fail("crm", said, answers.advice)
        return
    who = "can be read" if is_file else f"{settings.alfacrm.email} may read it"
    yield ok("crm", f"{place}: {who}")
    names = {id: f"{id} {branch.name}".rstrip() for id, branch in answers.branches.items()}
    wanted = [branch.id for branch in settings.branches]
    unknown = [id for id in wanted if id not in names]
    problems = [f"config: [[branch]] id {id}: no such branch in the CRM" for id in unknown]
    fine = f"{', '.join(names.get(id, '') for id in wanted)}; the CRM has {len(names)}"
    advice = f"It has: {', '.join(names.values()) or 'none'}."
    yield from judged("branches", problems, fine, advice)


def types(ex: Examination) -> Iterator[Diagnosis]:
    """Whether lesson types are classified, and the classified ones there."""
    settings = ex.session.settings
    if isinstance(ex.crm, CrmAnswers):
        known = list(ex.crm.types.values())
    else:
        known = ex.asked(lambda reader: reader.all(LessonType)) or []
    names = {lesson_type.id: lesson_type.name for lesson_type in known}
    if not names:
        return
    listed = [(FAIL, f"[[rule]] {rule.name} types", rule.types) for rule in settings.rules]
    for key in ("trial", "makeup", "uncounted"):
        listed.append((WARN, f"[lessons] {key}", getattr(settings.lessons, key)))
    diagnoses = []
    advice = f"The CRM has: {', '.join(f'{id} {names[id]}' for id in sorted(names))}."
    for state, where, ids in listed:
        missing = ", ".join(map(str, sorted(ids - names.keys())))
        if missing:
            said = f"config: {where}: {missing} is no lesson type of the CRM"
            diagnoses.append(Diagnosis("types", state, said, advice))
    diagnoses += _unclassified(ex, names)
    fine = f"all {counted(len(names), 'lesson type')} are classified"
    yield from diagnoses or [ok("types", fine)]


def _unclassified(ex: Examination, names: dict[int, str]) -> Iterator[Diagnosis]:
    settings = ex.session.settings
    since = (ex.session.now() - timedelta(days=DAYS)).date()

    def lessons(reader: Reader) -> Counter[int]:
        counts = Counter[int]()
        for branch in settings.branches:
            counts.update(reader.lessons_by_type(branch.id, since))
        return counts

    counts = ex.asked(lessons) or Counter[int]()
    for id in sorted(names):
        if settings.rulebook.type_reason(id) is Reason.TYPE_UNKNOWN:
            taught = f"{counted(counts[id], 'lesson')} in the last {DAYS} days"
            yield warn(
                "types",
                f"type {id} {names[id]!r} is not classified and earns nothing: {taught}",
                "Name it in the types of a [[rule]], or in [lessons] trial, makeup or uncounted.",
            )


def vk_field(ex: Examination) -> Iterator[Diagnosis]:
    """Whether cards have the field with the VK page, how many fill it, and what comes of it."""
    field = ex.session.settings.residents.vk_field
    name = f'[residents] vk_field = "{field}"'
    if ex.session.settings.school.crm == "csv":
        # Files have a column of a fixed name.
        field = name = "the column vk"
    fields = ex.crm.fields if isinstance(ex.crm, CrmAnswers) else None
    coverage = ex.asked(vk_coverage)
    if not field:
        said = "no field of the cards is named, so families are linked by hand alone"
        yield warn("vk field", said, "Name it as [residents] vk_field.")
    elif fields and field not in fields:
        own = sorted(known for known in fields if known.startswith("custom_"))
        advice = f"The cards have: {', '.join([*own, 'web', 'note'])}."
        yield fail("vk field", f"{name}: no card of the CRM has it", advice)
    elif coverage and not coverage.residents:
        yield ok("vk field", f"{name}; cards are counted after the first sync")
    elif coverage:
        said = (
            f"{coverage.filled} of {counted(coverage.residents, 'card')} fill it,"
            f" {coverage.resolved} name a person, {coverage.linked} are linked"
        )
        if not coverage.filled:
            advice = f"Look whether {name} is the right field, then run a sync."
            yield fail("vk field", said, advice)
        elif coverage.resolved < coverage.filled or coverage.unreached:
            yield warn("vk field", said, 'See "coinsync links list --problems".')
        else:
            yield ok("vk field", said)


def vk_service(ex: Examination) -> Iterator[Diagnosis]:
    """Whether VK takes the service key, where there is one."""
    if ex.offline:
        return
    with connections.vk(ex.session) as api:
        if api is None:
            return
        error = api.resolve([NAME_IN_VK]).error
    if error is None:
        yield ok("vk service", "VK takes the service key")
    elif isinstance(error, TryLater):
        # What passes by itself is no fault of the installation.
        yield warn("vk service", error.message, error.advice)
    else:
        yield failed("vk service", error)
