"""Make a story from an article."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from creator.management.commands._base import StoryloomCommand, some_worker, wait_for
from creator.models import Channel, Job, Publication, Story
from creator.services import links, reviews, schedules, setup, stories
from moderation.services import active_policy, clauses


class Command(StoryloomCommand):
    help = "Make a story from an article (a file or a link): wait for it, and copy what was made to a folder."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("article", metavar="ARTICLE", help="a text, Markdown or HTML file, or a link")
        parser.add_argument("--formats", default="video:9x16,card:1x1", help="comma-separated (default: %(default)s)")
        parser.add_argument("--language", default="", help="language of the story; the article's own by default")
        parser.add_argument("--seconds", type=int, default=40, help="length of the narration")
        parser.add_argument("--out", type=Path, help="folder for the results")
        parser.add_argument(
            "--publish", metavar="CHANNEL",
            help="send it to review, approve it as the moderator (that is you, at this console), and publish it",
        )  # fmt: skip

    def work(self, **options: Any) -> dict[str, Any]:
        installation = setup.ensure()
        channel = self._channel(installation, options["publish"]) if options["publish"] else None
        source: dict[str, Any] = {"url": options["article"]}
        if not options["article"].startswith(("http://", "https://")):
            path = Path(options["article"])
            if not path.is_file():
                raise CommandError(f"There is no file {path}.")
            source = {"article": path.read_bytes(), "name": path.name}
        story = stories.create(
            installation.workspace, by=installation.owner, formats=options["formats"].split(","),
            language=options["language"], seconds=options["seconds"], **source,
        )  # fmt: skip
        self.say(f"Story {story.pk}")
        with some_worker():
            wait_for(story.jobs.get(), self.say)
        story.refresh_from_db()
        result = stories.as_dict(story) | {"files": copy_out(story, options["out"])}
        if channel is not None:
            result["publication"] = publish(story, channel, installation, self.say)
        return result

    def _channel(self, installation: setup.Installation, slug: str) -> Channel:
        channel = Channel.objects.filter(workspace=installation.workspace, slug=slug).first()
        if channel is None:
            there = ", ".join(Channel.objects.filter(workspace=installation.workspace).values_list("slug", flat=True))
            raise CommandError(f"There is no channel {slug!r}. Channels: {there}.")
        return channel

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(self.style.SUCCESS(result["title"]))
        for number, scene in enumerate(result["scenes"], 1):
            self.stdout.write(f"  {number}. {scene['narration']}")
        for file in result["files"]:
            self.stdout.write(f"{file['what']:<22} {file['path']}  (by {file['engine']})")
        if "publication" in result:
            self.stdout.write(f"{'published at':<22} {result['publication']['url']}")


def copy_out(story: Story, out: Path | None) -> list[dict[str, str]]:
    """The files of a story: copied to a folder, or where they are."""
    files = []
    if out:
        out.mkdir(parents=True, exist_ok=True)
    for variant in story.variants.all():
        made = [
            (variant.format, variant.rendition, ".mp4" if variant.kind == "video" else ".png"),
            ("captions (VTT)", variant.captions_vtt, ".vtt"),
            ("captions (SRT)", variant.captions_srt, ".srt"),
        ]
        for what, rendition, suffix in made:
            if rendition is None:
                continue
            path = rendition.file
            if out:
                path = out / f"{variant.format.replace(':', '-')}{suffix}"
                shutil.copyfile(rendition.file, path)
            files.append({"what": what, "path": str(path.resolve()), "engine": rendition.made_by.get("engine", "")})
    return files


def publish(
    story: Story, channel: Channel, installation: setup.Installation, say: Callable[[str], None]
) -> dict[str, Any]:
    """Review and publish a story from the console, where the person at it stands for the moderator."""
    review = reviews.submit(story, by=installation.owner)
    flagged = next((each["clause"] for each in review.reasons if each["clause"]), "")
    reviews.decide(
        review, by=installation.moderator, verb="approve", version=review.version, note="Approved at the console.",
        reason="within_policy", clause=flagged or clauses(active_policy(story.workspace_id))[0][0],
    )  # fmt: skip
    story.refresh_from_db()
    publication = schedules.release(story, channel, by=installation.owner)
    if isinstance(publication, Job):
        with some_worker():
            wait_for(publication, say)
        publication = Publication.objects.get(story=story, channel=channel)
    return describe(publication) | {"machines": review.outcome, "approved_by": installation.moderator.username}


def describe(publication: Publication) -> dict[str, Any]:
    """Where apps find a publication."""
    return {
        "channel": publication.channel.slug,
        "url": f"{links.base_url()}/api/v1/stories/{publication.story_id}",
    }
