"""`baton serve`: the server in the foreground, until SIGTERM."""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
from typing import Any

import click
from waitress.server import BaseWSGIServer, create_server

from webapp import clock
from webapp.cli.channels import KeepingChannel
from webapp.cli.demo import welcome
from webapp.cli.output import open_app, refusing, settings_or_exit
from webapp.services.demo.load import load_demo
from webapp.services.found_shop import found_shop
from webapp.services.timer import start_timer
from webapp.settings import Settings


def register(group: click.Group) -> None:
    """Put this command on the group."""
    group.add_command(serve)


@click.command()
@click.option("--host", help="Address to listen on (BATON_HOST, 127.0.0.1).")
@click.option("--port", type=int, help="Port to listen on (BATON_PORT, 8000).")
@click.option("--demo", is_flag=True, help="Load the demo shop first, and say how to sign in.")
@click.option(
    "--json", "as_json", is_flag=True, help="Tell a refusal as JSON; what is said else stays as it is."
)
def serve(host: str | None, port: int | None, demo: bool, as_json: bool) -> None:
    """Serve in the foreground until SIGTERM."""
    settings = settings_or_exit(host=host, port=port)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    app = open_app(settings)
    server = _listen(app, settings)
    # What is loaded by now stays: looking through it again at every collection costs a tenth of a batch.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    signal.signal(signal.SIGTERM, _stop)
    with app.app_context():
        timer = start_timer()
        if demo:
            with refusing(as_json=as_json):
                click.echo(welcome(load_demo(clock.now()), settings.public_url))
        else:
            found_shop(clock.now())
    click.echo(f"Baton is at http://{settings.host}:{settings.port}")
    try:
        with contextlib.suppress(KeyboardInterrupt, SystemExit):
            server.run()
    finally:
        server.close()  # first: nobody is to wait at a door that opens no more
        timer.stop()
        click.echo("Baton has stopped.")


def _listen(app: Any, settings: Settings) -> Any:
    BaseWSGIServer.channel_class = KeepingChannel
    try:
        return create_server(
            app,
            host=settings.host,
            port=settings.port,
            threads=settings.threads,
            ident=None,
            channel_timeout=120,
            # A photo in a few reads: the default of 8 kB takes twenty rounds of the main loop for each.
            recv_bytes=256 * 1024,
            # Whoever made an answer sends it: by default it waits until the main loop has come round twice.
            send_bytes=1,
            max_request_body_size=64 * 1024 * 1024,
            connection_limit=1000,
            asyncore_use_poll=True,  # select() ends with the 1,024th descriptor
            clear_untrusted_proxy_headers=not settings.trusted_proxies,
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        click.echo(f"baton: cannot listen on {settings.host}:{settings.port}: {why}", err=True)
        raise SystemExit(2) from error


def _stop(_signal: int, _frame: object) -> None:
    raise SystemExit(0)
