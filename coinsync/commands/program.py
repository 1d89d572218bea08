"""Which command lies where, and the options that every command takes.

A command's module is imported when the command is called: most need a tenth of what all together
import. ``--help`` imports none either, it reads the docstrings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NamedTuple, NoReturn, cast

import typer
from typer import Context, Option
from typer.core import TyperCommand, TyperGroup

from coinsync import __version__


class Command(NamedTuple):
    """A function of ``coinsync.commands``, as "module:function".

    Where it is not ``by_branch``, ``--branch`` would say nothing and is refused.
    """

    function: str
    by_branch: bool = False

    @property
    def help(self) -> str:
        """The first line of the function's docstring, from its source: nothing is imported."""
        module, _, function = self.function.partition(":")
        source = Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8")
        # Several commands of one form are made by a function, which is given their docstrings.
        _, _, definition = source.partition(f"\ndef {function}(")
        if not definition:
            _, _, definition = source.partition(f"\n{function} = ")
        return definition.split('"""')[1].splitlines()[0]


class Noun(NamedTuple):
    """Commands that stand below one word."""

    help: str
    members: Members


#: Commands and groups by name, in the order of the help.
Members = Mapping[str, Command | Noun]

STOCK: Members = {
    "list": Command("stock:list_stock", by_branch=True),
    "receive": Command("stock:receive"),
    "count": Command("stock:count"),
    "write-off": Command("stock:write_off"),
}
CATALOG: Members = {
    "list": Command("catalog:list_goods", by_branch=True),
    "load": Command("catalog:load"),
    "stock": Noun("How much of it.", STOCK),
}
SHOP: Members = {
    "sales": Command("shop:sales"),
    "sale": Command("shop:sale"),
    "report": Command("shop:report", by_branch=True),
    "events": Command("shop:events"),
    "open": Command("shop:open_fair"),
    "close": Command("shop:close_fair"),
}
REVIEW: Members = {
    "list": Command("review:list_cases", by_branch=True),
    "post": Command("review:post", by_branch=True),
    "forgive": Command("review:forgive", by_branch=True),
    "waive": Command("review:waive", by_branch=True),
}
RESIDENTS: Members = {
    "list": Command("people:list_residents", by_branch=True),
    "show": Command("people:show"),
    "merge": Command("people:merge"),
    "unmerge": Command("people:unmerge"),
    "erase": Command("people:erase"),
    "export": Command("people:export"),
}
LINKS: Members = {
    "list": Command("links:list_links"),
    "add": Command("links:add"),
    "revoke": Command("links:revoke"),
}
DATABASE: Members = {
    "migrate": Command("databases:migrate"),
    "backup": Command("databases:backup"),
    "restore": Command("databases:restore"),
    "hold": Command("databases:hold"),
    "accept": Command("databases:accept"),
    "copy": Command("databases:copy"),
    "grants": Command("databases:grants"),
}
#: All commands, under the headings of the help.
SECTIONS: Mapping[str, Members] = {
    "Every day": {
        "sync": Command("lessons:sync", by_branch=True),
        "waiting": Command("waiting:waiting", by_branch=True),
        "review": Noun("What waits for a person.", REVIEW),
        "credit": Command("coins:credit", by_branch=True),
        "debit": Command("coins:debit"),
        "reverse": Command("coins:reverse"),
        "import": Command("coins:import_file"),
        "undo": Command("journal:undo"),
        "journal": Command("journal:journal", by_branch=True),
    },
    "The shop": {
        "sell": Command("shop:sell"),
        "refund": Command("shop:refund"),
        "till": Command("till:till"),
        "shop": Noun("What was sold.", SHOP),
        "catalog": Noun("What the shop has.", CATALOG),
    },
    "Looking": {
        "balance": Command("history:balance", by_branch=True),
        "history": Command("history:history"),
        "statement": Command("history:statement"),
        "report": Command("report:report", by_branch=True),
        "explain": Command("lessons:explain"),
        "residents": Noun("Who has coins.", RESIDENTS),
        "links": Noun("Which VK account sees whom.", LINKS),
        "export": Command("export:export"),
    },
    "Proving": {
        "reconcile": Command("reconcile:reconcile", by_branch=True),
        "doctor": Command("doctor:doctor"),
    },
    "Setting up": {
        "init": Command("init:init", by_branch=True),
        "serve": Command("serve:serve"),
        "preview": Command("serve:preview"),
        "db": Noun("The database: schema, backups, rights.", DATABASE),
        "demo": Command("demo:demo"),
        "simulator": Command("demo:simulator"),
    },
}
COMMANDS: Members = {
    name: member for members in SECTIONS.values() for name, member in members.items()
}


#: Commands that make a configuration, or need none.
WITHOUT_CONFIGURATION = ("init", "demo", "simulator")


def command_of(words: Sequence[str]) -> str:
    """The command that the words of a command line call, as "shop close"; "" for none."""
    named: list[str] = []
    members = COMMANDS
    for word in words:
        member = members.get(word)
        if member is None:
            continue
        named.append(word)
        if isinstance(member, Command):
            break
        members = member.members
    return " ".join(named)


class _Unloaded(TyperCommand):
    # What help, suggestions and shell completion see of a command; making it costs nothing.

    def __init__(self, name: str, member: Command | Noun) -> None:
        super().__init__(name)
        self._member = member

    def get_short_help_str(self, limit: int = 45) -> str:
        return self._member.help


class CommandGroup(TyperGroup):
    """A group that loads the one command that is called."""

    members: dict[str, Command | Noun]
    sections: Mapping[str, Members]

    def hold(self, sections: Mapping[str, Members]) -> CommandGroup:
        """Take these commands as its own; each section has a heading in the help."""
        self.sections, self.members = sections, {}
        for members in sections.values():
            self.members.update(members)
        for name, member in self.members.items():
            self.add_command(_Unloaded(name, member))
        return self

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands under their headings, all texts in one column."""
        width = max(map(len, self.members))
        for heading, members in self.sections.items():
            with formatter.section(heading):
                rows = [(name.ljust(width), member.help) for name, member in members.items()]
                formatter.write_dl(rows)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Show the help where nothing is said at all."""
        if not args and not ctx.resilient_parsing:
            _show_help(ctx)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Load the command that ``args`` name, in place of the empty one."""
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None and command is not None:
            member = self.members[name]
            branches = ctx.find_root().params.get("branch")
            if branches and isinstance(member, Command) and not member.by_branch:
                from coinsync.commands.session import refuse_branches

                refuse_branches(name)
            command = _loaded(name, member)
        return name, command, rest


def _show_help(ctx: Context) -> NoReturn:
    # Whoever types a group's name alone asks what it has. That is no mistake.
    typer.echo(ctx.get_help())
    raise typer.Exit


def _loaded(name: str, member: Command | Noun) -> Any:
    if isinstance(member, Noun):
        group = CommandGroup(name=name, help=member.help, rich_markup_mode=None)
        return group.hold({"Commands": member.members})
    module, _, function = member.function.partition(":")
    # Typer makes a command from a function only through an app; one of one command is that command.
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command(name)(getattr(import_module(f"coinsync.commands.{module}"), function))
    return typer.main.get_command(app)


def program() -> CommandGroup:
    """The whole program, as a group of commands."""
    app = typer.Typer(
        cls=CommandGroup,
        help="Attendance in AlfaCRM becomes coins that a family can open in VK.",
        # They would print local variables, the key of the CRM among them.
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(global_options)
    return cast(CommandGroup, typer.main.get_command(app)).hold(SECTIONS)


def global_options(
    ctx: Context,
    config: Annotated[
        Path, Option("--config", help="Configuration file.", envvar="COINSYNC_CONFIG")
    ] = Path("config.toml"),
    branch: Annotated[
        list[str] | None, Option("--branch", help="Only this branch; may be repeated.")
    ] = None,
    actor: Annotated[str, Option("--actor", help="Who does it; your login if left out.")] = "",
    json: Annotated[bool, Option("--json", help="For a program.")] = False,
    quiet: Annotated[bool, Option("-q", "--quiet", help="Say nothing when all is well.")] = False,
    verbose: Annotated[bool, Option("-v", "--verbose", help="Show every line.")] = False,
    ping_url: Annotated[
        str,
        Option(
            metavar="URL",
            help="Tell a watcher that a sync starts and succeeds, and that any command failed;"
            " or COINSYNC_PING_URL.",
        ),
    ] = "",
    debug: Annotated[
        bool, Option("--debug", help="Show where an unexpected error comes from.")
    ] = False,
    version: Annotated[bool, Option("--version", help="Show the version.")] = False,
) -> None:
    """Global options stand before or after the command."""
    if version:
        typer.echo(f"coinsync {__version__}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        _show_help(ctx)
    # Whoever called brought along how a session is made; help and version need none.
    ctx.obj = ctx.obj(
        config=config,
        branches=tuple(branch or ()),
        actor=actor,
        json=json,
        quiet=quiet,
        verbose=verbose,
        ping_url=ping_url,
    )
    if ctx.invoked_subcommand not in WITHOUT_CONFIGURATION:
        # A branch that is misspelt must not mean all of them, whatever the command makes of it.
        ctx.obj.chosen_branch_ids()
