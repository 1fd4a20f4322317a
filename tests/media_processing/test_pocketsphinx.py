"""Known text is found in speech to the hundredth of a second; unknown speech roughly."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pytest

from generation.engines.espeak import ESpeakVoice
from media_processing.engine import EngineError
from media_processing.engines.base import Aligner, Transcriber
from media_processing.engines.pocketsphinx import PocketSphinxAligner, PocketSphinxTranscriber
from media_processing.ffmpeg import run_ffmpeg
from media_processing.pronouncing import phones, spoken_tokens, spoken_words
from tests.contracts.aligner import AlignerContract
from tests.contracts.transcriber import TranscriberContract

pytestmark = pytest.mark.slow  # `make quick` leaves it out

NEWS = "The city council approved a new bicycle network on Tuesday, after two years of debate."
OTHER = "Scientists say the glacier lost three thousand tonnes of ice in the nineties alone."


@pytest.fixture(scope="module")
def voice() -> Iterator[ESpeakVoice]:
    made = ESpeakVoice()
    yield made
    made.close()


def spoken(voice: ESpeakVoice, text: str, path: Path) -> tuple[Path, Sequence[float]]:
    said = voice.speak(text)
    path.write_bytes(said.sound)
    starts: list[float] = []
    for word in said.words:  # a dash of its own comes with the word before it
        silent = word.text.split()[1:]
        starts += [word.start, *(word.end for _ in silent)]
    return path, starts


class TestAligner(AlignerContract):
    LACKS = "hi"

    @pytest.fixture
    def aligner(self) -> Aligner:
        return PocketSphinxAligner()

    @pytest.fixture
    def speech(self, voice: ESpeakVoice, tmp_path: Path) -> tuple[Path, Sequence[float]]:
        return spoken(voice, self.SENTENCE, tmp_path / "speech.wav")

    def test_any_format_is_read(self, aligner: Aligner, speech: tuple[Path, Sequence[float]], tmp_path: Path) -> None:
        run_ffmpeg(["-i", speech[0], tmp_path / "speech.flac"])
        assert len(aligner.align(tmp_path / "speech.flac", self.SENTENCE.split())) == len(self.SENTENCE.split())

    def test_other_words_are_an_error(self, aligner: Aligner, voice: ESpeakVoice, tmp_path: Path) -> None:
        path, _ = spoken(voice, NEWS, tmp_path / "news.wav")
        with pytest.raises(EngineError, match="Captions go by sentence"):
            aligner.align(path, OTHER.split())

    def test_a_few_words_do_not_fit_into_other_speech_with_long_pauses(
        self, aligner: Aligner, voice: ESpeakVoice, tmp_path: Path
    ) -> None:
        path, _ = spoken(voice, "A walrus stole my bicycle and sold it in Paris.", tmp_path / "walrus.wav")
        with pytest.raises(EngineError, match="Captions go by sentence"):
            aligner.align(path, ["It", "can", "be", "seen", "from", "afar."])

    def test_several_at_once(self, aligner: Aligner, voice: ESpeakVoice, tmp_path: Path) -> None:
        files = [spoken(voice, text, tmp_path / f"{number}.wav")[0] for number, text in enumerate((NEWS, OTHER))]
        found: dict[int, tuple[object, ...]] = {}

        def align(number: int) -> None:
            found[number] = aligner.align(files[number % 2], (NEWS, OTHER)[number % 2].split())

        threads = [threading.Thread(target=align, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found[0] == found[2]
        assert found[1] == found[3]
        assert len(found) == 4


class TestTranscriber(TranscriberContract):
    LACKS = "fr"

    @pytest.fixture
    def transcriber(self) -> Transcriber:
        return PocketSphinxTranscriber(hint=NEWS)

    @pytest.fixture
    def speech(self, voice: ESpeakVoice, tmp_path: Path) -> Path:
        return spoken(voice, NEWS, tmp_path / "news.wav")[0]

    def test_with_a_hint_the_words_are_right(self, transcriber: Transcriber, speech: Path) -> None:
        wanted = NEWS.lower().replace(",", "").replace(".", "").split()
        heard = transcriber.transcribe(speech).text.split()
        matched = sum(block.size for block in SequenceMatcher(None, heard, wanted).get_matching_blocks())
        assert matched >= 0.85 * len(wanted)

    def test_without_one_it_is_a_rough_draft(self, speech: Path) -> None:
        heard = PocketSphinxTranscriber().transcribe(speech).text.split()
        wanted = NEWS.lower().replace(",", "").replace(".", "").split()
        assert len(set(heard) & set(wanted)) >= len(wanted) * 0.4

    def test_pauses_part_passages(self, transcriber: Transcriber, speech: Path, tmp_path: Path) -> None:
        path = tmp_path / "twice.wav"
        run_ffmpeg(["-i", speech, "-i", speech, "-filter_complex",
                    "[0:a]apad=pad_dur=1.5[a];[a][1:a]concat=n=2:v=0:a=1", path])  # fmt: skip
        first, second = transcriber.transcribe(path).passages
        assert second.start - first.end > 1.2
        assert second.words[0].start == second.start
        assert first.text.split()[:8] == second.text.split()[:8]

    def test_noise_is_no_error(self, transcriber: Transcriber, tmp_path: Path) -> None:
        run_ffmpeg(["-f", "lavfi", "-i", "anoisesrc=d=2:a=0.3", tmp_path / "noise.wav"])
        transcriber.transcribe(tmp_path / "noise.wav")


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("“Hello,”", "hello"), ("2026", "twenty twenty six"), ("$2.5", "two point five dollars"),
        ("21st", "twenty first"),
        ("well-known", "well known"), ("10:30", "ten thirty"), ("50%", "fifty percent"), ("—", ""), ("", ""),
        ("3,000", "three thousand"), ("don’t", "don't"), ("Rivera's", "rivera's"), ("U.S.", "u s"),
        ("1990s", "nineteen nineties"), ("10–20", "ten twenty"), ("£3m,", "three million pounds"), ("R&D", "r and d"),
        ("2026.", "twenty twenty six"), ("1,500", "one thousand five hundred"), ("'s", "s"), ("٣", "three"),
    ],
)  # fmt: skip
def test_what_is_said_for_a_token(token: str, words: str) -> None:
    assert spoken_words(token) == words.split()


def test_money_is_said_after_the_magnitude() -> None:
    said = spoken_tokens(["It", "cost", "$2.5", "million,", "then", "€3", "more"])
    assert [" ".join(words) for words in said] == [
        "it", "cost", "two point five", "million dollars", "then", "three euros", "more",
    ]  # fmt: skip


def test_unknown_words_get_sounds() -> None:
    said = phones(["kyiv", "rivera's", "mbappé", "🤷", "x" * 300])
    assert said["kyiv"].split()[0] == "K"
    assert said["rivera's"] == "R IH V EH R AH Z"
    assert all(said.values())


def test_sounds_without_espeak(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_args: object, **_options: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", missing)
    assert phones(["zzyx"]) == {"zzyx": "Z Z Y K S"}
    assert phones(["éa"]) == {"éa": "EH AE"}


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'creator.settings'\n"
        "import media_processing.engines.pocketsphinx\n"
        "import media_processing.engines.whisper\n"
        "assert not {'pocketsphinx', 'whisper', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_samples_are_not_changed(voice: ESpeakVoice, tmp_path: Path) -> None:
    path, _ = spoken(voice, NEWS, tmp_path / "news.wav")
    before = path.read_bytes()
    PocketSphinxAligner().align(path, NEWS.split())
    assert path.read_bytes() == before
    assert np.frombuffer(before[44:], dtype="<i2").any()
