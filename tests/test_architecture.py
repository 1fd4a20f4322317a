"""The order of imports, and other rules that hold the house together."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "media_processing": set(),
    "search": {"media_processing"},
    "generation": {"media_processing"},
    "moderation": {"media_processing"},
    "creator": {"media_processing", "search", "generation", "moderation"},
}
INSIDE_CREATOR = {
    "models": {"models"},
    "environment": set(),
    "services": {"services", "models", "jobs", "environment", "samples"},
    "access": {"models"},
    "jobs": {"models", "celery", "logs"},
    "tasks": {"services", "jobs", "models"},
    "api": {"api", "services", "models", "access", "jobs", "ranges"},
    "views": {"views", "services", "models", "access", "jobs", "forms", "ranges", "templatetags"},
}
EFFECTS = Path("media_processing/effects")
HEAVY = {
    "torch", "torchvision", "torchaudio", "open_clip", "diffusers", "transformers", "whisper", "TTS", "moviepy",
    "faiss", "onnxruntime", "pocketsphinx", "openai", "qdrant_client",
}  # fmt: skip


def modules(package: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        if "migrations" not in path.parts:
            yield path, ast.parse(path.read_text())


def imports(tree: ast.AST, *, top_level_only: bool = False) -> Iterator[str]:
    nodes = ast.iter_child_nodes(tree) if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_left_may_import_right_never_the_reverse(package: str) -> None:
    forbidden = set(MAY_IMPORT) - MAY_IMPORT[package] - {package}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, tree in modules(package)
        for name in imports(tree)
        if name.split(".")[0] in forbidden
    ]
    assert not wrong


@pytest.mark.parametrize("part", INSIDE_CREATOR)
def test_order_inside_creator(part: str) -> None:
    allowed = INSIDE_CREATOR[part]
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, tree in modules("creator")
        if path.relative_to(ROOT / "creator").parts[0].removesuffix(".py") == part
        for name in imports(tree, top_level_only=True)
        if name.startswith("creator.") and name.split(".")[1] not in allowed | {part}
    ]
    assert not wrong


def test_engines_import_neither_models_nor_settings() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for package in ("media_processing", "search", "generation", "moderation")
        for path, tree in modules(f"{package}/engines")
        for name in imports(tree)
        if name.endswith(".models") or name.startswith(("django.conf", "django.db"))
    ]
    assert not wrong


def test_heavy_libraries_are_only_imported_inside_functions() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for package in MAY_IMPORT
        for path, tree in modules(package)
        if path.relative_to(ROOT).parent != EFFECTS or path.stem == "__init__"
        for name in imports(tree, top_level_only=True)
        if name.split(".")[0] in HEAVY
    ]
    assert not wrong


def test_effects_are_only_loaded_by_the_names_of_their_entry_points() -> None:
    """Each is a class of moviepy's, so its module begins with it: therefore nothing imports those modules."""
    effects = ".".join(EFFECTS.parts)
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for package in MAY_IMPORT
        for path, tree in modules(package)
        if path.relative_to(ROOT).parent != EFFECTS
        for name in imports(tree)
        if name.startswith(f"{effects}.") and (ROOT / EFFECTS / f"{name.split('.')[2]}.py").exists()
    ]
    assert not wrong


def test_only_the_ledger_and_its_dispatcher_send_tasks() -> None:
    senders = {"delay", "apply_async", "send_task", "delay_on_commit"}
    wrong = [
        str(path.relative_to(ROOT))
        for package in MAY_IMPORT
        for path, tree in modules(package)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in senders and path.name not in ("jobs.py", "celery.py")
    ]
    assert not wrong


def test_ffmpeg_and_decoders_are_started_in_one_place() -> None:
    """Whatever decodes untrusted bytes goes through media_processing/decoding.py and ffmpeg.py."""
    allowed = {"ffmpeg.py", "decoding.py", "decoding_child.py", "sniffing.py", "processes.py"}
    allowed |= {"loudness.py"}  # filters samples in memory, and opens nothing
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for package in MAY_IMPORT
        for path, tree in modules(package)
        for name in imports(tree)
        if name.split(".")[0] in ("av", "imageio_ffmpeg") and path.name not in allowed
    ]
    assert not wrong


def test_no_file_that_is_read_can_bring_code() -> None:
    """Weights and data are numbers: nothing unpickles, evaluates, or trusts code that lies beside a model."""
    code = {"pickle.load", "pickle.loads", "pickle.Unpickler", "yaml.load", "marshal.loads", "eval", "exec"}
    modules_of_code = {"joblib", "dill", "cloudpickle", "shelve", "marshal"}
    switches = {"trust_remote_code", "allow_pickle"}
    wrong = []
    for package in MAY_IMPORT:
        for path, tree in modules(package):
            found = [f"imports {name}" for name in imports(tree) if name.split(".")[0] in modules_of_code]
            for node in ast.walk(tree):
                if isinstance(node, ast.Call):
                    called = ast.unparse(node.func)
                    said = {each.arg: ast.unparse(each.value) for each in node.keywords}
                    found += [f"calls {called}"] * (called in code)
                    found += [f"says {name}" for name in switches if said.get(name, "False") != "False"]
                    found += ["calls torch.load"] * (called == "torch.load" and said.get("weights_only") != "True")
            wrong += [f"{path.relative_to(ROOT)} {each}" for each in found]
    assert not wrong


def test_no_module_is_named_for_its_shape() -> None:
    wrong = {"utils.py", "helpers.py", "common.py", "methods.py", "misc.py", "signals.py", "selectors.py"}
    assert not [path for package in MAY_IMPORT for path, _ in modules(package) if path.name in wrong]
