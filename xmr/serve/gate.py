"""What every request passes: its id, the key, the limits, the log and the figures."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from fastapi import HTTPException
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN = ("/health", "/ready")  # what anyone may ask
_CLIENTS = 10_000  # whose rates are remembered
log = logging.getLogger("xmr.serve")


@dataclass(frozen=True)
class Limits:
    """What one server bears.

    Attributes:
        bytes: of one request.
        values: numbers, texts and lists of one request in JSON, each of which takes far more memory than its letters.
        seconds: until a request has come whole.
        rate: requests a minute of one client, which may come at once as well; 0: any.
        waiting: requests at a time, those that wait among them.
    """

    bytes: int = 25_000_000
    values: int = 500_000
    seconds: float = 120
    rate: int = 1_200
    waiting: int = 128


class Figures:
    """The server's figures, for Prometheus."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "xmr_requests_total",
            "Requests by what was asked and the status.",
            ["method", "path", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "xmr_request_seconds",
            "How long requests took.",
            ["path"],
            registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )
        self.now = Gauge("xmr_requests_now", "Requests that are being answered.", registry=self.registry)
        self.photos = Gauge("xmr_photos", "Photos in the gallery.", registry=self.registry)


class Gate:
    """ASGI middleware around the API."""

    def __init__(self, app: App, key: str | None, limits: Limits, figures: Figures) -> None:
        self._app, self._key, self._limits, self._figures = app, key, limits, figures
        self._rates: OrderedDict[str, tuple[float, float]] = OrderedDict()  # client -> requests left, when
        self._now = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        given = headers.get("x-request-id", "")
        request = given if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request"] = request
        # HEAD is answered as GET is; the server leaves the body out
        asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        start, status, received, values, whole = time.perf_counter(), 500, 0, 0, False
        is_form = headers.get("content-type", "").lower().startswith("multipart/")

        async def counted() -> MutableMapping[str, Any]:
            nonlocal received, values, whole
            left = None if whole else max(0.0, start + self._limits.seconds - time.perf_counter())
            try:
                message = await asyncio.wait_for(receive(), left)
            except TimeoutError:
                raise HTTPException(
                    408, f"A request must have come within {self._limits.seconds:g} s. Send it again, or a smaller one."
                ) from None
            body = message.get("body", b"")
            received, whole = received + len(body), not message.get("more_body", False)
            values += 0 if is_form else sum(map(body.count, (b",", b"[", b"{")))
            if received > self._limits.bytes:
                raise HTTPException(413, self._too_large())
            if values > self._limits.values:
                raise HTTPException(
                    413,
                    f"A request may have {self._limits.values:,} numbers, texts and lists. Draw with fewer points, or "
                    "ask with fewer parts at a time.",
                )
            return message

        async def sent(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request.encode())]
            await send(message)

        self._now += 1
        self._figures.now.inc()
        try:
            if refused := self._refused(scope, headers):
                await _say(sent, request, *refused)
            else:
                await self._app(asked, counted, sent)
        except Exception:
            log.exception(json.dumps({"request": request, "failed": scope["path"]}))
            if status == 500:
                await _say(sent, request, 500, "The server failed; its log tells where. Try again, or ask otherwise.")
            status = 500
        finally:
            self._now -= 1
            self._figures.now.dec()
            spent = time.perf_counter() - start
            route = asked.get("route")
            path = getattr(route, "path", "other")
            self._figures.requests.labels(scope["method"], path, str(status)).inc()
            self._figures.seconds.labels(path).observe(spent)
            client = (scope.get("client") or ("", 0))[0]
            told = {"time": round(time.time(), 3), "request": request, "method": scope["method"], "path": path}
            log.info(
                json.dumps(told | {"status": status, "ms": round(spent * 1000, 1), "bytes": received, "client": client})
            )

    def _refused(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str, int] | tuple[int, str] | None:
        """The status and the sentence for a request that is not let in, with the seconds to wait; None for others."""
        if scope["path"] in OPEN:
            return None
        if self._key is None:
            origin = _host(headers.get("origin", "http://localhost"))
            if not is_loopback(_host(f"//{headers.get('host', '')}")) or not is_loopback(origin):
                return 403, "Without a key, this server answers only programs of its own computer. Start it with a key."
        elif not hmac.compare_digest(_key(headers).encode(), self._key.encode()):
            return 401, "The key is missing or wrong. Send the server's key as: Authorization: Bearer KEY"
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > self._limits.bytes:
            return 413, self._too_large()
        if self._now > self._limits.waiting:
            return 503, "Too many requests are waiting here. Try again in a second.", 1
        if wait := self._wait((scope.get("client") or ("", 0))[0]):
            return 429, f"At most {self._limits.rate} requests a minute are answered. Try again in {wait} s.", wait
        return None

    def _too_large(self) -> str:
        return (
            f"A request may have {self._limits.bytes / 1e6:g} MB. Make the pictures smaller, or send fewer at a time."
        )

    def _wait(self, client: str) -> int:
        """The seconds until a client may ask again (token bucket); 0 if it may now."""
        rate = self._limits.rate
        if not rate:
            return 0
        now = time.monotonic()
        left, when = self._rates.pop(client, (float(rate), now))
        left = min(float(rate), left + (now - when) * rate / 60)
        self._rates[client] = (left - 1, now) if left >= 1 else (left, now)
        if len(self._rates) > _CLIENTS:
            self._rates.popitem(last=False)
        return 0 if left >= 1 else max(1, round((1 - left) * 60 / rate))


def _key(headers: dict[str, str]) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")


def _host(address: str) -> str | None:
    """The host of an address; None where it has none, or is none."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def is_loopback(host: str | None) -> bool:
    """Whether a host's name or address is this computer's own."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


async def _say(send: Send, request: str, status: int, error: str, wait: int = 0) -> None:
    body = json.dumps({"error": error, "request": request}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(b"retry-after", str(wait).encode())] if wait else []
    headers += [(b"www-authenticate", b"Bearer")] if status == 401 else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
