"""Training of a generator against a discriminator, as the paper does it."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.utils import convert_conv2d_weight_memory_format

from deepz_zoo.network.discriminator import Discriminator
from deepz_zoo.network.losses import AdversarialGeneratorLoss, discriminator_loss
from deepz_zoo.training.module import GeneratorTraining
from deepz_zoo.training.presets import TrainingSettings
from deepz_zoo.training.simulated_batches import Sample


class AdversarialTraining(GeneratorTraining):
    """Trains generator and discriminator by Eqs. (4) and (5) of the paper.

    "In each iteration, six updates of the generator loss and three updates of the discriminator
    loss were performed." Whether those nine see one batch or nine is not said; here an iteration
    draws one batch of N pairs, over which the equations sum, and all updates use it: first those of
    the generator, in the order of the sentence.

    The discriminator has the width of the generator. It sees only images, without DPM or input:
    "the input data of the discriminator D(.) have the dimensions of 256×256".
    """

    loss: AdversarialGeneratorLoss

    def __init__(self, settings: TrainingSettings) -> None:
        super().__init__(settings)
        self.automatic_optimization = False
        self.loss = AdversarialGeneratorLoss(settings.alpha, settings.alpha_weighs)
        self.discriminator = Discriminator(settings.generator.width)
        convert_conv2d_weight_memory_format(self.discriminator, torch.channels_last)

    def compile_networks(self) -> None:
        """Compile both networks by `torch.compile`."""
        super().compile_networks()
        self.discriminator.compile()

    def training_step(self, batch: Sample, batch_idx: int) -> None:
        """Update the generator, then the discriminator, each several times."""
        settings = self.run_settings
        optimizers: Any = self.optimizers()
        of_generator, of_discriminator = optimizers
        for _ in range(settings.generator_updates):
            self.toggle_optimizer(of_generator)
            refocused = self.refocus(batch)
            loss = self.loss(self._score(refocused), refocused, batch["target"])
            self.update(of_generator, "generator loss", loss, batch)
        with torch.no_grad():
            refocused = self.refocus(batch)
        for _ in range(settings.discriminator_updates):
            self.toggle_optimizer(of_discriminator)
            against = discriminator_loss(self._score(refocused), self._score(batch["target"]))
            self.update(of_discriminator, "discriminator loss", against, batch)
        self.log("train_loss", loss, prog_bar=True)
        self.log("train_discriminator_loss", against, prog_bar=True)

    def _score(self, images: torch.Tensor) -> torch.Tensor:
        images = images.contiguous(memory_format=torch.channels_last)
        scores: torch.Tensor = self.discriminator(images).float()
        return scores

    def update(self, optimizer: Any, name: str, loss: torch.Tensor, batch: Sample) -> None:
        """Update the network of an optimizer by a loss, called `name` in errors."""
        self.stop_unless_finite(name, loss, batch)
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()
        self.untoggle_optimizer(optimizer)

    def configure_optimizers(self) -> Any:
        """Adam with constant rates, "10^-4 and 3×10^-5 for L_G and L_D respectively"."""
        settings = self.run_settings
        return [
            torch.optim.Adam(self.generator.parameters(), settings.learning_rate),
            torch.optim.Adam(self.discriminator.parameters(), settings.discriminator_rate),
        ]


def make_training(settings: TrainingSettings) -> GeneratorTraining:
    """Return the module for the settings, adversarial or not."""
    return AdversarialTraining(settings) if settings.adversarial else GeneratorTraining(settings)
