"""Rows for tests that are about what follows a story's making: no engine runs."""

from __future__ import annotations

import io
from hashlib import sha256

from PIL import Image

from creator.models import Brief, Scene, Story, User, Variant, Workspace
from creator.services import variants, voices
from media_processing import services as media
from media_processing.models import Asset, Rendition
from media_processing.sound import silence, write_wav

LINES = ("The harbour got a new lighthouse on Friday.", "Fishers had asked for it.", "It can be seen from afar.")


def picture(workspace: Workspace, colour: str = "teal", title: str = "A picture") -> Asset:
    """A small picture in a workspace's library, in which somebody looked for text, whether or not Tesseract is here."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 96), colour).save(buffer, "PNG")
    asset, _new = media.store_asset(
        workspace.pk, buffer.getvalue(), title=title, alt=title, licence="CC0", domain="illustrations"
    )
    asset.metadata.setdefault("reader", "a test")
    asset.save(update_fields=["metadata"])
    return asset


def rendition(workspace: Workspace, recipe: str, content: bytes, content_type: str = "image/png") -> Rendition:
    """A file that somebody rendered."""
    key = sha256(recipe.encode() + content).hexdigest()
    return media.store_rendition(
        workspace.pk, key=key, recipe=recipe, content=content, content_type=content_type, width=64, height=64
    )


def drawn(name: str) -> bytes:
    """A small PNG that is another one for each name."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), f"#{sha256(name.encode()).hexdigest()[:6]}").save(buffer, "PNG")
    return buffer.getvalue()


def finished_story(
    workspace: Workspace, author: User, *, formats: tuple[str, ...] = ("card:1x1", "card:9x16")
) -> Story:
    """A story of three scenes with pictures, sounds and rendered cards, as if it had been made."""
    brief = Brief.objects.create(workspace=workspace, article=" ".join(LINES), formats=list(formats), title="Harbour")
    story = Story.objects.create(
        workspace=workspace, brief=brief, author=author, title="A lighthouse for the harbour", summary=LINES[0],
        state=Story.State.DRAFT, engines={"writer": "extractive", "voice": "espeak"},
    )  # fmt: skip
    for position, (line, colour) in enumerate(zip(LINES, ("teal", "gold", "navy"), strict=True)):
        scene = Scene(story=story, position=position, narration=line, on_screen=line[:20], visual=line, alt=line)
        scene.asset = picture(workspace, colour, line)
        sound = write_wav(None, silence(0.1, 22050), 22050)
        scene.sound = rendition(workspace, f"speech {position}", sound, "audio/wav")
        scene.words = [
            {"text": word, "start": 0.01 * number, "end": 0.01 * number + 0.01, "confidence": 1.0}
            for number, word in enumerate(line.split())
        ]
        scene.timing, scene.spoken_key = "word", voices.spoken_key(story, scene)
        scene.save()
    for name in formats:
        variant = Variant.objects.create(story=story, format=name, language="en")
        variant.rendition = rendition(workspace, name, drawn(name))
        variant.made_from = variants.made_from(story, variant)
        variant.save()
    return story
