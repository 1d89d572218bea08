"""Serving the web view."""

from __future__ import annotations

from typing import Annotated

from typer import Context, Option

from coinsync.commands.session import Session


def serve(
    ctx: Context,
    host: Annotated[str | None, Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, Option(min=1, max=65535, help="Port to listen on.")] = None,
    threads: Annotated[int | None, Option(min=1, max=64, help="Requests answered at once.")] = None,
) -> None:
    """Serve the cabinet, read-only."""
    session: Session = ctx.obj
    web = session.settings.web
    session.serve(session, host or web.host, port or web.port, threads or web.threads)
