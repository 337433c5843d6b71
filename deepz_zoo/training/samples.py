"""Sample images that show the progress of a training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import matplotlib as mpl
import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import TensorBoardLogger

from deepz_zoo.training.module import GeneratorTraining
from deepz_zoo.training.simulated_batches import Sample

_ROWS = 4
_MAX_PX = 128
_LABEL_PX = 16
_FONT_PX = 11
_FILES_KEPT = 20
_ALL_IN_TENSORBOARD = 50


class SampleImages(Callback):
    """Writes inputs, refocused images and ground truth of the first validation batch.

    Each validation writes ``samples/step_*.png`` with one labeled row per pair; the newest files
    are kept.
    The TensorBoard log, from which nothing can be removed, gets the images of the first
    validations, then those of every second, fourth, eighth…

    Parameters
    ----------
    folder
        The run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "samples"
        self._picture: NDArray[np.uint8] | None = None

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Sample,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Draw the first batch."""
        if batch_idx == 0 and trainer.is_global_zero:
            images, distances_um = batch["input"][:, :1], batch["input"][:, 1].mean(dim=(1, 2))
            self._picture = picture(images, outputs, batch["target"], distances_um.tolist())

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the picture."""
        if self._picture is None or trainer.sanity_checking:
            return
        assert isinstance(pl_module, GeneratorTraining)
        step = pl_module.iterations_done
        self.folder.mkdir(exist_ok=True)
        iio.imwrite(self.folder / f"step_{step:07d}.png", self._picture)
        for old in sorted(self.folder.glob("step_*.png"))[:-_FILES_KEPT]:
            old.unlink()
        if is_milestone(step // pl_module.run_settings.validate_every):
            for logger in trainer.loggers:
                if isinstance(logger, TensorBoardLogger):
                    logger.experiment.add_image(
                        "input, refocused, ground truth", self._picture, step, dataformats="HW"
                    )


def is_milestone(validation: int) -> bool:
    """Tell whether the n-th validation is logged: about the same number in each doubling of n."""
    every = 1
    while validation > _ALL_IN_TENSORBOARD * every:
        every *= 2
    return validation % every == 0


def picture(
    inputs: torch.Tensor,
    refocused: torch.Tensor,
    targets: torch.Tensor,
    distances_um: Sequence[float],
) -> NDArray[np.uint8]:
    """Arrange images (b, 1, y, x) in one row per pair; return (rows, columns), uint8.

    Above each row are the labels of its images and the distance in µm from the input to the
    target. The input is stretched to its own range, refocused image and target to that of the
    target.
    """
    rows = []
    triples = zip(inputs[:_ROWS], refocused[:_ROWS], targets[:_ROWS], strict=True)
    for triple, dz_um in zip(triples, distances_um, strict=False):
        image, output, target = (
            x[0, :_MAX_PX, :_MAX_PX].detach().float().cpu().numpy() for x in triple
        )
        rows.append(
            np.hstack(
                [
                    _labeled(_grey(image, image), "input"),
                    _labeled(_grey(output, target), f"Δz {dz_um + 0.0:+.3g} µm"),
                    _labeled(_grey(target, target), "ground truth"),
                ]
            )
        )
    return np.vstack(rows)


def _labeled(image: NDArray[np.uint8], label: str) -> NDArray[np.uint8]:
    """Return an image with a label above it, as much of it as is not wider than the image."""
    # matplotlib's own font: the system's may lack Δ, or be missing.
    path = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    font = ImageFont.truetype(str(path), _FONT_PX)
    strip = Image.new("L", (image.shape[1], _LABEL_PX))
    ImageDraw.Draw(strip).text((3, 1), label, fill=255, font=font)
    return np.vstack([np.asarray(strip), image])


def _grey(image: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.uint8]:
    low, high = np.percentile(reference, (1, 99.8))
    stretched = (image - low) / max(high - low, 1e-6)
    return np.asarray(255 * stretched.clip(0, 1), dtype=np.uint8)
