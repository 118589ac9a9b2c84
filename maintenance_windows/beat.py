"""The entries that Celery beat sends, and the queue that they go to."""

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
