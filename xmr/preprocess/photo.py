"""Opens any picture file as an upright RGB image, and turns a photo into the input of a photo encoder."""

from __future__ import annotations

import io
import os
import stat
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from xmr.modality import BadInput
from xmr.preprocess.decode import Job, decode, kind_of, size_of
from xmr.preprocess.kinds import HEAD
from xmr.preprocess.rgb import to_rgb


def open_picture(
    source: str | Path | bytes | BinaryIO, at_least: int | None = None, transparent: bool = False
) -> Image.Image:
    """Decode any picture file into an upright RGB image, with transparency on white.

    The kind of the file is detected from its content (see picture_kind), not from its name. Of an animation, the first
    frame is returned; if that is blank, the first frame with at least half of the highest contrast among the first 100.
    Of a camera's RAW file, the embedded preview is returned if it is large enough.

    A JPEG or PNG whose end is missing is accepted if it has three quarters of its rows, and is cropped to them;
    `image.info["note"]` then has a sentence about it. `image.info` never has any other entry.

    Args:
        source:      a path, the file's bytes, or an open seekable binary file, which is left open.
        at_least:    pixels a side that are needed. If given, larger pictures are reduced while decoding: a JPEG to 1/2,
            1/4 or 1/8 with both sides at least this long, others by an integer factor with both sides at least twice
            as long (a side may get shorter if the aspect ratio is above 16). This is much faster for camera photos and
            saves memory. Pictures of more than 16 Mpixel are always reduced.
        transparent: keep transparency: the image is RGBA if the file has any.

    Raises:
        BadInput: there is no such file, or it is empty, not a picture, of a kind that isn't read, damaged or too large.
            The size is checked in the header, before decoding: a side may have 65,535 px, and decoding may take 512 MB
            (64 Mpixel of a colour PNG, 108 Mpixel or more of a JPEG, which is decoded at a smaller size).
    """
    name, path, opened = open_binary(source)
    with opened as file, ExitStack() as turn:
        job = Job(name, path, file, at_least, turn, transparent=transparent)
        try:
            file.seek(0)
            return decode(job, kind_of(job, file.read(HEAD)))
        except BadInput:
            raise
        except ImportError as error:  # some packages have no wheel for some platforms
            raise BadInput(
                f"{name} needs a package that is not installed here ({error}). Run pip install -r requirements.txt, or "
                "export the picture as JPEG first."
            ) from None
        except MemoryError:
            raise BadInput(f"{name} takes more memory than there is. Make it smaller first.") from None
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):  # Pillow's own limit, for TIFF
            raise BadInput(f"{name} has more pixels than are accepted. Make it smaller first.") from None
        except Exception as error:  # readers raise almost anything for damaged files
            if isinstance(error, OSError) and error.strerror:
                raise BadInput(f"{name} cannot be read: {error.strerror}. Check the disk or the network.") from None
            raise BadInput(_damaged(name, error)) from None


def picture_size(source: str | Path | bytes | BinaryIO) -> tuple[int, int]:
    """Width and height of a picture file that open_picture reads, in pixels, by its header; of a RAW file, those of the
    photo, not of its preview. They may come the other way round if the picture is turned.

    Raises:
        BadInput: there is no such file, or its header cannot be read.
    """
    name, path, opened = open_binary(source)
    with opened as file, ExitStack() as turn:
        job = Job(name, path, file, None, turn)
        try:
            file.seek(0)
            return size_of(job, kind_of(job, file.read(HEAD)))
        except BadInput:
            raise
        except Exception as error:  # readers raise almost anything for damaged files
            raise BadInput(_damaged(name, error)) from None


def photo_input(image: Image.Image, size: int = 224) -> np.ndarray:
    """The input of a photo encoder: (size, size, 3) uint8, resized to a square without cropping."""
    return np.asarray(to_rgb(image).resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0))


def open_binary(source: Any) -> tuple[str, str | None, AbstractContextManager[BinaryIO]]:
    """Open a source for reading.

    Returns:
        Its name for error messages; its path, if it is one; and a context manager with the open binary file.

    Raises:
        BadInput: there is no such file, or it can't be read.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "The file", None, io.BytesIO(source)
    if not isinstance(source, (str, Path)):
        name = getattr(source, "name", None)
        return name if isinstance(name, str) else "The file", None, nullcontext(source)
    try:
        path = os.path.expanduser(str(source))
        mode = os.stat(path).st_mode
        if stat.S_ISREG(mode):  # opening a pipe would block
            return path, path, open(path, "rb")
    except (FileNotFoundError, NotADirectoryError):
        raise BadInput(f"There is no file {source}. Check the path.") from None
    except OSError as error:
        raise BadInput(f"{source} cannot be read: {error.strerror}. Check its permissions.") from None
    except ValueError:  # a NUL in it
        raise BadInput(f"{str(source)!r} is no path. Check it.") from None
    what = "a folder" if stat.S_ISDIR(mode) else "a device or pipe"
    raise BadInput(f"{source} is {what}. Give the path of one picture file.")


def _damaged(name: str, error: Exception) -> str:
    """The error message for a damaged file."""
    said = " ".join(str(error).split()).split(". ")[0][:120]
    reason = "it ends too early" if "truncated" in said.lower() else said or type(error).__name__
    return f"{name} is damaged and cannot be decoded ({reason}). Save or download it again."
