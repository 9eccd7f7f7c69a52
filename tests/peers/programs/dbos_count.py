"""Five durable steps of DBOS, and the threads that start them: a load is a line of JSON, and so is what came of it."""

import argparse
import json
import os
import sqlite3
import sys
import threading
import time

from dbos import DBOS, DBOSConfig

STEPS = 5


@DBOS.step()
def count(number: int) -> int:
    return number + 1


@DBOS.workflow()
def five(number: int) -> int:
    for _ in range(STEPS):
        number = count(number)
    return number


def drive(load: dict) -> dict:
    """Starts workflows from so many threads, each the next one when its own has ended."""
    begun = time.perf_counter()
    until = begun + load["seconds"]
    lock, spent, faults = threading.Lock(), [], []
    numbers = iter(range(load["workflows"]))

    def starter() -> None:
        own = []
        while time.perf_counter() < until and not faults:
            with lock:
                place = next(numbers, None)
            if place is None:
                break
            number = load["first"] + place * load["stride"]
            since = time.perf_counter()
            try:
                found = five(number)
            except Exception as fault:  # The harness tells it.
                faults.append(repr(fault))
                break
            own.append((time.perf_counter() - since) * 1e3)
            if found != number + STEPS:
                faults.append(f"workflow {number} ended with {found}")
        with lock:
            spent.extend(own)

    threads = [threading.Thread(target=starter) for _ in range(load["starters"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    error = faults[0] if faults else None
    return {"seconds": time.perf_counter() - begun, "spent_ms": spent, "error": error}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True)
    parser.add_argument("--journal", default="")
    parser.add_argument("--pool", type=int)
    parser.add_argument("--name", required=True)
    options = parser.parse_args()
    # Answers alone go to standard output, whatever the library prints.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if options.journal:
        file = sqlite3.connect(options.database.removeprefix("sqlite:///"))
        found = file.execute(f"PRAGMA journal_mode={options.journal}").fetchone()[0]
        synchronous = file.execute("PRAGMA synchronous").fetchone()[0]
        file.close()
        # 2 is FULL: what every connection of this library has that sets nothing.
        if (found, synchronous) != (options.journal, 2):
            sys.exit(f"journal_mode={found}, synchronous={synchronous}")
    config: DBOSConfig = {
        "name": "peers",
        "system_database_url": options.database,
        "executor_id": options.name,
        "application_version": "1",
        "log_level": "ERROR",
    }
    if options.pool:
        config["sys_db_pool_size"] = options.pool
    DBOS(config=config)
    DBOS.launch()
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(drive(json.loads(line))), file=answers, flush=True)
    DBOS.destroy()
    if options.journal:
        # What is in the log comes into the file: bytes are counted there.
        file = sqlite3.connect(options.database.removeprefix("sqlite:///"))
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        file.close()


if __name__ == "__main__":
    main()
