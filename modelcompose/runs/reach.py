"""MLflow out of reach: whatever hinders it is said by one error, which names the address, what happened, what to do.

MLflow itself answers a refused connection, a locked file and a misspelt address by half a dozen kinds of exceptions,
some of them after minutes. What it answers because of *what* was asked, such as a run that does not exist, passes.
"""

from __future__ import annotations

import re
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from modelcompose.errors import InvalidInput, Unavailable
from modelcompose.runs.machine import without_secrets

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["SQLITE", "addressed", "client_of", "reaching", "shown", "without_account"]

KINDS = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "databricks")
SQLITE = "sqlite:///"
PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
PROBE_SECONDS = 5.0
ANSWERS = frozenset(
    {"RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS", "INVALID_PARAMETER_VALUE", "NOT_FOUND", "ALREADY_EXISTS"}
)
"""What MLflow answers when it is well, but not what was asked."""
LIBRARIES = frozenset(
    {"mlflow", "sqlalchemy", "alembic", "requests", "urllib3", "sqlite3", "psycopg2", "pymysql", "boto3", "botocore"}
)
LENGTH = 300

CHECK_SERVER = "Check that the server runs and that the address is right, then try again."
CHECK_RIGHTS = "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, and try again."
CHECK_FILE = "Bring back a copy of the file, or move it away to begin an empty one."
CHECK_DISK = "Make room, or see that you may write there, and try again."
REASONS = (
    (r"refused", "nobody listens there", CHECK_SERVER),
    (r"not known|getaddrinfo|NameResolution|nodename|No address", "no machine of that name is known", CHECK_SERVER),
    (r"error code 404|ENDPOINT_NOT_FOUND|valid JSON", "what answers there is no MLflow server", CHECK_SERVER),
    (r"\b401\b|\b403\b|UNAUTHENTICATED|PERMISSION_DENIED|UNAUTHORIZED", "it does not let you in", CHECK_RIGHTS),
    (r"database is locked", "another program has locked it", "Wait until that has ended, or end it, and try again."),
    (r"disk is full|No space|readonly database|Permission denied|Errno 13", "it cannot be written", CHECK_DISK),
    (r"not a database|malformed|disk image|file is encrypted", "it is damaged, or no database", CHECK_FILE),
    (
        r"out-of-date database|locate revision",
        "another version of MLflow has made it",
        "Copy it first; then run “mlflow db upgrade” on it, or install the version of MLflow that made it.",
    ),
    (r"unable to open", "the file cannot be opened", "Check that its folder exists and that you may write there."),
    (r"No module named|Can't load plugin", "its driver is not installed", "Install the driver of that database."),
    (r"[Tt]imed? ?out", "it does not answer in time", CHECK_SERVER),
    (r"Max retries|Connection|RemoteDisconnected", "the connection broke", CHECK_SERVER),
)
"""What a message holds, what that means, and what to do; the first that fits counts."""


def addressed(uri: str, root: Path, *, where: str) -> str:
    """Check an address of MLflow, and spell that of an SQLite file in full.

    Parameters
    ----------
    uri
        Of a server or a database; the file of a relative ``sqlite:///`` lies in ``root``.
    where
        Where somebody has written it.

    Raises
    ------
    InvalidInput
        When it is no address of MLflow.
    """
    kind = uri.partition(":")[0].partition("+")[0]
    if kind not in KINDS or (kind != "databricks" and "://" not in uri):
        raise InvalidInput(
            f"{shown(uri)!r} is no MLflow store",
            where=where,
            remedy="Name a server, such as http://host:5000, or a database, such as sqlite:///shared/mlflow.db.",
        )
    return f"{SQLITE}{root / uri.removeprefix(SQLITE)}" if uri.startswith(SQLITE) else uri


def without_account(uri: str) -> str:
    """Return an address without the name and the password of whoever asks."""
    return re.sub(r"://[^/@]*@", "://…@", uri)


def shown(uri: str) -> str:
    """Return an address as it may be shown."""
    return without_secrets(without_account(uri))


def client_of(uri: str) -> MlflowClient:
    """Return a client of MLflow all of whose calls go through ``reaching``.

    Raises
    ------
    Unavailable
        When nobody listens there, or the file is no database; said at once, where MLflow would try for minutes.
    """
    _probe(uri)
    from mlflow import MlflowClient

    with reaching(uri):
        return cast("MlflowClient", _Reaching(uri, MlflowClient(tracking_uri=uri)))


@contextmanager
def reaching(uri: str) -> Iterator[None]:
    """Say of what MLflow raises meanwhile that it is out of reach, unless it is an answer.

    Raises
    ------
    Unavailable
        When the store does not do what it is there for.
    """
    try:
        yield
    except Exception as error:
        if _is_answer(error):
            raise
        raise _unavailable(uri, error) from error


class _Reaching:
    """Stands before MLflow's client."""

    def __init__(self, uri: str, client: MlflowClient) -> None:
        self._uri = uri
        self._client = client

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **options: Any) -> Any:
            with reaching(self._uri):
                return found(*arguments, **options)

        return call


def _is_answer(error: Exception) -> bool:
    """Tell whether an exception is about what was asked, or no matter of MLflow's at all."""
    from mlflow.exceptions import MlflowException, RestException

    if isinstance(error, MlflowException):
        no_server = "API request to endpoint" in str(error.message) and not isinstance(error, RestException)
        return error.error_code in ANSWERS and not no_server
    hindered = isinstance(error, ImportError | ConnectionError | TimeoutError | socket.gaierror)
    return type(error).__module__.partition(".")[0] not in LIBRARIES and not hindered


def _unavailable(uri: str, error: BaseException) -> Unavailable:
    told = without_secrets(str(error))
    for pattern, said, remedy in REASONS:
        if re.search(pattern, told):
            return Unavailable(f"MLflow at {shown(uri)} is out of reach: {said}", where="tracking", remedy=remedy)
    first = next(iter(told.splitlines()), "") or type(error).__name__
    return Unavailable(
        f"MLflow at {shown(uri)} is out of reach: {first[:LENGTH]}", where="tracking", remedy=CHECK_SERVER
    )


def _probe(uri: str) -> None:
    """Ask a database whether it is there at all."""
    try:
        if uri.startswith(SQLITE):
            _probe_file(Path(uri.removeprefix(SQLITE).partition("?")[0]))
        elif (port := PORTS.get(uri.partition(":")[0].partition("+")[0])) and (host := urlsplit(uri).hostname):
            socket.create_connection((host, urlsplit(uri).port or port), PROBE_SECONDS).close()
    except (OSError, ValueError, sqlite3.Error) as error:
        raise _unavailable(uri, error) from error


def _probe_file(file: Path) -> None:
    if not file.exists():
        return
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=PROBE_SECONDS)) as database:
        database.execute("PRAGMA schema_version").fetchone()
