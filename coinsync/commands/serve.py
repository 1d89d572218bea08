"""Serving the web view."""

from __future__ import annotations

from typing import Annotated

import typer

from coinsync.commands.session import Session


def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on.")] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, max=64, help="Requests answered at once.")
    ] = None,
) -> None:
    """Serve the cabinet, read-only."""
    session: Session = ctx.obj
    web = session.settings.web
    session.serve(session, host or web.host, port or web.port, threads or web.threads)
