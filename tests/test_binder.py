"""What Binder builds from: understood by repo2docker, and in step with the project's own requirements."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from modelcompose.analysis import Analysis

ROOT = Path(__file__).parents[1]
BINDER = ROOT / "binder"


@pytest.fixture(scope="module")
def dockerfile(tmp_path_factory: pytest.TempPathFactory) -> str:
    pytest.importorskip("repo2docker", reason="repo2docker is not installed")
    plan = tmp_path_factory.mktemp("checkout")
    (plan / "binder").symlink_to(BINDER)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "repo2docker", "--no-build", "--debug", str(plan)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_repo2docker_uses_every_file(dockerfile: str) -> None:
    for name in ("requirements.txt", "postBuild", "start"):
        assert f"binder/{name}" in dockerfile
    assert "fonts-dejavu-core" in dockerfile


def test_the_image_has_the_python_of_the_project(dockerfile: str) -> None:
    wanted = (ROOT / ".python-version").read_text(encoding="utf-8").strip()
    assert (BINDER / "runtime.txt").read_text(encoding="utf-8").strip() == f"python-{wanted}"
    assert f"python={wanted}\n" in dockerfile


def test_what_the_image_has_of_old_is_raised_to_what_the_project_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {one.name: one.specifier for one in map(Requirement, project["dependencies"])}
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    raised = {one.name: one.specifier for one in (Requirement(line) for line in lines if line and line[0] != "#")}
    assert raised == {name: needed[name] for name in ("jupyterlab", "jupyter-server")}


@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_scripts_can_be_executed(name: str) -> None:
    assert os.access(BINDER / name, os.X_OK)
    subprocess.run(["bash", "-n", str(BINDER / name)], check=True)


def started(folder: Path, path: Path) -> subprocess.CompletedProcess[str]:
    """Run the start script as Binder does, with the programs of a folder before all others."""
    return subprocess.run(
        [str(BINDER / "start"), "echo", "the lab"],
        cwd=folder,
        env={**os.environ, "PATH": f"{path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )


def test_start_makes_the_sample_analysis_and_hands_over(tmp_path: Path) -> None:
    done = started(tmp_path, Path(sys.executable).parent)
    assert done.stdout == "the lab\n", done.stderr
    analysis = Analysis.read(json.loads((tmp_path / "sleepstudy.ipynb").read_text(encoding="utf-8")))
    assert (analysis.outcome, analysis.groups) == ("Reaction", ["Subject"])


def test_start_leaves_an_analysis_that_is_there_alone(tmp_path: Path) -> None:
    (tmp_path / "sleepstudy.ipynb").write_text("mine", encoding="utf-8")
    assert started(tmp_path, Path(sys.executable).parent).stdout == "the lab\n"
    assert [path.name for path in tmp_path.iterdir()] == ["sleepstudy.ipynb"]
    assert (tmp_path / "sleepstudy.ipynb").read_text(encoding="utf-8") == "mine"


def test_start_hands_over_even_without_a_sample_analysis(tmp_path: Path) -> None:
    broken = tmp_path / "bin" / "modelcompose"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 2\n", encoding="utf-8")
    broken.chmod(0o755)
    done = started(tmp_path, broken.parent)
    assert done.stdout == "the lab\n"
    assert "could not be made" in done.stderr
