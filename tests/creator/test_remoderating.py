"""Past content is weighed again when a policy, a judge or a bank changes; what a dry run lists is what then happens."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from creator.models import AuditEntry, Channel, Job, Publication, Revision, Story
from creator.services import judging, publications, remoderating
from media_processing import pdq
from media_processing import services as media
from media_processing.engine import EngineError, engines
from moderation import picture_banks, policies, verdicts
from moderation import services as moderation
from moderation.engines.base import Opinion, TextJudge
from moderation.models import BannedHash, Part, Policy, Review, Sweep, Verdict
from tests.conftest import Cast
from tests.media_processing.makers import picture_bytes
from tests.media_processing.test_pdq import recompressed, scene
from tests.past import Past, published

pytestmark = pytest.mark.django_db

MILD, ROUGH, GRAVE = "The ferry runs again.", "What a load of bullshit.", "I will kill you."


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return publications.default_channel(cast.workspace)


def proposed(cast: Cast, **thresholds: float) -> Policy:
    """A version that differs for profanity on the site."""
    moderation.active_policy(cast.workspace.pk)
    rules: dict[str, Any] = copy.deepcopy(moderation.shipped_rules())
    rules["surfaces"]["site"]["profanity"] = thresholds
    return moderation.new_version(cast.workspace.pk, rules, note="Stricter", created_by_id=cast.ada.pk)


def states(stories: list[Story]) -> list[str]:
    """Of each story: live or withdrawn, and the kinds of its open cases."""
    told = []
    for story in stories:
        publication = Publication.objects.filter(story=story).first()
        where = "none" if publication is None else "gone" if publication.withdrawn else "live"
        cases = Review.objects.filter(story=story, state="open").values_list("kind", flat=True)
        told.append(" ".join([where, *cases]))
    return told


class TestPolicy:
    def test_a_dry_run_lists_exactly_what_activation_then_does(self, cast: Cast, channel: Channel) -> None:
        ads = Channel.objects.create(workspace=cast.workspace, slug="ads", name="Ads", surface="ads")
        stories = published(cast.workspace, cast.alice, [
            Past(MILD, channel=channel), Past(ROUGH, channel=channel), Past(ROUGH + " Really."),
            Past(ROUGH + " Honest.", channel=ads),
        ])  # fmt: skip
        others = published(cast.other, cast.charlie, [Past(ROUGH, channel=publications.default_channel(cast.other))])
        policy = proposed(cast, review=0.3, block=0.6)
        dry = remoderating.dry_run(policy, by=cast.ada)
        assert states(stories) == ["live", "live", "none", "live"], "a dry run changes nothing"
        assert [change["act"] for change in dry.changes] == ["withdraw", "hold"]
        assert (dry.before, dry.after) == ({"pass": 1, "review": 2, "block": 1}, {"pass": 1, "review": 0, "block": 3})
        remoderating.activate(policy, by=cast.mo)
        real = remoderating.sweep_policy(cast.workspace)
        assert real.changes == dry.changes
        assert (real.before, real.after) == (dry.before, dry.after)
        assert states(stories) == ["live", "gone recheck", "none recheck", "live"]
        assert states(others) == ["live"]
        withdrawn = Publication.objects.get(story=stories[1])
        assert "Policy 2, profanity (headline)" in withdrawn.reason
        assert AuditEntry.objects.filter(action="publication.withdraw", subject=f"publication:{withdrawn.pk}").exists()

    def test_a_second_sweep_finds_nothing_new(self, cast: Cast, channel: Channel) -> None:
        stories = published(cast.workspace, cast.alice, [Past(MILD, channel=channel), Past(ROUGH, channel=channel)])
        policy = proposed(cast, review=0.3, block=0.6)
        remoderating.dry_run(policy)
        remoderating.activate(policy, by=cast.mo)
        remoderating.sweep_policy(cast.workspace)
        before = states(stories)
        again = remoderating.sweep_policy(cast.workspace)
        assert again.changes == []
        assert states(stories) == before

    def test_what_broke_off_is_made_good_by_the_next(
        self, cast: Cast, channel: Channel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stories = published(cast.workspace, cast.alice, [Past(f"{ROUGH} {n}", channel=channel) for n in range(3)])
        policy = proposed(cast, review=0.3, block=0.6)
        remoderating.dry_run(policy)
        remoderating.activate(policy, by=cast.mo)
        real, done = publications.withdraw, []

        def breaks(publication: Publication, **said: Any) -> None:
            if len(done) == 1:
                raise RuntimeError("The power went.")
            done.append(publication.pk)
            real(publication, **said)

        monkeypatch.setattr(publications, "withdraw", breaks)
        with pytest.raises(RuntimeError):
            remoderating.sweep_policy(cast.workspace)
        assert Sweep.objects.get(dry=False).state == "failed"
        monkeypatch.setattr(publications, "withdraw", real)
        rest = remoderating.sweep_policy(cast.workspace)
        assert len(rest.changes) == 2
        assert states(stories) == ["gone recheck"] * 3

    def test_a_milder_policy_touches_nothing(self, cast: Cast, channel: Channel) -> None:
        stories = published(cast.workspace, cast.alice, [Past(ROUGH, channel=channel)])
        policy = proposed(cast, review=0.9)
        dry = remoderating.dry_run(policy)
        assert [(change["before"], change["after"], change["act"]) for change in dry.changes] == [
            ("review", "pass", "")
        ]
        remoderating.activate(policy, by=cast.mo)
        remoderating.sweep_policy(cast.workspace)
        assert states(stories) == ["live"]

    def test_a_policy_that_asks_for_a_look_leaves_it_live(self, cast: Cast, channel: Channel) -> None:
        ads = Channel.objects.create(workspace=cast.workspace, slug="in", name="Inside", surface="internal")
        stories = published(cast.workspace, cast.alice, [Past(ROUGH, channel=ads)])
        rules = copy.deepcopy(moderation.shipped_rules())
        rules["surfaces"]["internal"]["profanity"] = {"review": 0.3}
        moderation.active_policy(cast.workspace.pk)
        policy = moderation.new_version(cast.workspace.pk, rules, created_by_id=cast.ada.pk)
        remoderating.dry_run(policy)
        remoderating.activate(policy, by=cast.mo)
        remoderating.sweep_policy(cast.workspace)
        assert states(stories) == ["live recheck"]

    def test_what_a_person_kept_under_the_new_policy_stays(self, cast: Cast, channel: Channel) -> None:
        stories = published(cast.workspace, cast.alice, [Past(ROUGH, channel=channel)])
        policy = proposed(cast, review=0.3, block=0.6)
        remoderating.dry_run(policy)
        remoderating.activate(policy, by=cast.mo)
        remoderating.sweep_policy(cast.workspace)
        case = Review.objects.get(story=stories[0], state="open")
        moderation.decide(
            case, person=cast.mo, verb="keep", version=case.version, reason="public_interest", clause="profanity",
            note="A quotation.",
        )  # fmt: skip
        Publication.objects.update(withdrawn=None)
        assert remoderating.sweep_policy(cast.workspace).changes == []
        assert states(stories) == ["live"]

    def test_without_a_dry_run_it_is_not_activated(self, cast: Cast) -> None:
        policy = proposed(cast, review=0.3)
        with pytest.raises(EngineError, match="dry run"):
            remoderating.activate(policy, by=cast.mo)

    def test_a_dry_run_against_an_older_policy_does_not_count(self, cast: Cast) -> None:
        first, second = proposed(cast, review=0.3), proposed(cast, review=0.2)
        remoderating.dry_run(second)
        remoderating.dry_run(first)
        remoderating.activate(first, by=cast.mo)
        with pytest.raises(EngineError, match="dry run"):
            remoderating.activate(second, by=cast.mo)

    def test_the_proposer_is_refused_even_after_a_dry_run(self, cast: Cast) -> None:
        policy = proposed(cast, review=0.3)
        remoderating.dry_run(policy, by=cast.ada)
        with pytest.raises(EngineError, match="doesn't activate"):
            remoderating.activate(policy, by=cast.ada)
        policies.activate(policy, by_id=cast.mo.pk)


class GraverJudge(TextJudge):
    """The second version of a judge: it sees threats where the first saw none."""

    title, categories, starter, leaves_the_machine = "Graver", ("violence",), True, False

    @property
    def model(self) -> str:
        return "graver-2"

    def _judge(self, text: str, *, language: str) -> Opinion:
        return Opinion(scores={"violence": 0.95 if "ferry" in text else 0.0})


class TestJudges:
    def test_a_new_judge_looks_at_what_is_live(self, cast: Cast, channel: Channel, settings: Any) -> None:
        stories = published(cast.workspace, cast.alice, [Past(MILD, channel=channel), Past("Bread.", channel=channel)])
        graver = {"BACKEND": f"{GraverJudge.__module__}.{GraverJudge.__qualname__}"}
        texts = {**settings.ENGINES["text_judge"], "graver": graver}
        settings.ENGINES = {**settings.ENGINES, "text_judge": texts}
        sweep = remoderating.sweep_judges(cast.workspace)
        engines.forget()
        assert (sweep.before, sweep.after) == (
            {"pass": 2, "review": 0, "block": 0}, {"pass": 1, "review": 0, "block": 1}
        )  # fmt: skip
        assert states(stories) == ["gone recheck", "live"]
        kept = Verdict.objects.get(engine="graver", scores__violence__gt=0)
        assert (kept.model, kept.content) == ("graver-2/en", moderation.content_of(MILD))


    def test_another_search_model_has_pictures_looked_at_anew(self, cast: Cast, settings: Any) -> None:
        """Of the judges only `clip` reads embeddings: its opinions are out of date, the others' aren't."""
        clip = {"BACKEND": "moderation.engines.clip.ClipJudge"}
        one, two = ({"BACKEND": "tests.fakes.FakeEmbedder", "OPTIONS": {"digest": name * 16}} for name in "ab")
        judges = {**settings.ENGINES["picture_judge"], "clip": clip}
        settings.ENGINES = {**settings.ENGINES, "picture_judge": judges, "embedder": {"fake": one}}
        (story,) = published(cast.workspace, cast.alice, [
            Past(MILD, self.forms(), publications.default_channel(cast.workspace))
        ])  # fmt: skip
        part = Part.objects.get(story=story, kind="picture")
        Verdict.objects.create(
            workspace=cast.workspace, content=part.content, kind="picture", engine="clip", scores={"violence": 0.0},
            model=f"{engines['picture_judge', 'clip'].steady_model}-{'a' * 12}",
        )  # fmt: skip

        def opinions() -> set[str]:
            remoderating.sweep_judges(cast.workspace)
            return set(Verdict.objects.filter(engine="clip").values_list("model", flat=True))

        before = opinions()
        assert len(before) == 1
        remoderating.ask_where_judges_changed()
        asked = Job.objects.filter(kind="sweep")
        asked.update(state=Job.State.DONE)
        remoderating.ask_where_judges_changed()
        assert asked.count() == 1
        settings.ENGINES = {**settings.ENGINES, "embedder": {"fake": two}}
        remoderating.ask_where_judges_changed()
        assert asked.count() == 2
        assert len(opinions() - before) == 1

    def forms(self) -> pdq.Forms:
        return pdq.forms(scene(1))


class TestBans:
    def forms(self, number: int) -> pdq.Forms:
        return pdq.forms(scene(number))

    def test_every_match_is_withdrawn_also_turned_and_recompressed(self, cast: Cast, channel: Channel) -> None:
        copies = [scene(1), recompressed(scene(1)).convert("RGB"), scene(1).transpose(Image.Transpose.ROTATE_90)]
        stories = published(cast.workspace, cast.alice, [
            *(Past(f"Copy {n}", pdq.forms(each), channel) for n, each in enumerate(copies)),
            *(Past(f"Other {n}", self.forms(n), channel) for n in range(2, 40)),
        ])  # fmt: skip
        theirs = published(
            cast.other, cast.charlie, [Past("Theirs", self.forms(1), publications.default_channel(cast.other))]
        )
        row = moderation.ban(cast.workspace.pk, scene(1), note="A hoax")
        sweep = remoderating.sweep_bans(cast.workspace, [row], by=cast.mo)
        assert states(stories) == ["gone recheck"] * 3 + ["live"] * 38
        assert states(theirs) == ["live"]
        assert (sweep.cause, len(sweep.changes), sweep.after["block"]) == ("bank", 3, 3)
        assert sweep.asked_by == cast.mo

    def test_a_hash_that_matches_too_much_withdraws_nothing(self, cast: Cast, channel: Channel) -> None:
        bank = moderation.own_bank(cast.workspace.pk)
        bank.most_matches = 2
        bank.save()
        flips = [np.eye(1, 32, n, dtype=np.uint8)[0] for n in range(3)]
        near = [pdq.Forms(self.forms(1).bits ^ flip, 100) for flip in flips]
        stories = published(
            cast.workspace, cast.alice, [Past(f"Copy {n}", each, channel) for n, each in enumerate(near)]
        )
        row = moderation.ban(cast.workspace.pk, scene(1), note="The weather map")
        row.refresh_from_db()
        assert row.quarantined is not None
        remoderating.sweep_bans(cast.workspace, [row])
        assert states(stories) == ["live"] * 3
        # It still asks for a look, so that a flood of copies can't free a banned picture.
        (verdict,) = moderation.judge_picture(cast.workspace.pk, "b" * 64, scene(1))
        assert verdict.scores == {"banned": 0.5}
        picture_banks.release(row)
        remoderating.sweep_bans(cast.workspace, [row])
        assert states(stories) == ["gone recheck"] * 3

    def test_a_flood_of_matches_sends_a_hash_to_quarantine_while_pictures_come(self, cast: Cast) -> None:
        bank = moderation.own_bank(cast.workspace.pk)
        bank.most_matches = 2
        bank.save()
        moderation.ban(cast.workspace.pk, scene(1), note="A logo")
        scores = [
            moderation.judge_picture(cast.workspace.pk, f"{number:064x}", scene(1))[0].scores["banned"]
            for number in range(4)
        ]
        assert scores == [1.0, 1.0, 0.5, 0.5]
        assert BannedHash.objects.get().matches.count() == 3

    @pytest.mark.parametrize("how", ["enabled", "expires"])
    def test_a_bank_that_is_off_bans_nothing(self, cast: Cast, how: str) -> None:
        row = moderation.ban(cast.workspace.pk, scene(1), note="A hoax")
        bank = row.bank
        assert moderation.judge_picture(cast.workspace.pk, "c" * 64, scene(1))[0].scores == {"banned": 1.0}
        setattr(bank, how, False if how == "enabled" else bank.created)
        bank.save()
        assert moderation.judge_picture(cast.workspace.pk, "c" * 64, scene(1))[0].scores == {"banned": 0.0}


    def test_what_was_published_before_hashes_were_kept_is_found_too(self, cast: Cast, channel: Channel) -> None:
        asset, _ = media.store_asset(
            cast.workspace.pk, picture_bytes(scene(5), "PNG"), title="Old", licence="CC0", domain="illustrations"
        )
        (story,) = published(cast.workspace, cast.alice, [Past(MILD, channel=channel)])
        Part.objects.all().delete()
        shown = {"title": MILD, "scenes": [{"narration": "It runs.", "picture": asset.digest}]}
        Revision.objects.filter(story=story).update(document=shown)
        row = moderation.ban(cast.workspace.pk, scene(5), note="A hoax")
        remoderating.sweep_bans(cast.workspace, [row])
        assert states([story]) == ["gone recheck"]


class TestParts:
    def test_a_submission_from_before_there_were_parts_is_read_from_its_document(
        self, cast: Cast, channel: Channel
    ) -> None:
        (story,) = published(cast.workspace, cast.alice, [Past(ROUGH, channel=channel)])
        Part.objects.all().delete()
        policy = proposed(cast, review=0.3, block=0.6)
        remoderating.dry_run(policy)
        assert [part.where for part in Part.objects.filter(story=story)] == ["headline"]

    def test_pixels_are_not_decoded_when_all_is_known(
        self, cast: Cast, channel: Channel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        published(cast.workspace, cast.alice, [Past(MILD, pdq.forms(scene(3)), channel)])
        monkeypatch.setattr(judging, "look_at", lambda _part: pytest.fail("A picture was asked for."))
        assert remoderating.sweep_policy(cast.workspace).changes == []

    def test_what_judges_said_later_does_not_count_as_known(self, cast: Cast) -> None:
        (verdict,) = moderation.judge_picture(cast.workspace.pk, "d" * 64, scene(4))
        stored = verdicts.stored_verdicts(cast.workspace.pk, ["d" * 64])
        assert verdicts.as_of(stored, "d" * 64, "", verdict.created) == [verdict]
        earlier = Review.DAY_ZERO
        assert verdicts.as_of(stored, "d" * 64, "", earlier) == []


def test_a_large_bank_is_mapped_from_a_file_that_follows_it(cast: Cast, settings: Any) -> None:
    row = moderation.ban(cast.workspace.pk, scene(1), note="A hoax")
    first = picture_banks.bank_of(cast.workspace.pk)
    assert isinstance(first.columns.base, np.memmap | np.ndarray)
    assert picture_banks.bank_of(cast.workspace.pk) is first
    moderation.ban(cast.workspace.pk, scene(2), note="Another")
    second = picture_banks.bank_of(cast.workspace.pk)
    assert (len(first), len(second)) == (1, 2)
    folder = Path(settings.CACHE_ROOT) / "banks" / str(cast.workspace.pk)
    assert [each.name for each in folder.iterdir()] == [second.name]
    row.delete()
    assert len(picture_banks.bank_of(cast.workspace.pk)) == 1
    BannedHash.objects.all().delete()
    assert len(picture_banks.bank_of(cast.workspace.pk)) == 0
