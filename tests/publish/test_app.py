import json
from pathlib import Path

import pytest

from modelcompose.errors import NotFound
from modelcompose.publish import clean_environment, serve_command, write_app
from modelcompose.verdict import MIME
from modelcompose.workflow.notebook import digest
from tests.publish.conftest import NASTY, Executed, cell
from tests.publish.test_report import Page


@pytest.fixture
def files(tmp_path: Path):
    data, posterior = tmp_path / "table.csv", tmp_path / "run" / "posterior.nc"
    posterior.parent.mkdir()
    data.write_text("y,x\n1,2\n")
    posterior.write_bytes(b"draws")
    return {"data": data, "posterior": posterior}


def cells(app: Path, kind: str) -> list[str]:
    return [one["source"] for one in json.loads(app.read_text("utf-8"))["cells"] if one["cell_type"] == kind]


def test_the_folder_holds_all_that_the_app_needs(executed: Executed, tmp_path: Path, files):
    app = write_app(executed.notebook(), tmp_path / "apps" / "one", **files)
    assert sorted(path.name for path in app.parent.iterdir()) == ["app.ipynb", "posterior.nc", "table.csv"]
    again = write_app(executed.notebook(), app.parent, data=app.parent / "table.csv", posterior=files["posterior"])
    assert (again.parent / "table.csv").read_text() == "y,x\n1,2\n"


def test_it_is_a_valid_notebook(executed: Executed, tmp_path: Path, files):
    import nbformat

    app = write_app(executed.notebook(), tmp_path / "app", **files)
    nbformat.validate(nbformat.read(app, as_version=4))


def test_the_model_is_rebuilt_by_the_notebooks_own_code_without_checks_or_sampling(executed, tmp_path, files):
    nb = executed.notebook()
    mine = "import modelcompose as mc\n\nmodel = mine(table)  # by hand\nmc.check.model(analysis, table, model)"
    cell(nb, "model")["source"] = mine
    ran = {str(count): digest(one["source"]) for count, one in enumerate(nb["cells"], start=1)}
    for one in nb["cells"][1:]:  # as if it had been run after the edit
        one["outputs"][0]["data"][MIME]["ran"] = ran
    code = "\n".join(cells(write_app(nb, tmp_path / "app", **files), "code"))
    assert "model = mine(table)  # by hand" in code
    assert "mc.check" not in code
    assert "mc.fit" not in code
    assert code.index('data = "table.csv"\non_fail = "warn"') < code.index("mc.load(data, kinds)")
    assert "WhatIf(analysis, table, model, dt)" in code


def test_a_check_over_several_lines_is_left_out_whole(executed: Executed, tmp_path: Path, files):
    code = cells(write_app(executed.notebook(), tmp_path / "app", **files), "code")
    for source in code:
        compile(source.removeprefix("%%capture\n"), "cell", "exec")
    assert "%%capture\nmodel = mc.build(analysis, table)" in code


def test_what_the_reader_sees_is_one_html_block_with_text_escaped(executed: Executed, tmp_path: Path, files):
    app = write_app(executed.notebook(), tmp_path / "app", title=NASTY, **files)
    for source in cells(app, "markdown"):
        assert "\n\n" not in source
        assert "$" not in source
        assert "\\" not in source
        page = Page(source)
        assert not {"script", "iframe"} & {tag for tag, _ in page.tags}
        assert not [name for _, found in page.tags for name in found if name.startswith("on")]
    assert NASTY in Page(cells(app, "markdown")[0]).text


def test_line_breaks_in_names_do_not_end_the_block(executed: Executed, tmp_path: Path, files):
    app = write_app(executed.notebook(), tmp_path / "app", title="a\n\n<b>c</b>\n\n# d", **files)
    assert "\n\n" not in cells(app, "markdown")[0]


@pytest.mark.parametrize("step", ["sampling", "answer"])
def test_there_are_no_sliders_on_a_failed_computation(executed: Executed, tmp_path: Path, files, step: str):
    executed.statuses[step] = "fail"
    app = write_app(executed.notebook(), tmp_path / "app", **files)
    assert cells(app, "code") == []
    assert "nothing to try out" in cells(app, "markdown")[0]


def test_there_are_no_sliders_when_the_notebook_changed_after_the_fit(executed: Executed, tmp_path: Path, files):
    nb = executed.notebook()
    cell(nb, "model")["source"] += "\n# changed"
    app = write_app(nb, tmp_path / "app", **files)
    assert cells(app, "code") == []
    assert "Out of date." in cells(app, "markdown")[0]


def test_files_that_are_missing_are_named(executed: Executed, tmp_path: Path, files):
    files["posterior"].unlink()
    with pytest.raises(NotFound, match=r"posterior\.nc"):
        write_app(executed.notebook(), tmp_path / "app", **files)
    assert not (tmp_path / "app").exists()


def test_the_server_inherits_no_secrets():
    names = ["JUPYTERHUB_API_TOKEN", "JUPYTER_TOKEN", "AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_PASSWORD"]
    names += ["GITHUB_TOKEN", "DATABASE_URL", "SSH_AUTH_SOCK", "HTTPS_PROXY", "MODELCOMPOSE_TRACKING_URI"]
    canary = dict.fromkeys(names, "canary")
    found = clean_environment({**canary, "PATH": "/bin", "HOME": "/home/me", "LC_ALL": "C.UTF-8"})
    assert "canary" not in found.values()
    assert (found["PATH"], found["HOME"], found["LC_ALL"]) == ("/bin", "/home/me", "C.UTF-8")


def test_the_server_finds_its_template(tmp_path: Path):
    share = Path(clean_environment({})["JUPYTER_PATH"])
    assert (share / "voila" / "templates" / "modelcompose" / "index.html.j2").is_file()
    command = serve_command(tmp_path / "app.ipynb", port=1234, base_url="/user/me/")
    assert "--Voila.port=1234" in command
    assert "--Voila.base_url=/user/me/" in command
    assert "--VoilaConfiguration.template=modelcompose" in command
    assert command[-1] == str(tmp_path / "app.ipynb")
