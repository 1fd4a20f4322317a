"""The starter voice: exact word times, its helper process, languages, normalisation."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import espeakng_loader
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.engines.espeak import ESpeakVoice
from generation.speech.normalise import is_silent, spoken_tokens
from generation.speech.timing import group_silent
from media_processing.engine import EngineError
from tests.contracts.voice import VoiceContract

ARTICLES = sorted((Path(__file__).parent / "articles").glob("*.txt"))
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shared() -> Iterator[ESpeakVoice]:
    voice = ESpeakVoice("espeak")
    yield voice
    voice.close()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def processor_time(pid: int) -> float:
    """Seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class TestESpeakVoice(VoiceContract):
    @pytest.fixture
    def voice(self, shared: ESpeakVoice) -> ESpeakVoice:
        return shared

    @pytest.mark.parametrize("path", ARTICLES, ids=lambda path: path.stem)
    def test_every_word_of_an_article_has_its_time(self, voice: ESpeakVoice, path: Path) -> None:
        text = path.read_text()
        speech = voice.speak(text, language=path.stem[-2:])
        assert " ".join(word.text for word in speech.words) == " ".join(text.split())
        assert all(0.015 <= word.end - word.start < 4 for word in speech.words)
        assert all(a.end <= b.start for a, b in zip(speech.words, speech.words[1:], strict=False))

    def test_it_is_a_hundred_times_faster_than_speech(self, voice: ESpeakVoice) -> None:
        text = ARTICLES[0].read_text()
        voice.load()
        assert voice.helper_pid is not None
        began = time.process_time() + processor_time(voice.helper_pid)
        speech = voice.speak(text, language="en")
        took = time.process_time() + processor_time(voice.helper_pid) - began
        assert speech.seconds / took > 100  # in processor time, whatever else this machine does

    def test_silence_around_the_speech_is_short(self, voice: ESpeakVoice) -> None:
        speech = voice.speak("Hello there.")
        assert speech.words[0].start == pytest.approx(0.06, abs=0.03)
        assert speech.seconds - speech.words[-1].end == pytest.approx(0.14, abs=0.06)

    def test_a_dash_goes_with_the_word_before_it(self, voice: ESpeakVoice) -> None:
        words = voice.speak("“ The bridge — so old — fell …").words
        assert [word.text for word in words] == ["“ The", "bridge —", "so", "old —", "fell …"]

    def test_numbers_are_one_word_however_long_they_take(self, voice: ESpeakVoice) -> None:
        words = voice.speak("It cost $2,345,678.90 in 1998 or 41°C today.").words
        assert [word.text for word in words] == ["It", "cost", "$2,345,678.90", "in", "1998", "or", "41°C", "today."]
        assert words[2].end - words[2].start > 2

    def test_chinese_words_come_without_spaces(self, voice: ESpeakVoice) -> None:
        speech = voice.speak("今天天气很好。我们去公园！", language="zh")
        assert "".join(word.text for word in speech.words) == "今天天气很好。我们去公园！"
        assert len(speech.words) >= 8
        assert len(speech.sentences) == 2

    def test_kanji_are_refused(self, voice: ESpeakVoice) -> None:
        with pytest.raises(EngineError, match="kanji"):
            voice.speak("日本語です。", language="ja")
        assert voice.speak("こんにちは。", language="ja").seconds > 0.3

    def test_rate_changes_the_length(self, voice: ESpeakVoice) -> None:
        slow, fast = (voice.speak("The ferry crossed the wide fjord.", rate=rate).seconds for rate in (0.7, 1.5))
        assert slow > 1.5 * fast

    def test_pronunciations_are_said_and_not_shown(self, voice: ESpeakVoice) -> None:
        plain = voice.speak("Ask Nguyen today.")
        said = voice.speak("Ask Nguyen today.", pronunciations={"nguyen": "win the very long way round"})
        assert [word.text for word in said.words] == ["Ask", "Nguyen", "today."]
        assert said.seconds > plain.seconds + 0.5

    def test_voices(self, voice: ESpeakVoice) -> None:
        def ids(language: str) -> list[str]:
            return [speaker.id for speaker in voice.voices(language)]

        assert ids("en")[0] == "en-us"
        assert {"en-gb", "en-us+f2"} <= set(ids("en"))
        assert ids("pt-BR")[0] == "pt-br"
        assert ids("zh")[0] == "cmn"
        assert ids("zz") == []
        titles = {speaker.id: (speaker.title, speaker.language) for speaker in voice.voices("en")}
        assert titles["en-gb+f2"] == ("English (Great Britain), female", "en-gb")
        assert voice.speak("Hello.", voice="en-gb+f2").made_by["voice"] == "en-gb+f2"

    @pytest.mark.parametrize("name", ["nobody", "en-us; rm", "../../etc", "zz+f1"])
    def test_unknown_voices_are_refused(self, voice: ESpeakVoice, name: str) -> None:
        with pytest.raises(EngineError, match="no voice"):
            voice.speak("Hello.", voice=name)

    def test_its_languages_are_the_librarys(self, voice: ESpeakVoice) -> None:
        voice.load()
        assert voice.languages is not None
        assert set(voice._codes) == set(voice.languages)

    @pytest.mark.parametrize("language", ["de", "fr", "es", "hi", "ar", "ru", "ta", "sw", "vi", "tr", "fa", "el", "ko"])
    def test_it_speaks_the_world(self, voice: ESpeakVoice, language: str) -> None:
        texts = {"hi": "नमस्ते दुनिया।", "ar": "مرحبا بالعالم.", "ru": "Привет, мир.", "ta": "வணக்கம் உலகம்.",
                 "fa": "سلام دنیا.", "el": "Γεια σου κόσμε.", "ko": "안녕 세상."}  # fmt: skip
        text = texts.get(language, "Radio taxi 12.")
        speech = voice.speak(text, language=language)
        assert [word.text for word in speech.words] == text.split()

    @pytest.mark.parametrize(
        "text",
        [
            "<speak><mark name='x'/>hi</speak>",
            "[[h@l'oU]] there",
            "a\x00b",
            "😀 fine",
            "— … —",
            "&amp; %s %n",
            "\u202e abc",
        ],
    )
    def test_hostile_text_is_only_text(self, voice: ESpeakVoice, text: str) -> None:
        speech = voice.speak(text)
        assert speech.sound[:4] == b"RIFF"
        assert "".join(word.text for word in speech.words).replace(" ", "") in ("", "".join(text.split()))


class TestHelperProcess:
    @pytest.fixture
    def voice(self) -> Iterator[ESpeakVoice]:
        voice = ESpeakVoice("espeak", timeout=10)
        voice.load()
        yield voice
        voice.close()

    def test_a_killed_helper_is_started_again(self, voice: ESpeakVoice) -> None:
        before = voice.helper_pid
        assert before is not None
        os.kill(before, signal.SIGKILL)
        assert voice.speak("Still here.").words
        assert voice.helper_pid != before

    def test_a_hanging_helper_is_given_up(self, voice: ESpeakVoice) -> None:
        voice.timeout = 0.3
        pid = voice.helper_pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        assert voice.speak("Back again.").words

    def test_threads_take_turns(self, voice: ESpeakVoice) -> None:
        texts = [f"Number {number} waits for its turn." for number in range(12)]
        said: dict[str, str] = {}

        def say(text: str) -> None:
            said[text] = " ".join(word.text for word in voice.speak(text).words)

        threads = [threading.Thread(target=say, args=(text,)) for text in texts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert said == {text: text for text in texts}

    def test_it_lives_on_when_the_thread_that_first_asked_ends(self) -> None:
        voice = ESpeakVoice("espeak")
        thread = threading.Thread(target=voice.load)
        thread.start()
        thread.join()
        pid = voice.helper_pid
        time.sleep(0.2)
        assert voice.speak("Hello.").words
        assert voice.helper_pid == pid
        voice.close()

    def test_it_dies_with_its_parent(self) -> None:
        code = (
            "import time; from generation.engines.espeak import ESpeakVoice as V; v = V(); v.load(); "
            "print(v.helper_pid, flush=True); time.sleep(60)"
        )
        with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
            assert parent.stdout is not None
            pid = int(parent.stdout.readline())
            assert alive(pid)
            parent.kill()
        until = time.monotonic() + 2
        while alive(pid) and time.monotonic() < until:
            time.sleep(0.02)
        assert not alive(pid)

    def test_a_forgotten_engine_takes_its_helper_with_it(self) -> None:
        voice = ESpeakVoice("espeak")
        voice.load()
        pid = voice.helper_pid
        del voice
        assert pid is not None and not alive(pid)

    def test_a_missing_library_is_a_problem_that_can_be_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: "/nowhere/lib.so")
        assert [problem.permanent for problem in ESpeakVoice().problems()] == [True]


class TestNormalising:
    @pytest.mark.parametrize(
        ("language", "text", "said"),
        [
            ("en", "It cost $2.4 million.", "It cost 2.4 million dollars."),
            ("en", "£3bn and €4.50", "3 billion pounds and 4 50 euros"),
            ("en", "in 1998, the 1950s, 2026 dollars", "in nineteen ninety-eight, the nineteen fifties, 2026 dollars"),
            ("en", "Dr. Lee of the U.S. Army, e.g. No. 5", "doctor Lee of the U S Army, for example number 5"),
            ("en", "Mill St. is closed", "Mill street is closed"),
            ("en", "5 km at 41°C, 3–5 kg", "5 kilometres at 41 degrees Celsius, 3 to 5 kilograms"),
            ("en", "J. F. Lee #savetrees", "J F Lee savetrees"),
            ("en", "She left at 5 p.m.", "She left at 5 P M."),
            ("de", "z. B. ca. 3,8 Mio. Euro, 5–6 km", "zum Beispiel circa 3,8 Millionen Euro, 5 bis 6 Kilometer"),
            ("de", "Die CDU z. Zt.", "Die CDU z Zt."),
            ("es", "La Sra. López pagó 20€", "La señora López pagó 20 euros"),
            ("fr", "M. Dupont, 5 km", "monsieur Dupont, 5 kilomètres"),
            ("hi", "डॉ. शर्मा ₹500", "डॉक्टर शर्मा 500 रुपये"),
            ("en", "on 2026-11-23 at 5:05, by 10/3/1998", "on November 23, twenty twenty-six at 5 oh 5, by October 3, nineteen ninety-eight"),  # noqa: E501
            ("en", "the 21st at 5:00 p.m. or 9:00", "the twenty-first at 5 P M or 9 o'clock"),
            ("en", "5 GB, 60 Hz, ₩500", "5 gigabytes, 60 hertz, 500 South Korean won"),
            ("de", "am 3.11.2026 um 14:30 Uhr, 9:00", "am 3 November 2026 um 14 30 Uhr, 9 Uhr"),
            ("de", "um 14:30, 1.234 kWh", "um 14 Uhr 30, 1.234 Kilowattstunden"),
            ("fr", "le 1er et la 2e, à 8h30, 14h", "le premier et la deuxième, à 8 heures 30, 14 heures"),
            ("es", "el 3.º y la 2ª, 20 mph", "el tercero y la segunda, 20 millas por hora"),
            ("it", "il 21º, 5 kWh", "il ventunesimo, 5 chilowattora"),
            ("pl", "3.11.2026, 5 km, 22 km, 5,5 kg, 20 zł", "3 listopada 2026, 5 kilometrów, 22 kilometry, 5,5 kilograma, 20 złotych polskich"),  # noqa: E501
            ("ru", "2 км 5 km €5", "2 км 5 километров 5 евро"),
            ("sw", "bei $5", "bei 5 dola za Marekani"),
            ("fr", "20 € et 5 %", "20 euros et 5 pour cent"),
            ("xx", "$5, 5:00, 5 km", "$5, 5:00, 5 km"),
            ("en", "a 32/13/2026 of 99:99 and 1.2.3.4", "a 32/13/2026 of 99:99 and 1.2.3.4"),
        ],
    )  # fmt: skip
    def test_tokens(self, language: str, text: str, said: str) -> None:
        assert " ".join(part for part in spoken_tokens(text.split(), language) if part) == said

    @pytest.mark.parametrize(
        ("language", "text", "said"),
        [
            ("en", "1,234.5 men paid $5", "one thousand, two hundred and thirty-four point five men paid five dollars"),
            ("de", "1.234,5 Boote", "eintausendzweihundertvierunddreißig Komma fünf Boote"),
            ("ru", "5 книг", "пять книг"),
            ("sw", "watu 5", "watu 5"),
        ],
    )  # fmt: skip
    def test_numbers_in_words_for_voices_that_read_letters_only(self, language: str, text: str, said: str) -> None:
        assert " ".join(spoken_tokens(text.split(), language, spell=True)) == said

    @given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=("Z", "C")), min_size=1), max_size=12),
           st.sampled_from(["en", "de", "fr", "es", "pl", "ru", "hi", "ja", "zz", "pt-BR"]))  # fmt: skip
    def test_any_text_gives_one_string_for_each_token(self, tokens: list[str], language: str) -> None:
        tokens = " ".join(tokens).split()
        assert len(spoken_tokens(tokens, language, spell=True)) == len(tokens)

    def test_one_for_each_token(self) -> None:
        tokens = ARTICLES[0].read_text().split()
        assert len(spoken_tokens(tokens, "en")) == len(tokens)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("Okafor's van Gogh.", ["oh kafor's", "van", "hokh."]),
            ("(Okafor)", ["oh kafor", ]),
            ("Okaforian", ["Okaforian"]),
            ("VAN GOGH, again", ["van", "hokh,", "again"]),
        ],
    )  # fmt: skip
    def test_pronunciations(self, text: str, said: list[str]) -> None:
        found = spoken_tokens(text.split(), "en", {"Okafor": "oh kafor", "van Gogh": "van hokh"})
        assert [part.rstrip(")") for part in found] == said

    def test_silent_tokens(self) -> None:
        assert [is_silent(token) for token in ("—", "…", "“", "5", "%", "&", "a", "...")] == [True] * 3 + [
            False
        ] * 4 + [True]
        assert group_silent(["“", "a", "—", "b"], [True, False, True, False]) == [[0, 1, 2], [3]]
