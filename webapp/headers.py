"""The headers that every answer carries: what a page may load, and what the browser may let it use."""

from __future__ import annotations

from flask import Flask, Response, request

POLICY = (
    "default-src 'none'; "
    "script-src 'self' 'wasm-unsafe-eval'; "
    "style-src 'self'; "
    "img-src 'self' blob: data:; "
    "media-src 'self' blob:; "
    "font-src 'self'; "
    "connect-src 'self'; "
    "worker-src 'self'; "
    "manifest-src 'self'; "
    "form-action 'self'; "
    "base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()",
    # Our own forms must say where they come from, or CSRF protection behind HTTPS refuses them.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# A phone's answers are no pages: what only pages heed is four hundred bytes of somebody's mobile data, each time.
FOR_PHONES = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def register(app: Flask) -> None:
    """Add them to every answer of the app, and keep what is private out of shared caches."""

    @app.after_request
    def _add(response: Response) -> Response:
        # One look at what is there: setdefault would look once for each.
        there = {name.lower() for name in response.headers.keys()}  # noqa: SIM118 - iterating gives pairs
        wanted = FOR_PHONES if request.path.startswith("/sync/v1/") else HEADERS
        response.headers.extend([(n, v) for n, v in wanted.items() if n.lower() not in there])
        if app.config["SESSION_COOKIE_SECURE"]:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if request.path.startswith("/sync/v1/"):
            response.headers["Sync-Protocol"] = "1"
        if request.path.startswith(("/office", "/sync/")):
            response.headers.setdefault("Cache-Control", "private, no-store")
        if request.path.startswith("/office"):
            response.headers.add("Vary", "HX-Request")
        return response
