"""Periodic readings of a fleet: its processes, tables and ticks."""

from datetime import timedelta
from statistics import median

from tests.benchmarks.footprint import Footprint
from tests.faults.services import children
from tests.helpers.fleet import Fleet

RSS = ", RSS KiB"
MILLISECOND = timedelta(milliseconds=1)
# Those of live rows are what every tick and every snapshot reads; they must not grow with history.
TABLES = """
SELECT
    (SELECT sum(pg_relation_size(indexrelid)) / 1024
        FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
        WHERE indpred IS NOT NULL AND relname LIKE 'maintenance_windows_%')
        AS "indexes of live rows, KiB",
    pg_total_relation_size('maintenance_windows_scheduler') / 1024 AS "scheduler, KiB",
    (SELECT n_dead_tup FROM pg_stat_user_tables
        WHERE relname = 'maintenance_windows_scheduler') AS "scheduler, dead rows",
    pg_total_relation_size('maintenance_windows_sitemaintenance') / 1024 AS "flags, KiB",
    (SELECT n_dead_tup FROM pg_stat_user_tables
        WHERE relname = 'maintenance_windows_sitemaintenance') AS "flags, dead rows",
    pg_database_size(current_database()) / 1024 AS "database with its history, KiB",
    (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()) AS "connections"
"""


class Gauges:
    """Gauges of a fleet. `read()` raises OSError when a process has ended."""

    def __init__(self, fleet: Fleet) -> None:
        web = fleet.running["web"].pid
        self.pids = {"gunicorn": web, "python -m worker": fleet.running["worker"].pid}
        for number, pid in enumerate(sorted(children(web)), start=1):
            self.pids[f"web {number}"] = pid
        self._last_transition = 0

    def read(self) -> dict[str, float]:
        return {**self._processes(), **self._tables(), **self._ticks()}

    def _processes(self) -> dict[str, float]:
        found = {name: Footprint.of(pid) for name, pid in sorted(self.pids.items())}
        return {
            f"{name}{title}": getattr(one, key)
            for key, title in (("rss", RSS), ("threads", ", threads"), ("files", ", files"))
            for name, one in found.items()
        }

    def _tables(self) -> dict[str, float]:
        from django.db import connection

        if connection.vendor != "postgresql":
            return {}
        with connection.cursor() as cursor:
            cursor.execute(TABLES)
            names = [column.name for column in cursor.description]
            return dict(zip(names, map(float, cursor.fetchone()), strict=True))

    def _ticks(self) -> dict[str, float]:
        """The lateness of status changes since the last reading."""
        from maintenance_windows.models import Transition

        made = Transition.objects.filter(pk__gt=self._last_transition, window__isnull=False)
        rows = made.order_by("pk").values_list("pk", "due_at", "done_at")
        late = [(done - due) / MILLISECOND for _, due, done in rows]
        if not late:
            return {}
        self._last_transition = rows[len(rows) - 1][0]
        return {"flags, late: median ms": median(late), "flags, late: most ms": max(late)}
