"""Where training, its features and its validation compute: what --device names."""

import copy
from collections.abc import Callable, Mapping

import numpy as np
import torch

from xmr.modality import BadInput

AUTO, CPU, CUDA = "auto", "cpu", "cuda"
_chosen = AUTO


def use(name: str) -> None:
    """Choose what this process computes on: AUTO, CPU or CUDA; raises BadInput for cuda where there is no GPU."""
    global _chosen
    if name == CUDA and not torch.cuda.is_available():
        raise BadInput("PyTorch finds no GPU here. Leave --device out, or install a PyTorch with CUDA.")
    _chosen = name


def gpus() -> int:
    """How many GPUs are used; 0: it is the CPU."""
    return 0 if _chosen == CPU else torch.cuda.device_count()


def for_features() -> torch.device:
    """What computes features before training: the GPU where one is used. Where there are several, training forks a
    process for each, which a process that has used one of them cannot: then the CPU."""
    return torch.device(CUDA if gpus() == 1 else CPU)


def in_torch(network: torch.nn.Module, device: torch.device) -> Callable:
    """A copy of a network on a device, as a function that is called as an ONNX session's `run`: (None, the one input by
    its name, an array) -> [its output, float32]."""
    there = copy.deepcopy(network).to(device).eval()

    @torch.inference_mode()
    def run(_: None, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        (batch,) = inputs.values()
        return [there(torch.from_numpy(batch).to(device)).float().cpu().numpy()]

    return run
