"""The material: a table, what kind each of its columns is, how it was prepared, and its stored versions.

This floor may import the standard library, NumPy, pandas, SciPy, the libraries that read formats (pyarrow, openpyxl,
pyreadstat, duckdb, sqlalchemy, fsspec, httpx) and pydantic; from ModelCompose only ``errors``, ``analysis`` and, for
``sample:<name>``, ``samples``. Never a probabilistic programming library: the server process describes tables, and it
stays light.
"""

from modelcompose.data.cells import tidy
from modelcompose.data.contract import Breach, Contract
from modelcompose.data.dataset import Account, Dataset, load
from modelcompose.data.diff import Difference, compare
from modelcompose.data.digest import digest
from modelcompose.data.expression import calculate
from modelcompose.data.kinds import KINDS, Guess, infer
from modelcompose.data.profiling import Profile, profile
from modelcompose.data.readers import read
from modelcompose.data.recipe import Recipe
from modelcompose.data.store import DatasetStore, Version, VersionColumn, parse_reference
from modelcompose.data.suggest import Suggestion, suggest

__all__ = [
    "KINDS",
    "Account",
    "Breach",
    "Contract",
    "Dataset",
    "DatasetStore",
    "Difference",
    "Guess",
    "Profile",
    "Recipe",
    "Suggestion",
    "Version",
    "VersionColumn",
    "calculate",
    "compare",
    "digest",
    "infer",
    "load",
    "parse_reference",
    "profile",
    "read",
    "suggest",
    "tidy",
]
