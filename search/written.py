"""What is written of an asset: where each text stands, and in which column of the index of words it counts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import unquote, urlsplit

from media_processing.models import Asset


@dataclass(frozen=True)
class Written:
    """One text."""

    column: Literal["title", "tags", "alt", "other"]
    where: str
    """As a page says it: "in the title"."""
    text: str


def written_of(asset: Asset) -> list[Written]:
    """Every text of an asset: what people wrote of it counts for more than what came inside its file."""
    inside = {name: _plain(value) for name, value in asset.metadata.items()}
    captions = " ".join(inside.pop(name, "") for name in ("headline", "caption", "alt")).strip()
    keywords, place = inside.pop("keywords", ""), inside.pop("place", "")
    name = PurePosixPath(unquote(urlsplit(asset.source_url).path)).stem
    texts = [
        Written("title", "in the title", asset.title),
        Written("tags", "in its tags", ", ".join(map(str, asset.tags))),
        Written("alt", "in its description", asset.alt),
        Written("alt", "written in the picture", asset.seen_text),
        Written("alt", "in the file's caption", captions),
        Written("tags", "in the file's keywords", keywords),
        Written("tags", "in the file's place", place),
        Written("other", "in what the painter was asked for", str(asset.made_by.get("prompt", ""))),
        Written("other", "in the credit", asset.credit),
        Written("other", "in the file's name", re.sub(r"[-_.]+", " ", name)),
        Written("other", "in what the file says of itself", ", ".join(filter(None, inside.values()))),
    ]
    return [each for each in texts if each.text]


def _plain(value: object) -> str:
    """The words in a value of an asset's metadata."""
    if isinstance(value, dict):
        return _plain(list(value.values()))
    if isinstance(value, list | tuple):
        return ", ".join(filter(None, map(_plain, value)))
    return value if isinstance(value, str) else ""
