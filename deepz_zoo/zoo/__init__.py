"""The zoo: trained models by objective and channel, each with the manifest that describes it."""

from __future__ import annotations

from deepz_zoo.zoo.store import add_model, get_manifest, list_models

__all__ = ["add_model", "get_manifest", "list_models"]
