"""A Ray cluster of three nodes on this machine: a driver and a node are lost, and no trial is lost or trained twice."""

import json
import os
import warnings

import pytest

from ttrec_cli.store import read

pytestmark = pytest.mark.cluster
SWEEP = """\
name: cluster
data: {format: synthetic, rows: 14000, table_scale: 0.0005, seed: 3}
model: {bottom_mlp: [8], top_mlp: [8]}
train: {optimizer: adagrad, learning_rate: 0.05, batch_size: 100, evaluations: 2}
grid: {rank: [2, 4], tables: [3], dim: [4]}
baseline: false
seeds: [0, 5, 7]
resources: {threads: 1, checkpoint_seconds: 0.5}
"""
METRICS = ["status", "val_logloss", "test_auc", "tt_core_change", "train_logloss"]


@pytest.fixture
def cluster(make_sweep, monkeypatch):
    """A sweep, and a cluster on whose nodes trials misbehave by their seed."""
    try:
        import ray  # noqa: F401
        from ray.cluster_utils import Cluster
    except ImportError:
        if "cluster" in os.environ.get("TTREC_REQUIRE", "").split(","):
            raise
        pytest.skip("Ray is not installed: pip install 'ttrec[cluster]'")
    sweep = make_sweep(SWEEP)
    environment = sweep.with_faults() | {
        "RAY_BACKEND_LOG_LEVEL": "fatal",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "OMP_NUM_THREADS": "1",
        "TTREC_ATTEMPTS": str(sweep.folder / "attempts"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    quick = {f"health_check_{name}": value for name, value in (("initial_delay_ms", 0), ("period_ms", 500))}
    quick |= {"health_check_timeout_ms": 5000, "health_check_failure_threshold": 3}
    memory = 80 * 2**20
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray's own, of sockets and files that it leaves open
        nodes = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 1,
                "include_dashboard": False,
                "object_store_memory": memory,
                "_system_config": quick,
            },
        )
        others = [nodes.add_node(num_cpus=1, object_store_memory=memory) for _ in range(2)]
        yield sweep, nodes, others
        nodes.shutdown()


def test_a_lost_driver_and_a_lost_node(cluster, make_sweep, processes) -> None:
    sweep, nodes, others = cluster
    options = ("--executor", "ray", "--address", nodes.address)
    first = sweep.start(*options)
    processes.wait_for(lambda: sweep.rows() or first.poll() is not None, 300)
    assert first.poll() is None, first.communicate()
    first.kill()
    first.communicate()
    before = sweep.rows()
    second = sweep.start(*options)
    processes.wait_for(lambda: len(sweep.rows()) > len(before) or second.poll() is not None, 300)
    nodes.remove_node(others[0], allow_graceful=False)
    output, errors = second.communicate(timeout=300)
    assert second.returncode == 3, errors
    assert "Traceback" not in errors
    found = json.loads(output)["result"]["trials"]
    assert found["total"] == found["ok"] + found["skipped"] + found["failed"] == 6
    frame = read(sweep.results)
    assert len(frame) == 6
    assert {key: time for key, time in sweep.rows().items() if key in before} == before
    failed = frame[frame["seed"] == 5]
    assert failed["reason"].str.contains("a mistake in the model").all()
    assert (sweep.folder / "attempts").read_text() in ("xx", "xxx", "xxxx")  # lost ones anew, no mistake a second time
    local = make_sweep(SWEEP, "local")
    assert local.run()[0] == 3
    on_ray, here = (each.set_index("key").sort_index()[METRICS] for each in (frame, read(local.results)))
    assert on_ray.equals(here)


def test_no_cluster_is_one_line(make_sweep) -> None:
    pytest.importorskip("ray")
    sweep = make_sweep(SWEEP)
    code, _, errors = sweep.run("--executor", "ray", "--address", "127.0.0.1:1")
    assert code == 2, errors
    assert "Traceback" not in errors
    assert "no Ray cluster there" in errors.strip().splitlines()[-1]
