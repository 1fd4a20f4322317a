"""The engines of the role embedder, each by the same contract; and models that export_clip writes."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from media_processing.engine import EngineError
from search import exporting
from search.engines import tokens
from search.engines.base import Embedder, TextRuns, Vectors
from search.engines.onnx import STARTER, OnnxEmbedder, trimmed
from search.engines.openclip import OpenClipEmbedder, torch_of
from search.engines.pixels import Preparation
from tests.contracts.embedder import EmbedderContract

TINY: dict[str, Any] = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
NAME = "tiny-storyloom"


class TestOnnxEmbedder(EmbedderContract):
    @pytest.fixture
    def embedder(self) -> Embedder:
        return OnnxEmbedder()


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes the weights of a random open_clip model and makes its architecture known."""
    from media_processing.compat import mend_torchvision

    mend_torchvision()
    import open_clip
    import torch

    folder = tmp_path_factory.mktemp("clip")

    def made(name: str, config: dict[str, Any], change: Callable[[Any], None] = lambda net: None) -> Path:
        (folder / f"{name}.json").write_text(json.dumps(config))
        open_clip.add_model_config(folder / f"{name}.json")
        torch.manual_seed(0)
        net = open_clip.create_model(name, pretrained_hf=False)
        with torch.no_grad():
            change(net)
        torch.save(net.state_dict(), folder / f"{name}.pt")
        return folder / f"{name}.pt"

    return made


@pytest.fixture(scope="module")
def weights(make: Callable[..., Path]) -> Path:
    return make(NAME, TINY)


@pytest.fixture(scope="module")
def exported(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "tiny"
    exporting.export(NAME, str(weights), folder, int8=True, say=lambda line: None)
    return folder


@pytest.mark.local_models
class TestOpenClipEmbedder(EmbedderContract):
    """On a random model: only the path matters."""

    @pytest.fixture
    def embedder(self, weights: Path) -> Embedder:
        return OpenClipEmbedder(model=NAME, weights=str(weights))


@pytest.mark.local_models
class TestOpenClipInBf16(EmbedderContract):
    @pytest.fixture
    def embedder(self, weights: Path) -> Embedder:
        return OpenClipEmbedder(model=NAME, weights=str(weights), precision="bf16")


@pytest.mark.local_models
@pytest.mark.slow
class TestExported(EmbedderContract):
    @pytest.fixture
    def embedder(self, exported: Path) -> Embedder:
        return OnnxEmbedder(folder=exported)


@pytest.mark.local_models
@pytest.mark.slow
class TestExportedInt8(EmbedderContract):
    @pytest.fixture
    def embedder(self, exported: Path) -> Embedder:
        return OnnxEmbedder(folder=exported, precision="int8")


def test_a_model_that_is_not_named_is_a_problem_with_a_next_step() -> None:
    engine = OpenClipEmbedder()
    assert "CLIP_MODEL" in engine.problems()[0].next_step
    with pytest.raises(EngineError):
        engine.embed_texts(["sea"])


class TestTextRuns:
    """Texts of callers that wait together, and those that are known."""

    def test_what_comes_while_a_run_goes_on_is_run_together_next(self) -> None:
        batches: list[list[str]] = []
        first, go = threading.Event(), threading.Event()

        def run(texts: list[str]) -> Vectors:
            batches.append(texts)
            first.set()
            assert go.wait(10)
            return np.array([[len(text)] for text in texts], np.float32)

        runs = TextRuns(run)
        found: dict[str, float] = {}
        words = ["a", "bb", "ccc", "dddd", "bb"]
        threads = [
            threading.Thread(target=lambda word=word: found.update({word: float(runs.vectors([word])[0][0])}))
            for word in words
        ]
        threads[0].start()
        assert first.wait(10)
        for thread in threads[1:]:
            thread.start()
        deadline = time.monotonic() + 10
        while len(runs._waiting) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        go.set()
        for thread in threads:
            thread.join(10)
        assert found == {"a": 1, "bb": 2, "ccc": 3, "dddd": 4}
        assert batches[0] == ["a"]
        assert sorted(batches[1]) == ["bb", "ccc", "dddd"]
        assert len(batches) == 2

    def test_only_so_many_are_remembered_and_the_oldest_go_first(self) -> None:
        asked: list[str] = []

        def run(texts: list[str]) -> Vectors:
            asked.extend(texts)
            return np.ones((len(texts), 1), np.float32)

        runs = TextRuns(run, remembered=2)
        for text in ("a", "b", "a", "c", "a", "b"):
            runs.vectors([text])
        assert asked == ["a", "b", "c", "b"]

    def test_a_run_that_fails_is_told_to_who_asked_and_the_next_goes_on(self) -> None:
        def run(texts: list[str]) -> Vectors:
            if "bad" in texts:
                raise EngineError("It failed")
            return np.ones((len(texts), 1), np.float32)

        runs = TextRuns(run)
        with pytest.raises(EngineError, match="It failed"):
            runs.vectors(["bad"])
        assert len(runs.vectors(["good", "fine"])) == 2
        with pytest.raises(EngineError, match="It failed"):
            runs.vectors(["bad"])


class TestTokens:
    def test_pairs_are_merged_in_the_order_of_the_merges(self) -> None:
        bpe = tokens.Bpe(["o t</w>", "b o", "b ot</w>"], context=6)
        start, end = bpe.start, bpe.end
        b, ot, bot = (bpe._numbers[symbol] for symbol in ("b", "ot</w>", "bot</w>"))
        assert bpe.encode(["bot", "BOT bot bot bot bot"]).tolist() == [
            [start, bot, end, 0, 0, 0], [start, bot, bot, bot, bot, end]
        ]  # fmt: skip
        assert bpe.pieces("boot") == (bpe._numbers["bo"], ot)
        assert b != bot

    def test_trimming_keeps_the_end_of_the_longest_text(self) -> None:
        numbers = np.array([[9, 0, 8, 0, 0], [9, 8, 0, 0, 0]])
        assert trimmed(numbers, 0).tolist() == [[9, 0, 8], [9, 8, 0]]

    @pytest.mark.local_models
    def test_the_numbers_are_those_of_open_clip(self, exported: Path) -> None:
        import open_clip

        texts = [
            *exporting.sample_texts(), "FRANÇAIS l’été", "don't they'll", "<b>bold</b> &amp;lt;", "a\tb\nc\u00a0d",
            "ﬁ x²", "🇮🇳👩‍👩‍👧", "हिन्दी 中文字 العربية ไทย", "_under_score_ 12345 3.14", "x" * 200,
            "â€œmojibakeâ€\x9d",
        ]  # fmt: skip
        ours = tokens.read(exported / "words.json").encode(texts)
        assert np.array_equal(ours, open_clip.get_tokenizer(NAME)(texts).numpy())

    @pytest.mark.parametrize("content", ["", "[]", '{"kind": "bpe"}', '{"kind": "magic"}', '{"kind": ["a"]}'])
    def test_a_damaged_tokenizer_is_an_error_with_a_next_step(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "words.json").write_text(content)
        with pytest.raises(EngineError, match="export_clip"):
            tokens.read(tmp_path / "words.json")


@pytest.mark.local_models
@pytest.mark.parametrize("mode", ["squash", "shortest", "longest"])
@pytest.mark.parametrize("size", [32, (32, 48)])
def test_pictures_are_prepared_as_open_clip_does(mode: str, size: int | tuple[int, int]) -> None:
    torch_of()
    from open_clip.transform import PreprocessCfg, image_transform_v2

    theirs = image_transform_v2(PreprocessCfg(size=size, resize_mode=mode, fill_color=7), is_train=False)
    card = {
        "side": size, "mean": PreprocessCfg.mean, "std": PreprocessCfg.std, "resize": {"mode": mode, "fill": 7}
    }  # fmt: skip
    pictures = [*exporting.sample_pictures(12), Image.new("L", (33, 400)), Image.new("RGBA", (20, 9), (9, 9, 9, 9))]
    for picture in pictures:
        picture = picture.convert("RGB")
        assert np.allclose(Preparation.of(card).pixels([picture])[0], theirs(picture).numpy(), atol=1e-5), picture.size


@pytest.mark.local_models
@pytest.mark.slow
class TestExport:
    def test_its_card_says_what_was_checked(self, exported: Path) -> None:
        card = json.loads((exported / "card.json").read_text())
        assert card["trimmed"]
        assert card["resize"] == {"mode": "shortest", "interpolation": "bicubic", "fill": 0}
        for precision, least in exporting.LEAST.items():
            told = card["precisions"][precision]
            for one in told["agreement"].values():
                assert one["cosine_min"] >= least
                assert one["samples"] == 64
            assert 0.5 < told["ranking"]["top_10_overlap"] <= 1
        assert sorted(path.name for path in exported.iterdir()) == [
            "card.json", "picture.int8.onnx", "picture.onnx", "text.int8.onnx", "text.onnx", "words.json"
        ]  # fmt: skip
        assert not list(exported.parent.glob(".*"))

    def test_vectors_are_torchs_and_of_the_same_space(self, exported: Path, weights: Path) -> None:
        onnx, torch = OnnxEmbedder(folder=exported), OpenClipEmbedder(model=NAME, weights=str(weights))
        texts = ["a", "two red boats", "word " * 30]
        assert np.allclose(onnx.embed_texts(texts), torch.embed_texts(texts), atol=1e-4)
        assert onnx.card.digest == torch.card.digest
        assert OnnxEmbedder(folder=exported, precision="int8").card.digest != onnx.card.digest

    def test_a_text_alone_is_given_only_what_it_needs(self, exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        engine = OnnxEmbedder(folder=exported)
        shapes: list[tuple[int, ...]] = []
        run = engine._run
        monkeypatch.setattr(engine, "_run", lambda graph, values: (shapes.append(values.shape), run(graph, values))[1])
        engine.embed_texts(["boat"])
        engine.embed_texts(["x y z " * 20])
        assert shapes == [(1, 3), (1, 16)]

    def test_a_tower_that_looks_at_padding_keeps_the_full_length(
        self, make: Callable[..., Path], tmp_path: Path
    ) -> None:
        config = {**TINY, "custom_text": True}
        config["text_cfg"] = {**TINY["text_cfg"], "no_causal_mask": True, "pool_type": "last"}
        path = make("tiny-both-ways", config)
        said: list[str] = []
        card = exporting.export("tiny-both-ways", str(path), tmp_path / "out", say=said.append)
        assert not card["trimmed"]
        assert "full length" in said[0]

    def test_layers_with_outliers_stay_fp32(self, make: Callable[..., Path], tmp_path: Path) -> None:
        def outlier(net: Any) -> None:
            mlp = net.transformer.resblocks[0].mlp
            mlp.c_fc.weight *= 3
            mlp.c_fc.bias[0] = 3000.0  # one channel that is always large, and hardly counts
            mlp.c_proj.weight *= 10
            mlp.c_proj.weight[:, 0] *= 1e-5

        path = make("tiny-outlier", TINY, outlier)
        card = exporting.export("tiny-outlier", str(path), tmp_path / "out", int8=True, say=lambda line: None)
        assert card["precisions"]["int8"]["left_in_fp32"] == ["text: transformer.resblocks.0.mlp.c_proj"]

    def test_what_does_not_agree_is_not_left_behind(
        self, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(exporting.LEAST, "fp32", 1.1)
        with pytest.raises(EngineError, match="doesn't agree with torch"):
            exporting.export(NAME, str(weights), tmp_path / "out", say=lambda line: None)
        assert list(tmp_path.iterdir()) == []

    def test_a_full_disk_leaves_nothing_behind(
        self, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_args: Any, **_options: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(exporting, "_write_graphs", full)
        with pytest.raises(EngineError, match="disk is full"):
            exporting.export(NAME, str(weights), tmp_path / "out", say=lambda line: None)
        assert list(tmp_path.iterdir()) == []

    def test_too_little_space_is_told_before_the_work(
        self, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 99, 1))  # type: ignore[attr-defined]
        with pytest.raises(EngineError, match="are free"):
            exporting.export(NAME, str(weights), tmp_path / "out", say=lambda line: None)

    def test_a_model_that_is_there_is_only_replaced_when_asked(self, weights: Path, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        with pytest.raises(EngineError, match="--replace"):
            exporting.export(NAME, str(weights), tmp_path / "out", say=lambda line: None)


@pytest.mark.local_models
class TestWhatCannotBeExported:
    def refused(self, tmp_path: Path, *arguments: str) -> str:
        with pytest.raises(CommandError) as caught:
            call_command("export_clip", *arguments, folder=tmp_path / "out", stdout=io.StringIO())
        assert list(tmp_path.glob("*out*")) == []
        return str(caught.value)

    def test_an_unknown_model_is_told_with_close_names(self, tmp_path: Path) -> None:
        assert "ViT-B-32" in self.refused(tmp_path, "ViT-B32", "--pretrained", "openai")

    def test_an_unknown_tag_is_told_with_those_that_are(self, tmp_path: Path) -> None:
        assert "laion2b_s34b_b79k" in self.refused(tmp_path, "ViT-B-32", "--pretrained", "laion")

    def test_nothing_is_downloaded_unasked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What a tag names is told with where its size and licence stand; once it is there, it is taken."""
        from huggingface_hub import constants

        from search.engines import openclip

        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setenv("HOME", str(tmp_path))
        said = self.refused(tmp_path, "ViT-B-32", "--pretrained", "laion2b_s34b_b79k")
        assert "nothing is downloaded unasked" in said
        assert "https://huggingface.co/laion/CLIP-ViT-B-32-laion2B-s34B-b79K" in said
        with pytest.raises(EngineError, match=r"hf download someone/model open_clip_model\.safetensors"):
            openclip.opened("hf-hub:someone/model", "")
        kept = tmp_path / "hub" / "models--laion--CLIP-ViT-B-32-laion2B-s34B-b79K"
        (kept / "refs").mkdir(parents=True)
        (kept / "refs" / "main").write_text("a1")
        (kept / "snapshots" / "a1").mkdir(parents=True)
        (kept / "snapshots" / "a1" / "open_clip_model.safetensors").write_bytes(b"")
        openclip._refuse_downloads("ViT-B-32", "laion2b_s34b_b79k")

    def test_code_in_weights_is_never_run(self, weights: Path, tmp_path: Path) -> None:
        marker, evil = tmp_path / "ran", tmp_path / "evil.pt"

        class Evil:
            def __reduce__(self) -> tuple[Any, ...]:
                return Path.touch, (marker,)

        evil.write_bytes(pickle.dumps(Evil()))
        assert "never run" in self.refused(tmp_path, NAME, "--pretrained", str(evil))
        assert not marker.exists()

    def test_weights_of_another_model_are_refused(self, weights: Path, tmp_path: Path) -> None:
        assert "can't be loaded" in self.refused(tmp_path, "RN50", "--pretrained", str(weights))

    def test_a_name_that_is_taken_is_refused(self, weights: Path, tmp_path: Path) -> None:
        assert "--name" in self.refused(tmp_path, NAME, "--pretrained", str(weights), "--name", "openclip")

    def test_missing_torch_is_told_with_the_command(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "open_clip", None)
        assert "local-models" in self.refused(tmp_path, "ViT-B-32", "--pretrained", "openai")


class TestFolders:
    """What the engine says of a folder that isn't whole; on copies of the starter's."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        shutil.copytree(STARTER, tmp_path / "model")
        return tmp_path / "model"

    def change(self, folder: Path, **card: Any) -> None:
        known = json.loads((folder / "card.json").read_text())
        (folder / "card.json").write_text(json.dumps({**known, **card}))

    def test_a_half_copied_folder_is_a_problem(self, folder: Path) -> None:
        self.change(folder, files={"text.onnx": (folder / "text.onnx").stat().st_size})
        assert OnnxEmbedder(folder=folder).problems() == []
        with (folder / "text.onnx").open("r+b") as file:
            file.truncate(1000)
        problem = OnnxEmbedder(folder=folder).problems()[0]
        assert "text.onnx" in problem.message
        assert problem.next_step

    def test_a_damaged_graph_is_an_error_with_a_next_step(self, folder: Path) -> None:
        (folder / "text.onnx").write_bytes(b"not a graph")
        with pytest.raises(EngineError, match="export_clip"):
            OnnxEmbedder(folder=folder).embed_texts(["sea"])

    @pytest.mark.parametrize(
        "card", [{"side": "big"}, {"mean": [1]}, {"dimensions": "x"}, {"domains": 3}, {"resize": {"mode": "spin"}}]
    )
    def test_a_card_that_makes_no_sense_is_a_problem(self, folder: Path, card: dict[str, Any]) -> None:
        self.change(folder, **card)
        assert "card" in OnnxEmbedder(folder=folder).problems()[0].message

    def test_a_precision_that_is_not_there_is_a_problem(self, folder: Path) -> None:
        assert "--int8" in OnnxEmbedder(folder=folder, precision="int8").problems()[0].next_step
        assert "fp32" in OnnxEmbedder(folder=folder, precision="fp8").problems()[0].next_step


def test_every_exported_model_is_an_embedder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from creator import settings

    monkeypatch.setattr(settings, "CLIP_ROOT", tmp_path)
    for name, files in (("vit", ["card.json", "text.int8.onnx"]), ("half", []), (".vit.partial", ["card.json"])):
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).touch()
    there = settings._exported()
    assert list(there) == ["half", "vit", "vit-int8"]
    assert there["vit-int8"]["OPTIONS"]["precision"] == "int8"
