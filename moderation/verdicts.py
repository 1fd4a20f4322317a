"""Verbs of verdicts: have the machines judge a text or a picture, each content once by each version of each judge."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

import numpy as np
from PIL import Image

from media_processing import pdq
from media_processing.engine import EngineError, engines
from moderation import picture_banks
from moderation.engines import hashes
from moderation.engines.base import Look, Opinion, PictureJudge, TextJudge
from moderation.models import Part, PictureHash, Verdict
from moderation.weighing import storable

METHOD = f"pdq-{hashes.VERSION}"
AT_ONCE = 500
"""Contents of one query."""


def content_of(text: str) -> str:
    """The hash under which a text is judged."""
    return hashlib.sha256((text if text.strip() else "").encode("utf-8", "surrogatepass")).hexdigest()


def frame_digest(file_digest: str, second: float) -> str:
    """Names one frame of a video, to a millisecond."""
    return hashlib.sha256(f"{file_digest}@{second:.3f}".encode()).hexdigest()


def judge_text(workspace_id: int, text: str, *, language: str = "en") -> list[Verdict]:
    """What all judges think of a text, in the order of ENGINES. The same text in the same language is judged once."""
    text = text if text.strip() else ""
    content = content_of(text)
    return [
        _verdict(workspace_id, content, "text", judge, _text_model(judge, language),
                 partial(judge.judge, text, language=language))
        for judge in engines.all("text_judge")
    ]  # fmt: skip


def judge_picture(workspace_id: int, content_digest: str, look: Look | Image.Image) -> list[Verdict]:
    """What all judges think of a picture. `content_digest` (64 characters at most) must name exactly this picture: for
    a frame of a video that is `frame_digest`, not the digest of the file.

    Its hashes are kept, so that a later ban is compared without looking at it again.
    """
    seen = look if isinstance(look, Look) else Look(look)
    known = PictureHash.objects.filter(workspace_id=workspace_id, content=content_digest, method=METHOD).first()
    if known is not None:
        seen.keep(_forms(known))
    verdicts = _judge_picture(workspace_id, content_digest, seen)
    banned = _matched(verdicts)
    if banned and picture_banks.note_match(*banned, content_digest):  # its hash went to quarantine just now
        verdicts = _judge_picture(workspace_id, content_digest, seen)
    if known is None and seen.is_hashed:
        keep_hash(workspace_id, content_digest, seen.forms)
    return verdicts


def _judge_picture(workspace_id: int, content: str, look: Look) -> list[Verdict]:
    verdicts = []
    bank = picture_banks.bank_of(workspace_id)
    for judge in engines.all("picture_judge"):
        with judge.use_bank(bank):  # within it, the judge's model names the bank too
            model = _picture_model(judge, look)
            verdicts.append(_verdict(workspace_id, content, "picture", judge, model, partial(judge.judge, look)))
    return verdicts


def _matched(verdicts: Iterable[Verdict]) -> tuple[int, int] | None:
    """(row of the banned hash, distance) of a fresh match."""
    for verdict in verdicts:
        for each in verdict.evidence:
            if "ban" in each:
                return int(each["ban"]), int(each["distance"])
    return None


def keep_hash(workspace_id: int, content: str, forms: pdq.Forms) -> None:
    """Remember the hashes of a picture."""
    row = PictureHash(
        workspace_id=workspace_id, content=content, method=METHOD, forms=forms.bits.tobytes(), quality=forms.quality
    )
    PictureHash.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["workspace", "content"],
        update_fields=["method", "forms", "quality"],
    )  # fmt: skip


def _forms(row: PictureHash) -> pdq.Forms:
    return pdq.Forms(np.frombuffer(bytes(row.forms), np.uint8).reshape(len(pdq.FORMS), -1), row.quality)


def _text_model(judge: TextJudge, language: str) -> str:
    # The language is part of what the judge looked at: a word may be harmless in one and not in another.
    return f"{judge.model or 'unversioned'}/{language.lower()}"[:100]


def _picture_model(judge: PictureJudge, look: Look) -> str:
    return (judge.model_for(look) or "unversioned")[:100]


def _verdict(
    workspace_id: int, content: str, kind: str, judge: TextJudge | PictureJudge, model: str, ask: Callable[[], Opinion]
) -> Verdict:
    """The stored verdict, or a new one. A judge that fails yields one that isn't stored, so that it is asked again."""
    key = {"workspace_id": workspace_id, "content": content, "engine": judge.name, "model": model}
    found = Verdict.objects.filter(**key).first()
    if found is not None:
        return found
    try:
        opinion = ask()
    except EngineError as error:
        missing = sorted(judge.categories) or [f"whatever {judge.name} judges"]
        return Verdict(**key, kind=kind, missing=missing, evidence=[{"category": "", "note": error.message}])
    # Of two processes with the same content one row stays, and both return that one.
    row = Verdict(
        **key, kind=kind, scores=dict(opinion.scores), evidence=[storable(each) for each in opinion.evidence],
        missing=list(opinion.missing),
    )  # fmt: skip
    Verdict.objects.bulk_create([row], ignore_conflicts=True)
    return Verdict.objects.get(**key)


def current(
    workspace_id: int, parts: Sequence[Part], look_of: Callable[[Part], Look], *, search_model: str = ""
) -> dict[int, list[Verdict]]:
    """Part -> what today's judges think of it; what they haven't seen yet they are asked now.

    `search_model` is the digest of the model whose embeddings count now, for judges that read them. `look_of` gives the
    picture of a part; it is only asked where a verdict is missing. A picture's hash is as the last bank left it: every
    change of a bank looks at what it touches.
    """
    stored = stored_verdicts(workspace_id, {part.content for part in parts if part.content})
    made: dict[int, list[Verdict]] = {}
    for part in parts:
        of_it = stored.get(part.content, [])
        if part.kind == "text":
            models = [(judge.name, _text_model(judge, part.language)) for judge in engines.all("text_judge")]
            whole = [verdict for verdict in of_it if (verdict.engine, verdict.model) in models]
            if len(whole) < len(models):
                whole = judge_text(workspace_id, part.text, language=part.language)
        else:
            whole = _latest(of_it, search_model)
            if part.content and len(whole) < len(engines.names("picture_judge")):
                whole = judge_picture(workspace_id, part.content, look_of(part))
        made[part.pk] = whole
    return made


def _latest(verdicts: Iterable[Verdict], search_model: str) -> list[Verdict]:
    """The last verdict of each judge of pictures as it is now."""
    begins = {
        judge.name: f"{judge.steady_model}-{search_model[:12]}" if judge.reads_embeddings else judge.steady_model
        for judge in engines.all("picture_judge")
    }
    last: dict[str, Verdict] = {}
    for verdict in verdicts:
        if verdict.engine in begins and verdict.model.startswith(begins[verdict.engine]):
            last[verdict.engine] = verdict
    return list(last.values())


def as_of(stored: Mapping[str, Sequence[Verdict]], content: str, language: str, moment: datetime) -> list[Verdict]:
    """What the judges had said of a content at a moment, the last word of each; of a text, in that language."""
    last: dict[str, Verdict] = {}
    for verdict in stored.get(content, ()):
        if verdict.created <= moment and (verdict.kind != "text" or verdict.model.endswith(f"/{language.lower()}")):
            last[verdict.engine] = verdict
    return list(last.values())


def stored_verdicts(workspace_id: int, contents: Iterable[str]) -> dict[str, list[Verdict]]:
    """Content -> all that was ever said of it, the oldest first."""
    found: dict[str, list[Verdict]] = {}
    ordered = sorted(set(contents))
    for start in range(0, len(ordered), AT_ONCE):
        rows = Verdict.objects.filter(workspace_id=workspace_id, content__in=ordered[start : start + AT_ONCE])
        for row in rows.order_by("pk"):
            found.setdefault(row.content, []).append(row)
    return found
