"""What bioimage.io's collection asks of a submission, by its own library."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
from bioimageio.spec import load_description

from deepz_zoo.package.build import build_package
from deepz_zoo.package.contents.description import FILES
from deepz_zoo.package.contents.variants import Variant
from deepz_zoo.package.reading.isolation import isolated_bioimageio
from tests.builders import read_yaml

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=[Variant(), Variant((-1.0, 0.0, 1.0))])
def package(request, model, manifest, example, tmp_path_factory):
    path = tmp_path_factory.mktemp("submission") / "package.zip"
    build_package(model, manifest, path, variant=request.param, example=example, test=False)
    return path


def test_only_the_maintainer_is_missing(package):
    """Who submits adds a GitHub account; packages have none, as it needs the network."""
    with isolated_bioimageio():
        summary = load_description(package).validation_summary
        assert summary.status == "valid-format"
        warnings = [warning.msg for detail in summary.details for warning in detail.warnings]
    assert len(warnings) == 1
    assert warnings[0].startswith("Missing `maintainers`")


def test_description_has_a_tag_of_every_category_and_links(package):
    import zipfile

    with zipfile.ZipFile(package) as archive:
        (package.parent / FILES.description).write_bytes(archive.read(FILES.description))
    description = read_yaml(package.parent / FILES.description)
    static = files("bioimageio.spec").joinpath("static")
    categories = json.loads(static.joinpath("tag_categories.json").read_text(encoding="utf-8"))
    for category, known in categories["model"].items():
        assert set(description["tags"]) & set(known), category
    assert {"deepimagej/deepimagej", "ilastik/ilastik"} <= set(description["links"])
    for tensor in (*description["inputs"], *description["outputs"]):
        assert tensor["sample_tensor"]["source"].endswith(".tif")
