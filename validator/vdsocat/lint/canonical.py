"""The canonical form of a catalogue file: keys in the order of its schema, entries in theirs, one way to lay them out.

What an author decides stays: comments, quotes, and which collections are written on one line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vdsocat.documents import parse_yaml
from vdsocat.errors import InputError
from vdsocat.exports import KernelRelease
from vdsocat.lint.comments import Comments, comments_of

# What a plain scalar may not be inside a collection that is written on one line.
_NOT_PLAIN_WITHIN = re.compile(r"[:?]|.*[,\[\]{}]")

_MAYBE_UNSUPPORTED = re.compile(r"(^|[\s\[{,:-])[&*!]|^(%|---|\.\.\.)", re.MULTILINE)
_UNSUPPORTED = ("AnchorToken", "AliasToken", "TagToken", "DirectiveToken", "DocumentStartToken", "DocumentEndToken")


def canonical_text(text: str, schema: Mapping[str, Any]) -> str:
    """The canonical form of a YAML text that conforms to the schema; it says the same, and has the same comments.

    InputError for what no catalogue file needs: anchors, tags, several documents.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if _MAYBE_UNSUPPORTED.search(text):
        for token in yaml.scan(text, Loader=loader):
            if type(token).__name__ in _UNSUPPORTED:
                line = token.start_mark.line + 1
                raise InputError(f"line {line} has an anchor, an alias, a tag or a document mark; write it without.")
    root = yaml.compose(text, Loader=loader)
    comments = comments_of(text, root)
    lines = _Writer(comments, schema).block(root, schema)
    return "\n".join([*comments.header, *lines, *comments.trailing]) + "\n"


def says_the_same(one: str, other: str) -> bool:
    """Whether two YAML texts differ in nothing but form and the order of keys and entries."""
    return bool(_unordered(parse_yaml(one, "")) == _unordered(parse_yaml(other, "")))


def _unordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unordered(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted((_unordered(inner) for inner in value), key=lambda inner: json.dumps(inner, sort_keys=True))
    return value


class _Writer:
    """Writes nodes as lines without indentation of their own; whoever embeds them indents them."""

    def __init__(self, comments: Comments, schema: Mapping[str, Any]) -> None:
        self._comments = comments
        self._definitions = schema.get("$defs", {})

    def block(self, node: Any, schema: Mapping[str, Any]) -> list[str]:
        """A collection, an entry a line or more; anything else, and an empty collection, is one line."""
        import yaml

        schema = self._resolve(schema, node)
        if isinstance(node, yaml.MappingNode) and node.value:
            return [line for pair in _ordered_pairs(node, schema) for line in self._pair(*pair, schema)]
        if isinstance(node, yaml.SequenceNode) and node.value:
            return [line for one in node.value for line in self._item(one, schema)]
        return [self._flow(node, schema, within=False)]

    def _pair(self, key: Any, value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
        """One key with its value: `key: value`, or the value below it."""
        first = key.start_mark.line
        inner = _of_key(schema, key.value)
        head = f"{self._scalar(key, within=False)}:"
        if self._on_one_line(value):
            last = _last_line(value)
            yield from self._comments.take_leading(first, last)
            flow = self._flow(value, self._resolve(inner, value), within=False)
            yield f"{head} {flow}" + self._comments.take_inline(last)
            return
        yield from self._comments.take_leading(first, first)
        yield head + self._comments.take_inline(first)
        entries = self._entries(key.value, value, self._resolve(inner, value))
        yield from (f"  {line}" for line in entries)

    def _entries(self, key: str, node: Any, schema: Mapping[str, Any]) -> Iterator[str]:
        """The lines of a collection, with the entries of a list in the order that its key asks for."""
        import yaml

        if not isinstance(node, yaml.SequenceNode):
            yield from self.block(node, schema)
            return
        for item in _in_order(key, node.value):
            yield from self._item(item, schema, on_one_line=key == "source" and isinstance(item, yaml.MappingNode))

    def _item(self, node: Any, schema: Mapping[str, Any], on_one_line: bool = False) -> Iterator[str]:
        """One entry of a list, its first line behind a dash."""
        first = node.start_mark.line
        inner = schema.get("items", {})
        if on_one_line or self._on_one_line(node):
            last = _last_line(node)
            yield from self._comments.take_leading(first, last)
            flow = self._flow(node, self._resolve(inner, node), within=False)
            yield f"- {flow}" + self._comments.take_inline(last)
            return
        yield from self._comments.take_leading(first, first)
        lines = self.block(node, inner)
        above = next(number for number, line in enumerate(lines) if not line.startswith("#"))
        yield from lines[:above]
        yield f"- {lines[above]}"
        yield from (f"  {line}" for line in lines[above + 1 :])

    def _flow(self, node: Any, schema: Mapping[str, Any], within: bool) -> str:
        """A node on one line; `within` a collection that is on one line itself, plain scalars may hold less."""
        import yaml

        if isinstance(node, yaml.MappingNode):
            pairs = (
                f"{self._scalar(key, within=True)}: {self._inner_flow(value, _of_key(schema, key.value))}"
                for key, value in _ordered_pairs(node, schema)
            )
            return "{" + ", ".join(pairs) + "}"
        if isinstance(node, yaml.SequenceNode):
            return "[" + ", ".join(self._inner_flow(item, schema.get("items", {})) for item in node.value) + "]"
        return self._scalar(node, within)

    def _inner_flow(self, node: Any, schema: Mapping[str, Any]) -> str:
        return self._flow(node, self._resolve(schema, node), within=True)

    def _scalar(self, node: Any, within: bool) -> str:
        """A scalar in the quotes that its author gave it, on one line."""
        value: str = node.value
        if node.style == "'" and value.isprintable():
            return "'" + value.replace("'", "''") + "'"
        if node.style is None or node.style == "":
            if not value:
                return "null"
            if not within or not _NOT_PLAIN_WITHIN.match(value):
                return value
        return _quoted(value)

    def _on_one_line(self, node: Any) -> bool:
        return not hasattr(node, "flow_style") or node.flow_style or not node.value

    def _resolve(self, schema: Mapping[str, Any], node: Any) -> Mapping[str, Any]:
        """The schema itself, without references, and the alternative that a mapping fits."""
        while "$ref" in schema:
            schema = self._definitions[schema["$ref"].rpartition("/")[2]]
        for alternative in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
            resolved = self._resolve(alternative, node)
            if _fits(resolved, node):
                return resolved
        return schema


def _quoted(value: str) -> str:
    """A double-quoted scalar; what does not print, such as the line separators that YAML knows, is escaped."""
    escaped = (one if one.isprintable() else f"\\U{ord(one):08x}" for one in json.dumps(value, ensure_ascii=False))
    return "".join(escaped)


def _fits(schema: Mapping[str, Any], node: Any) -> bool:
    """Whether the schema describes this sort of node, and knows its keys."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        return "properties" in schema and all(key.value in schema["properties"] for key, _ in node.value)
    return isinstance(node, yaml.SequenceNode) and "items" in schema


def _of_key(schema: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The schema of a key's value; an empty one where the schema does not say."""
    found = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
    return found if isinstance(found, Mapping) else {}


def _ordered_pairs(node: Any, schema: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """The keys and values in the order of the schema; a key that it does not list comes last, as it stood."""
    order = {key: number for number, key in enumerate(schema.get("properties", {}))}
    return sorted(node.value, key=lambda pair: order.get(pair[0].value, len(order)))


def _last_line(node: Any) -> int:
    """The last line that a node has text in."""
    mark = node.end_mark
    line: int = mark.line
    return line - 1 if mark.column == 0 and line > node.start_mark.line else line


def _in_order(key: str, items: list[Any]) -> list[Any]:
    """The entries of a list in the order that its key asks for; as they stand where they are of another kind."""
    order = _ENTRY_ORDERS.get(key)
    if order is None or not all(isinstance(item.value, list) for item in items):
        return items
    try:
        return order(items)
    except ValueError:
        return items


def _by_history(items: list[Any]) -> list[Any]:
    """Entries of one symbol side by side, where the first of them stood, in the order of their releases."""
    places: dict[str, int] = {}
    for item in items:
        places.setdefault(_value(item, "symbol"), len(places))
    return sorted(items, key=lambda item: (places[_value(item, "symbol")], _since(item)))


def _by_release(items: list[Any]) -> list[Any]:
    return sorted(items, key=lambda item: KernelRelease.parse(_value(item, "release")))


def _value(node: Any, key: str) -> Any:
    return next((value.value for found, value in node.value if found.value == key), "")


def _since(item: Any) -> KernelRelease:
    """The release from which on an entry holds: the second of a pair, the release beside its backports."""
    import yaml

    since = next((value for key, value in item.value if key.value == "since"), None)
    if isinstance(since, yaml.SequenceNode):
        since = since.value[-1]
    text = _value(since, "release") if isinstance(since, yaml.MappingNode) else since.value if since else "0.0"
    return KernelRelease.parse(text)


_ENTRY_ORDERS: Mapping[str, Callable[[list[Any]], list[Any]]] = {
    "exports": _by_history,
    "entries": _by_history,
    "releases": _by_release,
}
