"""What a story's cards say: the material that its texts hold, the layouts that fit it, pages and previews."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from django.core.cache import cache

from creator.models import Brand, Scene, Story
from creator.services import brands
from creator.services.digests import digest_of
from generation.sentences import sentences
from media_processing import cards
from media_processing.cards import Card
from media_processing.decoding import frame_at
from media_processing.engine import EngineError
from media_processing.models import Asset
from media_processing.timeline import parse_format

VERSION = 2
"""Raise it when the same card is drawn in another way."""
MOST_PAGES = 12
"""Cards of a carousel, with its first: platforms take ten to twenty."""
CAROUSEL = "carousel"
PREVIEW = 0.5
"""How large a preview is beside the card."""
KEPT_SECONDS = 3600
LONGEST_ANSWER = 60
"""Characters of a poll's answer."""

_UNITS = (
    r"%|percent|per cent|°\s?C|°\s?F|km/h|mph|km|kilomet(?:er|re)s?|miles?|met(?:er|re)s?|m|kg|kilos?|tonnes?|tons?|"
    r"litres?|liters?|hours?|minutes?|seconds?|days?|weeks?|months?|years?|people|"
    r"(?:million|billion|thousand|crore|lakh|bn|mn)(?:\s(?:people|dollars|euros|pounds|rupees|tonnes|tons))?|"
    r"Prozent|Millionen|Milliarden|Euro|Jahre|Stunden|Tage|pour cent|millions|milliards|euros|ans|por ciento|millones|"
    r"años|प्रतिशत|लाख|करोड़|रुपये|শতাংশ|சதவீதம்|ร้อยละ|٪|بالمئة"
)
_FIGURE = re.compile(
    rf"(?:(?P<money>[$€£₹¥])\s?\d[\d.,]*(?:\s(?:million|billion|thousand|crore|lakh|bn|m))?\b"
    rf"|(?<![\w.,])\d[\d.,]*(?:(?<=\d))\s?(?P<unit>{_UNITS})(?!\w))"
)
_QUOTED = re.compile(r"[“„«「]([^”“»」]{12,240})[”“»」]|\"([^\"]{12,240})\"")
_NAME = r"((?:[A-ZÀ-Þ][\w’'-]+\s?){1,4})"
_SAYS = r"(?:said|says|told|added|explained|sagte|sagt|a dit|dit|dijo|dice)"
_AFTER = re.compile(rf"^[,.]?\s*(?:{_SAYS}\s+{_NAME}|{_NAME}\s*{_SAYS}\b)")
_BEFORE = re.compile(rf"{_NAME}\s*{_SAYS}\s*[,:]?\s*$")


_OPENING = {"Then", "But", "And", "As", "Later", "When", "After", "Yesterday", "Today", "Dann", "Puis", "Luego"}
"""Words that begin a sentence and no name."""
_NOBODY = {"He", "She", "It", "They", "We", "I", "You", "Er", "Sie", "Il", "Elle", "Ella"}


@dataclass(frozen=True)
class Offer:
    """A layout beside a story: `why` says what the story lacks for it, "" where it fits."""

    name: str
    title: str
    why: str


def figure_in(text: str) -> tuple[str, str]:
    """The first number of a text that has a unit, and the sentence that it stands in; "", "" where there is none.

    A number alone is no figure: without its unit nobody knows what it counts.
    """
    for sentence in sentences(text):
        found = _FIGURE.search(sentence)
        if found:
            return found.group().strip(), sentence.strip()
    return "", ""


def quote_in(text: str) -> tuple[str, str]:
    """The first quoted sentence of a text and who said it, named right beside it; "", "" where there is none."""
    for found in _QUOTED.finditer(text):
        said = (found.group(1) or found.group(2)).strip().rstrip(",")
        speaker = _AFTER.search(text[found.end() :]) or _BEFORE.search(text[: found.start()])
        words = next(group for group in speaker.groups() if group).split() if speaker else []
        name = " ".join(words[1:] if words and words[0] in _OPENING else words)
        if name and name not in _NOBODY:
            return said, name
    return "", ""


def card_of(
    story: Story, layout: str | None = None, *, files: ExitStack | None = None, title: str = "", summary: str = ""
) -> Card:
    """A story's card with all its material, in `layout`, else its own, else the one that fits.

    With `files` its pictures are there while that is open; else their paths are digests, and it can't be drawn.
    """
    scenes = list(story.scenes.select_related("asset").order_by("position"))
    title, summary = title or story.title, summary or story.summary
    with_picture = [scene for scene in scenes if scene.asset][: cards.MOST_PICTURES]
    stills = [_still(scene, files) for scene in with_picture]
    first = with_picture[0] if with_picture else None
    on_screen = [text for scene in scenes if (text := scene.on_screen.strip())]
    spoken = " ".join(scene.narration for scene in scenes)
    figure, claim = figure_in("\n".join((title, summary, *on_screen, spoken)))
    same_language = story.brief.article_language == story.language
    quote, by = quote_in("\n".join((summary, spoken, story.brief.article if same_language else "")))
    brand = brands.brand_of(story)
    count = len(_pages(scenes)) + 1
    card = Card(
        headline=title, picture=stills[0] if stills else None, pictures=tuple(stills[1:]), focus=_focus(first),
        kicker=brand.name if brand and not brand.logo else "", text=first_sentence(summary), figure=figure,
        claim="" if claim == title else claim, quote=quote, by=by, items=tuple(on_screen[: cards.MOST_ITEMS]),
        options=tuple(story.poll), labels=tuple(on_screen[:2]), page=(1, count) if count > 2 else None,
        logo=_logo(brand, files), credit=_credit(first), language=story.language,
    )  # fmt: skip
    chosen = story.layout if layout is None else layout
    return replace(card, layout=chosen or cards.fitting(card)[0])


def _still(scene: Scene, files: ExitStack | None) -> Path:
    """A scene's picture as a file: its asset, or the frame of its video."""
    asset = scene.asset
    assert asset is not None  # noqa: S101 the caller leaves out scenes without a picture
    if files is None:
        return Path(f"{asset.digest}@{scene.start}")
    if asset.kind == Asset.Kind.IMAGE:
        return asset.file
    path = Path(files.enter_context(tempfile.TemporaryDirectory(prefix="storyloom-"))) / "frame.png"
    frame_at(asset.file, scene.start, max_side=1920).save(path)
    return path


def _logo(brand: Brand | None, files: ExitStack | None) -> Path | None:
    if brand is None or brand.logo is None:
        return None
    return brand.logo.file if files is not None else Path(brand.logo.digest)


def _focus(scene: Scene | None) -> tuple[float, float] | None:
    return (scene.focus[0], scene.focus[1]) if scene and scene.focus else None


def _credit(scene: Scene | None) -> str:
    return scene.asset.credit if scene and scene.asset else ""


def first_sentence(text: str) -> str:
    """The line under a headline."""
    return re.split(r"(?<=[.!?।。])\s", text.strip(), maxsplit=1)[0]


def offers(card: Card) -> list[Offer]:
    """Every layout, and what the story lacks for it."""
    return [Offer(name, title, cards.lacks(card, name)) for name, title in cards.layouts().items()]


def _pages(scenes: list[Scene]) -> list[Scene]:
    """The scenes that get a card of their own behind the first of a carousel."""
    return [scene for scene in scenes if scene.asset and scene.on_screen.strip()][: MOST_PAGES - 1]


def compose_all(story: Story, form_name: str, *, layout: str | None = None) -> Iterator[cards.Composed]:
    """A story's card in a format; of a carousel all, in order. Raises EngineError."""
    card = card_of(story, layout)
    for page in range(1, page_count(card) + 1):
        yield compose(story, form_name, layout=layout, page=page)


def page_count(card: Card) -> int:
    """How many cards belong to one."""
    return card.page[1] if card.page and card.layout == CAROUSEL else 1


def compose(
    story: Story, form_name: str, *, layout: str | None = None, page: int = 1, scale: float = 1.0, title: str = "",
    summary: str = "",
) -> cards.Composed:  # fmt: skip
    """One card of a story, as it is or with another title and summary; of a carousel the page. Raises EngineError."""
    form = parse_format(form_name)
    with ExitStack() as files:
        card = card_of(story, layout, files=files, title=title, summary=summary)
        if not 1 <= page <= page_count(card):
            raise EngineError(f"There is no card {page} of {page_count(card)}.", next_step="Reload the page.")
        if page > 1:
            scene = _pages(list(story.scenes.select_related("asset").order_by("position")))[page - 2]
            card = replace(
                card, headline=scene.on_screen, text="", kicker="", picture=_still(scene, files), pictures=(),
                focus=_focus(scene), credit=_credit(scene), page=(page, page_count(card)),
            )  # fmt: skip
        look = brands.look_of(brands.brand_of(story))
        return cards.compose(card, (form.width, form.height), look, scale=scale)


def key(story: Story, form_name: str, *, layout: str | None = None, title: str = "", summary: str = "") -> str:
    """Digest of all that a story's cards are made from; paths don't count, contents do."""
    card = cards.shown(card_of(story, layout, title=title, summary=summary))
    behind = []
    if page_count(card) > 1:
        scenes = _pages(list(story.scenes.select_related("asset").order_by("position")))
        behind = [[scene.on_screen, scene.focus, _credit(scene), _still(scene, None)] for scene in scenes]
    look = brands.look_of(brands.brand_of(story))
    return digest_of(f"card {VERSION}", form_name, asdict(card), asdict(look), behind)


def preview(
    story: Story, form_name: str, *, layout: str | None = None, page: int = 1, title: str = "", summary: str = ""
) -> tuple[str, bytes]:
    """A card at half its size as WebP, with its digest; kept for a while. Raises EngineError."""
    said: dict[str, Any] = {"layout": layout, "title": title, "summary": summary}
    digest = digest_of(key(story, form_name, **said), "preview", page)
    kept: bytes | None = cache.get(f"card:{digest}")
    if kept is None:
        composed = compose(story, form_name, page=page, scale=PREVIEW, **said)
        kept = cards.encode(composed.image, "webp", quality=82)
        cache.set(f"card:{digest}", kept, KEPT_SECONDS)
    return digest, kept


def check_poll(options: list[str]) -> list[str]:
    """A poll's two answers, or none. Raises EngineError."""
    answers = [" ".join(option.replace("\x00", "").split()) for option in options]
    answers = [answer for answer in answers if answer]
    if answers and len(answers) != 2:
        raise EngineError("A poll has two answers.", next_step="Write both, or neither.", permanent=True)
    if any(len(answer) > LONGEST_ANSWER for answer in answers):
        raise EngineError(f"An answer has at most {LONGEST_ANSWER} characters.", permanent=True)
    return answers
