"""Reads and encodes photos on many machines with Dask, while this one writes the gallery.

Dask, not Ray: it is pure Python, runs in one process, on one machine and on many with the same code, and starts a lost
task again on another machine by itself; nothing here needs more. The workers see the photos under the same paths, and
have the same checkpoints installed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from xmr import checkpoint
from xmr.gallery.indexing import read_and_encode
from xmr.gallery.reading import Outcome, Work
from xmr.modality import BadInput, Modality
from xmr.system import System

SHARD = 128  # photos of a task, which are committed together
_RETRIES = 3
_EACH = 2  # tasks that wait for each worker


@contextmanager
def dask_cluster(address: str, checkpoints: Mapping[str, str]) -> Generator[Callable[..., Generator[list[Outcome]]]]:
    """What index_folder takes as `embed` to read and encode on a Dask cluster.

    Args:
        address: of the scheduler, such as tcp://host:8786; "local" starts one with a process for every core here.
        checkpoints: what the workers load each system from, by its name: a checkpoint's name or folder.

    Raises:
        BadInput: Dask is not installed, or there is no scheduler at this address.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise BadInput("Dask is not installed here. Run pip install 'xmr[cluster]'.") from None
    cluster = LocalCluster(threads_per_worker=1, dashboard_address=None) if address == "local" else None
    try:
        try:
            client = Client(cluster or address, timeout="20s")
        except (OSError, ValueError) as error:
            raise BadInput(
                f"No Dask scheduler answers at {address} ({error}). Start one with: dask scheduler; and on each "
                f"machine: dask worker {address}"
            ) from None
        with client:

            def embed(todo: Sequence[Work], systems: Mapping[str, System], workers: int) -> Generator[list[Outcome]]:
                return _embed(client, todo, systems, checkpoints)

            yield embed
    finally:
        if cluster is not None:
            cluster.close()


def _embed(
    client: Any, todo: Sequence[Work], systems: Mapping[str, System], checkpoints: Mapping[str, str]
) -> Generator[list[Outcome]]:
    """Shards of the listing in order; only a few are on their way at a time."""
    wanted = {name: (checkpoints[name], system.fingerprint(Modality.PHOTO)) for name, system in systems.items()}
    ahead: deque[Any] = deque()
    try:
        for start in range(0, len(todo), SHARD):
            shard = list(todo[start : start + SHARD])
            ahead.append(client.submit(embed_shard, shard, wanted, retries=_RETRIES, pure=False))
            if len(ahead) > _EACH * max(1, len(client.nthreads())):
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        for future in ahead:
            future.cancel()


def embed_shard(shard: Sequence[Work], wanted: Mapping[str, tuple[str, str]]) -> list[Outcome]:
    """Read and encode one shard in this process.

    wanted: what each system is loaded from, and the fingerprint that its photo encoder must have, by its name.

    Raises:
        BadInput: a checkpoint here has other weights.
    """
    systems = {name: _system(source) for name, (source, _) in wanted.items()}
    for name, (_, fingerprint) in wanted.items():
        if systems[name].fingerprint(Modality.PHOTO) != fingerprint:
            raise BadInput(f"{name} has other weights on a worker than here. Install the same checkpoint on all.")
    return [outcome for batch in read_and_encode(shard, systems, 1) for outcome in batch]


@lru_cache(maxsize=8)
def _system(source: str) -> System:
    return checkpoint.load(source)
