"""Commands as a person and a program type them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from PIL import Image

from media_processing.models import Asset

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def called(*args: str) -> Any:
    out = io.StringIO()
    call_command(*args, "--json", stdout=out, stderr=io.StringIO())
    return json.loads(out.getvalue())


def said(*args: str) -> str:
    out = io.StringIO()
    call_command(*args, stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "red barn.png"
    Image.new("RGB", (320, 200), "#a83428").save(path)
    return path


def test_import_takes_the_good_and_names_the_bad(picture: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "empty.jpg").touch()
    results = {
        each["name"]: each for each in called("import_assets", str(tmp_path), "--license", "CC0", "--tags", "barn")
    }
    assert results["red barn.png"]["created"]
    assert results["notes.txt"]["error"]
    assert results["empty.jpg"]["error"]
    asset = Asset.objects.get()
    assert (asset.licence, asset.tags) == ("CC0", ["barn"])
    assert not called("import_assets", str(picture))[0]["created"]


def test_find_finds_by_title_and_says_why(picture: Path) -> None:
    called("import_assets", str(picture))
    (hit,) = called("find", "barn", "--limit", "3")
    assert hit["title"] == "red barn"
    assert sum(hit["why"].values()) == pytest.approx(hit["score"], abs=1e-5)
    assert "red barn" in said("find", "barn")


def test_find_like_a_file(picture: Path) -> None:
    called("import_assets", str(picture))
    assert called("find", "--like", str(picture), "barn")


def test_nothing_found_says_what_to_do(db: None) -> None:
    assert "import_assets" in said("find", "zebra")


def test_engines_lists_every_role_with_its_default() -> None:
    rows = called("engines")
    assert {row["role"] for row in rows if row["default"]} == {row["role"] for row in rows}
    assert "WRITER=openai" in said("engines")


def test_doctor_ends_each_fault_with_its_fix() -> None:
    lines = called("doctor")
    assert any(line["what"].startswith("font") for line in lines)
    assert all(line["fix"] for line in lines if not line["ok"])
    assert said("doctor")


def test_a_sign_in_link_for_nobody_names_who_there_is() -> None:
    with pytest.raises(CommandError, match="nobody"):
        said("sign_in_link", "zoe")
    called("set_up", "--no-samples")
    assert "sesame=" in called("sign_in_link", "moderator")["link"]
    with pytest.raises(CommandError, match="moderator"):
        said("sign_in_link", "zoe")


def test_an_article_that_is_not_there_is_said(db: None) -> None:
    with pytest.raises(CommandError, match="no file"):
        said("create_story", "nowhere.md")


def test_a_channel_that_is_not_there_is_said_before_work_starts(tmp_path: Path) -> None:
    article = tmp_path / "a.md"
    article.write_text("A short note about a harbour.")
    with pytest.raises(CommandError, match="lockscreen"):
        said("create_story", str(article), "--publish", "nowhere")


def test_illustrate_says_what_it_can_not_show(tmp_path: Path) -> None:
    article = tmp_path / "a.md"
    article.write_text(
        "# Trees\n\nThe city planted a hundred trees along the river. Their meaning is abstract to many."
    )
    result = called("illustrate", str(article), "--out", str(tmp_path / "out"))
    assert result["shown"] >= 1
    assert len(list((tmp_path / "out").iterdir())) == result["scenes"]
