"""Export an open_clip model to ONNX."""

from __future__ import annotations

import re
import shlex
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from creator.management.commands._base import StoryloomCommand
from media_processing.engine import EngineError
from search.exporting import export

DOMAINS = ("photographs", "illustrations")


class Command(StoryloomCommand):
    help = (
        "Write an open_clip model as ONNX graphs, check that they agree with torch, and offer it as an embedder. "
        "Needs the extra local-models; searching with it doesn't."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("architecture", metavar="MODEL", help="an open_clip architecture, for example ViT-B-32")
        parser.add_argument("--pretrained", default="", metavar="TAG|FILE", help="a pretrained tag or a weights file")
        parser.add_argument("--name", default="", help="what the embedder will be called; the model's name without it")
        parser.add_argument("--folder", type=Path, help="where to write it, if not to this installation's models")
        parser.add_argument("--int8", action="store_true", help="also write graphs with 8-bit weights")
        parser.add_argument("--domains", default=",".join(DOMAINS), help="what it knows, with commas")
        parser.add_argument("--languages", default="en", help="languages that it understands, with commas")
        parser.add_argument("--replace", action="store_true", help="replace a model of this name")

    def work(self, **options: Any) -> dict[str, Any]:
        began = time.monotonic()
        architecture, weights = options["architecture"], options["pretrained"]
        name = options["name"] or named(architecture, weights)
        if name != named(name) or name in settings.BUILT_IN_EMBEDDERS:
            raise EngineError(f"An embedder can't be called {name!r}.", next_step=f"Try --name {named('my-', name)}.")
        folder: Path = options["folder"] or settings.CLIP_ROOT / name
        unknown = set(domains := _listed(options["domains"])) - set(DOMAINS)
        if unknown or not domains:
            raise EngineError(f"Unknown domains: {options['domains']!r}.", next_step=f"Use {', '.join(DOMAINS)}.")
        given = [architecture, *(["--pretrained", Path(weights).name] if weights else [])]
        card = export(
            architecture, weights, folder, int8=options["int8"], domains=domains,
            languages=_listed(options["languages"]), replace_it=options["replace"],
            command=shlex.join(["manage.py", "export_clip", *given, *(["--int8"] if options["int8"] else [])]),
            say=self.say,
        )  # fmt: skip
        registered = folder.parent == settings.CLIP_ROOT
        offered = [name, *([f"{name}-int8"] if options["int8"] else [])] if registered else []
        seconds = round(time.monotonic() - began, 1)
        return {"folder": str(folder), "embedders": offered, "seconds": seconds, "card": card}

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(f"Written to {result['folder']} in {result['seconds']:.0f} s.")
        if result["embedders"]:
            for name in result["embedders"]:
                self.stdout.write(f"To use it, restart with EMBEDDER={name}.")
        else:
            self.stdout.write(f"To use it, restart with EMBEDDER=onnx CLIP_FOLDER={shlex.quote(result['folder'])}.")
        self.stdout.write("What is in the library is searched by this model once it has seen it.")


def named(*parts: str) -> str:
    """A name for an embedder: lower-case letters, digits and hyphens."""
    words = "-".join(Path(part).stem if "/" in part else part for part in parts if part)
    return re.sub("[^a-z0-9]+", "-", words.lower().replace("local-dir:", "")).strip("-")[:60]


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
