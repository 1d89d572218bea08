"""Which command lies where, and the options that every command takes.

A command's module is imported when the command is called: most need a tenth of what all together
import. So that ``--help`` imports none, the help texts stand here too; a test compares them with
the docstrings.
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
    """A function of ``coinsync.commands``, as "module:function", and the first line of its help.

    Where it is not ``by_branch``, ``--branch`` would say nothing and is refused.
    """

    function: str
    help: str
    by_branch: bool = False


class Noun(NamedTuple):
    """Commands that stand below one word."""

    help: str
    members: Members


#: Commands and groups by name, in the order of the help.
Members = Mapping[str, Command | Noun]

STOCK: Members = {
    "list": Command(
        "stock:list_stock",
        "How many pieces of what are left; with CODE, every move.",
        by_branch=True,
    ),
    "receive": Command("stock:receive", "Pieces came in."),
    "count": Command("stock:count", "So many were counted; the difference is recorded."),
    "write-off": Command("stock:write_off", "Pieces are gone: broken, lost, given away."),
}
CATALOG: Members = {
    "list": Command(
        "catalog:list_goods",
        "The shop's goods in their order, with what is left of them.",
        by_branch=True,
    ),
    "load": Command("catalog:load", "Make the shop's goods those of a file."),
    "stock": Noun("How much of it.", STOCK),
}
SHOP: Members = {
    "sales": Command("shop:sales", "Sales, the oldest first."),
    "sale": Command("shop:sale", "One sale with its lines, who paid, and what came back."),
    "report": Command(
        "shop:report", "Who bought what, what sells, what does not move.", by_branch=True
    ),
    "events": Command("shop:events", "Fairs, and which of them are open."),
    "open": Command("shop:open_fair", "Open a fair, so that sales may be booked to it."),
    "close": Command("shop:close_fair", "Settle a fair."),
}
REVIEW: Members = {
    "list": Command(
        "review:list_cases",
        "Held reversals and guest visits, and what the CRM says that is doubted.",
        by_branch=True,
    ),
    "post": Command("review:post", "Do what the rules give.", by_branch=True),
    "forgive": Command(
        "review:forgive", "Take the award back and give the same as a gift.", by_branch=True
    ),
    "waive": Command("review:waive", "Leave the coins as they are.", by_branch=True),
}
RESIDENTS: Members = {
    "list": Command("people:list_residents", "All residents with their balances.", by_branch=True),
    "show": Command("people:show", "All that is known of one resident."),
    "merge": Command("people:merge", "Two cards of one child become one."),
    "unmerge": Command("people:unmerge", "A merged card stands on its own again."),
    "erase": Command("people:erase", "Forget who a resident is."),
    "export": Command("people:export", "All that is held about a resident, as JSON."),
}
LINKS: Members = {
    "list": Command("links:list_links", "Who sees whom, or what could not be linked."),
    "add": Command("links:add", "Let a VK account see a resident."),
    "revoke": Command("links:revoke", "Let a VK account no longer see a resident."),
}
DATABASE: Members = {
    "migrate": Command("databases:migrate", "Bring the database to this program's schema."),
    "backup": Command(
        "databases:backup", "Write a backup of the whole database, while everything goes on."
    ),
    "restore": Command(
        "databases:restore", "Put a backup in the place of the database, and go on from it."
    ),
    "hold": Command(
        "databases:hold",
        "Keep the database's file open, for a web view that may not write beside it.",
    ),
    "accept": Command(
        "databases:accept", "Let the database be written again once a person has looked."
    ),
    "copy": Command(
        "databases:copy",
        "Copy the configured database into another one, and compare them row by row.",
    ),
    "grants": Command(
        "databases:grants",
        "Print the statements that give three accounts of a server exactly the rights they need.",
    ),
}
#: All commands, under the headings of the help.
SECTIONS: Mapping[str, Members] = {
    "Every day": {
        "sync": Command(
            "lessons:sync", "Read attendance, show the difference, apply it.", by_branch=True
        ),
        "waiting": Command(
            "waiting:waiting",
            "What waits for a person, as far as it is new; once a week everything.",
            by_branch=True,
        ),
        "review": Noun("What waits for a person.", REVIEW),
        "credit": Command(
            "coins:credit", "Give coins by hand, to one resident or to many.", by_branch=True
        ),
        "debit": Command("coins:debit", "Take coins by hand; never below zero."),
        "reverse": Command(
            "coins:reverse", "Take an entry back: a second entry that names it, once."
        ),
        "import": Command("coins:import_file", "Coins from a spreadsheet: all rows or none."),
        "undo": Command(
            "journal:undo", "Take a whole run made by hand back, or what still stands of it."
        ),
        "journal": Command(
            "journal:journal", "Who did what, when, why, and how to take it back.", by_branch=True
        ),
    },
    "The shop": {
        "sell": Command("shop:sell", "Sell goods for coins: debit, stock and sale in one."),
        "refund": Command("shop:refund", "Take a sale back, whole or by lines, once."),
        "till": Command("till:till", "Sell at a fair: a buyer, goods, yes; the next one."),
        "shop": Noun("What was sold.", SHOP),
        "catalog": Noun("What the shop has.", CATALOG),
    },
    "Looking": {
        "balance": Command(
            "history:balance", "Coins of one resident, or of all; --as-of a day.", by_branch=True
        ),
        "history": Command("history:history", "All lines of one resident, newest first."),
        "statement": Command("history:statement", "One page for a parent."),
        "report": Command(
            "report:report",
            "A month of coins: issued, reversed, spent, and what is left.",
            by_branch=True,
        ),
        "explain": Command("lessons:explain", "Why a lesson gave or did not give coins."),
        "residents": Noun("Who has coins.", RESIDENTS),
        "links": Noun("Which VK account sees whom.", LINKS),
        "export": Command("export:export", "The ledger's entries for other programs."),
    },
    "Proving": {
        "reconcile": Command(
            "reconcile:reconcile", "Prove that every coin is right.", by_branch=True
        ),
        "doctor": Command("doctor:doctor", "Look whether all is as it should be."),
    },
    "Setting up": {
        "init": Command("init:init", "Make a configuration and a database.", by_branch=True),
        "serve": Command("serve:serve", "Serve the cabinet, read-only."),
        "preview": Command(
            "serve:preview",
            "Show the cabinet as a resident's family sees it, on this machine alone, for an hour.",
        ),
        "db": Noun("The database: schema, backups, rights.", DATABASE),
        "demo": Command("demo:demo", "A made-up school, to try everything on."),
        "simulator": Command("demo:simulator", "The demo's AlfaCRM alone, to point any client at."),
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


class CommandGroup(TyperGroup):
    """A group that loads the one command that is called.

    Help, suggestions and shell completion see empty commands, which cost nothing to make.
    """

    members: dict[str, Command | Noun]
    sections: Mapping[str, Members]

    def hold(self, sections: Mapping[str, Members]) -> CommandGroup:
        """Take these commands as its own; each section has a heading in the help."""
        self.sections, self.members = sections, {}
        for members in sections.values():
            self.members.update(members)
        for name, member in self.members.items():
            self.add_command(TyperCommand(name, help=member.help))
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
