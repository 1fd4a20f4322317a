"""Coqui with tiny random models that the tests build (no downloads, the real loading code), and importing torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from generation.engines.base import Voice
from generation.engines.coqui import CoquiVoice
from media_processing.compat import mend_torch
from media_processing.engine import EngineError
from tests.contracts.voice import LINE, VoiceContract

ROOT = Path(__file__).parents[2]


def save_tiny_voice(folder: Path) -> None:
    """A VITS voice with random weights."""
    mend_torch()
    import torch
    from TTS.tts.configs.vits_config import VitsConfig
    from TTS.tts.models.vits import Vits, VitsArgs

    torch.manual_seed(0)
    arguments = VitsArgs(
        hidden_channels=16, hidden_channels_ffn_text_encoder=16, num_layers_text_encoder=1, num_heads_text_encoder=2,
        num_layers_flow=1, num_layers_posterior_encoder=1, upsample_initial_channel_decoder=32, use_sdp=False,
    )  # fmt: skip
    config = VitsConfig(
        model_args=arguments, text_cleaner="basic_cleaners", use_phonemes=False, phoneme_language="en-us"
    )
    model = Vits.init_from_config(config)
    folder.mkdir()
    config.save_json(str(folder / "config.json"))
    torch.save({"model": model.state_dict()}, folder / "model.pth")


@pytest.fixture(scope="session")
def voice_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("voice") / "tiny-vits"
    save_tiny_voice(folder)
    return folder


@pytest.mark.local_models
@pytest.mark.slow
class TestCoquiVoice(VoiceContract):
    @pytest.fixture(scope="class")
    def voice(self, voice_folder: Path) -> Voice:
        return CoquiVoice("coqui", folder=voice_folder, device="cpu")

    def test_its_languages_come_from_the_model(self, voice: Voice) -> None:
        assert voice.speaks("en-GB") and not voice.speaks("hi")
        with pytest.raises(EngineError, match="no voice for 'hi'"):
            voice.speak(LINE, language="hi")

    def test_one_speaker_means_no_names(self, voice: Voice) -> None:
        assert voice.voices("en") == ()
        assert voice.speak("One.").made_by["voice"] == ""
        with pytest.raises(EngineError, match="no voice 'anna'"):
            voice.speak(LINE, voice="anna")

    def test_rate_is_the_models_own_speed(self, voice: CoquiVoice) -> None:
        voice.speak("Hello.", rate=2.0)
        assert voice._tts.synthesizer.tts_model.length_scale == 0.5
        voice.speak("Hello.")
        assert voice._tts.synthesizer.tts_model.length_scale == 1.0


@pytest.mark.parametrize("engine", [CoquiVoice])
class TestProblems:
    def test_no_folder(self, engine: Any) -> None:
        (problem,) = engine().problems()
        assert problem.permanent and "MODEL" in problem.next_step

    def test_an_empty_folder(self, engine: Any, tmp_path: Path) -> None:
        assert len(engine(folder=tmp_path).problems()) == 1

    def test_a_folder_without_usable_weights(self, engine: Any, tmp_path: Path) -> None:
        for name in ("model_index.json", "config.json"):
            (tmp_path / name).write_text("{}")
        (tmp_path / "weights.bin").write_bytes(b"pickle")
        (problem,) = engine(folder=tmp_path).problems()
        assert "safetensors" in problem.message or "weights" in problem.message

    def test_using_it_says_the_same(self, engine: Any) -> None:
        thing = engine("x")
        with pytest.raises(EngineError, match="no model"):
            thing.load()
        assert not thing.loaded


@pytest.mark.local_models
class TestMendingTorch:
    def run(self, code: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout.strip()

    def test_everything_imports_afterwards(self) -> None:
        code = (
            "from media_processing.compat import mend_torch as m; first = m(); assert m() == first; "
            "import torchvision, torchaudio, open_clip; from torchaudio import functional; print('fine')"
        )
        assert self.run(code) == "fine"

    def test_it_is_not_in_the_way_of_libraries_that_are_there_already(self) -> None:
        code = (
            "import sys, types; sys.modules['torchvision'] = types.ModuleType('torchvision'); "
            "sys.modules['torchaudio'] = types.ModuleType('torchaudio'); "
            "from media_processing.compat import mend_torch; print(mend_torch())"
        )
        assert self.run(code) == "()"

    def test_a_matching_install_is_left_alone(self) -> None:
        code = (
            "import media_processing.compat as c, sys; c._loads = lambda *a: True; print(c.mend_torch(), "
            "'torchaudio._extension' in sys.modules)"
        )
        assert self.run(code) == "() False"
