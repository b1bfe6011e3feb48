"""Makes the sample history from its truth: python calibration/make_sample.py

One replication of sample.truth.yaml, anchored so that its base rates hold, written as a CRM would have kept it.
The same command gives the same files to the last byte.
"""

from pathlib import Path

from funnelsim.compile import prepare
from funnelsim.engine.replicate import replicate
from funnelsim.scenario import load
from funnelsim.study.anchor import anchor
from history_export import export_history

HERE = Path(__file__).parent


def make_sample(folder: Path = HERE) -> tuple[int, int]:
    """Write sample-leads.csv and sample-events.csv; returns the numbers of leads and events."""
    blueprint = prepare(load(str(HERE / "sample.truth.yaml")))
    plan = anchor(blueprint).plan(blueprint)
    traces = replicate(plan, blueprint.scenario.seed, [0], tables=True).traces
    assert traces is not None
    as_of = float(plan.settings["measure_to"][0])
    files = folder / "sample-leads.csv", folder / "sample-events.csv"
    return export_history(traces[0].visits, blueprint.book, as_of, *files)


if __name__ == "__main__":
    leads, events = make_sample()
    print(f"{leads:,} leads, {events:,} events")
