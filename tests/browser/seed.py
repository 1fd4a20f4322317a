"""Rows for the browser tests, written into the data folder of a running server. Prints addresses as JSON."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def spoken_recording(workspace: Any) -> str:
    """Six seconds of a tone that pass for three sentences."""
    import tempfile

    from creator.services import library
    from media_processing import services as media
    from media_processing.models import Transcript
    from tests.media_processing.makers import tone

    with tempfile.TemporaryDirectory() as folder:
        asset, _new = media.store_asset(workspace.pk, tone(Path(folder) / "talk.wav", seconds=6), title="A talk")
    passages = []
    for number, text in enumerate(("the red car waits", "a goat sails the boat", "nobody sleeps today")):
        words = [
            {"text": word, "start": 2 * number + 0.3 * at, "end": 2 * number + 0.3 * at + 0.25,
             "confidence": 0.2 if word == "goat" else 0.9}
            for at, word in enumerate(text.split())
        ]  # fmt: skip
        passages.append({"text": text, "start": words[0]["start"], "end": words[-1]["end"], "words": words})
    Transcript.objects.create(asset=asset, passages=passages, made_by={"engine": "pocketsphinx"})
    library.make_searchable(asset)
    return str(asset.pk)


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creator.settings")
    import django

    django.setup()
    from django.utils import timezone

    from creator.models import Alternative, Job, Membership, Story, User
    from creator.services import keys, publications, reviews, setup
    from tests.factories import finished_story, picture, rendition

    installation = setup.ensure()
    workspace = installation.workspace
    editor, _ = User.objects.get_or_create(username="edith", defaults={"first_name": "Edith", "last_name": "Editor"})
    Membership.objects.get_or_create(workspace=workspace, user=editor, defaults={"role": "editor"})
    draft = finished_story(workspace, editor, formats=("video:9x16", "card:1x1", "card:9x16"))
    scene = draft.scenes.all()[0]
    explain = [{"name": "picture", "value": 0.31, "weight": 1.0, "contribution": 0.31}]
    for colour, score in (("teal", 0.31), ("crimson", 0.24), ("orange", 0.2)):
        offered = picture(workspace, colour, f"A {colour} harbour")
        Alternative.objects.create(scene=scene, asset=offered, score=score, explain=explain)
    waiting = finished_story(workspace, editor, formats=("card:1x1",))
    review = reviews.submit(waiting, by=editor)
    live = finished_story(workspace, editor, formats=("card:9x16",))
    reviews.decide(reviews.submit(live, by=editor), by=installation.moderator, verb="approve", version=1, note="Fine.")
    live.refresh_from_db()
    publications.publish(live, publications.default_channel(workspace), by=editor)
    keys.make(publications.default_channel(workspace), name="Phone app")
    failed = finished_story(workspace, editor, formats=("card:1x1",))
    Story.objects.filter(pk=failed.pk).update(state=Story.State.FAILED)
    now = timezone.now()
    Job.objects.create(
        workspace=workspace, kind="make_story", story=failed, person=editor, due=now, state="failed", started=now,
        finished=now, error="No font on this machine can draw: Thai.", next_step="sudo apt install fonts-noto-core",
    )  # fmt: skip
    Job.objects.create(workspace=workspace, kind="draw_sample", due=now, state="running", started=now, progress=0.4)
    rendition(workspace, "srt", b"1\n", "application/x-subrip")
    talk = spoken_recording(workspace)
    links = {name: setup.sign_in_link(User.objects.get(username=name)) for name in ("owner", "moderator", "edith")}
    asset = str(scene.asset_id)
    print(json.dumps({"draft": str(draft.pk), "waiting": str(waiting.pk), "live": str(live.pk),
                      "failed": str(failed.pk), "review": review.pk, "asset": asset, "talk": talk,
                      "links": links}))  # fmt: skip


main()
