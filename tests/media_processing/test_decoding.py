"""Whatever comes from outside is told for what it is, or refused with a sentence."""

from __future__ import annotations

import random
import resource
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from media_processing import decoding
from media_processing.decoding import (
    MediaError,
    frame_at,
    frames_at,
    glimpses,
    inspect,
    look_at,
    open_picture,
    read_sound,
)
from media_processing.engine import EngineError
from media_processing.ffmpeg import repack, run_ffmpeg
from tests.media_processing.makers import (
    clip,
    colours,
    exif,
    picture,
    picture_bytes,
    png_chunk,
    png_header,
    tone,
    turned,
)

CONTENT_TYPES = {
    "JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "AVIF": "image/avif", "GIF": "image/gif",
}  # fmt: skip


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip(tmp_path_factory.mktemp("film") / "film.mp4", seconds=2)


class TestPictures:
    @pytest.mark.parametrize("form", CONTENT_TYPES)
    def test_the_accepted_formats(self, form: str) -> None:
        probe = inspect(picture_bytes(form=form))
        assert (probe.kind, probe.content_type, probe.width, probe.height) == ("image", CONTENT_TYPES[form], 64, 48)
        assert open_picture(picture_bytes(form=form)).size == (64, 48)

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_exif_orientation(self, orientation: int) -> None:
        content = picture_bytes(exif=exif(orientation))
        size = (64, 48) if orientation < 5 else (48, 64)
        probe = inspect(content)
        assert (probe.width, probe.height) == size
        shown = open_picture(content)
        assert shown.size == size
        left, right = shown.getpixel((2, 2)), shown.getpixel((size[0] - 3, 2))
        if orientation in (1, 4):
            assert left[0] > 150 > left[2] and right[2] > 150
        if orientation in (2, 3):
            assert left[2] > 150 and right[0] > 150

    def test_a_smaller_one_is_no_larger_than_asked(self) -> None:
        assert open_picture(picture_bytes(picture(1001, 333)), max_side=100).size == (100, 33)
        assert open_picture(picture_bytes(picture(40, 30)), max_side=100).size == (40, 30)

    @pytest.mark.parametrize(
        ("mode", "form", "expected"),
        [("CMYK", "JPEG", "RGB"), ("L", "PNG", "RGB"), ("1", "PNG", "RGB"), ("RGBA", "PNG", "RGBA"),
         ("LA", "PNG", "RGBA"), ("P", "GIF", "RGB"), ("I;16", "PNG", "RGB")],
    )  # fmt: skip
    def test_modes_become_rgb(self, mode: str, form: str, expected: str) -> None:
        image = Image.new(mode, (20, 10))
        assert open_picture(picture_bytes(image, form)).mode == expected

    def test_sixteen_bits_keep_their_range(self) -> None:
        deep = Image.fromarray(np.linspace(0, 65535, 400).reshape(20, 20).astype(np.uint16))
        shown = np.asarray(open_picture(picture_bytes(deep, "PNG")))
        assert shown[0, 0, 0] == 0
        assert 120 < shown[10, 0, 0] < 135

    def test_transparent_palettes_stay_transparent(self) -> None:
        image = Image.new("P", (4, 4))
        assert open_picture(picture_bytes(image, "PNG", transparency=0)).mode == "RGBA"

    @pytest.mark.parametrize("form", ["GIF", "WEBP", "AVIF", "PNG"])
    def test_animated_ones_are_pictures_with_frames(self, form: str) -> None:
        frames = [Image.new("RGB", (20, 20), (number * 20, 9, 99)) for number in range(6)]
        content = picture_bytes(frames[0], form, save_all=True, append_images=frames[1:])
        probe = inspect(content)
        assert (probe.kind, probe.frames, probe.seconds) == ("image", 6, 0.0)
        assert open_picture(content).size == (20, 20)


class TestRefusedPictures:
    @pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "GIF"])
    @pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
    def test_truncated(self, form: str, share: float, tmp_path: Path) -> None:
        content = picture_bytes(picture(300, 200, noisy=True), form)
        path = tmp_path / f"photo.{form.lower()}"
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(MediaError, match=rf"photo\.{form.lower()} is (truncated|damaged)") as caught:
            inspect(path)
        assert caught.value.next_step
        if form in ("JPEG", "PNG"):
            assert caught.value.reason == "truncated"

    @pytest.mark.parametrize(
        ("content", "words", "reason"),
        [
            (b"", "is empty", "empty"),
            (
                b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
                "an SVG drawing",
                "wrong_type",
            ),
            (b"<?xml version='1.0'?>\n<!-- x --><svg/>", "an SVG drawing", "wrong_type"),
            (b"<!DOCTYPE html><script>alert(1)</script>", "a web page", "wrong_type"),
            (b"\xef\xbb\xbf  <HTML>", "a web page", "wrong_type"),
            (b"%PDF-1.7", "a PDF", "wrong_type"),
            (b"%!PS-Adobe-3.0 EPSF-3.0", "a PostScript file", "wrong_type"),
            (b"PK\x03\x04junk", "a ZIP archive", "wrong_type"),
            (b"MZ\x90\x00", "a program", "wrong_type"),
            (b"\x7fELF", "a program", "wrong_type"),
            (b"hello, world", "a text file", "wrong_type"),
            (b"\x00\x01\x02\x03" * 30, "a file of unknown kind", "wrong_type"),
            (b"\x00\x00\x00\x18ftypheic" + bytes(40), "a HEIC photo", "wrong_type"),
            (b"II*\x00" + bytes(40), "a TIFF picture", "wrong_type"),
        ],
    )
    def test_wrong_ones_named_jpg(self, content: bytes, words: str, reason: str, tmp_path: Path) -> None:
        path = tmp_path / "photo.jpg"
        path.write_bytes(content)
        with pytest.raises(MediaError, match=f"photo.jpg.*{words}") as caught:
            inspect(path)
        assert caught.value.reason == reason
        assert caught.value.permanent
        assert caught.value.next_step

    @pytest.mark.parametrize("magic", [b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\x10\0\0\0WEBPVP8 "])
    def test_a_magic_number_and_junk(self, magic: bytes) -> None:
        with pytest.raises(MediaError):
            inspect(magic + random.Random(1).randbytes(500))

    def bombs(self) -> Iterator[bytes]:
        yield png_header(20_000, 20_000)
        yield png_header(12_000, 12_000, bytes(12_000 * 3 * 100))
        yield png_header(2**31 - 1, 2**31 - 1)
        yield png_header(1, 50_000_001)
        dot = picture_bytes(picture(1, 1), "WEBP", lossless=True)[12:]
        one = b"ANMF" + struct.pack("<I", 16 + len(dot)) + bytes(15) + b"\0" + dot
        canvas = b"VP8X\x0a\0\0\0\x02\0\0\0" + (999).to_bytes(3, "little") * 2
        many = canvas + b"ANIM\6\0\0\0" + bytes(6) + one * 10_000
        yield b"RIFF" + struct.pack("<I", len(many) + 4) + b"WEBP" + many
        frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\x00"
        yield b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\0\0\0" + frame + b"\x3b"
        yield b"GIF89a" + struct.pack("<HH", 6000, 6000) + b"\x80\0\0" + bytes(6) + frame * 100 + b"\x3b"
        vp8x = b"VP8X\x0a\0\0\0\x02\0\0\0" + (16382).to_bytes(3, "little") * 2
        yield b"RIFF" + struct.pack("<I", len(vp8x) + 4) + b"WEBP" + vp8x
        yield b"RIFF\x20\0\0\0WEBPVP8L\x10\0\0\0\x2f" + struct.pack("<I", 16382 | 16382 << 14) + bytes(20)
        for width, height in ((7072, 7072), (32_768, 1), (1, 32_768), (65_535, 65_535)):
            yield png_header(width, height)
        for side in (7_100, 65_500):
            jpeg = bytearray(picture_bytes())
            at = jpeg.index(b"\xff\xc0")
            jpeg[at + 5 : at + 9] = struct.pack(">HH", side, side)
            yield bytes(jpeg)
        for side in (8_000, 65_535, 2**31 - 1):
            avif = bytearray(picture_bytes(form="AVIF"))
            at = avif.index(b"ispe")
            avif[at + 8 : at + 16] = struct.pack(">II", side, side)
            yield bytes(avif)
        yield b"GIF87a" + struct.pack("<HH", 9000, 9000) + b"\x80\0\0" + bytes(6) + frame + b"\x3b"
        still = picture_bytes(picture(400, 300), "PNG")
        animated = png_chunk(b"acTL", struct.pack(">II", 100_000, 0))
        yield still[:33] + animated + still[33:]

    def test_bombs_cost_neither_memory_nor_time(self) -> None:
        bombs = list(self.bombs())
        assert len(bombs) >= 20
        for number, content in enumerate(bombs):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            started = time.process_time()
            with pytest.raises(MediaError) as caught:
                inspect(content)
            # AVIF's decoder refuses impossible sizes itself, before anybody can ask for them.
            reasons = ("huge", "damaged") if content[4:8] == b"ftyp" else ("huge",)
            assert caught.value.reason in reasons, (number, caught.value)
            assert time.process_time() - started < 1
            assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000

    def test_too_many_bytes(self) -> None:
        with pytest.raises(MediaError, match="the limit is 0 MB") as caught:
            inspect(picture_bytes(), max_bytes=100)
        assert caught.value.reason == "huge"

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(MediaError, match=r"nothing\.jpg can't be read"):
            inspect(tmp_path / "nothing.jpg")

    @pytest.mark.slow
    def test_mutants_raise_nothing_else(self) -> None:
        chance = random.Random(7)
        seeds = [picture_bytes(picture(90, 70, noisy=True), form) for form in CONTENT_TYPES]
        for _ in range(400):
            content = bytearray(chance.choice(seeds))
            for _ in range(chance.randint(1, 8)):
                content[chance.randrange(len(content))] = chance.randrange(256)
            try:
                inspect(bytes(content[: chance.randint(20, len(content))]))
                open_picture(bytes(content), max_side=64)
            except MediaError as error:
                assert error.reason in {"truncated", "damaged", "huge", "wrong_type"}


@pytest.mark.slow
class TestVideo:
    @pytest.mark.parametrize(
        ("suffix", "content_type"),
        [(".mp4", "video/mp4"), (".mov", "video/quicktime"), (".webm", "video/webm"), (".mkv", "video/x-matroska")],
    )
    def test_the_accepted_containers(self, tmp_path: Path, suffix: str, content_type: str) -> None:
        probe = inspect(clip(tmp_path / f"clip{suffix}"))
        assert (probe.kind, probe.content_type, probe.suffix) == ("video", content_type, suffix)
        assert (probe.width, probe.height, probe.fps, probe.has_sound) == (64, 48, 10.0, True)
        assert probe.seconds == pytest.approx(1.0, abs=0.06)

    def test_it_can_come_as_bytes(self, film: Path) -> None:
        assert inspect(film.read_bytes()).kind == "video"

    def test_no_sound(self, tmp_path: Path) -> None:
        path = clip(tmp_path / "clip.mp4", sound=False)
        assert not inspect(path).has_sound
        with pytest.raises(MediaError, match=r"clip\.mp4 has no sound") as caught:
            read_sound(path)
        assert caught.value.reason == "no_sound"

    @pytest.mark.parametrize("degrees", [90, 180, 270])
    def test_rotation_metadata(self, tmp_path: Path, degrees: int) -> None:
        plain = clip(tmp_path / "plain.mp4", sound=False)
        path = turned(plain, tmp_path / "turned.mp4", degrees)
        probe = inspect(path)
        assert (probe.width, probe.height) == ((64, 48) if degrees == 180 else (48, 64))
        assert probe.rotation == degrees
        reference = tmp_path / "reference.png"
        run_ffmpeg(["-i", path, "-frames:v", "1", reference])  # ffmpeg turns by itself
        ours = np.asarray(frame_at(path, 0), dtype=int)
        theirs = np.asarray(Image.open(reference).convert("RGB"), dtype=int)
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).mean() < 6

    def test_variable_frame_rate(self, tmp_path: Path) -> None:
        path = tmp_path / "vfr.mp4"
        run_ffmpeg(
            ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=30:duration=3", "-vf", "select='lt(t,1)+not(mod(n,10))'",
             "-fps_mode", "vfr", path]
        )  # fmt: skip
        probe = inspect(path)
        assert probe.kind == "video"
        assert 2.6 < probe.seconds < 3.2
        assert 5 < probe.fps < 25
        assert len(frames_at(path, [0, 0.5, 1.7, 2.9])) == 4

    def test_odd_sizes_and_stretched_pixels(self, tmp_path: Path) -> None:
        odd = clip(tmp_path / "odd.webm", size="33x77", sound=False)
        assert (inspect(odd).width, inspect(odd).height) == (33, 77)
        wide = clip(tmp_path / "wide.mp4", sound=False, extra="-vf setsar=2/1")
        assert (inspect(wide).width, inspect(wide).height) == (128, 48)
        assert frame_at(wide, 0).size == (128, 48)

    def test_a_recording_without_a_length(self, tmp_path: Path) -> None:
        path = clip(tmp_path / "live.webm", seconds=2, extra="-live 1")
        assert inspect(path).seconds == pytest.approx(2.0, abs=0.15)

    def test_a_single_frame(self, tmp_path: Path) -> None:
        path = clip(tmp_path / "one.mp4", seconds=0.1, sound=False)
        assert inspect(path).seconds == pytest.approx(0.1, abs=0.05)
        assert frame_at(path, 9).size == (64, 48)

    def test_frames_are_those_shown_at_the_second(self, tmp_path: Path) -> None:
        path = colours(tmp_path / "cut.mp4", ("red", 1.0), ("lime", 1.0), ("blue", 1.0))
        shown = [frame.getpixel((40, 30)) for frame in frames_at(path, [0, 0.95, 1.05, 2.5, 99])]
        assert [int(np.argmax(pixel)) for pixel in shown] == [0, 0, 1, 2, 2]
        assert frame_at(path, 0, max_side=48).size == (48, 32)

    def test_a_still_picture_shows_the_same_all_the_time(self, tmp_path: Path) -> None:
        path = tmp_path / "still.png"
        path.write_bytes(picture_bytes(form="PNG"))
        assert len(frames_at(path, [0, 1, 2])) == 3


@pytest.mark.slow
class TestRefusedVideo:
    def test_truncated_without_an_index(self, film: Path, tmp_path: Path) -> None:
        path = tmp_path / "clip.mp4"
        path.write_bytes(film.read_bytes()[:3000])
        with pytest.raises(MediaError, match=r"clip\.mp4 is (truncated|damaged)"):
            inspect(path)

    @pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
    def test_truncated_with_its_index_in_front(self, tmp_path: Path, suffix: str) -> None:
        extra = "-movflags +faststart" if suffix == ".mp4" else ""
        whole = clip(tmp_path / f"whole{suffix}", seconds=8, size="160x120", extra=extra)
        path = tmp_path / f"clip{suffix}"
        content = whole.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(MediaError, match=f"clip{suffix} is truncated") as caught:
            inspect(path)
        assert caught.value.reason == "truncated"

    def test_junk_behind_a_good_start(self, film: Path, tmp_path: Path) -> None:
        path = tmp_path / "clip.mp4"
        path.write_bytes(film.read_bytes()[:32] + random.Random(3).randbytes(4000))
        with pytest.raises(MediaError, match=r"clip\.mp4 is damaged"):
            inspect(path)

    @pytest.mark.slow
    def test_times_before_zero(self, film: Path, tmp_path: Path) -> None:
        path = tmp_path / "early.mp4"
        run_ffmpeg(["-i", film, "-c", "copy", "-avoid_negative_ts", "disabled", "-output_ts_offset", "-0.7", path])
        assert 1 < inspect(path).seconds < 2.2
        assert frame_at(path, 0.0).size == (64, 48)
        assert frame_at(path, 5.0).size == (64, 48)

    def test_four_gigabytes_of_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "sparse.mp4"
        with path.open("wb") as file:
            file.write(b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41")
            file.truncate(4 * 2**30)
        started, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(MediaError) as caught:
            inspect(path)
        assert caught.value.reason == "huge"
        assert time.process_time() - started < 1
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000

    def test_longer_than_four_hours(self, tmp_path: Path) -> None:
        path = tone(tmp_path / "long.flac", seconds=4.2 * 3600, rate=8000)
        with pytest.raises(MediaError, match=r"4\.2 hours") as caught:
            inspect(path)
        assert caught.value.reason == "long"

    def test_a_codec_that_nobody_sends(self, tmp_path: Path) -> None:
        path = clip(tmp_path / "old.mkv", sound=False, extra="-c:v flv1")
        with pytest.raises(MediaError, match="coded with flv") as caught:
            inspect(path)
        assert caught.value.reason == "codec"

    def test_a_child_that_hangs_or_dies_is_an_error(self, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(decoding, "_CHILD_MEMORY", 30 * 2**20)
        with pytest.raises(MediaError, match="damaged"):
            inspect(film)

    def test_mutants_raise_nothing_else(self, film: Path, tmp_path: Path) -> None:
        chance, content = random.Random(5), film.read_bytes()
        for number in range(8):
            mutant = bytearray(content)
            for _ in range(200):
                mutant[chance.randrange(40, len(mutant))] = chance.randrange(256)
            path = tmp_path / f"{number}.mp4"
            path.write_bytes(mutant)
            try:
                inspect(path)
                frame_at(path, 1)
            except MediaError as error:
                assert error.next_step


class Listener(threading.Thread):
    """Counts who connects on loopback."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.hits = 0

    def run(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.hits += 1
            connection.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    found.start()
    yield found
    found.socket.close()


def payloads(port: int, secret: Path) -> Iterator[tuple[str, bytes]]:
    for target in (f"http://127.0.0.1:{port}/x.ts", f"tcp://127.0.0.1:{port}", f"file://{secret}"):
        hls = f"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\n{target}\n#EXT-X-ENDLIST\n".encode()
        yield "list.m3u8", hls
        yield "film.mp4", hls
        yield "list.ffconcat", f"ffconcat version 1.0\nfile '{target}'\n".encode()
        yield "film.mkv", f"ffconcat version 1.0\nfile '{target}'\n".encode()
        yield "film.mpd", f'<?xml version="1.0"?><MPD><BaseURL>{target}</BaseURL></MPD>'.encode()
        yield "film.wav", f"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video {port} RTP/AVP 96\n".encode()
        yield "film.ogg", f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nconcat:{target}|{target}\n".encode()
        yield (
            "photo.jpg",
            f'<svg xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="{target}"/></svg>'.encode(),
        )


def test_no_playlist_opens_anything_else(listener: Listener, tmp_path: Path) -> None:
    """24 of them and every call that opens a file from outside; each refuses, and nobody connects."""
    secret = clip(tmp_path / "secret.mp4")
    calls: list[Callable[[Path], object]] = [
        inspect, open_picture, read_sound, lambda path: look_at(path, max_side=64), lambda path: frame_at(path, 0),
        lambda path: frames_at(path, [0.0], exact=False), lambda path: glimpses(path, seconds=1),
        lambda path: repack(path, tmp_path / "copy.mp4"),
    ]  # fmt: skip
    for number, (name, content) in enumerate(payloads(listener.port, secret)):
        path = tmp_path / str(number) / name
        path.parent.mkdir()
        path.write_bytes(content)
        for call in calls:
            with pytest.raises(EngineError):
                call(path)
    assert listener.hits == 0


def test_a_film_that_refers_to_another_file_stays_alone(listener: Listener, tmp_path: Path) -> None:
    """A QuickTime data reference ("dref" of type "url ") to an address: never followed."""
    path = clip(tmp_path / "film.mov", sound=False)
    content = path.read_bytes()
    assert b"url \0\0\0\1" in content or b"alis\0\0\0\1" in content
    for kind in (b"url ", b"alis"):
        content = content.replace(kind + b"\0\0\0\1", b"url \0\0\0\0")
    path.write_bytes(content)
    with suppress(MediaError):
        inspect(path)
    assert listener.hits == 0


@pytest.mark.slow
class TestSound:
    @pytest.mark.parametrize(
        ("suffix", "content_type"),
        [(".wav", "audio/wav"), (".mp3", "audio/mpeg"), (".m4a", "audio/mp4"), (".ogg", "audio/ogg"),
         (".flac", "audio/flac")],
    )  # fmt: skip
    def test_the_accepted_formats(self, tmp_path: Path, suffix: str, content_type: str) -> None:
        path = tone(tmp_path / f"tone{suffix}", seconds=1.5, extra="-c:a libopus -ar 48000" if suffix == ".ogg" else "")
        probe = inspect(path)
        assert (probe.kind, probe.content_type, probe.suffix) == ("audio", content_type, suffix)
        assert probe.seconds == pytest.approx(1.5, abs=0.1)
        samples = read_sound(path)
        assert samples.dtype == np.int16
        assert len(samples) / 16000 == pytest.approx(1.5, abs=0.1)
        assert np.abs(samples).max() > 1000

    def test_a_cover_picture_is_no_video(self, tmp_path: Path) -> None:
        cover = tmp_path / "cover.jpg"
        cover.write_bytes(picture_bytes())
        path = tmp_path / "song.mp3"
        run_ffmpeg(
            ["-i", tone(tmp_path / "tone.wav"), "-i", cover, "-map", "0", "-map", "1", "-disposition:v", "attached_pic",
             "-c:v", "copy", path]
        )  # fmt: skip
        assert inspect(path).kind == "audio"

    def test_truncated_wav(self, tmp_path: Path) -> None:
        path = tone(tmp_path / "tone.wav", seconds=10)
        path.write_bytes(path.read_bytes()[:50_000])
        try:
            seconds = inspect(path).seconds
        except MediaError as error:
            assert error.reason == "truncated"
        else:
            assert seconds == pytest.approx(50_000 / 32_000, abs=0.1)

    @pytest.mark.parametrize("rate", [7350, 11025, 44100, 96000, 192000])
    def test_odd_rates(self, tmp_path: Path, rate: int) -> None:
        path = tone(tmp_path / "tone.wav", seconds=1.3, extra=f"-ar {rate}")
        assert inspect(path).seconds == pytest.approx(1.3, abs=0.05)
        assert len(read_sound(path)) / 16000 == pytest.approx(1.3, abs=0.05)

    def test_eight_channels(self, tmp_path: Path) -> None:
        path = tmp_path / "surround.flac"
        run_ffmpeg(["-f", "lavfi", "-i", "anoisesrc=d=1:a=0.2", "-af", "pan=7.1|c2=c0|c7=c0", path])
        samples = read_sound(path)
        assert len(samples) / 16000 == pytest.approx(1, abs=0.05)
        assert np.abs(samples).max() > 500, "what only one of the eight says is heard"

    def test_silence_and_rate(self, tmp_path: Path) -> None:
        assert len(read_sound(tone(tmp_path / "tone.wav", seconds=1), rate=8000)) == 8000


def test_decoding_never_reads_names(tmp_path: Path) -> None:
    path = tmp_path / "-i ; rm -rf %d 'x'\n.txt"
    path.write_bytes(clip(tmp_path / "clip.mp4").read_bytes())
    assert inspect(path).suffix == ".mp4"
    assert len(read_sound(path)) > 0
