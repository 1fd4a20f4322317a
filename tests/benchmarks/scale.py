"""`python -m tests.benchmarks.scale`: what 1, 10 and 100 million moments take, from unit costs measured here and now.

The tables of docs/scale.md are what this prints. Vectors are synthetic: they cost what real ones cost. A Qdrant server
isn't needed: its memory follows from its configuration, and the cost of its graph is told from FAISS's HNSW with as
many links.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict, dataclass
from math import ceil, log2
from typing import Any
from uuid import uuid4

import numpy as np

from tests.benchmarks.harness import Clock
from tests.benchmarks.vectors import Synthetic

SIZES = (1_000_000, 10_000_000, 100_000_000)
LISTS, TRAINED_ON, ITERATIONS = 4096, 64, 10
"""Of the inverted file of a large base: lists, vectors to a list in training, FAISS's iterations of k-means."""
LINKS = 16
"""Qdrant's m: twice as many links a point on the ground floor, 4 bytes each."""
POINT = 24
"""Bytes that Qdrant keeps in memory for a point's number and version."""
NODE_GB, FILLED = 64, 0.7
"""Memory of a Qdrant machine, and how much of it is planned for; the rest is for segments that are being merged."""
PICTURE_MS = 70.4
"""Core milliseconds for a 12-megapixel JPEG: reduced decode, tile, and ViT-B-32 in int8 (28.4 pictures a second on two
cores). A model's own figure replaces it: --picture-ms."""


@dataclass(frozen=True)
class Units:
    """What one moment costs."""

    dimensions: int
    row_bytes: float
    """In the database: asset, moment, words, embedding."""
    row_ms: float
    faiss_bytes: float
    """In the files of a generation."""
    code_bytes: float
    """Of these, what a search reads again and again: the codes."""
    assign_ms: float
    """Core time to find a vector's list among LISTS."""
    graph_ms: float
    """Core time to put a vector into a graph of `graph_size`."""
    graph_size: int
    picture_ms: float


@dataclass(frozen=True)
class Needs:
    """What a library of one size takes."""

    moments: int
    database_gb: float
    faiss_disk_gb: float
    faiss_memory_gb: float
    faiss_build_hours: float
    """On one core."""
    qdrant_disk_gb: float
    qdrant_memory_gb: float
    qdrant_build_hours: float
    shards: int
    ingest_hours: float


def needs(moments: int, units: Units) -> Needs:
    """The formulas of docs/scale.md."""
    hour, giga = 3_600_000, 1e9
    memory = moments * (units.dimensions + 2 * LINKS * 4 + POINT) * 1.1
    return Needs(
        moments=moments,
        database_gb=moments * units.row_bytes / giga,
        faiss_disk_gb=2 * moments * units.faiss_bytes / giga,  # the last generation stays until nobody reads it
        faiss_memory_gb=moments * units.code_bytes / giga,
        faiss_build_hours=(moments + TRAINED_ON * LISTS * ITERATIONS) * units.assign_ms / hour,
        qdrant_disk_gb=1.5 * moments * (3 * units.dimensions + 2 * LINKS * 4 + POINT) / giga,
        qdrant_memory_gb=memory / giga,
        qdrant_build_hours=moments * units.graph_ms * log2(moments) / log2(units.graph_size) / hour,
        shards=ceil(memory / giga / (NODE_GB * FILLED)),
        ingest_hours=moments * (units.picture_ms + units.row_ms) / hour,
    )


def measured(dimensions: int, picture_ms: float, rows: int = 50_000, graph: int = 20_000) -> Units:
    """Unit costs on this machine, in the processor's seconds: what else runs on it counts little."""
    import faiss

    faiss.omp_set_num_threads(1)
    vectors, _clusters = next(Synthetic(dimensions).pictures(rows, 1))
    base = faiss.index_factory(dimensions, f"IVF{rows // 256},SQ8", faiss.METRIC_INNER_PRODUCT)
    base.train(vectors[: rows // 4])
    base.add(vectors)
    code_bytes = len(faiss.serialize_index(base)) / rows
    lists = faiss.IndexFlatIP(dimensions)
    lists.add(vectors[:LISTS])
    some = vectors[:5_000]
    with Clock() as assigning:
        lists.search(some, 1)
    hnsw = faiss.index_factory(dimensions, f"HNSW{LINKS},SQ8", faiss.METRIC_INNER_PRODUCT)
    hnsw.hnsw.efConstruction = 100
    hnsw.train(vectors[:graph])
    with Clock() as linking:
        hnsw.add(vectors[:graph])
    row_bytes, row_ms = _rows(vectors[:5_000])
    return Units(
        dimensions=dimensions,
        row_bytes=row_bytes,
        row_ms=row_ms,
        faiss_bytes=2 * dimensions + 8 + code_bytes,  # with the vectors in float16 and the numbers
        code_bytes=code_bytes,
        assign_ms=1000 * assigning.cpu / len(some),
        graph_ms=1000 * linking.cpu / graph,
        graph_size=graph,
        picture_ms=picture_ms,
    )


def _rows(vectors: np.ndarray[Any, np.dtype[np.float32]]) -> tuple[float, float]:
    """(bytes, core milliseconds) a moment takes in the database."""
    from django.db import connection, transaction

    from creator.models import Workspace
    from media_processing.models import Asset
    from search.indexing import keep_vectors
    from search.models import Moment
    from search.services import refresh_words
    from search.spaces import Space
    from tests.benchmarks.harness import database

    def size() -> int:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("select pg_database_size(current_database())")
                return int(cursor.fetchone()[0])
            return int(cursor.execute("pragma page_count").fetchone()[0]) * int(
                cursor.execute("pragma page_size").fetchone()[0]
            )

    database()
    workspace = Workspace.objects.create(slug=f"scale-{uuid4().hex[:8]}", name="Scale")
    before = size()
    with Clock() as clock, transaction.atomic():
        assets = Asset.objects.bulk_create(
            Asset(
                workspace=workspace, kind="image", digest=uuid4().hex * 2, path=f"aa/{uuid4().hex * 2}.jpg", size=10**6,
                width=4000, height=3000, title="A lighthouse at the harbour", alt="A red and white lighthouse",
                tags=["lighthouse", "harbour", "evening"], licence="CC-BY-4.0", credit="Ada", colours=["red", "blue"],
            )
            for _ in vectors
        )  # fmt: skip
        moments = Moment.objects.bulk_create(
            Moment(workspace=workspace, asset=asset, pdq=uuid4().hex * 2) for asset in assets
        )
        for asset in assets:
            refresh_words(asset)
        made = {moment.pk: vector for moment, vector in zip(moments, vectors, strict=True)}
        keep_vectors(Space(workspace.pk, "scale"), made)
    grown = size() - before
    workspace.delete()
    return grown / len(vectors), 1000 * clock.cpu / len(vectors)


def table(units: Units, sizes: tuple[int, ...] = SIZES) -> str:
    """Markdown."""
    columns = [needs(size, units) for size in sizes]
    lines = [
        ("moments", lambda each: f"{each.moments // 10**6} million"),
        ("database", lambda each: _gb(each.database_gb)),
        ("`faiss`: disk", lambda each: _gb(each.faiss_disk_gb)),
        ("`faiss`: memory for a warm index", lambda each: _gb(each.faiss_memory_gb)),
        ("`faiss`: build, core-hours", lambda each: _hours(each.faiss_build_hours)),
        ("`qdrant`: disk, one copy", lambda each: _gb(each.qdrant_disk_gb)),
        ("`qdrant`: memory, one copy", lambda each: _gb(each.qdrant_memory_gb)),
        ("`qdrant`: build, core-hours", lambda each: _hours(each.qdrant_build_hours)),
        (f"`qdrant`: machines of {NODE_GB} GB (shards), one copy", lambda each: str(each.shards)),
        ("ingest, core-hours", lambda each: _hours(each.ingest_hours)),
    ]
    rows = [f"| {name} | {' | '.join(show(each) for each in columns)} |" for name, show in lines]
    return "\n".join([rows[0], "|" + " --- |" * (len(columns) + 1), *rows[1:]])


def _gb(value: float) -> str:
    return f"{value:.1f} GB" if value < 10 else f"{value:,.0f} GB"


def _hours(value: float) -> str:
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def main() -> None:
    """Measure, and print the unit costs as JSON and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dimensions", type=int, default=512, help="of the model's vectors")
    parser.add_argument("--picture-ms", type=float, default=PICTURE_MS, help="core milliseconds for a file")
    asked = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    units = measured(asked.dimensions, asked.picture_ms)
    print(json.dumps({name: round(value, 4) for name, value in asdict(units).items()}, indent=2))
    print(table(units))


if __name__ == "__main__":
    main()
