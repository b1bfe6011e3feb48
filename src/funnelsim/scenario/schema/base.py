"""How the file format is declared: closed models, and the nature of each key.

Every key has a nature (rule 80): a fact somebody measured, a policy somebody chose, a belief nobody has measured, or a
setting of the run. A belief whose size nobody has published anywhere is `assumed`: reports name it and how to vary it.
Keys whose mapping is one value (shares, distributions, schedules) are marked `whole`: an override replaces them
(rule 77).
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

Nature = Literal["fact", "policy", "belief", "setting"]


class Model(BaseModel):
    """A mapping of the file: unknown keys are errors, and what is read stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def fact(default: Any = None, unit: str = "", whole: bool = False, alias: str | None = None) -> Any:
    """A key that history can tell."""
    return _field("fact", default, unit, whole, alias)


def policy(default: Any = None, unit: str = "", whole: bool = False, alias: str | None = None) -> Any:
    """A key that people decide."""
    return _field("policy", default, unit, whole, alias)


def belief(default: Any = None, unit: str = "", whole: bool = False) -> Any:
    """A key that nobody has measured here; somebody may have elsewhere."""
    return _field("belief", default, unit, whole, None)


def assumed(default: Any = None, unit: str = "", whole: bool = False) -> Any:
    """A belief about whose size nobody has published a number."""
    return _field("belief", default, unit, whole, None, assumption=True)


def setting(default: Any = None, unit: str = "", whole: bool = False) -> Any:
    """A key that says what is simulated and shown, not how the market or the teams are."""
    return _field("setting", default, unit, whole, None)


def _field(nature: Nature, default: Any, unit: str, whole: bool, alias: str | None, **marks: bool) -> Any:
    extra: dict[str, Any] = {
        "nature": nature,
        **({"unit": unit} if unit else {}),
        **marks,
        **({"whole": True} if whole else {}),
    }
    if isinstance(default, dict):
        return Field(default_factory=dict, json_schema_extra=extra, alias=alias)
    if not isinstance(default, str | int | float | tuple | None):
        told = {"default": default.text} if getattr(default, "text", "") else {}
        return Field(default_factory=lambda: default, json_schema_extra={**extra, **told}, alias=alias)
    return Field(default, json_schema_extra=extra, alias=alias)


class OneOrMany:
    """A value or a list of them, kept as a tuple."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            lambda value: value if isinstance(value, list | tuple) else [value], handler(source)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        many = handler(schema)
        return {"anyOf": [many["items"], many]}
