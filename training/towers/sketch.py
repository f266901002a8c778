"""The sketch tower: the photo tower's architecture on one channel of ink, with upper stages and a head of its own."""

import torch

from training.towers.photo import PhotoTower


class SketchTower(PhotoTower):
    """sketch (N, 224, 224) uint8, 255 paper and 0 ink -> (N, dim) unit vectors; in training of any side, and float."""

    def pixels(self, photo: torch.Tensor) -> torch.Tensor:
        """(N, 224, 224) uint8 -> (N, 3, 224, 224) in -1..1, the three channels alike."""
        return (photo.float() / 127.5 - 1).unsqueeze(1).expand(-1, 3, -1, -1)

    @torch.no_grad()
    def begin_as(self, photo: PhotoTower) -> None:
        """Take over the head and the upper stages of a photo tower, as many as it has of its own."""
        for mine, theirs in zip(reversed(self.upper), reversed(photo.upper), strict=False):
            mine.load_state_dict(theirs.state_dict())
        self.head.load_state_dict(photo.head.state_dict())
