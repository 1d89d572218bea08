"""The CRM: whether it lets us in, and whether the configuration speaks of what is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from coinsync.commands import connections
from coinsync.commands.checks.diagnosis import FAIL, Diagnosis, fail, failed, judged, ok, warn
from coinsync.commands.checks.examination import CrmAnswers, Examination
from coinsync.core.facts import LessonType
from coinsync.core.rules import Reason
from coinsync.errors import CoinsyncError, TryLater
from coinsync.lookup.vk_pages import vk_coverage
from coinsync.render.numbers import counted

#: Of so many days lessons are counted.
DAYS = 60
#: A screen name that VK itself has had for many years: the community about its API.
NAME_IN_VK = "apiclub"


def crm(ex: Examination) -> Iterator[Diagnosis]:
    """Whether it answers, and takes the key."""
    settings, answers = ex.session.settings, ex.crm
    is_file = settings.school.crm == "csv"
    place = str(settings.csv.folder) if is_file else settings.alfacrm.url
    if isinstance(answers, CoinsyncError):
        problem = failed(answers)
        is_named = (urlsplit(place).netloc or place) in problem.said
        yield problem if is_named else fail(f"{place}: {problem.said}", problem.advice)
    elif answers is not None:
        who = "can be read" if is_file else f"{settings.alfacrm.email} may read it"
        yield ok(f"{place}: {who}")


def branches(ex: Examination) -> Iterator[Diagnosis]:
    """Whether it has the branches of the configuration."""
    if isinstance(ex.crm, CrmAnswers):
        names = {id: f"{id} {branch.name}".rstrip() for id, branch in ex.crm.branches.items()}
        wanted = [branch.id for branch in ex.session.settings.branches]
        problems = [
            f"config: [[branch]] id {id}: no such branch in the CRM"
            for id in wanted
            if id not in names
        ]
        fine = f"{', '.join(names.get(id, '') for id in wanted)}; the CRM has {len(names)}"
        yield from judged(FAIL, problems, fine, f"It has: {', '.join(names.values()) or 'none'}.")


def types(ex: Examination) -> Iterator[Diagnosis]:
    """Whether lesson types are classified, and the classified ones there."""
    known: Mapping[int, LessonType] = {}
    if isinstance(ex.crm, CrmAnswers):
        known = ex.crm.types
    elif ex.database is not None:
        with ex.session.reader() as reader:
            known = {lesson_type.id: lesson_type for lesson_type in reader.all(LessonType)}
    if known:
        diagnoses = [*_not_there(ex, known), *_unclassified(ex, known)]
        yield from diagnoses or [ok(f"all {counted(len(known), 'lesson type')} are classified")]


def _not_there(ex: Examination, known: Mapping[int, LessonType]) -> Iterator[Diagnosis]:
    settings = ex.session.settings
    advice = f"The CRM has: {', '.join(f'{id} {known[id].name}' for id in sorted(known))}."
    for rule in settings.rules:
        missing = _listed(rule.types - known.keys())
        if missing:
            said = f"config: [[rule]] {rule.name} types: {missing} is no lesson type of the CRM"
            yield fail(said, advice)
    for key in ("trial", "makeup", "uncounted"):
        missing = _listed(getattr(settings.lessons, key) - known.keys())
        if missing:
            yield warn(f"config: [lessons] {key}: {missing} is no lesson type of the CRM", advice)


def _listed(ids: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(ids)))


def _unclassified(ex: Examination, known: Mapping[int, LessonType]) -> Iterator[Diagnosis]:
    rulebook, counts = ex.session.settings.rulebook, Counter[int]()
    if ex.database is not None:
        since = (ex.session.now() - timedelta(days=DAYS)).date()
        with ex.session.reader() as reader:
            for branch in ex.session.settings.branches:
                counts.update(reader.lessons_by_type(branch.id, since))
    for id in sorted(known):
        if rulebook.type_reason(id) is Reason.TYPE_UNKNOWN:
            lessons = f"{counted(counts[id], 'lesson')} in the last {DAYS} days"
            yield warn(
                f"type {id} {known[id].name!r} is not classified and earns nothing: {lessons}",
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
    if not field:
        said = "no field of the cards is named, so families are linked by hand alone"
        yield warn(said, "Name it as [residents] vk_field.")
    elif fields and field not in fields:
        own = sorted(known for known in fields if known.startswith("custom_"))
        advice = f"The cards have: {', '.join([*own, 'web', 'note'])}."
        yield fail(f"{name}: no card of the CRM has it", advice)
    elif ex.database is not None:
        yield _coverage(ex, name)


def _coverage(ex: Examination, name: str) -> Diagnosis:
    with ex.session.reader() as reader:
        coverage = vk_coverage(reader)
    if not coverage.residents:
        return ok(f"{name}; cards are counted after the first sync")
    said = (
        f"{coverage.filled} of {counted(coverage.residents, 'card')} fill it,"
        f" {coverage.resolved} name a person, {coverage.linked} are linked"
    )
    if not coverage.filled:
        return fail(said, f"Look whether {name} is the right field, then run a sync.")
    if coverage.resolved < coverage.filled or coverage.unreached:
        return warn(said, 'See "coinsync links list --problems".')
    return ok(said)


def vk_service(ex: Examination) -> Iterator[Diagnosis]:
    """Whether VK takes the service key, where there is one."""
    if ex.offline:
        return
    with connections.vk(ex.session) as api:
        if api is None:
            return
        error = api.resolve([NAME_IN_VK]).error
    if error is None:
        yield ok("VK takes the service key")
    elif isinstance(error, TryLater):
        # What passes by itself is no fault of the installation.
        yield warn(error.message, error.advice)
    else:
        yield failed(error)
