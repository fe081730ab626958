"""`baton demo`: load the demo shop."""

from __future__ import annotations

from io import StringIO

import click
from qrcode.main import QRCode

from sync.protocol.problems import Problem
from webapp import clock
from webapp.cli.output import say, with_app
from webapp.services.demo.load import DemoShop, load_demo
from webapp.services.enrol import make_enrolment


def register(group: click.Group) -> None:
    """Put this command on the group."""
    group.add_command(demo)


@click.command()
@with_app
def demo(as_json: bool) -> None:
    """Load a demo shop, plainly not real; again only adds what is missing."""
    loaded = load_demo(clock.now())
    say(loaded.as_dict(), as_json, words(loaded))


def welcome(loaded: DemoShop, public_url: str) -> str:
    """What a newcomer needs: where the office is, how to sign in, and a link that makes a phone a courier's."""
    lines = [
        "",
        f"  Office    {public_url}/office/",
        f"  Sign in   {loaded.admin_email}",
        f"  Password  {loaded.password or '(as shown at the first start; lost: baton user password)'}",
        "",
    ]
    try:
        made = make_enrolment(loaded.org_id, loaded.people["Demo courier"], None, clock.now(), public_url)
    except Problem as problem:
        if problem.code != "not-found":  # their work was ended in the office: that is no reason not to serve
            raise
        return "\n".join(
            [*lines, "  The demo courier works here no more; let in a phone for somebody else.", ""]
        )
    drawing = QRCode(border=2)
    drawing.add_data(made.url)
    picture = StringIO()
    drawing.print_ascii(out=picture, invert=True)
    until = f"{made.expires_at:%H:%M} UTC"
    lines += [
        f"  A phone for the demo courier, one phone, until {until} (another: baton enrol):",
        f"  {made.url}",
        "",
        picture.getvalue(),
    ]
    return "\n".join(lines)


def words(loaded: DemoShop) -> str:
    """What a person needs to know to try it."""
    lines = [
        f"{loaded.name}: {loaded.counts.get('orders', 0)} orders, {loaded.counts.get('parcels', 0)} parcels."
    ]
    if loaded.password:
        lines.append(f"Sign in as {loaded.admin_email} with {loaded.password} (shown this once).")
    else:
        lines.append(f"Sign in as {loaded.admin_email} with the password shown when the shop was made.")
    lines += [f"{run['person']}: {run['title']}, {run['parcels']} parcels today." for run in loaded.runs]
    lines.append('A phone for one of them: baton enrol --user "Demo courier"')
    return "\n".join(lines)
