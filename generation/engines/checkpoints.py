"""Looking a Stable-Diffusion-family checkpoint over before anything of it is loaded: whole, and safetensors only."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from media_processing.engine import EngineError

CONVERT = "Convert it with save_pretrained(folder, safe_serialization=True), or choose a safetensors checkpoint."
COPY = "Copy the checkpoint again, whole."
_PICKLES = {".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle"}
_LIBRARIES = re.compile(r"diffusers|transformers|stable_diffusion\w*")
_CONFIGS = ("config.json", "scheduler_config.json", "preprocessor_config.json", "tokenizer_config.json")
_VOCABULARIES = ("tokenizer.json", "vocab.json", "spiece.model")
_MAX_HEADER = 100_000_000
"""As the safetensors library has it."""


def find(named: str) -> Path:
    """The folder or file of a checkpoint: a path, or a name ("org/name") in the hub's local cache. Never a download.

    Raises EngineError where there is none.
    """
    path = Path(named).expanduser()
    if path.exists():
        return path
    if re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", named):
        try:
            hub: Any = importlib.import_module("huggingface_hub")
            return Path(hub.snapshot_download(named, local_files_only=True))
        except ImportError:
            pass
        except (OSError, ValueError) as error:  # LocalEntryNotFoundError among them
            raise EngineError(
                f"{named} is neither a folder nor in the local hub cache.",
                next_step=f"Fetch it first (hf download {named}), or set PAINTER_MODEL to a folder.",
                permanent=True,
            ) from error
    raise EngineError(
        f"{named} is not there.", next_step="Set PAINTER_MODEL to a folder with a checkpoint.", permanent=True
    )


def faults(path: Path) -> list[EngineError]:
    """What keeps a folder or a single file from being loaded, without loading it."""
    try:
        return [EngineError(message, next_step=step, permanent=True) for message, step in _faults(path)]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        return [EngineError(f"{path.name} can't be read: {error}", next_step=COPY, permanent=True)]


def lora_file(path: Path) -> Path:
    """The one safetensors file that a LoRA's path means: itself, or the only one in a folder. Raises EngineError."""
    path = path.expanduser()
    found = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    if not path.exists() or len(found) != 1:
        what = "is not there" if not path.exists() else f"holds {len(found) or 'no'} safetensors files"
        raise EngineError(
            f"The LoRA {path.name} {what}.", next_step="Set PAINTER_LORA to one .safetensors file.", permanent=True
        )
    for message, step in _file_faults(found[0]):
        raise EngineError(message, next_step=step, permanent=True)
    return found[0]


def _faults(path: Path) -> Iterator[tuple[str, str]]:
    if path.is_file():
        yield from _file_faults(path)
        return
    index = path / "model_index.json"
    if not index.is_file():
        yield f"{path} has no model_index.json.", "Set PAINTER_MODEL to a folder that save_pretrained wrote."
        return
    said: dict[str, Any] = json.loads(index.read_text(encoding="utf-8"))
    if not re.fullmatch(r"\w+", str(said.get("_class_name", ""))):
        yield f"{path.name} needs code of its own, which is not run here.", "Choose another checkpoint."
    for name, part in sorted(said.items()):
        if name.startswith("_") or not isinstance(part, list) or part[0] is None:
            continue
        if not _LIBRARIES.fullmatch(str(part[0])):
            yield f"{path.name} asks for the library {part[0]!r}, which is not loaded here.", "Choose another one."
        else:
            yield from _part_faults(path / name, str(part[1]))


def _part_faults(folder: Path, kind: str) -> Iterator[tuple[str, str]]:
    """Of one part: its configuration, its vocabulary or its weights."""
    where = f"{folder.parent.name}/{folder.name}"
    if not any((folder / config).is_file() for config in _CONFIGS):
        yield f"{where} lacks {_config_of(kind)}.", COPY
    if "Tokenizer" in kind:
        if not any((folder / name).is_file() for name in _VOCABULARIES):
            yield f"{where} lacks vocab.json.", COPY
        elif (folder / "vocab.json").is_file() and not any(
            (folder / name).is_file() for name in ("merges.txt", "tokenizer.json")
        ):
            yield f"{where} lacks merges.txt.", COPY
    elif not kind.endswith(("Scheduler", "Processor", "Extractor")):
        yield from _weight_faults(folder, where)


def _config_of(kind: str) -> str:
    for end, config in (("Scheduler", 1), ("Processor", 2), ("Extractor", 2)):
        if kind.endswith(end):
            return _CONFIGS[config]
    return _CONFIGS[3] if "Tokenizer" in kind else _CONFIGS[0]


def _weight_faults(folder: Path, where: str) -> Iterator[tuple[str, str]]:
    files = sorted(folder.glob("*.safetensors"))
    shards = {
        shard for index in folder.glob("*.safetensors.index.json")
        for shard in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
    }  # fmt: skip
    for missing in sorted(shards - {file.name for file in files}):
        yield f"{where} lacks {missing}.", COPY
    if not files and not shards:
        pickled = sorted(file.name for file in folder.glob("*") if file.suffix in _PICKLES)
        if pickled:
            yield f"{where} holds pickled weights ({pickled[0]}), which can run code.", CONVERT
        else:
            yield f"{where} lacks its weights (*.safetensors).", COPY
    for file in files:
        yield from _file_faults(file)


def _file_faults(file: Path) -> Iterator[tuple[str, str]]:
    """Of a safetensors file, by its header: eight bytes of length, JSON with each tensor's place, then the tensors.

    https://github.com/huggingface/safetensors#format
    """
    where = f"{file.parent.name}/{file.name}"
    if file.suffix != ".safetensors":
        yield f"{where} is no safetensors file; pickled weights can run code.", CONVERT
        return
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if length > _MAX_HEADER:
            yield f"{where} is no safetensors file.", CONVERT
            return
        if size < 9 or 8 + length > size:
            yield f"{where} is cut off.", COPY
            return
        header: dict[str, Any] = json.loads(opened.read(length))
    end = max((tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"), default=0)
    if size != 8 + length + end:
        yield f"{where} is cut off: {size:,} of {8 + length + end:,} bytes are there.", COPY
