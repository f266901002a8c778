"""Downloads the files of a data set, with a progress bar and a checksum; an interrupted download resumes."""

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
    """One file to download.

    Attributes:
        url:      its address.
        checksum: "md5:..." or "sha256:..." as published. Without one, the MD5 that the server sends is used, or else
            the checksums inside the archive.
        into:     subfolder of the data set's folder.
    """

    url: str
    checksum: str = ""
    into: str = ""

    @property
    def name(self) -> str:
        """Its file name."""
        return unquote(urlsplit(self.url).path.rsplit("/", 1)[-1])


def download(files: tuple[File, ...], root: Path) -> None:
    """Download and unpack the missing files. Archives are kept beside their content.

    Raises:
        BadInput: there is nothing to download, or a download fails.
    """
    if not files:
        raise BadInput("This data set cannot be fetched without a form; see its source in: python -m training data.")
    for file in files:
        archive = fetch(file, root / file.into)
        done = archive.with_name(archive.name + ".unpacked")
        if archive.name.endswith((".zip", ".tgz", ".tar.gz", ".tar")) and not done.exists():
            unpack(archive, archive.parent)
            done.touch()


def fetch(file: File, folder: Path) -> Path:
    """Download one file into a folder, or resume its .part file.

    Returns:
        Its path.

    Raises:
        BadInput: the download fails; it can be resumed by another call.
    """
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
                have = 0  # the file has changed, or the server cannot resume
            if reply.headers.get("ETag"):
                tag.write_text(reply.headers["ETag"])
            length = reply.headers.get("Content-Length")
            whole = have + int(length) if length else None
            with (
                part.open("ab" if have else "wb") as out,
                tqdm(total=whole, initial=have, desc=file.name, unit="B", unit_scale=True, mininterval=1) as bar,
            ):
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
    """Check a file by its checksum, or as an archive; a damaged file is deleted.

    Raises:
        BadInput: it is damaged.
    """
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
    """Unpack a zip or tar archive into a folder; nothing is written outside the folder."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            for member in tqdm(packed.infolist(), f"unpacking {archive.name}", mininterval=1):
                packed.extract(member, folder)
    else:
        with tarfile.open(archive) as packed:
            for member in tqdm(packed, f"unpacking {archive.name}", mininterval=1):
                packed.extract(member, folder, filter="data")


def _server_md5(headers) -> str:
    """The MD5 in the headers of Google's or Amazon's storage, as "md5:..."; "" if there is none."""
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
