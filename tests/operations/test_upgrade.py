"""An installation of v0.1 becomes one of today: nothing is lost, its key works, and a failed migration changes nothing.

v0.1.sqlite3.gz is the database of the tag v0.1 after `create_story creator/samples/article.md --formats card:1x1
--publish lockscreen`, with a key made for its channel.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from creator.services import upgrading
from tests.processes import manage

DUMP = Path(__file__).with_name("v0.1.sqlite3.gz")
KEY = "sl_caTTE8dNrk4x2hyfGVzOBZfn1sPSiosQ0da-rKFu79E"
ASK = f"""
import json
from django.test import Client
from creator.models import Publication, User
story = Publication.objects.get().story
client = Client(SERVER_NAME="127.0.0.1")
answer = client.get(f"/api/v1/stories/{{story.pk}}", headers={{"Authorization": "Bearer {KEY}"}})
client.force_login(User.objects.get(username="owner"))
pages = {{path: client.get(path).status_code for path in ("/", f"/stories/{{story.pk}}/", "/library/", "/jobs/")}}
print(json.dumps({{"status": answer.status_code, "body": answer.json(), "pages": pages}}))
"""
UPGRADE = "from creator.services import upgrading; upgrading.upgrade()"
BROKEN = """
from unittest.mock import patch
from creator.services import upgrading
with patch("creator.services.upgrading.call_command", side_effect=lambda *_, **__: (
    __import__("django.db").db.connection.cursor().execute("drop table creator_scene"), 1 / 0)):
    try:
        upgrading.upgrade()
    except Exception as error:
        print(type(error).__name__, error.next_step)
"""


def rows(data: Path) -> dict[str, int]:
    with sqlite3.connect(data / "db.sqlite3") as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        return {name: connection.execute(f'select count(*) from "{name}"').fetchone()[0] for name in tables}


@pytest.fixture
def v01(tmp_path: Path) -> Path:
    (tmp_path / "db.sqlite3").write_bytes(gzip.decompress(DUMP.read_bytes()))
    return tmp_path


@pytest.mark.slow
def test_everything_of_v01_is_there_afterwards(v01: Path) -> None:
    before = rows(v01)
    manage(v01, "set_up", "--no-samples")
    after = rows(v01)
    ours = ("creator_", "generation_", "media_processing_", "moderation_", "search_")
    kept = {name: count for name, count in before.items() if name.startswith(ours) and "words_" not in name}
    assert kept["creator_scene"] == 2
    assert {name: after.get(name, 0) for name in kept if after.get(name, 0) < kept[name]} == {}
    told: dict[str, Any] = json.loads(manage(v01, "shell", "-c", ASK).stdout.strip().splitlines()[-1])
    assert told["status"] == 200, told["body"]
    assert told["body"]["title"] == "Three hundred trees along the river"
    assert set(told["pages"].values()) == {200}
    (copy,) = (v01 / "before-upgrades").iterdir()
    with sqlite3.connect(copy) as was:
        assert was.execute("select count(*) from creator_scene").fetchone() == (2,)
    manage(v01, "set_up", "--no-samples")  # nothing is missing any more: no second copy
    assert len(list((v01 / "before-upgrades").iterdir())) == 1


@pytest.mark.slow
def test_a_first_start_makes_what_the_migrations_make(tmp_path: Path) -> None:
    migrated, fresh = tmp_path / "migrated", tmp_path / "fresh"
    for data, command in ((migrated, ("migrate",)), (fresh, ("shell", "-c", UPGRADE))):
        data.mkdir()
        manage(data, *command)
    told = [upgrading.schema_of(data / "db.sqlite3") for data in (migrated, fresh)]
    assert told[0] == told[1]
    assert told[0] == upgrading.SCHEMA.read_text(encoding="utf-8"), "run manage.py schema"
    counted = [
        {name: count for name, count in rows(data).items() if name != "sqlite_sequence"} for data in (migrated, fresh)
    ]
    assert counted[0] == counted[1]


@pytest.mark.slow
def test_a_migration_that_fails_leaves_what_was(v01: Path) -> None:
    before = rows(v01)
    told = manage(v01, "shell", "-c", BROKEN).stdout
    assert "EngineError The database is as it was before." in told
    assert rows(v01) == before
