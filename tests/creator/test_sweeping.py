"""What a crash left goes after a day; what is being made stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from django.conf import LazySettings

from creator.services import sweeping

pytestmark = pytest.mark.django_db


def test_old_leftovers_go_and_young_ones_stay(settings: LazySettings) -> None:
    partial = Path(settings.MEDIA_ROOT) / "incoming" / "half"
    making = Path(settings.CACHE_ROOT) / "scenes" / ".making-x"
    kept = Path(settings.CACHE_ROOT) / "scenes" / "whole.mp4"
    making.mkdir(parents=True)
    partial.parent.mkdir(parents=True)
    partial.touch()
    kept.touch()
    assert sweeping.sweep() == 0
    assert sweeping.sweep(time.time() + sweeping.OLD + 60) == 2
    assert kept.exists()
    assert not partial.exists()
    assert not making.exists()


def test_caches_lose_what_nobody_uses(settings: LazySettings) -> None:
    old, used = (Path(settings.CACHE_ROOT) / "scenes" / name for name in ("old.mp4", "used.mp4"))
    found = Path(settings.CACHE_ROOT) / "framing" / "ab" / "crop.json"
    found.parent.mkdir(parents=True)
    old.parent.mkdir(parents=True, exist_ok=True)
    later = time.time() + sweeping.UNUSED + 60
    for path in (old, used, found):
        path.touch()
    os.utime(used, (later, later - 60))
    sweeping.sweep(later)
    assert (old.exists(), found.exists(), used.exists()) == (False, False, True)
