"""What a crash left goes after a day; what is being made stays."""

from __future__ import annotations

import time
from pathlib import Path

from django.conf import LazySettings

from creator.services import sweeping


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
