"""A folder <-> a System: reads what training published, and refuses what is missing, damaged or changed."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from xmr.composer import Composer, CurveComposer, GraphComposer
from xmr.encoder import CheckpointFile, Encoder, open_session
from xmr.files import write_json
from xmr.home import home, models
from xmr.modality import BadInput, Modality, shown
from xmr.system import System

ROOT = home() / "checkpoints"
SIDES = (16, 1_024)  # px: the least and the most that a picture encoder may take
_FILES = ("file", "trunk", "tokenizer", "words", "adapter")  # of an encoder, as paths from the checkpoint's folder
_LARGEST = 1_000_000  # bytes of a config.json
_SHORTENED = re.compile(r"(?s)(.+)@([0-9]{1,5})")  # a system, and how many bits of its codes


class CheckpointError(BadInput):
    """A checkpoint is missing or damaged; the message names the remedy. `what` is what is wrong with it, alone."""

    def __init__(self, message: str, what: str = "") -> None:
        super().__init__(message)
        self.what = what or message


def _plain_path(path: str) -> str:
    if not re.fullmatch(r"(\.\./shared/)?[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*", path):
        raise ValueError("it should be a plain path inside the checkpoint's folder, or ../shared/ and one inside that")
    return path


_Line = Annotated[str, Field(max_length=10_000)]
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
_Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_File = Annotated[str, Field(max_length=200), AfterValidator(_plain_path)]
_Number = Annotated[float, Field(ge=-1e6, le=1e6)]
_Asked = Annotated[str, Field(pattern=r"^(photo|sketch|text|mixed(_photo)?(_sketch)?(_text)?)_to_(photo|sketch|text)$")]


class _Part(BaseModel):
    """A part of config.json: it says what is listed, in just these types, and nothing else. What is None here may be
    left out; null it may not be."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class _Graph(_Part):
    file: _File
    trunk: _File = None
    batch: Annotated[int, Field(ge=1, le=256)] = None


_Tensor = Annotated[str, Field(min_length=1, max_length=200)]
_Dim = Annotated[int, Field(ge=1, le=65_536)]
_Colour = Annotated[list[Annotated[float, Field(ge=-1e3, le=1e3)]], Field(min_length=3, max_length=3)]


class _PictureWiring(_Part):
    """What an adopted graph calls its input and output."""

    picture: _Tensor
    output: _Tensor
    dim: _Dim


class _TextWiring(_Part):
    ids: _Tensor
    mask: _Tensor = None
    types: _Tensor = None
    output: _Tensor
    dim: _Dim


class _View(_Part):
    """xmr.preprocess.View without its size."""

    resize: Literal["shortest", "squash", "longest"]
    edge: int = Field(ge=16, le=2048)
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"]
    mean: _Colour
    std: Annotated[list[Annotated[float, Field(ge=1e-6, le=1e3)]], Field(min_length=3, max_length=3)]
    centre: Literal["floor", "round"]
    fill: int = Field(ge=0, le=255)


class _TextForm(_Part):
    """xmr.preprocess.TextForm without its max_tokens."""

    pad: int = Field(ge=0, le=10_000_000)
    padded: bool
    clean: Literal["none", "case", "whitespace", "lower", "canonicalize"]


class _PictureEncoder(_Graph):
    size: int = Field(ge=SIDES[0], le=SIDES[1])
    graph: _PictureWiring = None
    view: _View = None
    adapter: _File = None

    @model_validator(mode="after")
    def _whole(self) -> _PictureEncoder:
        if len(self.model_fields_set & {"graph", "view"}) == 1:
            raise ValueError("an adopted model's encoder should have both a graph and a view")
        if self.model_fields_set >= {"adapter"} and "graph" not in self.model_fields_set:
            raise ValueError("only an adopted model's encoder has an adapter")
        return self


class _Cells(_Part):
    """What is appended to a photo graph to explain its vectors. It changes none, so that "weights" leaves it out."""

    file: _File
    sha256: _Hash


class _PhotoEncoder(_PictureEncoder):
    cells: _Cells = None


class _TextEncoder(_Graph):
    tokenizer: _File
    graph: _TextWiring = None
    form: _TextForm = None
    words: _File = None
    max_tokens: int = Field(ge=1, le=4096)
    languages: list[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> _TextEncoder:
        if len(self.model_fields_set & {"graph", "form"}) == 1:
            raise ValueError("an adopted model's encoder should have both a graph and a form")
        return self


class _Encoders(_Part):
    photo: _PhotoEncoder = None
    sketch: _PictureEncoder = None
    text: _TextEncoder = None

    @model_validator(mode="after")
    def _one_at_least(self) -> _Encoders:
        if not self.model_fields_set:
            raise ValueError("it should hold a photo, sketch or text encoder")
        return self


class _Curve(_Part):
    mean: _Number
    std: float = Field(ge=1e-6, le=1e6)
    slope: _Number
    intercept: _Number
    usual_length: _Number = None
    per_length: _Number = None
    per_length_squared: _Number = None
    slope_per_length: _Number = None
    surest: _Number = None
    surest_per_length: _Number = None
    several: _Number = None


_Share = Annotated[float, Field(ge=0, le=0.5)]


class _Floors(_Part):
    """How often a term of a kind is misread."""

    photo: _Share
    sketch: _Share
    text: _Share


class _Composer(_Part):
    """A graph; or floors, with which the calibrated curves make the rule."""

    file: _File = None
    floors: _Floors = None

    @model_validator(mode="after")
    def _one(self) -> _Composer:
        if len(self.model_fields_set) != 1:
            raise ValueError("it should have either a file or floors")
        return self


class _Card(_Part):
    command: _Line
    built: _Line
    data: list[_Name]
    limits: _Line
    differs: _Line = None
    source: _Line = None
    licence: _Line = None
    milliseconds: dict[Literal["photo", "sketch", "text"], Annotated[float, Field(ge=0)]] = None


class _Config(_Part):
    """All that a config.json may say. `weights` and `checksum` are what `sign` writes; `run` is the sha256 of run.json,
    which says by which settings, code and data the weights were trained."""

    name: _Name
    about: _Line
    space: Literal["cosine", "euclidean", "hamming"]
    dim: int = Field(ge=1, le=65_536)
    codes: list[Annotated[int, Field(ge=1, le=65_536)]] = None
    weights: _Hash
    checksum: _Hash
    run: _Hash = None
    protocols: list[Annotated[str, Field(max_length=100)]] = None
    encoders: _Encoders
    composer: _Composer = None
    parity: dict[Literal["photo", "sketch", "text", "composer"], Annotated[float, Field(ge=0)]] = None
    calibration: dict[_Asked, _Curve] = None
    completeness: Annotated[list[_Number], Field(max_length=65_537)] = None
    card: _Card = None

    @model_validator(mode="after")
    def _of_its_vectors(self) -> _Config:
        if self.completeness is not None and len(self.completeness) != self.dim + 1:
            raise ValueError(f"completeness should have {self.dim + 1} numbers: a vector's weights and an intercept")
        if self.codes is not None and (self.space != "hamming" or max(self.codes, default=0) != self.dim):
            raise ValueError(f"codes should be lengths in bits, the longest of them {self.dim}, in a hamming space")
        return self


def available(root: str | Path | None = None) -> list[str]:
    """The names of the checkpoints in a folder, sorted; without one, of those that ship and those that were adopted.

    >>> "tri" in available()
    True
    """
    roots = (ROOT, models()) if root is None else (Path(root),)
    found = {config.parent.name for one in roots for config in one.glob("*/config.json")}
    return sorted(name for name in found if not name.startswith("."))  # one that is still being made


def folder_of(name: str, root: str | Path | None = None) -> Path:
    """The folder of the checkpoint of that name: in `root`, or, without one, among those that ship or were adopted."""
    if root is not None:
        return Path(root) / name
    return next((place / name for place in (ROOT, models()) if (place / name / "config.json").is_file()), ROOT / name)


def describe(name: str, root: str | Path | None = None) -> dict:
    """A checkpoint's config.json, without a look at its graphs; CheckpointError if it isn't as it was published."""
    folder = folder_of(name, root)
    config = _read(folder)
    _validate(folder, config)
    if _checksum(config) != config["checksum"]:
        raise _changed(folder, "config.json is not as it was signed")
    return config


def load(name: str | Path, root: str | Path | None = None) -> System:
    """The system of that name (see `folder_of`), or in the folder `name` itself. Its graphs are opened at first use.
    With "@" and a number of bits behind the name it has the first bits of its codes, as System.shortened says.

    Raises:
        BadInput: it has no codes of this length.
        CheckpointError: a BadInput: no such checkpoint, or one whose files are missing, unreadable or not those
            published.

    >>> tri = load("tri")
    >>> tri.dim, tri.space, sorted(map(str, tri.encoders)), sorted(tri.languages)
    (256, 'cosine', ['photo', 'sketch', 'text'], ['de', 'en'])
    >>> load("iaprtc12-hashing@16").dim
    16
    """
    whole, bits = name_and_bits(name) if isinstance(name, str) else (name, None)
    system = _load_whole(whole, root)
    return system if bits is None else system.shortened(bits)


def name_and_bits(name: str) -> tuple[str, int | None]:
    """A system's name or folder, and how many bits of its codes are asked for behind an "@"; None for all of them.

    >>> name_and_bits("iaprtc12-hashing@16"), name_and_bits("tri")
    (('iaprtc12-hashing', 16), ('tri', None))
    """
    asked = _SHORTENED.fullmatch(name)
    if asked is None or os.path.isfile(os.path.join(name, "config.json")):  # a folder may be called so
        return name, None
    return asked[1], int(asked[2])


def _load_whole(name: str | Path, root: str | Path | None) -> System:
    """As `load`, with its whole codes."""
    try:
        folder = Path(name).expanduser()
    except RuntimeError:  # there is no home folder
        folder = Path(name)
    except TypeError:
        raise CheckpointError(
            f"Expected a system's name or its folder; {shown(name)} came. xmr.systems() lists the names."
        ) from None
    try:
        if not (folder / "config.json").is_file():
            folder = folder_of(str(name), root)
        there = folder.is_dir()
    except (OSError, ValueError):  # a name that no file can have
        there = False
    if not there:
        raise _missing(folder, root)
    config = describe(folder.name, folder.parent)
    hashes = _hashes(folder, config)
    found = _weights(hashes)
    if found != config["weights"]:
        promised = config["weights"]
        raise _changed(folder, f"its graphs and tokenizers hash to {found[:8]}, but config.json says {promised[:8]}")
    return System(
        name=config["name"],
        space=config["space"],
        dim=config["dim"],
        encoders={
            Modality(modality): Encoder.from_config(folder, Modality(modality), part, hashes)
            for modality, part in config["encoders"].items()
        },
        weights=config["weights"],
        calibration=config.get("calibration", {}),
        completeness=config.get("completeness"),
        composer=_composer(folder, config, hashes),
        config=config,
        hashes=hashes,
    )


def sign(folder: str | Path, config: Mapping[str, Any] | None = None) -> None:
    """Write a checkpoint's config.json (the one that is there, unless another is given) with the two hashes that
    `load` holds it against.

    "weights" is the sha256 over the graphs and tokenizers, as `sha256sum FILE ... | sha256sum` gives it for the files
    that "encoders" name, in the order of their names. "checksum" is the sha256 over all the rest of the config, as JSON
    with sorted keys and no spaces. They find damage and slips; they are no proof of who published it.

    Raises:
        CheckpointError: the config says what it may not, or names a file that isn't there.
    """
    folder = Path(folder)
    config = _read(folder) if config is None else json.loads(json.dumps(config))
    _validate(folder, {**config, "weights": "0" * 64, "checksum": "0" * 64})
    config = {**config, "weights": _weights(_hashes(folder, config))}
    config["checksum"] = _checksum(config)
    write_json(folder / "config.json", config)


def _read(folder: Path) -> Any:
    """The JSON of a folder's config.json."""
    path = folder / "config.json"
    try:
        if not folder.is_dir():
            raise _missing(folder, folder.parent)
        if not path.is_file():
            raise _damaged(folder, "config.json is missing")
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise _damaged(folder, f"config.json cannot be read: {error.strerror}") from None
    if len(content) > _LARGEST:
        raise _damaged(folder, f"config.json has more than {_LARGEST:,} bytes")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _damaged(folder, f"config.json is no JSON that can be read: {error}") from None


def _validate(folder: Path, config: Any) -> None:
    try:
        _Config.model_validate(config)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        field = ".".join(map(str, wrong["loc"])) or "it"
        if wrong["type"] == "missing":
            said = f"lacks {shown(field)}"
        elif wrong["type"] == "extra_forbidden":
            said = f"has {shown(field)}, which means nothing here"
        else:
            said = f"has {shown(wrong['input'])} as {shown(field)}: {wrong['msg'].removeprefix('Value error, ')}"
        raise _damaged(folder, f"config.json {said}") from None


def _checksum(config: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in config.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _composer(folder: Path, config: Mapping[str, Any], hashes: Mapping[str, str]) -> Composer | None:
    if "composer" not in config:
        return None
    if "floors" in config["composer"]:
        return CurveComposer(config.get("calibration", {}), config["composer"]["floors"])
    name = config["composer"]["file"]
    return GraphComposer(partial(open_session, CheckpointFile((folder / name).resolve(), hashes[name])))


def _hashes(folder: Path, config: Mapping[str, Any]) -> dict[str, str]:
    """The sha256 (hex) of each file that a config's "encoders" and "composer" name, sorted by name."""
    home = folder.resolve()
    hashes = {}
    parts = [*config["encoders"].values(), config.get("composer", {})]
    for name in sorted({part[key] for part in parts for key in _FILES if key in part}):
        try:
            path = (folder / name).resolve()
            if not path.is_relative_to(home) and not path.is_relative_to(home.parent / "shared"):
                raise _damaged(folder, f"{name} is a link that leads out of it")
            if not path.is_file():
                raise _damaged(folder, f"{name} is missing")
            with path.open("rb") as file:
                hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, RuntimeError) as error:  # a RuntimeError for links in a circle
            raise _damaged(folder, f"{name} cannot be read: {error}") from None
    return hashes


def _weights(hashes: Mapping[str, str]) -> str:
    listed = "".join(f"{digest}  {name}\n" for name, digest in hashes.items())
    return hashlib.sha256(listed.encode()).hexdigest()


def _missing(folder: Path, root: str | Path | None) -> CheckpointError:
    known = ", ".join(available(root)) or "none"
    return CheckpointError(
        f"There is no checkpoint {shown(folder.name)} in {folder.parent} (there: {known}). Choose one of those, "
        f"restore it with git checkout -- {quote(str(folder))}, train one: python -m training fit, or adopt one: "
        "python -m xmr adopt MODEL"
    )


def _damaged(folder: Path, what: str) -> CheckpointError:
    way = _again(folder) or (
        f"Restore it with git checkout -- {quote(str(folder))}, or publish it again: python -m training publish"
    )
    return CheckpointError(f"The checkpoint {folder} is damaged: {what}. {way}", what)


def _changed(folder: Path, what: str) -> CheckpointError:
    way = _again(folder) or f"Restore it with git checkout -- {quote(str(folder))}"
    return CheckpointError(
        f"The checkpoint {folder} was changed: {what}. {way}, "
        f"or, if the change is meant, sign it: python -m xmr sign {quote(str(folder))}",
        what,
    )


def _again(folder: Path) -> str:
    """The remedy for a model that was adopted; "" for what ships."""
    if folder.parent != models():
        return ""
    return f"Remove it (python -m xmr adopt --remove {quote(folder.name)}) and adopt it again"
