"""Fetches the files of a data set: with a progress bar, going on where it stopped, and verified before it is used."""

import base64
import gzip
import hashlib
import http.client
import os
import shutil
import tarfile
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tqdm import tqdm

from xmr.modality import BadInput

CHUNK = 1 << 20
TIMEOUT = 60  # seconds without a byte


@dataclass(frozen=True)
class File:
    """One file to fetch. `checksum` is "md5:..." or "sha256:..." as published; where none is, the server's own MD5 is
    used if it sends one, and archives are tested by the checksums inside them."""

    url: str
    checksum: str = ""
    into: str = ""  # a folder below the data set's

    @property
    def name(self) -> str:
        return unquote(urlsplit(self.url).path.rsplit("/", 1)[-1])


def download(files: tuple[File, ...], root: Path) -> None:
    """Fetch and unpack what is not there yet. Archives are kept beside what came out of them."""
    if not files:
        raise BadInput("This data set cannot be fetched without a form; see its source in: python -m training data.")
    for file in files:
        archive = fetch(file, root / file.into)
        done = archive.with_name(archive.name + ".unpacked")
        if archive.name.endswith((".zip", ".tgz", ".tar.gz", ".tar")) and not done.exists():
            unpack(archive, archive.parent)
            done.touch()


def fetch(file: File, folder: Path) -> Path:
    """Fetch one file into a folder, or go on with its .part; its path. BadInput if it cannot be had whole."""
    target = folder / file.name
    if target.is_file():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    part, tag = target.with_name(target.name + ".part"), target.with_name(target.name + ".etag")
    have = part.stat().st_size if part.is_file() else 0
    headers = {"User-Agent": "xmr"}
    if have:
        headers |= {"Range": f"bytes={have}-"} | ({"If-Range": tag.read_text()} if tag.is_file() else {})
    try:
        with urllib.request.urlopen(urllib.request.Request(file.url, headers=headers), timeout=TIMEOUT) as reply:
            if reply.status != 206:
                have = 0  # it has changed there, or the server cannot go on
            if reply.headers.get("ETag"):
                tag.write_text(reply.headers["ETag"])
            told = reply.headers.get("Content-Length")
            whole = have + int(told) if told else None
            with part.open("ab" if have else "wb") as out, tqdm(
                total=whole, initial=have, desc=file.name, unit="B", unit_scale=True, mininterval=1
            ) as bar:
                while chunk := reply.read(CHUNK):
                    out.write(chunk)
                    bar.update(len(chunk))
            server = _server_md5(reply.headers)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # 416: nothing is left to send, so the part is whole
            raise BadInput(f"{file.url} answers {error.code} {error.reason}. Fetch it by hand into {folder}.") from None
        whole, server = have, _server_md5(error.headers)
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        kept = part.stat().st_size if part.is_file() else 0
        raise BadInput(f"{file.url} broke off ({error}); {kept:,} bytes are kept. Run it again to go on.") from None
    if whole is not None and part.stat().st_size < whole:
        raise BadInput(f"{file.url} broke off after {part.stat().st_size:,} of {whole:,} bytes. Run it again to go on.")
    verify(part, file.checksum or server, file.name)
    os.replace(part, target)
    tag.unlink(missing_ok=True)
    return target


def verify(path: Path, checksum: str, name: str) -> None:
    """BadInput, and the file deleted, unless it is what the checksum, or the archive itself, says it is."""
    kind, _, wanted = checksum.partition(":")
    if wanted:
        found = hashlib.new(kind)
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                found.update(chunk)
        fault = "" if found.hexdigest() == wanted else f"its {kind} is {found.hexdigest()}, expected {wanted}"
    else:
        fault = _archive_fault(path, name)
    if fault:
        path.unlink()
        raise BadInput(f"{name} is damaged ({fault}). It was deleted: fetch it again.")


def unpack(archive: Path, folder: Path) -> None:
    """A zip or tar archive into a folder; nothing is ever written outside it."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            for member in tqdm(packed.infolist(), f"unpacking {archive.name}", mininterval=1):
                packed.extract(member, folder)
    else:
        with tarfile.open(archive) as packed:
            for member in tqdm(packed, f"unpacking {archive.name}", mininterval=1):
                packed.extract(member, folder, filter="data")


def _server_md5(headers) -> str:
    """The MD5 that Google's or Amazon's storage sends along; "" if none."""
    for value in headers.get_all("x-goog-hash") or []:
        for one in value.split(","):
            if one.strip().startswith("md5="):
                return "md5:" + base64.b64decode(one.strip()[4:]).hex()
    etag = (headers.get("ETag") or "").strip('"')
    is_md5 = len(etag) == 32 and all(letter in "0123456789abcdef" for letter in etag)
    return f"md5:{etag}" if is_md5 and "AmazonS3" in (headers.get("Server") or "") else ""


def _archive_fault(path: Path, name: str) -> str:
    try:
        if name.endswith(".zip"):
            with zipfile.ZipFile(path) as packed:
                bad = packed.testzip()
            return f"{bad} in it fails its checksum" if bad else ""
        if name.endswith((".gz", ".tgz")):
            with gzip.open(path) as packed, open(os.devnull, "wb") as nowhere:
                shutil.copyfileobj(packed, nowhere, CHUNK)
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        return str(error)
    return ""
