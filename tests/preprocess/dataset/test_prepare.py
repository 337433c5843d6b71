"""From files to a dataset: simulated and acquired stacks, interruptions, splits."""

from __future__ import annotations

import errno
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepz_zoo.errors import DeepZError
from deepz_zoo.images import read_image
from deepz_zoo.optics import get_system
from deepz_zoo.preprocess.dataset.fields import prepare_field
from deepz_zoo.preprocess.dataset.plan import PreparationPlan, StackFile, describe_sources
from deepz_zoo.preprocess.dataset.prepare import prepare_dataset
from deepz_zoo.preprocess.dataset.storage import PreparedDataset
from deepz_zoo.preprocess.dataset.summary import summarize
from deepz_zoo.records.dataset import PreparationSettings, StackReading
from tests.builders import BEAD, spotted_stack

SETTINGS = PreparationSettings(align="none", region_px=48, planes_each_side=4, targets=3)


@pytest.fixture
def prepare_files(tmp_path: Path, system):
    """Return a function that prepares files into `tmp_path`."""

    def call(
        *files: StackFile, settings=SETTINGS, output: str = "data", **options
    ) -> PreparedDataset:
        return prepare_dataset(files, tmp_path / output, system, settings, **options)

    return call


def fields_of_view(tmp_path: Path, write_stack, count: int, planes: int = 6) -> list[StackFile]:
    """Write stacks of one bright object each, in another place in each."""
    rng = np.random.default_rng(0)
    files = []
    for index in range(count):
        stack = rng.normal(100, 3, (planes, 40, 48))
        y, x = rng.integers(8, 30, 2)
        for z in range(planes):
            stack[z, y : y + 4, x : x + 4] += 2000 / (1 + abs(z - planes // 2))
        path = write_stack(tmp_path / f"field{index}.ome.tif", stack.round().astype(np.uint16))
        files.append(StackFile(path))
    return files


SMALL = PreparationSettings(align="none", region_px=32, planes_each_side=2, targets=2)


def content(dataset: PreparedDataset) -> tuple[str, bytes]:
    return (
        (dataset.path / "manifest.json").read_text(),
        (dataset.path / "pairs.npy").read_bytes(),
    )


# ---------------------------------------------------------------------------------- whole stacks


@pytest.mark.slow
@pytest.mark.parametrize("specimen", ["beads", "nuclei"])
def test_a_simulated_stack_goes_through(specimen: str, prepare_files, stacks, system) -> None:
    settings = SETTINGS.model_copy(update={"align": "stackreg"})
    dataset = prepare_files(StackFile(stacks[specimen]), settings=settings)
    manifest = dataset.manifest
    assert manifest.system == system
    assert manifest.target_modality == "same"
    assert (manifest.pixel_size_um, manifest.z_step_um) == (0.325, 0.5)
    mask = dataset.overview(0, "mask")
    covered = np.zeros_like(mask)
    places = [(r.y_px, r.x_px) for r in dataset.regions]
    places += [(r.y_px, r.x_px) for r in manifest.rejected]
    for y, x in places:
        covered[y : y + 48, x : x + 48] = True
    assert covered[mask].all()
    in_focus = [region.focus_curve[region.z_um.index(0.0)] for region in dataset.regions]
    assert in_focus == [max(region.focus_curve) for region in dataset.regions]
    assert manifest.pair_counts["training"] > 0
    assert not (dataset.path.parent / "data.part").exists()


def test_the_sign_of_z_is_that_of_the_stack(prepare_files, stacks) -> None:
    """A positive distance leads to a plane at a higher index of the file."""
    dataset = prepare_files(StackFile(stacks["nuclei"]))
    recorded = read_image(stacks["nuclei"]).data
    pair = next(p for p in dataset.pairs("training") if p.distance_um == 1.5)
    region = dataset.regions[pair.region]
    window = np.s_[region.y_px : region.y_px + 48, region.x_px : region.x_px + 48]
    source = dataset.image(pair.region, pair.source)
    plane = next(z for z, p in enumerate(recorded) if np.array_equal(p[window], source))
    np.testing.assert_array_equal(
        dataset.target(pair.region, pair.target), recorded[plane + 3][window]
    )


def test_an_acquired_bead(prepare_files) -> None:
    settings = PreparationSettings(region_px=40, targets=5)
    reading = StackReading(mismatch="resample")
    dataset = prepare_files(StackFile(BEAD), settings=settings, reading=reading)
    (region,) = dataset.regions
    assert region.clipped
    assert len(region.z_um) == 25
    assert np.diff(region.z_um) == pytest.approx(0.3)
    assert np.argmax(region.focus_curve) == pytest.approx(11.5, abs=1.5)
    brightest = dataset.image(0, region.z_um.index(0.0))
    assert np.unravel_index(brightest.argmax(), brightest.shape) == pytest.approx((20, 20), abs=3)


def test_an_acquired_nucleus_of_two_modalities(prepare_files, nucleus: Path) -> None:
    dataset = prepare_files(
        StackFile(nucleus, target=nucleus),
        settings=PreparationSettings(align="none", region_px=96, planes_each_side=8, targets=4),
        reading=StackReading(input_channel=2, mismatch="ignore"),
        target_reading=StackReading(input_channel="1", mismatch="ignore"),
        target_modality="confocal",
    )
    assert dataset.manifest.target_modality == "confocal"
    field, region = dataset.manifest.fields[0], dataset.regions[0]
    assert "shift" in field.registration
    pairs = dataset.pairs("training")
    assert len(pairs) == 4 * len(region.z_um)
    for pair in pairs:
        expected = region.target_z_um[pair.target] - region.z_um[pair.source]
        assert pair.distance_um == pytest.approx(expected, abs=1e-6)
    best = int(np.argmin(np.abs(region.target_z_um)))
    window = np.s_[region.y_px : region.y_px + 96, region.x_px : region.x_px + 96]
    wide = dataset.overview(0, "edf")[window]
    assert np.corrcoef(dataset.target(0, best).ravel(), wide.ravel())[0, 1] > 0.9


# ----------------------------------------------------------------------------------------- splits


def test_a_named_stack_is_the_test_and_nothing_else_is(
    tmp_path: Path, prepare_files, write_stack
) -> None:
    files = fields_of_view(tmp_path, write_stack, 9)
    files[4] = StackFile(files[4].path, role="test")
    dataset = prepare_files(*files, settings=SMALL)
    splits = {region.field_of_view: region.split for region in dataset.regions}
    assert [index for index, split in splits.items() if split == "test"] == [4]
    assert sorted(splits.values()).count("validation") == 1
    assert dataset.manifest.sources[4].role == "test"


def test_the_positions_of_a_file_are_fields_of_view(
    tmp_path: Path, prepare_files, write_stack
) -> None:
    single = fields_of_view(tmp_path, write_stack, 3)
    metadata = {"axes": "ZYX", "PhysicalSizeX": 0.325, "PhysicalSizeY": 0.325, "PhysicalSizeZ": 0.5}
    path = tmp_path / "positions.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as file:
        for stack in single:
            file.write(read_image(stack.path).data, metadata=metadata)
    alone = prepare_files(*single, settings=SMALL, output="alone")
    together = prepare_files(StackFile(path), settings=SMALL, output="together")
    assert [(f.source, f.position) for f in together.manifest.fields] == [(0, 0), (0, 1), (0, 2)]
    assert together.regions == alone.regions
    assert together.pairs("training") == alone.pairs("training")


def test_the_same_pixels_in_two_files_are_refused(
    tmp_path: Path, prepare_files, write_stack
) -> None:
    """In another container, so that the files differ; one would validate what the other trains."""
    files = fields_of_view(tmp_path, write_stack, 1)
    again = write_stack(tmp_path / "again.ome.tif", read_image(files[0].path).data, step_um=0.51)
    with pytest.raises(DeepZError, match=r"again.ome.tif has the same pixels as .*field0.ome"):
        prepare_files(*files, StackFile(again, role="test"), settings=SMALL)


def test_other_types_of_the_same_pixels_are_refused(
    tmp_path: Path, prepare_files, write_stack
) -> None:
    stack = spotted_stack()
    files = [
        StackFile(write_stack(tmp_path / f"{kind}.ome.tif", stack.astype(kind)))
        for kind in ("uint16", "float32")
    ]
    with pytest.raises(DeepZError, match=r"float32.ome.tif has the same pixels as .*uint16.ome"):
        prepare_files(*files, settings=SMALL)
    assert not (tmp_path / "data.part").exists()


def test_a_twin_without_noise_is_in_the_split_of_the_noisy_one(
    tmp_path: Path, prepare_files, write_stack
) -> None:
    """Whether whole fields are divided or single regions."""
    for count, fraction in ((4, 0.3), (2, 0.15)):
        files = []
        for index in range(count):
            for name, noise in (("", 15.0), ("_clean", 0.0)):
                planes = spotted_stack(index, noise=noise)
                path = tmp_path / f"{index}{name}.ome.tif"
                files.append(StackFile(write_stack(path, planes)))
        settings = SMALL.model_copy(update={"validation_fraction": fraction})
        dataset = prepare_files(*files, settings=settings, output=f"of{count}")
        expected = [None if i % 2 == 0 else i - 1 for i in range(2 * count)]
        assert [field.same_as for field in dataset.manifest.fields] == expected
        assert dataset.manifest.pair_counts["validation"] > 0
        for one, other in itertools.combinations(dataset.regions, 2):
            if one.field_of_view // 2 != other.field_of_view // 2 or one.split == other.split:
                continue
            assert max(abs(one.y_px - other.y_px), abs(one.x_px - other.x_px)) >= 32
        (line, *_) = summarize(dataset).warnings
        assert line.startswith("0_clean.ome.tif shows the same field of view as 0.ome.tif")


def test_a_twin_is_not_the_test_of_the_other(tmp_path: Path, prepare_files, write_stack) -> None:
    noisy = write_stack(tmp_path / "noisy.ome.tif", spotted_stack(noise=15.0))
    clean = write_stack(tmp_path / "clean.ome.tif", spotted_stack(noise=0.0))
    with pytest.raises(DeepZError, match=r"clean.ome.tif shows the same field of view"):
        prepare_files(StackFile(noisy), StackFile(clean, role="test"), settings=SMALL)


def test_one_target_for_two_stacks_is_refused(tmp_path: Path, prepare_files, write_stack) -> None:
    target = write_stack(tmp_path / "target.ome.tif", spotted_stack(9))
    stacks = [write_stack(tmp_path / f"{i}.ome.tif", spotted_stack(i)) for i in range(2)]
    with pytest.raises(DeepZError, match=r"the target of .*1.ome.tif has the same pixels as that"):
        prepare_files(*(StackFile(path, target=target) for path in stacks), settings=SMALL)


# ----------------------------------------------------------------------------------- interruption


@pytest.fixture
def interrupted(tmp_path: Path, prepare_files, write_stack, monkeypatch):
    """Return the files of a preparation that was stopped while it prepared the third of four."""
    files = fields_of_view(tmp_path, write_stack, 4)

    def stop_at_third(task, *steps):
        if task.index == 2:
            raise KeyboardInterrupt
        return prepare_field(task, *steps)

    with monkeypatch.context() as patch:
        patch.setattr(f"{prepare_dataset.__module__}.prepare_field", stop_at_third)
        with pytest.raises(KeyboardInterrupt):
            prepare_files(*files, settings=SMALL)
    assert not (tmp_path / "data").exists()
    kept = [path.name for path in sorted((tmp_path / "data.part" / "fields").iterdir())]
    assert kept == ["0000.h5", "0001.h5"]
    return files


def test_an_interrupted_run_goes_on_and_comes_out_the_same(
    interrupted, tmp_path: Path, prepare_files, monkeypatch
) -> None:
    done = []

    def counted(task, *steps):
        done.append(task.index)
        return prepare_field(task, *steps)

    monkeypatch.setattr(f"{prepare_dataset.__module__}.prepare_field", counted)
    resumed = prepare_files(*interrupted, settings=SMALL)
    assert done == [2, 3]
    assert not (tmp_path / "data.part").exists()
    assert content(resumed) == content(prepare_files(*interrupted, settings=SMALL, output="b"))


def test_other_settings_do_not_go_on_with_it(interrupted, tmp_path: Path, prepare_files) -> None:
    other = SMALL.model_copy(update={"targets": 3})
    with pytest.raises(DeepZError, match=r"data.part holds an unfinished preparation of other"):
        prepare_files(*interrupted, settings=other)
    dataset = prepare_files(*interrupted, settings=other, overwrite=True)
    assert dataset.manifest.parameters.targets == 3


@pytest.fixture
def full_disk(monkeypatch):
    """Return a function that lets the disk be full when a field of some number is written."""

    def full_at(number: int) -> None:
        write = Path.write_bytes

        def write_bytes(path: Path, data: bytes) -> int:
            if path.name.startswith(f".{number:04d}.h5"):
                write(path, data[:1000])
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(path, data)

        monkeypatch.setattr(Path, "write_bytes", write_bytes)

    return full_at


def test_a_disk_full_at_once_leaves_nothing(
    tmp_path: Path, prepare_files, write_stack, full_disk
) -> None:
    files = fields_of_view(tmp_path, write_stack, 1)
    full_disk(0)
    with pytest.raises(DeepZError, match="the disk of .* is full; free some space$"):
        prepare_files(*files, settings=SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["field0.ome.tif"]


def test_a_preparation_on_a_full_disk_goes_on_when_there_is_space(
    tmp_path: Path, prepare_files, write_stack, full_disk, monkeypatch
) -> None:
    files = fields_of_view(tmp_path, write_stack, 3)
    with monkeypatch.context():
        full_disk(2)
        with pytest.raises(DeepZError, match=r"kept in .*data.part: repeat the command to go on"):
            prepare_files(*files, settings=SMALL)
        monkeypatch.undo()
    kept = sorted((tmp_path / "data.part" / "fields").iterdir())
    assert [path.name for path in kept] == ["0000.h5", "0001.h5"]
    begun = kept[0].stat().st_mtime_ns
    dataset = prepare_files(*files, settings=SMALL)
    assert (dataset.path / "fields" / "0000.h5").stat().st_mtime_ns == begun


def test_an_error_after_the_first_field_says_what_is_kept(
    tmp_path: Path, prepare_files, write_stack, monkeypatch
) -> None:
    files = fields_of_view(tmp_path, write_stack, 2)

    def fails(task, *steps):
        if task.index == 1:
            raise MemoryError("Unable to allocate 8 GiB")
        return prepare_field(task, *steps)

    monkeypatch.setattr(f"{prepare_dataset.__module__}.prepare_field", fails)
    expected = r"not enough memory \(Unable to allocate 8 GiB\).* repeat the command to go on"
    with pytest.raises(DeepZError, match=expected):
        prepare_files(*files, settings=SMALL)


def test_stopped_before_the_first_field_nothing_is_left(
    tmp_path: Path, prepare_files, write_stack, monkeypatch
) -> None:
    files = fields_of_view(tmp_path, write_stack, 1)

    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"{prepare_dataset.__module__}.prepare_field", stop)
    with pytest.raises(KeyboardInterrupt):
        prepare_files(*files, settings=SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["field0.ome.tif"]


def test_killed_before_the_plan_or_with_a_damaged_field_it_goes_on(
    tmp_path: Path, prepare_files, write_stack
) -> None:
    files = fields_of_view(tmp_path, write_stack, 2)
    (tmp_path / "data.part" / "fields").mkdir(parents=True)
    (tmp_path / "data.part" / ".plan.json.1.part").write_text("{")
    expected = content(prepare_files(*files, settings=SMALL))
    whole = tmp_path / "data" / "fields" / "0001.h5"
    part = tmp_path / "again.part" / "fields"
    part.mkdir(parents=True)
    (part / "0001.h5").write_bytes(whole.read_bytes()[:5000])
    with pytest.raises(DeepZError, match=r"again.part is not an unfinished preparation"):
        prepare_files(*files, settings=SMALL, output="again")
    plan = PreparationPlan(
        system=get_system("leica20x_0.8/TxRd"), target_modality="same", parameters=SMALL,
        reading=StackReading(), target_reading=None, sources=describe_sources(files), twins=(),
    )  # fmt: skip
    (part.parent / "plan.json").write_text(plan.model_dump_json())
    assert content(prepare_files(*files, settings=SMALL, output="again")) == expected


# ------------------------------------------------------------------------------------ the folder


def test_a_dataset_is_replaced_only_on_demand(tmp_path: Path, prepare_files, write_stack) -> None:
    files = fields_of_view(tmp_path, write_stack, 2)
    first = prepare_files(*files, settings=SMALL)
    with pytest.raises(DeepZError, match="set `overwrite`"):
        prepare_files(*files[:1], settings=SMALL)
    assert len(first.manifest.fields) == 2
    assert len(prepare_files(*files[:1], settings=SMALL, overwrite=True).manifest.fields) == 1
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_dir()) == ["data"]


def test_a_folder_of_something_else_is_never_replaced(
    tmp_path: Path, prepare_files, write_stack
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "thesis.txt").write_text("years of work")
    with pytest.raises(DeepZError, match="is not a prepared dataset"):
        prepare_files(*fields_of_view(tmp_path, write_stack, 1), settings=SMALL, overwrite=True)
    assert (tmp_path / "data" / "thesis.txt").read_text() == "years of work"


def test_stacks_without_signal_leave_nothing(tmp_path: Path, prepare_files, write_stack) -> None:
    noise = np.random.default_rng(0).normal(100, 5, (6, 40, 40)).round().astype(np.uint16)
    path = write_stack(tmp_path / "noise.ome.tif", noise)
    with pytest.raises(DeepZError, match="none of the 1 fields of view gives a region"):
        prepare_files(StackFile(path), settings=SMALL)
    assert [p.name for p in tmp_path.iterdir()] == ["noise.ome.tif"]


def test_the_manifest_says_where_everything_came_from(
    tmp_path: Path, prepare_files, write_stack
) -> None:
    files = fields_of_view(tmp_path, write_stack, 2)
    dataset = prepare_files(*files, settings=SMALL)
    manifest = json.loads((dataset.path / "manifest.json").read_text())
    assert manifest["parameters"] == SMALL.model_dump()
    assert [source["file"]["name"] for source in manifest["sources"]] == [
        "field0.ome.tif",
        "field1.ome.tif",
    ]
    assert str(tmp_path) not in json.dumps(manifest), "no folder of the user"
