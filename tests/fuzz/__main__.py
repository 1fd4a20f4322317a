"""`make fuzz`: damaged files and damaged texts, within bounds; counts deaths, hangs and errors that nobody should see.

python -m tests.fuzz [--files 1000] [--examples 2000] [--guided 60] [--seed N]
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz import media, texts
from tests.processes import ROOT


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--files", type=int, default=1000, help="damaged media files")
    parser.add_argument("--examples", type=int, default=2000, help="of each parser, by hypothesis")
    parser.add_argument("--guided", type=int, default=60, help="seconds of each parser, by atheris where it is there")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    args = parser.parse_args()
    logging.disable(logging.WARNING)  # what is refused is said a thousand times
    print(f"seed {args.seed}", flush=True)
    bad = False
    for name in texts.TARGETS:
        begun = time.process_time()
        wrong = texts.run(name, args.examples, args.seed)
        bad |= bool(wrong)
        busy = f"{time.process_time() - begun:.0f} s of processor"
        print(f"{name:10} hypothesis, {args.examples} examples, {busy}: {wrong or 'nothing'}", flush=True)
    if not args.guided or importlib.util.find_spec("atheris") is None:
        why = "it isn't installed (pip install -e '.[fuzz]')" if args.guided else "not asked for"
        print(f"atheris    not run: {why}")
    else:
        for name in texts.TARGETS:
            command = [sys.executable, "-m", "tests.fuzz.guided", name, "1000000", str(args.guided)]
            limit = args.guided + 600
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=limit)
            bad |= bool(done.returncode)
            print(f"{name:10} atheris, {args.guided} s: {done.stderr[-3000:] if done.returncode else 'nothing'}")
    if args.files:
        with tempfile.TemporaryDirectory(prefix="storyloom-fuzz-") as folder:
            found = media.run(args.files, args.seed, Path(folder))
        ends = ", ".join(f"{count} {name}" for name, count in found.ends.most_common())
        print(f"media      {found.files} files: {ends}; slowest {found.slowest:.1f} s, grown by {found.grown:.0f} MB")
        print(
            f"           deaths {len(found.deaths)}, hangs {len(found.hangs)}, errors {len(found.errors)}", flush=True
        )
        for number, said in found.errors.items():
            print(f"--- file {number} of seed {args.seed}\n{said}")
        bad |= bool(found.deaths or found.hangs or found.errors)
        if found.deaths or found.hangs:
            print(f"deaths at files {found.deaths}, hangs at files {found.hangs}")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
