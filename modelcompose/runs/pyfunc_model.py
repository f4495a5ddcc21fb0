"""The code of every registered model: MLflow stores this file with it and executes it when the model is loaded.

What it does is written once, in ``modelcompose.runs.fitted``; nothing is unpickled.
"""

from pathlib import Path

from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from modelcompose.runs.fitted import Fitted


class FittedModel(PythonModel):
    """Predicts new rows; ``params`` are ``quantiles``, ``kind`` ("expected" or "new") and ``random_seed``."""

    _skip_type_hint_validation = True  # the signature says which columns there must be, and of which types

    def load_context(self, context):  # type: ignore[no-untyped-def]
        """Name the folder; the model is built when it is asked for the first time."""
        self.fitted = Fitted(Path(context.artifacts["fitted"]))

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Return mean and quantiles of each row."""
        return self.fitted.predict(model_input, **(params or {}))


set_model(FittedModel())
