"""The entries of Celery beat, and their queue.

A project's Celery settings may import this module: it needs neither Django nor Celery.
"""

# A separate queue, so that ticks do not wait behind slow tasks of the project.
QUEUE = "maintenance"
TICK_TASK = "maintenance_windows.tasks.tick"
MATERIALISE_TASK = "maintenance_windows.tasks.materialise"

# For each task: interval, period and description. Messages have no expiry: it would be a time by
# beat's clock, and a worker whose clock is ahead would drop every tick. Few of them ever wait.
BEAT_ENTRIES = {
    TICK_TASK: (1, "seconds", "Sets and clears the maintenance flags. Leave it on."),
    MATERIALISE_TASK: (1, "hours", "Makes the windows of series ahead. Leave it on."),
}

# For projects that use `beat_schedule`: `app.conf.beat_schedule |= SCHEDULE`. `migrate` creates
# django-celery-beat's rows under the same names, so that no task is sent twice.
SCHEDULE = {
    task: {
        "task": task,
        "schedule": every * {"seconds": 1.0, "hours": 3600.0}[period],
        "options": {"queue": QUEUE},
    }
    for task, (every, period, _) in BEAT_ENTRIES.items()
}
