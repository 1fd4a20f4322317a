"""Banks of hashes go out and come in as others have them; what makes no sense is refused line by line."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from media_processing import pdq
from media_processing.engine import EngineError
from moderation import picture_banks
from moderation import services as moderation
from moderation.models import BannedHash, PictureBank, PictureHash
from moderation.verdicts import METHOD
from tests.conftest import Cast
from tests.media_processing.test_pdq import scene

pytestmark = pytest.mark.django_db

ONE, TWO = pdq.hashed(scene(1)).hex, pdq.hashed(scene(2)).hex


@pytest.fixture
def bank(cast: Cast) -> PictureBank:
    return PictureBank.objects.create(workspace=cast.workspace, name="Given", source="A partner")


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_goes_out_comes_in_again(bank: PictureBank, cast: Cast, form: str) -> None:
    ends = datetime(2031, 11, 23, tzinfo=UTC)
    BannedHash.objects.create(
        workspace=cast.workspace, bank=bank, pdq=ONE, category="terror", note="=1+1, “quoted”\nतस्वीर", expires=ends,
        source="  @partner",
    )  # fmt: skip
    BannedHash.objects.create(workspace=cast.workspace, bank=bank, pdq=TWO, note="'tis his own")
    written = "".join(moderation.exported(bank, form))
    other = PictureBank.objects.create(workspace=cast.other, name="Theirs")
    taken = moderation.import_hashes(other, written.encode())
    assert (taken.new, taken.known, taken.refused) == (2, 0, [])
    said = [(row.pdq, row.category, row.note, row.source, row.expires) for row in other.hashes.order_by("pk")]
    assert said == [
        (ONE, "terror", "=1+1, “quoted”\nतस्वीर", "  @partner", ends), (TWO, "banned", "'tis his own", "", None),
    ]  # fmt: skip
    assert moderation.import_hashes(other, written.encode()).known == 2
    if form == "csv":
        assert "'=1+1" in written, "a cell that begins like a formula is made harmless"
        assert "'  @partner" in written
    else:
        assert json.loads(written)["data"][0]["type"] == "HASH_PDQ"


def test_what_threatexchange_answers_is_taken(bank: PictureBank) -> None:
    answer = {"data": [
        {"id": "1", "raw_indicator": ONE.upper(), "type": "HASH_PDQ", "tags": ["hoax"], "expired_on": 1953072000},
        {"id": "2", "raw_indicator": TWO, "type": "HASH_MD5"}, {"raw_indicator": "0" * 64, "type": "HASH_PDQ"},
        {"raw_indicator": "f" * 63, "type": "HASH_PDQ"}, {"type": "HASH_PDQ"}, 7,
    ]}  # fmt: skip
    taken = moderation.import_hashes(bank, json.dumps(answer).encode())
    assert (taken.new, taken.refused_count) == (1, 5)
    assert taken.refused[:2] == [
        "entry 2: it is a HASH_MD5 and no PDQ hash",
        "entry 3: it is the hash of a flat picture, which matches whatever is plain",
    ]
    (row,) = bank.hashes.all()
    assert (row.pdq, row.category, row.source, row.expires) == (
        ONE, "hoax", "A partner", datetime(2031, 11, 22, tzinfo=UTC)
    )  # fmt: skip


@pytest.mark.parametrize("date", [10**400, 1e300, float("nan"), "9" * 40, "soon", [2031], -1e20])
def test_a_date_that_is_none_refuses_its_line(bank: PictureBank, date: object) -> None:
    said = [{"raw_indicator": ONE, "expired_on": date}, {"raw_indicator": TWO, "description": "a\x00b\ud800c"}]
    taken = moderation.import_hashes(bank, json.dumps(said).encode())
    assert (taken.new, taken.refused_count) == (1, 1)
    assert bank.hashes.get().note == "a\ufffdb\ufffdc"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"name,age\n", b"{", b'{"data": 3}', b"[" * 9_999, b"\x00"])
def test_a_file_that_is_no_list_is_refused(bank: PictureBank, content: bytes) -> None:
    with pytest.raises(EngineError, match="no list of hashes"):
        moderation.import_hashes(bank, content)


def test_another_version_for_each_change(bank: PictureBank, cast: Cast) -> None:
    versions = []

    def noted() -> None:
        bank.refresh_from_db()
        versions.append(bank.version)

    noted()
    row = BannedHash.objects.create(workspace=cast.workspace, bank=bank, pdq=ONE)
    noted()
    row.note = "Else"
    row.save()
    noted()
    BannedHash.objects.filter(pk=row.pk).update(category="hoax")
    noted()
    BannedHash.objects.bulk_create([BannedHash(workspace=cast.workspace, bank=bank, pdq=TWO)])
    noted()
    row.delete()
    noted()
    bank.hashes.all().delete()
    noted()
    assert versions == sorted(set(versions))


def test_many_hashes_are_compared_as_a_bank(cast: Cast, bank: PictureBank) -> None:
    """More hashes than pictures: the same matches as one by one."""
    for number in range(3):
        forms = pdq.forms(scene(number))
        PictureHash.objects.create(
            workspace=cast.workspace, content=f"{number:064x}", method=METHOD, forms=forms.bits.tobytes(), quality=100
        )
    PictureHash.objects.create(
        workspace=cast.workspace, content="f" * 64, method=METHOD, forms=pdq.forms(scene(1)).bits.tobytes(), quality=10
    )
    rows = BannedHash.objects.bulk_create(
        BannedHash(workspace=cast.workspace, bank=bank, pdq=pdq.hashed(scene(number)).hex) for number in range(1, 9)
    )
    assert picture_banks.matching(cast.workspace.pk, rows) == {f"{1:064x}", f"{2:064x}"}
    one_by_one = {each for row in rows for each in picture_banks.matching(cast.workspace.pk, [row])}
    assert one_by_one == {f"{1:064x}", f"{2:064x}"}
