"""What people really paste and drop: each gets a clear message, never a broken page, and nothing typed is lost."""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from PIL import Image

from creator import jobs
from creator.models import Brief, Job, Story
from creator.services import importing, stories
from media_processing.engine import EngineError
from media_processing.models import Asset
from tests.conftest import Cast
from tests.factories import finished_story
from tests.media_processing.makers import clip, picture_bytes, png_header

pytestmark = pytest.mark.slow  # `make quick` leaves it out

LINE = "The harbour got a new lighthouse on Friday. Fishers had asked for it for ten years. It cost less than planned. "
BRIEF = {"formats": ["card:1x1"], "seconds": "20", "tone": "calm"}


@pytest.fixture
def alice(cast: Cast) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(cast.alice, backend="django.contrib.auth.backends.ModelBackend")
    return client


def words_of(answer: HttpResponse) -> str:
    """What a person reads on a page."""
    plain = re.sub(r"<(script|style|textarea|template)\b.*?</\1>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", plain)).split())


def typed(answer: HttpResponse) -> str:
    """What stands in the article's box."""
    found = re.search(r'<textarea[^>]*name="article"[^>]*>\n?(.*?)</textarea>', answer.content.decode(), re.DOTALL)
    return html.unescape(found.group(1)) if found else ""


def file(content: bytes, name: str = "article.txt", kind: str = "text/plain") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, kind)


def document() -> bytes:
    """A word processor's file."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("word/document.xml", "<w:document/>")
    return target.getvalue()


# Briefs ---------------------------------------------------------------------------------------------------------------

REFUSED_TEXTS = {
    "nothing": ("", "Paste an article"),
    "only spaces": ("   \n\t  ", "Paste an article"),
    "only a zero-width space": ("\u200b\u200b", "No article text"),
    "20,001 words": ("word " * 20_001, "20,000 is the most"),
    "more letters than the box takes": ("a" * 400_001, "400000|400,000"),
    "a link to this machine": ("http://127.0.0.1:9/x", r"\w+"),
    "a link to the cloud's metadata": ("http://169.254.169.254/latest/meta-data/", r"\w+"),
    "a link without a host": ("http://", r"\w+"),
    "a script no font draws": ("\U00018b00\U00018b01 " * 40, "font"),
}


@pytest.mark.parametrize("case", REFUSED_TEXTS)
def test_a_text_that_cannot_be_a_story_is_refused_with_words(alice: Client, case: str) -> None:
    text, message = REFUSED_TEXTS[case]
    answer = alice.post("/", {**BRIEF, "article": text})
    assert answer.status_code == 400
    assert re.search(message, words_of(answer)), words_of(answer)
    assert typed(answer).strip() == text.strip(), "what was typed is gone"
    assert not Story.objects.exists()
    assert not Brief.objects.exists()
    assert not Job.objects.exists()


TAKEN_TEXTS = {
    "one sentence": "The harbour got a new lighthouse on Friday.",
    "right to left inside": LINE * 3 + "The sign says \u05e9\u05dc\u05d5\u05dd in Hebrew.",
    "hidden direction marks": LINE + "\u202eThe ferry was late.\u202c" + LINE,
    "emoji with joiners": LINE + "\U0001f468\u200d\U0001f469\u200d\U0001f467 The family \U0001f600 smiled.",
    "a NUL in the middle": LINE + "The ferry\x00 was late.",
    "control characters": LINE + "\x07\x1b[31mRed\x1b[0m.",
    "combining marks": LINE + "Z" + "\u0310" * 200 + " is a letter.",
    "old line ends": LINE.replace(". ", ".\r") * 3,
    "one very long word": LINE + "x" * 5000,
    "markup": "<html><body><article><p>" + LINE * 4 + "</p><script>alert(1)</script></article></body></html>",
    "broken markup": "<html><p>" + LINE + "<div><<b" + LINE,
    "a template's braces": LINE + "{{ settings.SECRET_KEY }} {% load x %}",
    "figures only": "1 2 3. 4 5 6. 7 8 9.",
    "20,000 words": (LINE * 1200)[: LINE.__len__() * 900],
}


@pytest.mark.parametrize("case", TAKEN_TEXTS)
def test_a_strange_text_is_taken_or_refused_with_words(alice: Client, case: str) -> None:
    answer = alice.post("/", {**BRIEF, "article": TAKEN_TEXTS[case]})
    if answer.status_code == 302:
        story = Story.objects.get()
        assert "\x00" not in story.brief.article
        assert "\u202e" not in story.brief.article
        page = alice.get(answer["Location"])
        assert page.status_code == 200
        assert b"<script>alert(1)" not in page.content
        assert Job.objects.filter(story=story, state=Job.State.WAITING).count() == 1
    else:
        assert answer.status_code == 400
        assert typed(answer)
        assert not Story.objects.exists()


def test_emoji_and_direction_marks_reach_a_finished_script(cast: Cast) -> None:
    """The writer and the voice take them too, not only the form."""
    from generation import services as generation
    from generation.articles import read_article
    from generation.engines.base import Wish

    for case in ("emoji with joiners", "right to left inside", "one very long word", "combining marks"):
        article = read_article(TAKEN_TEXTS[case])
        script = generation.write(article, Wish(seconds=20, tone="calm", audience="", language="en"))
        assert script.scenes, case
        assert generation.speak(script.scenes[0].narration[:400], language="en").seconds > 0, case


REFUSED_FILES: dict[str, tuple[Any, str]] = {
    "an empty file": (lambda: file(b""), "empty"),
    "a picture": (lambda: file(picture_bytes(), "photo.jpg", "image/jpeg"), "picture"),
    "a picture named .txt": (lambda: file(picture_bytes(), "article.txt"), "picture"),
    "a word processor's file": (lambda: file(document(), "a.docx", "application/msword"), "archive|document|text"),
    "a PDF": (lambda: file(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"\0" * 500, "a.pdf", "application/pdf"), "PDF|document"),
    "a program": (lambda: file(b"\x7fELF\x02\x01\x01" + b"\0" * 500, "article.md"), "program"),
    "noise": (lambda: file(bytes(range(256)) * 20, "article.txt"), "text"),
    "only NULs": (lambda: file(b"\0" * 4000), r"\w+"),
    "larger than the form takes": (lambda: file(b"word " * 500_000), "2 MB"),
    "20,001 words": (lambda: file(b"word " * 20_001), "20,000 is the most"),
}


@pytest.mark.parametrize("case", REFUSED_FILES)
def test_a_file_that_is_no_article_is_refused_with_words(alice: Client, case: str) -> None:
    make, message = REFUSED_FILES[case]
    answer = alice.post("/", {**BRIEF, "file": make(), "audience": "Fishers of the north"})
    assert answer.status_code == 400
    assert re.search(message, words_of(answer)), words_of(answer)
    assert not Story.objects.exists()
    assert not Job.objects.exists()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
def test_a_file_in_another_encoding_is_read(alice: Client, encoding: str) -> None:
    text = LINE + "The café in Orléans stayed open. " + LINE
    assert alice.post("/", {**BRIEF, "file": file(text.encode(encoding))}).status_code == 302
    assert "café in Orléans" in Brief.objects.get().article


def test_a_truncated_text_file_is_read_as_far_as_it_goes(alice: Client) -> None:
    whole = (LINE + "The café stayed open.").encode()
    assert alice.post("/", {**BRIEF, "file": file(whole[: whole.index(b"\xa9")])}).status_code == 302


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("formats", ["video:7x3"]), ("formats", []), ("formats", ["card:1x1", "'; DROP TABLE"]), ("seconds", "0"),
        ("seconds", "99999999999999999999"), ("seconds", "many"), ("tone", "furious"), ("language", "xx"),
        ("audience", "x" * 201), ("language", "\x00"),
    ],
)  # fmt: skip
def test_options_that_do_not_exist_are_refused_and_the_text_stays(alice: Client, field: str, value: Any) -> None:
    answer = alice.post("/", {**BRIEF, "article": LINE, field: value})
    assert answer.status_code == 400
    assert typed(answer).strip() == LINE.strip()
    assert not Story.objects.exists()


def test_a_language_that_nobody_here_writes_names_who_could(cast: Cast) -> None:
    with pytest.raises(EngineError) as refused:
        stories.create(cast.workspace, by=cast.alice, article=LINE * 3, formats=["card:1x1"], language="hi")
    assert refused.value.next_step


# Edits: what a script in a browser could send -------------------------------------------------------------------------


SENSELESS = [
    b"",
    b"null",
    b"[]",
    b"3",
    b'"x"',
    b"{",
    b"\xff\xfe",
    b'{"do": "nothing"}',
    b'{"do": ["edit_scene"]}',
    b'{"do": "edit_scene"}',
    b'{"do": "edit_scene", "scene": "x", "narration": "y"}',
    b'{"do": "edit_scene", "scene": 7}',
    b'{"do": "move_scene", "scene": "%s", "position": "many"}',
    b'{"do": "move_scene", "scene": "%s", "position": null}',
    b'{"do": "choose_picture", "scene": "%s", "asset": "x"}',
    b'{"do": "choose_picture", "scene": "%s"}',
    b'{"do": "choose_picture", "scene": "%s", "alternative": 1e400}',
    b'{"do": "choose_picture", "scene": "%s", "alternative": 99999999999999999999999}',
    b'{"do": "edit_story", "hashtags": 3}',
    b'{"do": "edit_story", "title": "\\ud800"}',
    b'{"do": "edit_scene", "scene": "%s", "narration": "a", "version": "x"}',
    b'{"do": "remake", "step": "everything"}',
    b'{"do": "add_scene", "position": 1}',
    b'{"do": "add_scene", "position": 1, "narration": ""}',
    b'{"do": "find_pictures", "scene": "7b0e2d0c-4b0d-4d2e-9d0a-111111111111", "words": "sea"}',
    b'{"do": "draw_pictures", "scene": "%s"}',
    b'{"do": "draw_pictures", "scene": "%s", "count": 1e400}',
    b'{"do": "draw_pictures", "scene": "%s", "count": 9, "words": "\\ud800"}',
    b'{"do": "draw_again", "scene": "%s", "asset": "x", "words": "sea"}',
    b'{"do": "fill_picture", "scene": "%s", "asset": 7, "words": "sea", "mask": {}}',
    b'{"do": "read_line", "scene": "%s", "rate": NaN}',
    b'{"do": "read_line", "scene": "%s", "voice": ["x"], "engine": null}',
    b'{"do": "use_reading", "scene": "%s", "reading": 99999999999999999999999}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("said", SENSELESS, ids=range(len(SENSELESS)))
def test_a_senseless_edit_is_refused_and_changes_nothing(alice: Client, cast: Cast, said: bytes) -> None:
    story = finished_story(cast.workspace, cast.alice, formats=("card:1x1",))
    before = list(story.scenes.values_list("pk", "narration", "position", "asset"))
    scene = str(story.scenes.all()[0].pk).encode()
    answer = alice.post(f"/stories/{story.pk}/edit/", said.replace(b"%s", scene), content_type="application/json")
    assert answer.status_code in (400, 404, 409, 422), answer.content[:300]
    if answer["Content-Type"].startswith("application/json"):
        assert json.loads(answer.content)["message"]
    story.refresh_from_db()
    assert list(story.scenes.values_list("pk", "narration", "position", "asset")) == before
    assert story.version == 1


@pytest.mark.parametrize("start", ["NaN", "Infinity", "-5", "1e300"])
def test_a_second_that_is_no_second_never_breaks_a_story(alice: Client, cast: Cast, start: str) -> None:
    story = finished_story(cast.workspace, cast.alice, formats=("card:1x1",))
    scene, other = story.scenes.all()[:2]
    said = f'{{"do":"choose_picture","version":1,"scene":"{scene.pk}","asset":"{other.asset_id}","start":{start}}}'
    answer = alice.post(f"/stories/{story.pk}/edit/", said, content_type="application/json")
    assert answer.status_code in (200, 400, 422)
    assert alice.get(f"/stories/{story.pk}/").status_code == 200
    scene.refresh_from_db()
    assert 0 <= scene.start < 1e9


@pytest.mark.parametrize("words", ["x" * 2001, "", " ", "a\x00b", "\u202eevil", "\U00018b00"])
def test_odd_words_in_a_scene_are_taken_or_refused_with_words(alice: Client, cast: Cast, words: str) -> None:
    story = finished_story(cast.workspace, cast.alice, formats=("card:1x1",))
    scene = story.scenes.all()[0]
    said = {"do": "edit_scene", "version": 1, "scene": str(scene.pk), "narration": words}
    answer = alice.post(f"/stories/{story.pk}/edit/", said, content_type="application/json")
    assert answer.status_code in (200, 422)
    scene.refresh_from_db()
    assert "\x00" not in scene.narration
    assert scene.narration.strip()


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("withdraw/", {"publication": "x", "reason": "y"}), ("withdraw/", {}), ("publish/", {"channel": "²"}),
        ("publish/", {"channel": "9" * 40}), ("publish/", {}), ("render/", {"step": "everything"}),
        ("render/", {"step": "\x00"}),
    ],
)  # fmt: skip
def test_a_senseless_act_is_refused(alice: Client, cast: Cast, path: str, given: dict[str, str]) -> None:
    story = finished_story(cast.workspace, cast.alice, formats=("card:1x1",))
    assert alice.post(f"/stories/{story.pk}/{path}", given).status_code in (302, 400, 404)
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "path",
    [
        "/?page=99999999999999999999", "/?page=²", "/?show=\x00", "/library/?import=²", f"/library/?import={'9' * 40}",
        "/library/?page=-1", "/library/?like=x", "/library/?q=%00", "/library/?tag=%25%22",
        f"/library/?q={'w ' * 5000}",
        "/library/?kind=lion&orientation=round", "/events/poll/?after=²", "/events/poll/?story=x", "/jobs/99/",
        f"/library/import/{'9' * 30}/", "/stories/00000000-0000-0000-0000-000000000000/", "/admin/review/²/",
        f"/admin/review/{'9' * 30}/", "/media/assets/00000000-0000-0000-0000-000000000000/", "/fonts/../x-y.ttf",
        "/fonts/Roboto-..%2F..%2Fx.ttf", "/library/?q=%ff%fe", "/?example=__class__",
    ],
)  # fmt: skip
def test_a_senseless_address_is_a_page_or_a_404(alice: Client, path: str) -> None:
    answer = alice.get(path)
    assert answer.status_code in (200, 400, 404) or answer["Location"].startswith("/admin/login/")


# Uploads --------------------------------------------------------------------------------------------------------------


def svg() -> bytes:
    return b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def cut(content: bytes, share: float) -> bytes:
    return content[: int(len(content) * share)]


@pytest.fixture
def upload(alice: Client, cast: Cast) -> Any:
    """Drop files on the library page, let the worker run, and say what became of each."""

    def drop(*files: SimpleUploadedFile) -> list[dict[str, Any]]:
        answer = alice.post("/library/import/", {"uploads": list(files), "licence": "CC0 1.0", "tags": "a, b"})
        assert answer.status_code == 302, words_of(answer)
        jobs.work_off()
        job = Job.objects.filter(kind="import_assets").latest("id")
        assert job.state == Job.State.DONE
        page = alice.get(f"/library/import/{job.pk}/")
        assert page.status_code == 200
        for result in job.subject["results"]:
            assert html.escape(result["error"][:20]) in page.content.decode() or not result["error"]
        assert alice.get("/library/").status_code == 200
        return list(job.subject["results"])

    return drop


@pytest.mark.slow
def test_bad_files_get_their_own_words_and_the_good_ones_go_on(upload: Any, tmp_path: Path) -> None:
    moving = clip(tmp_path / "a.mp4", seconds=0.5).read_bytes()
    big = Image.effect_noise((300, 300), 60).convert("RGB")
    given = {
        "good.png": picture_bytes(form="PNG"),
        "empty.jpg": b"",
        "cut.png": cut(picture_bytes(big, "PNG"), 0.5),
        "cut.mp4": cut(moving, 0.4),
        "notes.txt": b"not a picture at all",
        "page.svg": svg(),
        "bomb.png": png_header(60_000, 60_000),
        "program.jpg": b"\x7fELF" + b"\0" * 2000,
        "noise.mp4": bytes(range(256)) * 40,
        "list.m3u8": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        "archive.zip": document(),
        "named.mp4": picture_bytes(Image.new("RGB", (40, 30), "green")),
        "\u202egnp.exe": b"MZ\x90\x00",
        "../../etc/passwd": b"root:x:0:0",
        "good2.png": picture_bytes(Image.new("RGB", (40, 40), "navy"), "PNG"),
    }
    results = upload(*(file(content, name, "application/octet-stream") for name, content in given.items()))
    assert len(results) == len(given)
    said = dict(zip(given, results, strict=True))
    for name in ("good.png", "good2.png", "named.mp4"):
        assert said[name]["asset"], said[name]
    for name in given.keys() - {"good.png", "good2.png", "named.mp4", "cut.mp4", "cut.png"}:
        assert not said[name]["asset"], name
        assert len(said[name]["error"]) > 10, said[name]
        assert "Traceback" not in said[name]["error"]
        assert "/tmp" not in said[name]["error"]
    assert not (Path(Asset.objects.all()[0].file).parents[3] / "etc").exists()


@pytest.mark.slow
def test_the_same_file_twice_is_one_asset(upload: Any) -> None:
    same = picture_bytes(form="PNG")
    first, second = upload(file(same, "a.png"), file(same, "b.png"))
    assert first["asset"] == second["asset"]
    assert (first["created"], second["created"]) == (True, False)
    assert Asset.objects.count() == 1


def test_no_file_is_said(alice: Client) -> None:
    answer = alice.post("/library/import/", {"licence": "CC0 1.0"})
    assert answer.status_code == 400
    assert "file" in words_of(answer)
    assert not Job.objects.exists()


def test_too_many_files_are_refused_and_leave_nothing_behind(cast: Cast, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(importing, "MAX_FILES", 3)
    with pytest.raises(EngineError, match="At most 3"):
        importing.import_files(cast.workspace, by=cast.alice, files=[file(b"x", f"{n}.png") for n in range(5)])
    assert not Job.objects.exists()
    assert not [path for path in (Path(settings.DATA) / "uploads").rglob("*") if path.is_file()]


def test_a_file_that_is_too_large_leaves_nothing_behind(cast: Cast, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(importing, "MAX_FILE_BYTES", 10)
    given = [file(b"small", "a.png"), file(b"x" * 11, "huge.mp4")]
    with pytest.raises(EngineError, match=r"huge\.mp4"):
        importing.import_files(cast.workspace, by=cast.alice, files=given)
    assert not [path for path in (Path(settings.DATA) / "uploads").rglob("*") if path.is_file()]
