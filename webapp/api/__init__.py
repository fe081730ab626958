"""The sync protocol over HTTP: parse, call a service, answer."""

from flask import Blueprint

blueprint = Blueprint("sync", __name__)

from webapp.api import blobs, feeds, health, push, sync  # noqa: E402,F401  (views register on the blueprint)
