"""A picture as the question, and what the library answers to words and chips."""

from __future__ import annotations

import html
import io
import re
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from creator.models import Collection
from creator.services import frames, query_pictures
from creator.services.library import make_searchable
from media_processing.fetching import Rules
from media_processing.models import Asset, Transcript
from media_processing.pictures import COLOURS
from tests.conftest import Cast
from tests.factories import picture
from tests.media_processing.makers import clip, picture_bytes, png_header

pytestmark = pytest.mark.slow

TOKEN = re.compile(r"picture=([\w-]{22})")


def upload(content: bytes, name: str = "photo.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "image/png")


def asked(client: Client, content: bytes, **more: str) -> str:
    """Where asking with a picture leads."""
    return str(client.post("/library/picture/", {"picture": upload(content), **more})["Location"])


def findable(cast: Cast, colour: str, title: str) -> Asset:
    asset = picture(cast.workspace, colour, title)
    make_searchable(asset)
    return asset


# Pictures -------------------------------------------------------------------------------------------------------------


def test_a_picture_asks_and_keeps_the_question_beside_it(author: Client, cast: Cast) -> None:
    findable(cast, "red", "A red door")
    address = asked(author, picture_bytes(), asked="q=door&kind=image&offset=60&sort=newest")
    assert "q=door" in address
    assert "kind=image" in address
    assert "offset" not in address
    page = author.get(address).content.decode()
    token = TOKEN.search(address)
    assert token
    assert "Your picture" in page
    assert f"/media/questions/{token[1]}/" in page
    chips = re.findall(r'href="([^"]*)" data-go="(?:kind|orientation)', page)
    assert chips
    assert all(token[1] in chip for chip in chips), "a chip keeps the picture"
    assert author.get(f"/media/questions/{token[1]}/")["Content-Type"] == "image/webp"


def test_a_picture_that_was_asked_with_is_its_owners_alone(author: Client, colleague: Client, stranger: Client) -> None:
    token = TOKEN.search(asked(author, picture_bytes()))
    assert token
    for other in (colleague, stranger):
        assert other.get(f"/media/questions/{token[1]}/").status_code == 404
        assert "Your picture" not in other.get(f"/library/?picture={token[1]}").content.decode()


REFUSED = {
    "a text": (b"Dear editor, this is no picture.", "which isn't accepted"),
    "nothing at all": (b"", "empty"),
    "a picture bomb": (png_header(60_000, 60_000), "too large"),
    "a truncated picture": (picture_bytes()[:200], "truncated|damaged"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_picture_is_refused_in_words(case: str, author: Client) -> None:
    content, said = REFUSED[case]
    answer = author.post("/library/picture/", {"picture": upload(content), "asked": "q=door"}, follow=True)
    page = html.unescape(answer.content.decode())
    assert answer.status_code == 200
    assert re.search(said, page), case
    assert 'value="door"' in page, "the words are still there"


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/x.png", "http://169.254.169.254/latest", "file:///etc/passwd", "http://", "x" * 5000],
)
def test_only_public_addresses_are_fetched(url: str, author: Client) -> None:
    answer = author.post("/library/picture/", {"url": url}, follow=True)
    assert answer.status_code == 200
    assert "notice danger" in answer.content.decode()
    assert "picture=" not in answer.redirect_chain[-1][0]


def test_nothing_given_says_so(author: Client) -> None:
    assert "There is no picture." in author.post("/library/picture/", {}, follow=True).content.decode()


def test_a_picture_is_fetched_by_its_address(cast: Cast, served: str) -> None:
    rules = Rules(ports=frozenset({int(served.rpartition(":")[2])}), allowed_hosts=frozenset({"127.0.0.1"}))
    token = query_pictures.keep_from(cast.workspace, cast.alice, f"{served}/photo.png", rules=rules)
    kept = query_pictures.picture_of(cast.workspace, cast.alice, token)
    assert kept is not None
    assert kept.mode == "RGB"


@pytest.fixture
def served(tmp_path: Path) -> object:
    """The address of a server with one picture."""
    import threading
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "photo.png").write_bytes(picture_bytes(form="PNG"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "www")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_kept_pictures_are_small_few_and_run_out(cast: Cast, settings: LazySettings) -> None:
    large = io.BytesIO()
    Image.new("RGBA", (3000, 2000), (255, 0, 0, 0)).save(large, "PNG")
    tokens = [query_pictures.keep(cast.workspace, cast.alice, large.getvalue()) for _ in range(query_pictures.EACH + 2)]
    folder = Path(settings.CACHE_ROOT) / "queries"
    assert len(list(folder.rglob("*.webp"))) == query_pictures.EACH
    kept = query_pictures.picture_of(cast.workspace, cast.alice, tokens[-1])
    assert kept is not None
    assert max(kept.size) == query_pictures.SIDE
    assert kept.getpixel((5, 5)) == (255, 255, 255), "what is transparent is white"
    assert query_pictures.path_of(cast.workspace, cast.alice, "../../../etc/passwd") is None
    import time

    assert query_pictures.sweep(time.time() + query_pictures.KEPT + 60) == query_pictures.EACH
    assert query_pictures.picture_of(cast.workspace, cast.alice, tokens[-1]) is None


# Chips ----------------------------------------------------------------------------------------------------------------


def test_what_is_typed_becomes_chips_that_come_off(author: Client, cast: Cast) -> None:
    findable(cast, "red", "A red door")
    answer = author.get("/library/", {"q": "door kind:image -licence:CC0"})
    assert answer.context["words"] == "door"
    assert [chip["label"] for chip in answer.context["chips"]] == ["Pictures", "not Licence: CC0"]
    assert [chip["url"] for chip in answer.context["chips"]] == [
        "/library/?q=door&-licence=CC0", "/library/?q=door&kind=image"
    ]  # fmt: skip


def test_counts_agree_with_what_is_shown(author: Client, cast: Cast) -> None:
    for colour in ("red", "blue", "green"):
        asset = findable(cast, colour, f"A {colour} door")
        Asset.objects.filter(pk=asset.pk).update(colours=[colour])
    context = author.get("/library/?q=door").context
    colours = next(group for group in context["menus"] if group["name"] == "colour")
    assert colours["chips"]
    for chip in colours["chips"]:
        shown = author.get(chip["url"]).context
        assert shown["total"] == chip["count"] == sum(1 + len(tile["found"].folded) for tile in shown["tiles"])


def test_where_nothing_fits_it_says_what_to_take_off(author: Client, cast: Cast) -> None:
    findable(cast, "red", "A red door")
    context = author.get("/library/?kind=image&tag=nothing").context or {}
    assert "search_error" in context, "a tag that isn't there is named"
    assert author.get("/library/?kind=image&tag=nothing").status_code == 400
    ways = author.get("/library/?orientation=portrait&duration=5-20").context["ways_out"]
    assert [(way["label"], way["count"]) for way in ways] == [("Without “Length: 5-20”", 1)]
    assert author.get(ways[0]["url"]).context["total"] == 1


def test_an_unknown_filter_keeps_what_was_typed(author: Client) -> None:
    answer = author.get("/library/", {"q": "colr:blue sea"})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "There is no filter" in page
    assert "colr:blue sea" in page


def test_further_pages_work_without_scripts_and_as_tiles_alone(author: Client, cast: Cast) -> None:
    Asset.objects.bulk_create(
        Asset(
            workspace=cast.workspace, kind="audio", digest=f"{number:064}", path=f"x/{number}", size=1,
            title=f"{number}", content_type="audio/wav", seconds=5,
        )
        for number in range(70)
    )  # fmt: skip
    first = author.get("/library/?kind=audio").context
    assert len(first["tiles"]) == 60
    second = author.get(first["more"])
    assert len(second.context["tiles"]) == 10
    assert "From the beginning" in second.content.decode()
    alone = author.get(f"{first['more']}&part=tiles").content.decode()
    assert alone.count("data-tile") == 10
    assert "<html" not in alone


# One asset ------------------------------------------------------------------------------------------------------------


def test_what_is_said_opens_at_the_word(author: Client, cast: Cast, tmp_path: Path) -> None:
    from media_processing import services as media

    asset, _ = media.store_asset(cast.workspace.pk, clip(tmp_path / "clip.mp4", seconds=0.6).read_bytes(), title="Talk")
    words = [{"text": word, "start": number / 10, "end": number / 10 + 0.1} for number, word in enumerate(
        ["the", "old", "lighthouse", "is", "lit"])]  # fmt: skip
    Transcript.objects.create(asset=asset, passages=[
        {"text": "the old lighthouse is lit", "start": 0.0, "end": 0.5, "words": words}])  # fmt: skip
    make_searchable(asset)
    tile = next(iter(author.get("/library/?q=lighthouse").context["tiles"]))
    assert tile["at"] == pytest.approx(0.2)
    page = author.get(tile["url"]).content.decode()
    assert "#t=0.20" in page
    assert re.search(r'class="word asked" data-seek="0.20">lighthouse<', page)
    assert author.get(f"/media/assets/{asset.pk}/sprite/").status_code == 200
    assert author.get(f"/library/{asset.pk}/?at=nonsense").status_code == 200


def test_details_say_what_came_inside_the_file(author: Client, cast: Cast) -> None:
    asset = picture(cast.workspace, "red", "A red door")
    Asset.objects.filter(pk=asset.pk).update(
        metadata={"camera": "Box 3000", "keywords": ["door", "paint"], "place": "Aarhus"}, seen_text="NO ENTRY",
        colours=["red"],
    )  # fmt: skip
    Collection.objects.create(workspace=cast.workspace, name="Doors").assets.add(asset)
    page = author.get(f"/library/{asset.pk}/").content.decode()
    for said in ("Box 3000", "door, paint", "Aarhus", "NO ENTRY", "swatch red", "Doors"):
        assert said in page


@pytest.mark.parametrize(
    ("key_times", "seconds"),
    [([1.0], 5.0), ([], 5.0), ([float(at) for at in range(300)], 300.0), ([0.1], 0.2), ([], 0)],
)
def test_a_clips_frames_are_its_shots_filled_up(key_times: list[float], seconds: float) -> None:
    looks = frames.times(key_times, seconds)
    assert looks == sorted(set(looks))
    assert all(0 <= look <= seconds for look in looks)
    assert len(looks) <= frames.MOST
    if seconds >= 1:
        assert len(looks) >= frames.FEWEST
    if 0 < len(key_times) <= frames.MOST:
        assert set(key_times) <= set(looks)


def test_every_colour_has_its_swatch(settings: LazySettings) -> None:
    css = (settings.STATICFILES_DIRS[0] / "css" / "asset.css").read_text()
    assert not [colour for colour in COLOURS if f".swatch.{colour} " not in css]
