"""Coverage-guided fuzzing of the text readers, by Atheris: `make fuzz-readers`.

    python -m fuzz.coverage_guided yaml -max_total_time=600

What is found is kept in build/fuzz/corpus and tried first the next time. A reader may refuse, with its own kind of
error; anything else is a crash, and Atheris writes the input that made it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from inspect import signature
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["funnelsim", "yaml"]):
    from funnelsim.errors import InvalidInput
    from funnelsim.scenario import parsers
    from funnelsim.scenario.parsers.numbers import Misreading
    from funnelsim.scenario.yaml_nodes import parse

ROOT = Path(__file__).parents[2]


def read_yaml(data: bytes) -> None:
    _parse(data, "it.yaml")


def read_toml(data: bytes) -> None:
    _parse(data, "it.toml")


def read_values(data: bytes) -> None:
    """Every spelling of a value, by every parser."""
    text = data.decode("utf-8", "replace")
    for name in PARSERS:
        with contextlib.suppress(Misreading):
            getattr(parsers, name)(text)


def _reads_text(name: str) -> bool:
    """Whether it takes one value and nothing else."""
    needed = [one for one in signature(getattr(parsers, name)).parameters.values() if one.default is one.empty]
    return name[0].islower() and len(needed) == 1


PARSERS = tuple(filter(_reads_text, parsers.__all__))
TARGETS: dict[str, Callable[[bytes], None]] = {"yaml": read_yaml, "toml": read_toml, "values": read_values}


def _parse(data: bytes, file: str) -> None:
    with contextlib.suppress(InvalidInput):
        parse(data.decode("utf-8", "replace"), file)


def main() -> None:
    target, *options = sys.argv[1:]
    corpus = ROOT / "build/fuzz/corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    if target == "yaml" and not any(corpus.iterdir()):
        for i, path in enumerate(sorted((ROOT / "scenarios").rglob("*.yaml"))):
            (corpus / f"seed-{i}").write_bytes(path.read_bytes())
    atheris.Setup([sys.argv[0], f"-artifact_prefix={corpus.parent}/", *options, str(corpus)], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
