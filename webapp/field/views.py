"""GET /app/, its worker, styles and manifest: the same bytes for everybody, before anybody is known."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.access import open_to_all
from webapp.field.classic import join_modules
from webapp.field.precache import Precache, build, modules_of

blueprint = Blueprint("field", __name__, url_prefix="/app")

# In this order: a later sheet may say otherwise than an earlier one.
STYLES = ("tokens", "controls", "surfaces", "base", "field", "capture", "proof")
DECODE = 'import "../static/js/capture/decode-worker.js";\n'
MANIFEST = {
    "id": "/app/",
    "name": "Baton",
    "short_name": "Baton",
    "description": "Proof of handover that survives no signal.",
    "start_url": "/app/",
    "scope": "/app/",
    "display": "standalone",
    "orientation": "any",
    "lang": "en",
    "background_color": "#f5f6f8",
    "theme_color": "#f5f6f8",
    "icons": [
        {"src": "/static/icons/icon-192.png", "sizes": "192x192", "type": "image/png"},
        {"src": "/static/icons/icon-512.png", "sizes": "512x512", "type": "image/png"},
        {
            "src": "/static/icons/maskable-512.png",
            "sizes": "512x512",
            "type": "image/png",
            "purpose": "maskable",
        },
        {"src": "/static/icons/icon.svg", "sizes": "any", "type": "image/svg+xml"},
    ],
    "shortcuts": [
        {"name": "Collect", "url": "/app/#/scan/collect"},
        {"name": "Drop off", "url": "/app/#/scan/drop_off"},
        {"name": "Deliver", "url": "/app/#/scan/deliver"},
        {"name": "Outbox", "url": "/app/#/outbox"},
    ],
}


@blueprint.get("/")
@open_to_all("an empty shell: who uses it is known only on the phone")
def shell() -> AnyResponse:
    """The one document of the phone. Its version is in a meta tag."""
    return _packed(_page(), "text/html")


@blueprint.get("/index.html")
@open_to_all("the shell's other name")
def index() -> AnyResponse:
    """Send the shell's other name to the one the worker keeps."""
    return redirect(url_for("field.shell"), 301)


@blueprint.get("/sw.js")
@open_to_all("the service worker of the shell")
def worker() -> AnyResponse:
    """The precache list of this version, then the worker itself."""
    told = {**precache().as_dict(), "outbox": _outbox()[1]}
    body = f"self.BATON_PRECACHE = {json.dumps(told)};\n" + _file("js/sw/sw.js").read_text("utf-8")
    response = _packed(body, "text/javascript")
    # A worker kept by the browser's cache would hold a phone on an old version.
    response.headers["Cache-Control"] = "no-cache, max-age=0"
    response.headers["Service-Worker-Allowed"] = "/app/"
    return response


@blueprint.get("/outbox.js")
@open_to_all("the outbox for the service worker, the same for everybody")
def outbox() -> AnyResponse:
    """What the worker sends with when the app is closed: the phone's own modules as one classic script."""
    return _packed(_outbox()[0], "text/javascript")


@blueprint.get("/phone.css")
@open_to_all("the phone's looks, the same for everybody")
def styles() -> AnyResponse:
    """The phone's style sheets as one: a start waits for every sheet, and a slow phone pays for each file."""
    return _packed(_styles(), "text/css")


@blueprint.get("/decode.js")
@open_to_all("the decoder's way in, the same for everybody")
def decode() -> Response:
    """The decoding worker at an address inside the service worker's scope, without which it needs a network."""
    response = Response(DECODE, mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get("/manifest.webmanifest")
@open_to_all("what the home screen shows")
def manifest() -> Response:
    """Name, icons and shortcuts for the home screen."""
    response = Response(_manifest(), mimetype="application/manifest+json")
    response.headers["Cache-Control"] = "no-cache"
    return response


def _packed(body: str, mimetype: str) -> AnyResponse:
    # Made here, so nobody packs them in advance as the static files are; asked for again each time, sent only when new.
    response = Response(body, mimetype=mimetype)
    response.headers["Cache-Control"] = "no-cache"
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"]:
        response.set_data(gzip.compress(response.get_data(), mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    response.add_etag()
    return response.make_conditional(request)


def precache() -> Precache:
    """The list for this process's files: built once, or at every call while developing."""
    kept = current_app.extensions.get("baton-precache")
    if isinstance(kept, Precache) and not (current_app.debug or current_app.testing):
        return kept
    pages = {"/app/": _shell(""), "/app/manifest.webmanifest": _manifest(), "/app/decode.js": DECODE}
    pages["/app/phone.css"] = _styles()
    listing = build(_file(""), pages)
    current_app.extensions["baton-precache"] = listing
    return listing


def _outbox() -> tuple[str, str]:
    """The script and its digest."""
    kept = current_app.extensions.get("baton-outbox")
    if isinstance(kept, tuple) and not (current_app.debug or current_app.testing):
        return kept
    made = join_modules(_file(""), "/static/js/outbox/background.js", "BATON_OUTBOX")
    current_app.extensions["baton-outbox"] = made
    return made


def _page() -> str:
    # A process serves one version: it is read from the files once, not at every start of a phone.
    kept = current_app.extensions.get("baton-shell")
    if isinstance(kept, str) and not (current_app.debug or current_app.testing):
        return kept
    page = _shell(precache().version)
    current_app.extensions["baton-shell"] = page
    return page


def _shell(version: str) -> str:
    modules = modules_of(_file(""), "/static/js/pages/app.js")
    return render_template("field/shell.html", version=version, modules=modules)


def _styles() -> str:
    return "\n".join(_file(f"css/{name}.css").read_text("utf-8") for name in STYLES)


def _manifest() -> str:
    return json.dumps(MANIFEST)


def _file(name: str) -> Path:
    # What is served, not what it was copied from: a worker refuses a file that is not the one of its list.
    folder: Path = current_app.extensions["baton-static"]
    return folder / name
