"""Finding one's way in the schema: which model stands at a path, and what kind of key it is.

Layers ask what an override replaces whole (rule 77), messages ask which keys are allowed, reports ask for the nature.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from funnelsim.scenario.renamed_keys import RENAMED_KEYS
from funnelsim.scenario.schema.scenario import Scenario

Path = Sequence[str | int]


@dataclass(frozen=True)
class SchemaNode:
    """What stands at a path: a model with keys of its own, named things of one kind, or a value."""

    model: type[BaseModel] | None = None  # a mapping with known keys
    named: Any = None  # a mapping of names to things of this type
    field: FieldInfo | None = None  # the key it stands under, if it is one
    several: bool = False  # one or a list of `model`
    whole: bool = False  # an override replaces it

    @property
    def merges(self) -> bool:
        """Whether an override changes it key by key."""
        return not self.whole and (self.model is not None or self.named is not None)


def resolve_path(path: Path) -> SchemaNode:
    """What the schema has at a path; a value when the path leads beyond it."""
    here = SchemaNode(model=Scenario)
    for key in path:
        here = _below(here, key)
    return here


def allowed(model: type[BaseModel]) -> list[str]:
    """The keys of a model as people write them."""
    return [field.alias or name for name, field in model.model_fields.items()]


def nature(path: Path) -> str:
    """fact, policy, belief or setting: of the innermost key on the path that has one (rule 80)."""
    found = "setting"
    for end in range(1, len(path) + 1):
        field = resolve_path(path[:end]).field
        if field is not None and isinstance(field.json_schema_extra, dict):
            found = str(field.json_schema_extra.get("nature", found))
    return found


def renamed(path: Path) -> str:
    """What the key at the end of a path is called now; empty when it never had another name."""
    return _renamed_at(path[:-1]).get(str(path[-1]), "") if path else ""


@cache
def draw_path(path: str) -> str:
    """The text that draws of the belief at a path are keyed by: its first name, so that a rename moves no result."""
    keys = path.split(".")
    old_keys = ({new: old for old, new in _renamed_at(keys[:i]).items()} for i in range(len(keys)))
    return ".".join(old.get(key, key) for old, key in zip(old_keys, keys, strict=True))


def _renamed_at(path: Path) -> dict[str, str]:
    model = resolve_path(path).model
    names = [one.__name__ for one in model.__mro__] if model is not None else []
    return {old: new for name in names for old, new in RENAMED_KEYS.get(name, {}).items()}


def _below(here: SchemaNode, key: str | int) -> SchemaNode:
    if here.several and (isinstance(key, int) or key.isdigit()):
        return SchemaNode(model=here.model, field=here.field)
    if here.named is not None:
        return _node_of(here.named, None)
    if here.model is not None:
        for name, field in here.model.model_fields.items():
            if (field.alias or name) == key:
                return _node_of(field.annotation, field)
    return SchemaNode()


def _node_of(annotation: Any, field: FieldInfo | None) -> SchemaNode:
    whole = field is not None and isinstance(field.json_schema_extra, dict) and "whole" in field.json_schema_extra
    model, named, several = _kind(annotation)
    return SchemaNode(model, named, field, several, whole)


def _kind(annotation: Any) -> tuple[type[BaseModel] | None, Any, bool]:
    """The model among the alternatives of a type, or the type of its named things."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(arguments[0]) if not _is_read(annotation) else (None, None, False)
    if origin in (Union, types.UnionType):
        kinds = [_kind(argument) for argument in arguments]
        return next((kind for kind in kinds if kind[0] is not None or kind[1] is not None), (None, None, False))
    if origin is tuple and isinstance(arguments[0], type) and issubclass(arguments[0], BaseModel):
        return arguments[0], None, True
    if origin is dict:
        return None, arguments[1], False
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, None, False
    return None, None, False


def _is_read(annotation: Any) -> bool:
    """Whether a reader of `units` makes the value: then its mapping is one value."""
    from pydantic import PlainValidator

    return any(isinstance(mark, PlainValidator) for mark in annotation.__metadata__)
