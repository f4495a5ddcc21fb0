"""What the warm process forks is like a fresh process; without one, everything works as before."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import AsyncKernelManager

import modelcompose
from modelcompose import wire
from modelcompose.runs import warm
from modelcompose.runs.client import _Own
from modelcompose.runs.warm.provisioner import _Process

from .conftest import wait_for

pytestmark = pytest.mark.skipif(not wire.enabled(), reason="nothing can be forked here")
COLD = "from modelcompose.runs.warm import zygote; zygote.warm_up = lambda wanted: None; zygote.main(sys.argv[1], 3)"


@pytest.fixture(scope="module", autouse=True)
def _switched_on() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELCOMPOSE_WARM", "1")
        yield


@pytest.fixture(scope="module")
def zygote() -> int:
    """The number of the warm process of all tests."""
    assert warm.ensure(wait=300)
    return warm.ping()["pid"]


def inside(code: str, **more: Any) -> str:
    """Execute a line in a child of the warm process, and return what it prints."""
    with tempfile.TemporaryFile() as file:
        child = wire.ask("module", ["timeit", "-n1", "-r1", code], files=(0, file.fileno(), file.fileno()), **more)
        assert child is not None
        code = child.wait(120)
        file.seek(0)
        printed = file.read().decode()
    assert code == 0, printed
    return printed.rpartition("1 loop")[0].strip()


def test_children_draw_their_own_random_numbers(zygote: int) -> None:
    code = (
        "import random, uuid, numpy, numba; "
        "print(random.random(), numpy.random.random(), uuid.uuid1(), numba.njit(lambda: numpy.random.random())())"
    )
    first, second = (inside(code).split() for _ in range(2))
    assert len(first) == 4
    assert not set(first) & set(second)


def test_nothing_of_whoever_began_it_is_inherited(zygote: int, monkeypatch: Any, tmp_path: Path) -> None:
    begun_with = Path(f"/proc/{zygote}/environ").read_bytes()
    assert b"PYTEST" not in begun_with
    assert b"PATH=" in begun_with
    monkeypatch.setenv("CANARY_TOKEN", "s3cret")
    assert "s3cret" in inside("import os; print(os.environ)")
    monkeypatch.delenv("CANARY_TOKEN")
    assert "s3cret" not in inside("import os; print(os.environ)")
    files = inside(
        "import os; at = '/proc/self/fd/{}'.format; "
        "print(*(os.readlink(at(n)) for n in range(3, 99) if os.path.lexists(at(n))), sep='|')"
    )
    kept = [one for one in files.split("|") if not one.endswith(".ttf")]
    assert len(kept) == 1, kept
    assert kept[0].startswith("socket:")  # to whoever asked


def test_a_child_has_the_folder_the_mask_and_the_environment_of_whoever_asks(zygote: int, tmp_path: Path) -> None:
    environment = {**os.environ, "TZ": "Asia/Tokyo", "GREETING": "ä"}
    told = inside(
        "import os, time; print(os.getcwd(), os.environ['GREETING'], time.tzname[0])", env=environment, cwd=tmp_path
    )
    assert told.split() == [str(tmp_path), "ä", "JST"]


def test_samplers_work_in_a_child(zygote: int) -> None:
    code = (
        "import pymc as pm, nutpie; model = pm.Model(); model.__enter__(); x = pm.Normal('x', shape=3); "
        "dt = nutpie.sample(nutpie.compile_pymc_model(model), draws=50, tune=50, chains=2, progress_bar=False); "
        "print(dt['posterior']['x'].shape)"
    )
    assert inside(code).splitlines()[-1] == "(2, 50, 3)"


def test_twenty_children_are_all_fetched(zygote: int) -> None:
    children = [wire.ask("module", ["timeit", "-n1", "-r1", "pass"], files=(0, _null(), _null())) for _ in range(20)]
    assert [child.wait(60) for child in children] == [0] * 20
    wait_for(lambda: warm.ping()["children"] == [])
    assert [pid for pid in map(str, (child.pid for child in children)) if Path("/proc", pid).exists()] == []


def _null() -> int:
    return os.open(os.devnull, os.O_RDWR)


def test_a_child_that_was_not_detached_ends_with_whoever_asked(zygote: int) -> None:
    code = (
        "import sys, os; from modelcompose import wire; "
        "child = wire.ask('module', ['timeit', '-n1', '-r1', 'import time; time.sleep(600)']); "
        "print(child.pid, flush=True); sys.stdin.read()"
    )
    asking = subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, stderr=-3)
    pid = int(asking.stdout.readline())
    assert pid in warm.ping()["children"]
    asking.kill()
    asking.communicate()
    wait_for(lambda: pid not in warm.ping()["children"])


# -- kernels -------------------------------------------------------------------------------------------------------


def kernel(env: dict[str, str] | None = None) -> Any:
    manager = AsyncKernelManager(kernel_name="modelcompose", kernel_spec_manager=_Own())
    own = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    return manager, {"env": {**own, **(env or {})}}


async def _told(client: Any, code: str, printed: list[str] | None = None) -> str:
    """Execute code in a kernel, and return what it prints, or the name of the error."""
    printed = [] if printed is None else printed

    def hear(message: dict) -> None:
        content = message["content"]
        printed.append(content["ename"] if message["msg_type"] == "error" else content.get("text", ""))

    await client.execute_interactive(code, output_hook=hear, timeout=120)
    return "".join(printed).strip()


def test_a_kernel_is_interrupted_restarted_and_ended(zygote: int) -> None:
    async def drive() -> None:
        manager, options = kernel()
        await manager.start_kernel(**options)
        client = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=120)
            assert isinstance(manager.provisioner.process, _Process)
            first = manager.provisioner.pid
            assert first in warm.ping()["children"]
            assert await _told(client, "x = 1; import sys; print('pymc' in sys.modules)") == "True"
            said: list[str] = []
            code = "import time; print('now', flush=True); time.sleep(600)"
            sleeping = asyncio.ensure_future(_told(client, code, said))
            while "now" not in "".join(said):
                await asyncio.sleep(0.05)
            await manager.interrupt_kernel()
            assert "KeyboardInterrupt" in await sleeping
            assert await _told(client, "print(x)") == "1"
            await manager.restart_kernel()
            await client.wait_for_ready(timeout=120)
            assert manager.provisioner.pid != first
            assert await _told(client, "print(x)") == "NameError"
            picture = await _told(client, "import matplotlib.pyplot as plt; print(plt.get_backend()); plt.plot([1, 2])")
            assert "inline" in picture
        finally:
            client.stop_channels()
            last = manager.provisioner.pid
            await manager.shutdown_kernel()
        wait_for(lambda: last not in warm.ping()["children"])

    asyncio.run(drive())


def test_a_kernel_that_wants_too_much_memory_is_told_so_and_lives_on(zygote: int) -> None:
    async def drive() -> None:
        manager, options = kernel({"MODELCOMPOSE_KERNEL_MEMORY": "300"})
        await manager.start_kernel(**options)
        client = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=120)
            assert "MemoryError" in await _told(client, "import numpy; numpy.ones(10**9)")
            assert await _told(client, "print(numpy.ones(10**6).sum())") == "1000000.0"
        finally:
            client.stop_channels()
            await manager.shutdown_kernel(now=True)

    asyncio.run(drive())


def test_without_a_warm_process_a_kernel_is_started_as_ever(monkeypatch: Any) -> None:
    monkeypatch.setenv("MODELCOMPOSE_WARM", "0")
    assert not warm.ensure()

    async def drive() -> None:
        manager, options = kernel()
        await manager.start_kernel(**options)
        client = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=120)
            assert isinstance(manager.provisioner.process, subprocess.Popen)
            assert await _told(client, "print(6 * 7)") == "42"
        finally:
            client.stop_channels()
            await manager.shutdown_kernel()

    asyncio.run(drive())


# -- commands ------------------------------------------------------------------------------------------------------


def command(*arguments: str, **more: Any) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "modelcompose", *arguments], text=True, stdout=-1, stderr=-1, **more)


def test_a_command_that_is_handed_over_is_like_one_that_is_not(zygote: int, workspace: Path, monkeypatch: Any) -> None:
    done = []
    for _ in range(2):
        process = command("data", "paste", "--name", "typed", cwd=workspace, stdin=-1)
        printed, complaint = process.communicate("a,b\n1,2\n", timeout=120)
        refused = command("data", "show", "nothing", cwd=workspace)
        told = refused.communicate(timeout=120)
        done.append((process.returncode, complaint, refused.returncode, told))
        assert printed.startswith("data/typed")
        monkeypatch.setenv("MODELCOMPOSE_WARM", "0")
    assert done[0] == done[1]
    assert done[0][2] == 3  # there is nothing of that name


@pytest.mark.slow
def test_ctrl_c_reaches_a_command_that_was_handed_over(zygote: int, workspace: Path, sleepstudy: dict) -> None:
    bench = modelcompose.Workbench(workspace)
    bench.compose({**sleepstudy, "draws": 500_000, "chains": 1, "on_fail": "warn"}, "long.ipynb")
    process = command("run", "long.ipynb", cwd=workspace)
    store = bench._store()
    log = wait_for(lambda: next(iter((store.home / "runs").glob("*/events.jsonl")), None))
    wait_for(lambda: '"tuning":false' in log.read_text().replace(" ", ""))
    process.send_signal(signal.SIGINT)
    printed, complaint = process.communicate(timeout=240)
    assert (process.returncode, complaint) == (130, "")
    assert "the draws so far were kept" in " ".join(printed.split())


# -- warm processes of their own -----------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(monkeypatch: Any) -> Iterator[Path]:
    """A runtime folder of its own; what is begun there ends with the test."""
    folder = Path(tempfile.mkdtemp(prefix="mc-"))
    monkeypatch.setenv("MODELCOMPOSE_RUNTIME", str(folder))
    yield folder
    warm.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def cold(elsewhere: Path) -> Iterator[Any]:
    """Begin a process that serves without having warmed up first, and kill it in the end."""
    begun: list[subprocess.Popen] = []

    def begin(**more: str) -> subprocess.Popen:
        environment = {**os.environ, **more}
        which = subprocess.check_output(
            [sys.executable, "-P", "-c", "from modelcompose import wire; print(wire.key())"], env=environment, text=True
        ).strip()
        with (elsewhere / f"{which}.lock").open("ab") as lock:
            begun.append(
                subprocess.Popen(
                    [sys.executable, "-P", "-c", f"import sys; {COLD.replace('3)', f'{lock.fileno()})')}", which],
                    env=environment,
                    pass_fds=[lock.fileno()],
                )
            )
        wait_for(lambda: _answers(which))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.wait()


def _answers(which: str) -> bool:
    try:
        return bool(wire.request(which, "ping"))
    except OSError:
        return False


def test_after_the_warm_process_was_killed_its_children_live_on_and_the_next_one_begins(cold: Any) -> None:
    first = cold()
    child = wire.ask("module", ["timeit", "-n1", "-r1", "import time; time.sleep(2)"], files=(0, _null(), _null()))
    first.kill()
    first.wait()
    assert wire.ask("module", ["timeit", "-n1", "-r1", "pass"]) is None
    assert child.poll() is None
    second = cold()
    assert warm.ping()["pid"] == second.pid
    assert child.wait(60) != 0  # nobody could fetch how it ended


def test_no_more_are_forked_than_allowed(cold: Any) -> None:
    cold(MODELCOMPOSE_WARM_KERNELS="1")
    sleeping = wire.ask("module", ["timeit", "-n1", "-r1", "import time; time.sleep(600)"])
    assert sleeping is not None
    assert wire.ask("module", ["timeit", "-n1", "-r1", "pass"]) is None
    sleeping.signal(signal.SIGKILL)
    assert sleeping.wait(60) == -signal.SIGKILL
    assert inside("print('again')") == "again"


@pytest.mark.slow
def test_there_are_never_many_warm_processes(elsewhere: Path) -> None:
    import fcntl

    held = [(elsewhere / f"{name}.lock").open("ab") for name in ("one", "two", "three")]
    for file in held:
        fcntl.flock(file, fcntl.LOCK_EX)
    assert not warm.ensure()
    assert not (elsewhere / f"{wire.key()}.lock").exists()
    held.pop().close()
    warm.ensure()
    assert (elsewhere / f"{wire.key()}.lock").exists()
    for file in held:
        file.close()


def test_one_that_nobody_needs_ends_by_itself(cold: Any, elsewhere: Path) -> None:
    process = cold(MODELCOMPOSE_WARM_IDLE="0.3")
    assert process.wait(60) == 0
    assert list(elsewhere.glob("*.sock")) == []


@pytest.mark.slow
def test_nothing_is_forked_from_code_that_has_changed_since(cold: Any, tmp_path: Path, monkeypatch: Any) -> None:
    package = Path(modelcompose.__file__).parent
    shutil.copytree(package, tmp_path / "modelcompose", ignore=shutil.ignore_patterns("labextensions", "__pycache__"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    process = cold()
    ask = "from modelcompose import wire; print(wire.ask('module', ['timeit', '-n1', '-r1', 'pass']) is not None)"
    before = subprocess.check_output([sys.executable, "-P", "-c", ask], text=True)
    assert "True" in before.splitlines()  # the child may print before or after it
    (tmp_path / "modelcompose" / "verdict.py").write_text("an edit\n")
    assert subprocess.check_output([sys.executable, "-P", "-c", ask], text=True) == "False\n"
    assert process.wait(60) == 0


def test_a_folder_that_others_may_enter_is_not_trusted(elsewhere: Path) -> None:
    elsewhere.chmod(0o755)
    with pytest.raises(PermissionError, match="nobody else may enter"):
        wire.runtime_folder()
    assert wire.ask("module", ["timeit"]) is None
    assert not warm.ensure()
    elsewhere.chmod(0o700)
