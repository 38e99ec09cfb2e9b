"""From a place in a document to the line of its file."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from vdsocat.documents import Place


def line_of(place: Place, text: str) -> int | None:
    """The line, from 1, where the place begins in the YAML text; None for the whole file.

    A step that the text does not have ends the search: the line is that of the last step which it has.
    """
    if not place:
        return None
    import yaml

    node = _composed(text)
    line: int | None = None
    for step in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        elif isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(step)]
            if not found:
                break
            key, node = found[0]
            line = key.start_mark.line + 1
        else:
            break
    return line


@lru_cache(maxsize=8)
def _composed(text: str) -> Any:
    import yaml

    return yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
