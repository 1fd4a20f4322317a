"""The main job without a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command

from creator.management.commands._base import StoryloomCommand, some_worker, wait_for
from creator.management.commands.create_story import copy_out, publish
from creator.services import keys, publications, setup, stories


class Command(StoryloomCommand):
    help = "From the sample article to a published story: prints every file, who made it, and the API address."

    def work(self, **options: Any) -> dict[str, Any]:
        call_command("migrate", verbosity=0, interactive=False)
        installation = setup.ensure()
        self.say("Making the sample story: article -> script -> pictures -> voice -> captions -> video and cards")
        story = setup.start_sample_story(installation)
        with some_worker():
            wait_for(story.jobs.get(), self.say)
        story.refresh_from_db()
        channel = publications.default_channel(installation.workspace)
        key, secret = keys.make(channel, name="demo")
        files = copy_out(story, Path(settings.DATA) / "demo")
        return stories.as_dict(story) | {
            "files": files,
            "publication": publish(story, channel, installation, self.say),
            "key": {"prefix": key.prefix, "secret": secret},
        }

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(self.style.SUCCESS(f"\n{result['title']}\n"))
        for file in result["files"]:
            self.stdout.write(f"{file['what']:<16} {file['path']}  (made by {file['engine']})")
        made = ", ".join(f"{role}: {name}" for role, name in result["engines"].items())
        publication = result["publication"]
        self.stdout.write(f"\nEngines          {made}")
        approval = f"machines said {publication['machines']}, {publication['approved_by']} approved"
        self.stdout.write(f"Moderation       {approval}")
        self.stdout.write(f"Published        {publication['url']}")
        self.stdout.write("\nFetch it while `make run` is up:")
        self.stdout.write(f"  curl -H 'Authorization: Bearer {result['key']['secret']}' {publication['url']}")
