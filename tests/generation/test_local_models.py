"""Stable Diffusion and Coqui with tiny random models that the tests build: no downloads, the real loading code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from generation.engines.base import Painter, Voice
from generation.engines.coqui import CoquiVoice
from generation.engines.diffusers import DiffusersPainter
from media_processing.compat import mend_torch
from media_processing.engine import EngineError
from tests.contracts.painter import PainterContract
from tests.contracts.voice import LINE, VoiceContract

ROOT = Path(__file__).parents[2]


def save_tiny_pipeline(folder: Path) -> None:
    """A Stable Diffusion pipeline with random weights: 64 pixels, 32 channels, a CLIP text model of two layers."""
    mend_torch()
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    torch.manual_seed(0)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["<|startoftext|>", "<|endoftext|>", "!", *letters, *(f"{letter}</w>" for letter in letters), "re</w>"]
    vocab = folder.parent / "vocab.json"
    vocab.write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder.parent / "merges.txt").write_text("#version: 0.2\nr e</w>\n")
    tokenizer = CLIPTokenizer(str(vocab), str(folder.parent / "merges.txt"), model_max_length=16)
    text = CLIPTextConfig(
        vocab_size=len(words) + 8, hidden_size=32, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=16, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    unet = UNet2DConditionModel(
        block_out_channels=(32, 64), layers_per_block=1, sample_size=32, in_channels=4, out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32, attention_head_dim=8,
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=[32, 64], in_channels=3, out_channels=3, latent_channels=4,
        down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2,
    )  # fmt: skip
    StableDiffusionPipeline(
        vae=vae, text_encoder=CLIPTextModel(text), tokenizer=tokenizer, unet=unet, scheduler=DDIMScheduler(),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    ).save_pretrained(folder, safe_serialization=True)  # fmt: skip


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
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("painter") / "tiny-diffusion"
    save_tiny_pipeline(folder)
    return folder


@pytest.fixture(scope="session")
def voice_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("voice") / "tiny-vits"
    save_tiny_voice(folder)
    return folder


@pytest.mark.local_models
@pytest.mark.slow
class TestDiffusersPainter(PainterContract):
    @pytest.fixture(scope="class")
    def painter(self, pipeline: Path) -> Painter:
        return DiffusersPainter("diffusers", folder=pipeline, steps=2, device="cpu")

    def test_every_shape_is_drawn_near_the_models_own_area(self, painter: DiffusersPainter) -> None:
        picture = painter.draw("a red boat", width=90, height=160, seed=1, style="flat")
        assert picture.made_by["drawn"] == [48, 88]
        assert (picture.made_by["words"], picture.made_by["style"]) == ("a red boat", "flat")

    def test_progress_is_told_and_can_stop_the_work(self, painter: Painter) -> None:
        seen: list[float] = []
        painter.draw("boat", width=64, height=64, progress=seen.append)
        assert seen == [0.5, 1.0, 1.0]

        class Stopped(Exception):
            """A cancelled job."""

        def stop(_share: float) -> None:
            raise Stopped

        with pytest.raises(Stopped):
            painter.draw("boat", width=64, height=64, progress=stop)

    def test_the_same_seed_on_the_same_engine_after_a_stop(self, painter: Painter) -> None:
        first, second = (painter.draw("boat", width=64, height=64, seed=5).content for _ in range(2))
        assert first == second


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


@pytest.mark.parametrize("engine", [DiffusersPainter, CoquiVoice])
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
