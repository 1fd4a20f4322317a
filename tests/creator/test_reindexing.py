"""A change of search models: no search is empty meanwhile, a kill loses nothing, the pointer moves at once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from creator import jobs
from creator.models import Job
from creator.services import health, library, reindexing
from generation.engines.illustrator import IllustratorPainter
from media_processing.engine import engines
from media_processing.models import Asset
from search import models_in_use
from search import services as search
from search.engines.onnx import STARTER, OnnxEmbedder
from search.models import Embedding, ModelInUse, SearchModel
from tests.conftest import Cast

pytestmark = pytest.mark.slow  # `make quick` leaves it out
WORDS = ("lighthouse on the beach", "pizza in a room", "elephant in the hills", "rocket in space")
OLD = json.loads((STARTER / "card.json").read_text())["digest"]
NEW = "another" + OLD[7:]


@pytest.fixture
def switch_to(settings: LazySettings, tmp_path: Path) -> Callable[[str], Path]:
    """Configure a copy of the starter under another digest, which knows photographs, too."""

    def switch(digest: str) -> Path:
        folder = tmp_path / digest
        if not folder.exists():
            shutil.copytree(STARTER, folder)
            card = json.loads((folder / "card.json").read_text())
            card |= {"digest": digest, "name": "Second CLIP", "domains": ["illustrations", "photographs"]}
            (folder / "card.json").write_text(json.dumps(card))
        configured = {**settings.ENGINES["embedder"]["onnx"], "OPTIONS": {"folder": folder}}
        settings.ENGINES = {**settings.ENGINES, "embedder": {"onnx": configured}}
        return folder

    return switch


@cache
def drawing(words: str) -> bytes:
    return IllustratorPainter("illustrator").draw(words, width=256, height=256, seed=1).content


@pytest.fixture
def assets(cast: Cast, django_capture_on_commit_callbacks: Any) -> list[Asset]:
    """Four drawings, the last of which counts as a photograph."""
    made = []
    with django_capture_on_commit_callbacks(execute=True):
        for words in WORDS:
            domain = "photographs" if words == WORDS[-1] else "illustrations"
            made.append(
                library.keep(
                    cast.workspace, drawing(words), title="untitled", alt="", tags=[], made_by={}, domain=domain
                )
            )
    return made


def seen(digest: str) -> int:
    return Embedding.objects.filter(model=digest).count()


def first(cast: Cast, words: str) -> Asset:
    results = search.find(search.Query(workspace_id=cast.workspace.pk, words=words))
    return Asset.objects.get(pk=results.found[0].asset_id)


def stop_after(monkeypatch: pytest.MonkeyPatch, pictures: int, error: BaseException) -> list[int]:
    """Let the embedder of this process break off after some pictures; the sizes of the batches that it saw."""
    monkeypatch.setattr(reindexing, "READ_AT_ONCE", 1)
    sizes: list[int] = []
    embed = OnnxEmbedder.embed_pictures

    def breaking(self: OnnxEmbedder, given: list[Any]) -> Any:
        if len(sizes) == pictures and given:
            raise error
        sizes.extend([len(given)] * bool(given))
        return embed(self, given)

    monkeypatch.setattr(OnnxEmbedder, "embed_pictures", breaking)
    return sizes


def test_the_model_of_the_first_vectors_is_remembered(cast: Cast, assets: list[Asset]) -> None:
    pointer = ModelInUse.objects.select_related("model").get(pk=cast.workspace.pk)
    assert (pointer.model.digest, pointer.coming) == (OLD, None)
    assert pointer.model.backend.endswith("OnnxEmbedder")
    reindexing.start_where_changed()
    assert not Job.objects.filter(kind="reindex").exists()
    assert reindexing.line(cast.workspace) == ""


def test_another_model_takes_over_when_it_has_seen_everything(
    cast: Cast, assets: list[Asset], switch_to: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_to(NEW)
    assert models_in_use.embedder_for(cast.workspace.pk).card.digest == OLD
    for _ in range(2):
        reindexing.start_where_changed()
    (job,) = Job.objects.filter(kind="reindex")
    told: list[tuple[str, Asset]] = []
    report = jobs.Work.report

    def looking(self: jobs.Work, share: float) -> None:
        told.append((reindexing.line(cast.workspace), first(cast, "pizza")))
        report(self, share)

    monkeypatch.setattr(reindexing, "READ_AT_ONCE", 1)
    monkeypatch.setattr(jobs.Work, "report", looking)
    jobs.work_off(1)
    job.refresh_from_db()
    assert (job.state, job.progress) == ("done", 1.0)
    lines, found = zip(*told, strict=True)
    assert "Re-indexing with Second CLIP" in lines[0]
    assert "searching with" in lines[0] and "25 %" in lines[0]
    assert set(found) == {assets[1]}
    assert (seen(OLD), seen(NEW)) == (3, 4)
    used = models_in_use.in_use(cast.workspace.pk)
    assert (used.embedder.card.digest, used.coming) == (NEW, None)
    assert first(cast, "pizza") == assets[1]
    assert reindexing.line(cast.workspace) == ""


def test_photographs_are_found_by_a_model_that_knows_them(
    cast: Cast, assets: list[Asset], switch_to: Callable[[str], Path]
) -> None:
    def by_picture(words: str) -> list[Any]:
        return [one.asset_id for one in search.find(search.Query(workspace_id=cast.workspace.pk, words=words))]

    assert assets[-1].pk not in by_picture("rocket in space")
    switch_to(NEW)
    reindexing.start_where_changed()
    jobs.work_off(1)
    assert by_picture("rocket in space")[0] == assets[-1].pk


def test_a_worker_that_dies_in_the_middle_loses_nothing(
    cast: Cast, assets: list[Asset], switch_to: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_to(NEW)
    reindexing.start_where_changed()
    job = Job.objects.get(kind="reindex")
    with monkeypatch.context() as patched:
        stop_after(patched, 2, jobs.LeaseLost())
        jobs.work_off(1)
    job.refresh_from_db()
    assert (job.state, seen(NEW)) == ("running", 2)
    assert models_in_use.embedder_for(cast.workspace.pk).card.digest == OLD
    assert first(cast, "lighthouse") == assets[0]
    jobs.take_back_expired(timezone.now() + timedelta(hours=1))
    sizes = stop_after(monkeypatch, 99, RuntimeError())
    jobs.work_off(1)
    assert sum(sizes) == 2
    assert models_in_use.embedder_for(cast.workspace.pk).card.digest == NEW


def test_what_is_imported_meanwhile_is_seen_by_both(
    cast: Cast, assets: list[Asset], switch_to: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    switch_to(NEW)
    reindexing.start_where_changed()
    with monkeypatch.context() as patched:
        stop_after(patched, 1, jobs.LeaseLost())
        jobs.work_off(1)
    with django_capture_on_commit_callbacks(execute=True):
        late = library.keep(
            cast.workspace, drawing("violin on a stage"), title="untitled", alt="", tags=[], made_by={}
        )
    assert set(late.moments.get().embeddings.values_list("model", flat=True)) == {OLD, NEW}
    assert first(cast, "violin on a stage") == late


@pytest.mark.parametrize("how", ["cancelled", "failed"])
def test_what_breaks_off_keeps_the_old_model(
    cast: Cast, assets: list[Asset], switch_to: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    switch_to(NEW)
    reindexing.start_where_changed()
    error = jobs.Cancelled() if how == "cancelled" else search.QueryError("The model broke.")
    with monkeypatch.context() as patched:
        stop_after(patched, 2, error)
        jobs.work_off(1)
    job = Job.objects.get(kind="reindex")
    assert job.state == how
    used = models_in_use.in_use(cast.workspace.pk)
    assert (used.embedder.card.digest, used.coming) == (OLD, None)
    reindexing.start_where_changed()
    assert Job.objects.filter(kind="reindex").count() == 1
    assert jobs.retry(job)
    jobs.work_off(1)
    assert models_in_use.embedder_for(cast.workspace.pk).card.digest == NEW


def test_a_change_that_is_taken_back_stops(
    cast: Cast, assets: list[Asset], switch_to: Callable[[str], Path], settings: LazySettings
) -> None:
    before = settings.ENGINES
    switch_to(NEW)
    reindexing.start_where_changed()
    models_in_use.prepare(cast.workspace.pk, engines["embedder"])
    settings.ENGINES = before
    reindexing.start_where_changed()
    assert Job.objects.get(kind="reindex").state == "cancelled"
    assert ModelInUse.objects.get().coming is None


def test_a_third_model_takes_the_place_of_the_second(
    cast: Cast, assets: list[Asset], switch_to: Callable[[str], Path]
) -> None:
    switch_to(NEW)
    reindexing.start_where_changed()
    third = switch_to("third" + OLD[5:])
    for _ in range(2):
        reindexing.start_where_changed()
    assert [job.state for job in Job.objects.filter(kind="reindex").order_by("id")] == ["cancelled", "waiting"]
    jobs.work_off(1)
    assert models_in_use.embedder_for(cast.workspace.pk).folder == third


def test_where_the_old_files_are_gone_the_new_one_searches_with_what_it_has(
    cast: Cast, assets: list[Asset], switch_to: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = switch_to(NEW)
    reindexing.start_where_changed()
    jobs.work_off(1)
    switch_to("third" + OLD[5:])
    reindexing.start_where_changed()
    with monkeypatch.context() as patched:
        stop_after(patched, 2, jobs.LeaseLost())
        jobs.work_off(1)
    shutil.rmtree(folder)
    results = search.find(search.Query(workspace_id=cast.workspace.pk, words="lighthouse, pizza"))
    assert len(results) == 2
    assert any("Second CLIP" in note and "so far" in note for note in results.notes)
    assert "so far" in reindexing.line(cast.workspace)
    lines = [each for each in health.checkup() if "search model" in each["what"]]
    assert [each["ok"] for each in lines] == [False]


def test_a_library_from_before_models_were_remembered(
    cast: Cast, assets: list[Asset], switch_to: Callable[[str], Path]
) -> None:
    ModelInUse.objects.all().delete()
    SearchModel.objects.all().delete()
    reindexing.start_where_changed()
    jobs.work_off(1)
    assert ModelInUse.objects.get().model.digest == OLD
    ModelInUse.objects.all().delete()
    SearchModel.objects.all().delete()
    switch_to(NEW)
    reindexing.start_where_changed()
    jobs.work_off(1)
    assert ModelInUse.objects.get().model.digest == NEW
    assert SearchModel.objects.get(digest=OLD).left is not None
    assert seen(NEW) == 4


def test_old_vectors_go_after_a_week(cast: Cast, assets: list[Asset], switch_to: Callable[[str], Path]) -> None:
    switch_to(NEW)
    reindexing.start_where_changed()
    jobs.work_off(1)
    assert reindexing.forget_old() == 0
    assert reindexing.forget_old(timezone.now() + timedelta(days=8)) == 3
    assert (seen(OLD), seen(NEW)) == (0, 4)
    assert list(SearchModel.objects.values_list("digest", flat=True)) == [NEW]
    assert first(cast, "pizza") == assets[1]


def test_pictures_that_came_while_the_model_could_not_work_are_filled_in(
    cast: Cast, assets: list[Asset], switch_to: Callable[[str], Path]
) -> None:
    assert ModelInUse.objects.exists()
    Embedding.objects.filter(moment__asset__in=assets[:2]).delete()
    assets[0].file.unlink()
    reindexing.fill_in()
    jobs.work_off(1)
    assert Job.objects.get(kind="reindex").state == "done"
    assert seen(OLD) == 2
    reindexing.fill_in()  # the one that can't be read isn't asked for again
    assert Job.objects.filter(kind="reindex").count() == 1


def test_workspaces_change_by_themselves(cast: Cast, assets: list[Asset], switch_to: Callable[[str], Path]) -> None:
    switch_to(NEW)
    reindexing.start_where_changed()
    assert {job.workspace for job in Job.objects.filter(kind="reindex")} == {cast.workspace}


def test_a_row_of_the_database_names_no_code_of_its_own(cast: Cast, assets: list[Asset]) -> None:
    SearchModel.objects.update(backend="subprocess.Popen", options={"args": ["true"]})
    assert models_in_use._built("subprocess.Popen", "{}") is None
    assert models_in_use.in_use(cast.workspace.pk).note
