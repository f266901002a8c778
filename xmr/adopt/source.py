"""Where a model comes from: a folder, or a hub that speaks Hugging Face's protocol."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from xmr.modality import BadInput, shown

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

DOWNLOADS = ".downloads"  # in the models' folder: what was begun, to go on with
_MOST_FILES = 10_000
_LONGEST = 100  # letters of a licence's name
_SPARE = 200_000_000  # bytes that a disk keeps free
_FORGOTTEN = 14 * 86_400  # seconds after which a download that nobody went on with is deleted
Told = Callable[[str, int, int], None]
"""What is being done, and how much of it: (a few words, done, of how many), 0 of 0 where that is not known."""


class Stopped(BadInput):
    """Whoever started it does not want it any more."""


@dataclass(frozen=True)
class Source:
    """A model's files and what is said of them.

    Attributes:
        model: what a person calls it: "owner/name", or a folder.
        files: the names of all its files.
        folder: where those are that `fetch` was asked for.
        revision: the commit of the hub's repository; None for a folder.
        about: the metadata of its README: "license", "language" and others, as far as they are there.
    """

    model: str
    files: frozenset[str]
    folder: Path
    revision: str | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    _siblings: Mapping[str, RepoSibling] = field(default_factory=dict)

    @property
    def licence(self) -> str:
        """Its licence, as its README names it: one line of at most 100 letters."""
        found = " ".join(str(self.about.get("license_name") or self.about.get("license") or "").split())
        return (found if len(found) <= _LONGEST else found[: _LONGEST - 1] + "…") or "not stated"

    @property
    def home(self) -> str:
        """Where it is from, with the revision: an address, or a folder."""
        if self.revision is None:
            return self.model
        from huggingface_hub import constants

        return f"{constants.ENDPOINT}/{self.model}/tree/{self.revision}"

    def size(self, names: Iterator[str] | list[str]) -> int:
        """How many bytes these files have."""
        return sum(self.sizes.get(name, 0) for name in names)

    @property
    def downloaded(self) -> bool:
        """Whether `folder` holds what was downloaded for this, and for nothing else."""
        return self.folder.parent.name == DOWNLOADS and self.revision is not None

    def drop(self) -> None:
        """Delete what was downloaded for this."""
        if self.downloaded:
            shutil.rmtree(self.folder, ignore_errors=True)

    def fetch(self, names: list[str], told: Told, stop: Event) -> None:
        """Have these files in `folder`. What was downloaded before is not downloaded again, and what was begun goes on.

        Raises:
            Stopped: `stop` was set; what is there stays for the next time.
            BadInput: the hub refuses, the network or the disk fails, or a file isn't the one that the hub promises.
        """
        if self.revision is None:
            return
        missing = [name for name in names if not (self.folder / name).is_file()]
        with _plainly(self.model):
            _download(self, missing, told, stop)

    def read_json(self, name: str) -> dict:
        """A JSON file's content; empty if the model has no such file."""
        if name not in self.files:
            return {}
        try:
            found = json.loads((self.folder / name).read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise BadInput(f"{name} of {self.model} cannot be read as JSON ({error}). Download it again.") from None
        return found if isinstance(found, dict) else {}


def find(model: str, models: Path, revision: str | None = None) -> Source:
    """The model in a folder, or that of the hub's repository "owner/name" or of its address. `models` is the folder of
    those that were adopted, where downloads are kept meanwhile. An address with /tree/REVISION names one, unless
    another is given.

    Raises:
        BadInput: there is none, it may not be seen, or the hub cannot be asked.
    """
    try:
        folder = Path(model).expanduser()
        if folder.is_dir():
            return _folder(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # a name that no folder can have
        pass
    name, _, pasted = re.sub(r"^(https?://[^/]+/|hf-hub:)", "", model.strip()).partition("/tree/")
    name, revision = name.strip("/"), revision or unquote(pasted.strip("/").partition("/")[0]) or None
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", name):
        raise BadInput(
            f"There is no folder {shown(model)}, and it is no name of a hub's model. Give a folder, or a name such as "
            "Xenova/clip-vit-base-patch32."
        )
    sweep(models)
    with _plainly(name):
        return _hub(name, models, revision)


def sweep(models: Path) -> None:
    """Delete downloads that nobody went on with for two weeks."""
    for folder in (models / DOWNLOADS).glob("*"):
        try:
            if time.time() - max(file.stat().st_mtime for file in (folder, *folder.rglob("*"))) > _FORGOTTEN:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue


def _folder(folder: Path) -> Source:
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = path.stat().st_size
        if len(found) > _MOST_FILES:
            raise BadInput(f"{folder} holds more than {_MOST_FILES:,} files. Give the folder of one model.")
    return Source(str(folder), frozenset(found), folder, None, _readme(folder), found)


def _readme(folder: Path) -> Mapping[str, Any]:
    """The metadata of a folder's README.md; empty if it has none that can be read."""
    from huggingface_hub import ModelCard

    try:
        return ModelCard((folder / "README.md").read_text(encoding="utf-8"), ignore_metadata_errors=True).data.to_dict()
    except Exception:  # it comes from anyone, and only says what a person may want to know
        return {}


def _hub(name: str, models: Path, revision: str | None) -> Source:
    from huggingface_hub import HfApi, constants, snapshot_download

    if constants.HF_HUB_OFFLINE:
        kept = Path(snapshot_download(name, revision=revision, local_files_only=True))
        return Source(name, _folder(kept).files, kept, kept.name, _readme(kept), _folder(kept).sizes)
    told = HfApi().model_info(name, revision=revision, files_metadata=True, timeout=30)
    siblings = {one.rfilename: one for one in told.siblings or () if _plain(one.rfilename)}
    if not told.sha or not re.fullmatch(r"[0-9a-f]{7,64}", told.sha):
        raise BadInput(f"The hub names no revision of {name}. Try again later.")
    about = told.card_data.to_dict() if told.card_data else {}
    folder = models / DOWNLOADS / f"{name.replace('/', '--')}@{told.sha[:12]}"
    sizes = {file: one.size or 0 for file, one in siblings.items()}
    return Source(name, frozenset(siblings), folder, told.sha, about, sizes, siblings)


def _plain(name: str) -> bool:
    """Whether a file's name leads nowhere out of the folder."""
    return not name.startswith(("/", "~")) and ".." not in name.split("/") and "\\" not in name and "\0" not in name


def _download(source: Source, names: list[str], told: Told, stop: Event) -> None:
    from huggingface_hub import hf_hub_url, try_to_load_from_cache
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers
    from tqdm import tqdm

    total = source.size(names)
    source.folder.mkdir(parents=True, exist_ok=True)
    begun = sum(part.stat().st_size for part in source.folder.rglob("*.part"))
    free = shutil.disk_usage(source.folder).free
    if (needed := total - begun + _SPARE) > free:
        raise BadInput(
            f"{source.model} needs {needed / 1e6:,.0f} MB in {source.folder.parent}, but {free / 1e6:,.0f} MB are "
            "free. Make room, or set XMR_MODELS to a folder on another disk."
        )
    done = 0

    class Bar(tqdm):
        """Passes on how far a download is, and shows nothing itself."""

        def __init__(self, *given: Any, **settings: Any) -> None:
            super().__init__(*given, **settings | {"disable": True})

        def update(self, n: float | None = 1) -> None:
            nonlocal done
            done += int(n or 0)
            told(f"downloading {source.model}", done, total)
            if stop.is_set():
                raise Stopped("The download was stopped. What is there is kept; adopt it again to go on.")

    for name in names:
        path, expected = source.folder / name, source._siblings[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = try_to_load_from_cache(source.model, name, revision=source.revision)
        part = path.with_name(path.name + ".part")
        if isinstance(kept, str):  # other programs had it before
            shutil.copyfile(kept, part)
            done += source.sizes[name]
        else:
            begun = part.stat().st_size if part.is_file() else 0
            if begun > source.sizes[name]:
                begun = 0
            done += begun
            with part.open("r+b" if begun else "wb") as file:
                file.seek(begun)
                http_get(
                    hf_hub_url(source.model, name, revision=source.revision),
                    file,
                    resume_size=begun,
                    headers=build_hf_headers(),
                    expected_size=expected.size,
                    displayed_filename=name,
                    tqdm_class=Bar,
                )
        if not _as_promised(part, expected):
            part.unlink()
            raise BadInput(
                f"{name} of {source.model} did not arrive as the hub promises it: its checksum is another. It "
                "was deleted. Adopt it again; if that does not help, tell the hub, or use a mirror (HF_ENDPOINT)."
            )
        part.replace(path)


def _as_promised(path: Path, expected: RepoSibling) -> bool:
    """Whether a file has the checksum that the hub gave with its name: sha256, or git's sha1 of small files."""
    with path.open("rb") as file:
        if expected.lfs is not None:
            return hashlib.file_digest(file, "sha256").hexdigest() == expected.lfs.sha256
        if expected.blob_id is None:
            return expected.size is None or path.stat().st_size == expected.size
        digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest() == expected.blob_id


@contextmanager
def _plainly(model: str) -> Iterator[None]:
    """What a hub, a network and a disk may answer, in one sentence each that says what to do."""
    from huggingface_hub import errors

    try:
        yield
    except BadInput:
        raise
    except errors.GatedRepoError:
        raise BadInput(
            f"{model} is given only to those who accepted its terms. Accept them on its page, then set HF_TOKEN to a "
            "token of yours, and adopt it again."
        ) from None
    except errors.RepositoryNotFoundError as error:
        status = error.response.status_code if error.response is not None else 404
        if status == 401:
            raise BadInput(
                f"The hub shows {model} to nobody without a token, or there is no such model. Check the name; if it is "
                "private, set HF_TOKEN to a token of yours."
            ) from None
        raise BadInput(f"The hub has no model {model}. Check the name, owner/name as in its address.") from None
    except errors.RevisionNotFoundError:
        raise BadInput(f"{model} has no such revision. Give a branch, a tag or a commit that its page lists.") from None
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled):
        raise BadInput(
            f"{model} is not on this computer, and nothing is downloaded (HF_HUB_OFFLINE is set). Unset it, or give a "
            "folder that holds the model."
        ) from None
    except errors.HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        if status in (401, 403):
            raise BadInput(
                f"The hub refuses {model} ({status}). Set HF_TOKEN to a token that may read it, and adopt it again."
            ) from None
        if status == 404:
            raise BadInput(f"The hub has no such file of {model}. Try again: it may have changed meanwhile.") from None
        raise BadInput(f"The hub fails with {status} for {model}. Try again later; what is there is kept.") from None
    except errors.HTTPError as error:
        raise BadInput(
            f"The hub cannot be reached for {model} ({type(error).__name__}). Check the network; what is there is "
            "kept: adopt it again to go on. A model in a folder needs no network."
        ) from None
    except OSError as error:
        if error.strerror is None:  # of the hub's library: a download that ended early
            raise BadInput(f"The download of {model} ended early. Adopt it again to go on.") from None
        raise BadInput(
            f"{error.filename or 'A file'} of {model} cannot be written: {error.strerror}. Make room or check the "
            "permissions, or set XMR_MODELS to another folder; then adopt it again to go on."
        ) from None
