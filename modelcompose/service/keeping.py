"""Order among many runs: what people note on them, views of the list, and the trash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import ValidationError

from modelcompose.errors import InvalidInput
from modelcompose.service.workspace import Json, Workspace

if TYPE_CHECKING:
    from modelcompose.runs.views import Views

__all__ = ["Keeping"]


class Keeping(Workspace):
    """What the workbench does so that people find their runs again, and get rid of others."""

    def annotate_run(
        self,
        id: str,  # noqa: A002
        starred: bool | None = None,
        note: str | None = None,
        tags: Mapping[str, str | None] | None = None,
    ) -> Json:
        """Star a run, write a note on it, or set its tags; what is not given stays as it is.

        Parameters
        ----------
        id
            The run.
        starred
            Whether it is one to come back to.
        note
            A text, which MLflow shows as the run's description; an empty one removes it.
        tags
            New values by name; a tag whose value is null is removed.

        Raises
        ------
        InvalidInput
            When a tag's name is not for people, or something is too long.
        """
        from modelcompose.runs.notes import annotate

        return annotate(self._store(), id, starred=starred, note=note, tags=tags).model_dump(mode="json")

    def trash_runs(self, ids: Sequence[str]) -> Json:
        """Put runs that have ended into the trash, a sweep with its runs; they can be restored.

        Parameters
        ----------
        ids
            The runs.

        Raises
        ------
        Conflict
            When one has not ended, or a registered model was made from it; then none is put there.
        """
        from modelcompose.runs.trash import trash

        return {"runs": [run.model_dump(mode="json") for run in trash(self._store(), ids)]}

    def restore_runs(self, ids: Sequence[str]) -> Json:
        """Bring runs back from the trash.

        Parameters
        ----------
        ids
            The runs.

        Raises
        ------
        NotFound
            When there is no such run in the trash.
        """
        from modelcompose.runs.trash import restore

        return {"runs": [run.model_dump(mode="json") for run in restore(self._store(), ids)]}

    def delete_runs(self, ids: Sequence[str] = ()) -> Json:
        """Delete runs that are in the trash for good, with their draws and notebooks; published reports and apps stay.

        Parameters
        ----------
        ids
            The runs; all that are in the trash when none is named.

        Returns
        -------
        dict
            ``deleted``: of each run ``id``, ``name``, ``bytes`` and what was ``kept``; ``bytes``, what its files took
            all together. The database uses the room of their rows again, but its file does not shrink.

        Raises
        ------
        NotFound
            When there is no such run in the trash.
        Conflict
            When only the MLflow server may do so.
        """
        from modelcompose.runs.trash import delete

        deleted = delete(self._store(), ids)
        return {"deleted": deleted, "bytes": sum(one["bytes"] for one in deleted)}

    def run_views(self) -> Json:
        """List the views of the runs that were saved in this workspace: ``name``, ``text`` and ``sort`` of each."""
        return {"views": [one.model_dump() for one in self._views().list()]}

    def save_view(self, name: str, text: str = "", sort: str = "") -> Json:
        """Save a view of the runs, in the place of one of the same name, and list all views.

        Parameters
        ----------
        name
            What to call it.
        text, sort
            The filter and the order; see ``list_runs``.

        Raises
        ------
        InvalidInput
            When name or filter are empty or too long.
        """
        from modelcompose.runs.views import View

        try:
            view = View(name=" ".join(name.split()), text=text, sort=sort)
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidInput(f"this cannot be saved: {first['msg']}", where=str(first["loc"][0])) from None
        self._store().make_home()
        self._views().save(view)
        return self.run_views()

    def remove_view(self, name: str) -> Json:
        """Remove a saved view, and list the others.

        Parameters
        ----------
        name
            The view.

        Raises
        ------
        NotFound
            When there is none of this name.
        """
        self._views().remove(name)
        return self.run_views()

    def _views(self) -> Views:
        from modelcompose.runs.views import Views

        return Views(self._store().home)
