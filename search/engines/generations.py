"""The files behind the FAISS index: immutable generations, a pointer to the newest, and a log of what changed since.

    <folder>/<model>/CURRENT                    "gen-000123", replaced by rename
                     gen-000123/meta.json       what it holds, how it is searched and what recall it was measured
                                                at, sizes and SHA-256 of the files
                                base.faiss      the index over rows 0..n-1; absent where n is 0
                                ids.npy         (n,) int64, ascending: the id of each row
                                vectors.npy     (n, d) float16: for exact scores and for the next generation
                                marks.npy       (n,) uint64: a fingerprint of each row's id and vector
                                changes.log     adds and deletes since, in order, append-only
                     probes.npy                 (m, d) float16: text queries to measure recall by, where there are any
                     write.lock compact.lock

Flipped bytes are noticed in two ways, since hashing hundreds of megabytes at every start would cost more than it is
worth. A search compares the fingerprints of the rows whose exact scores it takes: nothing that is returned has a wrong
id or score. A periodic check hashes every file: that finds what damage keeps from being returned.

One log holds adds and deletes, since their order is what they mean (an id may be deleted and come back). A record is
written whole by one `write`, so a killed writer leaves at most a partial record at the end, which readers ignore and
the next writer cuts off. A record that is whole and wrong is damage.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from search.engines.base import IndexDamaged

Records: TypeAlias = NDArray[np.void]
ADD, DELETE = 1, 2
FORMAT = 2
BATCH = 65_536
ODD = np.uint64(0x9E3779B97F4A7C15)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
GENERATION = re.compile(r"gen-(\d{6,})")


def record_type(dimensions: int) -> np.dtype[np.void]:
    """One record of a log: id, kind (ADD or DELETE), CRC-32 of the rest, vector (zeros where it is a delete)."""
    return np.dtype([("id", "<i8"), ("kind", "<u4"), ("crc", "<u4"), ("vector", "<f2", (dimensions,))])


def make_records(kind: int, ids: NDArray[np.int64], vectors: NDArray[Any] | None, dimensions: int) -> Records:
    """Records ready to be appended. `vectors`: (n, d), None for deletes."""
    records: Records = np.zeros(len(ids), dtype=record_type(dimensions))
    records["id"], records["kind"] = ids, kind
    if vectors is not None:
        records["vector"] = vectors
    records["crc"] = _checksums(records)
    return records


def _checksums(records: Records) -> NDArray[np.uint32]:
    raw, size = memoryview(records.tobytes()), records.dtype.itemsize
    return np.fromiter(
        (zlib.crc32(raw[at + 16 : at + size], zlib.crc32(raw[at : at + 12])) for at in range(0, len(raw), size)),
        dtype=np.uint32,
        count=len(records),
    )


@dataclass(frozen=True)
class Meta:
    """What a generation says of itself."""

    number: int
    dimensions: int
    count: int
    """Rows of the base."""
    kind: str
    """"flat" (exact), "ivf" (inverted file over 8-bit codes), "empty"."""
    ivf: Mapping[str, Any] = field(default_factory=dict)
    """Of an inverted file: `lists` and `budget` to read, `trained_on` rows, `recall` by kind of query, `texts`."""


class Log:
    """The changes since a generation was made."""

    def __init__(self, path: Path, dimensions: int) -> None:
        self.path = path
        self.type = record_type(dimensions)

    def whole(self) -> int:
        """Bytes up to the end of the last whole record. Raises FileNotFoundError where the generation is gone."""
        size = self.path.stat().st_size
        return size - size % self.type.itemsize

    def read(self, offset: int) -> tuple[Records, int]:
        """The records from a byte offset on, and the offset after them."""
        end = self.whole()
        if end < offset:
            raise IndexDamaged(f"{self.path.name} is shorter than it was.")
        if end == offset:
            return np.empty(0, self.type), offset
        for last_try in (False, True):
            with self.path.open("rb") as file:
                file.seek(offset)
                records = np.frombuffer(file.read(end - offset), dtype=self.type)
            if len(records) * self.type.itemsize == end - offset and bool(
                np.all(_checksums(records) == records["crc"])
            ):
                return records, end
            if not last_try:  # a network file system may show a size before the bytes
                time.sleep(0.05)
        raise IndexDamaged(f"{self.path.name} has a record that was changed after it was written.")

    def append(self, records: Records) -> None:
        """Write and sync. The caller holds the write lock."""
        with self.path.open("r+b") as file:
            end = self.whole()
            file.truncate(end)  # the torn end of a killed writer
            file.seek(end)
            file.write(records.tobytes())
            file.flush()
            os.fsync(file.fileno())


class Generations:
    """The folder of one model."""

    def __init__(self, folder: Path, model: str) -> None:
        if not NAME.fullmatch(model):
            raise ValueError(f"{model!r} can't name a space of vectors: use letters, digits, dots, hyphens.")
        self.folder = folder / model
        self.name = model

    def current(self) -> int:
        """The number of the newest complete generation; 0 where there is none yet."""
        try:
            text = (self.folder / "CURRENT").read_text("ascii", errors="replace").strip()
        except FileNotFoundError:
            return self.next_number() - 1  # a first writer may have been killed just before the pointer
        match = GENERATION.fullmatch(text)
        if not match:
            raise IndexDamaged(f"The pointer of the index {self.name} reads {text[:40]!r}.")
        return int(match[1])

    def path(self, number: int) -> Path:
        return self.folder / f"gen-{number:06d}"

    def meta(self, number: int) -> Meta:
        """Read and check what a generation says of itself: every file there, none shorter or longer than written."""
        folder = self.path(number)
        try:
            meta = json.loads((folder / "meta.json").read_text())
            if meta["format"] != FORMAT:
                raise IndexDamaged(f"The index {self.name} was written by another version.")
            whole = all((folder / name).stat().st_size == told["bytes"] for name, told in meta["files"].items())
            if not whole or not (folder / "changes.log").exists():
                raise IndexDamaged(f"{folder.name} of the index {self.name} isn't as it was written.")
            ivf = dict(meta.get("ivf") or {})
            if meta["kind"] == "ivf" and min(int(ivf["lists"]), int(ivf["budget"]), int(ivf["trained_on"])) < 1:
                raise ValueError("it says to read nothing")
            return Meta(number, int(meta["dimensions"]), int(meta["count"]), str(meta["kind"]), ivf)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise IndexDamaged(f"{folder.name} of the index {self.name} can't be read ({error}).") from error

    def verify(self) -> None:
        """Hash the files of the current generation, about 1 s a gigabyte. Raises IndexDamaged where one was changed."""
        number = self.current()
        if not number:
            return
        self.meta(number)
        folder = self.path(number)
        try:
            files = json.loads((folder / "meta.json").read_text())["files"]
            changed = [name for name, told in files.items() if _sha256(folder / name) != told["sha256"]]
        except OSError as error:
            if self.current() != number:  # it was pruned meanwhile
                return
            raise IndexDamaged(f"{folder.name} of the index {self.name} can't be read ({error}).") from error
        if changed:
            raise IndexDamaged(
                f"{', '.join(changed)} in {folder.name} of the index {self.name} isn't as it was written."
            )

    def probes(self, dimensions: int) -> NDArray[np.float32] | None:
        """(m, dimensions) text queries to measure recall by; None where there are none for such vectors."""
        try:
            probes = np.load(self.folder / "probes.npy")
        except (OSError, ValueError, EOFError):
            return None
        if probes.ndim != 2 or probes.shape[1] != dimensions or not len(probes) or not np.isfinite(probes).all():
            return None
        return np.asarray(probes, np.float32)

    def keep_probes(self, probes: NDArray[Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f".making-probes-{os.getpid()}-{time.monotonic_ns()}.npy"
        np.save(path, probes.astype("<f2"))
        path.replace(self.folder / "probes.npy")

    def log(self, meta: Meta) -> Log:
        return Log(self.path(meta.number) / "changes.log", meta.dimensions)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the write lock: one writer of all processes and threads."""
        with self._locked("write.lock", wait=True):
            yield

    @contextmanager
    def compacting(self, *, wait: bool) -> Iterator[bool]:
        """Hold the lock of whoever makes a new generation; gives False where another has it and `wait` is False."""
        with self._locked("compact.lock", wait=wait) as mine:
            if mine:
                for path in self.folder.glob(".making-*"):  # of a killed compaction
                    shutil.rmtree(path, ignore_errors=True)
            yield mine

    @contextmanager
    def _locked(self, name: str, *, wait: bool) -> Iterator[bool]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / name).open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True  # closing the file gives the lock back, and so does a kill

    def make(self, number: int, fill: Callable[[Path], Mapping[str, Any]]) -> Path:
        """Write a generation under a temporary name; nothing is left of it where that fails.

        `fill` writes the files of the base and returns what `meta.json` says of them: dimensions, count, kind, ivf.
        """
        folder = self.folder / f".making-{number:06d}-{os.getpid()}-{time.monotonic_ns()}"
        folder.mkdir(parents=True)
        try:
            meta = {"format": FORMAT, **fill(folder)}
            meta["files"] = {
                path.name: {"bytes": path.stat().st_size, "sha256": _sha256(path)} for path in sorted(folder.iterdir())
            }
            (folder / "meta.json").write_text(json.dumps(meta, indent=1))
            (folder / "changes.log").touch()
            for path in folder.iterdir():
                _sync(path)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return folder

    def publish(self, made: Path, number: int, carried: Records | None = None) -> None:
        """Make a generation the current one. The caller holds the write lock; `carried` are changes made meanwhile."""
        if carried is not None and len(carried):
            Log(made / "changes.log", carried.dtype["vector"].shape[0]).append(carried)
        _sync(made)
        made.rename(self.path(number))
        _sync(self.folder)
        pointer = self.folder / f".making-pointer-{os.getpid()}"
        pointer.write_text(f"gen-{number:06d}\n")
        _sync(pointer)
        pointer.replace(self.folder / "CURRENT")
        _sync(self.folder)

    def next_number(self) -> int:
        """One more than any generation that is there, complete or not."""
        found = (GENERATION.fullmatch(path.name) for path in self.folder.glob("gen-*"))
        return 1 + max((int(match[1]) for match in found if match), default=0)

    def prune(self, number: int) -> None:
        """Remove what came before the generation before `number`: a reader may just be opening that one.

        Who has older files mapped keeps them: the system frees them with the last mapping.
        """
        for path in self.folder.glob("gen-*"):
            match = GENERATION.fullmatch(path.name)
            if match and int(match[1]) < number - 1:
                shutil.rmtree(path, ignore_errors=True)


def write_rows(folder: Path, batches: Iterable[tuple[Sequence[int] | NDArray[np.int64], NDArray[Any]]]) -> Any:
    """Write ids.npy, vectors.npy and marks.npy: rows by ascending id, the last of equal ids counts.

    Holds one batch and the ids in memory. Writes with `write`, not through a mapping: on a full disk that is an error,
    not a crash. Returns the (n, d) float16 vectors, memory-mapped.
    """
    path, seen, dimensions = folder / "vectors.npy", [np.empty(0, np.int64)], 1
    with path.open("wb") as file:
        _array_header(file, 0, 1)
        for some, values in batches:
            if len(some):
                dimensions = values.shape[1]
                seen.append(np.asarray(some, np.int64))
                file.write(np.ascontiguousarray(values, "<f2").data)
        ids = np.concatenate(seen)
        file.seek(0)
        _array_header(file, len(ids), dimensions)
    if len(ids) and not bool(np.all(ids[1:] > ids[:-1])):
        arrived = path.rename(folder / "arrived.npy")
        unordered = np.load(arrived, mmap_mode="r")
        ids, last = np.unique(ids[::-1], return_index=True)
        rows = len(unordered) - 1 - last
        with path.open("wb") as file:
            _array_header(file, len(ids), dimensions)
            for start in range(0, len(rows), BATCH):
                file.write(unordered[rows[start : start + BATCH]].data)
        arrived.unlink()
    vectors = np.load(path, mmap_mode="r") if len(ids) else np.zeros((0, dimensions), np.float16)
    np.save(folder / "ids.npy", ids)
    parts = [marks(ids[at : at + BATCH], vectors[at : at + BATCH]) for at in range(0, len(ids), BATCH)]
    np.save(folder / "marks.npy", np.concatenate(parts) if parts else np.empty(0, np.uint64))
    return vectors


def _array_header(file: Any, count: int, dimensions: int) -> None:
    """Room for any count is left, so that it may be written again at the same place."""
    about = {"descr": "<f2", "fortran_order": False, "shape": (count, dimensions)}
    np.lib.format.write_array_header_1_0(file, about)


def marks(ids: NDArray[np.int64], vectors: NDArray[np.float16]) -> NDArray[np.uint64]:
    """(n,) fingerprints of rows: their 64-bit words by powers of an odd number, modulo 2**64.

    Odd factors can be inverted, so no change of one word goes unseen; others do with a chance of about 2**-64. A CRC-32
    of each row would cost ten times as much.
    """
    short = -vectors.shape[1] % 4
    words = np.ascontiguousarray(np.pad(vectors, ((0, 0), (0, short))) if short else vectors).view(np.uint64)
    factors = np.cumprod(np.full(words.shape[1] + 1, ODD, np.uint64))
    found: NDArray[np.uint64] = words @ factors[1:] + ids.astype(np.uint64) * factors[0]
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
