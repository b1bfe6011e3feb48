"""The command line: parse, call the function of the same name, print, exit code.

A module a command, imported when it is asked for. Results go to stdout; progress, notes and errors to stderr. Nothing
heavy is imported before a command runs.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

import click

from funnelsim.cli.output import any_character, echo, print_error
from funnelsim.errors import FunnelsimError, did_you_mean

COMMANDS = (
    "init",
    "check",
    "anchor",
    "run",
    "compare",
    "explain",
    "sensitivity",
    "sweep",
    "trace",
    "seek",
    "optimise",
    "report",
    "calibrate",
    "backtest",
    "validate",
    "schema",
)
INTERRUPTED = 130


def main(args: list[str] | None = None) -> None:
    """Run a command and leave with its exit code; no traceback reaches a user."""
    for name in ("stdout", "stderr"):  # closed by whoever started us: nobody reads it
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115  # until the process ends
    any_character()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # `kill` stops as Ctrl-C does
    code = code_of(args)
    try:
        sys.stdout.flush()
    except OSError as error:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  # Python closes stdout once more at its end
        if not isinstance(error, BrokenPipeError):
            with suppress(OSError):
                echo(f"error: the output could not be written: {error.strerror}", err=True)
            code = 1
    sys.exit(code)


def code_of(args: list[str] | None = None) -> int:
    """Run a command and tell its exit code, as `errors` lists them."""
    try:
        given = sys.argv[1:] if args is None else args
        code = commands.main(given, prog_name="funnelsim", standalone_mode=False, obj=given)
    except FunnelsimError as error:
        print_error(error)
        return error.exit_code
    except click.exceptions.Abort:
        echo("interrupted", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  # Python closes stdout once more at its end
        return 0
    except KeyboardInterrupt:
        echo("interrupted", err=True)
        return INTERRUPTED
    except MemoryError:
        echo("error: the memory of this machine is not enough for this run", err=True)
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        echo(f"error: {where}{error.strerror or error}", err=True)
        return 1
    except Exception as error:  # a mistake of ours, not of the user
        if os.environ.get("FUNNELSIM_TRACEBACK"):
            raise
        echo(
            f"error: funnelsim itself failed ({type(error).__name__}: {error}). Please report this; with "
            f"FUNNELSIM_TRACEBACK=1 it says where.",
            err=True,
        )
        return 1
    return code if isinstance(code, int) else 0


class _Commands(click.Group):
    """Imports a command when it is asked for; suggests what was meant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"funnelsim.cli.{cmd_name}"), cmd_name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            meant = did_you_mean(args[0], self.list_commands(ctx))
            raise click.UsageError(f"no command '{args[0]}'. {meant}".strip(), ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Run a command with --help for its examples.",
)
@click.version_option(package_name="funnelsim")
def commands() -> None:
    """Simulates sales-and-marketing funnels and the agreements between the two teams.

    \b
    funnelsim init                              a folder with a first scenario
    funnelsim check baseline.yaml               is the file right?
    funnelsim run baseline.yaml                 what comes out, and how sure is it?
    funnelsim compare baseline.yaml shared.yaml which way is better, and why?
    funnelsim sweep baseline.yaml --vary ...    the same at many volumes, team sizes, promises
    funnelsim seek baseline.yaml --vary ...     how many leads or people does a goal take?
    funnelsim optimise shared.yaml --vary ...   which promises, volumes and people are best?
    funnelsim report results/...                one file of saved results, to send
    funnelsim calibrate crm.history.yaml        your own history in place of guesses
    funnelsim backtest crm.history.yaml         would its forecasts have held?
    """
