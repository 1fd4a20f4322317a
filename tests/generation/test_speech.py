"""Dividing a text, joining what was spoken of it, keeping it, and its loudness."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.speech.joining import BREATH, PAUSE, Utterance, join
from generation.speech.keeping import SpokenSentences
from generation.speech.pieces import Piece, pieces
from media_processing import loudness
from media_processing.engines.base import Word
from media_processing.sound import Samples

HERTZ = 16_000


def tone(seconds: float, level: float = 0.3, hertz: int = HERTZ, pitch: float = 200) -> Samples:
    time = np.arange(int(seconds * hertz)) / hertz
    return (32767 * level * np.sin(2 * np.pi * pitch * time)).astype(np.int16)


class TestPieces:
    @given(st.text(st.sampled_from("ab .,;!?…—“”。5%\n"), max_size=120), st.integers(5, 60))
    def test_no_word_is_lost_or_moved(self, text: str, longest: int) -> None:
        parts = pieces(text, "en", longest=longest)
        assert "".join("".join(piece.text.split()) for piece in parts) == "".join(text.split())
        assert all(piece.text for piece in parts)
        numbers = [piece.sentence for piece in parts]
        assert numbers == sorted(numbers)

    @given(st.lists(st.sampled_from(["word", "a", "—", "end.", "well,", "5", "…"]), min_size=1, max_size=40))
    def test_words_stay_whole(self, tokens: list[str]) -> None:
        parts = pieces(" ".join(tokens), "en", longest=20)
        assert [token for piece in parts for token in piece.text.split()] == tokens

    def test_a_long_sentence_is_divided_where_it_pauses(self) -> None:
        text = "When the ferry left the harbour, nobody on the quay knew what was to come."
        assert [piece.text for piece in pieces(text, "en", longest=50)] == [
            "When the ferry left the harbour,", "nobody on the quay knew what was to come."
        ]  # fmt: skip
        assert {piece.sentence for piece in pieces(text, "en", longest=50)} == {0}

    def test_what_has_nothing_to_say_goes_with_its_neighbour(self) -> None:
        assert [piece.text for piece in pieces("It ended. … Really?", "en", longest=100)] == ["It ended. …", "Really?"]


class TestJoining:
    PARTS = (Piece("One two.", 0), Piece("Three,", 1), Piece("four.", 1))

    def spoken(self, level: float = 0.3) -> list[Utterance]:
        return [
            Utterance(tone(1.0, level), HERTZ, (Word("One", 0.1, 0.4), Word("two.", 0.5, 0.9))),
            Utterance(tone(0.5, level), HERTZ, (Word("Three,", 0.1, 0.4),)),
            Utterance(tone(0.5, level), HERTZ, (Word("four.", 0.1, 0.4),)),
        ]

    def test_words_and_bounds_move_with_their_sentences(self) -> None:
        joined = join(self.PARTS, self.spoken())
        second, third = 1.0 + PAUSE, 1.5 + PAUSE + BREATH
        assert [(word.text, word.start) for word in joined.words] == [
            ("One", 0.1), ("two.", 0.5), ("Three,", round(second + 0.1, 3)), ("four.", round(third + 0.1, 3))
        ]  # fmt: skip
        assert joined.sentences == ((0.1, 0.9), (round(second + 0.1, 3), round(third + 0.4, 3)))
        assert len(joined.samples) / HERTZ == pytest.approx(2.0 + PAUSE + BREATH, abs=0.001)

    def test_one_sentence_without_times_leaves_the_reading_to_an_aligner(self) -> None:
        said = self.spoken()
        joined = join(self.PARTS, [said[0], Utterance(said[1].samples, HERTZ), said[2]])
        assert joined.words == () and len(joined.sentences) == 2

    def test_there_is_no_step_at_a_cut(self) -> None:
        """Each part begins and ends in the middle of a loud wave here: unfaded, that is a jump of half the range."""
        loud = Utterance(np.full(8_000, 15_000, np.int16) + tone(0.5, 0.1), HERTZ)
        samples = join(self.PARTS, [loud] * 3).samples.astype(int)
        assert np.abs(np.diff(samples)).max() < 0.05 * np.abs(samples).max()
        assert abs(samples[0]) < 5 and abs(samples[-1]) < 5

    def test_sentences_of_different_rates_are_joined(self) -> None:
        joined = join(self.PARTS[:2], [Utterance(tone(1.0), HERTZ), Utterance(tone(0.5, hertz=24_000), 24_000)])
        assert joined.hertz == 24_000
        assert len(joined.samples) / 24_000 == pytest.approx(1.5 + PAUSE, abs=0.001)

    def test_quiet_and_loud_readings_come_out_alike(self) -> None:
        quiet, loud = (join(self.PARTS, self.spoken(level)) for level in (0.02, 0.95))
        measured = [loudness.measure(each.samples, HERTZ) for each in (quiet, loud)]
        assert [each[0] for each in measured] == pytest.approx([loudness.SPEECH] * 2, abs=0.2)


class TestLoudness:
    def test_a_full_tone_measures_what_the_standard_says(self) -> None:
        """EBU Tech 3341, test 1, in mono: a 1 kHz tone at -23 dBFS is at -23 LUFS in stereo, 3 dB lower in mono."""
        level = 10 ** (-23 / 20)
        measured, peak = loudness.measure(tone(20, level, 48_000, pitch=1_000), 48_000)
        assert measured == pytest.approx(-26, abs=0.1)
        assert peak == pytest.approx(-23, abs=0.1)

    @pytest.mark.parametrize("seconds", [0.2, 0.7, 6.0])
    @pytest.mark.parametrize("target", [-30.0, -23.0, -16.0])
    def test_levelling(self, seconds: float, target: float) -> None:
        made = loudness.level(tone(seconds), HERTZ, target)
        assert loudness.measure(made, HERTZ)[0] == pytest.approx(target, abs=0.3)
        assert len(made) == int(seconds * HERTZ)

    def test_no_peak_is_let_through(self) -> None:
        """Clicks of full level on quiet noise: raised plainly, they would go 13 dB over."""
        noise = np.random.default_rng(1).normal(0, 300, 5 * HERTZ)
        noise[::4_000] = 30_000
        made = loudness.level(noise.astype(np.int16), HERTZ, -20)
        assert loudness.measure(made, HERTZ)[1] <= loudness.PEAK

    def test_silence_stays_silence(self) -> None:
        silent = np.zeros(HERTZ, np.int16)
        assert not loudness.level(silent, HERTZ).any()
        assert len(loudness.level(silent[:0], HERTZ)) == 0


class TestKeeping:
    SAID = Utterance(tone(0.2), HERTZ, (Word("Grüße", 0.01, 0.1, 0.9),))

    def test_what_is_put_is_got(self, tmp_path: Path) -> None:
        kept = SpokenSentences(tmp_path)
        assert kept.get(["a", 1], "own") is None
        kept.put(["a", 1], "own", self.SAID)
        found = kept.get(["a", 1], "own")
        assert found is not None
        assert (found.samples == self.SAID.samples).all() and (found.hertz, found.words) == (HERTZ, self.SAID.words)
        assert kept.get(["a", 2], "own") is None and kept.get(["a", 1], "cloned-1") is None

    @pytest.mark.parametrize("content", [b"", b"[]\n", b"no json\nRIFF", b'[{"text": 1}]\nRIFF', b"[]"])
    def test_a_broken_file_is_no_file(self, tmp_path: Path, content: bytes) -> None:
        kept = SpokenSentences(tmp_path)
        kept.put(["a"], "own", self.SAID)
        (path,) = (path for path in tmp_path.rglob("*") if path.is_file())
        path.write_bytes(content)
        assert kept.get(["a"], "own") is None

    def test_a_folder_that_cannot_be_written_is_no_failure(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        kept = SpokenSentences(tmp_path / "file")
        kept.put(["a"], "own", self.SAID)
        assert kept.get(["a"], "own") is None

    def test_the_sweep_removes_what_was_not_used_for_longest(self, tmp_path: Path) -> None:
        kept = SpokenSentences(tmp_path)
        for name in ("old", "used", "new"):
            kept.put([name], "own", self.SAID)
        for path in tmp_path.rglob("*"):
            if path.is_file():
                os.utime(path, (1, 1))
        assert kept.get(["used"], "own")
        size = next(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
        assert kept.sweep(size) == 2
        assert kept.get(["used"], "own") and not kept.get(["old"], "own")

    def test_a_group_is_forgotten_whole(self, tmp_path: Path) -> None:
        kept = SpokenSentences(tmp_path)
        kept.put(["a"], "own", self.SAID)
        kept.put(["a"], "cloned-1", self.SAID)
        kept.forget("cloned-1")
        kept.forget("cloned-2")
        assert kept.get(["a"], "own") and not kept.get(["a"], "cloned-1")
