"""Curves as SVG: precision and recall of one check over its threshold, with the threshold in use marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from sync.evidence.limits import LIMITS
from webapp.cli.bench.evidence.curves import Curve

_WIDTH, _HEIGHT, _EDGE = 560, 300, 46


def plot(curve: Curve) -> str:
    """An SVG document; it carries its own colours, for a page that is light or dark."""
    points = curve.points
    low, high = points[0][0], points[-1][0]
    limit = LIMITS[curve.name]
    precision, recall = curve.at(limit.threshold)

    def x(threshold: float) -> float:
        return _EDGE + (threshold - low) / ((high - low) or 1) * (_WIDTH - 2 * _EDGE)

    lines = [
        _line([(x(t), _y(p)) for t, p, _ in points], "#1f5fbf"),
        _line([(x(t), _y(r)) for t, _, r in points], "#b3591c"),
    ]
    if low <= limit.threshold <= high:
        at = x(limit.threshold)
        lines.append(f'<path d="M{at:.1f} {_y(1):.1f}V{_y(0):.1f}" stroke="#555" stroke-dasharray="4 3"/>')
    title = (
        f"{curve.name}: {'at least' if limit.is_least else 'at most'} {limit.threshold:g}; "
        f"precision {precision:.3f} (blue), recall {recall:.3f} (brown)"
    )
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
                f'font-family="sans-serif" font-size="13">'
            ),
            f"<title>{escape(title)}</title>",
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
            f'<text x="{_EDGE}" y="22" fill="#111">{escape(title)}</text>',
            *_frame(low, high),
            *lines,
            "</svg>",
            "",
        ]
    )


def _y(share: float) -> float:
    return _HEIGHT - _EDGE - share * (_HEIGHT - 2 * _EDGE)


def _line(points: Sequence[tuple[float, float]], colour: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _frame(low: float, high: float) -> Iterable[str]:
    for share in (0, 0.25, 0.5, 0.75, 1):
        yield f'<path d="M{_EDGE} {_y(share):.1f}H{_WIDTH - _EDGE}" stroke="#ddd"/>'
        yield f'<text x="{_EDGE - 6}" y="{_y(share) + 4:.1f}" text-anchor="end" fill="#555">{share:g}</text>'
    for part in range(5):
        value = low + (high - low) * part / 4
        at = _EDGE + part / 4 * (_WIDTH - 2 * _EDGE)
        yield f'<text x="{at:.1f}" y="{_HEIGHT - 20}" text-anchor="middle" fill="#555">{value:.3g}</text>'
