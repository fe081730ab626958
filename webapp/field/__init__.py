"""The phone's pages: one shell document, its service worker and its manifest. All else the phone does by itself."""

from webapp.field.views import blueprint

__all__ = ["blueprint"]
