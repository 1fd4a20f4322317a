"""A judge of pictures for nudity: NudeNet's detector (notAI-tech/NudeNet 3, MIT), run on ONNX Runtime.

The network is a YOLOv8: input `images`, float (1, 3, side, side), RGB from 0 to 1, the picture in the upper left corner
of a square; output (1, 4 + 18, n): for each of n places a box and a score for each of the labels. Only the best score
of each label matters here, so boxes aren't merged. The weights come with the package nudenet (the extra `moderation`)
or are a file of one's own; the package's own code isn't needed, and with it OpenCV isn't.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from media_processing.engine import EngineError
from moderation.engines.base import Look, Opinion, PictureJudge

VERSION = "1"
LABELS = (
    "FEMALE_GENITALIA_COVERED", "FACE_FEMALE", "BUTTOCKS_EXPOSED", "FEMALE_BREAST_EXPOSED", "FEMALE_GENITALIA_EXPOSED",
    "MALE_BREAST_EXPOSED", "ANUS_EXPOSED", "FEET_EXPOSED", "BELLY_COVERED", "FEET_COVERED", "ARMPITS_COVERED",
    "ARMPITS_EXPOSED", "FACE_MALE", "BELLY_EXPOSED", "MALE_GENITALIA_EXPOSED", "ANUS_COVERED", "FEMALE_BREAST_COVERED",
    "BUTTOCKS_COVERED",
)  # fmt: skip
"""In the network's order."""
WEIGHTS = {
    "FEMALE_GENITALIA_EXPOSED": 1.0, "MALE_GENITALIA_EXPOSED": 1.0, "ANUS_EXPOSED": 1.0, "FEMALE_BREAST_EXPOSED": 0.9,
    "BUTTOCKS_EXPOSED": 0.8, "FEMALE_GENITALIA_COVERED": 0.4, "ANUS_COVERED": 0.3, "BUTTOCKS_COVERED": 0.25,
    "FEMALE_BREAST_COVERED": 0.25,
}  # fmt: skip
"""How much a label speaks for sexual content; a beach is no offence."""
SIDE = 320
LEAST = 0.2
"""Scores below are noise, as in the package."""


class NudeNetJudge(PictureJudge):
    """Finds bare and covered parts of bodies in photographs. It knows nothing else, and drawings hardly."""

    title = "NudeNet"
    leaves_the_machine = False
    categories = ("sexual",)

    def __init__(self, name: str = "", *, weights: Path | str = "", threads: int = 1) -> None:
        super().__init__(name)
        self._weights = Path(weights) if weights else None
        self._threads = threads
        self._session: Any = None
        self._side = SIDE
        self._digest = ""

    def problems(self) -> list[EngineError]:
        if self._path() is not None:
            return []
        return [
            EngineError(
                "NudeNet's weights aren't here.",
                next_step="Install them (pip install 'storyloom[moderation]') or set NUDENET_MODEL to a file.",
                permanent=True,
            )
        ]

    @property
    def model(self) -> str:
        """The version of the code and the digest of the weights."""
        if not self._digest:
            path = self._path()
            self._digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path else "none"
        return f"nudenet-{VERSION}-{self._digest}"

    def _path(self) -> Path | None:
        if self._weights is not None:
            return self._weights if self._weights.is_file() else None
        package = importlib.util.find_spec("nudenet")
        path = Path(str(package.origin)).with_name("320n.onnx") if package and package.origin else None
        return path if path and path.is_file() else None

    def _load(self) -> None:
        for problem in self.problems():
            raise problem
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self._threads, 1
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(str(self._path()), options, providers=["CPUExecutionProvider"])
            (wanted,) = session.get_inputs()
            outputs = session.get_outputs()[0].shape
        except Exception as error:  # ONNX Runtime's errors share no base of their own
            raise _broken(f"ONNX Runtime can't read them ({type(error).__name__})") from error
        side = wanted.shape[-1] if len(wanted.shape) == 4 else 0
        if len(wanted.shape) != 4 or len(outputs) != 3 or outputs[1] not in (4 + len(LABELS), None):
            raise _broken(f"they take {wanted.shape} and give {outputs}")
        self._side = side if isinstance(side, int) else SIDE
        self._session = session

    def _judge(self, look: Look) -> Opinion:
        found = self._session.run(None, {self._session.get_inputs()[0].name: _pixels(look.picture, self._side)})[0]
        if found.ndim != 3 or found.shape[1] != 4 + len(LABELS):
            raise _broken(f"they answered {found.shape}")
        best = np.nan_to_num(found[0, 4:].max(axis=1, initial=0.0)).clip(0, 1)
        evidence = []
        for label, score in zip(LABELS, best.tolist(), strict=True):
            weighed = round(score * WEIGHTS.get(label, 0.0), 4)
            if score >= LEAST and weighed:
                note = f"{label.replace('_', ' ').lower()} ({score:.0%})"
                evidence.append({"category": "sexual", "severity": weighed, "note": note, "rule": label})
        evidence.sort(key=lambda each: -float(str(each["severity"])))
        return Opinion(scores={"sexual": evidence[0]["severity"] if evidence else 0.0}, evidence=evidence)


def _pixels(picture: Image.Image, side: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """(1, 3, side, side): the whole picture in the upper left corner of a black square."""
    longest = max(picture.size)
    size = tuple(max(1, round(each * side / longest)) for each in picture.size)
    square = Image.new("RGB", (side, side))
    square.paste(picture.convert("RGB").resize((size[0], size[1]), Image.Resampling.BILINEAR, reducing_gap=2.0))
    return np.ascontiguousarray(np.asarray(square, np.float32).transpose(2, 0, 1)[None] / 255)


def _broken(what: str) -> EngineError:
    return EngineError(
        f"NudeNet's weights don't fit: {what}.", permanent=True,
        next_step="Point NUDENET_MODEL at a NudeNet 3 detector.",
    )  # fmt: skip
