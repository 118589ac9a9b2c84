"""The entries of Celery beat, and their queue.

A project's Celery settings may import this module: it needs neither Django nor Celery.
"""

# A separate queue, so that ticks do not wait behind slow tasks of the project.
QUEUE = "maintenance"
TICK_TASK = "maintenance_windows.tasks.tick"
MATERIALISE_TASK = "maintenance_windows.tasks.materialise"

# For each task: interval, period, expiry in seconds, and description. Stale ticks are harmless.
# With a shorter expiry, clock skew could discard all of them.
BEAT_ENTRIES = {
    TICK_TASK: (1, "seconds", 30, "Sets and clears the maintenance flags. Leave it on."),
    MATERIALISE_TASK: (1, "hours", 3600, "Makes the windows of series ahead. Leave it on."),
}

# For projects that use `beat_schedule`: `app.conf.beat_schedule |= SCHEDULE`. `migrate` creates
# django-celery-beat's rows under the same names, so that no task is sent twice.
SCHEDULE = {
    task: {
        "task": task,
        "schedule": every * {"seconds": 1.0, "hours": 3600.0}[period],
        "options": {"queue": QUEUE, "expires": expires},
    }
    for task, (every, period, expires, _) in BEAT_ENTRIES.items()
}
