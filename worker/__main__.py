"""Worker and beat in one process, without a broker: `python -m worker`."""

import logging
import sys
import threading
from typing import Any

from celery import Celery
from celery.beat import Service
from django.db import connections

from worker.factory import make_app, set_up_django

PAUSE = 1.0  # seconds before a beat that died is started again

logger = logging.getLogger("worker")


class Beat(threading.Thread):
    """Runs Celery's beat and starts it again whenever it dies. It ends with the process."""

    def __init__(self, app: Celery) -> None:
        super().__init__(name="beat", daemon=True)
        self.app = app
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                Service(self.app, scheduler_cls=self.app.conf.beat_scheduler).start()
            except Exception:
                logger.exception("Beat crashed; restarting it.")
            finally:
                connections.close_all()
            self.stopping.wait(PAUSE)


def main() -> Any:
    set_up_django()
    app = make_app("memory://localhost/", polling_interval=0.05)
    app.conf.worker_consumer = "worker.consumer:EmbeddedConsumer"
    # On SIGHUP Celery starts `python` with these again: by its path this file would not run.
    sys.argv[:] = ["-m", "worker"]
    beat = Beat(app)
    beat.start()
    worker = app.Worker(
        pool="threads", without_gossip=True, without_mingle=True, without_heartbeat=True
    )
    try:
        worker.start()
    finally:
        beat.stopping.set()
    return worker.exitcode


if __name__ == "__main__":
    raise SystemExit(main())
