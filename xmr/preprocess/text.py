"""Captions -> token ids."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from xmr.modality import BadInput

PAD, UNKNOWN = 0, 1  # token ids every tokenizer of ours starts with
MAX_CHARS = 2_000  # of a text; far more than any tower reads, and nothing that costs memory or time
_ZERO_WIDTH_SPACE = "\u200b"


class Tokenizer:
    """Text -> token ids, from a Hugging Face `tokenizers` file whose normalizer lower-cases (NFKC) by itself.

    Of a text, what `clean_text` leaves counts.
    """

    def __init__(self, path: str | Path, content: bytes | None = None) -> None:
        """content: the file's, if it was read already. Raises BadInput if the file is missing or is no tokenizer."""
        from tokenizers import Tokenizer as Table

        self._path = path
        with self._readable():
            self._table = Table.from_buffer(Path(path).read_bytes() if content is None else content)
            self._table.no_padding()
            self._table.no_truncation()

    def encode(self, texts: Sequence[str], max_tokens: int) -> np.ndarray:
        """(N, L) int64 ids, L the longest of the batch and at most max_tokens; 0 fills up, 1 is an unknown word."""
        with self._readable():
            found = self._table.encode_batch([clean_text(text) for text in texts])
        rows = [one.ids[:max_tokens] or [UNKNOWN] for one in found]
        ids = np.full((len(rows), max(map(len, rows), default=1)), PAD, np.int64)
        for row, one in zip(ids, rows, strict=True):
            row[: len(one)] = one
        return ids

    def limit(self, max_tokens: int, pad: int, padded: bool) -> None:
        """From now on `with_mask` cuts texts to max_tokens, the tokens that begin and end them kept, and fills with
        `pad`: to max_tokens if `padded`, else to the longest of the batch."""
        with self._readable():
            self._table.enable_truncation(max_tokens)
            self._table.enable_padding(pad_id=pad, length=max_tokens if padded else None)

    def with_mask(self, texts: Sequence[str]) -> np.ndarray:
        """(N, 2, L) int64: the token ids of texts as they are, and 1 where a token is one of the text."""
        with self._readable():
            found = self._table.encode_batch(list(texts))
        return np.array([[one.ids, one.attention_mask] for one in found], np.int64)

    def known(self, text: str) -> bool:
        """Whether some token of the text is a word or a part of one, rather than unknown or punctuation."""
        with self._readable():
            found = self._table.encode(clean_text(text), add_special_tokens=False)
        return any(
            token not in (PAD, UNKNOWN) and any(letter.isalnum() for letter in piece)
            for token, piece in zip(found.ids, found.tokens, strict=True)
        )

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:  # the library raises a bare Exception, and where it panics not even that
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            raise BadInput(f"{self._path} is not a tokenizer that can be read ({error}). Restore the file.") from None


def clean_text(text: str) -> str:
    """What counts of a text: its first 2,000 characters, without the marks that only steer how it is shown (such as
    the direction of writing); control characters and halves of surrogate pairs count as spaces."""
    text = text.strip()[:MAX_CHARS]
    if not text.isprintable():
        text = "".join(map(_cleaned, text))
    return text.strip()


def _cleaned(char: str) -> str:
    kind = unicodedata.category(char)
    if kind == "Cf" and char != _ZERO_WIDTH_SPACE:
        return ""
    return " " if kind.startswith("C") else char
