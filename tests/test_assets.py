import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from moa_code import assets
from moa_code.core.errors import EnvironmentFault

ROOT = Path(__file__).parents[1]


def test_a_checkout_uses_its_own_folders():
    assert assets.sandbox_dir() == ROOT / "sandbox"
    assert assets.tasks_dir() == ROOT / "tasks"


def test_an_installation_uses_what_lies_inside_it(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "moa_code"
    (package / "_assets" / "sandbox").mkdir(parents=True)
    (package / "_assets" / "sandbox" / "Dockerfile").write_text("FROM x")
    (tmp_path / "site-packages" / "tasks").mkdir()
    monkeypatch.setattr(assets, "_PACKAGE", package)
    assert assets.sandbox_dir() == package / "_assets" / "sandbox"
    with pytest.raises(EnvironmentFault, match="lacks its tasks"):
        assets.tasks_dir()


def test_the_wheel_holds_every_asset_prompt_and_schema(tmp_path):
    pytest.importorskip("setuptools", minversion="77")
    source = tmp_path / "source"
    source.mkdir()
    for name in ("moa_code", "sandbox", "tasks"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, source)
    (source / "README.md").write_text("moa-code")
    build = "import os, setuptools.build_meta as b; os.makedirs('out'); b.build_wheel('out')"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=source, capture_output=True, text=True, check=False, env={**os.environ}
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = (source / "out").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    expected = {"moa_code/py.typed"}
    for name in ("sandbox", "tasks"):
        files = (path for path in (source / name).rglob("*") if path.is_file())
        expected |= {f"moa_code/_assets/{path.relative_to(source)}" for path in files}
    for pattern in ("prompts/*.md", "**/schemas/*.json"):
        expected |= {f"moa_code/{p.relative_to(source / 'moa_code')}" for p in (source / "moa_code").glob(pattern)}
    assert expected <= inside
    assert not [name for name in inside if name.startswith(("sandbox/", "tasks/", "tests/"))]
