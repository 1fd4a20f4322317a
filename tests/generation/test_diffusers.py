"""The Stable Diffusion painter on tiny random checkpoints that the tests build: no downloads, the real loading code."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from generation.engines import checkpoints
from generation.engines.base import Painter, Picture, Sampling
from generation.engines.diffusers import DiffusersPainter
from media_processing.engine import EngineError
from tests.contracts.painter import PainterContract, as_png, marked, opened, photograph
from tests.generation.tiny_diffusion import save_lora, save_pipeline, save_single_file

local_models = [pytest.mark.local_models, pytest.mark.slow]


def pixels(picture: Picture) -> NDArray[np.int16]:
    return np.asarray(opened(picture), np.int16)


SOURCE, MASK = as_png(photograph(96, 64)), as_png(marked(96, 64))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("painter") / "tiny-diffusion"
    save_pipeline(folder)
    return folder


@pytest.fixture
def copied(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint that a test may damage."""
    return Path(shutil.copytree(checkpoint, tmp_path / "copied"))


def make(checkpoint: Path | str, **options: Any) -> DiffusersPainter:
    return DiffusersPainter("diffusers", folder=checkpoint, **{"steps": 2, "device": "cpu", **options})


class Stopped(Exception):
    """A cancelled job."""


class TestDiffusersPainter(PainterContract):
    pytestmark = local_models

    @pytest.fixture(scope="class")
    def painter(self, checkpoint: Path) -> Painter:
        return make(checkpoint)

    def test_every_shape_is_drawn_near_the_models_own_area(self, painter: DiffusersPainter) -> None:
        made_by = painter.draw("a red boat", width=90, height=160, seed=1, style="flat").made_by
        assert made_by["drawn"] == [48, 88]
        assert (made_by["words"], made_by["style"], made_by["scheduler"]) == ("a red boat", "flat", "DDIMScheduler")

    def test_progress_is_told_step_by_step(self, painter: Painter) -> None:
        seen: list[float] = []
        painter.draw("boat", width=64, height=64, progress=seen.append)
        assert seen == pytest.approx([0, 1 / 3, 2 / 3, 1])
        seen.clear()
        painter.variants("boat", 2, width=64, height=64, progress=seen.append)
        assert seen == sorted(seen) and seen[-1] == 1 and len(seen) == 8

    @pytest.mark.parametrize("verb", ["draw", "redraw", "fill"])
    def test_it_stops_at_a_step_and_goes_on_afterwards(self, painter: Painter, verb: str) -> None:
        """Cancelled at its second step, with every scheduler's memory of the past; then as if nothing had been."""
        sampling = Sampling(steps=6, scheduler="dpm++")

        def use(**options: Any) -> Picture:
            if verb == "draw":
                return painter.draw("boat", width=64, height=64, seed=5, sampling=sampling, **options)
            if verb == "redraw":
                return painter.redraw(SOURCE, "boat", strength=1, seed=5, sampling=sampling, **options)
            return painter.fill(SOURCE, MASK, "boat", seed=5, sampling=sampling, **options)

        before = use()
        told: list[float] = []

        def stop(share: float) -> None:
            told.append(share)
            if len(told) == 3:
                raise Stopped

        with pytest.raises(Stopped):
            use(progress=stop)
        assert told == pytest.approx([0, 1 / 7, 2 / 7])
        assert use().content == before.content

    def test_variants_are_what_their_seeds_give_alone(self, painter: Painter) -> None:
        drawn = painter.variants("boat", 3, width=64, height=64, seed=7)
        assert [each.made_by["seed"] for each in drawn] == [7, 8, 9]
        for each in drawn:
            alone = painter.draw("boat", width=64, height=64, seed=each.made_by["seed"])
            assert each.content == alone.content and "batch" not in each.made_by

    def test_every_scheduler_of_the_list_draws_its_own_picture(self, painter: Painter) -> None:
        drawn = {}
        for name in painter.schedulers:
            sampling = Sampling(scheduler=name, steps=4)
            first, again = (painter.draw("boat", width=64, height=64, seed=3, sampling=sampling) for _ in range(2))
            assert first.content == again.content, name
            assert first.made_by["scheduler"] == name
            drawn[name] = first.content
        assert len(drawn) >= 10 and len(set(drawn.values())) > 0.7 * len(drawn)

    def test_what_sampling_says_counts(self, painter: Painter) -> None:
        plain = pixels(painter.draw("red", width=64, height=64, seed=2))
        for sampling in (Sampling(negative="boat"), Sampling(steps=3), Sampling(guidance=1.5)):
            drawn = painter.draw("red", width=64, height=64, seed=2, sampling=sampling)
            assert (pixels(drawn) != plain).any()
            assert drawn.made_by.items() >= {name: getattr(sampling, name) for name in sampling.chosen()}.items()

    @pytest.mark.parametrize(
        ("sampling", "words"),
        [
            (Sampling(scheduler="magic"), "no scheduler 'magic'"), (Sampling(steps=0), "1 to 150"),
            (Sampling(steps=151), "1 to 150"), (Sampling(guidance=-1), "between 0 and 30"),
        ],
    )  # fmt: skip
    def test_senseless_sampling_is_refused(self, painter: Painter, sampling: Sampling, words: str) -> None:
        with pytest.raises(EngineError, match=words):
            painter.draw("red", width=64, height=64, sampling=sampling)

    def test_words_that_the_model_has_no_room_for_are_told(self, painter: Painter) -> None:
        made_by = painter.draw("boat " * 3 + "zebra zebra", width=64, height=64).made_by
        assert made_by["unread"].endswith("zebra")
        assert painter.draw("boat", width=64, height=64).made_by["unread"] == ""

    def test_the_strength_says_how_much_changes(self, painter: Painter) -> None:
        changed = []
        for strength in (0.02, 0.5, 1.0):
            drawn = painter.redraw(SOURCE, "boat", strength=strength, seed=1, sampling=Sampling(steps=4))
            assert drawn.made_by["strength"] == strength
            changed.append(drawn.content)
        assert len(set(changed)) == 3

    def test_a_large_picture_is_redrawn_within_the_limits(self, painter: Painter) -> None:
        drawn = painter.redraw(as_png(photograph(3000, 1000)), "boat", seed=1)
        assert (drawn.width, drawn.height) == (2048, 683)

    def test_a_small_hole_in_a_large_picture_is_drawn_at_the_models_own_size(self, painter: Painter) -> None:
        source, mask = photograph(2600, 1800), Image.new("L", (2600, 1800))
        mask.paste(255, (2000, 1700, 2020, 1720))
        filled = painter.fill(as_png(source), as_png(mask), "boat", seed=1)
        assert filled.made_by["drawn"] == [64, 64] and filled.made_by["box"] == [1978, 1678, 2042, 1742]
        changed = np.argwhere((pixels(filled) != np.asarray(source)).any(axis=2))
        assert changed.min(axis=0).tolist() == [1700, 2000] and changed.max(axis=0).tolist() == [1719, 2019]

    def test_a_mask_of_another_size_and_a_transparent_drawing_of_it(self, painter: Painter) -> None:
        drawn = Image.new("RGBA", (192, 128), (0, 0, 0, 0))
        drawn.paste((255, 255, 255, 255), (40, 40, 100, 100))
        filled = painter.fill(SOURCE, as_png(drawn), "boat", seed=1)
        changed = np.argwhere((pixels(filled) != np.asarray(photograph(96, 64))).any(axis=2))
        assert changed.min() >= 20 and changed.max() < 50

    def test_the_three_kinds_share_their_weights(self, painter: DiffusersPainter) -> None:
        painter.redraw(SOURCE, "boat")
        painter.fill(SOURCE, MASK, "boat")
        pipelines = list(painter._pipelines.values())
        assert len({id(each) for each in pipelines}) == 3
        assert len({id(each.unet) for each in pipelines}) == len({id(each.vae) for each in pipelines}) == 1


@pytest.mark.local_models
@pytest.mark.slow
class TestOptions:
    def test_variants_computed_together_say_so_and_hardly_differ(self, checkpoint: Path) -> None:
        painter = make(checkpoint, batch=2)
        drawn = painter.variants("boat", 3, width=64, height=64, seed=7)
        assert [each.made_by.get("batch") for each in drawn] == [2, 2, None]
        for each in drawn:
            alone = painter.draw("boat", width=64, height=64, seed=each.made_by["seed"])
            assert np.abs(pixels(each) - pixels(alone)).max() <= 2

    def test_what_is_configured_holds_where_a_call_says_nothing(self, checkpoint: Path) -> None:
        painter = make(checkpoint, scheduler="euler", negative="blurred", guidance=3.0)
        made_by = painter.draw("boat", width=64, height=64).made_by
        assert (made_by["scheduler"], made_by["negative"], made_by["guidance"]) == ("euler", "blurred", 3.0)

    def test_memory_is_saved_without_another_picture(self, checkpoint: Path) -> None:
        plain = make(checkpoint).draw("boat", width=64, height=64)
        saving = make(checkpoint, memory="attention-slicing, vae-slicing").draw("boat", width=64, height=64)
        assert np.abs(pixels(plain) - pixels(saving)).max() <= 2
        tiled = make(checkpoint, memory="vae-tiling").draw("boat", width=64, height=64)
        assert np.abs(pixels(plain) - pixels(tiled)).mean() < 8  # four tiles, blended where they meet

    def test_offloading_without_a_gpu_is_explained(self, checkpoint: Path) -> None:
        with pytest.raises(EngineError, match="to a GPU and back"):
            make(checkpoint, memory="model-offload").load()

    def test_bfloat16_draws_about_the_same(self, checkpoint: Path) -> None:
        full, half = (make(checkpoint, dtype=d).draw("boat", width=64, height=64) for d in ("float32", "bfloat16"))
        assert full.content != half.content
        assert np.abs(pixels(full) - pixels(half)).mean() < 8

    def test_a_lora_changes_the_picture_by_its_weight(self, checkpoint: Path, tmp_path: Path) -> None:
        file = save_lora(tmp_path / "style")
        plain = make(checkpoint).draw("boat", width=64, height=64)
        nothing, some, more = (
            make(checkpoint, lora=f"{file.parent}:{weight}").draw("boat", width=64, height=64) for weight in (0, 0.5, 1)
        )
        assert nothing.content == plain.content
        assert len({plain.content, some.content, more.content}) == 3
        assert some.made_by["lora"] == [{"name": "style", "weight": 0.5}]

    def test_a_lora_holds_for_every_kind(self, checkpoint: Path, tmp_path: Path) -> None:
        file = save_lora(tmp_path / "style")
        plain, styled = (make(checkpoint, lora=lora).redraw(SOURCE, "boat", strength=1) for lora in ("", f"{file}:1"))
        assert plain.content != styled.content

    @pytest.mark.parametrize("options", [{"size": 48}, {"target": "nowhere.to_k"}])
    def test_a_lora_of_another_model_is_refused(
        self, checkpoint: Path, tmp_path: Path, options: dict[str, Any]
    ) -> None:
        file = save_lora(tmp_path / "style", **options)
        with pytest.raises(EngineError, match="doesn't fit tiny-diffusion"):
            make(checkpoint, lora=str(file)).load()

    def test_a_checkpoint_that_only_fills(self, tmp_path: Path) -> None:
        save_pipeline(tmp_path / "inpainting", channels=9)
        painter = make(tmp_path / "inpainting")
        filled = painter.fill(SOURCE, MASK, "boat")
        assert filled.made_by["verb"] == "fill"
        for use in (
            lambda: painter.draw("boat", width=64, height=64), lambda: painter.redraw(SOURCE, "boat"),
        ):  # fmt: skip
            with pytest.raises(EngineError, match="only fills"):
                use()

    def test_a_single_file_draws_what_its_folder_draws(self, checkpoint: Path, tmp_path: Path) -> None:
        file = tmp_path / "tiny.safetensors"
        save_single_file(checkpoint, file)
        config = shutil.copytree(checkpoint, tmp_path / "config", ignore=shutil.ignore_patterns("*.safetensors"))
        drawn = make(file, config=config).draw("boat", width=64, height=64, seed=4)
        assert drawn.made_by["model"] == "tiny.safetensors"
        assert drawn.content == make(checkpoint).draw("boat", width=64, height=64, seed=4).content

    def test_a_single_file_without_its_configurations_is_explained(
        self, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
        save_single_file(checkpoint, tmp_path / "tiny.safetensors")
        with pytest.raises(EngineError, match="weights only") as failed:
            make(tmp_path / "tiny.safetensors").load()
        assert "PAINTER_CONFIG" in failed.value.next_step

    def test_a_name_means_the_local_cache(
        self, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repository = tmp_path / "models--some--tiny"
        (repository / "refs").mkdir(parents=True)
        (repository / "refs" / "main").write_text("0" * 40)
        shutil.copytree(checkpoint, repository / "snapshots" / ("0" * 40))
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        painter = make("some/tiny")
        assert painter.problems() == []
        assert painter.draw("boat", width=64, height=64).made_by["model"] == "some/tiny"
        (problem,) = make("some/other").problems()
        assert "hf download some/other" in problem.next_step


# A checkpoint is looked over before anything of it is loaded: no torch is needed for that -----------------------------


def save_tensors(file: Path, size: int = 16) -> None:
    """A safetensors file with one tensor of bytes."""
    header = json.dumps({"weight": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(struct.pack("<Q", len(header)) + header + bytes(size))


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A folder that looks like a checkpoint, with the files that matter."""
    folder = tmp_path / "whole"
    index = {
        "_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"],
        "text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": ["transformers", "CLIPTokenizer"],
        "scheduler": ["diffusers", "DDIMScheduler"], "safety_checker": [None, None], "requires_safety_checker": False,
    }  # fmt: skip
    save_tensors(folder / "text_encoder" / "model.safetensors")
    weights = {f"layer{number}": f"weights-0000{number}-of-00002.safetensors" for number in (1, 2)}
    for shard in weights.values():
        save_tensors(folder / "unet" / shard)
    for name, content in {
        "model_index.json": index, "unet/config.json": {}, "text_encoder/config.json": {},
        "unet/weights.safetensors.index.json": {"weight_map": weights}, "scheduler/scheduler_config.json": {},
        "tokenizer/tokenizer_config.json": {}, "tokenizer/vocab.json": {}, "tokenizer/merges.txt": {},
    }.items():  # fmt: skip
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    return folder


class TestCheckpoints:
    def test_a_whole_one_has_no_faults(self, whole: Path) -> None:
        assert checkpoints.faults(whole) == []

    def test_weights_beside_pickles_of_the_same_are_fine(self, whole: Path) -> None:
        (whole / "text_encoder" / "pytorch_model.bin").write_bytes(b"\x80\x04.")
        assert checkpoints.faults(whole) == []

    @pytest.mark.parametrize(
        ("missing", "words"),
        [
            ("model_index.json", "no model_index.json"), ("unet/config.json", "whole/unet lacks config.json"),
            ("scheduler/scheduler_config.json", "whole/scheduler lacks scheduler_config.json"),
            ("tokenizer/vocab.json", "whole/tokenizer lacks vocab.json"),
            ("tokenizer/merges.txt", "whole/tokenizer lacks merges.txt"),
            ("unet/weights-00002-of-00002.safetensors", "whole/unet lacks weights-00002-of-00002.safetensors"),
            ("text_encoder/model.safetensors", "whole/text_encoder lacks its weights"),
        ],
    )  # fmt: skip
    def test_what_is_missing_is_named(self, whole: Path, missing: str, words: str) -> None:
        (whole / missing).unlink()
        (problem,) = make(whole).problems()
        assert words in problem.message and problem.permanent and problem.next_step

    def test_a_part_that_was_not_copied(self, whole: Path) -> None:
        shutil.rmtree(whole / "text_encoder")
        assert [each.message for each in checkpoints.faults(whole)] == [
            "whole/text_encoder lacks config.json.", "whole/text_encoder lacks its weights (*.safetensors).",
        ]  # fmt: skip

    @pytest.mark.parametrize("kept", [0, 5, 40, -1])
    def test_a_file_that_was_cut_off(self, whole: Path, kept: int) -> None:
        file = whole / "text_encoder" / "model.safetensors"
        file.write_bytes(file.read_bytes()[:kept])
        (problem,) = checkpoints.faults(whole)
        assert "text_encoder/model.safetensors is cut off" in problem.message and "again" in problem.next_step

    @pytest.mark.parametrize("name", ["pytorch_model.bin", "model.ckpt", "model.pt", "model.pkl"])
    def test_pickled_weights_are_refused(self, whole: Path, name: str) -> None:
        (whole / "text_encoder" / "model.safetensors").rename(whole / "text_encoder" / name)
        (problem,) = make(whole).problems()
        assert f"pickled weights ({name})" in problem.message and "safe_serialization" in problem.next_step

    @pytest.mark.parametrize("content", [b"PK\x03\x04" + bytes(100), b"\x80\x04\x95" + b"x" * 200])
    def test_a_pickle_by_another_name_is_refused(self, whole: Path, content: bytes) -> None:
        (whole / "text_encoder" / "model.safetensors").write_bytes(content)
        (problem,) = checkpoints.faults(whole)
        assert "model.safetensors" in problem.message

    @pytest.mark.parametrize("name", ["model.ckpt", "model.bin", "model.pt"])
    def test_a_single_pickled_file_is_refused(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_bytes(b"PK")
        (problem,) = make(tmp_path / name).problems()
        assert "can run code" in problem.message

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"_class_name": ["pipeline", "Own"]}, "code of its own"), ({"unet": ["os", "system"]}, "library 'os'"),
            ({"unet": ["my_models", "Net"]}, "library 'my_models'"),
        ],
    )  # fmt: skip
    def test_code_of_its_own_is_refused(self, whole: Path, change: dict[str, Any], words: str) -> None:
        index = json.loads((whole / "model_index.json").read_text())
        (whole / "model_index.json").write_text(json.dumps({**index, **change}))
        assert words in checkpoints.faults(whole)[0].message

    @pytest.mark.parametrize("content", ["", "[]", "{", '{"unet": 3, "_class_name": "X"}', "\x00"])
    def test_an_index_that_is_no_index(self, whole: Path, content: str) -> None:
        (whole / "model_index.json").write_text(content)
        for each in checkpoints.faults(whole):
            assert each.next_step

    @pytest.mark.parametrize("named", ["/nowhere/at/all", "nowhere", "../x/y", "a/b/c", "https://example.org/model"])
    def test_a_name_that_is_nowhere(self, named: str) -> None:
        (problem,) = make(named).problems()
        assert "is not there" in problem.message and "PAINTER_MODEL" in problem.next_step

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"memory": "magic"}, "saving memory 'magic'"), ({"scheduler": "magic"}, "scheduler 'magic'"),
            ({"dtype": "int4"}, "dtype 'int4'"), ({"lora": "/nowhere:0.5"}, "LoRA nowhere is not there"),
        ],
    )  # fmt: skip
    def test_options_without_sense(self, whole: Path, options: dict[str, Any], words: str) -> None:
        (problem,) = make(whole, **options).problems()
        assert words in problem.message and problem.next_step

    def test_loras_that_are_no_single_safetensors_file(self, whole: Path, tmp_path: Path) -> None:
        folder = tmp_path / "lora"
        folder.mkdir()
        (folder / "pytorch_lora_weights.bin").write_bytes(b"PK")
        for lora, words in ((folder, "holds no safetensors"), (folder / "pytorch_lora_weights.bin", "can run code")):
            (problem,) = make(whole, lora=str(lora)).problems()
            assert words in problem.message
        for name in "ab":
            save_tensors(folder / f"{name}.safetensors")
        (problem,) = make(whole, lora=str(folder)).problems()
        assert "holds 2 safetensors files" in problem.message

    def test_no_model_at_all(self) -> None:
        (problem,) = DiffusersPainter().problems()
        assert problem.permanent and "PAINTER_MODEL" in problem.next_step
        with pytest.raises(EngineError, match="no model"):
            DiffusersPainter().load()
