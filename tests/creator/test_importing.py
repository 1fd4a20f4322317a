"""Files come in once, whatever happens on the way; a folder and a watched folder do, too."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw, ImageFont

from creator import jobs, tasks
from creator.models import Collection, Event, Job
from creator.services import importing, watching
from creator.services.importing import Given, Said, bring_in, files_in
from media_processing import services as media
from media_processing.engine import EngineError
from media_processing.models import Asset, Rendition
from search import services as search
from search.models import Embedding, Moment
from tests.conftest import Cast
from tests.faults.test_kill import rows
from tests.media_processing.makers import clip, colours, picture_bytes
from tests.media_processing.test_metadata import iptc, jpeg
from tests.processes import manage, start, until

pytestmark = pytest.mark.slow


def tiny(number: int, size: tuple[int, int] = (48, 36)) -> Image.Image:
    """A picture like no other."""
    if number < 0:
        return Image.effect_noise(size, 60).convert("RGB")
    return Image.new("RGB", size, (number % 256, number * 7 % 256, number // 256))


def filled(folder: Path, count: int, *, form: str = "PNG") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        tiny(number).save(folder / f"{number:04}.{form.lower()}", form)
    return folder


def given(*paths: Path) -> list[Given]:
    return [Given(path, path.name) for path in paths]


def results(cast: Cast, *paths: Path, said: Said | None = None, **options: Any) -> list[importing.Imported]:
    return [each for batch in bring_in(cast.workspace, given(*paths), said or Said(), **options) for each in batch]


@pytest.fixture
def no_reader(settings: Any) -> None:
    """Nobody looks for text in pictures, which takes longer than all the rest."""
    absent = {"BACKEND": "media_processing.engines.tesseract.TesseractReader", "OPTIONS": {"program": "absent"}}
    settings.ENGINES = {**settings.ENGINES, "reader": {"absent": absent}}


def everything() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (Asset, Rendition, Moment, Embedding)]


class TestBatches:
    def test_each_file_gets_its_own_answer_in_order(self, cast: Cast, tmp_path: Path) -> None:
        folder = filled(tmp_path / "in", 20)
        (folder / "0003.png").write_bytes(b"<html>")
        (folder / "0007.png").write_bytes(b"")
        (folder / "0015.png").write_bytes(picture_bytes(tiny(3, (900, 900)))[:3000])
        found = results(cast, *files_in(folder), folder / "missing.png")
        assert [each.name for each in found] == [*(f"{n:04}.png" for n in range(20)), "missing.png"]
        bad = [number for number, each in enumerate(found) if each.error]
        assert bad == [3, 7, 15, 20]
        assert all(found[number].next_step and not found[number].asset_id for number in bad)
        assert Asset.objects.count() == Moment.objects.count() == Rendition.objects.count() == 17

    def test_the_same_bytes_twice_in_one_batch_are_one_asset(self, cast: Cast, tmp_path: Path) -> None:
        (path := tmp_path / "a.png").write_bytes(picture_bytes(form="PNG"))
        (again := tmp_path / "b.png").write_bytes(picture_bytes(form="PNG"))
        first, second = results(cast, path, again)
        assert first.asset_id == second.asset_id
        assert (first.created, second.created) == (True, False)
        assert Asset.objects.count() == Moment.objects.count() == 1

    def test_an_import_again_changes_nothing(
        self, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = filled(tmp_path / "in", 12)
        clip(folder / "film.mp4", seconds=1.0)
        results(cast, *files_in(folder))
        before = everything()

        def never(*_args: Any, **_options: Any) -> None:
            raise AssertionError("It was done again.")

        for name in ("prepare", "transcribe_asset", "stretches"):
            monkeypatch.setattr(media, name, never)
        monkeypatch.setattr(search, "index_assets", lambda batch: never() if batch else [])
        again = results(cast, *files_in(folder))
        assert not any(each.created or each.error for each in again)
        assert before == everything()

    def test_what_an_import_before_left_unfinished_is_finished(self, cast: Cast, tmp_path: Path) -> None:
        folder = filled(tmp_path / "in", 3)
        results(cast, *files_in(folder))
        Moment.objects.all().delete()
        assert not any(each.created for each in results(cast, *files_in(folder)))
        assert Moment.objects.count() == 3

    def test_other_workspaces_know_nothing_of_it(self, cast: Cast, tmp_path: Path) -> None:
        (path := tmp_path / "a.png").write_bytes(picture_bytes(form="PNG"))
        results(cast, path)
        batches = list(bring_in(cast.other, given(path)))
        assert batches[0][0].created
        assert Asset.objects.in_workspace(cast.other.pk).count() == 1

    def test_an_embedder_that_fails_is_told_and_the_files_are_kept(
        self, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(_batch: Any) -> None:
            raise EngineError("The model broke.", next_step="Restart it.")

        monkeypatch.setattr(search, "index_assets", fail)
        (found,) = results(cast, *files_in(filled(tmp_path / "in", 1)))
        assert (found.error, found.next_step, found.created) == ("The model broke.", "Restart it.", True)
        assert Asset.objects.filter(pk=found.asset_id).exists()

    def test_it_stops_when_told(self, cast: Cast, tmp_path: Path) -> None:
        class Stopped(Exception):
            pass

        def stop(_share: float) -> None:
            raise Stopped

        clip(path := tmp_path / "film.mp4", seconds=1.0)
        with pytest.raises(Stopped):
            results(cast, path, check=stop)

    def test_a_picture_is_decoded_once(self, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        opened: list[Any] = []
        real = Image.open
        monkeypatch.setattr(Image, "open", lambda *args, **options: (opened.append(args), real(*args, **options))[1])
        tiny(-1, (1600, 1200)).save(path := tmp_path / "a.jpg")
        (found,) = results(cast, path)
        assert found.created
        assert len(opened) == 1
        moment = Moment.objects.get()
        asset = moment.asset
        assert (len(moment.pdq), asset.colours, asset.width, asset.height) == (64, ["grey"], 1600, 1200)
        tile = asset.renditions.get()
        assert (tile.recipe, tile.width, tile.height, tile.file.exists()) == ("webp-480", 480, 360, True)

    def test_a_collection_is_made_and_used_again(self, cast: Cast, tmp_path: Path) -> None:
        folder = filled(tmp_path / "in", 3)
        results(cast, folder / "0000.png", said=Said(collection="Spring"))
        results(cast, *files_in(folder), said=Said(collection="spring "))
        assert Collection.objects.get().assets.count() == 3


class TestWords:
    def test_a_photograph_is_found_by_the_words_inside_it(self, cast: Cast, tmp_path: Path) -> None:
        content = jpeg(iptc((25, b"heron"), (120, b"A heron waits"), (90, b"Leiden"), (80, b"Ada Lens")))
        (tmp_path / "IMG_0042.jpg").write_bytes(content)
        results(cast, tmp_path / "IMG_0042.jpg")
        asset = Asset.objects.get()
        assert asset.domain == "photographs"
        assert (asset.title, asset.tags, asset.credit) == ("IMG 0042", ["heron"], "Ada Lens")
        assert asset.alt == "A heron waits"
        for words in ("heron", "waits", "leiden"):
            (found,) = search.find(search.Query(workspace_id=cast.workspace.pk, words=words)).found
            assert found.asset_id == asset.pk
            assert found.by_words_only

    def test_what_the_person_says_goes_first(self, cast: Cast, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").write_bytes(jpeg(iptc((25, b"heron"), (110, b"Agency"), (5, b"Heron"))))
        results(cast, tmp_path / "a.jpg", said=Said(credit="River desk", tags=("bird",)))
        asset = Asset.objects.get()
        assert (asset.title, asset.credit, asset.tags) == ("Heron", "River desk", ["bird"])
        assert asset.metadata["keywords"] == ["heron"]

    @pytest.mark.skipif(not shutil.which("tesseract"), reason="needs tesseract-ocr, which .ci/run installs")
    def test_text_in_a_picture_finds_it(self, cast: Cast, tmp_path: Path) -> None:
        sign = Image.new("RGB", (900, 300), "white")
        ImageDraw.Draw(sign).text((60, 100), "Ferry closed", "black", ImageFont.load_default(80))
        sign.save(tmp_path / "sign.png")
        job = importing.import_folder(cast.workspace, tmp_path)
        jobs.work_off()
        job.refresh_from_db()
        assert job.state == Job.State.DONE
        assert Job.objects.filter(kind="fill_in", state=Job.State.DONE).exists()
        asset = Asset.objects.get()
        assert asset.seen_text == "Ferry closed"
        assert "eng" in asset.metadata[importing.READER]
        (found,) = search.find(search.Query(workspace_id=cast.workspace.pk, words="closed")).found
        assert found.asset_id == asset.pk


@pytest.mark.usefixtures("no_reader")
class TestFillingIn:
    def test_older_rows_get_what_they_lack_and_keep_what_they_have(self, cast: Cast, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").write_bytes(jpeg(iptc((25, b"heron"), (5, b"Own title"))))
        colours(tmp_path / "b.mp4", ("red", 1.0), ("blue", 1.0))
        results(cast, tmp_path / "a.jpg", tmp_path / "b.mp4")
        Asset.objects.update(colours=[], metadata={}, tags=[])
        Asset.objects.filter(kind="image").update(title="Chosen")
        Moment.objects.update(pdq="")
        assert importing.lacking(cast.workspace).count() == 2
        assert [done for done, _ in importing.fill_in_all(cast.workspace)] == [1, 2]
        photo, film = Asset.objects.get(kind="image"), Asset.objects.get(kind="video")
        assert (photo.title, photo.tags, photo.metadata["keywords"]) == ("Chosen", ["heron"], ["heron"])
        assert film.colours[0] in ("red", "blue")
        assert not importing.lacking(cast.workspace).exists()

    def test_a_lost_file_is_looked_for_once(self, cast: Cast, tmp_path: Path) -> None:
        results(cast, *files_in(filled(tmp_path / "in", 2)))
        Asset.objects.update(colours=[])
        for asset in Asset.objects.all()[:1]:
            asset.file.unlink()
        list(importing.fill_in_all(cast.workspace))
        assert not importing.lacking(cast.workspace).exists()
        assert Asset.objects.filter(metadata__has_key=importing.UNREADABLE).count() == 1

    def test_one_job_at_a_time(self, cast: Cast, tmp_path: Path) -> None:
        results(cast, *files_in(filled(tmp_path / "in", 2)))
        Asset.objects.update(colours=[])
        importing.submit_filling_in(cast.workspace)
        importing.submit_filling_in(cast.workspace)
        importing.submit_filling_in(cast.other)
        assert Job.objects.filter(kind="fill_in").count() == 1


@pytest.mark.usefixtures("no_reader")
class TestJobs:
    def test_an_upload_says_what_became_of_each(self, cast: Cast, settings: Any) -> None:
        files = [SimpleUploadedFile(f"{n}.png", picture_bytes(tiny(n), "PNG")) for n in range(20)]
        files.append(SimpleUploadedFile("x.png", b"no"))
        job = importing.import_files(cast.workspace, by=cast.alice, files=files, tags=["a", " a", ""])
        jobs.work_off()
        job.refresh_from_db()
        assert job.state == Job.State.DONE
        assert job.subject["counts"] == {"new": 20, "known": 0, "bad": 1}
        assert [each["name"] for each in job.subject["results"]] == [*(f"{n}.png" for n in range(20)), "x.png"]
        assert Asset.objects.filter(added_by=cast.alice, tags=["a"]).count() == 20
        assert not list((Path(settings.DATA) / "uploads").rglob("*"))
        told = Event.objects.filter(job=job, kind="import.files").order_by("id")
        assert [each.data["done"] for each in told] == [16, 21]
        assert told[1].data["seconds_left"] == 0

    def test_a_folder_keeps_counts_and_what_went_wrong(self, cast: Cast, tmp_path: Path) -> None:
        folder = filled(tmp_path / "in", 200)
        filled(folder / "deep", 201)  # 200 of them are there already
        (folder / "bad.png").write_bytes(b"no")
        job = importing.import_folder(cast.workspace, folder)
        jobs.work_off()
        job.refresh_from_db()
        assert job.subject["counts"] == {"new": 201, "known": 200, "bad": 1}
        assert [each["name"] for each in job.subject["results"]] == ["bad.png"]
        assert len(json.dumps(job.subject)) < 1500
        assert Asset.objects.count() == 201

    def test_without_subfolders(self, cast: Cast, tmp_path: Path) -> None:
        folder = filled(tmp_path / "in", 2)
        filled(folder / "deep", 3)
        job = importing.import_folder(cast.workspace, folder, recursive=False)
        jobs.work_off()
        job.refresh_from_db()
        assert job.subject["total"] == 2

    def test_one_that_was_cut_off_goes_on(self, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = filled(tmp_path / "in", 40)
        job = importing.import_folder(cast.workspace, folder)
        done = iter(range(99))
        report = jobs.Work.report

        def lost(work: jobs.Work, share: float) -> None:
            if next(done) == 1:
                raise jobs.HandedBack
            report(work, share)

        monkeypatch.setattr(jobs.Work, "report", lost)
        tasks.import_assets(job.pk)
        job.refresh_from_db()
        assert (job.state, job.subject["counts"]["new"]) == (Job.State.WAITING, 32)
        tasks.import_assets(job.pk)
        job.refresh_from_db()
        assert (job.state, job.subject["counts"]) == (Job.State.DONE, {"new": 40, "known": 0, "bad": 0})

    def test_no_folder_is_told(self, cast: Cast, tmp_path: Path) -> None:
        with pytest.raises(EngineError, match="is no folder"):
            importing.import_folder(cast.workspace, tmp_path / "nowhere")


def test_only_finished_files_of_the_folder_itself(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    unfinished = (".hidden.jpg", "b.jpg.part", "c.crdownload", "~lock.d.jpg", "e.tmp", ".git/f.jpg", "i~")
    for name in ("a.jpg", "g/h.PNG", *unfinished):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (tmp_path / "secret.jpg").touch()
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "up").symlink_to(tmp_path)
    (folder / "near.jpg").symlink_to(folder / "a.jpg")
    (folder / "gone.jpg").symlink_to(folder / "nothing")
    names = [str(path.relative_to(folder)) for path in files_in(folder)]
    assert names == ["a.jpg", "g/h.PNG", "near.jpg"]


@pytest.mark.usefixtures("no_reader")
class TestWatching:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "watched").mkdir()
        return tmp_path / "watched"

    def test_complete_files_come_in_once(self, cast: Cast, folder: Path) -> None:
        watch = watching.Watch(folder)
        tiny(1).save(folder / "a.png")
        (folder / "bad.png").write_bytes(b"no picture")
        assert watch.look() == 0  # it may still grow
        assert watch.look() == 2
        assert watch.look() == 0
        jobs.work_off()
        job = Job.objects.get(kind="import_assets")
        assert (job.state, job.subject["counts"]) == (Job.State.DONE, {"new": 1, "known": 0, "bad": 1})
        assert [each["name"] for each in job.subject["results"]] == ["bad.png"]
        assert sorted(path.name for path in folder.iterdir()) == ["a.png", "bad.png"]

    def test_a_file_that_grows_waits(self, cast: Cast, folder: Path) -> None:
        watch = watching.Watch(folder)
        content = picture_bytes()
        for end in (100, 200, len(content)):
            (folder / "a.jpg").write_bytes(content[:end])
            assert watch.look() == 0
        assert watch.look() == 1

    def test_another_worker_and_a_restart_see_what_was_taken(self, cast: Cast, folder: Path) -> None:
        tiny(1).save(folder / "a.png")
        first, second = watching.Watch(folder), watching.Watch(folder)
        assert [watch.look() for watch in (first, second, first, second)] == [0, 0, 1, 0]
        third = watching.Watch(folder)
        assert [third.look(), third.look()] == [0, 0]

    def test_a_file_that_was_mended_is_looked_at_again(self, cast: Cast, folder: Path) -> None:
        watch = watching.Watch(folder)
        (folder / "a.png").write_bytes(b"no picture")
        assert [watch.look(), watch.look()] == [0, 1]
        tiny(1).save(folder / "a.png")
        assert [watch.look(), watch.look()] == [0, 1]

    def test_a_folder_that_goes_away_and_comes_back(self, cast: Cast, folder: Path, caplog: Any) -> None:
        watch = watching.Watch(folder / "later")
        assert [watch.look(), watch.look()] == [0, 0]
        assert caplog.text.count("isn't there") == 1
        (folder / "later").mkdir()
        tiny(1).save(folder / "later" / "a.png")
        assert [watch.look(), watch.look()] == [0, 1]


@pytest.mark.timeout(240)
def test_a_worker_brings_in_what_is_put_into_the_watched_folder_and_survives_a_kill(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", filled(tmp_path / "watched", 150)
    manage(data, "set_up", "--no-samples")
    worker = start(data, "worker", STORYLOOM_WATCH=str(folder))
    try:
        assert until(lambda: rows(data, "select 1 from media_processing_asset"), seconds=100)
        worker.kill()
        worker.wait()
        worker = start(data, "worker", STORYLOOM_WATCH=str(folder))
        asked = "select 1 from creator_job where kind = 'import_assets' and state = 'done'"
        assert until(lambda: rows(data, asked), seconds=100)
    finally:
        worker.terminate()
        worker.wait(timeout=30)
    assert rows(data, "select count(*) from media_processing_asset") == [(150,)]
    assert rows(data, "select count(*) from search_moment") == [(150,)]
    assert len([path for path in (data / "media" / "originals").rglob("*") if path.is_file()]) == 150
