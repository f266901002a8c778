"""What is in the page that a browser loads first: the styles, which would move all that is there if they came with the
first run; and a script that has to hear of steps through the browser's history before Streamlit does."""

from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HERE = Path(__file__).parent
_ADDED = (
    f"<style>{(_HERE / 'frame.css').read_text(encoding='utf-8')}</style>"
    f"<script>{(_HERE / 'frame.js').read_text(encoding='utf-8')}</script>"
).encode()
_END = b"</body>"  # after the styles of Streamlit, which these change; its scripts wait for the end of the page
# A page is asked for whole and as it is: neither compressed, nor only if it is newer than the one without these.
_DROPPED = (b"accept-encoding", b"if-none-match", b"if-modified-since")


class LoadFirst:
    """ASGI middleware that puts them at the end of each page of HTML."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun: list[Message] = []  # the beginning of an answer that is a page, until its body is whole
        body = bytearray()

        async def send_whole(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if not headers.get("content-type", "").startswith("text/html"):
                    return await send(message)
                for name in ("etag", "last-modified"):  # of the page without them
                    del headers[name]
                begun.append(message)
            elif not begun:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    page = bytes(body).replace(_END, _ADDED + _END, 1)
                    MutableHeaders(scope=begun[0])["content-length"] = str(len(page))
                    await send(begun.pop())
                    await send({"type": "http.response.body", "body": page})

        if scope["type"] != "http" or "text/html" not in Headers(scope=scope).get("accept", ""):
            return await self.app(scope, receive, send)
        asked = [(name, value) for name, value in scope["headers"] if name not in _DROPPED]
        await self.app({**scope, "headers": asked}, receive, send_whole)
