"""The other files that an ONNX file wants, found without opening them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deepz_zoo.errors import DeepZError


def external_files(path: Path) -> tuple[str, ...]:
    """Return the names of other files that hold weights, as the ONNX file writes them.

    Raises
    ------
    DeepZError
        If the file is not ONNX, or is damaged.
    """
    import onnx

    try:
        # without the format, the suffix of an untrusted file would choose the parser
        model = onnx.load(path, format="protobuf", load_external_data=False)
    except Exception as error:  # protobuf's, which differ between its implementations
        raise DeepZError(f"{path.name} is not an ONNX file, or a damaged one") from error
    return external_names(model)


def external_names(model: Any) -> tuple[str, ...]:
    """Return the names of other files that hold weights of a loaded ONNX model."""
    return tuple(sorted(set(_locations(model))))


def _locations(model: Any) -> Iterator[str]:
    for graph in (model.graph, *model.functions):
        for tensor in _tensors(graph):
            for entry in tensor.external_data:
                if entry.key == "location":
                    yield entry.value


def _tensors(graph: Any) -> Iterator[Any]:
    """Yield the tensors of a graph or a function, those of its inner graphs too."""
    yield from getattr(graph, "initializer", ())
    for sparse in getattr(graph, "sparse_initializer", ()):
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for inner in (attribute.g, *attribute.graphs):
                yield from _tensors(inner)
