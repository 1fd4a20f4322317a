"""Writes an open_clip model as the folder of ONNX graphs that search/engines/onnx.py reads, and proves that it agrees.

The 8-bit graphs are dynamically quantised: weights of MatMul and Gemm to 8 bits a channel, their inputs to 8 bits as
they come; everything else (embeddings, convolutions, norms, softmax, the products inside attention) stays fp32. Where
that costs too much, the layers whose inputs are known for outliers stay fp32 too, the second ones of the blocks' MLPs
first (Dettmers et al., "LLM.int8()" (2022)).
"""

from __future__ import annotations

import ast
import errno
import hashlib
import json
import logging
import os
import random
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from media_processing.engine import EngineError
from search.engines import openclip
from search.engines.base import Vectors
from search.engines.onnx import CARD, PICTURE, TEXT, WORDS, OnnxEmbedder, graph_file
from search.engines.pixels import Preparation
from search.engines.tokens import read as read_tokenizer

SAMPLES = 64
"""Pictures, and texts, that the graphs are compared on."""
LEAST = {"fp32": 0.999, "int8": 0.98}
"""The lowest cosine to torch's vector that any picture or text may have."""
CAREFUL = ((), (".c_proj", ".fc2", "output.dense"), (".c_proj", ".c_fc", ".fc1", ".fc2", ".dense"))
"""Which layers stay fp32, by the ends of their names, until the 8-bit graph is close enough."""
_WORDS = (
    "a red car", "blue", "old house", "small boat", "river", "child", "dog", "tree", "street market", "night snow",
    "light", "mountain window", "bird", "café", "naïve", "2026", "50%", "it's", "#sea", "@home", "rock'n'roll",
    "zürich", "東京", "नमस्ते", "🙂", "harvest festival", "minister announces", "&amp; co", "FC St. Pauli",
)  # fmt: skip

Say = Callable[[str], None]


@dataclass(frozen=True)
class Agreement:
    """How close vectors are to torch's, over the samples."""

    cosine_min: float
    cosine_mean: float
    samples: int


@dataclass(frozen=True)
class Ranking:
    """How alike pictures are ranked for texts."""

    top_10_overlap: float
    """The share of torch's ten best pictures that are among the ten best, over all texts."""
    top_1: float
    """The share of texts whose best picture is the same."""
    spearman: float
    """Mean rank correlation over all pictures."""


def export(
    architecture: str, weights: str, folder: Path, *, int8: bool = False, name: str = "", domains: Sequence[str] = (),
    languages: Sequence[str] = ("en",), replace_it: bool = False, command: str = "", say: Say = print,
) -> dict[str, Any]:  # fmt: skip
    """Write an open_clip model to `folder` and return its card. Raises EngineError, and then leaves nothing behind.

    `architecture` and `weights` as open_clip names them. The folder appears when all is written and checked.
    """
    if folder.exists() and not replace_it:
        raise _refused(f"{folder} is there already.", "Name another folder, or add --replace.")
    net, prepare, tokenize = openclip.opened(architecture, weights)
    _needs_texts(architecture, net)
    _needs_space(folder, net, int8)
    with _appearing(folder) as partial:
        card = {
            "name": name or f"{architecture} {Path(weights).stem}".strip(),
            "dimensions": 0, **_preparation(net), "domains": list(domains) or ["photographs", "illustrations"],
            "languages": list(languages), "note": f"Exported from open_clip's {architecture}.",
            "trimmed": _takes_any_length(net), "command": command, "precisions": {},
        }  # fmt: skip
        if not card["trimmed"]:
            say("This text tower looks at padding: texts keep their full length.")
        _write_tokenizer(tokenize, net, partial / WORDS)
        samples = _Samples.of(net, prepare, tokenize)
        card["dimensions"] = samples.texts.shape[1]
        # The same as openclip's own: vectors that either made are of one space.
        card["digest"] = openclip.digest(architecture, weights)
        _write_graphs(net, tokenize, partial, trimmed=card["trimmed"])
        say(f"fp32: {_megabytes(partial, 'fp32'):.0f} MB")
        card["precisions"]["fp32"] = {"digest": card["digest"], **_checked(partial, card, samples, "fp32", say)}
        if int8:
            kept = _quantise(partial, card, samples)
            say(f"int8: {_megabytes(partial, 'int8'):.0f} MB; left in fp32 besides the rest: {kept or 'nothing'}")
            card["precisions"]["int8"] = {
                "digest": hashlib.sha256(f"{card['digest']} int8".encode()).hexdigest(), "left_in_fp32": kept
            }
            card["precisions"]["int8"] |= _checked(partial, card, samples, "int8", say)
        card["files"] = {path.name: path.stat().st_size for path in sorted(partial.iterdir()) if path.name != CARD}
        _write_card(partial, card)
    return card


def _needs_texts(architecture: str, net: Any) -> None:
    if not hasattr(net, "encode_text") or not hasattr(net, "encode_image"):
        raise _refused(f"{architecture} has no tower for texts.", "Choose a CLIP: one that embeds pictures and texts.")


def _needs_space(folder: Path, net: Any, int8: bool) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Twice: torch writes each graph before it is put in its place.
    needed = int(sum(weight.numel() for weight in net.parameters()) * 4 * (2.5 if int8 else 2))
    free = shutil.disk_usage(folder.parent).free
    if free < needed:
        raise _refused(
            f"The export needs {needed / 1e9:.1f} GB in {folder.parent}, where {free / 1e9:.1f} GB are free.",
            "Free some space, or name a folder elsewhere with --folder.",
        )


@contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    """A folder to write to, which becomes `folder` when the block ends well and is gone when it doesn't."""
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield partial
        for path in partial.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        partial.chmod(0o755)
        if folder.exists():
            shutil.move(folder, partial.with_suffix(".old"))
        partial.rename(folder)
    except OSError as error:
        full = error.errno == errno.ENOSPC
        raise _refused(
            "The disk is full." if full else f"The model can't be written: {error.strerror}.",
            f"Free some space beside {folder}, or name a folder elsewhere.",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(partial.with_suffix(".old"), ignore_errors=True)


def _preparation(net: Any) -> dict[str, Any]:
    """The card's words for what open_clip does to pictures before this model sees them."""
    config = net.visual.preprocess_cfg
    size = config["size"]
    interpolation = "bilinear" if config["interpolation"] == "bilinear" else "bicubic"
    return {
        "side": size if isinstance(size, int) else list(size), "mean": list(config["mean"]), "std": list(config["std"]),
        "resize": {"mode": config["resize_mode"], "interpolation": interpolation, "fill": config["fill_color"]},
    }  # fmt: skip


def _text_part(net: Any) -> Any:
    """The module that holds the text tower's parts."""
    return net if hasattr(net, "token_embedding") else net.text


def _takes_any_length(net: Any) -> bool:
    """Whether padding after the end of a text can't change its vector: every token sees only those before it, and the
    vector is taken at the token that ends the text."""
    part = _text_part(net)
    pooled: Any = part.text_pool_type if part is net else getattr(part, "pool_type", "")
    causal = getattr(part, "attn_mask", None) is not None and getattr(part, "cls_emb", None) is None
    return causal and hasattr(part, "positional_embedding") and pooled in ("argmax", "eos")


def _texts_of_any_length(net: Any, numbers: Any) -> Any:
    """encode_text for fewer numbers than the context holds."""
    from open_clip.transformer import text_global_pool

    part, length = _text_part(net), numbers.shape[1]
    values = part.token_embedding(numbers) + part.positional_embedding[:length]
    values = part.ln_final(part.transformer(values, attn_mask=part.attn_mask[:length, :length]))
    if part is net:
        pooled = text_global_pool(values, numbers, part.text_pool_type, eos_token_id=part.text_eos_id)
    else:
        pooled = text_global_pool(values, numbers, part.pool_type, eos_token_id=part.eos_id)
    projection = part.text_projection
    if projection is None:
        return pooled
    return projection(pooled) if callable(projection) else pooled @ projection


def _write_tokenizer(tokenize: Any, net: Any, file: Path) -> None:
    """words.json; checked to give the very numbers that open_clip's own tokenizer gives."""
    context = int(getattr(_text_part(net), "context_length", tokenize.context_length))
    # SigLIP's has no choice of cleaning.
    clean = tokenize.clean_fn.__name__.removeprefix("_clean_") if hasattr(tokenize, "clean_fn") else "canonicalize"
    if hasattr(tokenize, "bpe_ranks"):
        merges = [" ".join(pair) for pair in tokenize.bpe_ranks]
        data: dict[str, Any] = {"kind": "bpe", "context": context, "clean": clean, "merges": merges}
    else:
        inner: Any = getattr(tokenize, "tokenizer", None)
        fast = getattr(inner, "backend_tokenizer", None)
        if fast is None or getattr(tokenize, "tokenizer_mode", False):
            raise _refused(
                "This model's tokenizer can't be written down (it has no tokenizer.json).",
                "Use it in torch: EMBEDDER=openclip.",
            )
        data = {
            "kind": "tokenizers", "context": context, "clean": clean, "pad": inner.pad_token_id,
            "blank": inner.sep_token_id if getattr(tokenize, "strip_sep_token", False) else None,
            "tokenizer": json.loads(fast.to_str()),
        }  # fmt: skip
    file.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    texts = sample_texts()
    ours, theirs = read_tokenizer(file).encode(texts), tokenize(texts, context).numpy()
    if wrong := [text for text, one, other in zip(texts, ours, theirs, strict=True) if not np.array_equal(one, other)]:
        raise _refused(
            f"This model's tokenizer reads {wrong[0][:60]!r} otherwise than the exported one.",
            "Use it in torch: EMBEDDER=openclip.",
        )


def _write_graphs(net: Any, tokenize: Any, folder: Path, *, trimmed: bool) -> None:
    import torch

    height, width = Preparation.of(_preparation(net)).side
    many = torch.export.Dim("n", min=1, max=4096)
    _write(_tower(net, net.encode_image), torch.randn(2, 3, height, width), {0: many}, folder / PICTURE, "pictures")
    numbers = tokenize(["a boat", "two dogs in the snow"])
    if trimmed:
        length = torch.export.Dim("length", min=2, max=numbers.shape[1])
        tower = _tower(net, lambda given: _texts_of_any_length(net, given))
        _write(tower, numbers[:, :9].contiguous(), {0: many, 1: length}, folder / TEXT, "numbers")
    else:
        _write(_tower(net, net.encode_text), numbers, {0: many}, folder / TEXT, "numbers")


def _tower(net: Any, embed: Callable[[Any], Any]) -> Any:
    """A module whose forward is one tower of a model, with vectors of length one."""
    import torch

    class Tower(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net  # or the weights would count as constants

        def forward(self, values: Any) -> Any:
            return torch.nn.functional.normalize(embed(values), dim=-1)

    return Tower().eval()


def _write(tower: Any, example: Any, sizes: dict[int, Any], file: Path, name: str) -> None:
    """Write one graph; what is too much for one file lies beside it as `<file>.data`."""
    import torch

    with torch.no_grad(), _quiet():
        try:
            program: Any = torch.onnx.export(
                tower, (example,), dynamo=True, input_names=[name], output_names=["vectors"], dynamic_shapes=(sizes,),
                verbose=False,
            )  # fmt: skip
            program.save(file)
        except (torch.onnx.OnnxExporterError, RuntimeError) as error:
            raise _refused(
                f"torch can't write this model's tower of {name} as ONNX: {str(error).splitlines()[0][:200]}",
                "Use it in torch: EMBEDDER=openclip.",
            ) from error


def _quantise(folder: Path, card: dict[str, Any], samples: _Samples) -> list[str]:
    """Write the 8-bit graphs; returns the names of the layers that had to stay fp32."""
    left = []
    for graph, wanted in ((PICTURE, samples.pictures), (TEXT, samples.texts)):
        for careful in CAREFUL:
            kept = _quantised(folder, graph, careful)
            found = samples.through(folder, card, "int8", graph)
            if agreement(found, wanted).cosine_min >= LEAST["int8"]:
                break
        left += [f"{graph.removesuffix('.onnx')}: {name}" for name in kept]
    return left


def _quantised(folder: Path, graph: str, careful: Sequence[str]) -> list[str]:
    """Write one 8-bit graph; returns the layers that were left."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    source, target = folder / graph, folder / graph_file(graph, "int8")
    layers = {
        node.name: _layer(node) for node in onnx.load(source, load_external_data=False).graph.node
        if node.op_type in ("MatMul", "Gemm")
    }  # fmt: skip
    left = {name: layer for name, layer in layers.items() if layer.endswith(tuple(careful) or ("*",))}
    with _quiet():
        quantize_dynamic(
            source, target, op_types_to_quantize=["MatMul", "Gemm"], per_channel=True, weight_type=QuantType.QInt8,
            nodes_to_exclude=list(left), use_external_data_format=Path(f"{source}.data").exists(),
            extra_options={"MatMulConstBOnly": True},
        )  # fmt: skip
    return list(left.values())


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the libraries' advice to their own developers."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(level)


def _layer(node: Any) -> str:
    """The model's layer that a node was written for: "transformer.resblocks.0.mlp.c_proj"."""
    scopes = next((each.value for each in node.metadata_props if each.key == "pkg.torch.onnx.name_scopes"), "[]")
    named = [scope for scope in ast.literal_eval(scopes) if scope.startswith("net.")]
    return named[-1].removeprefix("net.") if named else str(node.name)


@dataclass(frozen=True)
class _Samples:
    """What the graphs are compared on, and what torch says of it."""

    pictures: Vectors
    texts: Vectors

    @classmethod
    def of(cls, net: Any, prepare: Any, tokenize: Any) -> _Samples:
        import torch

        pictures, texts = [], []
        with torch.inference_mode():
            for picture in sample_pictures():
                pictures.append(net.encode_image(prepare(picture)[None], normalize=True)[0].numpy())
            for text in sample_texts():
                texts.append(net.encode_text(tokenize([text]), normalize=True)[0].numpy())
        return cls(np.stack(pictures), np.stack(texts))

    def through(self, folder: Path, card: dict[str, Any], precision: str, graph: str) -> Vectors:
        """The same through a folder that is being written."""
        known = {**card["precisions"], precision: {"digest": card["digest"]}}
        _write_card(folder, {**card, "precisions": known})
        if precision != "fp32":  # the engine asks for both graphs, and one of them isn't there yet
            for name in (PICTURE, TEXT):
                (folder / graph_file(name, precision)).touch()
        engine = OnnxEmbedder(folder=folder, precision=precision, threads=0)
        if graph == PICTURE:
            return np.concatenate([engine.embed_pictures([picture]) for picture in sample_pictures()])
        return np.concatenate([engine.embed_texts([text]) for text in sample_texts()])


def _checked(folder: Path, card: dict[str, Any], samples: _Samples, precision: str, say: Say) -> dict[str, Any]:
    """Compare a precision with torch. Raises EngineError where it isn't close enough."""
    found = replace(
        samples, pictures=samples.through(folder, card, precision, PICTURE),
        texts=samples.through(folder, card, precision, TEXT),
    )
    close = {"pictures": agreement(found.pictures, samples.pictures), "texts": agreement(found.texts, samples.texts)}
    for what, one in close.items():
        say(f"{precision}: {one.samples} {what}: cosine to torch {one.cosine_min:.6f} at least, "
            f"{one.cosine_mean:.6f} on average")  # fmt: skip
        if not one.cosine_min >= LEAST[precision]:
            raise _refused(
                f"The exported {precision} graph of {what} doesn't agree with torch: cosine {one.cosine_min:.4f}, "
                f"where {LEAST[precision]} is the least.",
                "Export it without --int8, or use it in torch: EMBEDDER=openclip." if precision == "int8"
                else "Use it in torch: EMBEDDER=openclip.",
            )  # fmt: skip
    alike = ranking(found.texts @ found.pictures.T, samples.texts @ samples.pictures.T)
    say(f"{precision}: of torch's ten best pictures for a text, {alike.top_10_overlap:.1%} are among its ten best; "
        f"the same best picture for {alike.top_1:.1%}; rank correlation {alike.spearman:.4f}")  # fmt: skip
    return {"agreement": {what: asdict(one) for what, one in close.items()}, "ranking": asdict(alike)}


def agreement(found: Vectors, wanted: Vectors) -> Agreement:
    """Cosines of (n, d) unit vectors, row by row."""
    cosines = np.sum(found.astype(np.float64) * wanted, axis=1)
    return Agreement(round(float(cosines.min()), 7), round(float(cosines.mean()), 7), len(cosines))


def ranking(found: Vectors, wanted: Vectors) -> Ranking:
    """Of two (texts, pictures) tables of cosines."""
    first, second = np.argsort(-found, axis=1), np.argsort(-wanted, axis=1)
    ten = [len(set(one[:10]) & set(other[:10])) / 10 for one, other in zip(first, second, strict=True)]
    places = np.argsort(first, axis=1).astype(np.float64), np.argsort(second, axis=1).astype(np.float64)
    count = found.shape[1]
    spearman = 1 - 6 * np.sum((places[0] - places[1]) ** 2, axis=1) / (count * (count**2 - 1))
    return Ranking(
        round(float(np.mean(ten)), 4), round(float(np.mean(first[:, 0] == second[:, 0])), 4),
        round(float(spearman.mean()), 4),
    )  # fmt: skip


def sample_texts(count: int = SAMPLES) -> list[str]:
    """Texts from one word to more than any context holds, in several scripts."""
    rng = random.Random(3)
    lengths = [1 + number % 24 for number in range(count - 4)] + [0, 60, 100, 300]
    return [" ".join(rng.choices(_WORDS, k=length)) for length in lengths]


def sample_pictures(count: int = SAMPLES) -> Iterator[Image.Image]:
    """Pictures of many sizes and aspects: grounds, shapes, noise; drawn anew each time, always the same."""
    for number in range(count):
        rng = random.Random(number)
        width, height = rng.randint(40, 700), rng.randint(40, 700)

        def colour(rng: random.Random = rng) -> tuple[int, int, int]:
            return rng.randrange(256), rng.randrange(256), rng.randrange(256)

        picture = Image.new("RGB", (width, height), colour())
        if number % 3 == 0:
            noise = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
            picture = Image.blend(picture, Image.fromarray(noise), 0.5)
        draw = ImageDraw.Draw(picture)
        for _ in range(rng.randint(1, 12)):
            x, y = rng.randrange(width), rng.randrange(height)
            box = (x, y, x + rng.randint(5, width), y + rng.randint(5, height))
            rng.choice((draw.rectangle, draw.ellipse))(box, fill=colour())
        yield picture


def _write_card(folder: Path, card: dict[str, Any]) -> None:
    (folder / CARD).write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _megabytes(folder: Path, precision: str) -> float:
    names = [graph_file(graph, precision) for graph in (PICTURE, TEXT)]
    return sum(path.stat().st_size for path in folder.iterdir() if path.name.removesuffix(".data") in names) / 1e6


def _refused(message: str, next_step: str) -> EngineError:
    return EngineError(message, next_step=next_step, permanent=True)
