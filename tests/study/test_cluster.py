"""Sweeps on a Dask cluster of separate processes: the same digits, also when a worker is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from funnelsim.errors import UsageError
from support.small_funnel import write_small
from support.small_sweep import finished, swept


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_small(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


CLUSTER = """
import sys, time
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        print(cluster.scheduler_address, *(nanny.pid for nanny in cluster.workers.values()), flush=True)
        sys.stdin.read()
"""


def test_a_cluster_gives_the_same_digits_even_when_a_worker_is_killed(folder: Path) -> None:
    pytest.importorskip("distributed")
    args = {"vary": ["sources.web.rate=30..60/week:20"], "replications": 40}
    (folder / "cluster.py").write_text(CLUSTER)
    with subprocess.Popen(
        [sys.executable, "cluster.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        assert running.stdin is not None and running.stdout is not None
        address, first, _ = running.stdout.readline().split()
        command = [
            sys.executable,
            "-m",
            "funnelsim",
            "sweep",
            "small.yaml",
            "--vary",
            args["vary"][0],
            "-n",
            "40",
            "--cluster",
            address,
            "--out",
            "far",
            "--no-figures",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as far:
            while far.poll() is None and len(finished(folder / "far/points")) < 3:
                time.sleep(0.02)
            os.kill(int(first), signal.SIGKILL)
            out, err = far.communicate(timeout=240)
        running.stdin.close()
        running.wait(60)
    assert far.returncode == 0, out + err
    table = next((folder / "far").glob("sweep-*")) / "sweep.csv"
    assert table.read_bytes() == (swept(**args).folder / "sweep.csv").read_bytes()


def test_a_cluster_that_is_not_there_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("funnelsim.study.cluster.PATIENCE", "0.3s")
    with pytest.raises(UsageError, match="no Dask scheduler answers at"):
        swept(cluster="tcp://127.0.0.1:9")
