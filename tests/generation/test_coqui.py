"""Coqui: many speakers, cloned voices, licences, broken folders; tiny random models, the real library."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from generation.engines.base import Likeness, Voice
from generation.engines.coqui import CoquiVoice, speaker_names
from media_processing.compat import mend_torch
from media_processing.engine import EngineError
from media_processing.sound import write_wav
from tests.contracts.voice import LINE, VoiceContract

heavy = [pytest.mark.local_models, pytest.mark.slow]
SPEAKERS = ("Anna", "Bela", "Cleo")
LANGUAGES = ("en", "pt-br")


def save_voice(folder: Path, table: str, **arguments: Any) -> None:
    """A VITS with random weights for SPEAKERS in LANGUAGES; the table of speakers is in the folder already."""
    mend_torch()
    import torch
    from TTS.tts.configs.vits_config import VitsConfig
    from TTS.tts.models.vits import Vits, VitsArgs

    torch.manual_seed(0)
    (folder / "language_ids.json").write_text(json.dumps({name: number for number, name in enumerate(LANGUAGES)}))
    details = VitsArgs(
        hidden_channels=16, hidden_channels_ffn_text_encoder=16, num_layers_text_encoder=1, num_heads_text_encoder=2,
        num_layers_flow=1, num_layers_posterior_encoder=1, upsample_initial_channel_decoder=32, use_sdp=False,
        use_language_embedding=True, embedded_language_dim=4,
        language_ids_file=str(folder / "language_ids.json"), **arguments,
    )  # fmt: skip
    config = VitsConfig(
        model_args=details, text_cleaner="basic_cleaners", use_phonemes=False,
        datasets=[{"language": language} for language in LANGUAGES],
    )  # fmt: skip
    model = Vits(config)
    config.save_json(str(folder / "config.json"))
    torch.save({"model": model.state_dict()}, folder / "model.pth")
    said = json.loads((folder / "config.json").read_text())
    # As a published folder says it: the paths of the machine that it was trained on.
    key = "d_vector_file" if arguments.get("use_d_vector_file") else "speakers_file"
    elsewhere = f"/somebody/elsewhere/{table}"
    said["model_args"][key] = [elsewhere] if key == "d_vector_file" else elsewhere
    said["model_args"]["language_ids_file"] = "/somebody/elsewhere/language_ids.json"
    (folder / "config.json").write_text(json.dumps(said))


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A voice with three speakers and two languages, whose table torch has saved."""
    mend_torch()
    import torch

    folder = tmp_path_factory.mktemp("voice") / "many"
    folder.mkdir()
    torch.save({name: number for number, name in enumerate(SPEAKERS)}, folder / "speakers.pth")
    save_voice(
        folder, "speakers.pth", use_speaker_embedding=True, speaker_embedding_channels=8,
        speakers_file=str(folder / "speakers.pth"),
    )  # fmt: skip
    return folder


@pytest.fixture(scope="session")
def following(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A voice that follows a speaker encoder, like YourTTS."""
    mend_torch()
    import torch
    from TTS.encoder.configs.speaker_encoder_config import SpeakerEncoderConfig
    from TTS.encoder.utils.generic_utils import setup_encoder_model

    folder = tmp_path_factory.mktemp("voice") / "following"
    folder.mkdir()
    rng = np.random.default_rng(0)
    rows = {f"{name}.wav": {"name": name, "embedding": rng.normal(size=16).tolist()} for name in SPEAKERS}
    (folder / "speakers.json").write_text(json.dumps(rows))
    save_voice(
        folder, "speakers.json", use_d_vector_file=True, d_vector_dim=16, d_vector_file=[str(folder / "speakers.json")]
    )
    encoder = SpeakerEncoderConfig(
        model="speaker_encoder", num_classes_in_batch=2, num_utter_per_class=2, num_loader_workers=0,
        model_params={
            "model_name": "lstm", "input_dim": 80, "proj_dim": 16, "lstm_dim": 16, "num_lstm_layers": 1,
            "use_lstm_with_projection": True,
        },
    )  # fmt: skip
    encoder.save_json(str(folder / "config_se.json"))
    torch.save({"model": setup_encoder_model(encoder).state_dict()}, folder / "model_se.pth")
    return folder


class TestManySpeakers(VoiceContract):
    pytestmark = heavy

    @pytest.fixture
    def voice(self, many: Path) -> Voice:
        return CoquiVoice("coqui", folder=many, device="cpu")

    def test_speakers_are_listed_without_loading(self, voice: CoquiVoice) -> None:
        assert tuple(speaker.id for speaker in voice.voices("pt-BR")) == SPEAKERS
        assert not voice.loaded
        assert voice.voices("hi") == ()

    def test_each_speaks_each_language(self, voice: CoquiVoice) -> None:
        voice.load()
        heard: list[dict[str, Any]] = []
        model = voice._tts.synthesizer.tts_model
        synthesize = model.synthesize

        def listen(**details: Any) -> Any:
            heard.append(details)
            return synthesize(**details)

        model.synthesize = listen
        for language in ("en-GB", "pt"):
            voice.speak("One.", language=language, voice="Cleo")
        assert [(each["speaker"], each["language"]) for each in heard] == [("Cleo", "en"), ("Cleo", "pt-br")]

    def test_a_language_that_it_lacks(self, voice: Voice) -> None:
        with pytest.raises(EngineError, match="no voice for 'hi'") as refused:
            voice.speak(LINE, language="hi")
        assert refused.value.next_step


class TestCloning:
    pytestmark = heavy

    @pytest.fixture
    def voice(self, following: Path) -> Voice:
        return CoquiVoice("coqui", folder=following, device="cpu")

    def test_it_speaks_in_the_voice_of_a_recording(self, voice: CoquiVoice, tmp_path: Path) -> None:
        assert voice.can_clone
        heard: list[Any] = []
        voice.load()
        model = voice._tts.synthesizer.tts_model
        infer = model.inference

        def listen(text: Any, aux_input: dict[str, Any]) -> Any:
            heard.append(aux_input["d_vectors"].numpy().round(4).tolist())
            return infer(text, aux_input=aux_input)

        model.inference = listen
        for name, pitch in (("low", 90), ("high", 400)):
            wave = np.sign(np.sin(2 * np.pi * pitch * np.arange(4 * 16_000) / 16_000)) * 6_000
            sample = tmp_path / f"{name}.wav"
            write_wav(sample, wave.astype(np.int16), 16_000)
            speech = voice.speak("One.", likeness=Likeness(sample, name, 7, "Ada"))
            assert {"cloned": True, "consent": 7, "speaker": "Ada"}.items() <= speech.made_by.items()
        voice.speak("One.", voice="Bela")
        assert len(heard) == 3 and heard[0] != heard[1] != heard[2]
        assert not (voice._folder / "voices").exists()  # type: ignore[operator]  # no voice print is kept


class TestLicence:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        import zipfile

        (tmp_path / "config.json").write_text(json.dumps({"model": "xtts", "languages": ["en", "zh-cn"]}))
        (tmp_path / "vocab.json").write_text("{}")
        with zipfile.ZipFile(tmp_path / "model.pth", "w") as archive:
            archive.writestr("model/data.pkl", pickle.dumps({}))
        with zipfile.ZipFile(tmp_path / "speakers_xtts.pth", "w") as archive:
            archive.writestr("speakers/data.pkl", pickle.dumps({"Claribel Dervla": 0, "Ana Florence": 1}))
        return tmp_path

    def test_xtts_waits_for_its_licence_to_be_accepted(self, folder: Path) -> None:
        (problem,) = CoquiVoice("coqui", folder=folder).problems()
        assert "commercial" in problem.message and "COQUI_LICENCE=accepted" in problem.next_step
        with pytest.raises(EngineError, match="forbids commercial use"):
            CoquiVoice("coqui", folder=folder).speak("One.")
        voice = CoquiVoice("coqui", folder=folder, licence="accepted")
        assert voice.problems() == []
        assert voice.can_clone and voice.speaks("zh-CN")
        assert [speaker.title for speaker in voice.voices("en")] == ["Claribel Dervla", "Ana Florence"]

    def test_what_the_library_is_asked_for(self, folder: Path, tmp_path: Path) -> None:
        """XTTS's own network is too large to be built here: the arguments of the call are held to the library's."""
        voice = CoquiVoice("coqui", folder=folder, licence="accepted")
        asked: list[dict[str, Any]] = []

        class Library:
            is_multi_lingual, languages = True, ["en", "zh-cn"]

            class synthesizer:
                output_sample_rate, tts_model = 24_000, object()

            def tts(self, **details: Any) -> Any:
                asked.append(details)
                return 0.3 * np.sin(np.arange(12_000) / 9)

        voice._tts, voice._loaded = Library(), True
        sample = tmp_path / "ada.wav"
        voice.speak("你好。", language="zh", voice="Ana Florence", rate=1.5)
        voice.speak("One.", likeness=Likeness(sample, "digest", 7, "Ada"))
        assert asked == [
            {"text": "你好。", "split_sentences": False, "speaker": "Ana Florence", "language": "zh-cn", "speed": 1.5},
            {"text": "One.", "split_sentences": False, "speaker_wav": str(sample), "language": "en"},
        ]


class Evil:
    """What a pickle may do when it is opened carelessly."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.target),)


class TestFolders:
    pytestmark = heavy

    @pytest.fixture
    def folder(self, many: Path, tmp_path: Path) -> Path:
        return Path(shutil.copytree(many, tmp_path / "copy"))

    def problem(self, folder: Path) -> EngineError:
        (problem,) = CoquiVoice("coqui", folder=folder).problems()
        assert problem.permanent and problem.next_step
        with pytest.raises(EngineError):
            CoquiVoice("coqui", folder=folder).speak("One.")
        return problem

    def test_half_copied_weights(self, folder: Path) -> None:
        weights = folder / "model.pth"
        weights.write_bytes(weights.read_bytes()[:-2_000])
        assert "no complete PyTorch file" in self.problem(folder).message

    @pytest.mark.parametrize("name", ["language_ids.json", "speakers.pth"])
    def test_a_file_that_is_missing(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        assert name in self.problem(folder).message

    @pytest.mark.parametrize("content", ["", "[1]", '{"model": '])
    def test_a_broken_configuration(self, folder: Path, content: str) -> None:
        (folder / "config.json").write_text(content)
        assert "can't be read" in self.problem(folder).message

    def test_another_kind_of_model(self, folder: Path) -> None:
        (folder / "config.json").write_text(json.dumps({"model": "bark"}))
        assert "only VITS and XTTS" in self.problem(folder).message

    def test_weights_of_another_shape(self, folder: Path) -> None:
        said = json.loads((folder / "config.json").read_text())
        said["model_args"]["hidden_channels"] = 32
        (folder / "config.json").write_text(json.dumps(said))
        with pytest.raises(EngineError, match="can't be opened"):
            CoquiVoice("coqui", folder=folder).speak("One.")

    @pytest.mark.parametrize("name", ["model.pth", "speakers.pth"])
    def test_a_pickle_that_runs_something_is_refused(self, folder: Path, name: str, tmp_path: Path) -> None:
        import torch

        torch.save({"model": Evil(tmp_path / "owned")}, folder / name)
        with pytest.raises(EngineError) as refused:
            voice = CoquiVoice("coqui", folder=folder)
            voice.speak("One.", voice=next((each.id for each in voice.voices("en")), ""))
        assert refused.value.next_step
        assert not (tmp_path / "owned").exists()

    def test_nothing_outside_the_folder_is_opened(self, folder: Path, tmp_path: Path) -> None:
        import torch

        torch.save(Evil(tmp_path / "owned"), tmp_path / "speakers.pth")
        said = json.loads((folder / "config.json").read_text())
        said["model_args"]["speakers_file"] = str(tmp_path / "speakers.pth")
        (folder / "config.json").write_text(json.dumps(said))
        assert CoquiVoice("coqui", folder=folder, device="cpu").speak("One.", voice="Anna").seconds > 0

    def test_names_are_read_without_their_tensors(self, tmp_path: Path) -> None:
        import torch

        torch.save({"Ana": {"latent": torch.zeros(3, 4)}, "Bo": {"latent": torch.ones(2)}}, tmp_path / "x.pth")
        assert speaker_names(tmp_path / "x.pth") == ("Ana", "Bo")
        torch.save([1, 2], tmp_path / "list.pth")
        with pytest.raises(EngineError, match="can't be read"):
            speaker_names(tmp_path / "list.pth")
