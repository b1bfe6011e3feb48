"""XES event logs (IEEE 1849) to columns: one row an event, the attributes of its trace as `case:` columns.

The names are those of pm4py's tables: case:concept:name, concept:name, time:timestamp, org:resource,
lifecycle:transition. Attributes inside attributes, those of the log as a whole, and personal data are not read.
"""

from __future__ import annotations

from xml.parsers import expat

from funnelsim.calibration.exports.personal import is_personal

CASE = "case:"
MOST_COLUMNS = 1000
DEPTH = 64  # elements within elements
_VALUES = frozenset({"string", "date", "int", "float", "boolean", "id"})


class XesError(Exception):
    """Why a file is no XES log, and where."""

    def __init__(self, text: str, line: int = 0, column: int = 0) -> None:
        super().__init__(text)
        self.text, self.line, self.column = text, line, column


def read_xes(raw: bytes) -> tuple[dict[str, list[str | None]], list[int]]:
    """Columns as text, and the line on which each event begins. Raises XesError."""
    log = _Log()
    parser = log.parser
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        raise XesError(f"not XML: {expat.ErrorString(error.code)}", error.lineno, error.offset + 1) from None
    except (LookupError, ValueError) as error:
        raise XesError(f"not XML: {error}", parser.CurrentLineNumber, parser.CurrentColumnNumber + 1) from None
    if not log.is_log:
        raise XesError("this XML holds no <log>")
    return log.columns, log.lines


class _Log:
    """The parse so far."""

    def __init__(self) -> None:
        self.columns: dict[str, list[str | None]] = {}
        self.lines: list[int] = []
        self.is_log = False
        self.open: list[str] = []  # elements above the present one
        self.event: dict[str, str] = {}
        self.trace: dict[str, str] = {}
        self.first = 0  # row of the trace's first event
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.begin
        self.parser.EndElementHandler = self.end
        self.parser.EntityDeclHandler = self.refuse

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        above = self.open[-1] if self.open else ""
        self.open.append(name)
        if len(self.open) > DEPTH:
            raise self.refusal(f"elements nested more than {DEPTH} deep")
        if name in _VALUES:
            key = attributes.get("key", "")
            if above in ("event", "trace") and not is_personal(key):
                (self.event if above == "event" else self.trace)[key] = attributes.get("value", "")
        elif name == "event" and above == "trace":
            self.event = {}
            self.lines.append(self.parser.CurrentLineNumber)
        elif name == "trace":
            self.trace, self.first = {}, len(self.lines)
        elif name == "log":
            self.is_log = True

    def end(self, name: str) -> None:
        self.open.pop()
        if name == "event":
            if self.open[-1:] != ["trace"]:
                return
            row = len(self.lines) - 1
            for key, value in self.event.items():
                self.cells(key, row).append(value)
        elif name == "trace":
            for key, value in self.trace.items():
                cells = self.cells(CASE + key, self.first)
                cells.extend([value] * (len(self.lines) - len(cells)))
        elif name == "log":
            for cells in self.columns.values():
                cells.extend([None] * (len(self.lines) - len(cells)))

    def cells(self, name: str, row: int) -> list[str | None]:
        """A column, filled up to a row."""
        cells = self.columns.setdefault(name, [])
        if len(self.columns) > MOST_COLUMNS:
            raise self.refusal(f"more than {MOST_COLUMNS:,} kinds of attributes")
        if len(cells) < row:
            cells.extend([None] * (row - len(cells)))
        return cells

    def refuse(self, *_: object) -> None:
        raise self.refusal("entities are not read from event logs")

    def refusal(self, text: str) -> XesError:
        return XesError(text, self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1)
