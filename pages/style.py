"""The page's styles, in the page that a browser loads first: styles that came with the first run would move all that is
there by then."""

from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STYLES = f"<style>{Path(__file__).with_name('frame.css').read_text(encoding='utf-8')}</style>".encode()
_END = b"</body>"  # after the styles of Streamlit, which these change
# A page is asked for whole and as it is: neither compressed, nor only if it is newer than the one without the styles.
_DROPPED = (b"accept-encoding", b"if-none-match", b"if-modified-since")


class StyleFirst:
    """ASGI middleware that puts the styles at the end of each page of HTML."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun: list[Message] = []  # the beginning of an answer that is a page, until its body is whole
        body = bytearray()

        async def send_styled(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if not headers.get("content-type", "").startswith("text/html"):
                    return await send(message)
                for name in ("etag", "last-modified"):  # of the page without the styles
                    del headers[name]
                begun.append(message)
            elif not begun:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    styled = bytes(body).replace(_END, STYLES + _END, 1)
                    MutableHeaders(scope=begun[0])["content-length"] = str(len(styled))
                    await send(begun.pop())
                    await send({"type": "http.response.body", "body": styled})

        if scope["type"] != "http" or "text/html" not in Headers(scope=scope).get("accept", ""):
            return await self.app(scope, receive, send)
        asked = [(name, value) for name, value in scope["headers"] if name not in _DROPPED]
        await self.app({**scope, "headers": asked}, receive, send_styled)
