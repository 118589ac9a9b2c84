"""Celery's settings. Each that differs from the default has its reason beside it."""

from importlib.util import find_spec

from maintenance_windows.beat import QUEUE, SCHEDULE

broker_connection_retry_on_startup = True
# The default of 100 makes a worker exit after some 46 minutes without Redis.
broker_connection_max_retries = None

timezone = "UTC"
enable_utc = True

task_default_queue = QUEUE
task_ignore_result = True
# A tick that is lost is replaced by the next one: retry nothing, acknowledge early.
task_publish_retry = False
task_acks_late = False
# Nothing is to be cancelled then, and Celery has no long warning to log with each loss.
worker_cancel_long_running_tasks_on_connection_loss = True
task_soft_time_limit = 20
task_time_limit = 30

# Two, so that a tick that waits for a boundary does not delay the next one.
worker_concurrency = 2
worker_prefetch_multiplier = 1
# Back half a second after Redis is, instead of up to thirty.
worker_consumer = "worker.consumer:FastReconnectConsumer"

if find_spec("django_celery_beat"):
    beat_scheduler = "worker.scheduler:FastReconnectScheduler"
else:
    beat_scheduler = "worker.scheduler:MemoryScheduler"
    beat_schedule = SCHEDULE
# A change of the schedule is seen within a second.
beat_max_loop_interval = 1
# Else what ran since the last sync runs again after a crash.
beat_sync_every = 1
