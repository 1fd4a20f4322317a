"""What the illustrator draws."""

from __future__ import annotations

import io
import random
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from generation.engines.illustrator import IllustratorPainter
from generation.illustrations import drawing
from generation.illustrations.catalog import SLOT, Catalog
from generation.illustrations.colouring import distance, hexed
from generation.illustrations.drawing import placements, render, svg
from generation.illustrations.painters import KINDS
from generation.illustrations.reading import read
from generation.illustrations.scene import Item, Scene, random_scene
from generation.illustrations.styles import STYLES

ASPECTS = [(270, 480), (300, 300), (480, 270), (382, 200), (240, 300)]
OBJECTS = sorted((Path(drawing.__file__).parent / "objects").glob("*.svg"))
SHAPES = {"svg", "g", "path", "rect", "circle", "ellipse", "polygon", "polyline", "line"}


def painter() -> IllustratorPainter:
    return IllustratorPainter("illustrator")


@pytest.mark.parametrize(("width", "height"), ASPECTS)
def test_a_drawing_has_the_size_that_was_asked_for(width: int, height: int) -> None:
    picture = painter().draw("two red cars on a street", width=width, height=height)
    with Image.open(io.BytesIO(picture.content)) as image:
        assert (image.format, image.size) == ("PNG", (width, height))


def test_the_same_seed_draws_the_same_picture() -> None:
    first, again, other = (painter().draw("a dog in a park", width=96, height=96, seed=s) for s in (4, 4, 5))
    assert first.content == again.content
    assert first.content != other.content


def test_a_picture_tells_how_it_was_made() -> None:
    picture = painter().draw("three trees beside a house at dusk", width=64, height=64, seed=3)
    made_by = picture.made_by
    assert (made_by["engine"], made_by["seed"]) == ("illustrator", 3)
    assert Scene.from_dict(made_by["scene"]) == read("three trees beside a house at dusk", 3).scene
    assert "three trees" in " ".join(made_by["knew"])
    assert picture.alt.startswith("Three trees beside a house") and "dusk" in picture.alt
    assert {"tree", "house", "dusk"} <= set(picture.tags)


@pytest.mark.parametrize("colour", ["red", "blue", "yellow", "purple", "green"])
def test_a_named_colour_is_in_the_picture(colour: str) -> None:
    scene = replace(read(f"a {colour} car on a street").scene, palette="nordic")
    usual = replace(scene, items=(Item("car", "white"),))
    wanted = Catalog.load().colours[colour][0]

    def share(picture: Image.Image) -> float:
        pixels = list(picture.get_flattened_data())
        return sum(distance(hexed(*pixel), wanted) < 0.13 for pixel in pixels) / len(pixels)

    assert share(render(scene, 96, 96)) > share(render(usual, 96, 96)) + 0.03


@pytest.mark.parametrize(("width", "height"), ASPECTS)
def test_objects_stay_inside_and_above_the_captions(width: int, height: int) -> None:
    rng, catalog = random.Random(5), Catalog.load()
    lowest = 0.665 if height / width > 1.6 else 1.0
    for _ in range(60):
        scene = random_scene(rng, catalog)
        unit = min(width, height) / 1000
        for placed in placements(scene, width, height):
            left, top, right, bottom = placed.box
            assert bottom * unit <= height * lowest
            assert left >= -5 and right * unit <= width + 1 and top >= -20, (scene, placed)


def test_objects_that_stand_alone_are_not_hidden() -> None:
    for aspect in ASPECTS:
        placed = placements(read("three dogs and a cat in a park").scene, *aspect)
        assert len(placed) == 4
        for one in placed:
            for other in placed:
                if one is not other:
                    assert not (
                        abs(one.x - other.x) < 0.3 * one.width and abs(one.feet - other.feet) < 0.3 * one.height
                    )


def test_every_setting_light_and_weather_is_drawn_well_formed() -> None:
    catalog = Catalog.load()
    seen = set()
    for setting in catalog.settings:
        for light in catalog.lights:
            for weather in catalog.weathers:
                document = svg(Scene(setting, light, weather, (Item("dog"),)), 90, 160)
                ET.fromstring(document)
                assert not SLOT.search(document)
                seen.add(document)
    assert len(seen) > len(catalog.settings) * len(catalog.lights)


def test_every_kind_of_plane_has_a_painter_and_is_used() -> None:
    used = {plane["kind"] for spec in Catalog.load().settings.values() for plane in spec.planes}
    assert used == set(KINDS)


def test_a_loop_has_no_seam_and_moves() -> None:
    scene = read("a sailboat on the sea in the rain").scene
    assert svg(scene, 90, 160, moment=0.0) == svg(scene, 90, 160, moment=1.0)
    assert svg(scene, 90, 160, moment=0.0) != svg(scene, 90, 160, moment=0.3)


def test_night_is_darker_than_day() -> None:
    day = Scene("hills", "day", items=(Item("house"),))
    dark, bright = (render(replace(day, light=light), 32, 32).convert("L").resize((1, 1)) for light in ("night", "day"))
    assert dark.getpixel((0, 0)) < bright.getpixel((0, 0)) - 60


def test_a_moving_clip_is_silent_h264_of_the_right_length() -> None:
    clip = painter().animate("a boat at sea", width=162, height=96, seconds=1.0)
    assert (clip.kind, clip.suffix, clip.width, clip.height) == ("video", ".mp4", 162, 96)
    with av.open(io.BytesIO(clip.content)) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert not container.streams.audio
        assert sum(1 for _ in container.decode(video)) == 30


def test_random_scenes_show_every_object_and_say_what_they_show() -> None:
    rng, catalog = random.Random(1), Catalog.load()
    scenes = [random_scene(rng, catalog) for _ in range(2500)]
    shown = {item.object for scene in scenes for item in scene.items}
    assert shown == set(catalog.objects)
    assert {scene.setting for scene in scenes} == set(catalog.settings)
    assert all(len(random_scene(rng, catalog, objects=3).items) == 3 for _ in range(20))
    scene = Scene("sea", "night", "rain", (Item("car", "red", 3, "beside", "tree"), Item("tree")))
    assert scene.facets() == {
        "setting:sea", "light:night", "weather:rain", "object:car", "colour:car:red", "count:car:3",
        "relation:car:beside:tree", "object:tree", "colour:tree:green", "count:tree:1",
    }  # fmt: skip


def test_thumbnails_are_pictures() -> None:
    rng, catalog = random.Random(2), Catalog.load()
    for _ in range(10):
        picture = render(random_scene(rng, catalog), 64, 64)
        assert (picture.mode, picture.size) == ("RGB", (64, 64))
        assert len(picture.getcolors(4096) or ()) > 20


@pytest.mark.parametrize("file", OBJECTS, ids=lambda file: file.stem)
def test_object_is_plain_shapes_in_slots(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    catalog = Catalog.load()
    assert file.stem in catalog.objects, "it has no table in a group's .toml"
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|url\(|style=|class=|\bid=|href", source)
    for element in ET.fromstring(source).iter():
        assert element.tag.rpartition("}")[2] in SHAPES
        for attribute in ("fill", "stroke"):
            assert element.get(attribute, "none") == "none" or SLOT.fullmatch(element.get(attribute, ""))
    known = set(catalog.fixed) | {
        f"{s}{tone}" for s in ("main", "second", "accent") for tone in ("", "_dark", "_light")
    }
    assert set(SLOT.findall(source)) <= known


LIGHTHOUSE = "a red lighthouse by the sea at dusk with a white sailboat"


def styled_picture(style: str) -> Image.Image:
    return render(replace(read(LIGHTHOUSE, 2).scene, style=style), 240, 240, detail="full")


@pytest.mark.parametrize("style", STYLES)
def test_every_style_is_well_formed_and_its_own(style: str) -> None:
    document = svg(replace(read(LIGHTHOUSE, 2).scene, style=style), 240, 240)
    names = set(re.findall(r'id="(\w+)"', document))
    assert set(re.findall(r"url\(#(\w+)\)", document)) <= names
    ET.fromstring(document)
    others = [styled_picture(other) for other in STYLES if other != style]
    drawn = np.asarray(styled_picture(style), np.int16)
    nearest = min(np.abs(drawn - np.asarray(other, np.int16)).mean() for other in others)
    assert nearest > 3, "it can't be told from another style"


def test_paper_is_the_drawing_as_it_always_was() -> None:
    scene = read(LIGHTHOUSE, 2).scene
    assert scene.style == "paper"
    assert "pattern" not in svg(scene, 240, 240)


@pytest.mark.parametrize("style", ["paper", "flat", "line", "pastel", "print"])
def test_styles_with_colours_keep_a_named_colour(style: str) -> None:
    """The lighthouse's stripes stay redder than green or blue."""
    colours = STYLES[style]
    red, green, blue = (int(colours.colour("#D64A3A")[at : at + 2], 16) for at in (1, 3, 5))
    assert red > green + 20
    assert red > blue + 20


def test_the_engine_takes_a_style_and_a_palette_together() -> None:
    made = painter().draw("a car", width=96, height=96, style="print riviera").made_by["scene"]
    assert (made["style"], made["palette"]) == ("print", "riviera")
