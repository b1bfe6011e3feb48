"""How a problem prints, and the exit code each exception leaves."""

from __future__ import annotations

import pytest

from funnelsim import errors
from funnelsim.errors import DataError, Problem, ScenarioError, did_you_mean, summary_line


def test_a_problem_shows_place_line_and_caret() -> None:
    """The style of every message about a file."""
    problem = Problem(
        "base.yaml",
        7,
        5,
        ("stages", "demo", "sevrers"),
        "unknown key 'sevrers' in stages.demo",
        "did you mean 'servers'?",
        "    sevrers: 2",
        length=7,
    )

    assert str(problem) == (
        "base.yaml:7:5: error: unknown key 'sevrers' in stages.demo\n"
        "    7 |     sevrers: 2\n"
        "      |     ^^^^^^^ did you mean 'servers'?"
    )


def test_a_problem_of_the_whole_file_has_no_line() -> None:
    """The hint follows all the same."""
    assert str(Problem("base.yaml", text="no such file", hint="did you mean 'bass.yaml'?")) == (
        "base.yaml: error: no such file\n      | did you mean 'bass.yaml'?"
    )


def test_the_caret_stays_within_a_long_line_and_under_a_tab() -> None:
    """A window of the line is shown; a tab is one column wide."""
    long = Problem("a.csv", 1, 201, text="bad cell", snippet="x" * 200 + "BAD" + "y" * 200, length=3)
    shown, carets = str(long).splitlines()[1:]
    tab = str(Problem("a.yaml", 12, 2, text="t", snippet="\tkey: 1", length=3)).splitlines()

    assert shown[carets.index("^") : carets.index("^") + 3] == "BAD"
    assert len(shown) < 130
    assert tab[1:] == ["   12 |  key: 1", "      |  ^^^"]


def test_counts() -> None:
    """Errors and warnings apart, singular and plural."""
    error, warning = Problem("a", text="e"), Problem("a", text="w", severity="warning")

    assert summary_line([error], "a.yaml") == "1 error in a.yaml"
    assert summary_line([error, error, warning], "a.yaml") == "2 errors and 1 warning in a.yaml"


def test_an_exception_carries_every_problem() -> None:
    """And prints them all, the count last; a plain sentence does as well."""
    caught = ScenarioError([Problem("b.yaml", text="one"), Problem("c.yaml", text="two")], "a.yaml")

    assert str(caught).splitlines() == ["b.yaml: error: one", "c.yaml: error: two", "2 errors in a.yaml"]
    assert str(DataError("nothing to read", "x.csv")) == "x.csv: error: nothing to read\n1 error in x.csv"
    assert str(DataError("nothing to read")) == "nothing to read"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("RunError", 1),
        ("UsageError", 2),
        ("ScenarioError", 3),
        ("DataError", 3),
        ("GoalNotMet", 4),
        ("SweepIncomplete", 5),
        ("Interrupted", 130),
    ],
)
def test_exit_codes(name: str, code: int) -> None:
    """Scripts rely on them."""
    exception = getattr(errors, name)

    assert exception.exit_code == code
    assert issubclass(exception, errors.FunnelsimError)


@pytest.mark.parametrize(
    ("word", "guess"), [("sevrers", "did you mean 'servers'?"), ("mql", "did you mean 'MQL'?"), ("zebra", ""), ("", "")]
)
def test_guesses(word: str, guess: str) -> None:
    """Near ones only, whatever their case."""
    assert did_you_mean(word, ["servers", "owner", "MQL"]) == guess
