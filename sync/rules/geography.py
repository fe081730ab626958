"""Distances on the globe. Pure."""

from __future__ import annotations

import math

Point = tuple[float, float]  # latitude and longitude in degrees

_EARTH_KM = 6371.0


def distance_km(one: Point, other: Point) -> float:
    """Great-circle distance."""
    lat1, lon1, lat2, lon2 = map(math.radians, (*one, *other))
    half = math.sin((lat2 - lat1) / 2) ** 2
    half += math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_KM * math.asin(math.sqrt(min(1.0, half)))
