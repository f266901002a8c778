"""The folders of the server that a visitor may index and search; SECURITY.md gives the reasons.

The person who starts the app can name them. Otherwise they are that person's own folders, and only visits from the same
computer may use them: if the server listens on more than localhost, or a visit came through a proxy or under another
host name, there are none.
"""

import getpass
import os
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages import uploads
from pages.language import tr
from xmr.gallery import given_path
from xmr.modality import BadInput

SETTING = "XMR_FOLDERS"
_DISKS = ("/media/{user}", "/run/media/{user}", "/mnt", "/Volumes")  # where other disks are on Linux and macOS
_USUAL = ("Pictures", "Photos", "Bilder", "Fotos", "DCIM")
_PROXIED = ("forwarded", "via", "x-forwarded-", "x-real-ip", "x-client-ip")  # prefixes of headers that proxies add


class KeepOutOfFrames:
    """ASGI middleware that lets no page of another site have the app in a frame, while it is for its own computer
    alone: whoever is led to click there would do so with the rights of who sits at it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_alone(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.append("content-security-policy", "frame-ancestors 'self'")
            await send(message)

        alone = scope["type"] == "http" and _is_loopback(st.get_option("server.address") or "")
        await self.app(scope, receive, send_alone if alone else send)


def roots() -> list[Path]:
    """The resolved folders below which this visitor may choose a folder; empty if there are none."""
    return _roots(os.environ.get(SETTING), st.get_option("server.address"), st.context.headers)


def own_machine() -> bool:
    """Whether the server is this visitor's own computer, so that it may open a file for them, and its paths mean
    something to them. Folders that were named for everyone (XMR_FOLDERS) don't make it so."""
    return _at_this_computer(st.get_option("server.address"), st.context.headers)


def _roots(setting: str | None, address: str | None, headers: Mapping[str, str]) -> list[Path]:
    """`roots` as a function of XMR_FOLDERS, the address that the server listens on, and the headers of a visit."""
    if setting is not None:
        return [given_path(folder).resolve() for folder in setting.split(os.pathsep) if folder.strip()]
    if not _at_this_computer(address, headers):
        return []
    try:
        own = [Path.home(), *(Path(disk.format(user=getpass.getuser())) for disk in _DISKS)]
    except (KeyError, OSError, RuntimeError):  # no user name or home, as in some containers
        return []
    found = [folder.resolve() for folder in own if folder.is_dir()]
    return [folder for folder in found if folder != Path(folder.anchor)]


def usual_folders(roots: Sequence[Path]) -> list[Path]:
    """Folders to offer: the roots that the operator named, and below all roots those where photos usually are."""
    named = roots if SETTING in os.environ else []
    below = [root / name for root in roots for name in _USUAL]
    return [folder for folder in (*named, *below) if os.path.isdir(folder)]


def _at_this_computer(address: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a visit comes from this computer, to a server that only listens to it.

    Host names are checked too: another site can point its own name to this computer's address and then send requests to
    this server (DNS rebinding).
    """
    named = [headers.get("Host", ""), urlsplit(headers.get("Origin", "http://localhost")).netloc]
    return (
        address is not None
        and _is_loopback(address)
        and all(_is_loopback(_host(name)) for name in named)
        and not any(name.lower().startswith(_PROXIED) for name in headers)
    )


def _host(name: str) -> str:
    try:
        return urlsplit(f"//{name}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def own_folder(given: str, roots: Sequence[Path]) -> Path:
    """The folder that a visitor means, with links resolved.

    Args:
        given: the path as typed.
        roots: the allowed folders.

    Raises:
        BadInput: it is blank, relative or invalid, or not below a root; the message does not tell whether it exists.
    """
    text = given.strip().strip("'\"")
    if text and not (os.path.isabs(text) or text.startswith("~") or text.lower().startswith("file:")):
        raise BadInput(
            tr(
                "{path} is not an absolute path. Give the whole path, such as {example}.",
                path=text,
                example=roots[0] / "Pictures",
            )
        )
    folder = None
    try:
        folder = given_path(given).resolve()
    except BadInput:
        if not text.startswith("~"):  # else there is no such user, which is told as little as of a folder
            raise
    except (OSError, RuntimeError):  # a link in a circle
        folder = Path(os.path.realpath(given_path(given)))
        if _is_below(folder, roots):
            raise BadInput(tr("{path} is a broken link. Give another folder.", path=text)) from None
    if folder is None or not _is_below(folder, roots) or uploads.is_area(folder):
        raise BadInput(
            tr(
                "{path} is not among the folders that may be used here: {folders}. Give one below them.",
                path=text,
                folders=", ".join(map(str, roots)),
            )
        )
    return folder


def _is_below(folder: Path, roots: Sequence[Path]) -> bool:
    return any(folder.is_relative_to(root) for root in roots)
