"""How English tokens are said: numbers as words, and sounds (ARPAbet) for words that no dictionary has."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import espeakng_loader
from num2words import num2words

from media_processing.processes import guarded

_UNITS = {"$": "dollars", "€": "euros", "£": "pounds", "₹": "rupees", "¥": "yen"}
_SIGNS = {
    "%": "percent", "°": "degrees", "&": "and", "+": "plus", "=": "equals", "@": "at", "#": "number",
}  # fmt: skip
_AFTER_NUMBERS = {
    "k": "thousand", "m": "million", "bn": "billion", "tn": "trillion", "km": "kilometers", "kg": "kilograms",
    "cm": "centimeters", "mm": "millimeters", "ft": "feet",
}  # fmt: skip
_CURRENCIES = frozenset(_UNITS)
_MAGNITUDES = frozenset({"hundred", "thousand", "million", "billion", "trillion", "k", "m", "bn", "tn"})
_MARKS = ".,;:!?\"'()“”‘’[]"
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:st|nd|rd|th)?(?![\d])")
_SIGN = re.escape("".join(_UNITS | _SIGNS))
_PIECE = re.compile(rf"(?P<number>{_NUMBER.pattern})|(?P<sign>[{_SIGN}])|(?P<word>[^\W\d_](?:[^\W\d_]|')*)")

_IPA = {
    "aɪɚ": "AY ER", "aɪə": "AY AH", "ɑːɹ": "AA R", "ɔːɹ": "AO R", "oːɹ": "AO R", "ɛɹ": "EH R", "ɪɹ": "IH R",
    "ʊɹ": "UH R", "əl": "AH L", "tʃ": "CH", "dʒ": "JH", "oʊ": "OW", "əʊ": "OW", "eɪ": "EY", "aɪ": "AY", "aʊ": "AW",
    "ɔɪ": "OY", "iə": "IY AH", "ɜː": "ER", "iː": "IY", "uː": "UW", "ɑː": "AA", "ɔː": "AO", "aː": "AA", "oː": "OW",
    "eː": "EY", "ɚ": "ER", "ɝ": "ER", "ɐ": "AH", "ə": "AH", "ʌ": "AH", "ᵻ": "IH", "ɪ": "IH", "i": "IY", "ɛ": "EH",
    "e": "EH", "æ": "AE", "a": "AA", "ɑ": "AA", "ɒ": "AA", "ɔ": "AO", "o": "OW", "ʊ": "UH", "u": "UW", "y": "UW",
    "ø": "ER", "œ": "ER", "b": "B", "d": "D", "ð": "DH", "f": "F", "ɡ": "G", "g": "G", "ɣ": "G", "h": "HH",
    "ç": "HH", "x": "K", "k": "K", "q": "K", "l": "L", "ɫ": "L", "ɬ": "L", "ʎ": "L Y", "m": "M", "n̩": "AH N",
    "n": "N", "ɲ": "N Y", "ŋ": "NG", "p": "P", "ɹ": "R", "r": "R", "ʁ": "R", "s": "S", "ʃ": "SH", "t": "T",
    "ɾ": "T", "ʔ": "T", "θ": "TH", "v": "V", "β": "V", "w": "W", "ʍ": "W", "j": "Y", "z": "Z", "ʒ": "ZH",
}  # fmt: skip
_IPA_PIECE = re.compile("|".join(sorted(map(re.escape, _IPA), key=len, reverse=True)))

_LETTERS = {
    "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH", "k": "K",
    "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V",
    "w": "W", "x": "K S", "y": "Y", "z": "Z",
}  # fmt: skip
"""What is left where eSpeak can't be asked: crude, but an aligner needs a sound for every word."""

# eSpeak keeps global state and reads foreign text, so it runs in a process of its own. 0x02 asks for IPA.
_CHILD = """
import ctypes, json, sys
library, data = sys.argv[1:3]
espeak = ctypes.CDLL(library)
espeak.espeak_TextToPhonemes.restype = ctypes.c_char_p
if espeak.espeak_Initialize(2, 0, data.encode(), 0) < 0 or espeak.espeak_SetVoiceByName(b"en-us"):
    sys.exit(1)
said = []
for word in json.load(sys.stdin):
    text = ctypes.c_char_p(word.encode())
    parts = []
    while text.value:
        parts.append(espeak.espeak_TextToPhonemes(ctypes.byref(text), 1, 0x02).decode())
    said.append(" ".join(parts))
json.dump(said, sys.stdout)
"""


def spoken_words(token: str) -> list[str]:
    """What is said for a token of a script, in lower case without marks: "$2.5" -> two point five dollars.

    Empty for a token that is only marks. Years are said as years, "21st" as an ordinal, "well-known" is two words.
    """
    token = unicodedata.normalize("NFC", token).replace("’", "'")
    alone = token.strip(_MARKS)
    words: list[str] = []
    unit, after_number = "", False
    for piece in _PIECE.finditer(token):
        if number := piece["number"]:
            words += _number_words(number, year=not unit and alone in (number, f"{number}s"))
        elif sign := piece["sign"]:
            if sign in _CURRENCIES:
                unit = _UNITS[sign]
            else:
                words.append(_SIGNS[sign])
        elif cleaned := piece["word"].strip("'").lower():
            if after_number and cleaned == "s":
                words[-1] = words[-1].removesuffix("y") + "ies" if words[-1].endswith("y") else words[-1] + "s"
            else:
                words.append(_AFTER_NUMBERS.get(cleaned, cleaned) if after_number else cleaned)
        after_number = bool(piece["number"])
    return [*words, unit] if unit and words else words


def spoken_tokens(tokens: Sequence[str]) -> list[list[str]]:
    """`spoken_words` of each token of a script, with "$2.5 million" said as two point five, million dollars."""
    said = [spoken_words(token) for token in tokens]
    for number, (token, following) in enumerate(pairwise(tokens)):
        if following.strip(_MARKS).lower() in _MAGNITUDES and said[number] and token.strip(_MARKS)[:1] in _CURRENCIES:
            said[number + 1].append(said[number].pop())
    return said


def _number_words(number: str, *, year: bool) -> list[str]:
    plain = number.replace(",", "").rstrip("stndrh")
    if plain != number.replace(",", ""):
        said = num2words(int(float(plain)), to="ordinal")
    elif year and re.fullmatch(r"(1[1-9]|20)\d\d", number):
        said = num2words(int(number), to="year")
    elif len(plain) > 15:
        said = " ".join(num2words(int(digit)) for digit in plain if digit.isdigit())
    else:
        said = num2words(float(plain) if "." in plain else int(plain))
    return re.findall(r"[a-z]+", said.lower())


def phones(words: Sequence[str]) -> dict[str, str]:
    """The sounds of words that no dictionary has, as ARPAbet without stress: {"kyiv": "K IY V"}."""
    ipa = _ipa(tuple(dict.fromkeys(words)))
    return {word: _arpabet(ipa.get(word, "")) or _by_letters(word) for word in words}


@functools.lru_cache(maxsize=64)
def _ipa(words: tuple[str, ...]) -> dict[str, str]:
    command = [sys.executable, "-I", "-S", "-c", _CHILD, espeakng_loader.get_library_path()]
    try:
        done = subprocess.run(
            guarded([*command, espeakng_loader.get_data_path()], memory=2**30, cpu=20),
            input=json.dumps(words),
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
            start_new_session=True,
        )
        return dict(zip(words, json.loads(done.stdout), strict=True))
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}


def _arpabet(ipa: str) -> str:
    return " ".join(_IPA[piece] for piece in _IPA_PIECE.findall(ipa.replace("ˈ", "").replace("ˌ", "")))


def _by_letters(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.lower())
    return " ".join(_LETTERS[letter] for letter in plain if letter in _LETTERS) or "AH"
