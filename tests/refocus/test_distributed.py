"""Frames refocused by the workers of a cluster: none lost, none doubled, the same as without."""

from __future__ import annotations

import os
import pickle
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from deepz_zoo import extras
from deepz_zoo.errors import DeepZError
from deepz_zoo.images import NewImage, SharedWriter, create_image, read_image
from deepz_zoo.refocus import distributed

pytest.importorskip("distributed", reason="pip install 'deepz-zoo[dask]'")

NAME = "leica20x_0.8/TxRd"
DOCS = Path(__file__).parents[2] / "docs"
SHAPE = (32, 40)


@dataclass(frozen=True)
class Source:
    """Gives frame n as n everywhere; a marker that is not there yet ends the process first."""

    marker: Path | None = None
    deadly_frame: int = -1
    wrong_frame: int = -1

    def refocus_frame(
        self, image: Any, number: int
    ) -> Iterator[tuple[np.ndarray[Any, Any], int, int]]:
        if number == self.deadly_frame and (self.marker is None or not self.marker.exists()):
            if self.marker is not None:
                self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if number == self.wrong_frame:
            raise DeepZError(f"{image}: frame {number} is damaged")
        for first in (0, 16):  # in two parts, as a frame of several tiles
            yield np.full((16, SHAPE[1]), number, np.float32), number, first


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[distributed.Cluster]:
    """Return a cluster whose workers are threads of this process, which start at once."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
        ) as workers,
        Client(workers, set_as_default=False) as client,
    ):
        yield distributed.Cluster(client, "threads")


@pytest.mark.parametrize("name", ["out.ome.tif", "out.ome.zarr"])
def test_every_frame_is_in_its_place(threads, tmp_path, name) -> None:
    if name.endswith(".zarr"):
        pytest.importorskip("ngff_zarr", reason="pip install 'deepz-zoo[ome-zarr]'")
    with create_image(tmp_path / name, NewImage((7, *SHAPE), "tyx")) as write:
        assert isinstance(write, SharedWriter) == name.endswith(".zarr")
        done = sum(1 for _ in threads.write(Source(), "a.tif", 7, write))
    assert done == 7
    planes = read_image(tmp_path / name).data
    assert (planes == np.arange(7)[:, None, None]).all()


def test_what_is_wrong_with_an_image_is_told_and_leaves_nothing(threads, tmp_path) -> None:
    with (
        pytest.raises(DeepZError, match=r"^a\.tif: frame 2 is damaged$"),
        create_image(tmp_path / "out.tif", NewImage((5, *SHAPE), "tyx")) as write,
    ):
        list(threads.write(Source(wrong_frame=2), "a.tif", 5, write))
    assert list(tmp_path.iterdir()) == []


def test_a_worker_of_another_version_is_refused(threads, monkeypatch) -> None:
    threads.check_versions()
    monkeypatch.setattr(distributed, "_version", lambda: "0.0.7")
    with pytest.raises(DeepZError, match=r"worker .* has deepz-zoo 0\.0\.7; expected"):
        threads.check_versions()


@pytest.mark.slow
def test_a_frame_whose_worker_dies_is_made_by_another_one(tmp_path) -> None:
    pytest.importorskip("ngff_zarr", reason="pip install 'deepz-zoo[ome-zarr]'")
    import dask

    source = Source(tmp_path / "died", deadly_frame=3)
    with distributed.connect("local:2") as cluster:
        for name in ("out.tif", "out.ome.zarr"):
            source.marker.unlink(missing_ok=True)
            with create_image(tmp_path / name, NewImage((8, *SHAPE), "tyx")) as write:
                assert sum(1 for _ in cluster.write(source, "a.tif", 8, write)) == 8
            assert source.marker.exists()
            planes = read_image(tmp_path / name).data
            assert (planes == np.arange(8)[:, None, None]).all()
        with (
            dask.config.set({"distributed.scheduler.allowed-failures": 0}),
            pytest.raises(DeepZError, match=r"a\.tif: several workers died of it"),
            create_image(tmp_path / "none.tif", NewImage((2, *SHAPE), "tyx")) as write,
        ):
            list(cluster.write(Source(None, deadly_frame=1), "a.tif", 2, write))
    assert not (tmp_path / "none.tif").exists()


@pytest.mark.slow
def test_the_command_gives_what_it_gives_without_workers(tmp_path, run_cli) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "many").mkdir()
    for number in range(3):
        video = rng.poisson(300, (2, 48, 64)).astype(np.uint16)
        tifffile.imwrite(
            tmp_path / "many" / f"v{number}.tif", video, imagej=True, metadata={"axes": "TYX"}
        )
    (tmp_path / "many" / "bad.tif").write_text("not an image")
    words = ["refocus", NAME, tmp_path / "many", "--z", "-2,1", "--engine", "torch"]
    words += ["--precision", "float32"]
    assert run_cli(*words, "-o", tmp_path / "here")[0] == 1
    code, out, err = run_cli(*words, "-o", tmp_path / "there", "--dask", "local:2")
    assert code == 1
    assert "3 of 4 images refocused, 1 failed" in out
    assert "bad.tif" in err
    for number in range(3):
        here, there = (
            tifffile.imread(tmp_path / folder / f"v{number}_refocused.tif")
            for folder in ("here", "there")
        )
        np.testing.assert_array_equal(here, there)


def test_a_scheduler_that_is_not_there(tmp_path, run_cli, monkeypatch) -> None:
    monkeypatch.setattr(distributed, "_ANSWER_TIMEOUT_S", 0.2)
    tifffile.imwrite(tmp_path / "a.tif", np.ones((32, 32), np.uint16))
    words = ["refocus", NAME, tmp_path / "a.tif", "-o", tmp_path / "b.tif", "--z", "1"]
    for address in ("127.0.0.1:9", "tcp://", "no such place"):
        code, _, err = run_cli(*words, "--dask", address)
        assert code == 2
        assert f"no Dask scheduler answers at {address} (" in err
        assert "--dask local" in err
        assert len(err.splitlines()) == 1
    code, _, err = run_cli(*words[:-2], "--autofocus", "--dask", "local")
    assert (code, "--autofocus and --dask exclude each other" in err) == (2, True)
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    code, _, err = run_cli(*words, "--dask", "local")
    assert (code, "pip install 'deepz-zoo[dask]'" in err) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


def test_a_writer_is_copied_without_its_count(tmp_path) -> None:
    pytest.importorskip("ngff_zarr", reason="pip install 'deepz-zoo[ome-zarr]'")
    with create_image(tmp_path / "out.ome.zarr", NewImage((2, *SHAPE), "tyx")) as write:
        write(np.ones(SHAPE), 0)
        copy = pickle.loads(pickle.dumps(write))
        copy(np.full(SHAPE, 2), 1)
        assert isinstance(write, SharedWriter)
        assert (write.rows, copy.rows) == (32, 32)  # type: ignore[attr-defined]
        write.count(copy.rows)
    assert read_image(tmp_path / "out.ome.zarr").data[:, 0, 0].tolist() == [1, 2]
    with pytest.raises(DeepZError, match=r"out\.ome\.zarr.*: no such folder on"):
        copy(np.ones(SHAPE), 0)


def test_the_script_for_slurm_is_as_the_page_shows_it() -> None:
    pytest.importorskip("dask_jobqueue", reason="pip install dask-jobqueue")
    page = (DOCS / "dask.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    (shown,) = re.findall(r"```text\n(.*?)```", page, re.S)
    names: dict[str, Any] = {"__name__": "workers"}
    exec(code, names)
    try:
        found = names["cluster"].job_script()
    finally:
        names["cluster"].close()
    lines = [line for line in found.splitlines() if line and line != "#!/usr/bin/env bash"]
    lines[-1] = re.sub(r"tcp://\S+", "tcp://10.0.0.1:8786", lines[-1])
    assert lines == shown.splitlines()
