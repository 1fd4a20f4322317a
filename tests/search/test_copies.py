"""Copies and look-alikes of a library, as groups."""

from __future__ import annotations

from uuid import uuid4

import numpy as np
import pytest
from PIL import Image

from creator.models import Workspace
from media_processing import pdq
from media_processing.models import Asset
from search import copies
from search.models import CopyGroup, CopyScan, Embedding, KeptApart, Moment
from tests.fakes import FakeEmbedder
from tests.media_processing.test_pdq import recompressed, scene

RNG = np.random.default_rng(7)


def random_hash() -> str:
    return RNG.bytes(32).hex()


def flipped(text: str, count: int, start: int = 0) -> str:
    """The hash with `count` bits turned, from bit `start` on."""
    return f"{int(text, 16) ^ (((1 << count) - 1) << start):064x}"


class Shelf:
    """Puts assets with given hashes and vectors into a workspace and scans it."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace, self.embedder = workspace, FakeEmbedder()

    def put(self, *hashes: str, vector: np.ndarray | None = None, **fields: object) -> Asset:
        shots = len(hashes)
        plain = {
            "workspace": self.workspace, "kind": "image", "digest": uuid4().hex, "path": "x", "size": 1, "width": 100,
            "height": 100, "seconds": 0.0 if shots == 1 else float(shots),
        }  # fmt: skip
        asset = Asset.objects.create(**{**plain, **fields})
        for at, text in enumerate(hashes):
            moment = Moment.objects.create(workspace=self.workspace, asset=asset, start=at, end=at + 1, pdq=text)
            if vector is not None:
                blob = (vector / np.linalg.norm(vector)).astype("<f2").tobytes()
                Embedding.objects.create(moment=moment, model=self.embedder.card.digest, vector=blob)
        return asset

    def groups(self, kind: str = "copies") -> list[set[Asset]]:
        rows = CopyGroup.objects.filter(workspace=self.workspace, kind=kind)
        return [{member.asset for member in row.members.select_related("asset")} for row in rows]

    def scan(self, kind: str = "copies", **options: bool) -> list[set[Asset]]:
        copies.scan(self.workspace.pk, embedder=self.embedder, **options)
        return self.groups(kind)


@pytest.fixture
def shelf(db: None) -> Shelf:
    return Shelf(Workspace.objects.create(slug="copies", name="Copies"))


def test_pictures_whose_hashes_are_near_are_copies(shelf: Shelf) -> None:
    text = random_hash()
    one, same, near = shelf.put(text), shelf.put(text), shelf.put(flipped(text, pdq.NEAR))
    shelf.put(flipped(text, pdq.NEAR + 1, start=100))
    shelf.put(random_hash())
    assert shelf.scan() == [{one, same, near}]
    assert shelf.scan() == [{one, same, near}]


def test_real_pictures(shelf: Shelf) -> None:
    made = [pdq.hashed(picture).hex for picture in (scene(1), recompressed(scene(1)), scene(2))]
    one, copy, _other = (shelf.put(text) for text in made)
    assert shelf.scan() == [{one, copy}]


def test_a_chain_of_small_differences_is_no_group(shelf: Shelf) -> None:
    """Each is near the next, the ends are far apart: every group stays around one picture."""
    text = random_hash()
    chain = [shelf.put(flipped(text, 20 * step)) for step in range(7)]
    groups = shelf.scan()
    assert all(len(group) <= 3 for group in groups)
    for row in CopyGroup.objects.all():
        hashes = [member.asset.moments.get().pdq for member in row.members.all()]
        leader = row.leader.moments.get().pdq
        assert max(pdq.distance(leader, each) for each in hashes) <= pdq.NEAR
    assert sum(len(group) for group in groups) <= len(chain)


def test_the_largest_leads(shelf: Shelf) -> None:
    text = random_hash()
    shelf.put(text, width=10)
    large = shelf.put(flipped(text, 10), width=4000)
    shelf.put(flipped(text, 10, start=50))
    shelf.scan()
    assert CopyGroup.objects.get().leader == large


def test_what_is_new_joins_and_only_it_is_asked_for(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    text, other = random_hash(), random_hash()
    one, two, alone = shelf.put(text), shelf.put(text), shelf.put(other)
    assert shelf.scan() == [{one, two}]
    late, pair = shelf.put(flipped(text, 5)), shelf.put(other)
    asked: list[int] = []
    near = copies.Pictures.__call__
    monkeypatch.setattr(copies.Pictures, "__call__", lambda self, new: asked.extend(new) or near(self, new))
    assert sorted(shelf.scan(), key=len) == [{alone, pair}, {one, two, late}]
    # Once for copies, and the mirrored form once, of those that lead.
    assert len(asked) <= 4


def test_mirrored_pictures_are_look_alikes(shelf: Shelf) -> None:
    one = shelf.put(pdq.hashed(scene(4)).hex)
    other = shelf.put(pdq.hashed(scene(4).transpose(Image.Transpose.FLIP_LEFT_RIGHT)).hex)
    assert shelf.scan() == []
    assert shelf.groups("look-alikes") == [{one, other}]
    assert "mirrored" in CopyGroup.objects.get().members.values_list("form", flat=True)


def test_pictures_whose_vectors_are_close_are_look_alikes(shelf: Shelf) -> None:
    vector = RNG.standard_normal(64)
    one = shelf.put(random_hash(), vector=vector)
    two = shelf.put(random_hash(), vector=vector + 0.05 * RNG.standard_normal(64))
    shelf.put(random_hash(), vector=vector + 0.6 * RNG.standard_normal(64))
    assert shelf.scan("look-alikes") == [{one, two}]
    assert shelf.groups() == []


def test_of_copies_only_the_leader_is_a_look_alike(shelf: Shelf) -> None:
    vector, text = RNG.standard_normal(64), random_hash()
    large, copy = shelf.put(text, vector=vector, width=500), shelf.put(text, vector=vector)
    alike = shelf.put(random_hash(), vector=vector)
    assert shelf.scan() == [{large, copy}]
    assert shelf.groups("look-alikes") == [{large, alike}]


def test_another_model_tells_look_alikes_anew(shelf: Shelf) -> None:
    vector = RNG.standard_normal(64)
    shelf.put(random_hash(), vector=vector), shelf.put(random_hash(), vector=vector)
    assert shelf.scan("look-alikes")
    shelf.embedder = FakeEmbedder(digest="fake-2")
    assert shelf.scan("look-alikes") == []


def test_other_drawings_of_the_same_words_are_no_copies(shelf: Shelf) -> None:
    text = random_hash()
    first, second = ({"engine": "illustrator", "seed": seed, "scene": {"setting": "room"}} for seed in (1, 2))
    shelf.put(text, made_by=first)
    shelf.put(text, made_by=second)
    assert shelf.scan() == []
    larger = shelf.put(text, made_by=second, width=900)
    upload = shelf.put(text)
    (group,) = shelf.scan()
    assert larger in group or upload in group


def test_videos_are_compared_by_their_shots(shelf: Shelf) -> None:
    shots = [random_hash() for _ in range(6)]
    film = shelf.put(*shots, kind="video")
    copy = shelf.put(*(flipped(shot, 9) for shot in shots), kind="video", width=50)
    cut = shelf.put(*shots[:3], kind="video")
    shelf.put(*shots[4:], *(random_hash() for _ in range(6)), kind="video")
    shelf.put(shots[0])
    assert shelf.scan() == [{film, copy}]
    assert shelf.groups("look-alikes") == [{film, cut}]
    assert CopyGroup.objects.get(kind="look-alikes").members.get(asset=cut).form == "part"


def test_the_same_shot_at_another_length_is_no_copy(shelf: Shelf) -> None:
    text = random_hash()
    shelf.put(text, kind="video", seconds=10), shelf.put(text, kind="video", seconds=60)
    assert shelf.scan() == []


def test_without_a_hash_nothing_is_a_copy(shelf: Shelf) -> None:
    shelf.put(""), shelf.put("")
    assert shelf.scan() == []


def test_workspaces_are_apart(shelf: Shelf) -> None:
    text = random_hash()
    shelf.put(text)
    neighbour = Shelf(Workspace.objects.create(slug="neighbour", name="Neighbour"))
    neighbour.put(text)
    assert shelf.scan() == neighbour.scan() == []


class TestKeepingApart:
    def test_a_pair_is_never_shown_again(self, shelf: Shelf) -> None:
        text = random_hash()
        one, two = shelf.put(text), shelf.put(text)
        assert shelf.scan()
        assert copies.keep_apart(shelf.workspace.pk, [two.pk, one.pk]) == 1
        assert copies.keep_apart(shelf.workspace.pk, [one.pk, two.pk]) == 0
        assert shelf.groups() == shelf.scan() == shelf.scan(anew=True) == []

    def test_the_rest_of_a_group_stays(self, shelf: Shelf) -> None:
        text = random_hash()
        one, two, three = (shelf.put(text, width=900 - 100 * at) for at in range(3))
        shelf.scan()
        copies.keep_apart(shelf.workspace.pk, [two.pk, three.pk])
        (group,) = shelf.groups()
        assert one in group and len(group) == 2
        (group,) = shelf.scan(anew=True)
        assert one in group and len(group) == 2

    def test_what_is_new_never_meets_whom_it_was_kept_from(self, shelf: Shelf) -> None:
        text = random_hash()
        one, two = shelf.put(text), shelf.put(text)
        shelf.scan()
        late = shelf.put(text)
        one_first, other = sorted((one, late), key=lambda asset: asset.pk.hex)
        KeptApart.objects.create(workspace=shelf.workspace, one=one_first, other=other)
        assert shelf.scan() == [{one, two}]


def test_a_deleted_leader_sets_its_group_free(shelf: Shelf) -> None:
    text = random_hash()
    large, one, two = shelf.put(text, width=900), shelf.put(text), shelf.put(flipped(text, 3))
    shelf.scan()
    large.delete()
    assert shelf.scan() == [{one, two}]
    one.delete()
    assert shelf.scan() == []


def test_being_behind(shelf: Shelf) -> None:
    assert not copies.behind(shelf.workspace.pk)
    shelf.put("", kind="audio")
    assert not copies.behind(shelf.workspace.pk)
    shelf.put(random_hash())
    assert copies.behind(shelf.workspace.pk)
    shelf.scan()
    assert not copies.behind(shelf.workspace.pk)


def test_the_slower_of_two_scans_changes_nothing(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    text = random_hash()
    shelf.put(text), shelf.put(text)
    store = copies._store

    def slower(before: CopyScan, *rest: object) -> CopyScan:
        monkeypatch.setattr(copies, "_store", store)
        copies.scan(shelf.workspace.pk, embedder=shelf.embedder)
        return store(before, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(copies, "_store", slower)
    assert len(shelf.scan()) == 1


def test_a_picture_that_is_there_two_thousand_times(shelf: Shelf) -> None:
    """One leader, and no pairs between the others."""
    text = random_hash()
    rows = Asset.objects.bulk_create(
        Asset(workspace=shelf.workspace, kind="image", digest=uuid4().hex, path="x", size=1, width=9, height=9)
        for _ in range(2000)
    )
    Moment.objects.bulk_create(Moment(workspace=shelf.workspace, asset=row, pdq=text) for row in rows)
    (group,) = shelf.scan()
    assert len(group) == 2000
