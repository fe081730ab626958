"""For any WSGI server: `wsgi:app`. `baton serve` is the same app with its own server and clockwork."""

from webapp.app import create_app

app = create_app()
