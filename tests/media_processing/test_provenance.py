"""Content Credentials: every format is signed, any change shows, and what ingredients say is kept."""

from __future__ import annotations

import io
import stat
import subprocess
import threading
from pathlib import Path

import imageio_ffmpeg
import pytest
from lxml import etree
from PIL import Image

from media_processing import provenance, xmp
from media_processing.decoding import MediaError, inspect
from media_processing.engine import EngineError
from media_processing.provenance import Claim, Identity, Ingredient, sign, verify
from tests.media_processing.makers import clip, picture, picture_bytes, tone

MIXED = "compositeWithTrainedAlgorithmicMedia"
SUFFIX = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "video/mp4": "mp4", "audio/wav": "wav",
          "audio/mpeg": "mp3"}  # fmt: skip


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return provenance.identity(tmp_path_factory.mktemp("own") / "provenance")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One small file of each format."""
    folder = tmp_path_factory.mktemp("files")
    image = picture(160, 120, noisy=True)
    wav = tone(folder / "tone.wav")
    mp3 = folder / "tone.mp3"
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-i", wav, mp3], check=True, timeout=60
    )
    return {
        "image/jpeg": picture_bytes(image, "JPEG"), "image/png": picture_bytes(image, "PNG"),
        "image/webp": picture_bytes(image, "WEBP"), "video/mp4": clip(folder / "clip.mp4", seconds=0.4).read_bytes(),
        "audio/wav": wav.read_bytes(), "audio/mpeg": mp3.read_bytes(),
    }  # fmt: skip


def claim(**changes: object) -> Claim:
    values = {"title": "A lighthouse", "source_type": MIXED, "engines": {"text": "extractive"}}
    return Claim(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("content_type", provenance.SIGNED)
class TestEveryFormat:
    def test_it_says_what_it_is_and_holds(
        self, files: dict[str, bytes], identity: Identity, content_type: str, tmp_path: Path
    ) -> None:
        plain = files[content_type]
        signed = sign(plain, content_type, claim(watermarked=True), identity)
        found = verify(signed, content_type, trusted=identity)
        assert (found.verdict, found.title, found.source_type) == ("trusted", "A lighthouse", MIXED)
        assert found.actions == ("c2pa.created", "c2pa.watermarked.unbound")
        assert found.engines == {"text": "extractive"}
        assert "Storyloom" in found.signer
        assert len(signed) - len(plain) < 16_000
        assert xmp.source_type_of(signed) == MIXED
        path = tmp_path / f"signed.{SUFFIX[content_type]}"
        path.write_bytes(signed)
        assert inspect(path).content_type == content_type, "it can still be decoded"

    def test_others_see_it_as_untrusted(self, files: dict[str, bytes], identity: Identity, content_type: str) -> None:
        found = verify(sign(files[content_type], content_type, claim(), identity), content_type)
        assert (found.verdict, found.problems) == ("untrusted", ("signingCredential.untrusted",))

    def test_any_change_is_reported(self, files: dict[str, bytes], identity: Identity, content_type: str) -> None:
        plain = files[content_type]
        signed = sign(plain, content_type, claim(), identity)
        # A place in the middle of what is seen or heard, which is found again in the signed file.
        middle = signed.index(plain[len(plain) // 2 : len(plain) // 2 + 32])
        for place in (middle, middle + 7, middle + 31):
            broken = bytearray(signed)
            broken[place] ^= 1
            assert verify(bytes(broken), content_type, trusted=identity).verdict == "invalid"
        said = signed.index(b"A lighthouse")
        broken = bytearray(signed)
        broken[said] ^= 1
        assert verify(bytes(broken), content_type, trusted=identity).verdict == "invalid"

    def test_what_says_nothing_says_nothing(
        self, files: dict[str, bytes], identity: Identity, content_type: str
    ) -> None:
        assert verify(files[content_type], content_type, trusted=identity).verdict == "none"

    def test_what_it_was_made_of_is_named_with_what_that_says(
        self, files: dict[str, bytes], identity: Identity, content_type: str, tmp_path: Path
    ) -> None:
        camera = provenance.identity(tmp_path / "camera")
        (tmp_path / "signed.jpg").write_bytes(sign(files["image/jpeg"], "image/jpeg", claim(title="Photo"), camera))
        (tmp_path / "plain.png").write_bytes(files["image/png"])
        broken = sign(files["image/jpeg"], "image/jpeg", claim(title="Forged"), camera)
        (tmp_path / "broken.jpg").write_bytes(broken.replace(b"Forged", b"Forget", 1))
        parts = (
            Ingredient(tmp_path / "signed.jpg", "image/jpeg", "A photograph"),
            Ingredient(tmp_path / "plain.png", "image/png", "A drawing"),
            Ingredient(tmp_path / "broken.jpg", "image/jpeg", "A forgery"),
        )
        signed = sign(files[content_type], content_type, claim(ingredients=parts), identity)
        found = verify(signed, content_type, trusted=identity)
        assert found.verdict == "trusted"
        assert found.actions == ("c2pa.created", "c2pa.placed")
        assert found.ingredients == (
            ("A photograph", "untrusted"), ("A drawing", "none"), ("A forgery", "invalid")
        )  # fmt: skip
        assert b"Photo" in signed, "the photograph's own manifest came along"


def test_pixels_stay_as_they_are(files: dict[str, bytes], identity: Identity) -> None:
    for content_type in ("image/jpeg", "image/png", "image/webp"):
        before = Image.open(io.BytesIO(files[content_type])).convert("RGB").tobytes()
        after = Image.open(io.BytesIO(sign(files[content_type], content_type, claim(), identity))).convert("RGB")
        assert after.tobytes() == before


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exact": True}])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_every_kind_of_webp_keeps_its_size(identity: Identity, mode: str, options: dict[str, bool]) -> None:
    plain = picture_bytes(picture(63, 41, noisy=True).convert(mode), "WEBP", **options)
    signed = sign(plain, "image/webp", claim(), identity)
    image = Image.open(io.BytesIO(signed))
    assert (image.size, image.mode) == ((63, 41), Image.open(io.BytesIO(plain)).mode)
    assert verify(signed, "image/webp", trusted=identity).verdict == "trusted"


def test_the_packet_is_read_by_others(files: dict[str, bytes]) -> None:
    """Pillow finds the packet where each format keeps it, and an XML parser reads the property."""
    for content_type in ("image/jpeg", "image/png", "image/webp"):
        marked = xmp.with_source_type(files[content_type], content_type, MIXED)
        image = Image.open(io.BytesIO(marked))
        packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
        packet = packet.encode() if isinstance(packet, str) else packet
        described = etree.fromstring(packet).find(".//{*}Description")
        assert described is not None
        name = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
        assert described.get(name) == xmp.SOURCE_TYPES + MIXED


def test_a_packet_that_came_along_is_kept(identity: Identity) -> None:
    said = xmp.packet_of("digitalCapture")
    plain = picture_bytes(picture(), "JPEG", xmp=said)
    signed = sign(plain, "image/jpeg", claim(), identity)
    assert signed.count(b"<x:xmpmeta") == 1
    assert xmp.source_type_of(signed) == "digitalCapture"


@pytest.mark.parametrize("version", [3, 4])
def test_a_tag_that_came_along_is_kept(files: dict[str, bytes], identity: Identity, version: int) -> None:
    frame = b"TIT2" + (5).to_bytes(4, "big") + b"\x00\x00\x00Tone"
    tagged = b"ID3" + bytes([version, 0, 0]) + len(frame).to_bytes(4, "big") + frame
    plain = files["audio/mpeg"]
    content = tagged + plain[10 + int.from_bytes(plain[8:10], "big") :]
    assert content[len(tagged)] == 0xFF
    signed = sign(content, "audio/mpeg", claim(), identity)
    assert b"Tone" in signed
    assert xmp.source_type_of(signed) == MIXED
    assert verify(signed, "audio/mpeg", trusted=identity).verdict == "trusted"


class TestRefusals:
    @pytest.mark.parametrize("content_type", provenance.SIGNED)
    def test_what_is_not_what_its_type_says(self, identity: Identity, content_type: str) -> None:
        for content in (b"", b"RIFF", b"nonsense" * 50, b"\xff\xd8"):
            with pytest.raises(EngineError) as caught:
                sign(content, content_type, claim(), identity)
            assert caught.value.next_step

    def test_what_can_not_carry_it(self, identity: Identity) -> None:
        with pytest.raises(EngineError, match="can't carry"):
            sign(b"WEBVTT", "text/vtt", claim(), identity)
        with pytest.raises(MediaError):
            verify(b"WEBVTT", "text/vtt")

    def test_garbage_is_no_crash(self, files: dict[str, bytes], identity: Identity) -> None:
        signed = sign(files["image/jpeg"], "image/jpeg", claim(), identity)
        for end in range(0, len(signed), 997):
            assert verify(signed[:end], "image/jpeg", trusted=identity).verdict in ("none", "invalid")


class TestIdentity:
    def test_the_key_is_for_its_owner_only(self, tmp_path: Path) -> None:
        made = provenance.identity(tmp_path / "provenance")
        assert made.self_made
        assert stat.S_IMODE((tmp_path / "provenance" / "key.pem").stat().st_mode) == 0o600
        assert "PRIVATE" not in repr(made)
        assert provenance.identity(tmp_path / "provenance") == made, "it is made once"

    def test_many_at_once_make_one(self, tmp_path: Path) -> None:
        made: list[Identity] = []
        threads = [
            threading.Thread(target=lambda: made.append(provenance.identity(tmp_path / "provenance"))) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({each.fingerprint for each in made}) == 1
        assert [path.name for path in tmp_path.iterdir()] == ["provenance"]

    def test_one_of_their_own(self, tmp_path: Path, files: dict[str, bytes]) -> None:
        provenance.identity(tmp_path / "bought")
        chain, key = tmp_path / "bought" / "chain.pem", tmp_path / "bought" / "key.pem"
        given = provenance.identity(tmp_path / "own", str(chain), str(key))
        assert (given.self_made, given.algorithm) == (False, "es256")
        assert not (tmp_path / "own").exists()
        signed = sign(files["image/png"], "image/png", claim(), given)
        assert verify(signed, "image/png", trusted=given).verdict == "trusted"

    def test_files_that_do_not_fit_are_refused(self, tmp_path: Path) -> None:
        provenance.identity(tmp_path / "one")
        provenance.identity(tmp_path / "two")
        one, two, nowhere = (tmp_path / name for name in ("one", "two", "nowhere"))
        wrong = ((one / "chain.pem", two / "key.pem"), (nowhere, nowhere), (one / "key.pem", one / "key.pem"))
        for chain, key in wrong:
            with pytest.raises(EngineError, match="can't be used") as caught:
                provenance.identity(tmp_path / "own", str(chain), str(key))
            assert "PROVENANCE_KEY" in caught.value.next_step
