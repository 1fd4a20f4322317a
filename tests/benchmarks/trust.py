"""Verdicts: a text, a picture's hash, and a bank of banned pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image

from tests.benchmarks.harness import (
    Clock,
    Figure,
    at_least,
    at_most,
    missing,
    p50,
    plain,
    team,
    times_of,
)

BANNED = 1_000_000
PUBLISHED = 10_000


def cpu_of(do: Callable[[], Any], *, runs: int, warm: int = 2) -> list[float]:
    """Seconds of the processor of each run, after some that don't count."""
    for _ in range(warm):
        do()
    taken = []
    for _ in range(runs):
        with Clock() as clock:
            do()
        taken.append(clock.cpu)
    return taken


def figures() -> Iterator[Figure]:
    from creator.services import samples
    from media_processing import pdq
    from media_processing.engine import engines
    from moderation.folding import fold

    text = samples.article().decode() if isinstance(samples.article(), bytes) else str(samples.article())
    judge = engines["text_judge", "rules"]
    taken = times_of(lambda: judge.judge(text, language="en"), runs=20)
    words = len(text.split())
    folding = 1000 * p50(times_of(lambda: fold(text), runs=20))
    against = f"folding its letters alone: {folding:.2f} ms"
    yield at_most(f"trust: verdict on a text of {words} words", 1000 * p50(taken), "ms", 50.0, against)

    rng = np.random.default_rng(7)
    noise = Image.fromarray(rng.integers(0, 255, (120, 80, 3), np.uint8)).resize((1080, 1620), Image.Resampling.BICUBIC)
    ours = 1000 * p50(cpu_of(lambda: pdq.hashed(noise), runs=15))
    name = "trust: PDQ hash of a picture of 1080x1620 (CPU)"
    try:
        import pdqhash  # type: ignore[import-not-found]  # builds from source: there where a compiler is
    except ImportError:
        yield at_most(name, ours, "ms", 100.0, "pdqhash (C++) isn't installed here")
    else:
        pixels = np.asarray(noise)
        theirs = 1000 * p50(cpu_of(lambda: pdqhash.compute(pixels), runs=15))
        yield at_most(name, ours, "ms", 100.0, f"pdqhash (C++): {theirs:.1f} ms")

    yield from _bank(rng, noise)
    yield from _lines()
    yield from _past(rng)
    yield from _video()


def _bank(rng: np.random.Generator, noise: Image.Image) -> Iterator[Figure]:
    """A picture against a bank of a million, in all its forms; and the whole verdict beside the embedding."""
    from media_processing import pdq
    from media_processing.engine import engines
    from moderation.engines.base import Look, Sight
    from moderation.engines.clip import ClipJudge
    from moderation.engines.hashes import HashesJudge

    packed = rng.bytes(32 * BANNED)
    none = np.zeros(BANNED, np.uint64)
    bank = pdq.HashBank("million", pdq.columns_of(packed), none, none, (("banned", True),))
    forms = pdq.forms(noise)
    scan = 1000 * p50(cpu_of(lambda: bank.nearest(forms.bits), runs=7))
    few = pdq.HashBank("few", bank.columns[:, :2000], none[:2000], none[:2000], bank.kinds)
    rows = [few.columns[:, at].tobytes().hex() for at in range(2000)]
    loop = 1000 * p50(cpu_of(lambda: min(pdq.distance(forms.hex, each) for each in rows), runs=3, warm=1))
    against = f"one by one in Python, one form of eight: {loop * BANNED / 2000:.0f} ms (2,000 of them, times 500)"
    yield at_most(f"trust: a picture's eight forms against {BANNED:,} banned hashes (CPU)", scan, "ms", 60.0, against)
    planted = bank.columns[:, 123_456].copy().view(np.uint8).reshape(1, 32)
    match = bank.nearest(planted)
    if match is None or match.distance != 0:
        yield missing("trust: broke", "", "the bank doesn't find its own hash")

    embedder = engines["embedder"]
    (vector,) = embedder.embed_pictures([noise])
    sight = Sight(
        vector, embedder.card.digest, "illustrations", embedder.card.domains, embedder.embed_texts, embedder.understood
    )
    hashes, clip, rules, personal = HashesJudge("hashes"), ClipJudge("clip"), engines["text_judge", "rules"], engines[
        "text_judge", "personal"
    ]  # fmt: skip
    title = "A ferry crosses the harbour at night, and people wave from the pier."

    def verdict() -> None:
        look = Look(noise, sight=sight)
        with hashes.use_bank(bank):
            hashes.judge(look)
        clip.judge(look)
        rules.judge(title)
        personal.judge(title)

    verdict()
    embedding = 1000 * p50(cpu_of(lambda: embedder.embed_pictures([noise]), runs=7))
    whole = 1000 * p50(cpu_of(verdict, runs=9))
    against = f"the embedding, which search made anyway: {embedding:.1f} ms"
    name = f"trust: verdict on a picture of 1080x1620: hash against {BANNED:,}, clip, and its title by the rules (CPU)"
    yield at_most(name, whole, "ms", 60.0, against)


def _lines() -> Iterator[Figure]:
    """Precision and recall on the written lines, and how quick the whole bank is."""
    from tests.moderation.measuring import PARTS, RULES, measure, written

    for part in (None, *range(len(PARTS))):
        done = measure(part)
        name = f"{done.lines} written lines" + (f" ({PARTS[part]})" if part is not None else "")
        against = f"recall {done.recall:.3f}, its category {done.named:.3f}"
        if part is None:
            yield at_least(f"trust: precision of the text judges on {name}", done.precision, "", 0.95, against)
            yield at_least(f"trust: recall on {name}", done.recall, "", 0.85)
        else:
            yield plain(f"trust: precision of the text judges on {name}", done.precision, "", against)
    prose = " ".join(line.text for line in written() if line.language == "en")
    prose = (prose * (1 + 100_000 // len(prose)))[:100_000]
    taken = p50(cpu_of(lambda: RULES.judge(prose), runs=3, warm=1))
    yield at_most("trust: the rules on 100,000 characters (CPU)", taken, "s", 1.5)


def _past(rng: np.random.Generator) -> Iterator[Figure]:
    """10,000 published stories, and a hash that bans the picture of 100 of them, in 50 slightly different copies."""
    from creator.models import Publication
    from creator.services import publications, remoderating
    from media_processing import pdq
    from moderation.models import BannedHash
    from tests.past import Past, published

    workspace, person = team("trust")
    channel = publications.default_channel(workspace)
    banned = rng.integers(0, 256, (1, 8, 32), np.uint8)
    copies = [banned[0] ^ np.eye(8, 32, n % 24, dtype=np.uint8) for n in range(50)]
    stories = []
    for number in range(PUBLISHED):
        forms = copies[number // 200] if number % 100 == 0 else rng.integers(0, 256, (8, 32), np.uint8)
        stories.append(Past(f"Story {number % 500} of the river", pdq.Forms(forms, 100), channel))
    published(workspace, person, stories)
    row = BannedHash.objects.create(workspace=workspace, pdq=banned[0, 0].tobytes().hex(), note="A hoax")
    with Clock() as clock:
        sweep = remoderating.sweep_bans(workspace, [row])
    gone = Publication.objects.filter(workspace=workspace, withdrawn__isnull=False).count()
    if gone != PUBLISHED // 100 or len(sweep.changes) != gone:
        yield missing("trust: broke", "", f"{gone} withdrawn, {PUBLISHED // 100} show it")
    name = f"trust: a ban until all {gone} matches among {PUBLISHED:,} published are withdrawn"
    yield at_most(name, clock.seconds, "s", 60.0, f"{clock.cpu:.1f} s of the processor")

    policy = remoderating.policies.new_version(
        workspace.pk, remoderating.policies.shipped_rules(), created_by_id=person.pk
    )
    with Clock() as clock:
        dry = remoderating.dry_run(policy)
    left = sum(dry.after.values())
    name = f"trust: dry run of a policy over {left:,} items"
    yield plain(name, clock.seconds, "s", f"{clock.cpu:.1f} s of the processor")


def _video() -> Iterator[Figure]:
    """A clip of 30 s in six shots: a frame of every shot judged, beside its rendering."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from creator.models import Brief, Scene, Story
    from creator.services import judging, library
    from media_processing import services as media
    from media_processing.engine import engines
    from media_processing.timeline import Timeline, TimelineScene, Visual
    from tests.media_processing.makers import colours

    workspace, person = team("video")
    with TemporaryDirectory() as folder:
        shots = [(name, 5.0) for name in ("teal", "gold", "navy", "tomato", "olive", "orchid")]
        path = colours(Path(folder) / "clip.mp4", *shots, size="1080x1920", rate=25)
        scene = TimelineScene("a", Visual(path, "video", motion="none"), hold=30.0)
        with Clock() as rendering:
            engines["renderer"].render(
                Timeline(1080, 1920, (scene,), language="en"), Path(folder) / "out.mp4", cache=Path(folder) / "cache"
            )
        asset, _ = media.store_asset(workspace.pk, path, title="A clip", licence="CC0", domain="illustrations")
        library.make_searchable(asset)
        brief = Brief.objects.create(workspace=workspace, article="A clip.")
        story = Story.objects.create(workspace=workspace, brief=brief, author=person, title="A clip of the river")
        Scene.objects.create(story=story, position=0, narration="It flows to the sea.", asset=asset, end=30.0)
        with Clock() as clock:
            parts = judging.parts_of(story)
            judging.judge(parts)
        frames = sum(part.kind == "picture" for part in parts)
        name = f"trust: judging a 30 s video, {frames} frames and its texts (CPU)"
        against = f"rendering it: {rendering.cpu:.1f} s, of which half is the goal"
        yield at_most(name, clock.cpu, "s", rendering.cpu / 2, against)
