"""Make a story's videos by another recipe."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from creator.management.commands._base import StoryloomCommand
from creator.models import Story
from creator.services import variants
from media_processing.recipes import RECIPES, recipe_named
from media_processing.services import suffix_of


class Command(StoryloomCommand):
    help = "Make a rendered story's videos by another recipe; they are reviewed and published beside the first ones."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("story", type=UUID, help="the story's id")
        parser.add_argument("--recipe", required=True, choices=RECIPES, help="; ".join(map(_described, RECIPES)))
        parser.add_argument("--format", default="", help="one of its videos, such as video:9x16 (default: all)")
        parser.add_argument("--out", type=Path, help="a folder for copies of the files")

    def work(self, **options: Any) -> dict[str, Any]:
        story = Story.objects.filter(pk=options["story"]).first()
        if story is None:
            raise CommandError(f"There is no story {options['story']}. The studio's address ends with a story's id.")
        videos = [each for each in story.variants.select_related("story") if each.kind == "video"]
        wanted = [each for each in videos if options["format"] in ("", each.format)]
        if not wanted:
            known = ", ".join(each.format for each in videos) or "none"
            raise CommandError(f"The story has no such video. Its videos are: {known}.")
        recipe, made = recipe_named(options["recipe"]), []
        for variant in wanted:
            rendition = variants.render_as(story, variant, recipe, progress=self._tell)
            made.append({"id": str(rendition.pk), "format": variant.format, "recipe": recipe.name,
                         "size": rendition.size, "file": str(rendition.file)})  # fmt: skip
            if options["out"]:
                options["out"].mkdir(parents=True, exist_ok=True)
                name = f"{variant.format.replace(':', '-')}-{recipe.name}{suffix_of(recipe.content_type)}"
                made[-1]["file"] = str(shutil.copyfile(rendition.file, options["out"] / name))
        return {"story": str(story.pk), "renditions": made}

    def _tell(self, share: float) -> None:
        if not self.quiet and self.stderr.isatty():
            self.stderr.write(f"\r{share:4.0%}", ending="")

    def show(self, result: dict[str, Any]) -> None:
        for each in result["renditions"]:
            self.stdout.write(f"{each['format']} {each['recipe']}: {each['size'] / 1e6:.1f} MB, {each['file']}")


def _described(name: str) -> str:
    return f"{name}: {RECIPES[name].title}"
