"""The configuration, and whether it speaks of what the machine, the CRM and VK have."""

import os
from collections import Counter

from coinsync.commands import connections, serve
from coinsync.commands.checks.examination import FAIL, OK, WARN, CrmAnswers, Examination
from coinsync.commands.session import account_name
from coinsync.config.secrets import ALFACRM_KEY, SECRET_NAMES, VK_KEYS, read_file
from coinsync.core import colour
from coinsync.core.facts import LessonType
from coinsync.core.rules import Reason
from coinsync.errors import CoinsyncError, ConfigError, SecretError, TryLater
from coinsync.lookup.attention import TAUGHT_DAYS, lessons_by_type
from coinsync.lookup.vk_pages import vk_coverage
from coinsync.pictures import BRAND_ADVICE, picture_problems
from coinsync.staff_texts import counted

#: A screen name that VK itself has had for many years: the community about its API.
NAME_IN_VK = "apiclub"


def config(ex: Examination) -> None:
    """Every fault of the configuration file."""
    try:
        ex.session.settings  # noqa: B018
    except ConfigError as error:
        ex.judge("config", error.problems, "", error.advice)
    else:
        ex.ok("config", str(ex.session.config))


def secrets(ex: Examination) -> None:
    """The files with secrets, and the form of each secret; the web view's have their own line."""
    settings, secrets = ex.session.settings, ex.session.secrets
    user = os.geteuid()
    for path in secrets.files:
        owner = path.lstat().st_uid if os.path.lexists(path) else user
        try:
            if owner != user:
                names = f"{account_name(owner)}, and {account_name(user)} runs this"
                state = WARN if os.access(path, os.R_OK) else FAIL
                advice = "Run the command as the user of the nightly sync."
                ex.say("secrets", state, f"{path} belongs to {names}", advice)
            else:
                read_file(path)
        except SecretError as error:
            ex.failed("secrets", error)
    # What can be read by others, or by nobody, is not read.
    if FAIL not in ex.states("secrets"):
        needed = {name[1:] for name in settings.alfacrm.headers.values() if name[:1] == "$"}
        if settings.school.crm == "alfacrm":
            needed.add(ALFACRM_KEY)
        given = {name for name in SECRET_NAMES if secrets.has(name)}
        for name in sorted((needed | given) - {VK_KEYS}):
            _look_at_secret(ex, name)
        if not ex.states("secrets"):
            ex.ok("secrets", f"{', '.join(sorted(given)) or 'none'}; nobody else reads them")


def _look_at_secret(ex: Examination, name: str) -> None:
    secrets = ex.session.secrets
    try:
        secrets.get(name)
    except SecretError as error:
        ex.failed("secrets", error)
        return
    if name == ALFACRM_KEY and secrets.in_environment(name):
        said = f"{name} stands in the environment alone, which a job at night does not have"
        ex.warn("secrets", said, f"Write it into {secrets.files[0]} (mode 0600).")


def crm(ex: Examination) -> None:
    """Whether it answers, takes the key, and has the branches of the configuration."""
    settings, answers = ex.session.settings, ex.crm
    if answers is None:
        return
    is_file = settings.school.crm == "csv"
    place = str(settings.csv.folder) if is_file else settings.alfacrm.url
    if isinstance(answers, CoinsyncError):
        said = connections.named(place, answers.message.splitlines()[0])
        ex.fail("crm", said, answers.advice)
        return
    who = "can be read" if is_file else f"{settings.alfacrm.email} may read it"
    ex.ok("crm", f"{place}: {who}")
    names = {id: f"{id} {branch.name}".rstrip() for id, branch in answers.branches.items()}
    wanted = [branch.id for branch in settings.branches]
    unknown = [id for id in wanted if id not in names]
    problems = [f"config: [[branch]] id {id}: no such branch in the CRM" for id in unknown]
    fine = f"{', '.join(names.get(id, '') for id in wanted)}; the CRM has {len(names)}"
    advice = f"It has: {', '.join(names.values()) or 'none'}."
    ex.judge("branches", problems, fine, advice)


def types(ex: Examination) -> None:
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
    advice = f"The CRM has: {', '.join(f'{id} {names[id]}' for id in sorted(names))}."
    for state, where, ids in listed:
        missing = ", ".join(map(str, sorted(ids - names.keys())))
        if missing:
            said = f"config: {where}: {missing} is no lesson type of the CRM"
            ex.say("types", state, said, advice)
    _look_for_unclassified(ex, names)
    if not ex.states("types"):
        ex.ok("types", f"all {counted(len(names), 'lesson type')} are classified")


def _look_for_unclassified(ex: Examination, names: dict[int, str]) -> None:
    settings = ex.session.settings
    ids = [branch.id for branch in settings.branches]
    counts = ex.asked(lambda reader: lessons_by_type(reader, ex.session.now(), ids)) or Counter()
    for id in sorted(names):
        if settings.rulebook.type_reason(id) is Reason.TYPE_UNKNOWN:
            taught = f"{counted(counts[id], 'lesson')} in the last {TAUGHT_DAYS} days"
            ex.warn(
                "types",
                f"type {id} {names[id]!r} is not classified and earns nothing: {taught}",
                "Name it in the types of a [[rule]], or in [lessons] trial, makeup or uncounted.",
            )


def vk_field(ex: Examination) -> None:
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
        ex.warn("vk field", said, "Name it as [residents] vk_field.")
    elif fields and field not in fields:
        own = sorted(known for known in fields if known.startswith("custom_"))
        advice = f"The cards have: {', '.join([*own, 'web', 'note'])}."
        ex.fail("vk field", f"{name}: no card of the CRM has it", advice)
    elif coverage and not coverage.residents:
        ex.ok("vk field", f"{name}; cards are counted after the first sync")
    elif coverage:
        said = (
            f"{coverage.filled} of {counted(coverage.residents, 'card')} fill it,"
            f" {coverage.resolved} name a person, {coverage.linked} are linked"
        )
        if not coverage.filled:
            advice = f"Look whether {name} is the right field, then run a sync."
            ex.fail("vk field", said, advice)
        elif coverage.resolved < coverage.filled or coverage.unreached:
            ex.warn("vk field", said, 'See "coinsync links list --problems".')
        else:
            ex.ok("vk field", said)


# --- VK, and the school's own look ---


def vk_app(ex: Examination) -> None:
    """The number and each key, by a launch of our own that the real verifier must accept."""
    session = ex.session
    app_id = session.settings.web.app_id
    if app_id <= 0 and not session.secrets.has(VK_KEYS):
        said = "not set up yet: neither [web] app_id nor COINSYNC_VK_KEYS; no family can look"
        advice = '"coinsync preview RESIDENT" shows the cabinet without VK; serve needs both.'
        ex.warn("vk app", said, advice)
        return
    problems = list(serve.launch_problems(session))
    for said, advice in problems:
        ex.fail("vk app", said, advice)
    if not problems:
        signed = "each key" if len(serve.keys_of(session)) > 1 else "its key"
        ex.ok("vk app", f"app {app_id}: a launch signed with {signed} is accepted")


def vk_service(ex: Examination) -> None:
    """Whether VK takes the service key, where there is one."""
    if ex.offline:
        return
    with connections.vk(ex.session) as api:
        if api is None:
            return
        error = api.resolve([NAME_IN_VK]).error
    if error is None:
        ex.ok("vk service", "VK takes the service key")
    elif isinstance(error, TryLater):
        # What passes by itself is no fault of the installation.
        ex.warn("vk service", error.message, error.advice)
    else:
        ex.failed("vk service", error)


def colours(ex: Examination) -> None:
    """Whether texts can be read on the school's colours; every pair of them with -v."""
    settings = ex.session.settings.brand
    pairs = colour.pairs(settings)
    weakest = min(pairs, key=lambda pair: pair.ratio)
    fine = f"{len(pairs)} pairs, the weakest has a contrast of {weakest.told} : 1"
    ex.judge("colours", colour.problems(settings), fine, BRAND_ADVICE)
    for pair in pairs if ex.session.verbose else ():
        contrast = f"{pair.what}, {pair.text} on {pair.ground}: {pair.told} : 1"
        ex.say("colours", OK if pair.passes else FAIL, contrast)


def pictures(ex: Examination) -> None:
    """The school's logo and its picture of the coin."""
    settings = ex.session.settings.brand
    names = [path.name for path in (settings.logo, settings.coin) if path is not None]
    fine = ", ".join(names) or "the school has none of its own"
    advice = "Take a square SVG or PNG file of at most 100 KB, or leave the key empty."
    ex.judge("pictures", picture_problems(settings), fine, advice)
