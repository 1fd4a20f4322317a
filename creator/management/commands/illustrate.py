"""Say which lines of an article the illustrator can show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from creator.management.commands._base import StoryloomCommand
from generation import services as generation
from generation.articles import read_article
from generation.engines.base import Wish
from generation.illustrations.reading import named, read


class Command(StoryloomCommand):
    help = "Read articles, write their scripts, and say which scenes the illustrator shows and which it can't."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("articles", nargs="+", type=Path, metavar="ARTICLE", help="text, Markdown or HTML files")
        parser.add_argument("--out", type=Path, help="folder for the drawings")

    def work(self, **options: Any) -> dict[str, Any]:
        scenes = [scene for path in options["articles"] for scene in self._scenes(path)]
        if options["out"]:
            options["out"].mkdir(parents=True, exist_ok=True)
            for number, scene in enumerate(scenes):
                picture = generation.painter("illustrator").draw(scene["visual"], width=540, height=960, seed=number)
                (options["out"] / f"{number:03}{picture.suffix}").write_bytes(picture.content)
        shown = sum(bool(scene["shows"]) for scene in scenes)
        return {"scenes": len(scenes), "shown": shown, "share": shown / max(1, len(scenes)), "all": scenes}

    def _scenes(self, path: Path) -> list[dict[str, Any]]:
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        article = read_article(path.read_bytes(), name=path.name)
        script = generation.write(article, Wish(language=article.language), engine="extractive")
        return [
            {"article": path.name, "narration": scene.narration, "visual": scene.visual,
             "shows": named(read(scene.visual, number).scene, scene.narration)}
            for number, scene in enumerate(script.scenes)
        ]  # fmt: skip

    def show(self, result: dict[str, Any]) -> None:
        for scene in result["all"]:
            if not scene["shows"]:
                self.stdout.write(f"{scene['article']}: {scene['visual'] or '(no words)'}  <- {scene['narration']}")
        self.stdout.write(f"{result['shown']} of {result['scenes']} scenes show something named in their line.")
