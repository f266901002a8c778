"""`make` sets up environments whatever their path is called, one at a time, and removes nothing of anyone else's.

The real Makefile and tools/env.py run; of Python, `venv` and pip are played by a few lines that keep a diary.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[1]
# `python -m venv FOLDER`. The environment's Python waits in pip for the file `go`, and else prints how it was called.
VENV = r'''
import os, sys
from pathlib import Path
folder, house = Path(sys.argv[1]), os.environ["HOUSE"]
(folder / "bin").mkdir()
with open(house + "/diary", "a") as diary:
    diary.write("venv\n")
python = folder / "bin" / "python"
python.write_text("""#!/bin/sh
case "$2" in
pip) echo pip >> "$HOUSE/diary"
     printf '%s\\n' "$@" > "$HOUSE/called"
     case "$*" in *" -c "*) if test -e "$HOUSE/other wheels"; then exit 1; fi;; esac
     until test -e "$HOUSE/go"; do sleep 0.02; done
     touch "${0%/bin/python}/installed"
     echo "pip is done" >> "$HOUSE/diary";;
streamlit) printf '%s\n' "$0" "$@" > "$HOUSE/called";;
esac
""")
python.chmod(0o755)
'''


@dataclass(frozen=True)
class House:
    """A clone with the Makefile, and what `make` did in it."""

    clone: Path
    envs: Path  # where the environments are kept, unless told otherwise

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        known = {
            "HOUSE": str(self.clone.parent),
            "PYTHONPATH": str(self.clone.parent),
            "PYTHON": sys.executable,
            "ENVS": str(self.envs),
        }
        return subprocess.Popen(
            ["make", *arguments],
            cwd=self.clone,
            env=clean | known | environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def make(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def go(self) -> None:
        (self.clone.parent / "go").touch()

    @property
    def diary(self) -> list[str]:
        path = self.clone.parent / "diary"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def house(tmp_path) -> House:
    clone = tmp_path / "clone of mine"
    lists = [f"{folder}requirements.txt" for folder in ("", "training/", "tests/")]
    for file in ("Makefile", "tools/env.py", "requirements.lock", *lists):
        (clone / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, clone / file)
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "__init__.py").touch()
    (tmp_path / "venv" / "__main__.py").write_text(VENV)
    return House(clone, tmp_path / "envs")


def until(told: Callable[[], bool]) -> None:
    """Wait for something that is certain to come, unless it is broken."""
    for _ in range(3000):
        if told():
            return
        time.sleep(0.02)
    raise AssertionError("it never came")


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def environments(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir())


@pytest.mark.parametrize(
    "name",
    [
        "my envs",
        'it\'s "so"',
        "$HOME $(touch hit) `touch hit`",
        "a;touch hit;b",
        "*",
        "#",
        "-rf --",
        "ünï 犬",
        "back\\slash",
    ],
)
def test_the_cache_may_be_called_anything_and_nothing_beside_it_is_touched(house, name):
    house.go()
    others = house.clone.parent / "others"
    victims = [place / word for place in (others, house.clone) for word in (*name.split(), "envs")]
    for victim in victims:
        victim.mkdir(parents=True, exist_ok=True)
        (victim / "diary of a life").write_text("all of it")
    parent = others / name
    before = everything(house.clone)
    for _ in range(2):
        done = house.make("env", ENVS=str(parent / "in"))
        assert done.returncode == 0, done.stderr
    (made,) = environments(parent / "in")
    assert (house.clone / ".venv" / "test").readlink() == made and (made / "installed").exists()
    assert house.diary == ["venv", "pip", "pip is done"]
    assert all((victim / "diary of a life").read_text() == "all of it" for victim in victims)
    assert everything(house.clone) - before == {".venv", ".venv/test"}


def test_the_cache_is_the_systems_unless_another_is_named(house):
    house.go()
    given = {"ENVS": "", "HOME": str(house.clone.parent / "my home"), "XDG_CACHE_HOME": ""}
    script = [sys.executable, str(house.clone / "tools" / "env.py"), "app", "requirements.txt"]
    for extra, place in (
        ({}, "my home/.cache/xmr/envs"),
        ({"XDG_CACHE_HOME": str(house.clone.parent / "xdg")}, "xdg/xmr/envs"),
    ):
        environment = {
            **os.environ,
            **given,
            **extra,
            "HOUSE": str(house.clone.parent),
            "PYTHONPATH": str(house.clone.parent),
        }
        del environment["ENVS"]
        subprocess.run(script, check=True, env=environment)
        assert len(environments(house.clone.parent / place)) == 1


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "must be the absolute path"),
        ("envs", "must be the absolute path"),
        ("~/envs", "must be the absolute path"),
        ("/", "root of the file system"),
        ("//", "root of the file system"),
        ("/tmp/../..", "root of the file system"),
        ("/tmp/two\nlines", "line break"),
        ("/tmp/\x1b[31m", "control character"),
        ("/tmp/a:b", "no Python environment"),
    ],
)
def test_an_odd_path_is_refused_in_one_sentence_before_anything_happens(house, path, why):
    before = everything(house.clone)
    done = house.make("env", ENVS=path)
    ours = [line for line in done.stderr.splitlines() if line.startswith("make: ") and "ENVS" in line]
    assert done.returncode and len(ours) == 1 and why in ours[0] and "Traceback" not in done.stderr
    assert everything(house.clone) == before and not house.diary


def test_a_path_that_cannot_be_written_is_named(house):
    (house.clone.parent / "file").touch()
    done = house.make("env", ENVS=str(house.clone.parent / "file" / "envs"))
    assert done.returncode and "cannot be used" in done.stderr and "Traceback" not in done.stderr


def test_a_folder_that_make_did_not_make_is_left_alone(house):
    house.go()
    assert house.make("env").returncode == 0
    (made,) = environments(house.envs)
    (made / "made-by-xmr").unlink()
    (made / "done").unlink()
    (made / "mine").write_text("mine")
    done = house.make("env")
    assert done.returncode and "make did not make it" in done.stderr
    assert (made / "mine").read_text() == "mine" and (made / "bin" / "python").exists()


def test_a_link_to_someone_elses_folder_is_left_alone(house):
    house.go()
    assert house.make("env").returncode == 0
    (made,) = environments(house.envs)
    elsewhere = house.clone.parent / "elsewhere"
    made.rename(elsewhere)
    (elsewhere / "done").unlink()
    made.symlink_to(elsewhere)
    before = everything(elsewhere)
    assert house.make("env").returncode and everything(elsewhere) == before


def test_a_folder_in_the_place_of_the_link_is_left_alone(house):
    house.go()
    (house.clone / ".venv" / "test").mkdir(parents=True)
    done = house.make("env")
    assert done.returncode and "is in the way" in done.stderr and not list((house.clone / ".venv" / "test").iterdir())


def test_two_at_once_build_one_environment_and_both_find_it_whole(house):
    both = [house.start("env") for _ in range(2)]
    (told,), _, _ = select.select([process.stdout for process in both], [], [], 60)
    assert "waiting for it" in told.readline()
    until(lambda: house.diary == ["venv", "pip"])
    assert not (house.clone / ".venv").exists()  # nobody is led to it yet
    house.go()
    assert [process.wait(60) for process in both] == [0, 0]
    assert house.diary == ["venv", "pip", "pip is done"]


def test_a_half_made_environment_is_made_again(house):
    process = house.start("env")
    until(lambda: "pip" in house.diary)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (half,) = environments(house.envs)
    assert not (half / "done").exists()
    (half / "lib").mkdir()
    (half / "lib" / "half a package").touch()
    house.go()
    assert house.make("env").returncode == 0
    assert not (half / "lib").exists() and (half / "installed").exists()
    assert house.diary == ["venv", "pip", "venv", "pip", "pip is done"]


def test_a_pip_that_outlives_its_make_is_waited_for(house):
    process = house.start("env")
    until(lambda: "pip" in house.diary)
    maker = psutil.Process(process.pid)
    for one in [maker, *(child for child in maker.children(recursive=True) if "pip" not in child.cmdline())]:
        one.kill()
    second = house.start("env")
    assert "waiting for it" in second.stdout.readline()
    house.go()
    assert second.wait(60) == 0
    assert house.diary == ["venv", "pip", "pip is done", "venv", "pip", "pip is done"]  # never both at once


def test_a_failed_step_leaves_no_finished_environment(house):
    house.go()
    (house.clone.parent / "venv" / "__main__.py").write_text("raise SystemExit(3)")
    done = house.make("env")
    assert done.returncode and "not whole yet" in done.stderr and not (house.clone / ".venv").exists()
    (half,) = environments(house.envs)
    assert not (half / "done").exists()


def test_other_requirements_get_another_environment_and_the_same_share_one(house):
    house.go()
    assert house.make("env").returncode == 0
    other = House(house.clone.parent / "other clone", house.envs)
    shutil.copytree(house.clone, other.clone, symlinks=True)
    assert other.make("env").returncode == 0 and len(environments(house.envs)) == 1
    with open(other.clone / "training" / "requirements.txt", "a") as file:
        file.write("one-more-package\n")
    assert other.make("env").returncode == 0 and len(environments(house.envs)) == 2
    assert (house.clone / ".venv" / "test").readlink() != (other.clone / ".venv" / "test").readlink()


def test_the_locked_versions_are_installed_where_they_can_be_and_else_what_the_ranges_allow(house):
    house.go()
    assert house.make("env").returncode == 0
    called = (house.clone.parent / "called").read_text().splitlines()
    files = ["requirements.txt", "training/requirements.txt", "tests/requirements.txt"]
    ranges = [part for file in files for part in ("-r", str(house.clone / file))]
    assert called[-8:] == [*ranges, "-c", str(house.clone / "requirements.lock")]
    with open(house.clone / "requirements.lock", "a") as file:
        file.write("one-more-package==1\n")
    (house.clone.parent / "other wheels").touch()
    done = house.make("env")
    assert done.returncode == 0 and "requirements.lock cannot be installed here" in done.stdout
    assert len(environments(house.envs)) == 2  # another lock, another environment
    called = (house.clone.parent / "called").read_text().splitlines()
    assert called[-6:] == ranges and "-c" not in called
    assert house.diary == ["venv", "pip", "pip is done", "venv", "pip", "pip", "pip is done"]


def test_an_environment_whose_python_was_removed_is_made_again(house):
    house.go()
    assert house.make("env").returncode == 0
    (made,) = environments(house.envs)
    (made / "bin" / "python").unlink()
    assert house.make("env").returncode == 0 and (made / "bin" / "python").exists()


def test_the_app_is_opened_with_its_own_environment_on_the_port_named(house):
    house.go()
    assert house.make("app", PORT="8601; touch hit").returncode == 0
    called = (house.clone.parent / "called").read_text().splitlines()
    assert called == [".venv/app/bin/python", "-m", "streamlit", "run", "app.py", "--server.port", "8601; touch hit"]
    assert not (house.clone / "hit").exists()
