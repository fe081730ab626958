"""Templates obey the content security policy, and every file they or the styles name is there."""

from __future__ import annotations

import re

from tests.support.programs import ROOT
from tests.support.sources import text, written_by_hand

TEMPLATES = [path for path in written_by_hand(".html") if path.startswith("webapp/templates/")]
STYLES = [path for path in written_by_hand(".css") if path.startswith("webapp/static/")]
SCRIPTS = [path for path in written_by_hand(".js") if path.startswith("webapp/static/js/")]
STATIC = ROOT / "webapp" / "static"
INLINE = {
    "a script without src": re.compile(
        r"<script(?![^>]*\bsrc=)(?![^>]*type=[\"']application/json)[^>]*>", re.IGNORECASE
    ),
    "a style element": re.compile(r"<style[\s>]", re.IGNORECASE),
    "a style attribute": re.compile(r"<[^>{%]*\sstyle\s*=", re.IGNORECASE),
    "an event attribute": re.compile(r"<[^>{%]*\son[a-z]+\s*=", re.IGNORECASE),
    "htmx evaluating text": re.compile(r"\bhx-on\b|\bhx-vals\s*=\s*[\"']js:", re.IGNORECASE),
    "a javascript: address": re.compile(r"[\"']\s*javascript:", re.IGNORECASE),
    "a foreign address": re.compile(
        r"<(?:script|link|img|source|iframe)\b[^>]*(?:src|href)=[\"'](?:https?:)?//", re.IGNORECASE
    ),
}


def test_templates_hold_nothing_that_the_policy_would_block() -> None:
    found = []
    for path in TEMPLATES:
        markup = re.sub(r"{#.*?#}|<!--.*?-->", "", text(path), flags=re.DOTALL)
        found += [f"{path}: {what}" for what, pattern in INLINE.items() if pattern.search(markup)]
    assert found == []


def test_every_static_file_that_is_named_exists() -> None:
    missing = []
    for path in TEMPLATES + STYLES:
        content = text(path)
        named = set(re.findall(r"[\"'(]/static/([\w./@-]+\.\w+)", content))
        named |= set(re.findall(r"url_for\(\s*[\"']static[\"'],\s*filename=[\"']([\w./@-]+)[\"']", content))
        missing += [f"{path}: {name}" for name in sorted(named) if not (STATIC / name).is_file()]
    assert missing == []


def test_every_icon_that_is_named_is_in_the_sprite() -> None:
    [sprite] = STATIC.glob("vendor/lucide-*/sprite.svg")
    have = set(re.findall(r'<symbol id="([\w-]+)"', sprite.read_text()))
    used = {icon for path in TEMPLATES for icon in re.findall(r'\bicon\("([\w-]+)"', text(path))}
    for path in SCRIPTS:
        content = text(path)
        shown = re.findall(r'\b(?:use|set)Icon\(\s*[\w.#]+,(?:\s*"[\w-]+",)?([^;{]*)\);', content)
        shown += re.findall(r"\w*ICONS = \{(.*?)\}", content, re.DOTALL)
        shown += re.findall(r"\bicon(?: =|:) ([^;\n}]*)", content)
        used |= {icon for said in shown for icon in re.findall(r'(?<!=== )"([\w-]+)"', said)}
    assert used - have == set()
    assert {"circle-check", "arrow-right", "wifi-off", "ban", "undo-2"} <= used, "the test must see them all"


def test_the_sprites_address_stands_once_for_the_templates_and_once_for_the_scripts() -> None:
    named = {path for path in TEMPLATES + SCRIPTS if "/sprite.svg" in text(path)}
    assert named == {"webapp/templates/_macros/icons.html", "webapp/static/js/ui/template.js"}
