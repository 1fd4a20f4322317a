"""What Storyloom is built from: locked with hashes, licensed, listed, and looked up for known holes.

    python requirements/audit.py lock     writes requirements/*.txt anew (needs an index)
    python requirements/audit.py          checks locks and licences and writes sbom.json, all without a network; then
                                          asks pip-audit. Status 1: something is wrong; 3: pip-audit got no answer.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = ("core", *PROJECT["optional-dependencies"])
"""A file each: the core, and the core with one of the extras."""
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28")
"""Linux, where every package of the core must have a wheel. Other platforms are untested."""
PLAIN = ("docopt", "font-roboto", "font-source-serif-pro")
"""Pure Python and data, which come as source only."""

FREE = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Zlib|CC0|0BSD|Unlicense|HPND|CNRI|OFL|Mozilla|MPL|"
    r"PostgreSQL|Public Domain)\b",
    re.IGNORECASE,
)
EXPLAINED = {
    "atheris": "Apache-2.0 (said in its LICENSE, not in its metadata). Fuzzing only.",
    "espeakng-loader": "GPL-3.0-or-later. eSpeak NG runs in a process of its own, which we only speak to over a pipe.",
    "num2words": "LGPL-2.1. Used as a library, unchanged, and replaceable.",
    "resvg-py": "MIT (said in its repository, not in its metadata).",
    "tld": "MPL-1.1, one of its three licences.",
    "qrcode": "BSD-3-Clause; its other line is for the trademark of the QR code.",
    "imageio-ffmpeg": "BSD-2-Clause; the ffmpeg in its wheel is GPL-3.0 and runs as a program of its own.",
    "psycopg": "LGPL-3.0. Used as a library, unchanged, and replaceable.",
    "psycopg-binary": "LGPL-3.0. As psycopg.",
    "coqui-tts": "MPL-2.0. Used as a library, unchanged.",
    "soxr": "LGPL-2.1-or-later. Used as a library, unchanged, and replaceable.",
    "torchcodec": "BSD-3-Clause (said in its repository, not in its metadata).",
    "axe-playwright-python": "MIT, with axe-core, MPL-2.0. Tests only.",
}  # fmt: skip
"""What isn't plainly permissive, or doesn't say so, and why it may be here."""


def lock() -> int:
    """Write every lock anew, and see that the core has wheels on both architectures."""
    core = compiled("--universal")
    (FOLDER / "core.txt").write_text("".join(core), encoding="utf-8")
    for name in LOCKS[1:]:
        more = [entry for entry in compiled("--universal", f"--extra={name}", "-c", "core.txt") if entry not in core]
        (FOLDER / f"{name}.txt").write_text("-r core.txt\n" + "".join(more), encoding="utf-8")
    for platform in PLATFORMS:
        wheels = ("--only-binary=:all:", *(f"--no-binary={each}" for each in PLAIN))
        count = len(compiled(f"--python-platform={platform}", *wheels))
        print(f"the core's {count} packages have wheels on {platform}")
    return 0


def compiled(*options: str) -> list[str]:
    """One entry for each package: a line with its version, and its hashes."""
    command = ["uv", "pip", "compile", "../pyproject.toml", "--python-version=3.11", "--generate-hashes", "--no-header",
               "--no-emit-index-url", "--no-annotate", "--quiet", *options]  # fmt: skip
    return entries(subprocess.run(command, cwd=FOLDER, check=True, stdout=subprocess.PIPE, text=True).stdout)


def entries(text: str) -> list[str]:
    return [part for part in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE) if re.match(r"[a-z0-9]", part)]


def locked(name: str) -> dict[str, str]:
    """Package -> version of one lock, with what it takes from the core; every one has a hash."""
    found = locked("core") if name != "core" else {}
    for entry in entries((FOLDER / f"{name}.txt").read_text(encoding="utf-8")):
        package, version = re.match(r"([\w.-]+)(?:\[[^\]]*\])?==([\w.+!-]+)", entry).groups()  # type: ignore[union-attr]
        if "--hash=sha256:" not in entry:
            raise SystemExit(f"{name}.txt has no hash for {package}.")
        found[canonicalize_name(package)] = version
    return found


def unlocked() -> Iterator[str]:
    """What pyproject.toml asks for and a lock doesn't give."""
    for name in LOCKS:
        held = locked(name)
        for line in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"].get(name, ())):
            requirement = Requirement(line)
            version = held.get(canonicalize_name(requirement.name))
            if requirement.name == PROJECT["name"]:
                continue
            if version is None or not requirement.specifier.contains(version, prereleases=True):
                yield f"requirements/{name}.txt has {version or 'nothing'} for {line}: run make lock"


def licence(package: str) -> str | None:
    """What an installed package says of its licence, in its own words; "" where it says nothing."""
    try:
        told = importlib.metadata.metadata(package)
    except importlib.metadata.PackageNotFoundError:
        return None
    classified = [line.split(" :: ")[-1] for line in told.get_all("Classifier", []) if line.startswith("License")]
    return str(told.get("License-Expression") or "; ".join(classified) or (told.get("License") or "").split("\n")[0])


def unlicensed() -> Iterator[str]:
    """Installed packages whose licence is neither permissive nor explained."""
    for package in sorted({package for name in LOCKS for package in locked(name)}):
        told = licence(package)
        # None: it isn't installed here, being for another platform, or for an extra that isn't.
        if told is not None and package not in EXPLAINED and not FREE.search(told):
            yield f"{package} says {told or 'nothing'} of its licence: explain it in requirements/audit.py, or drop it"


def write_sbom(target: Path = ROOT / "sbom.json") -> None:
    """CycloneDX, of the core."""
    command = [
        sys.executable, "-m", "cyclonedx_py", "requirements", str(FOLDER / "core.txt"), "--of", "JSON",
        "--output-reproducible", "--pyproject", str(ROOT / "pyproject.toml"), "-o", str(target),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)


def known_holes() -> int:
    """pip-audit over the core's lock: 0 none, 1 some, 3 where nobody answered, or not for every package."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(FOLDER / "core.txt"), "--require-hashes",
               "--disable-pip", "--progress-spinner=off", "--timeout=10", "--format=json"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    try:
        looked_at = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        looked_at = []
    for each in looked_at:
        for hole in each.get("vulns", ()):
            mended = ", ".join(hole["fix_versions"]) or "no version"
            print(f"{each['name']} {each['version']}: {hole['id']}, mended in {mended}")
    if any(each.get("vulns") for each in looked_at):
        return 1
    unknown = [each["name"] for each in looked_at if "skip_reason" in each]
    if unknown or not looked_at:
        print("pip-audit: no index of vulnerabilities answered: NOT checked. Run it where there is a network.")
        print(f"  unknown to it: {', '.join(unknown)}" if unknown else "")
        return 3
    print(f"pip-audit: no known holes in {len(looked_at)} packages")
    return 0


def main() -> int:
    """Every check; the worst status counts."""
    if sys.argv[1:] == ["lock"]:
        return lock()
    wrong = [*unlocked(), *unlicensed()]
    print("\n".join(wrong) or f"locks: {', '.join(LOCKS)}: all that pyproject.toml asks for, with hashes")
    for package, why in EXPLAINED.items():
        print(f"  {package}: {why}")
    write_sbom()
    print("sbom.json: CycloneDX, the core")
    return 1 if wrong else known_holes()


if __name__ == "__main__":
    sys.exit(main())
