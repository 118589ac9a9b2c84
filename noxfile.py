"""Everything one can run here: `nox -l`."""

import nox

nox.options.sessions = ["tests"]
nox.options.reuse_existing_virtualenvs = True


@nox.session
def tests(session: nox.Session) -> None:
    """The suite, with the linters in it; DATABASE_URL and REDIS_URL add the real services."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def histories(session: nox.Session) -> None:
    """Ten thousand generated nights of two sites against the oracle, which takes minutes."""
    session.install("-e", ".[test]")
    command = ("python", "-m", "pytest", "tests/test_history_oracle.py", *session.posargs)
    session.run(*command, env={"HISTORIES": "10000"})


@nox.session
def fuzz(session: nox.Session) -> None:
    """Twenty thousand requests of any bytes."""
    session.install("-e", ".[test]")
    command = ("python", "-m", "pytest", "tests/test_fuzz.py", *session.posargs)
    session.run(*command, env={"FUZZ_REQUESTS": "20000"})


@nox.session
def faults(session: nox.Session) -> None:
    """Everything that can break, broken; with `--full` for a quarter of an hour."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "tests.faults", *session.posargs)


@nox.session
def figures(session: nox.Session) -> None:
    """How punctual windows are, measured on real processes."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", "tests/test_fleet.py", "-k", "on_time or two_beats")


@nox.session
def demo(session: nox.Session) -> None:
    """A window on one of two sites, seen from a visitor's side."""
    session.install("-e", ".[service]")
    session.run("python", "manage.py", "demo", *session.posargs)
