"""Settings > Policy and Banned pictures: proposed by one, tried, activated by another; a ban withdraws."""

from __future__ import annotations

import io
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from creator.jobs import Work, claim
from creator.models import Job, Publication, Revision
from creator.services import publications, remoderating
from media_processing import pdq
from moderation import services as moderation
from moderation.models import BannedHash, PictureBank, Policy, Review, Sweep
from tests.conftest import Cast
from tests.factories import picture
from tests.media_processing.test_pdq import scene
from tests.past import Past, published

pytestmark = pytest.mark.django_db
PAGE, BANKS = "/settings/policies/", "/settings/banned/"


def signed_in(user: object) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")  # type: ignore[arg-type]
    return client


def work() -> None:
    """Do the sweeps that wait."""
    for job in Job.objects.filter(kind="sweep", state="waiting").order_by("pk"):
        claimed = claim(job.pk)
        assert claimed is not None
        remoderating.sweep(Work(claimed))
        Job.objects.filter(pk=job.pk).update(state="done")


def stricter() -> str:
    usual, wanted = "profanity: {review: 0.4, block: 0.9}", "profanity: {review: 0.3, block: 0.6}"
    return moderation.shipped_yaml().replace(usual, wanted)


def file_of(image: Image.Image) -> SimpleUploadedFile:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return SimpleUploadedFile("p.png", buffer.getvalue(), "image/png")


def test_from_a_proposal_to_a_withdrawn_story(cast: Cast) -> None:
    channel = publications.default_channel(cast.workspace)
    published(cast.workspace, cast.alice, [Past("What a load of bullshit.", channel=channel)])
    ada, mo = signed_in(cast.ada), signed_in(cast.mo)
    answer = ada.post(PAGE, {"do": "propose", "yaml": stricter(), "note": "Readers asked"})
    assert answer["Location"] == f"{PAGE}2/"
    shown = ada.get(f"{PAGE}2/").content.decode()
    assert "surfaces → site → profanity → block" in shown
    assert "You proposed it" in shown
    work()
    shown = mo.get(f"{PAGE}2/").content.decode()
    assert "What a load of bullshit." in shown
    assert "withdrawn" in shown
    assert ada.post(f"{PAGE}2/", {"do": "activate"}).status_code == 422
    assert not Policy.objects.get(version=2).active
    assert mo.post(f"{PAGE}2/", {"do": "activate"}).status_code == 302
    work()
    assert Publication.objects.get().withdrawn is not None
    assert [sweep.cause for sweep in Sweep.objects.filter(dry=False)] == ["policy"]
    assert "1, 0, 0" not in mo.get(PAGE).content.decode()


def test_what_was_typed_stays_beside_its_fault(cast: Cast) -> None:
    answer = signed_in(cast.ada).post(PAGE, {"do": "propose", "yaml": "surfaces: {mine: 1}", "note": "Mine & yours"})
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "surfaces: {mine: 1}" in shown
    assert "Mine &amp; yours" in shown
    assert "lacks internal, site, app, ads" in shown
    assert Policy.objects.count() == 1


@pytest.mark.parametrize("sent", [
    {"do": "propose", "file": SimpleUploadedFile("p.yaml", b"\xff\xfe\x00")}, {"do": "propose", "yaml": "\x00"},
    {"do": "activate"},
])  # fmt: skip
def test_what_makes_no_sense_is_refused(cast: Cast, sent: dict[str, object]) -> None:
    assert signed_in(cast.mo).post(PAGE, sent).status_code == 422


def test_a_version_goes_out_as_yaml_and_comes_in_as_a_file(cast: Cast) -> None:
    client = signed_in(cast.ada)
    client.get(PAGE)
    content = client.get(f"{PAGE}1.yaml").content
    assert moderation.from_yaml(content.decode()) == moderation.shipped_rules()
    assert client.post(PAGE, {"do": "propose", "file": SimpleUploadedFile("p.yaml", content)}).status_code == 302
    assert Policy.objects.get(version=2).rules == moderation.shipped_rules()
    assert client.get(f"{PAGE}7.yaml").status_code == 404


def test_a_ban_withdraws_and_a_list_comes_in(cast: Cast) -> None:
    channel = publications.default_channel(cast.workspace)
    published(cast.workspace, cast.alice, [
        Past("Hoax", pdq.forms(scene(1)), channel), Past("Other", pdq.forms(scene(2)), channel),
        Past("Third", pdq.forms(scene(3)), channel),
    ])  # fmt: skip
    mo = signed_in(cast.mo)
    sent = {"do": "ban", "picture": file_of(scene(1)), "note": "A hoax", "days": "30"}
    assert mo.post(BANKS, sent).status_code == 302
    work()
    lines = f"raw_indicator\n{pdq.hashed(scene(2)).hex}\nnonsense\n".encode()
    answer = mo.post(BANKS, {"do": "import", "name": "Given", "file": SimpleUploadedFile("l.csv", lines)}, follow=True)
    assert "1 refused: entry 2" in answer.content.decode()
    work()
    titles = Publication.objects.filter(withdrawn__isnull=False).values_list("story__title", flat=True)
    assert set(titles) == {"Hoax", "Other"}
    bank = PictureBank.objects.get(name="Given")
    assert b"".join(mo.get(f"{BANKS}{bank.pk}.json").streaming_content).count(b"HASH_PDQ") == 1
    row = BannedHash.objects.get(note="A hoax")
    assert row.expires is not None
    row.quarantined = row.created
    row.save()
    shown = mo.get(BANKS).content.decode()
    for said in ("It is right: ban again", "A ban", "passes → blocked, withdrawn"):
        assert said in shown
    assert mo.post(BANKS, {"do": "release", "hash": row.pk}).status_code == 302
    row.refresh_from_db()
    assert (row.quarantined, row.cleared) == (None, True)


def test_a_ban_is_lifted_from_its_page_by_two_and_what_it_withdrew_waits_for_a_person(cast: Cast) -> None:
    channel = publications.default_channel(cast.workspace)
    (story,) = published(cast.workspace, cast.alice, [Past("Hoax", pdq.forms(scene(1)), channel)])
    mo, ada = signed_in(cast.mo), signed_in(cast.ada)
    mo.post(BANKS, {"do": "ban", "picture": file_of(scene(1)), "note": "A hoax"})
    work()
    row = BannedHash.objects.get()
    address = mo.post(BANKS, {"do": "lift", "hash": row.pk})["Location"]
    assert "is proposed already" in mo.post(BANKS, {"do": "lift", "hash": row.pk}).content.decode()
    assert mo.post(address, {"act": "agree"}).status_code == 403
    assert ada.post(address, {"act": "agree"}).status_code == 302
    assert not BannedHash.objects.exists()
    case = Review.objects.get(story=story, kind="recheck", state="open")
    assert Publication.objects.get().withdrawn is not None
    Revision.objects.update(document={"title": "Hoax", "format": "card:1x1", "scenes": []})
    page = ada.get(f"/admin/review/{case.pk}/").content.decode()
    assert ("Let it through" in page, "Keep online" in page, "(Banned picture)" in page) == (True, False, True)
    grounds = {"reason": "false_alarm", "clause": "banned", "note": "It is no hoax."}
    for reviewer in (mo, ada):  # a banned picture takes two
        case.refresh_from_db()
        said = {"verb": "approve", "version": case.version, **grounds}
        answer = reviewer.post(f"/admin/review/{case.pk}/", said, follow=True)
    assert "Let through: Hoax" in answer.content.decode()
    story.refresh_from_db()
    assert story.state == "approved"


def test_a_picture_of_the_library_is_banned_by_its_address(cast: Cast) -> None:
    asset, foreign = picture(cast.workspace), picture(cast.other, "red")
    mo = signed_in(cast.mo)
    refused = mo.post(BANKS, {"do": "ban", "note": "No", "asset": f"http://here/library/{asset.pk}/"})
    assert "too plain" in refused.content.decode()
    assert mo.post(BANKS, {"do": "ban", "note": "No", "asset": str(foreign.pk)}).status_code == 404
    assert mo.post(BANKS, {"do": "ban", "note": "No", "asset": "nonsense"}).status_code == 422
    assert mo.post(BANKS, {"do": "ban", "note": " ", "asset": str(asset.pk)}).status_code == 422
    assert mo.post(BANKS, {"do": "ban", "note": "No", "asset": str(uuid.uuid4())}).status_code == 404
    assert not BannedHash.objects.exists()
