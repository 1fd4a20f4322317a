"""Views that move: the whole numbers that stand for them, and what ffmpeg makes of those."""

from __future__ import annotations

import numpy as np
import pytest

from media_processing.motion import Box, View, error, windows


def push(
    frame: int, density: float, closer: float = 1.09, margin: float = 0.1
) -> tuple[list[tuple[float, float]], int]:
    """The spans of a slow push over 120 frames on one axis, and the canvas that they lie on."""
    whole = round(frame * density)
    edge = round(whole * 0.1 / 2) * 2
    lengths = [whole / (1 + 0.09 * number / 119) for number in range(120)]
    return [(edge + (whole - length) * 0.55, length) for length in lengths], whole + 2 * edge


@pytest.mark.parametrize(("frame", "density"), [(1080, 0.97), (1920, 0.97), (1350, 0.97), (270, 2.3), (480, 2.3)])
def test_windows_are_a_fraction_of_a_pixel_off(frame: int, density: float) -> None:
    spans, canvas = push(frame, density)
    found = windows(spans, frame, canvas)
    off = [error(window, *span, frame) for window, span in zip(found, spans, strict=True)]
    assert np.mean(off) < 0.04 and max(off) < 0.12
    for window in found:
        assert all(number % 2 == 0 for number in window)
        assert window.start >= 0 and window.start + window.size <= canvas
        assert window.offset + frame <= window.scaled


def test_a_view_of_the_whole_canvas_is_the_canvas() -> None:
    window = windows([(0.0, 720.0)], 1920, 720)[0]
    assert (window.start, window.size, window.scaled, window.offset) == (0, 720, 1920, 0)


def test_a_view_rests_before_its_first_and_after_its_last_key() -> None:
    view = View((200, 200), (100, 100), ((1.0, Box(0, 0, 100, 100)), (3.0, Box(40, 20, 60, 60))))
    assert view.moves
    assert view.box(0) == view.box(1) == Box(0, 0, 100, 100)
    assert view.box(2) == Box(20, 10, 80, 80)
    assert view.box(9) == Box(40, 20, 60, 60)
    assert not View((200, 200), (100, 100), ((0.0, Box(0, 0, 100, 100)),)).moves
