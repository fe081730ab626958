"""How the server writes down what happens: one JSON line an event on stderr, with no values of variables in it."""

from __future__ import annotations

import logging
import sys

import structlog


def set_up(*, is_quiet: bool = False) -> None:
    """Log warnings and worse of libraries, and all of ours; `is_quiet` leaves the first to those who test."""
    if not is_quiet:
        logging.basicConfig(
            level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
        )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
