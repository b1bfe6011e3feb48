"""A figure for the page: an SVG that may stand in it, or a PNG as a data URI where that is smaller.

An SVG comes into the page itself, so that its words can be searched and its lines stay sharp. Its ids are made its
own, its style sheet, which would hold for the whole page, is dropped (page.css says the same), and so is all that could
act or fetch: scripts, handlers, references to anything outside.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

DROPPED = ("script", "style", "metadata", "foreignObject", "a", "animate", "set", "iframe")
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_LOCAL = re.compile(r"url\(\s*#([^)\s]+)\s*\)")


@dataclass(frozen=True)
class Picture:
    """One of the two; the other is empty."""

    svg: str = ""  # an <svg> element
    png: str = ""  # a data URI
    width: int = 0  # of a PNG, in pixels
    height: int = 0


def picture_of(files: Sequence[Path], prefix: str) -> Picture:
    """The smaller of an SVG and a PNG of the same figure; `prefix` makes ids its own. ValueError for a torn one."""
    made = [_svg(file, prefix) if file.suffix == ".svg" else _png(file) for file in files]
    return min(made, key=lambda one: len(one.svg) + len(one.png))


def _svg(file: Path, prefix: str) -> Picture:
    try:
        root = ElementTree.fromstring(file.read_bytes())
    except ElementTree.ParseError as error:
        raise ValueError(f"this figure is damaged: {error}") from None
    if _local(root.tag) != "svg" or "viewBox" not in root.attrib:
        raise ValueError("this is no SVG figure")
    _clean(root, prefix)
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    root.attrib.update({"aria-hidden": "true", "focusable": "false"})  # the frame around it has the words
    root.tail = None
    return Picture(svg=ElementTree.tostring(root, encoding="unicode"))


def _clean(element: Element, prefix: str) -> None:
    element.tag = _local(element.tag)
    for child in list(element):
        is_element = isinstance(child.tag, str)  # a comment's tag is a function
        if not is_element or _local(child.tag) in DROPPED:
            element.remove(child)
        else:
            _clean(child, prefix)
    kept = {}
    for key, value in element.attrib.items():
        name = _local(key)
        if name == "id":
            value = f"{prefix}-{value}"
        elif name == "href":
            if not value.startswith(("#", "data:image/png;base64,")):
                continue
            value = f"#{prefix}-{value[1:]}" if value.startswith("#") else value
        elif name.lower().startswith("on"):
            continue
        else:
            value = _LOCAL.sub(rf"url(#{prefix}-\1)", value)
            if "url(" in value.replace(f"url(#{prefix}-", ""):
                continue
        kept[name] = value
    element.attrib.clear()
    element.attrib.update(kept)


def _png(file: Path) -> Picture:
    data = file.read_bytes()
    if not data.startswith(PNG_HEAD) or b"IEND" not in data[-12:]:
        raise ValueError("this figure is damaged: not a complete PNG")
    width, height = struct.unpack(">II", data[16:24])
    return Picture(png="data:image/png;base64," + base64.b64encode(data).decode(), width=width, height=height)


def _local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition("}")[2]
