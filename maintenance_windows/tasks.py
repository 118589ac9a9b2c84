"""Celery tasks: one sets and clears the flags, one makes recurring windows ahead of time.

This is the only module of the app that needs Celery.
"""

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import Error as DatabaseError

from maintenance_windows.beat import BEAT_ENTRIES, MATERIALISE_TASK, QUEUE, TICK_TASK
from maintenance_windows.logonce import LogOnce, get_logger
from maintenance_windows.models import Scheduler, SchedulerKind
from maintenance_windows.planning import series
from maintenance_windows.reconcile.loop import keep_right
from maintenance_windows.snapshot import threads

try:
    from celery import Task, shared_task
    from celery.signals import beat_init, celeryd_after_setup
    from celery.utils.time import maybe_make_aware
except ImportError as error:
    raise ImportError(
        "The tasks of maintenance_windows need Celery: "
        'pip install "django-maintenance-windows[celery]"'
    ) from error

# Messages that may wait in the queue. One would be enough, because a tick handles all that is due.
MOST_WAITING = 3
# Seconds without a consumer before that is logged: a worker may be restarting.
PATIENCE = 10.0
DEADLINE = 1.0  # seconds to store the problem in the database
# A last run that is this far ahead is not believed; then the task is due, as it was LONG ago.
FUTURE, LONG = timedelta(seconds=2), timedelta(days=1)
# Drop the oldest messages of a list in Redis, up to the first that is not ours. LTRIM works even
# if Redis is full, and the messages are not transferred.
DROP_OURS = """
local oldest = redis.call('LRANGE', KEYS[1], -1000, -1)
local ours = 0
while ours < #oldest and string.find(oldest[#oldest - ours], ARGV[1], 1, true) do
    ours = ours + 1
end
if ours > 0 then redis.call('LTRIM', KEYS[1], 0, -1 - ours) end
return ours
"""

logger = get_logger()


class BoundedTask(Task):  # type: ignore[misc]
    """A task of which only a few messages wait, even if nothing consumes the queue.

    Beat calls apply_async() of each registered task, with every scheduler class. No error
    propagates, because beat would log a traceback every second.
    """

    abstract = True
    ignore_result = True
    queue = QUEUE
    most_waiting = MOST_WAITING
    complaints = LogOnce(logger, over="Beat's messages reach the queue again.")
    idle_since: float | None = None
    word_is_left = False

    def apply_async(
        self, args: Any = None, kwargs: Any = None, producer: Any = None, **options: Any
    ) -> Any:
        """Send the task if its queue has room. Return None if it was not sent."""
        if self.app.conf.task_always_eager:
            return super().apply_async(args, kwargs, producer=producer, **options)
        options["retry"] = False  # the next message replaces a lost one
        options.pop("expires", None)  # see maintenance_windows.beat
        sent = None
        try:
            route = self.app.amqp.router.route({"queue": self.queue} | options, self.name)
            queue = route["queue"]
            with self.app.producer_or_acquire(producer) as chosen:
                try:
                    has_room, is_taken = self._look(chosen, queue)
                    if has_room:
                        sent = super().apply_async(args, kwargs, producer=chosen, **options)
                except Exception:
                    # The channel is closed or its broker down: the next attempt needs a new one.
                    chosen.connection.revive(None)
                    chosen.revive(chosen.connection)
                    raise
            self._note(queue.name, is_taken=is_taken)
        except Exception as error:  # noqa: BLE001 (of any broker, see the class)
            said = f"Beat cannot send {self.name}; it retries next time: {error}"
            self.complaints.now({"broker": said})
        return sent

    def _look(self, producer: Any, queue: Any) -> tuple[bool, bool]:
        """Return whether the queue has room, and whether something seems to consume it.

        One declaration answers both, and sending would declare the queue anyway.
        """
        # Without these limits, kombu would block until the broker is back.
        connection = producer.connection.ensure_connection(
            max_retries=1, interval_start=0, interval_step=0
        )
        declared = queue(connection.default_channel).queue_declare(passive=queue.no_declare)
        waiting, consumers = declared.message_count, declared.consumer_count
        # RabbitMQ counts its consumers.
        is_amqp = connection.transport.driver_type == "amqp"
        is_taken = consumers > 0 if is_amqp else waiting < MOST_WAITING
        return waiting < self.most_waiting, is_taken

    def _note(self, name: str, *, is_taken: bool) -> None:
        """If nothing consumes the queue, log it and store it for `status` and `check`."""
        if is_taken:
            BoundedTask.idle_since, BoundedTask.word_is_left = None, False
            self.complaints.now({})
            return
        now = time.monotonic()
        if BoundedTask.idle_since is None:
            BoundedTask.idle_since = now
        if now - BoundedTask.idle_since < PATIENCE:
            return
        if not self.word_is_left:
            BoundedTask.word_is_left = True
            with suppress(DatabaseError, TimeoutError):
                threads.call_with_timeout(_leave_word, DEADLINE)
        said = (
            f"No worker consumes the queue {name}; beat sends nothing until one does. "
            f"Start a worker with -Q {name}."
        )
        self.complaints.now({"queue": said})


def _leave_word() -> None:
    Scheduler.objects.update(is_unconsumed=True)


@shared_task(base=BoundedTask, name=TICK_TASK)  # type: ignore[untyped-decorator]
def tick(**kwargs: Any) -> None:
    """Correct all flags now, and again at each start or end within the next second."""
    keep_right(SchedulerKind.CELERY)


# With thousands of recurring windows this takes longer than a tick may.
@shared_task(  # type: ignore[untyped-decorator]
    base=BoundedTask,
    name=MATERIALISE_TASK,
    most_waiting=MOST_WAITING + 1,  # waiting ticks leave room for one
    soft_time_limit=540,
    time_limit=600,
)
def materialise(**kwargs: Any) -> None:
    """Make recurring windows up to the horizon, and adjust them to new time zone data."""
    series.materialise()


@celeryd_after_setup.connect  # type: ignore[untyped-decorator]
def drop_stale(instance: Any, **_: Any) -> None:
    """Drop stale messages from our queue before a worker connects, as they may fill Redis."""
    if QUEUE not in instance.app.amqp.queues.consume_from:
        return
    try:
        dropped = _drop(instance.app)
    except Exception as error:  # noqa: BLE001 (the worker starts anyway and reports it)
        logger.info("Cannot drop the stale messages of the queue %s: %s", QUEUE, error)
    else:
        if dropped:
            logger.warning("Dropped %d stale messages from the queue %s.", dropped, QUEUE)


def _drop(app: Any) -> int:
    dropped = 0
    with app.connection_for_read() as connection:
        if connection.transport.driver_type != "redis":
            return 0
        connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
        client = connection.default_channel.client
        drop = client.register_script(DROP_OURS)
        while count := drop(keys=[QUEUE], args=[f'"task": "{__name__}.']):
            dropped += count
    return dropped


@beat_init.connect  # type: ignore[untyped-decorator]
def correct_each_pass(sender: Any, **_: Any) -> None:
    """Make beat send our tasks again as soon as its clock is right.

    Beat would wait until the time that a wrong clock has left as the last run, in memory or in the
    database. This holds for every scheduler class, also those of projects.
    """
    scheduler, tick = sender.scheduler, sender.scheduler.tick

    def tick_from_now(*args: Any, **kwargs: Any) -> Any:
        with suppress(Exception):  # then beat waits
            _correct(scheduler)
        return tick(*args, **kwargs)

    scheduler.tick = tick_from_now


def _correct(scheduler: Any) -> None:
    heap = scheduler._heap  # noqa: SLF001 (see docs/contributing.md)
    # To ask for the schedule costs a query, so do it only if needed.
    if heap is None or any(_ahead(event[2]) for event in heap):
        for entry in [*(event[2] for event in heap or ()), *scheduler.schedule.values()]:
            if ahead := _ahead(entry):
                entry.last_run_at -= ahead + LONG
        scheduler._heap = None  # noqa: SLF001 (beat then makes it again)


def _ahead(entry: Any) -> timedelta | None:
    """Return how far ahead the last run of one of our entries is, if that cannot be."""
    if entry.task not in BEAT_ENTRIES:
        return None
    ahead: timedelta = maybe_make_aware(entry.last_run_at) - datetime.now(UTC)
    return ahead if ahead > FUTURE else None
