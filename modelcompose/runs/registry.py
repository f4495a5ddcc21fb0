"""The registry: fitted models under names, in versions, with aliases that can be moved and moved back.

It is MLflow's own registry, so that a version loads with ``mlflow.pyfunc.load_model("models:/name@champion")`` wherever
ModelCompose is installed. A version is never changed. What an alias named before is kept as a tag of its model, since
MLflow itself forgets it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from modelcompose import __version__
from modelcompose.errors import Conflict, InvalidInput, NotFound
from modelcompose.runs.fitted import Fitted
from modelcompose.runs.lock import locked

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

    from modelcompose.runs.store import RunStore

__all__ = ["Registered", "RegisteredVersion", "Registry", "in_commit"]

NAME = re.compile(r"[^\W_][\w .-]{0,99}")
ALIAS = re.compile(r"[A-Za-z][\w-]{0,99}")
NUMBER = re.compile(r"v?[0-9]+")
HISTORY = "modelcompose.alias."
KEPT = 40
NO_COMMIT = "no commit"
CODE = "pyfunc_model.py"
GIT_SECONDS = 5


class RegisteredVersion(BaseModel):
    """One version of a registered model, bound to the run, the data and the commit that it was made from."""

    model_config = ConfigDict(frozen=True)

    version: int
    run: str = Field(description="The id of the run.")
    created: str = Field(description="ISO time with offset.")
    description: str = ""
    aliases: tuple[str, ...] = ()
    data: str = Field("", description="The table, with its version where it is a stored one.")
    sha256: str = Field("", description="The SHA-256 of the table's content.")
    commit: str = Field(NO_COMMIT, description="The commit of the workspace.")
    dirty: str = Field("", description="What stood in no commit; empty when the commit holds everything.")
    forced: str = Field("", description="Why it was registered although its run did not pass; empty when it did.")
    status: str = Field("", description="How the run ended.")


class Registered(BaseModel):
    """A registered model."""

    model_config = ConfigDict(frozen=True)

    name: str
    description: str = ""
    aliases: dict[str, int] = Field(default_factory=dict, description="The version that each alias names.")
    versions: tuple[RegisteredVersion, ...] = Field((), description="Newest first.")
    history: dict[str, list[dict[str, Any]]] = Field(
        default_factory=dict, description="What became of each alias, in order: when, how, and the version since."
    )


class Registry:
    """The registered models of a run store.

    Parameters
    ----------
    store
        The runs that versions are made of; the registry lies beside them.
    """

    def __init__(self, store: RunStore) -> None:
        self._store = store

    @property
    def _client(self) -> MlflowClient:
        return self._store.tracking.client

    def add(self, name: str, run: str, fitted: Fitted, tags: Mapping[str, str], description: str = "") -> int:
        """Store a fitted model as the next version of a name, and return its number.

        Parameters
        ----------
        run
            The whole id of the run.
        tags
            What binds the version, by field of ``RegisteredVersion``.

        Raises
        ------
        InvalidInput
            When the name cannot be one.
        """
        from mlflow.exceptions import MlflowException

        if not NAME.fullmatch(name):
            raise InvalidInput(
                f"{name!r} cannot be the name of a model",
                where="name",
                remedy="Begin with a letter or digit; go on with letters, digits, blanks, points, _ and -.",
            )
        client = self._client
        place = f"models/{uuid4().hex[:12]}"
        with _saved(fitted) as folder:
            client.log_artifacts(run, str(folder), place)
        with locked(self._store.home / "registry.lock"):
            try:
                client.create_registered_model(name)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
        made = client.create_model_version(
            name,
            source=f"{client.get_run(run).info.artifact_uri}/{place}",
            run_id=run,
            description=description or None,
            tags={f"modelcompose.{key}": value[:5000] for key, value in tags.items() if value},
        )
        return int(made.version)

    def list(self) -> list[Registered]:
        """Return all registered models by name, each with its newest version only."""
        found: list[Registered] = []
        token = None
        while True:
            page = self._client.search_registered_models(max_results=100, order_by=["name ASC"], page_token=token)
            found += [_told(one, [_latest(one, self._client)]) for one in page]
            token = page.token
            if not token:
                return found

    def get(self, name: str) -> Registered:
        """Return a registered model with all its versions.

        Raises
        ------
        NotFound
            When there is none of this name.
        """
        found, versions, token = self._model(name), [], None
        while True:
            page = self._client.search_model_versions(f"name='{_quoted(name)}'", max_results=200, page_token=token)
            versions += [one for one in page if one.name == name]
            token = page.token
            if not token:
                return _told(found, sorted(versions, key=lambda one: -int(one.version)))

    def find(self, reference: str) -> tuple[str, int] | None:
        """Return name and version of ``name@alias``, ``name/3`` or ``name@3``; None when no such model is registered.

        Raises
        ------
        NotFound
            When the model exists, but neither that alias nor that version.
        """
        for mark in ("@", "/"):
            name, between, which = reference.rpartition(mark)
            if between and which and NAME.fullmatch(name):
                try:
                    self._model(name)
                except NotFound:
                    continue
                return name, self.version(name, which)
        return None

    def version(self, name: str, which: str | int) -> int:
        """Return the number of a version named by its number or an alias.

        Raises
        ------
        NotFound
            When there is none.
        """
        from mlflow.exceptions import MlflowException

        text = str(which)
        number = NUMBER.fullmatch(text) is not None and len(text) < 10
        try:
            if number:
                return int(self._client.get_model_version(name, text.removeprefix("v")).version)
            return int(self._client.get_model_version_by_alias(name, text).version)
        except MlflowException as error:
            what = "version" if number else "alias"
            raise NotFound(
                f"the model {name!r} has no {what} {text!r}", remedy="Show the model to see its versions and aliases."
            ) from error

    def fitted(self, name: str, version: int) -> Fitted:
        """Fetch a version, whole.

        Raises
        ------
        NotFound
            When its files are gone.
        """
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        try:
            source = self._client.get_model_version_download_uri(name, str(version))
            folder = Path(download_artifacts(artifact_uri=source, tracking_uri=self._store.tracking.uri))
        except (MlflowException, OSError) as error:
            raise NotFound(f"the files of {name}/{version} are gone", remedy="Register its run again.") from error
        return Fitted(folder / "artifacts" / "fitted")

    def set_alias(self, name: str, alias: str, which: str | int, how: str = "set") -> None:
        """Let an alias name a version, and note that it did.

        Raises
        ------
        NotFound
            When there is no such model or version.
        InvalidInput
            When the alias cannot be one.
        """
        if not ALIAS.fullmatch(alias) or alias == "latest" or NUMBER.fullmatch(alias):
            raise InvalidInput(
                f"{alias!r} cannot be an alias",
                where="alias",
                remedy="Begin with a letter; go on with letters, digits, _ and -. Numbers and “latest” are versions.",
            )
        with locked(self._store.home / "registry.lock"):
            self._model(name)
            number = self.version(name, which)
            self._client.set_registered_model_alias(name, alias, str(number))
            self._note(name, alias, how, number)

    def remove_alias(self, name: str, alias: str) -> None:
        """Take an alias away.

        Raises
        ------
        NotFound
            When the model has no such alias.
        """
        with locked(self._store.home / "registry.lock"):
            self._require_alias(name, alias)
            self._client.delete_registered_model_alias(name, alias)
            self._note(name, alias, "removed", None)

    def roll_back(self, name: str, alias: str) -> int:
        """Let an alias name the version again that it named before, and return that version.

        Raises
        ------
        NotFound
            When the model has no such alias.
        Conflict
            When it has never named another version.
        """
        self._require_alias(name, alias)
        before = _stack(_history(self._model(name).tags).get(alias, []))[:-1]
        if not before:
            raise Conflict(
                f"{alias!r} of {name!r} has named no other version before", remedy="Let it name one by its number."
            )
        self.set_alias(name, alias, before[-1], how="rolled back")
        return before[-1]

    def describe(self, name: str, description: str, version: int | None = None) -> None:
        """Describe a model, or one of its versions."""
        if version is None:
            self._client.update_registered_model(name, description)
        else:
            self._client.update_model_version(name, str(version), description)

    def _model(self, name: str) -> RegisteredModel:
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_registered_model(name)
        except MlflowException:
            raise NotFound(
                f"there is no registered model {name!r}", remedy="List the registered models to see their names."
            ) from None

    def _require_alias(self, name: str, alias: str) -> None:
        if alias not in self._model(name).aliases:
            raise NotFound(f"the model {name!r} has no alias {alias!r}", remedy="Show the model to see its aliases.")

    def _note(self, name: str, alias: str, how: str, version: int | None) -> None:
        when = datetime.now(UTC).isoformat(timespec="seconds")
        noted = [*_history(self._model(name).tags).get(alias, []), {"when": when, "how": how, "version": version}]
        self._client.set_registered_model_tag(name, HISTORY + alias, json.dumps(noted[-KEPT:]))


def _quoted(name: str) -> str:
    return name.replace("'", "")


def _latest(model: RegisteredModel, client: MlflowClient) -> ModelVersion | None:
    if model.latest_versions:
        newest = max(model.latest_versions, key=lambda one: int(one.version))
        return client.get_model_version(model.name, newest.version)
    return None


def _history(tags: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    return {key.removeprefix(HISTORY): json.loads(text) for key, text in tags.items() if key.startswith(HISTORY)}


def _stack(history: list[dict[str, Any]]) -> list[int]:
    """Return the versions that an alias named, those that were rolled back left out, the present one last."""
    stack: list[int] = []
    for one in history:
        if one["how"] == "rolled back":
            stack = stack[:-1]
        elif one["how"] == "set" and (not stack or stack[-1] != one["version"]):
            stack.append(one["version"])
    return stack


def _told(model: RegisteredModel, versions: list[Any]) -> Registered:
    aliases = {alias: int(version) for alias, version in model.aliases.items()}
    return Registered(
        name=model.name,
        description=model.description or "",
        aliases=aliases,
        versions=tuple(_version(one, aliases) for one in versions if one is not None),
        history=_history(model.tags),
    )


def _version(found: ModelVersion, aliases: Mapping[str, int]) -> RegisteredVersion:
    number = int(found.version)
    fields = ("data", "sha256", "commit", "dirty", "forced", "status")
    tags = {key: found.tags[f"modelcompose.{key}"] for key in fields if f"modelcompose.{key}" in found.tags}
    created = datetime.fromtimestamp(found.creation_timestamp / 1000, UTC).isoformat(timespec="milliseconds")
    return RegisteredVersion(
        version=number,
        run=found.run_id or "",
        created=created,
        description=found.description or "",
        aliases=tuple(sorted(alias for alias, one in aliases.items() if one == number)),
        **tags,
    )


@contextmanager
def _saved(fitted: Fitted) -> Iterator[Path]:
    """Write a fitted model in MLflow's form: code, a folder of plain files, and the types of what goes in and out."""
    import mlflow

    os.environ.setdefault("MLFLOW_UV_AUTO_DETECT", "false")  # a lock file may name the hosts it was made with
    logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(input example|type hint)", category=UserWarning)
        path = Path(folder) / "model"
        mlflow.pyfunc.save_model(
            path=str(path),
            python_model=str(Path(__file__).with_name(CODE)),
            artifacts={"fitted": str(fitted.folder)},
            signature=_signature(fitted),
            pip_requirements=[f"modelcompose=={__version__}"],
        )
        yield path


def _signature(fitted: Fitted) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

    edge = (1 - fitted.choices.ci_prob) / 2
    quantiles = [round(edge, 6), 0.5, round(1 - edge, 6)]
    outputs = ["mean", *(f"q{one:g}" for one in quantiles)]
    return ModelSignature(
        inputs=Schema([ColSpec(_type(dtype), name) for name, dtype in fitted.inputs().items()]),
        outputs=Schema([ColSpec(DataType.double, name) for name in outputs]),
        params=ParamSchema(
            [
                ParamSpec("quantiles", DataType.double, quantiles, shape=(-1,)),
                ParamSpec("kind", DataType.string, "expected"),
                ParamSpec("random_seed", DataType.long, fitted.choices.random_seed),
            ]
        ),
    )


def _type(dtype: Any) -> Any:
    """Name MLflow's type of a column as the table was read; what is neither number nor date is text."""
    from mlflow.types import DataType

    kinds = {
        "i": DataType.long,
        "u": DataType.long,
        "f": DataType.double,
        "b": DataType.boolean,
        "M": DataType.datetime,
    }
    return kinds.get(getattr(dtype, "kind", "O"), DataType.string)


def in_commit(folder: Path, commit: str, path: Path) -> bool:
    """Tell whether a commit holds a file; false outside git."""
    try:
        told = subprocess.run(
            ["git", "-C", str(folder), "cat-file", "-e", f"{commit}:./{path.relative_to(folder).as_posix()}"],
            capture_output=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return told.returncode == 0
