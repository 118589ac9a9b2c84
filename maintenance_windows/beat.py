"""The entries that Celery beat sends, and the queue that they go to.

A project's Celery settings may import this module: it needs neither Django nor Celery.
"""

# A queue of its own keeps the tick from waiting behind the slow tasks of others.
QUEUE = "maintenance"
TICK_TASK = "maintenance_windows.tasks.tick"
MATERIALISE_TASK = "maintenance_windows.tasks.materialise"

# How often, the life of a message in seconds, and what the operator reads. Stale ticks are
# harmless; a shorter life than this would lose all of them to clock skew.
BEAT_ENTRIES = {
    TICK_TASK: (1, "seconds", 30, "Sets and clears the maintenance flags. Leave it on."),
    MATERIALISE_TASK: (1, "hours", 3600, "Makes the windows of series ahead. Leave it on."),
}

# For a beat that reads `beat_schedule`: `app.conf.beat_schedule |= SCHEDULE`. The rows that
# `migrate` makes for django-celery-beat have the same names, so that nothing is sent twice.
SCHEDULE = {
    task: {
        "task": task,
        "schedule": every * {"seconds": 1.0, "hours": 3600.0}[period],
        "options": {"queue": QUEUE, "expires": expires},
    }
    for task, (every, period, expires, _) in BEAT_ENTRIES.items()
}
