"""Finds or creates a Python environment for `make`: python tools/env.py NAME FILES...; .venv/NAME is a link to it.

The files list requirements as version ranges; a .lock file lists the tested versions. These are installed if they are
available, or else any versions in the ranges.

Environments are kept in the folder ENVS, or in the system's cache folder, under a hash of the files: clones with the
same requirements share one, and a changed requirement gives a new one. Only one process at a time creates an
environment, and the link is set when it is complete. Nothing is deleted except inside folders with this program's
marker file.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MARKER = "made-by-xmr"  # in the folder from the beginning
DONE = "done"  # written last; an environment without it is incomplete, and is created again


class Refused(Exception):
    """The arguments or the settings can't be used; nothing was changed."""


def cache() -> Path:
    """The folder of all environments, which need not exist; raises Refused for a suspicious path."""
    given = {
        "ENVS": os.environ.get("ENVS"),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or None,
        "HOME": os.path.expanduser("~"),
    }
    name, path = next((name, path) for name, path in given.items() if path is not None)
    if any(character < " " or character == "\x7f" for character in path):
        raise Refused(f"{name} has a line break or another control character in it: {path!r}. Set another folder.")
    if not os.path.isabs(path):
        raise Refused(f"{name} must be the absolute path of a folder, but is '{path}'.")
    if not os.path.realpath(path).strip("/"):
        raise Refused(f"{name} is the root of the file system. Set a folder in it.")
    if os.pathsep in path:
        raise Refused(f"{name} has a '{os.pathsep}' in it, which no Python environment can have: {path}")
    return Path(path, {"ENVS": "", "XDG_CACHE_HOME": "xmr/envs", "HOME": ".cache/xmr/envs"}[name])


def environment(name: str, files: Sequence[str]) -> Path:
    """The complete environment for these files; waits while another process creates it."""
    content = b"\0".join([b"%d.%d" % sys.version_info[:2], *((ROOT / file).read_bytes() for file in files)])
    folder = cache() / f"{name}-{hashlib.sha256(content).hexdigest()[:16]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with only_one(folder.with_name(f"{folder.name}.lock")) as lock:
        if not is_complete(folder):
            make_empty(folder)
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, pass_fds=[lock])
            install(folder, files, lock)
            (folder / DONE).touch()
    return folder


def install(folder: Path, files: Sequence[str], lock: int) -> None:
    """Install the requirements, in the versions of the .lock files if those are available on this machine."""
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    locks = [file for file in files if file.endswith(".lock")]
    wanted = [part for file in files if file not in locks for part in ("-r", str(ROOT / file))]
    kept = [part for file in locks for part in ("-c", str(ROOT / file))]
    if locks and subprocess.run([*pip, *wanted, *kept], pass_fds=[lock]).returncode == 0:
        return
    if locks:  # another platform, or other wheels
        print(f"The versions in {', '.join(locks)} cannot be installed here; trying what the ranges allow.", flush=True)
    subprocess.run([*pip, *wanted], check=True, pass_fds=[lock])


@contextmanager
def only_one(path: Path) -> Iterator[int]:
    """Hold a lock; yields its file descriptor. Processes that inherit it hold the lock too: if this program is killed
    while pip runs, pip keeps the lock."""
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another make is at work on {path.stem}; waiting for it.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def is_complete(folder: Path) -> bool:
    """Whether the environment is complete, and its Python still works."""
    python = folder / "bin" / "python"
    return (folder / DONE).is_file() and python.exists() and subprocess.run([python, "-c", ""]).returncode == 0


def make_empty(folder: Path) -> None:
    """Create an empty folder with the marker, or empty an incomplete one, whose marker is kept."""
    if not os.path.lexists(folder):
        fresh = tempfile.mkdtemp(dir=folder.parent, prefix=".new-")
        Path(fresh, MARKER).touch()
        os.rename(fresh, folder)  # so that it never exists without its marker
    if folder.is_symlink() or not (folder / MARKER).is_file():
        raise Refused(f"{folder} is in the way, and make did not make it. Move it elsewhere.")
    for path in folder.iterdir():
        if path.name != MARKER:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def link(name: str, folder: Path) -> None:
    """Point .venv/NAME to the environment, atomically."""
    place = ROOT / ".venv" / name
    if os.path.lexists(place) and not place.is_symlink():
        raise Refused(f"{place} is in the way, and make did not make it. Move it elsewhere.")
    place.parent.mkdir(exist_ok=True)
    unfinished = place.with_name(f".{name}-{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    unfinished.symlink_to(folder)
    os.replace(unfinished, place)


def main(name: str, *files: str) -> None:
    """Find or create the environment, and link it; exits with a message if that fails."""
    if sys.version_info < (3, 11):  # noqa: UP036  # users of older versions get a message
        sys.exit(
            f"make: Python 3.11 or newer is needed, and {sys.executable} is {sys.version.split()[0]}. "
            "Name another: make PYTHON=python3.12"
        )
    try:
        link(name, environment(name, files))
    except Refused as error:
        sys.exit(f"make: {error}")
    except OSError as error:
        sys.exit(
            f"make: {error.filename or cache()} cannot be used ({error.strerror}). Set another folder: "
            "make ENVS=/a/folder"
        )
    except subprocess.CalledProcessError as error:
        sys.exit(
            f"make: the environment is not whole yet, since the last step failed ({error.returncode}). Run make "
            "again to begin anew."
        )
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(*sys.argv[1:])
