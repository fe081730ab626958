"""Put the house together: one app from settings, its floors bound, its headers strict."""

from __future__ import annotations

from functools import partial
from inspect import ismethod
from typing import Any

from flask import Flask
from flask_security import SQLAlchemyUserDatastore, user_authenticated
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from webapp import api, clock, clockwork, desk_only, errors, field, headers, logs, office, static_files
from webapp import settings as settings_module
from webapp.access import open_to_all
from webapp.extensions import csrf, db, htmx, limiter, migrate, security
from webapp.services.note_sign_in import note_sign_in
from webapp.settings import Settings
from webapp.store import blobs, database, photo_folder, server_key
from webapp.store.models import User
from webapp.store.models.people import RoleName


def create_app(settings: Settings | None = None) -> Flask:
    """Build the app; the database is migrated by then. Raises SettingsError with one clear line."""
    settings = settings or settings_module.from_env()
    logs.set_up(is_quiet=settings.testing)
    app = Flask(__name__)
    app.session_interface = desk_only.DeskSessions()
    app.config.from_mapping(_config(settings))
    app.extensions["baton-settings"] = settings
    _bind(app, settings)
    for room in (api, field, office):
        app.register_blueprint(room.blueprint)
    csrf.exempt(api.blueprint)
    desk_only.spare_phones(app)
    errors.register(app)
    headers.register(app)
    _mark_library_views(app)
    _wrap(app, settings)
    return app


def _config(settings: Settings) -> dict[str, Any]:
    return {
        "SECRET_KEY": settings.secret_key,
        "SECURITY_PASSWORD_SALT": settings.secret_key,
        "SECURITY_PASSWORD_HASH": "argon2",
        # argon2 alone, so that a new secret key ends sessions and locks nobody out for good.
        "SECURITY_PASSWORD_SINGLE_HASH": True,
        "SECURITY_URL_PREFIX": "/office",
        "SECURITY_LOGIN_URL": "/sign-in",
        "SECURITY_LOGOUT_URL": "/sign-out",
        "SECURITY_LOGOUT_METHODS": ["POST"],
        "SECURITY_POST_LOGIN_VIEW": "/office/",
        "SECURITY_POST_LOGOUT_VIEW": "/office/sign-in",
        "SECURITY_LOGIN_USER_TEMPLATE": "office/sign_in.html",
        "SECURITY_UNAUTHORIZED_VIEW": None,
        "SECURITY_SEND_REGISTER_EMAIL": False,
        "SECURITY_FLASH_MESSAGES": True,
        "SECURITY_JOIN_USER_ROLES": False,  # a role is a word on the user, not a table to join
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_USER_IDENTITY_ATTRIBUTES": [{"email": {"mapper": _as_email, "case_insensitive": True}}],
        "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False, "test_environment": True},
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.is_secure,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_SECURE": settings.is_secure,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": settings.is_secure,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": database.engine_options(settings),
        "RATELIMIT_ENABLED": settings.rate_limits,
        "MAX_CONTENT_LENGTH": 64 * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 2 * 1024 * 1024,
        "MAX_FORM_PARTS": 5000,
        "TESTING": settings.testing,
    }


def _as_email(identity: str) -> str | None:
    text = identity.strip().lower()
    return text if "@" in text and len(text) <= 255 else None


def _bind(app: Flask, settings: Settings) -> None:
    db.init_app(app)
    migrate.init_app(app, db, directory=str(database.MIGRATIONS), render_as_batch=True)
    htmx.init_app(app)
    csrf.init_app(app)
    limiter.init_app(app)
    security.init_app(app, SQLAlchemyUserDatastore(db, User, RoleName))
    user_authenticated.connect(_note_sign_in, app)
    # The library looks for tokens of its own in every request and reads whole JSON bodies for it: ours are bearers.
    app.login_manager.request_loader(lambda _request: None)  # type: ignore[attr-defined]
    # The limit is in what the decorator gives back: that must be the view.
    views: dict[str, Any] = app.view_functions
    # Only tries that let nobody in: a shop's people begin work in the same minute, from the same address.
    # A program is let in with 200 and refused with 400; only the way into the office is a 302.
    slowed = limiter.limit(
        "10 per minute", methods=["POST"], deduct_when=lambda answer: answer.status_code != 302
    )
    views["security.login"] = slowed(views["security.login"])
    with app.app_context():
        database.prepare(settings)
        mark = photo_folder.mark_of(settings)
    app.extensions["baton-key"] = server_key.load_or_make(settings.signing_key_file)
    app.extensions["baton-blobs"] = blobs.open_store(settings, mark)
    clockwork.bind(app)


def _note_sign_in(_app: Flask, user: User, **_others: Any) -> None:
    note_sign_in(user.org_id, user.id, clock.now())


def _mark_library_views(app: Flask) -> None:
    for name, why in (
        ("static", "files anybody may read"),
        ("security.login", "the door itself"),
        ("security.logout", "leaving is always allowed"),
        ("security.verify", "asks the signed-in person for the password again"),
        ("security.static", "files of the sign-in library"),
    ):
        if view := app.view_functions.get(name):
            # A bound method carries no mark of its own.
            app.view_functions[name] = open_to_all(why)(partial(view) if ismethod(view) else view)


def _wrap(app: Flask, settings: Settings) -> None:
    source = database.PACKAGE / "static"
    served = source if settings.testing else static_files.prepared(source, settings.data)
    app.extensions["baton-static"] = served
    files = WhiteNoise(
        app.wsgi_app,
        root=str(served),
        prefix="static/",
        allow_all_origins=False,
        max_age=0,
        immutable_file_test=lambda _path, url: url.startswith("/static/vendor/"),
    )
    app.wsgi_app = files  # type: ignore[method-assign]
    if settings.trusted_proxies:
        n = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
