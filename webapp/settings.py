"""The one place that reads the environment: what an installation is set to, checked before anything starts."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from environs import Env, EnvError
from filelock import FileLock

RESTORING = "restoring"  # a file in the data folder for as long as a restore into it is not done
SMTP_PORTS = {"starttls": 587, "tls": 465, "none": 25}
MARKETS = ("guide", "MY", "ID", "PH", "TH", "VN", "SG")


class SettingsError(Exception):
    """A setting that cannot be used; its text is the one line to show."""


@dataclass(frozen=True, slots=True)
class Smtp:
    """The mail server that takes our letters. `security` is starttls, tls or none; `timeout` in seconds."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    security: str = "starttls"
    timeout: float = 20.0
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Authority:
    """Who stamps our days (RFC 3161): where it is asked, and the file with the roots that vouch for it."""

    url: str
    certs: Path


@dataclass(frozen=True, slots=True)
class Settings:
    """One installation's settings. Paths are absolute; lengths end in their unit."""

    data: Path
    database_url: str
    blobs: str
    secret_key: str
    host: str
    port: int
    public_url: str
    market: str
    threads: int
    trusted_proxies: int
    testing: bool = False
    s3_endpoint: str | None = None
    rate_limits: bool = True
    smtp: Smtp | None = None
    private_targets: bool = False
    authority: Authority | None = None

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is the embedded one."""
        return self.database_url.startswith("sqlite")

    @property
    def signing_key_file(self) -> Path:
        """Where the server's own signing key is kept (mode 0600)."""
        return self.data / "server-key.pem"

    @property
    def is_secure(self) -> bool:
        """Whether phones and staff reach it by HTTPS, so that cookies may be marked so."""
        return self.public_url.startswith("https://")


def from_env(**overrides: object) -> Settings:
    """Read `BATON_*`; a keyword beats the environment. Raises SettingsError with one clear line."""
    env = Env()
    try:
        data = Path(str(overrides.pop("data", None) or env.str("BATON_DATA", "") or "./var")).resolve()
        host = str(overrides.pop("host", None) or env.str("BATON_HOST", "127.0.0.1"))
        port = _port(overrides.pop("port", None) or env.str("BATON_PORT", "8000"))
        data.mkdir(mode=0o700, parents=True, exist_ok=True)  # names and addresses are in it
        values: dict[str, object] = {
            "data": data,
            "host": host,
            "port": port,
            "database_url": database_url(env.str("BATON_DATABASE_URL", ""), data),
            "blobs": _blobs(env.str("BATON_BLOBS", ""), data),
            "s3_endpoint": env.str("BATON_S3_ENDPOINT", "") or None,
            "secret_key": env.str("BATON_SECRET_KEY", "") or _kept_secret(data / "secret.key"),
            "public_url": _public_url(env.str("BATON_PUBLIC_URL", "") or f"http://{_shown(host)}:{port}"),
            "market": _market(env.str("BATON_MARKET", "guide")),
            "threads": _between(env.int("BATON_THREADS", 8), 2, 64, "BATON_THREADS"),
            "trusted_proxies": _between(env.int("BATON_TRUSTED_PROXIES", 0), 0, 5, "BATON_TRUSTED_PROXIES"),
            "rate_limits": env.bool("BATON_RATE_LIMITS", True),
            "smtp": _smtp(env),
            "private_targets": env.bool("BATON_PRIVATE_TARGETS", False),
            "authority": _authority(env),
        }
    except EnvError as error:
        raise SettingsError(str(error)) from error
    except OSError as error:
        raise SettingsError(f"BATON_DATA: cannot use {error.filename}: {error.strerror}") from error
    return Settings(**{**values, **overrides})  # type: ignore[arg-type]


def _smtp(env: Env) -> Smtp | None:
    host = env.str("BATON_SMTP_HOST", "")
    if not host:
        return None
    security = env.str("BATON_SMTP_SECURITY", "starttls")
    if security not in SMTP_PORTS:
        raise SettingsError(f"BATON_SMTP_SECURITY: {security!r} is not one of {', '.join(SMTP_PORTS)}")
    sender = env.str("BATON_SMTP_FROM", "")
    if not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", sender):
        raise SettingsError(f"BATON_SMTP_FROM: {sender!r} is not an address like baton@example.com")
    ca_file = env.str("BATON_SMTP_CA", "") or None
    if ca_file and not Path(ca_file).is_file():
        raise SettingsError(f"BATON_SMTP_CA: there is no file {ca_file}")
    return Smtp(
        host=host,
        port=_between(env.int("BATON_SMTP_PORT", SMTP_PORTS[security]), 1, 65535, "BATON_SMTP_PORT"),
        sender=sender,
        user=env.str("BATON_SMTP_USER", ""),
        password=env.str("BATON_SMTP_PASSWORD", ""),
        security=security,
        timeout=_between(env.int("BATON_SMTP_TIMEOUT", 20), 1, 60, "BATON_SMTP_TIMEOUT"),
        ca_file=ca_file,
    )


def _authority(env: Env) -> Authority | None:
    url, certs = env.str("BATON_TSA_URL", ""), env.str("BATON_TSA_CERTS", "")
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(f"BATON_TSA_URL: {url!r} is not like https://tsa.example.com/tsr")
    if not certs:
        raise SettingsError(
            "BATON_TSA_CERTS: name the PEM file with the roots of BATON_TSA_URL, to check its word by"
        )
    file = Path(certs).resolve()
    if not file.is_file() or b"-----BEGIN CERTIFICATE-----" not in file.read_bytes():
        raise SettingsError(f"BATON_TSA_CERTS: {file} is no PEM file with certificates")
    return Authority(url, file)


def _shown(host: str) -> str:
    return "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104  (compared, not bound)


def _port(text: object) -> int:
    try:
        port = int(str(text))
    except ValueError as error:
        raise SettingsError(f"BATON_PORT: {text!r} is not a number") from error
    return _between(port, 1, 65535, "BATON_PORT")


def _between(value: int, low: int, high: int, name: str) -> int:
    if not low <= value <= high:
        raise SettingsError(f"{name}: {value} is not between {low} and {high}")
    return value


def _market(text: str) -> str:
    if text not in MARKETS:
        raise SettingsError(f"BATON_MARKET: {text!r} is not one of {', '.join(MARKETS)}")
    return text


def as_environ(settings: Settings) -> list[str]:
    """`NAME=value` for a child process that is to have these settings, whatever else is set around it."""
    told = {
        "BATON_DATA": settings.data,
        "BATON_DATABASE_URL": settings.database_url,
        "BATON_BLOBS": settings.blobs,
        "BATON_HOST": settings.host,
        "BATON_PORT": settings.port,
        "BATON_PUBLIC_URL": settings.public_url,
        "BATON_RATE_LIMITS": settings.rate_limits,
        "BATON_SECRET_KEY": settings.secret_key,
    }
    return [f"{name}={value}" for name, value in told.items()]


def database_url(text: str, data: Path) -> str:
    """The address as SQLAlchemy takes it; SQLite in the data folder for an empty text. Raises SettingsError."""
    if not text:
        return f"sqlite:///{data / 'baton.db'}"
    if text.startswith(("postgres://", "postgresql://")):
        return "postgresql+psycopg://" + text.split("://", 1)[1]
    if text.startswith(("sqlite:///", "postgresql+psycopg://")):
        return text
    raise SettingsError("BATON_DATABASE_URL: use postgresql://… or sqlite:///…")


def _blobs(text: str, data: Path) -> str:
    if not text:
        return (data / "blobs").as_uri()
    if text.startswith("s3://") and urlsplit(text).netloc:
        return text
    if text.startswith("file:///"):
        return text
    raise SettingsError("BATON_BLOBS: use file:///folder or s3://bucket/prefix")


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/"):
        raise SettingsError(f"BATON_PUBLIC_URL: {text!r} is not like https://baton.example.com")
    return f"{parts.scheme}://{parts.netloc}"


def _kept_secret(file: Path) -> str:
    return kept(file, lambda: secrets.token_urlsafe(48))


def kept(file: Path, make: Callable[[], str]) -> str:
    """The text in a file that only its owner may read, made and made durable first if there is none.

    Several processes may ask at once; a file that a crash left empty counts as none.
    """
    with FileLock(file.with_suffix(".lock")):
        held = file.read_text("utf-8").strip() if file.exists() else ""
        if held:
            return held
        part, text = file.with_suffix(".part"), make()
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return text
