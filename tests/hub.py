"""A server on this computer that speaks the hub's protocol, as far as models are read, with faults on demand."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

SHA = "0123456789abcdef0123456789abcdef01234567"
CHUNK = 1 << 14  # bytes that are written at a time
LARGE = (".onnx", ".safetensors")  # what lies in the large file storage


class Hub:
    """The models that are served, and the faults.

    Attributes:
        models: "owner/name" -> folder.
        refused: "owner/name" -> the status and the code of the error that answers.
        wrong: names of files whose checksum is said to be another.
        cut: a file's name -> after how many bytes its connection ends, once.
        sent: (name, first byte) of every file that was asked for.
        token: what is needed to see anything; None: nothing.
    """

    def __init__(self) -> None:
        self.models: dict[str, Path] = {}
        self.refused: dict[str, tuple[int, str]] = {}
        self.wrong: set[str] = set()
        self.cut: dict[str, int] = {}
        self.sent: list[tuple[str, int]] = []
        self.token: str | None = None
        self.connections: list[socket.socket] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                hub.connections.append(self.connection)

            def do_GET(self) -> None:
                hub.answer(self)

            def do_HEAD(self) -> None:
                hub.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        for one in self.connections:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        parts = unquote(request.path).split("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"] and "tree" in parts:
            self.tree("/".join(parts[2:4]), request)
        elif parts[:2] == ["api", "models"]:
            self.info("/".join(parts[2:4]), parts[5] if "revision" in parts else "main", request)
        else:
            self.file("/".join(parts[:2]), "/".join(parts[4:]), request)

    def error(self, request: BaseHTTPRequestHandler, status: int, code: str) -> None:
        request.send_response(status)
        request.send_header("X-Error-Code", code)
        request.send_header("X-Error-Message", code)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def allowed(self, model: str, request: BaseHTTPRequestHandler) -> bool:
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            self.error(request, 401, "RepoNotFound")
        elif model in self.refused:
            self.error(request, *self.refused[model])
        elif model not in self.models:
            self.error(request, 404, "RepoNotFound")
        else:
            return True
        return False

    def tree(self, model: str, request: BaseHTTPRequestHandler) -> None:
        if self.allowed(model, request):
            found = []
            for path in sorted(path for path in self.models[model].rglob("*") if path.is_file()):
                content = path.read_bytes()
                oid = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
                one = {"type": "file", "path": path.relative_to(self.models[model]).as_posix(), "oid": oid}
                found.append(one | {"size": len(content)})
            self.json(found, request)

    def json(self, told: object, request: BaseHTTPRequestHandler) -> None:
        body = json.dumps(told).encode()
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def info(self, model: str, revision: str, request: BaseHTTPRequestHandler) -> None:
        if not self.allowed(model, request):
            return
        if revision not in ("main", SHA):
            return self.error(request, 404, "RevisionNotFound")
        siblings = []
        for path in sorted(path for path in self.models[model].rglob("*") if path.is_file()):
            name, content = path.relative_to(self.models[model]).as_posix(), path.read_bytes()
            spoilt = b"x" if name in self.wrong else b""
            one = {"rfilename": name, "size": len(content)}
            one["blobId"] = hashlib.sha1(b"blob %d\0" % len(content) + content + spoilt).hexdigest()
            if name.endswith(LARGE):
                digest = hashlib.sha256(content + spoilt).hexdigest()
                one["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 130}
            siblings.append(one)
        told = {"id": model, "modelId": model, "sha": SHA, "private": False, "tags": [], "downloads": 0, "likes": 0}
        self.json(told | {"cardData": {"license": "mit", "language": "en"}, "siblings": siblings}, request)

    def file(self, model: str, name: str, request: BaseHTTPRequestHandler) -> None:
        if not self.allowed(model, request):
            return
        path = self.models[model] / name
        if not path.is_file():
            return self.error(request, 404, "EntryNotFound")
        content, first = path.read_bytes(), 0
        if asked := request.headers.get("Range"):
            first = int(asked.removeprefix("bytes=").split("-")[0])
        self.sent.append((name, first))
        request.send_response(206 if first else 200)
        request.send_header("Content-Length", str(len(content) - first))
        request.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        request.send_header("X-Repo-Commit", SHA)
        if first:
            request.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        request.end_headers()
        if request.command == "HEAD":
            return
        end = self.cut.pop(name, None)
        try:
            request.wfile.write(content[first:end])
        except OSError:  # whoever asked is gone
            return
        if end is not None:
            request.wfile.flush()
            request.close_connection = True
