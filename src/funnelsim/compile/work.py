"""Work: attempts to reach the buyer, and the tasks that follow once it is reached (rules 37 to 45, 99 and 100)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelsim.compile.context import CompileContext, length, on_grid
from funnelsim.compile.parameter_draws import SHARE
from funnelsim.compile.table_builder import Row, Slice, append_rows
from funnelsim.engine.rng import path_hash
from funnelsim.plan import DAY
from funnelsim.plan_codes import SpacingKind, TaskKind
from funnelsim.scenario import presets

if TYPE_CHECKING:
    from funnelsim.scenario.schema import Stage, Task, Work


class StageWork:
    """Rows of STEP and TASK, in the pool."""

    def __init__(self, context: CompileContext) -> None:
        self.context = context
        self.names: list[str] = []  # of tasks: "evaluation.demo"

    def steps(self, stage: str, works: tuple[Work, ...]) -> Slice:
        """The work of a stage."""
        return append_rows(self.context.builder.steps, [self._step(stage, work) for work in works])

    def tasks(self, name: str, stage: Stage) -> Slice:
        """What follows once the buyer is reached, in the order of the file."""
        first = len(self.context.builder.tasks)
        for task, said in stage.tasks.items():
            self.context.builder.tasks.append(self._task(name, task, said))
            self.names.append(f"{name}.{task}")
        return first, len(stage.tasks)

    def _step(self, stage: str, work: Work) -> Row:
        builder = self.context.builder
        hazards, contactable = contact_table(work)
        contact = builder.points((i, chance) for i, chance in enumerate(hazards, start=1))
        kind, spacing, days = SpacingKind.ELAPSED, 0.0, (0, 0)
        if work.on_days is not None:
            kind, days = (
                SpacingKind.ON_DAYS,
                builder.points((i, on_grid(day * DAY)) for i, day in enumerate(work.on_days, start=1)),
            )
        elif work.spacing is not None:
            business = work.spacing.business or work.spacing.business_days > 0
            kind, spacing = (
                (SpacingKind.BUSINESS if business else SpacingKind.ELAPSED),
                length(work.spacing, self._business_day(stage, work)),
            )
        return {
            "team": self.context.teams[work.by] if work.by else -1,
            "attempts": work.attempts,
            "handling": builder.time(work.handling),
            "conversation": builder.time(work.conversation),
            "spacing_kind": int(kind),
            "spacing": spacing,
            "days_first": days[0],
            "days_count": days[1],
            "contact_first": contact[0],
            "contact_count": contact[1],
            "contactable": int(contactable),
            "preparation": builder.time(work.preparation),
        }

    def _business_day(self, stage: str, work: Work) -> float:
        """Of the team that makes the attempts: the one named, else the one that owns most of the stage."""
        owners = self.context.owners(stage)
        team = work.by or max(owners, key=lambda name: owners[name], default=None)
        return self.context.business_day(team) if team else DAY

    def _task(self, stage: str, name: str, task: Task) -> Row:
        builder, row = self.context.builder, len(self.context.builder.tasks)
        path, meeting = f"stages.{stage}.tasks.{name}", task.kind == "meeting"
        success = ("shows", task.shows) if meeting else ("resolved", task.resolved)
        return {
            "stream": path_hash(f"stages/{stage}/tasks/{name}"),
            "kind": int(TaskKind.MEETING if meeting else TaskKind.OBJECTION),
            "chance": self.context.number(f"{path}.chance", task.chance, "tasks", "chance", row, SHARE),
            "delay": builder.time(task.delay),
            "handling": builder.time(task.handling),
            "idle": builder.time(task.idle),
            "success": self.context.number(f"{path}.{success[0]}", success[1], "tasks", "success", row, SHARE),
            "tries": task.tries,
        }


def contact_table(work: Work) -> tuple[list[float], bool]:
    """Chance to reach the buyer at each attempt, and whether it speaks of contactable leads only (rule 41)."""
    if isinstance(work.contact, str):
        preset = presets.load("contact", work.contact)
        hazards, contactable = list(preset["hazards"]), preset["of"] == "contactable"
    else:
        hazards, contactable = [float(chance) for chance in work.contact], False
    return hazards, contactable if work.contactable is None else work.contactable
