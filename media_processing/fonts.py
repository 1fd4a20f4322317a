"""Which font draws which characters: a Latin family from pip, every other script from the system's Noto fonts.

Neither Pillow nor libass falls back to another font by rules that we could promise, so text is split into runs by
what each font covers, and text that no font covers is refused before anything is drawn.
"""

from __future__ import annotations

import functools
import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import font_roboto
import font_source_serif_pro
from fontTools import unicodedata as scripts
from fontTools.ttLib import TTCollection, TTFont, TTLibError
from PIL import ImageFont

from media_processing.engine import EngineError

FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("~/.local/share/fonts").expanduser(),
    Path("~/.fonts").expanduser(),
    Path("/Library/Fonts"),
)
"""Where systems keep fonts."""

CJK = {"Hani", "Hira", "Kana", "Hang", "Bopo"}
CJK_FACES = {"ja": "JP", "ko": "KR", "zh": "SC", "zh-hant": "TC", "zh-tw": "TC", "zh-hk": "HK"}
COMMON = {"Zyyy", "Zinh"}
EMOJI = "emoji"
SYMBOL_STEMS = ("NotoSansSymbols", "NotoSansSymbols2", "NotoSansMath", "NotoSans", "NotoMusic", "DejaVuSans")
PACKAGES = {**dict.fromkeys(CJK, "fonts-noto-cjk"), EMOJI: "fonts-noto-color-emoji"}
"""The apt package of a script; fonts-noto-core holds the rest."""
MARKERS = {
    "fonts-noto-cjk": "NotoSansCJK-Regular",
    "fonts-noto-core": "NotoSans-Regular",
    "fonts-noto-color-emoji": "NotoColorEmoji",
}
"""A file that says that a package is installed."""
SCRIPTS_SHOWN = {
    "Latin": "Ag", "Greek": "Ωψ", "Cyrillic": "Жя", "Arabic": "نص", "Hebrew": "שלום", "Devanagari": "नमस्ते",
    "Bengali": "বাংলা", "Tamil": "தமிழ்", "Telugu": "తెలుగు", "Gujarati": "ગુજરાતી", "Gurmukhi": "ਪੰਜਾਬੀ",
    "Kannada": "ಕನ್ನಡ", "Malayalam": "മലയാളം", "Thai": "ไทย", "Chinese": "中文", "Japanese": "かな",
    "Korean": "한국어", "emoji": "🎉",
}  # fmt: skip


LATIN = "AZazéßøñçłžşőİ0189“”–…€"
"""What a font must have to be offered for headlines and text."""


@dataclass(frozen=True)
class Font:
    """One face of a font file. `family` is its name to libass, `em` what an ASS font size of 1 is in ems."""

    path: Path
    index: int
    family: str
    em: float
    colour: bool = False

    def at(self, size: float) -> ImageFont.FreeTypeFont:
        """The face for Pillow with an em of `size` pixels, shaped by raqm."""
        return _opened(self.path, self.index, round(size * 64) / 64)


@dataclass(frozen=True)
class Run:
    """A stretch of text that one font draws."""

    text: str
    font: Font


@dataclass(frozen=True)
class MissingScript:
    """A script without a font, the apt package that has one ("" where none is known), and what can't be drawn."""

    script: str
    package: str
    characters: str


def split_runs(text: str, family: str = "sans", *, weight: int = 700, language: str = "en") -> list[Run]:
    """Split text into runs of one font each; together they are the whole text. Raises EngineError as `require` does."""
    runs: list[Run] = []
    for cluster in clusters(text):
        current = runs[-1].font if runs else None
        font = _font_for(cluster, current, family, weight, language)
        if font is None:
            _refuse(missing(text, family=family, language=language))
        elif runs and runs[-1].font == font:
            runs[-1] = Run(runs[-1].text + cluster, font)
        else:
            runs.append(Run(cluster, font))
    return runs


def missing(text: str, *, family: str = "sans", language: str = "en") -> list[MissingScript]:
    """The scripts of a text that no font here covers, in order of appearance."""
    found: dict[tuple[str, str], str] = {}
    for cluster in dict.fromkeys(clusters(text)):
        if _font_for(cluster, None, family, 700, language) is None:
            key = _script_and_package(cluster)
            found[key] = found.get(key, "") + cluster
    return [MissingScript(script, package, characters) for (script, package), characters in found.items()]


def require(text: str, *, language: str = "en") -> None:
    """Raise EngineError with the exact apt line where a script of the text has no font."""
    _refuse(missing(text, language=language))


def report() -> list[dict[str, Any]]:
    """One row for each script that people are likely to write: script, ok, font, the package where it is missing."""
    rows = []
    for script, sample in SCRIPTS_SHOWN.items():
        lacking = missing(sample)
        font = "" if lacking else split_runs(sample)[0].font.path.name
        package = lacking[0].package if lacking else ""
        rows.append({"script": script, "ok": not lacking, "font": font, "package": package})
    return rows


def apt_line(packages: list[str]) -> str:
    return f"sudo apt install {' '.join(dict.fromkeys(packages))}"


@functools.lru_cache(maxsize=65536)
def width(text: str, size: float, family: str = "sans", *, weight: int = 700, language: str = "en") -> float:
    """How wide a line of text is, in pixels, at an em of `size` pixels."""
    return sum(advance(run, size) for run in split_runs(text, family, weight=weight, language=language))


@functools.lru_cache(maxsize=8192)
def advance(run: Run, size: float) -> float:
    """How far a run moves the pen, in pixels."""
    if run.font.colour:  # colour bitmaps come in one size and are scaled
        return run.font.at(COLOUR_SIZE).getlength(run.text) * size / COLOUR_SIZE
    return run.font.at(size).getlength(run.text)


COLOUR_SIZE = 109
"""The only size in which Noto Color Emoji holds its bitmaps."""


def clusters(text: str) -> Iterator[str]:
    """Split text into what must stay in one font: a character with its marks, a flag's two letters."""
    cluster = ""
    for character in text:
        joins = (
            unicodedata.category(character) in ("Mn", "Mc", "Me")
            or character in "\u200d\u200c\ufe0e\ufe0f\u20e3"
            or "\U0001f3fb" <= character <= "\U0001f3ff"
            or "\U000e0020" <= character <= "\U000e007f"
            or (cluster and cluster[-1] == "\u200d" and is_emoji(cluster))
            or (_is_flag(character) and _is_flag(cluster))
        )
        if cluster and not joins:
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _is_flag(text: str) -> bool:
    return len(text) == 1 and "\U0001f1e6" <= text <= "\U0001f1ff"


def is_emoji(cluster: str) -> bool:
    """Whether a cluster asks to be drawn as a colour picture."""
    if "\ufe0e" in cluster or not cluster:
        return False
    return "\ufe0f" in cluster or "\U0001f000" <= cluster[0] <= "\U0001faff"


def _needs_no_glyph(character: str) -> bool:
    return unicodedata.category(character) in ("Cf", "Cc", "Zl", "Zp") or character in "\ufe0e\ufe0f\u034f"


@functools.lru_cache(maxsize=65536)
def _font_for(cluster: str, current: Font | None, family: str, weight: int, language: str) -> Font | None:
    needed = [character for character in cluster if not _needs_no_glyph(character)]
    primary = _latin(family, weight)
    if is_emoji(cluster):
        colour = _system("NotoColorEmoji", 0)
        if colour and _covers(colour, needed):
            return colour
        current = None
    return _plain_font(needed, current, primary, family, weight, language)


def _plain_font(
    needed: list[str], current: Font | None, primary: Font, family: str, weight: int, language: str
) -> Font | None:
    common = all(scripts.script(character) in COMMON for character in needed)
    if common and current and not current.colour and _covers(current, needed):
        return current  # a space or a comma stays with its neighbour, so that the run shapes as one
    if _covers(primary, needed):
        return primary
    own = [character for character in needed if scripts.script(character) not in COMMON] or needed
    for font in _fallbacks(scripts.script(own[0]), family, weight, language):
        if _covers(font, needed):
            return font
    return _anywhere(tuple(needed))


def _fallbacks(script: str, family: str, weight: int, language: str) -> Iterator[Font]:
    styles = ("Bold", "Regular") if weight >= 600 else ("Regular", "Bold")
    kinds = ("Serif", "Sans") if family == "serif" else ("Sans", "Serif")
    if script in CJK or script in COMMON:
        for style in styles:
            for kind in kinds:
                yield from _cjk_face(f"Noto{kind}CJK-{style}", script, language)
    name = scripts.script_name(script, default="").replace("_", "").replace(" ", "")
    own = (*(f"Noto{kind}{name}" for kind in kinds), f"Noto{name}", f"NotoNaskh{name}")
    stems = SYMBOL_STEMS if script in COMMON else own
    for stem in stems:
        for style in (*styles, ""):
            font = _system(f"{stem}-{style}" if style else stem, 0)
            if font:
                yield font


def _cjk_face(stem: str, script: str, language: str) -> Iterator[Font]:
    tag = language.lower()
    wanted = CJK_FACES.get(tag) or CJK_FACES.get(tag.split("-")[0])
    wanted = wanted or {"Hang": "KR", "Hira": "JP", "Kana": "JP"}.get(script, "SC")
    for index in range(10):
        font = _system(stem, index)
        if font is None:
            return
        if font.family.endswith(wanted):
            yield font
            return


@functools.cache
def _latin(family: str, weight: int) -> Font:
    if family == "serif":
        name = "SourceSerifPro" + ("Bold" if weight >= 700 else "Semibold" if weight >= 600 else "")
        # The package's TrueType files: FreeType hints them better at small sizes than its CFF ones.
        path = Path(font_source_serif_pro.font_files_ttf[name])
    elif family == "sans":
        path = Path(font_roboto.font_files["Roboto" + ("Bold" if weight >= 600 else "Medium" if weight >= 500 else "")])
    elif family in _families():
        regular, bold = _families()[family]
        path = bold if weight >= 600 else regular
    else:
        raise ValueError(f"There is no font family {family!r}: choose {', '.join(_families())}, sans or serif.")
    return _read(path, 0)


def families() -> dict[str, str]:
    """Every Latin family that text can be set in, and its name for people: the two of pip, then the system's own."""
    return {"serif": "Source Serif", "sans": "Roboto", **{name: name for name in sorted(_families())}}


@functools.cache
def _families() -> dict[str, tuple[Path, Path]]:
    """The system's families with a regular and a bold file that cover what Latin languages need."""
    found = {}
    for stem, path in _installed().items():
        name = stem.removesuffix("-Regular")
        bold = _installed().get(f"{name}-Bold")
        if bold is None or path.suffix.lower() == ".ttc":
            continue
        try:
            if _covers(_read(path, 0), list(LATIN)):
                found[_read(path, 0).family] = (path, bold)
        except (TTLibError, OSError, KeyError):
            continue
    return found


@functools.cache
def _installed() -> dict[str, Path]:
    """Every font file of the system by its stem."""
    found: dict[str, Path] = {}
    for folder in FOLDERS:
        for root, _folders, names in os.walk(folder):
            for name in names:
                path = Path(root) / name
                if path.suffix.lower() in (".ttf", ".otf", ".ttc"):
                    found.setdefault(path.stem, path)
    return found


@functools.cache
def _system(stem: str, index: int) -> Font | None:
    path = _installed().get(stem)
    if path is None:
        return None
    try:
        return _read(path, index)
    except (TTLibError, OSError, IndexError):
        return None


@functools.lru_cache(maxsize=512)
def _anywhere(needed: tuple[str, ...]) -> Font | None:
    """The first installed font that covers what no font of the table did: people install fonts of their own."""
    for stem in sorted(_installed()):
        font = _system(stem, 0)
        if font and not font.colour and _covers(font, list(needed)):
            return font
    return None


def _covers(font: Font, characters: list[str]) -> bool:
    cmap = _cmap(font.path, font.index)
    return all(ord(character) in cmap for character in characters)


@functools.cache
def _read(path: Path, index: int) -> Font:
    with _face(path, index) as face:
        name = face["name"]
        # libass looks at names 1 and 4; name 1 of a bold face is the family that \fn and \b1 ask for.
        family = name.getDebugName(1) or path.stem
        height = face["OS/2"].usWinAscent + face["OS/2"].usWinDescent if "OS/2" in face else 0
        height = height or face["hhea"].ascent - face["hhea"].descent
        colour = any(table in face for table in ("CBDT", "COLR", "sbix"))
        return Font(path, index, family, height / face["head"].unitsPerEm, colour)


@functools.cache
def _cmap(path: Path, index: int) -> frozenset[int]:
    with _face(path, index) as face:
        return frozenset(face.getBestCmap() or ())


def _face(path: Path, index: int) -> TTFont:
    if path.suffix.lower() != ".ttc":
        if index:
            raise IndexError(index)
        return TTFont(path, lazy=True)
    with TTCollection(path, lazy=True) as collection:
        count = len(collection.fonts)
    if index >= count:
        raise IndexError(index)
    return TTFont(path, fontNumber=index, lazy=True)


@functools.lru_cache(maxsize=256)
def _opened(path: Path, index: int, size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size, index=index, layout_engine=ImageFont.Layout.RAQM)


def _script_and_package(cluster: str) -> tuple[str, str]:
    if is_emoji(cluster):
        return EMOJI, PACKAGES[EMOJI]
    script = next((s for s in map(scripts.script, cluster) if s not in COMMON), scripts.script(cluster[0]))
    if script == "Zzzz" or unicodedata.category(cluster[0]) in ("Co", "Cn"):
        return "unknown characters", ""
    name = "symbols" if script in COMMON else scripts.script_name(script).replace("_", " ")
    package = PACKAGES.get(script, "fonts-noto-core")
    return name, package if _offers(package) else ""


def _offers(package: str) -> bool:
    """False where the package is here already and still lacks the characters: installing it again can't help."""
    return MARKERS[package] not in _installed()


def _refuse(lacking: list[MissingScript]) -> None:
    if not lacking:
        return
    named = ", ".join(f"{entry.script} ({entry.characters[:8]!r})" for entry in lacking)
    packages = [entry.package for entry in lacking if entry.package]
    step = f"Install one: {apt_line(packages)}" if packages else "Remove these characters."
    raise EngineError(f"No font on this machine can draw: {named}.", next_step=step, permanent=True)


def forget() -> None:
    """Look at the system's fonts anew: after an installation, and in tests."""
    for cached in (_installed, _families, _latin, _system, _anywhere, _font_for, width):
        cached.cache_clear()
