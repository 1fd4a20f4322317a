"""Voices of coqui-tts (VITS and XTTS), from a local folder."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import shutil
import tempfile
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from generation.engines.metering import Meter
from generation.engines.speaking import Saying, Speaker, Voice
from generation.speech.joining import Utterance
from generation.speech.normalise import spoken_tokens
from generation.speech.sounds import trim
from media_processing.compat import mend_torch
from media_processing.engine import EngineError

_CONFIG = "config.json"
_MODELS = ("vits", "xtts")
_NAMED = ("model.pth", "model_file.pth", "best_model.pth")
"""What weights are usually called, the best first."""
_ENCODER = ("model_se.pth", "config_se.json")
"""The speaker encoder of a VITS that clones voices, as YourTTS calls its files."""
_BESIDE = (
    "speakers_file", "language_ids_file", "d_vector_file", "speaker_encoder_model_path", "speaker_encoder_config_path"
)  # fmt: skip
"""Keys of a configuration that name other files: they are looked for in the folder and nowhere else."""
_STEP = "Set VOICE_MODEL to a folder with a Coqui voice, or choose eSpeak NG."
_COPY = "Copy the folder again, or choose another voice."
_FORCE = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"


class CoquiVoice(Voice):
    """VITS with one or many speakers, and XTTS. It gives no times of words.

    `folder` holds config.json and the weights (*.pth), opened without running code that a pickle may carry. `licence`
    must be "accepted" for XTTS, whose own licence (CPML) forbids commercial use. Nothing is ever downloaded.
    """

    title = "Coqui"
    leaves_the_machine = False
    longest = 240  # XTTS breaks off after about so many characters

    def __init__(self, name: str = "", *, folder: str | Path = "", device: str = "", licence: str = "") -> None:
        super().__init__(name)
        self._folder = Path(folder) if folder else None
        self._device = device
        self._accepted = licence.strip().lower() == "accepted"
        self._speaking = threading.Lock()
        self._tts: Any = None

    @property
    def model(self) -> str:
        return self._folder.name if self._folder else ""

    def identity(self) -> tuple[object, ...]:
        """The weights too: another model may come into the same folder."""
        files = [self._weights] if self._weights else []
        return (*super().identity(), *((path.stat().st_size, path.stat().st_mtime_ns) for path in files))

    @property
    def can_clone(self) -> bool:
        return self._kind == "xtts" or self._encoder is not None

    def problems(self) -> list[EngineError]:
        problem = self._problem()
        return [problem] if problem else []

    def _problem(self) -> EngineError | None:
        if self._folder is None:
            return EngineError("The voice has no model.", next_step=_STEP, permanent=True)
        if not (self._folder / _CONFIG).is_file():
            return EngineError(f"{self._folder} has no {_CONFIG}.", next_step=_STEP, permanent=True)
        if self._weights is None:
            return EngineError(f"{self._folder} has no weights (*.pth).", next_step=_STEP, permanent=True)
        if not self._config:
            return EngineError(f"{self._folder / _CONFIG} can't be read.", next_step=_COPY, permanent=True)
        if self._kind not in _MODELS:
            return EngineError(
                f"{self._folder.name} is a {self._kind or 'model of unknown kind'}; only VITS and XTTS speak here.",
                next_step=_STEP, permanent=True,
            )  # fmt: skip
        needed = ("model.pth", "vocab.json") if self._kind == "xtts" else ()
        missing = [name for name in (*needed, *self._named_files()) if not (self._folder / name).is_file()]
        if missing:
            return EngineError(f"{self._folder} lacks {', '.join(missing)}.", next_step=_COPY, permanent=True)
        for path in sorted(self._folder.glob("*.pth")):
            if not zipfile.is_zipfile(path):  # its table of contents stands at its end
                return EngineError(f"{path} is no complete PyTorch file.", next_step=_COPY, permanent=True)
        if self._kind == "xtts" and not self._accepted:
            return EngineError(
                "XTTS comes under the Coqui Public Model License, which forbids commercial use.",
                next_step="If your use is non-commercial, set COQUI_LICENCE=accepted; else choose a VITS voice.",
                permanent=True,
            )
        if self._config.get("use_phonemes") and not (shutil.which("espeak-ng") or shutil.which("espeak")):
            return EngineError(
                f"{self._folder.name} needs the program espeak-ng.",
                next_step="Install it (apt install espeak-ng, brew install espeak-ng).", permanent=True,
            )  # fmt: skip
        return None

    @property
    def _weights(self) -> Path | None:
        # XTTS and YourTTS bring more files than their model.pth.
        files = {path.name: path for path in sorted(self._folder.glob("*.pth"))} if self._folder else {}
        return next((files[name] for name in (*_NAMED, *files) if name in files), None)

    @property
    def _encoder(self) -> tuple[Path, Path] | None:
        """Weights and configuration of the speaker encoder, where the voice was trained to follow one."""
        if self._folder is None or not self._arguments.get("use_d_vector_file"):
            return None
        model, config = (self._folder / name for name in _ENCODER)
        return (model, config) if model.is_file() and config.is_file() else None

    @cached_property
    def _config(self) -> dict[str, Any]:
        """The model's configuration; empty where it can't be read."""
        try:
            said = json.loads((self._folder / _CONFIG).read_text(encoding="utf-8")) if self._folder else {}
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}

    @property
    def _kind(self) -> str:
        return str(self._config.get("model", "")).lower()

    @property
    def _arguments(self) -> Mapping[str, Any]:
        said = self._config.get("model_args")
        return said if isinstance(said, dict) else {}

    def _named_files(self) -> list[str]:
        """Names of the files that the configuration names and the model can't do without."""
        if self._kind == "xtts":
            return []
        keys = ("speakers_file", "language_ids_file", "d_vector_file")
        values = [part.get(key) for part in (self._config, self._arguments) for key in keys]
        flat = [each for value in values for each in (value if isinstance(value, list) else [value])]
        return sorted({Path(str(each)).name for each in flat if each})

    @cached_property
    def _spoken(self) -> frozenset[str] | None:
        """The languages of the model, from its own configuration; None where it doesn't say."""
        return _languages(self._config)

    def speaks(self, language: str) -> bool:
        return self._spoken is None or language.split("-")[0].lower() in self._spoken

    def _load(self) -> None:
        for problem in self.problems():
            raise problem
        mend_torch()
        import torch
        from TTS.api import TTS

        folder, weights = self._folder, self._weights
        if folder is None or weights is None:
            raise RuntimeError("A voice without a folder is loaded.")
        self._device = self._device or ("cuda" if torch.cuda.is_available() else "cpu")
        with tempfile.TemporaryDirectory(prefix="storyloom-") as place, _only_weights():
            config = Path(place) / _CONFIG
            config.write_text(json.dumps(_inside(self._config, folder)), encoding="utf-8")
            encoder = dict(zip(("encoder_path", "encoder_config_path"), map(str, self._encoder or ()), strict=False))
            try:
                # XTTS wants its folder, all others the file.
                model = folder if self._kind == "xtts" else weights
                tts = TTS(model_path=str(model), config_path=str(config), progress_bar=False, **encoder)
            except pickle.UnpicklingError as error:
                raise EngineError(
                    f"{folder} holds more than weights: it could run a program of somebody else's.",
                    next_step="Don't use it. Get the voice from its maker, or choose another.", permanent=True,
                ) from error  # fmt: skip
            except (OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError, EOFError) as error:
                raise EngineError(
                    f"The voice's model can't be opened: {error}", next_step=_COPY, permanent=True
                ) from error
        self._tts = tts.to(self._device)

    def voices(self, language: str) -> Sequence[Speaker]:
        """Its speakers, by the names that its files hold: nothing is loaded for them."""
        if not self.speaks(language):
            return ()
        return tuple(Speaker(name, name.strip(), "") for name in self._speakers)

    @cached_property
    def _speakers(self) -> tuple[str, ...]:
        if self._folder is None:
            return ()
        keys = ("speakers_file", "d_vector_file")
        named = [part.get(key) for part in (self._arguments, self._config) for key in keys]
        flat = [each for value in named for each in (value if isinstance(value, list) else [value]) if each]
        if self._kind == "xtts":
            flat = ["speakers_xtts.pth"]
        there = (self._folder / Path(str(each)).name for each in flat)
        path = next((path for path in there if path.is_file()), None)
        return speaker_names(path) if path else ()

    def _say(self, text: str, saying: Saying, meter: Meter) -> Utterance:
        tokens = spoken_tokens(text.split(), saying.language, saying.pronunciations, spell=True)
        details: dict[str, Any] = {"speaker": saying.voice} if saying.voice else {}
        if saying.likeness is not None:
            details = {"speaker_wav": str(saying.likeness.sample)}
        if self._tts.is_multi_lingual:
            details["language"] = self._language(saying.language)
        hertz = int(self._tts.synthesizer.output_sample_rate)
        # The model keeps its speed as state: one text at a time.
        with self._speaking, _only_weights():
            self._set_rate(saying.rate, details)
            try:
                sound = self._tts.tts(text=" ".join(filter(None, tokens)), split_sentences=False, **details)
            except (RuntimeError, ValueError, AssertionError, IndexError) as error:
                raise EngineError(
                    f"{self.title} can't say {text[:60]!r}: {error}",
                    next_step="Change the words, or choose another voice.",
                ) from error
        return Utterance(self._samples(np.asarray(sound, dtype=np.float32), hertz), hertz)

    def _language(self, language: str) -> str:
        """What the model calls a language: "pt-BR" is "pt-br" or "pt", "zh" is "zh-cn"."""
        names = [str(name).strip() for name in self._tts.languages or ()]
        full, short = language.lower(), language.split("-")[0].lower()
        exact = [name for name in names if name.lower() == full]
        return next(iter([*exact, *(name for name in names if name.lower().split("-")[0] == short)]), short)

    def _set_rate(self, rate: float, details: dict[str, Any]) -> None:
        model = self._tts.synthesizer.tts_model
        if hasattr(model, "length_scale"):
            model.length_scale = 1.0 / rate
        elif rate != 1.0:
            details["speed"] = rate

    def _samples(self, sound: Any, hertz: int) -> Any:
        """One sentence as 16-bit samples, at most at full level."""
        if not len(sound):
            raise EngineError(f"{self.title} said nothing.", next_step="Change the words or choose another voice.")
        peak = float(np.abs(sound).max())
        if not np.isfinite(peak):
            raise EngineError(f"{self.title} gave a broken sound.", next_step="Choose another voice.")
        return trim((sound / max(1.0, peak) * 32767).astype(np.int16), hertz)[0]


class _Names(pickle.Unpickler):
    """Reads the keys of a table that torch has saved. Nothing in it is run or made, and tensors are left out."""

    def persistent_load(self, _number: Any) -> None:
        return None

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" or (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _nothing
        raise pickle.UnpicklingError(f"{module}.{name} is no table of speakers.")


def _nothing(*_args: Any) -> None:
    """In the place of a tensor."""


def speaker_names(path: Path) -> tuple[str, ...]:
    """The names in a table of speakers: JSON, or what torch saved. Raises EngineError for anything else."""
    try:
        if path.suffix == ".json":
            table = json.loads(path.read_text(encoding="utf-8"))
        else:
            with zipfile.ZipFile(path) as archive:
                inside = next(name for name in archive.namelist() if name.endswith("data.pkl"))
                table = _Names(io.BytesIO(archive.read(inside))).load()
        # A table of voice prints has a row a recording, with the speaker's name.
        names = (row["name"] if isinstance(row, dict) and "name" in row else key for key, row in table.items())
        return tuple(dict.fromkeys(str(name) for name in names))
    except (OSError, ValueError, TypeError, AttributeError, LookupError, EOFError, StopIteration, zipfile.BadZipFile,
            pickle.UnpicklingError) as error:  # fmt: skip
        raise EngineError(f"{path} can't be read: {error}", next_step=_COPY, permanent=True) from error


@contextlib.contextmanager
def _only_weights() -> Iterator[None]:
    """While this lasts, torch reads tensors out of pickles and nothing else, whatever a library asks for."""
    before = os.environ.get(_FORCE)
    os.environ[_FORCE] = "1"
    try:
        yield
    finally:
        os.environ.pop(_FORCE, None) if before is None else os.environ.update({_FORCE: before})


def _inside(config: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The configuration with every file that it names taken from the folder; what isn't there isn't named."""
    made: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict):
            made[key] = _inside(value, folder)
        elif key in _BESIDE and value:
            paths = [folder / Path(str(each)).name for each in (value if isinstance(value, list) else [value])]
            there = [str(path) for path in paths if path.is_file()]
            made[key] = there if isinstance(value, list) else next(iter(there), None)
        else:
            made[key] = value
    return made


def _languages(config: Mapping[str, Any]) -> frozenset[str] | None:
    found = list(config.get("languages") or ())
    found += [dataset.get("language", "") for dataset in config.get("datasets") or () if isinstance(dataset, dict)]
    found.append(str(config.get("phoneme_language") or ""))
    codes = frozenset(str(code).split("-")[0].lower() for code in found if code)
    return codes or None
