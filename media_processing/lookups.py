"""What was found since it had been made before, and what had to be made: counted in each process, for its metrics."""

from __future__ import annotations

from prometheus_client import Counter

LOOKUPS = Counter("storyloom_lookups", "Pieces looked for, by this process.", ("cache", "found"), registry=None)
"""By cache ("renditions", "film") and whether the piece was there ("yes", "no")."""


def looked_up(cache: str, found: bool) -> bool:
    """Count one look into a cache; returns `found`."""
    LOOKUPS.labels(cache, "yes" if found else "no").inc()
    return found


def counts() -> dict[str, dict[str, int]]:
    """Cache -> "yes" and "no" -> how often, since this process began."""
    told: dict[str, dict[str, int]] = {}
    for metric in LOOKUPS.collect():
        for sample in metric.samples:
            if sample.name.endswith("_total"):
                told.setdefault(sample.labels["cache"], {})[sample.labels["found"]] = int(sample.value)
    return told
