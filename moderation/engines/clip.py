"""A judge of pictures that asks a CLIP model which of some descriptions fits best (zero-shot, Radford et al. 2021).

It takes the embedding that search made of the picture and embeds nothing but its own descriptions, which the model
remembers. The descriptions are data: prompts.toml.
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media_processing.engine import EngineError
from moderation.engines.base import Look, Opinion, PictureJudge, Sight

SHIPPED = Path(__file__).parents[1] / "prompts.toml"
VERSION = "1"


class ClipJudge(PictureJudge):
    """A score is the share that a category's descriptions have of all, harmless ones included.

    A signal is missing where search has no embedding of the picture, where the model doesn't know pictures of its kind,
    and for a category of whose descriptions the model knows none.
    """

    title = "CLIP descriptions"
    leaves_the_machine = False
    categories = ("violence", "hate", "sexual", "self-harm", "illicit")
    reads_embeddings = True

    def __init__(self, name: str = "", *, prompts: Path | str = SHIPPED) -> None:
        super().__init__(name)
        self._path = Path(prompts)
        self._prompts: dict[str, list[str]] = {}
        self._harmless: list[str] = []
        self._scale = 0.0

    @property
    def model(self) -> str:
        """The version of the code and the digest of the descriptions."""
        return f"clip-{VERSION}-{hashlib.sha256(self._path.read_bytes()).hexdigest()[:8]}"

    def model_for(self, look: Look) -> str:
        """And the model that made the embedding, or why there is none."""
        if look.sight is None:
            return f"{self.model}-unseen"
        known = "" if look.sight.domain in look.sight.domains else f"-not-{look.sight.domain}"
        return f"{self.model}-{look.sight.model[:12]}{known}"

    def problems(self) -> list[EngineError]:
        try:
            _read(self._path)
        except EngineError as error:
            return [error]
        return []

    def _load(self) -> None:
        self._scale, self._harmless, self._prompts = _read(self._path)

    def _judge(self, look: Look) -> Opinion:
        sight = look.sight
        if sight is None:
            return self._missing("search has no embedding of this picture")
        if sight.domain not in sight.domains:
            knows = ", ".join(sight.domains)
            return self._missing(f"the search model knows {knows}, and this is one of the {sight.domain}")
        known = {name: [text for text in texts if _is_known(text, sight)] for name, texts in self._prompts.items()}
        harmless = [text for text in self._harmless if _is_known(text, sight)]
        texts = [*harmless, *(text for each in known.values() for text in each)]
        if not harmless or len(texts) == len(harmless):
            return self._missing("the search model knows none of the descriptions")
        shares = self._shares(sight, texts)
        scores: dict[str, float] = {}
        evidence = []
        for category in self.categories:
            of_it = {text: shares[text] for text in known.get(category, ())}
            if not of_it:
                continue
            scores[category] = round(min(sum(of_it.values()), 1.0), 4)
            best = max(of_it, key=lambda text: of_it[text])
            note = f"{of_it[best]:.0%} “{best}”"
            evidence.append({"category": category, "severity": scores[category], "note": note, "rule": best})
        evidence.sort(key=lambda each: -float(str(each["severity"])))
        missing = tuple(category for category in self.categories if category not in scores)
        return Opinion(scores=scores, evidence=evidence, missing=missing)

    def _shares(self, sight: Sight, texts: list[str]) -> dict[str, float]:
        """Softmax over how well each text fits, at CLIP's own scale."""
        fits: NDArray[Any] = self._scale * (sight.embed_texts(texts) @ sight.embedding).astype(np.float64)
        raised = np.exp(fits - fits.max())
        return dict(zip(texts, (raised / raised.sum()).tolist(), strict=True))

    def _missing(self, why: str) -> Opinion:
        return Opinion(evidence=[{"category": "", "note": f"Not judged: {why}."}], missing=self.categories)


def _is_known(text: str, sight: Sight) -> bool:
    """Whether the model knows every word of a description: half of one would ask for something else."""
    return len(sight.understood(text)) >= len(text.split())


def _read(path: Path) -> tuple[float, list[str], dict[str, list[str]]]:
    """(scale, harmless descriptions, category -> descriptions). Raises EngineError for a file that is none."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        scale, harmless, groups = float(table["scale"]), list(table["harmless"]), dict(table["categories"])
        texts = [*harmless, *(text for each in groups.values() for text in each)]
        if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
            raise ValueError("a description is a text")
        if set(groups) - set(ClipJudge.categories):
            raise ValueError(f"categories are {', '.join(ClipJudge.categories)}")
        if len(texts) != len(set(texts)):
            raise ValueError("a description stands there twice")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError(
            f"The descriptions of the CLIP judge can't be read: {error}.", permanent=True,
            next_step=f"Mend {path.name}.",
        ) from error  # fmt: skip
    return scale, harmless, groups
