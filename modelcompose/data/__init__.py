"""The material: a table, and what kind each of its columns is.

This floor may import the standard library, NumPy, pandas, pyarrow, openpyxl and pydantic; from ModelCompose only
``errors``, ``analysis`` and, for ``sample:<name>``, ``samples``. Never a probabilistic programming library: the
server process describes tables, and it stays light.
"""

from modelcompose.data.dataset import Account, Dataset, load
from modelcompose.data.kinds import KINDS, Guess, infer
from modelcompose.data.readers import read

__all__ = ["KINDS", "Account", "Dataset", "Guess", "infer", "load", "read"]
