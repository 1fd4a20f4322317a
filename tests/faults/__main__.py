"""`make faults`: breaks real processes at random moments and prints what it cost.

python -m tests.faults [--jobs 500] [--kills 20] [--seconds 60] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time

from tests.faults import ledger, making

SCENARIOS = (
    ledger.kill_worker, ledger.default_lease, ledger.kill_worker_redis, ledger.kill_worker_postgres, ledger.wipe_redis,
    ledger.kill_redis, ledger.fail_over, ledger.kill_before_sending, ledger.kill_web, ledger.freeze_worker,
    ledger.clock_steps, ledger.system_clock_steps, ledger.long_jobs, ledger.drain, making.kill_renderer,
    making.full_disk, making.small_disk, making.read_only, making.full_storage, making.providers, ledger.writers,
)  # fmt: skip
"""Each breaks one thing in an installation of its own."""
NEEDS = {
    ledger.kill_worker_postgres: "createdb",
    **dict.fromkeys((making.small_disk, making.read_only), "mount"),
    **dict.fromkeys(
        (ledger.kill_worker_redis, ledger.wipe_redis, ledger.kill_redis, ledger.fail_over, ledger.long_jobs,
         ledger.kill_before_sending, ledger.drain),
        "redis-server",
    ),
}  # fmt: skip


def missing(scenario: object) -> str:
    """What this machine lacks for a scenario."""
    if scenario in (making.small_disk, making.read_only) and os.geteuid() != 0:
        return "only root may mount a file system"
    if scenario is ledger.system_clock_steps and not ledger.faketime():
        return "libfaketime isn't installed (apt install faketime)"
    program = NEEDS.get(scenario)  # type: ignore[call-overload]
    return f"{program} isn't installed" if program and not shutil.which(program) else ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60, help="of eight writers")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    parser.add_argument("--only", nargs="+", choices=[each.__name__ for each in SCENARIOS])
    args = parser.parse_args()
    print(f"seed {args.seed}\n{'':22} {'jobs':>7} {'lost':>5} {'doubled':>8} {'recovered':>10}", flush=True)
    good = True
    for scenario in SCENARIOS:
        if args.only and scenario.__name__ not in args.only:
            continue
        if lacking := missing(scenario):
            print(f"{scenario.__name__:22} not run: {lacking}", flush=True)
            continue
        found = scenario(args)
        good &= found.good
        print(
            f"{scenario.__name__:22} {found.jobs:7} {found.lost:5} {found.doubled:8} {found.recovered:8.1f} s  "
            f"{'' if found.good else 'NOT GOOD: '}{found.told}", flush=True,
        )  # fmt: skip
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
