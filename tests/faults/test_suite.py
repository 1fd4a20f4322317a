"""A small run of `make faults`."""

from __future__ import annotations

import argparse

import pytest

from tests.faults.ledger import fail_over, kill_worker, wipe_redis, writers

SMALL = argparse.Namespace(jobs=30, kills=2, seconds=4, seed=7)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_killed_workers_lose_and_double_nothing() -> None:
    found = kill_worker(SMALL)
    assert (found.lost, found.doubled) == (0, 0), found


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.timeout(400)
def test_nor_does_a_wiped_redis() -> None:
    found = wipe_redis(SMALL)
    assert (found.lost, found.doubled) == (0, 0), found


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.timeout(400)
def test_nor_does_a_failover_of_sentinel() -> None:
    found = fail_over(SMALL)
    assert (found.lost, found.doubled) == (0, 0), found


@pytest.mark.slow
def test_writers_of_sqlite_wait_for_one_another() -> None:
    found = writers(SMALL)
    assert (found.lost, found.doubled) == (0, 0), found
