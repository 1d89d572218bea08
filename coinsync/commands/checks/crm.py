"""The CRM: whether it lets us in, and whether the configuration speaks of what is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from coinsync.commands import connections
from coinsync.commands.checks.diagnosis import FAIL, OK, WARN, Diagnosis, failed
from coinsync.commands.checks.examination import CrmAnswers, Examination
from coinsync.core.facts import LessonType
from coinsync.core.rules import Reason
from coinsync.errors import CoinsyncError, TryLater
from coinsync.lookup.vk_pages import vk_coverage
from coinsync.render.numbers import counted

if TYPE_CHECKING:
    from coinsync.config import Settings

#: Of so many days lessons are counted.
DAYS = 60
#: A screen name that VK itself has had for many years: the community about its API.
NAME_IN_VK = "apiclub"
_SEE_PROBLEMS = 'See "coinsync links list --problems".'


def crm(ex: Examination) -> Iterator[Diagnosis]:
    """Whether it answers, and takes the key."""
    settings, answers = ex.session.settings, ex.crm
    is_file = settings.school.crm == "csv"
    place = str(settings.csv.folder) if is_file else settings.alfacrm.url
    if isinstance(answers, CoinsyncError):
        problem = failed("crm", answers)
        is_named = (urlsplit(place).netloc or place) in problem.said
        said = problem.said if is_named else f"{place}: {problem.said}"
        yield Diagnosis("crm", FAIL, said, problem.advice)
    elif answers is not None:
        who = "can be read" if is_file else f"{settings.alfacrm.email} may read it"
        yield Diagnosis("crm", OK, f"{place}: {who}")


def branches(ex: Examination) -> Iterator[Diagnosis]:
    """Whether it has the branches of the configuration."""
    answers = ex.crm
    if not isinstance(answers, CrmAnswers):
        return
    names = {id: f"{id} {branch.name}".rstrip() for id, branch in answers.branches.items()}
    wanted = [branch.id for branch in ex.session.settings.branches]
    unknown = [id for id in wanted if id not in answers.branches]
    for id in unknown:
        said = f"config: [[branch]] id {id}: no such branch in the CRM"
        yield Diagnosis("branches", FAIL, said, f"The CRM has: {', '.join(names.values())}.")
    if not unknown:
        taken = ", ".join(names[id] for id in wanted)
        yield Diagnosis("branches", OK, f"{taken}; the CRM has {len(names)}")


def types(ex: Examination) -> Iterator[Diagnosis]:
    """Whether lesson types are classified, and the classified ones there."""
    settings = ex.session.settings
    if isinstance(ex.crm, CrmAnswers):
        known: Mapping[int, LessonType] = ex.crm.types
    else:
        known = _recorded_types(ex)
    if not known:
        return
    problems = [*_types_not_there(settings, known), *_types_unclassified(ex, known)]
    yield from problems
    if not problems:
        yield Diagnosis("types", OK, f"all {counted(len(known), 'lesson type')} are classified")


def _recorded_types(ex: Examination) -> dict[int, LessonType]:
    if ex.database is None:
        return {}
    with ex.session.reader() as reader:
        return {lesson_type.id: lesson_type for lesson_type in reader.all(LessonType)}


def _types_not_there(settings: Settings, known: Mapping[int, LessonType]) -> Iterator[Diagnosis]:
    listed = ", ".join(f"{id} {known[id].name}" for id in sorted(known))
    advice = f"The CRM has: {listed}."
    for rule in settings.rules:
        missing = _listed(rule.types - known.keys())
        if missing:
            said = f"config: [[rule]] {rule.name} types: {missing} is no lesson type of the CRM"
            yield Diagnosis("types", FAIL, said, advice)
    lessons = settings.lessons
    for key in ("trial", "makeup", "uncounted"):
        missing = _listed(getattr(lessons, key) - known.keys())
        if missing:
            said = f"config: [lessons] {key}: {missing} is no lesson type of the CRM"
            yield Diagnosis("types", WARN, said, advice)


def _types_unclassified(ex: Examination, known: Mapping[int, LessonType]) -> Iterator[Diagnosis]:
    rulebook = ex.session.settings.rulebook
    unclassified = [id for id in sorted(known) if rulebook.type_reason(id) is Reason.TYPE_UNKNOWN]
    counts = _lessons_by_type(ex) if unclassified else Counter()
    for id in unclassified:
        lessons = f"{counted(counts[id], 'lesson')} in the last {DAYS} days"
        said = f"type {id} {known[id].name!r} is not classified and earns nothing: {lessons}"
        advice = "Name it in the types of a [[rule]], or in [lessons] trial, makeup or uncounted."
        yield Diagnosis("types", WARN, said, advice)


def _lessons_by_type(ex: Examination) -> Counter[int]:
    counts: Counter[int] = Counter()
    if ex.database is None:
        return counts
    since = (ex.session.now() - timedelta(days=DAYS)).date()
    with ex.session.reader() as reader:
        for branch in ex.session.settings.branches:
            counts.update(reader.lessons_by_type(branch.id, since))
    return counts


def _listed(ids: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(ids)))


def vk_field(ex: Examination) -> Iterator[Diagnosis]:
    """Whether cards have the field with the VK page, how many fill it, and what comes of it."""
    field = ex.session.settings.residents.vk_field
    name = f'[residents] vk_field = "{field}"'
    if not field:
        said = "no field of the cards is named, so families are linked by hand alone"
        yield Diagnosis("vk field", WARN, said, "Name it as [residents] vk_field.")
        return
    fields = ex.crm.fields if isinstance(ex.crm, CrmAnswers) else None
    if fields and field not in fields:
        own = sorted(known for known in fields if known.startswith("custom_"))
        advice = f"The cards have: {', '.join([*own, 'web', 'note'])}."
        yield Diagnosis("vk field", FAIL, f"{name}: no card of the CRM has it", advice)
        return
    if ex.database is None:
        return
    with ex.session.reader() as reader:
        coverage = vk_coverage(reader)
    if not coverage.residents:
        yield Diagnosis("vk field", OK, f"{name}; cards are counted after the first sync")
        return
    said = (
        f"{coverage.filled} of {counted(coverage.residents, 'card')} fill {field},"
        f" {coverage.resolved} name a person, {coverage.linked} are linked"
    )
    if not coverage.filled:
        advice = f"Look whether {name} is the right field, then run a sync."
        yield Diagnosis("vk field", FAIL, said, advice)
    elif coverage.resolved < coverage.filled or coverage.unreached:
        yield Diagnosis("vk field", WARN, said, _SEE_PROBLEMS)
    else:
        yield Diagnosis("vk field", OK, said)


def vk_service(ex: Examination) -> Iterator[Diagnosis]:
    """Whether VK takes the service key, where there is one."""
    if ex.offline:
        return
    with connections.vk(ex.session) as api:
        if api is None:
            return
        error = api.resolve([NAME_IN_VK]).error
    if error is None:
        yield Diagnosis("vk service", OK, "VK takes the service key")
    else:
        # What passes by itself is no fault of the installation.
        state = WARN if isinstance(error, TryLater) else FAIL
        yield failed("vk service", error, state)
