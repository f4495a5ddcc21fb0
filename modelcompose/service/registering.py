"""The registry of fitted models: versions bound to a run, the data and a commit; aliases, and back again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from modelcompose.errors import Conflict
from modelcompose.service.predicting import Predictions
from modelcompose.service.workspace import Json

if TYPE_CHECKING:
    from modelcompose.analysis import Analysis
    from modelcompose.runs import Run

__all__ = ["Registering"]

SOUND = ("passed", "warned")


class Registering(Predictions):
    """What the workbench does with registered models."""

    def register_model(
        self,
        run: str,
        name: str,
        alias: str = "",
        description: str = "",
        allow_dirty: bool = False,
        reason: str = "",
    ) -> Json:
        """Store the fitted model of a run as the next version of a name, for anybody with ModelCompose to load.

        MLflow loads it with ``mlflow.pyfunc.load_model("models:/NAME@ALIAS")``.

        Parameters
        ----------
        run
            The run, by its id, a unique beginning of it, or its name.
        name
            What the model is called; it is made when it is not there.
        alias
            What is to name this version from now on, such as ``champion``.
        description
            What is to be known of this version.
        allow_dirty
            Whether files may have differed from the commit; the version then says so for ever.
        reason
            Why a run that did not pass its checks may be registered nevertheless; the version says that too.

        Returns
        -------
        dict
            The version as ``show_registered`` tells it, with ``name`` and ``notes``.

        Raises
        ------
        Conflict
            When the run did not pass, has no posterior, stands in no single commit, or its table has changed since.
        """
        from modelcompose.runs import Registry
        from modelcompose.runs.fitted import Fitted

        store = self._store()
        found = store.get(run)
        choices = self._choices_of(found)
        forced = _require_sound(found, reason)
        folder = self._inside(found.notebook).parent
        with self._at(folder), TemporaryDirectory() as passing:
            dataset = self._dataset(choices, folder)
            tags = dict(store.tracking.find(found.id).data.tags)  # type: ignore[union-attr]
            _require_same_table(found, tags.get("dataset.sha256", ""), dataset.sha256)
            commit, dirty = self._commit(found, tags, choices, allow_dirty)
            posterior = self._posterior_file(found)
            fitted = Fitted.write(Path(passing) / "fitted", choices, dataset, posterior)
            bound = {
                "data": found.data,
                "sha256": dataset.sha256,
                "commit": commit,
                "dirty": dirty,
                "forced": forced,
                "status": found.status,
            }
            registry = Registry(store)
            version = registry.add(name, found.id, fitted, bound, description)
        if alias:
            registry.set_alias(name, alias, version)
        told = next(one for one in registry.get(name).versions if one.version == version)
        return {"name": name, **told.model_dump(mode="json"), "notes": list(_notes(commit, dirty, forced))}

    def list_registered(self) -> Json:
        """List the registered models, each with its newest version and its aliases."""
        from modelcompose.runs import Registry

        return {"registered": [one.model_dump(mode="json") for one in Registry(self._store()).list()]}

    def show_registered(self, name: str) -> Json:
        """Return a registered model: all versions, newest first, its aliases and what became of them."""
        from modelcompose.runs import Registry

        return Registry(self._store()).get(name).model_dump(mode="json")

    def alias_model(self, name: str, alias: str, version: str = "") -> Json:
        """Let an alias name a version of a registered model; without a version the alias is taken away.

        Parameters
        ----------
        version
            Its number, or another alias that names it.
        """
        from modelcompose.runs import Registry

        registry = Registry(self._store())
        if version:
            registry.set_alias(name, alias, version)
        else:
            registry.remove_alias(name, alias)
        return registry.get(name).model_dump(mode="json")

    def roll_back_model(self, name: str, alias: str) -> Json:
        """Let an alias of a registered model name the version again that it named before."""
        from modelcompose.runs import Registry

        registry = Registry(self._store())
        registry.roll_back(name, alias)
        return registry.get(name).model_dump(mode="json")

    def describe_model(self, name: str, description: str, version: str = "") -> Json:
        """Describe a registered model, or one of its versions."""
        from modelcompose.runs import Registry

        registry = Registry(self._store())
        registry.get(name)
        registry.describe(name, description, registry.version(name, version) if version else None)
        return registry.get(name).model_dump(mode="json")

    def _commit(self, run: Run, tags: Mapping[str, str], choices: Analysis, allow_dirty: bool) -> tuple[str, str]:
        """Return the commit that a run was made from, and what of it stood in none.

        Raises
        ------
        Conflict
            When something stood in none, and that is not allowed.
        """
        from modelcompose.runs.registry import NO_COMMIT, in_commit

        commit = tags.get("mlflow.source.git.commit", "")
        if not commit:
            return NO_COMMIT, ""
        code = [run.notebook, *([choices.model] if choices.model.endswith(".py") else [])]
        folder = self._inside(run.notebook).parent
        files = [self._inside(run.notebook), *(self._inside(folder / one) for one in code[1:])]
        missing = [self._shown(file) for file in files if not in_commit(self.workspace, commit, file)]
        dirty = "files differed from the commit" if tags.get("modelcompose.git.dirty") == "true" else ""
        dirty = f"not in the commit: {', '.join(missing)}" if missing else dirty
        if dirty and not allow_dirty:
            raise Conflict(
                f"run {run.name!r} stands in no single commit ({dirty})",
                where=f"commit {commit[:10]}",
                remedy="Commit, run again (finished steps are not repeated) and register that run; or allow it to be "
                "dirty, which the version then says.",
            )
        return commit, dirty


def _require_sound(run: Run, reason: str) -> str:
    """Return why a run is registered that did not pass its checks; empty when it did.

    Raises
    ------
    Conflict
        When it did not, and no reason is given.
    """
    faults = [f"it {_ended(run.status)}"] if run.status not in SOUND else []
    faults += [one.title for one in run.verdicts if one.status == "fail" and not one.waived]
    if not any(one.step == "sampling" for one in run.verdicts):
        faults.append("nobody has judged its draws")
    if run.partial:
        faults.append("it rests on sampling that was stopped early")
    if not faults:
        return ""
    if not reason.strip():
        raise Conflict(
            f"run {run.name!r} cannot be registered: {'; '.join(dict.fromkeys(faults))}",
            remedy="Mend what failed, waive it in somebody's name, or give a reason, which is recorded.",
        )
    return f"{reason.strip()} ({'; '.join(dict.fromkeys(faults))})"


def _ended(status: str) -> str:
    words = {
        "failed": "failed its checks",
        "error": "ended with an error",
        "stopped": "was stopped",
        "cancelled": "was cancelled",
    }
    return words.get(status, f"is {status}")


def _require_same_table(run: Run, then: str, now: str) -> None:
    if then and then != now:
        raise Conflict(
            f"the table {run.data!r} has changed since run {run.name!r}",
            where=f"SHA-256 {then[:12]} then, {now[:12]} now",
            remedy="Run the notebook again, or store tables as versions, which never change.",
        )


def _notes(commit: str, dirty: str, forced: str) -> Any:
    from modelcompose.runs.registry import NO_COMMIT

    if commit == NO_COMMIT:
        yield (
            "The workspace is not under git, so that the version is bound to its run and its data, but to no commit. "
            "Begin one with: git init, git add, git commit."
        )
    if dirty:
        yield f"The version is not reproducible from its commit alone: {dirty}."
    if forced:
        yield f"Registered in spite of its checks: {forced}."
