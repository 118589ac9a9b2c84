"""Worker and beat in one process, without a broker: `python -m worker`."""

import logging
import threading
from typing import Any

import django
from celery.beat import Service
from django.db import connections

from worker.celery import EMBEDDED, app

PAUSE = 1.0  # seconds before a beat that died is started again

logger = logging.getLogger("worker")


class Beat(threading.Thread):
    """Runs Celery's beat and starts it again whenever it dies."""

    def __init__(self) -> None:
        super().__init__(name="beat", daemon=True)
        self.stopping = threading.Event()
        self.service: Any = None

    def run(self) -> None:
        while not self.stopping.is_set():
            self.service = Service(app, scheduler_cls=app.conf.beat_scheduler)
            try:
                self.service.start()
            except Exception:
                logger.exception("beat died, starting it again")
            finally:
                connections.close_all()
            self.stopping.wait(PAUSE)

    def stop(self) -> None:
        self.stopping.set()
        if self.service is not None:
            self.service.stop()


def main() -> int:
    app.main = EMBEDDED
    django.setup()  # before the beat thread reads the schedule
    app.conf.update(
        broker_url="memory://localhost/",
        broker_transport_options={"polling_interval": 0.05},
        worker_consumer="worker.consumer:EmbeddedConsumer",
    )
    beat = Beat()
    beat.start()
    worker = app.Worker(
        pool="threads", without_gossip=True, without_mingle=True, without_heartbeat=True
    )
    try:
        worker.start()
    finally:
        beat.stop()
    return worker.exitcode or 0


if __name__ == "__main__":
    raise SystemExit(main())
