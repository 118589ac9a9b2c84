"""The lines of the table, in its order."""

from tests.faults import broker, chaos, clock, cold, database, dumps, locks, orders, page, restores, rows, scheduler

FAULTS = (
    scheduler.scheduler_dead,
    broker.redis_killed,
    broker.redis_frozen,
    broker.redis_flushed,
    broker.redis_absent,
    database.postgresql_stopped,
    database.postgresql_frozen,
    database.postgresql_frozen_for_staff,
    cold.cold_start,
    cold.cold_start_frozen,
    cold.unknown_open,
    cold.unknown_closed,
    cold.forced,
    rows.tables_missing,
    rows.site_deleted,
    rows.bad_row,
    restores.restored_postgresql,
    dumps.restored_mariadb,
    dumps.restored_sqlite,
    orders.table_orders,
    chaos.chaos,
    chaos.chaos_embedded,
    clock.worker_clock,
    clock.beat_clock,
    clock.scheduler_clock,
    clock.web_clock,
    clock.command_clock,
    locks.locked,
    page.template,
    page.receivers,
    locks.connections,
)
BY_NAME = {fault.name: fault for fault in FAULTS}
