"""From words to JSON over HTTP: a web server, ten users at once, and a text tower of ViT-B-32's size on the CPU.

The tower has random weights, which take as long as trained ones, and is exported by our own command. Each user sends
the next search as soon as the last is answered, each with words that nobody asked for before: the machine is never
idle, so a search waits for the others'. Therefore the tower's own time is measured the same way, ten threads asking it
without pause, beside that of one text on an idle machine. What a tower can do at most with ten waiting texts is one
batch; it is measured as it runs in the server, batches included. Then ten users with a second between two searches.

The server has a process for each core, as the README tells whoever has many people searching at once: Python runs on
one core a process, and the tower needs one, too.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

from tests.benchmarks import rows
from tests.benchmarks.harness import Figure, at_most, missing, p50, p95, plain, team, times_of
from tests.processes import free_port, running, until

MOMENTS, USERS, SECONDS, PAUSE = 5000, 10, 12.0, 1.0
CORES = os.cpu_count() or 1
NAME = "bench"
TOWER: dict[str, Any] = {
    "embed_dim": 512,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 512, "heads": 8, "layers": 12},
}
"""ViT-B-32's text tower beside a picture tower that nothing here runs."""
KINDS = ("small", "red", "old", "quiet", "green", "wide", "bright", "wooden", "empty", "crowded")


def figures() -> Iterator[Figure]:
    from django.conf import settings

    from media_processing.engine import EngineError

    try:
        export()
    except EngineError as error:
        yield missing("search_http: p95 of a search", "ms", str(error))
        return
    workspace, _user = team("search-bench")
    for precision in ("fp32", "int8"):
        embedder = engine(precision)
        library(workspace, embedder.card.digest)
        yield from measured(Path(settings.DATA), workspace, embedder, precision)


def measured(data: Path, workspace: Any, embedder: Any, precision: str) -> Iterator[Figure]:
    from creator.services import keys, publications

    said = f"search_http, {precision}"
    queries = asked()
    alone = times_of(lambda: embedder.embed_texts([next(queries)]), runs=40, warm=5)
    yield plain(f"{said}: the text tower, one text, nothing else running, p50", 1000 * p50(alone), "ms", busy())
    tower = together(lambda: lambda: embedder.embed_texts([next(queries)]), SECONDS / 2)
    own = p95(tower)
    yield plain(f"{said}: the text tower, {USERS} threads asking, p95", 1000 * own, "ms",
                f"p50 {1000 * p50(tower):.1f} ms, {2 * len(tower) / SECONDS:.0f} texts a second; {busy()}")  # fmt: skip
    channel = publications.default_channel(workspace)
    secret = keys.make(channel, name="b", scopes=("search:read",), rate=1_000_000)[1]
    port = free_port()
    name = NAME if precision == "fp32" else f"{NAME}-{precision}"
    served = ("web", "--port", str(port), "--processes", str(CORES))
    with running(data, *served, EMBEDDER=name, CLIP_THREADS=str(embedder.threads)):
        asking = searching(port, secret)
        if not until(lambda: answers(port), seconds=60):
            raise RuntimeError("The web server didn't start.")
        for _ in range(5 * CORES):
            asking()(next(queries))  # whichever process takes the connection loads the tower
        taken = together(lambda: with_next(asking(), queries), SECONDS)
        beside = (
            f"p50 {1000 * p50(taken):.1f} ms, {len(taken) / SECONDS:.0f} searches a second over {MOMENTS:,} moments, "
            f"{CORES} processes; {busy()}"
        )
        yield at_most(f"{said}: search to JSON, {USERS} users without pause, p95", 1000 * p95(taken), "ms",
                      1500 * own + 15, beside)  # fmt: skip
        paced = together(lambda: with_next(asking(), queries), SECONDS, pause=PAUSE)
        yield at_most(f"{said}: search to JSON, {USERS} users, a second between two searches, p95", 1000 * p95(paced),
                      "ms", 1500 * p95(alone) + 15, f"p50 {1000 * p50(paced):.1f} ms; tower alone, idle: p95 "
                      f"{1000 * p95(alone):.1f} ms; {busy()}")  # fmt: skip
        warm = asking()
        same = times_of(lambda: warm("a red boat on the river"), runs=40)
        fresh = times_of(lambda: warm(next(queries)), runs=40)
        yield at_most(f"{said}: a repeated query, one user, p50", 1000 * p50(same), "ms", 1000 * p50(fresh),
                      f"a new query: {1000 * p50(fresh):.1f} ms")  # fmt: skip


def export() -> None:
    """The tower, written by export_clip among the models of this process's data folder."""
    from django.core.management import call_command

    from search.engines.openclip import torch_of

    torch = torch_of()
    import open_clip  # only importable once torch_of has been

    with tempfile.TemporaryDirectory(prefix="storyloom-") as folder:
        config, weights = Path(folder) / f"{NAME}-tower.json", Path(folder) / "weights.pt"
        config.write_text(json.dumps(TOWER))
        open_clip.add_model_config(config)
        torch.manual_seed(0)
        torch.save(open_clip.create_model(config.stem).state_dict(), weights)
        with Path(os.devnull).open("w") as nowhere:
            call_command("export_clip", config.stem, pretrained=str(weights), name=NAME, int8=True, replace=True,
                         stdout=nowhere, stderr=nowhere)  # fmt: skip


def engine(precision: str) -> Any:
    from django.conf import settings

    from search.engines.onnx import OnnxEmbedder

    threads = int(os.environ.get("CLIP_THREADS") or 1)
    return OnnxEmbedder(NAME, folder=settings.CLIP_ROOT / NAME, precision=precision, threads=threads)


def library(workspace: Any, digest: str) -> None:
    """Moments with words and random vectors, and an index over them; a second model sees the same moments."""
    from search import fulltext
    from search.models import Embedding, Moment
    from search.services import rebuild

    if not Moment.objects.exists():
        pictures = rows.assets(workspace, MOMENTS)
        made = Moment.objects.bulk_create(Moment(workspace=workspace, asset=asset) for asset in pictures)
        fulltext.store([
            fulltext.Texts(moment.pk, title=asset.title, tags=" ".join(asset.tags), alt=asset.alt)
            for moment, asset in zip(made, pictures, strict=True)
        ])  # fmt: skip
    vectors = np.random.default_rng(20).standard_normal((MOMENTS, TOWER["embed_dim"]))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("<f2")
    Embedding.objects.bulk_create(
        Embedding(moment_id=moment, model=digest, vector=vector.tobytes())
        for moment, vector in zip(Moment.objects.order_by("pk").values_list("pk", flat=True), vectors, strict=True)
    )
    rebuild(digest)


def asked() -> Iterator[str]:
    """Searches of six to nine words, none of them twice; any thread may take the next."""
    lock, rng, number = threading.Lock(), random.Random(5), 0

    class Queries(Iterator[str]):
        def __next__(self) -> str:
            nonlocal number
            with lock:
                number += 1
                things, kinds = rng.sample(rows.WORDS, 2), rng.sample(KINDS, 2)
                return f"{kinds[0]} {things[0]} beside the {kinds[1]} {things[1]} {number}"

    return Queries()


def together(user: Callable[[], Callable[[], Any]], seconds: float, *, pause: float = 0.0) -> list[float]:
    """Seconds of each act of USERS threads; each thread's own act is made by `user`. A first second doesn't count."""
    taken: list[float] = []
    broken: list[BaseException] = []
    begin, end = time.perf_counter() + 1, time.perf_counter() + 1 + seconds

    def work(number: int) -> None:
        try:
            act = user()
            time.sleep(pause * number / USERS)
            while (start := time.perf_counter()) < end:
                act()
                if start > begin:
                    taken.append(time.perf_counter() - start)
                time.sleep(pause)
        except BaseException as error:
            broken.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(USERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if broken:
        raise broken[0]
    return taken


def searching(port: int, secret: str) -> Callable[[], Callable[[str], None]]:
    """Makes users: each has a connection of its own that stays open."""

    def user() -> Callable[[str], None]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

        def search(words: str) -> None:
            path = f"/api/v1/search?{urlencode({'q': words, 'limit': 20})}"
            connection.request("GET", path, headers={"Authorization": f"Bearer {secret}"})
            answer = connection.getresponse()
            body = answer.read()
            told = json.loads(body) if answer.status == 200 else {}
            if len(told.get("items", ())) != 20 or not told["model"]:
                raise RuntimeError(f"{answer.status}: {body[:300]!r}")

        return search

    return user


def with_next(search: Callable[[str], None], queries: Iterator[str]) -> Callable[[], None]:
    return lambda: search(next(queries))


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < 500
    except OSError:
        return False


def busy() -> str:
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
