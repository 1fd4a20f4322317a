"""Judges that ask OpenAI's moderation model, for text and for pictures. The model is pinned to a dated version: without
a date the same text would be judged otherwise one day, with nothing here having changed.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable, Mapping
from typing import Any

from media_processing.endpoint import AtEndpoint, Endpoint
from media_processing.engine import EngineError
from moderation.engines.base import Look, Opinion, PictureJudge, TextJudge

PINNED = "omni-moderation-2024-09-26"
CATEGORIES = {
    "harassment": "harassment", "harassment/threatening": "harassment", "hate": "hate", "hate/threatening": "hate",
    "illicit": "illicit", "illicit/violent": "illicit", "self-harm": "self-harm", "self-harm/intent": "self-harm",
    "self-harm/instructions": "self-harm", "sexual": "sexual", "sexual/minors": "sexual", "violence": "violence",
    "violence/graphic": "violence",
}  # fmt: skip
"""Theirs -> ours; of several the highest score counts."""
PIECE = 8_000
"""Characters of one question; a longer text is asked in pieces that overlap."""
OVERLAP = 200
SIDE = 512
"""Pixels of the longer side of a picture that is sent."""


class _Asking(AtEndpoint):
    """What both judges share: the pinned model, and one request."""

    title = "OpenAI moderation"

    def __init__(
        self, name: str = "", *, model: str = PINNED, api_key: str = "", base_url: str = "", timeout: float = 20.0,
        max_retries: int = 2,
    ) -> None:  # fmt: skip
        super().__init__(name)
        self._endpoint = Endpoint(
            "judge", "OPENAI_MODERATION_MODEL", model, api_key, base_url, timeout, timeout, max_retries,
            otherwise="take openai out of TEXT_JUDGES and PICTURE_JUDGES",
        )  # fmt: skip

    def problems(self) -> list[EngineError]:
        if re.search(r"\d{4}-?\d\d-?\d\d$", self.model):
            return super().problems()
        what = f"The moderation model {self.model!r} isn't pinned to a date."
        step = f"Set OPENAI_MODERATION_MODEL to one that ends in its date: {PINNED}."
        return [EngineError(what, next_step=step, permanent=True)]

    def _load(self) -> None:
        for problem in self.problems():
            raise problem
        super()._load()

    def _ask(self, given: list[Any]) -> list[dict[str, Any]]:
        """One result for each thing that was given (a picture and its kind are one)."""
        import openai

        where = self._endpoint.where
        with self._endpoint.explaining():
            try:
                answer = self._client.moderations.create(model=self.model, input=given)
                results = [each.model_dump(by_alias=True) for each in answer.results]
            except (openai.InternalServerError, AttributeError, TypeError, ValueError) as error:
                what = f"{where} gave an answer that can't be read ({type(error).__name__})."
                raise EngineError(what, next_step="Try again.") from error
        if answer.model != self.model:
            # A verdict must name what really judged, or it can't be repeated.
            what = f"{where} answered with {answer.model!r} where {self.model!r} was asked for."
            raise EngineError(what, next_step="Check OPENAI_MODERATION_MODEL.", permanent=True)
        return results


def _scores(results: Iterable[Mapping[str, Any]], kind: str) -> dict[str, float]:
    """Our categories with the highest score of theirs, of those that were judged in this kind of input."""
    scores: dict[str, float] = {}
    for result in results:
        said, applied = result.get("category_scores") or {}, result.get("category_applied_input_types") or {}
        for theirs, ours in CATEGORIES.items():
            value = said.get(theirs)
            if isinstance(value, int | float) and 0 <= value <= 1 and kind in (applied.get(theirs) or ()):
                scores[ours] = max(scores.get(ours, 0.0), round(float(value), 4))
    return scores


class OpenAITextJudge(_Asking, TextJudge):
    """Asks about the text in pieces."""

    categories = ("harassment", "hate", "illicit", "self-harm", "sexual", "violence")

    def _judge(self, text: str, *, language: str) -> Opinion:
        clean = text.encode("utf-8", "replace").decode()
        pieces = [clean[at : at + PIECE] for at in range(0, len(clean), PIECE - OVERLAP)]
        results = self._ask(pieces)
        scores = _scores(results, "text") if len(results) == len(pieces) else {}
        evidence = []
        for at, piece, result in zip(range(0, len(clean), PIECE - OVERLAP), pieces, results, strict=False):
            for category, score in _scores([result], "text").items():
                if score >= 0.1:
                    evidence.append({
                        "category": category, "severity": score, "start": at, "end": at + len(piece),
                        "text": text[at : at + len(piece)], "rule": self.model,
                    })  # fmt: skip
        evidence.sort(key=lambda each: -float(str(each["severity"])))
        return Opinion(scores=scores, evidence=evidence[:20], missing=_missing(self.categories, scores))


class OpenAIPictureJudge(_Asking, PictureJudge):
    """Asks about a small copy of the picture, without what its file says of place and camera."""

    categories = ("self-harm", "sexual", "violence")

    def _judge(self, look: Look) -> Opinion:
        small = look.picture.convert("RGB")
        small.thumbnail((SIDE, SIDE))
        body = io.BytesIO()
        small.save(body, "JPEG", quality=85)
        url = f"data:image/jpeg;base64,{base64.b64encode(body.getvalue()).decode()}"
        scores = _scores(self._ask([{"type": "image_url", "image_url": {"url": url}}]), "image")
        scores = {name: score for name, score in scores.items() if name in self.categories}
        evidence = [
            {"category": name, "severity": score, "note": f"{name} ({score:.0%})", "rule": self.model}
            for name, score in sorted(scores.items(), key=lambda each: -each[1])
        ]
        return Opinion(scores=scores, evidence=evidence, missing=_missing(self.categories, scores))


def _missing(categories: tuple[str, ...], scores: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(name for name in categories if name not in scores)
