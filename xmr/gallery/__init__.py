"""Galleries: collections of photos that can be searched, and the indexing of folders."""

from xmr.gallery.database import GalleryMismatch
from xmr.gallery.indexing import IndexReport, Progress, index_folder
from xmr.gallery.location import DEMO, given_path
from xmr.gallery.store import Entry, Gallery
from xmr.gallery.thumbnails import thumbnail

__all__ = [
    "DEMO",
    "Entry",
    "Gallery",
    "GalleryMismatch",
    "IndexReport",
    "Progress",
    "given_path",
    "index_folder",
    "thumbnail",
]
