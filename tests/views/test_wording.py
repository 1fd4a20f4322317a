"""How things are said."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from creator.models import Job
from creator.services.making import SHARES
from creator.services.stories import STEPS as STORY_STEPS
from creator.templatetags import storyloom as said
from media_processing.engine import engines
from media_processing.timeline import FORMATS


@pytest.mark.parametrize(("seconds", "text"), [(None, "0:00"), (5.4, "0:05"), (75.3, "1:15"), (3600, "60:00")])
def test_clock(seconds: float | None, text: str) -> None:
    assert said.clock(seconds) == text


def test_every_step_and_role_has_words() -> None:
    assert not [step for step in (*STORY_STEPS, *SHARES) if step not in said.STEPS]
    assert not [role for role in engines.roles() if role not in said.ROLES]


def test_every_format_has_a_name_and_a_shape() -> None:
    assert said.format_title("video:9x16") == "Video 9:16"
    assert {said.format_icon(name) for name in FORMATS} >= {"square", "rectangle-vertical", "rectangle-horizontal"}


def test_codes_become_words() -> None:
    assert said.in_words("personal_data") == "Personal data"
    assert said.job_title(Job(kind="something_new")) == "Something new"
    assert said.engine_title("espeak", "voice") == "eSpeak NG (built in)"
    assert said.engine_title("gone", "voice") == "gone"


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (1080, 1920, "ratio-56"),
        (1080, 1350, "ratio-80"),
        (100, 100, "ratio-100"),
        (4000, 100, "ratio-233"),
        (0, 0, "ratio-100"),
    ],
)
def test_ratios_go_to_the_nearest_class(width: int, height: int, expected: str) -> None:
    assert said.ratio_class(SimpleNamespace(width=width, height=height)) == expected
    assert said.ratio_class({"width": width, "height": height}) == expected


def test_every_ratio_has_its_class() -> None:
    from django.conf import settings

    css = (settings.STATICFILES_DIRS[0] / "css" / "ratios.css").read_text()
    assert not [ratio for ratio in said.RATIOS if f".ratio-{round(100 * ratio)} " not in css]


def test_ago() -> None:
    now = timezone.now()
    assert said.ago(None) == ""
    assert said.ago(now) == "just now"
    assert said.ago(now - timedelta(minutes=7)) == "7 min ago"
    assert said.ago(now - timedelta(hours=5)) == "5 h ago"
    assert str((now - timedelta(days=400)).year) in said.ago(now - timedelta(days=400))


def test_scripts_say_steps_in_the_same_words() -> None:
    from django.conf import settings

    script = (settings.STATICFILES_DIRS[0] / "js" / "tray.js").read_text()
    assert not [step for step, words in said.STEPS.items() if f'{step}: gettext("{words}")' not in script]
