"""The styles and the script are in the page that a browser loads first, also for who has an old one in the cache."""

import asyncio

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route

from pages import first


def answer(path: str) -> tuple[dict[bytes, bytes], bytes]:
    """The headers and the body of an answer to a browser."""
    page = "<html><body>here</body></html>" + 1_000 * " "

    def html(request):
        known = "if-none-match" in request.headers
        return HTMLResponse("" if known else page, 304 if known else 200, {"etag": "old", "last-modified": "then"})

    app = Starlette(
        routes=[Route("/", html), Route("/health", lambda request: PlainTextResponse("</body>"))],
        middleware=[Middleware(first.LoadFirst), Middleware(GZipMiddleware)],
    )
    headers = {b"accept": b"text/html,*/*", b"accept-encoding": b"gzip", b"if-none-match": b"old"}
    scope = {"type": "http", "method": "GET", "path": path, "headers": [*headers.items()], "query_string": b""}
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(app({**scope, "http_version": "1.1"}, receive, send))
    return dict(sent[0]["headers"]), b"".join(message.get("body", b"") for message in sent[1:])


def test_a_page_has_styles_and_script_at_its_end_and_is_no_longer_the_one_that_was_cached():
    headers, body = answer("/")
    assert body.startswith(b"<html><body>here<style>") and b".st-key-query" in body
    assert body.count(b"<script>") == body.count(b"</script>") == body.count(b"</body>") == 1 and b"popstate" in body
    assert int(headers[b"content-length"]) == len(body) and not headers.keys() & {b"etag", b"last-modified"}


def test_what_is_no_page_stays_as_it_is():
    assert answer("/health")[1] == b"</body>"
