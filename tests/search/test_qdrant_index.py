"""The Qdrant index: the contract on qdrant-client's in-process store, and on a server where there is one."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from uuid import uuid4

import numpy as np
import pytest

qdrant_client = pytest.importorskip("qdrant_client", reason="needs the extra qdrant")

from media_processing.engine import EngineError  # noqa: E402
from search.engines import qdrant as module  # noqa: E402
from search.engines.base import IndexDamaged  # noqa: E402
from search.engines.qdrant import QdrantIndex  # noqa: E402
from tests.contracts.index import IndexContract, exact, ids, unit  # noqa: E402
from tests.search.conftest import Library  # noqa: E402

URL, KEY = os.environ.get("QDRANT_URL", ""), os.environ.get("QDRANT_API_KEY", "")


# It warns that it is exact whatever is asked for, which is why it stands in for a server here.
pytestmark = pytest.mark.filterwarnings("ignore:Local mode performs exact")


class TestInProcess(IndexContract):
    @pytest.fixture
    def index(self) -> QdrantIndex:
        return QdrantIndex(url=module.IN_PROCESS)


class TestManyRequests(IndexContract):
    """The same where every filter is too long for one request."""

    size = 150

    @pytest.fixture
    def index(self, monkeypatch: pytest.MonkeyPatch) -> QdrantIndex:
        monkeypatch.setattr(module, "ALLOWED_AT_ONCE", 2)
        monkeypatch.setattr(module, "WRITTEN_AT_ONCE", 3)
        monkeypatch.setattr(module, "READ_AT_ONCE", 4)
        return QdrantIndex(url=module.IN_PROCESS)


class TestAlwaysInParts(TestManyRequests):
    """The same where looking through from the nearest on never finds enough."""

    @pytest.fixture
    def index(self, monkeypatch: pytest.MonkeyPatch) -> QdrantIndex:
        monkeypatch.setattr(module, "ALLOWED_AT_ONCE", 50)
        monkeypatch.setattr(module, "DEEPEST", 0)
        return QdrantIndex(url=module.IN_PROCESS)

    test_equals_come_by_id = None  # type: ignore[assignment]  # looks on no further than DEEPEST, here not at all


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[QdrantIndex]:
    monkeypatch.setattr(module, "PREFIX", f"test_{uuid4().hex[:8]}_")
    index = QdrantIndex(url=URL, api_key=KEY)
    yield index
    index.load()
    for each in index._client.get_collections().collections:
        if each.name.startswith(module.PREFIX):
            index._client.delete_collection(each.name)


@pytest.mark.servers
@pytest.mark.skipif(not URL, reason="needs a Qdrant server: set QDRANT_URL")
class TestServer(IndexContract):
    @pytest.fixture
    def index(self, server: QdrantIndex) -> QdrantIndex:
        return server

    def test_two_clients_see_each_other(self, server: QdrantIndex) -> None:
        other = QdrantIndex(url=URL, api_key=KEY)
        server.add("m", range(10), unit(10))
        assert other.count("m") == 10
        other.replace("m", [(range(20), unit(20))])
        assert server.count("m") == 20

    def test_large_libraries_keep_their_recall(self, server: QdrantIndex) -> None:
        rng = np.random.default_rng(0)
        centres = rng.standard_normal((200, 64)).astype(np.float32)
        vectors = centres[rng.integers(200, size=30_000)] + 0.6 * rng.standard_normal((30_000, 64)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        server.replace("m", [(range(30_000), vectors)])
        queries = vectors[::1500] + 0.05 * rng.standard_normal((20, 64)).astype(np.float32)
        some = rng.permutation(30_000)[:24_000]
        for allowed in (None, some, some[:5000], some[:100]):
            kept = None if allowed is None else set(allowed.tolist())
            shared = sum(
                len(set(ids(server.search("m", each, limit=10, allowed=allowed))) & set(exact(vectors, each, 10, kept)))
                for each in queries
            )
            assert shared >= 0.97 * 200


@pytest.fixture
def index() -> QdrantIndex:
    return QdrantIndex(url=module.IN_PROCESS)


def test_replacing_switches_to_a_new_collection(index: QdrantIndex) -> None:
    index.add("m", range(10), unit(10))
    assert index.generation("m") == 1
    index.replace("m", [(range(5), unit(5))])
    assert index.generation("m") == 2
    assert list(index._generations("m").values()) == [f"{module.PREFIX}m@2"]


def test_what_comes_in_while_the_index_is_replaced_stays(index: QdrantIndex) -> None:
    vectors = unit(20)
    index.add("m", range(10), vectors[:10])

    def batches() -> Iterator[tuple[range, np.ndarray]]:
        yield range(10), vectors[:10]
        index.add("m", range(10, 20), vectors[10:])
        index.delete("m", [3])

    index.replace("m", batches())
    assert index.ids("m").tolist() == [number for number in range(20) if number != 3]
    assert ids(index.search("m", vectors[15], limit=1)) == [15]


def test_searches_see_the_old_until_the_new_is_whole(index: QdrantIndex) -> None:
    index.add("m", range(10), unit(10))
    seen = []

    def batches() -> Iterator[tuple[range, np.ndarray]]:
        for start in (10, 20):
            yield range(start, start + 10), unit(10, seed=start)
            seen.append(index.ids("m").tolist())

    index.replace("m", batches())
    assert seen == [list(range(10))] * 2


def test_a_build_that_broke_off_is_cleared_away_by_the_next(index: QdrantIndex) -> None:
    index.add("m", range(10), unit(10))

    def broken() -> Iterator[tuple[range, np.ndarray]]:
        yield range(5), unit(5)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        index.replace("m", broken())
    assert index.count("m") == 10
    index.replace("m", [(range(7), unit(7))])
    assert (index.count("m"), len(index._generations("m"))) == (7, 1)


def test_names_that_are_no_space_are_refused(index: QdrantIndex) -> None:
    for name in ("../x", "a/b", "", ".hidden", "a@2", "a" * 200):
        with pytest.raises(ValueError):
            index.add(name, [1], unit(1))


def test_a_space_whose_name_begins_like_another_is_another(index: QdrantIndex) -> None:
    index.add("m.w1", range(3), unit(3))
    index.add("m.w11", range(5), unit(5))
    index.replace("m.w1", [(range(2), unit(2))])
    assert (index.count("m.w1"), index.count("m.w11")) == (2, 5)


class TestProblems:
    @pytest.mark.parametrize("url", ["", "nonsense", "ftp://host", "http://"])
    def test_no_server_is_named(self, url: str) -> None:
        (problem,) = QdrantIndex(url=url).problems()
        assert "QDRANT_URL" in problem.next_step

    def test_the_server_is_down(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        index = QdrantIndex(url=f"http://127.0.0.1:{port}")
        (problem,) = index.problems()
        assert f"127.0.0.1:{port}" in problem.message and "INDEX=faiss" in problem.next_step
        with pytest.raises(IndexDamaged, match="No Qdrant server answers"):
            index.count("m")

    def test_a_server_that_went_away_is_said(self, index: QdrantIndex, monkeypatch: pytest.MonkeyPatch) -> None:
        index.add("m", [1], unit(1))

        def gone(**_options: object) -> None:
            raise qdrant_client.http.exceptions.ResponseHandlingException(ConnectionError())

        monkeypatch.setattr(index._client, "get_aliases", gone)
        with pytest.raises(IndexDamaged, match="can't be reached"):  # so the database answers
            index.search("m", unit(1)[0], limit=1)
        with pytest.raises(EngineError, match="can't be reached"):
            index.replace("m", [([1], unit(1))])

    def test_the_package_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "find_spec", lambda _name: None)
        (problem,) = QdrantIndex(url="http://127.0.0.1:6333").problems()
        assert ".[qdrant]" in problem.next_step

    def test_a_key_never_goes_over_an_open_line(self) -> None:
        (problem,) = QdrantIndex(url="http://vectors.example.org", api_key="secret").problems()
        assert "https" in problem.next_step
        assert "secret" not in str(problem)

    @pytest.mark.parametrize(("url", "leaves"), [
        ("http://127.0.0.1:6333", False), ("http://localhost:6333", False), ("http://[::1]:6333", False),
        (":memory:", False), ("https://vectors.example.org", True), ("http://10.0.0.7:6333", True), ("", True),
    ])  # fmt: skip
    def test_what_leaves_the_machine(self, url: str, leaves: bool) -> None:
        assert QdrantIndex(url=url).leaves_the_machine is leaves


def test_while_the_server_is_away_the_database_answers(library: Library) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        away = QdrantIndex(url=f"http://127.0.0.1:{free.getsockname()[1]}")
    library.put("red car", title="Car")
    library.index = away
    library.put("blue boat", title="Boat")
    assert library.titles("boat")[0] == "Boat"
    assert library.titles("car")[0] == "Car"
