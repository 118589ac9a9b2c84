"""A MariaDB of this run."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.faults.services import Server
from tests.faults.table import Line


class MariaDB(Server):
    name = "mariadb"
    user = "mysql" if os.geteuid() == 0 else None
    ends_on = signal.SIGKILL  # nothing of it is kept

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        if self.user:
            shutil.chown(self.folder, self.user, self.user)
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={self.folder}/data",
             "--skip-test-db", "--auth-root-authentication-method=normal"],
            cwd=self.folder, user=self.user, group=self.user,
            extra_groups=[] if self.user else None, check=True, capture_output=True,
        )  # fmt: skip

    @staticmethod
    def missing(line: Line) -> bool:
        """Whether the server is not installed; then CI fails and others skip the line."""
        found = shutil.which("mariadbd")
        if found is None:
            line.promise(not os.environ.get("CI"), "MariaDB is missing")
            line.skipped = "MariaDB is missing: apt-get install mariadb-server"
        return found is None

    def command(self) -> list[str]:
        return [
            "mariadbd", "--no-defaults", f"--datadir={self.folder}/data",
            f"--socket={self.folder}/socket", "--bind-address=127.0.0.1", f"--port={self.port}",
            "--innodb-flush-log-at-trx-commit=0",
        ]  # fmt: skip

    def url(self, database: str) -> str:
        return f"mysql://root@127.0.0.1:{self.port}/{database}"

    def answers(self) -> bool:
        return self._client("mariadb-admin", "ping", check=False).returncode == 0

    def execute(self, sql: str, database: str = "mysql") -> None:
        self._client("mariadb", database, input=sql)

    def dump(self, database: str) -> str:
        return str(self._client("mariadb-dump", database).stdout)

    def _client(
        self, program: str, *arguments: str, check: bool = True, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, "--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--user=root",
             f"--port={self.port}", *arguments],
            check=check, capture_output=True, text=True, **options,
        )  # fmt: skip
