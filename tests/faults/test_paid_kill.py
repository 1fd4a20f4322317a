"""kill -9 of the worker while a paid answer streams in: the work ends by itself and is charged once."""

from __future__ import annotations

import random
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.faults.making import PRICES
from tests.faults.test_kill import ARTICLE, rows
from tests.generation.test_openai_writer import answer
from tests.openai_double import Reply, openai_double
from tests.processes import manage, start, until


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_worker_killed_while_it_pays_neither_loses_nor_doubles_the_charge(tmp_path: Path) -> None:
    manage(tmp_path, "set_up", "--no-samples")
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES)
    moments = random.Random(time.time_ns())
    with openai_double() as double:
        asked_for = double.next

        def slowly(request: dict[str, Any]) -> Reply:
            asked_for(request)
            return Reply(answer(request), pause=1.5 if len(double.requests) <= 3 else 0)

        double.next = slowly  # type: ignore[method-assign]
        with_prices = {
            "WRITER": "openai", "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": double.address, "WRITER_MODEL": "tiny",
            "STORYLOOM_PRICES": str(prices),
        }  # fmt: skip
        worker = start(tmp_path, "worker", **with_prices)
        asked = start(tmp_path, "create_story", str(ARTICLE), "--formats", "card:1x1", "--seconds", "20", **with_prices)
        try:
            for kill in range(3):
                assert until(lambda kill=kill: len(double.requests) > kill, seconds=60)
                time.sleep(moments.uniform(0.1, 1.2))
                worker.kill()
                worker.wait()
                worker = start(tmp_path, "worker", **with_prices)
            assert until(lambda: rows(tmp_path, "select 1 from creator_story where state='draft'"), seconds=120)
        finally:
            for process in (worker, asked):
                process.kill()
                process.wait()
        requests = list(double.requests)
    charged = rows(tmp_path, "select verb, state, calls, amount from generation_charge where role='writer' order by id")
    assert [(verb, state) for verb, state, *_rest in charged] == [("script", "settled")]
    keys = [request["idempotency_key"] for request in requests]
    # Asked again only under the key of the request that was cut off, by which a provider knows it.
    assert len(set(keys)) == charged[0][2] == 2
    assert keys == sorted(keys)
    assert Decimal(str(charged[0][3])) == Decimal("0.0006"), "two answers of 100 and 20 tokens"
