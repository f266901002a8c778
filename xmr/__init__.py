"""xmr: find photos from a drawing, a caption, a photo, or any mix of them. Nothing here needs torch."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xmr.checkpoint import available as systems
    from xmr.checkpoint import load
    from xmr.gallery import index_folder
    from xmr.modality import BadInput, Drawing, Hit, Item, Modality, Query, Term
    from xmr.search import Searcher
    from xmr.system import System

    open = Searcher.open

__version__ = "0.2.0"
__all__ = [
    "BadInput",
    "Drawing",
    "Hit",
    "Item",
    "Modality",
    "Query",
    "Searcher",
    "System",
    "Term",
    "index_folder",
    "load",
    "open",
    "systems",
]

_MODULE_OF = {
    "load": "checkpoint",
    "systems": "checkpoint",
    "index_folder": "gallery",
    "open": "search",
    "Searcher": "search",
    "System": "system",
}


def __getattr__(name: str) -> Any:
    """The names above, each read when it is first used: importing xmr costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_MODULE_OF.get(name, 'modality')}")
    match name:
        case "systems":
            return module.available
        case "open":
            return module.Searcher.open
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
