"""Everything one can run here: `nox -l`.

What is about this checkout runs in the environment that nox itself is in, the README's `.venv`; the
cells of the matrix make their own.
"""

import os
import re
import shutil
import sys
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import nox
from packaging.requirements import Requirement
from packaging.version import Version

nox.options.sessions = ["tests"]
nox.options.reuse_existing_virtualenvs = True

PROJECT = nox.project.load_toml("pyproject.toml")["project"]
PYTHONS = nox.project.python_versions({"project": PROJECT})
NEWER = ("3.14", "3.15")  # not promised yet, and tried where they are there
DJANGOS = [line.split()[-1] for line in PROJECT["classifiers"] if re.match(r".*Django :: \d", line)]
OLDEST_PYTHON = {"6.0": "3.12", "6.1": "3.12"}  # that a Django takes, where not our own oldest
TOO_NEW_FOR_BEAT = "6.1"  # django-celery-beat 2.9 wants an older Django
CELLS = [
    (python, django)
    for python in (*PYTHONS, *NEWER)
    for django in DJANGOS
    if Version(python) >= Version(OLDEST_PYTHON.get(django, PYTHONS[0]))
]
# The cell that nox's own environment is.
OURS = (
    f"{sys.version_info.major}.{sys.version_info.minor}",
    ".".join(version("Django").split(".")[:2]),
)
# Beside OURS, which has all of the suite on PostgreSQL, and the session without Celery, which has
# the Python and the Django in the middle: the newest of both, on MariaDB.
CI_CELLS = {(PYTHONS[-1], DJANGOS[-1]): ("mariadb",)}
# The servers of the cells; what they make there has a name of its own and is dropped again.
SERVERS = {name: os.environ.get(f"{name.upper()}_URL") for name in ("postgresql", "mariadb")}
WITHOUT_SERVICES = {"AMQP_URL": None, "DATABASE_URL": None, "REDIS_URL": None}

# By the extra that brings Celery, the packages that are then not there.
MISSING = {"beat": "", "celery": "django_celery_beat", "": "celery django_celery_beat"}

# What loads parts of pages. Two versions of one library need a name each.
LIBRARIES = ("htmx2@npm:htmx.org@2", "htmx4@npm:htmx.org@4", "@hotwired/turbo@8")

here = nox.session(venv_backend="none", allow_parallel=True)
alone = nox.session(venv_backend="none", allow_parallel=False)  # what others would disturb


def pytest(session: nox.Session, *arguments: str, **options: object) -> None:
    python = sys.executable if session.virtualenv.venv_backend == "none" else "python"
    session.run(python, "-m", "pytest", *arguments, *session.posargs, **options)


@here
def tests(session: nox.Session) -> None:
    """The suite, with the linters in it; DATABASE_URL and REDIS_URL add the real services."""
    pytest(session)


@here
def fast(session: nox.Session) -> None:
    """What of the suite starts no processes and takes no seconds by itself."""
    pytest(session, "-m", "not slow")


@here
def nightly(session: nox.Session) -> None:
    """What the suite leaves out because it takes long for what it says each time."""
    pytest(session, "-m", "nightly")


@here
def readme(session: nox.Session) -> None:
    """The README's test command, word for word; CI runs it in two halves side by side."""
    (command,) = re.findall(
        r"^python3 -m venv .* -m pytest$", Path("README.md").read_text(), re.MULTILINE
    )
    halves = " -n 2 --dist loadfile --no-loadscope-reorder" if os.environ.get("CI") else ""
    session.run("bash", "-c", f"{command}{halves}", external=True)


def run_cell(
    session: nox.Session,
    *,
    name: str,
    constraints: list[str],
    brings: str = "beat",
    in_ci: tuple[str, ...] = (),
    may_fail: bool = False,
) -> None:
    """The fast part on each database there is; MARIADB_URL and POSTGRESQL_URL say where.

    CI has not all day: there it is the servers that are named `in_ci`, or SQLite, and tests that no
    database has a part in run in one cell alone. Only what the extra that `brings` Celery leaves
    out may be missing: see tests/conftest.py.
    """
    pins = Path(session.create_tmp()) / "constraints.txt"
    pins.write_text("\n".join(constraints))
    databases = (in_ci or ("sqlite",)) if os.environ.get("CI") else ("sqlite", *SERVERS)
    extras = ["test", *filter(None, [brings])]
    if "mariadb" in databases and SERVERS["mariadb"]:
        extras.append("mariadb")
    wanted = f".[{','.join(extras)}]"
    session.install("--no-compile", "-e", wanted, "--constraint", str(pins))
    failed = []
    for database in databases:
        env = {**WITHOUT_SERVICES, "CI": None, "TESTED_WITHOUT": MISSING[brings]}
        left_out = "slow" if brings or not os.environ.get("CI") else "slow or any_database"
        if database != "sqlite":
            if not (server := SERVERS[database]):
                session.warn(f"no {database}: {database.upper()}_URL is not set")
                continue
            env["DATABASE_URL"] = urlsplit(server)._replace(path=f"/{name}").geturl()
            left_out = "slow or any_database"
        session.log(f"{name} on {database}")
        try:
            pytest(session, "-q", "-m", f"not ({left_out})", env=env)
        except nox.command.CommandFailed:
            failed.append(database)
    if failed:
        (session.warn if may_fail else session.error)(f"{name} fails on {', '.join(failed)}")


def brings(django: str) -> str:
    """The extra that brings Celery beside this Django."""
    return "celery" if Version(django) >= Version(TOO_NEW_FOR_BEAT) else "beat"


@nox.session(allow_parallel=True)
@nox.parametrize("python,django", CELLS, ids=[f"{python}, {django}" for python, django in CELLS])
def matrix(session: nox.Session, django: str) -> None:
    """The fast part with one Python and one Django, on SQLite, PostgreSQL and MariaDB."""
    cell = (session.python, django)
    if os.environ.get("CI") and cell not in CI_CELLS:
        session.skip("CI has no time for it, or runs all of the suite with these")
    run_cell(
        session,
        name=f"cell_{session.python}_{django}".replace(".", ""),
        constraints=[f"Django=={django}.*"],
        brings=brings(django),
        in_ci=CI_CELLS.get(cell, ()),
    )


@nox.session(python=PYTHONS[0], allow_parallel=True)
def lowest(session: nox.Session) -> None:
    """The same with the oldest of all that pyproject.toml allows."""
    extras = PROJECT["optional-dependencies"]
    lines = [line for extra in ("beat", "celery", "mariadb", "project") for line in extras[extra]]
    wanted = [Requirement(line) for line in PROJECT["dependencies"] + lines]
    oldest = [
        f"{requirement.name}=={bound.version}"
        for requirement in wanted
        for bound in requirement.specifier
        if bound.operator == ">="
    ]
    run_cell(session, name="cell_lowest", constraints=oldest)


@nox.session(python="3.12", allow_parallel=True)
def without_celery(session: nox.Session) -> None:
    """The fast part where neither Celery nor django-celery-beat is there."""
    middle = DJANGOS[len(DJANGOS) // 2]
    run_cell(session, name="cell_without_celery", constraints=[f"Django=={middle}.*"], brings="")


@nox.session(python=PYTHONS[-1], allow_parallel=True)
def upcoming(session: nox.Session) -> None:
    """The fast part with the next Django, where the registry has a candidate of it.

    What fails there is said and fails nothing: it may be Django's.
    """
    listed = session.run("python", "-m", "pip", "index", "versions", "--pre", "Django", silent=True)
    newest = re.search(r"^[Dd]jango \((.+?)\)", listed, re.MULTILINE)[1]
    if not Version(newest).is_prerelease:
        session.skip(f"no candidate: the newest Django is {newest}")
    django, name = f"Django=={newest}", "cell_upcoming"
    try:
        run_cell(session, name=name, constraints=[django], brings=brings(newest), may_fail=True)
    except nox.command.CommandFailed:
        session.warn(f"{django} cannot be installed beside the rest")


@nox.session(python=PYTHONS[-1])
def newest(session: nox.Session) -> None:
    """All of the suite with the newest Python and Django, on the servers that there are."""
    django = DJANGOS[-1]
    pins = Path(session.create_tmp()) / "constraints.txt"
    pins.write_text(f"Django=={django}.*")
    session.install("-e", f".[test,{brings(django)}]", "--constraint", str(pins))
    pytest(session, env={"TESTED_WITHOUT": MISSING[brings(django)]})


@here
def strangers(session: nox.Session) -> None:
    """Sites that are not ours, by the Quick start, beside each Django and with each extra."""
    pytest(session, "tests/test_package.py", "tests/test_mod_wsgi.py", env={"STRANGERS": "all"})


@alone
def guests(session: nox.Session) -> None:
    """Wagtail, Oscar and a project as cookiecutter makes them: installed, taken down and up."""
    session.run(sys.executable, "-m", "tests.guests", *session.posargs)


@here
def themes(session: nox.Session) -> None:
    """Our pages under themes of the admin, in a browser; pictures are in artefacts/themes."""
    session.run(sys.executable, "-m", "tests.themes", *session.posargs)


@here
def pages(session: nox.Session) -> None:
    """The page of the 503 in sites that use htmx or Turbo, which npm brings, in a browser."""
    folder = Path(session.create_tmp()).absolute()
    options = ("--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder))
    session.run("npm", "install", *options, *LIBRARIES, external=True)
    env = {"NODE_MODULES": str(folder / "node_modules")}
    pytest(session, "tests/pages/libraries.py", env=env)


@here
def package(session: nox.Session) -> None:
    """The source distribution, and the wheel made from it, as an index would take them."""
    folder = session.create_tmp()
    session.run(sys.executable, "-m", "build", "--outdir", folder)
    made = [str(file) for file in Path(folder).iterdir()]
    session.run(sys.executable, "-m", "twine", "check", "--strict", *made)


# A site in memory, with what is installed and nothing of the checkout.
TRY_OUT = """
import django
from django.conf import settings
from django.core.management import call_command

apps = ["contenttypes", "auth", "sites"]
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=[*(f"django.contrib.{app}" for app in apps), "maintenance_windows"],
    SECRET_KEY="x",
)
django.setup()
call_command("migrate", verbosity=0)
call_command("maintenance", "down", "example.com")
"""


@nox.session
def release(session: nox.Session) -> None:
    """Build what is published, in dist/: both packages, an SBOM (CycloneDX) and SHA-256 hashes.

    The packages are checked as an index would, and each is installed on its own and tried out. The
    SBOM lists what the wheel brings with all extras for production.
    """
    dist = Path("dist")
    shutil.rmtree(dist, ignore_errors=True)
    session.install("build", "twine", "cyclonedx-bom")
    session.run("python", "-m", "build", "--outdir", str(dist))
    packages = sorted(dist.iterdir())
    session.run("python", "-m", "twine", "check", "--strict", *map(str, packages))
    for package in packages:
        place = Path(session.create_tmp(), package.suffix[1:]).absolute()
        session.run("python", "-m", "venv", "--clear", str(place))
        extras = "[celery]" if package.suffix == ".whl" else ""
        wanted = f"{package.absolute()}{extras}"
        session.run(f"{place}/bin/python", "-m", "pip", "install", "-q", wanted, external=True)
        session.chdir(place)  # away from the checkout
        session.run("bin/python", "-c", TRY_OUT, external=True)
        session.chdir(Path(__file__).parent)
        if package.suffix == ".whl":
            sbom = str(dist / "sbom.cdx.json")
            session.run("cyclonedx-py", "environment", "--output-file", sbom, str(place))
    lines = [
        f"{sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(dist.iterdir())
    ]
    (dist / "SHA256SUMS").write_text("".join(lines))


@nox.session(allow_parallel=True)
def docs(session: nox.Session) -> None:
    """Build the documentation as a site in build/site; every warning is an error."""
    session.install(*PROJECT["optional-dependencies"]["docs"])
    session.run("mkdocs", "build", "--strict", env={"NO_MKDOCS_2_WARNING": "1"})


@alone
def pictures(session: nox.Session) -> None:
    """Make the pictures of screens in docs/, with the browser of the tests."""
    pytest(session, "tests/test_browser.py", "-k", "from_scheduling")
    for old in Path("docs").glob("*.png"):
        shutil.copy(Path("artefacts", old.name), old)


@here
def reference(session: nox.Session) -> None:
    """Write the table of settings in docs/reference.md."""
    session.run(sys.executable, "-m", "tests.helpers.reference")


@here
def histories(session: nox.Session) -> None:
    """Ten thousand generated nights of two sites against the oracle, or HISTORIES of them.

    And a thousand recurring windows, edited at random, as subscribers of the calendar see them.
    """
    env = {"HISTORIES": os.environ.get("HISTORIES", "10000"), "SUBSCRIPTIONS": "1000"}
    tests = ("tests/test_history_oracle.py", "tests/test_calendar_promises.py")
    pytest(session, *tests, env=env | WITHOUT_SERVICES)


@here
def fuzz(session: nox.Session) -> None:
    """Twenty thousand requests of any bytes."""
    pytest(session, "tests/test_fuzz.py", env={"FUZZ_REQUESTS": "20000", **WITHOUT_SERVICES})


@alone
def faults(session: nox.Session) -> None:
    """Everything that can break, broken; in CI the lines that need no quiet machine."""
    quick = ["--quick"] if os.environ.get("CI") else []
    session.run(sys.executable, "-m", "tests.faults", *quick, *session.posargs)


@alone
def servers(session: nox.Session) -> None:
    """How soon servers follow a change, and uploads behind nginx; in CI the worst lines."""
    worst = ["--worst"] if os.environ.get("CI") else []
    session.run(sys.executable, "-m", "tests.servers", *worst, *session.posargs)


@alone
def figures(session: nox.Session) -> None:
    """How punctual windows are, measured on real processes."""
    pytest(session, "tests/test_fleet.py", "-k", "on_time or two_beats", env={"WINDOWS": "30"})


def run_benchmarks(session: nox.Session, *arguments: str) -> None:
    for module in sorted(Path("tests/benchmarks").rglob("*.py")):
        if "--smoke" in module.read_text():
            name = ".".join(module.with_suffix("").parts).removesuffix(".__main__")
            session.run(sys.executable, "-m", name, *arguments, *session.posargs)


@alone
def benchmarks(session: nox.Session) -> None:
    """Each program of tests/benchmarks: the figures of docs/performance.md."""
    run_benchmarks(session)


@here
def smoke(session: nox.Session) -> None:
    """Whether each program of tests/benchmarks runs; its figures mean nothing."""
    run_benchmarks(session, "--smoke")


@here
def coverage(session: nox.Session) -> None:
    """Which lines of app and tests no test runs; fails where one of the app is left.

    The suite by DATABASE_URL and REDIS_URL, and what depends on the database by each there is.
    """
    measured = (sys.executable, "-m", "coverage")
    session.run(*measured, "erase")
    session.run(*measured, "run", "-m", "pytest", *session.posargs)
    for server in dict.fromkeys((None, *SERVERS.values())):
        if server != os.environ.get("DATABASE_URL"):
            chosen = ("-q", "-m", "not (slow or any_database)")
            env = {**WITHOUT_SERVICES, "CI": None, "DATABASE_URL": server}
            session.run(*measured, "run", "-m", "pytest", *chosen, env=env)
    session.run(*measured, "combine")
    session.run(*measured, "report")
    session.run(*measured, "report", "--include=maintenance_windows/*", "--fail-under=100")


@nox.session
def mutants(session: nox.Session) -> None:
    """Break the core in each way that mutmut knows: which breakage does no test notice?"""
    session.install("-e", ".[service,test]", "mutmut>=3")
    session.run("mutmut", "run", *session.posargs)
    session.run("mutmut", "results")


@nox.session
def audit(session: nox.Session) -> None:
    """Known faults of what we depend on, where their list can be reached."""
    session.install("-e", ".[service]", "pip-audit>=2")
    session.run("pip-audit", "--skip-editable", *session.posargs)


@here
def demo(session: nox.Session) -> None:
    """A window on one of two sites, seen from a visitor's side."""
    session.run(sys.executable, "manage.py", "demo", *session.posargs)
