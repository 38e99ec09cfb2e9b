"""U-Boot's FIT images: the kernel within a devicetree blob, found without taking the blob apart.

PyPI's readers of devicetree blobs turn every property into a list of numbers or of texts, a kernel of 60 MB too.
Formats: Devicetree Specification 0.4, chapter 5; U-Boot's doc/usage/fit/source_file_format.rst.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from vdsocat.elf.layout import Buffer
from vdsocat.errors import InputError
from vdsocat.kernels.decompression import STORED, Payload
from vdsocat.kernels.header import Contents

FDT_MAGIC = b"\xd0\x0d\xfe\xed"
_BEGIN_NODE, _END_NODE, _PROPERTY, _NOP, _END = 1, 2, 3, 4, 9
_MOST_TOKENS = 1_000_000
_DEEPEST = 64
_KERNEL_TYPES = ("kernel", "kernel_noload")
_COMPRESSIONS = {name: name for name in ("gzip", "bzip2", "lzma", "lzo", "lz4", "xz", "zstd")} | {
    "": STORED,
    "none": STORED,
}
_DIGESTS = ("sha512", "sha384", "sha256", "sha1", "md5")


@dataclass(slots=True)
class _Node:
    """A node: places of its properties in the blob, from where to where, and its children."""

    properties: dict[str, tuple[int, int]] = field(default_factory=dict)
    children: dict[str, _Node] = field(default_factory=dict)


def find_fit_kernel(contents: Contents) -> Payload:
    """Where the kernel is: that of the default configuration, else of the first, else the first kernel that there is.

    InputError when the blob is cut short or malformed, has no kernel for Linux, or the kernel's own hash is wrong.
    """
    contents.require(40, "its devicetree header")
    contents.require(contents.number(4, 4, "big"), "its devicetree blob")
    root = _read_tree(contents)
    images = _child(root, "images").children
    node = next((images[name] for name in _named_kernels(contents, root) if name in images), None)
    if node is None:
        node = next((one for one in images.values() if _text(contents, one, "type") in _KERNEL_TYPES), None)
    if node is None:
        what = "FIT image without a kernel" if images else "devicetree blob, but no FIT image"
        raise InputError(f"{contents.subject} is no kernel image: it is a {what}")
    system = _text(contents, node, "os")
    if system not in ("", "linux"):
        raise InputError(f"{contents.subject} is a FIT image with a kernel of {system}, not of Linux")
    start, end = _data_range(contents, node)
    contents.require(end, "the kernel of its FIT image")
    if contents.complete:
        _check_hashes(contents, node, start, end)
    compression = _text(contents, node, "compression")
    if compression not in _COMPRESSIONS:
        raise InputError(
            f"{contents.subject} is a FIT image with a kernel compressed with {compression!r}, unknown here"
        )
    return Payload(start, end, _COMPRESSIONS[compression])


def _named_kernels(contents: Contents, root: _Node) -> Iterator[str]:
    """The names of kernel nodes that configurations ask for, the default one's first."""
    configurations = _child(root, "configurations")
    default = _text(contents, configurations, "default")
    for name in sorted(configurations.children, key=lambda one: one != default):
        yield _text(contents, configurations.children[name], "kernel")


def _data_range(contents: Contents, node: _Node) -> tuple[int, int]:
    """Where the node's data lie: within the blob, or behind it (mkimage -E)."""
    if "data" in node.properties:
        return node.properties["data"]
    size = _cell(contents, node, "data-size")
    start = _cell(contents, node, "data-position")
    if start is None and (offset := _cell(contents, node, "data-offset")) is not None:
        start = -(-contents.number(4, 4, "big") // 4) * 4 + offset
    if size is None or start is None:
        raise InputError(f"{contents.subject} is malformed: the kernel of its FIT image has no data")
    return start, start + size


def _check_hashes(contents: Contents, node: _Node, start: int, end: int) -> None:
    for name, child in node.children.items():
        if not name.startswith("hash") or "value" not in child.properties:
            continue
        algorithm = _text(contents, child, "algo")
        first, last = child.properties["value"]
        with memoryview(contents.data) as whole, whole[start:end] as data:
            if algorithm == "crc32":
                digest = zlib.crc32(data).to_bytes(4, "big")
            elif algorithm in _DIGESTS:
                digest = hashlib.new(algorithm, data, usedforsecurity=False).digest()
            else:
                continue
        if digest != contents.data[first:last]:
            raise InputError(f"{contents.subject} is damaged: the kernel of its FIT image has another {algorithm} hash")


def _read_tree(contents: Contents) -> _Node:
    data, at = contents.data, contents.number(4, 8, "big")
    strings = contents.number(4, 12, "big")
    end = min(contents.number(4, 4, "big"), len(data)) if contents.complete else contents.number(4, 4, "big")
    root = _Node()
    path: list[_Node] = []
    for _ in range(_MOST_TOKENS):
        token = contents.number(4, at, "big")
        at += 4
        if token == _BEGIN_NODE:
            stop = data.find(b"\0", at, at + 256)
            if stop < 0 or len(path) > _DEEPEST:
                break
            node = path[-1].children.setdefault(_decode(data[at:stop]), _Node()) if path else root
            path.append(node)
            at = -(-(stop + 1) // 4) * 4
        elif token == _END_NODE and path:
            path.pop()
        elif token == _PROPERTY and path:
            size, name = contents.number(4, at, "big"), strings + contents.number(4, at + 4, "big")
            if at + 8 + size > end:
                break
            stop = data.find(b"\0", name, name + 256)
            path[-1].properties[_decode(data[name:stop])] = (at + 8, at + 8 + size)
            at = -(-(at + 8 + size) // 4) * 4
        elif token == _END and not path:
            return root
        elif token != _NOP:
            break
    raise InputError(f"{contents.subject} is malformed: it begins like a devicetree blob and does not go on like one")


def _child(node: _Node, name: str) -> _Node:
    return node.children.get(name, _Node())


def _text(contents: Contents, node: _Node, name: str) -> str:
    """A property's first text; empty where there is none."""
    start, end = node.properties.get(name, (0, 0))
    return _decode(bytes(contents.data[start : min(end, start + 256)]).split(b"\0")[0])


def _cell(contents: Contents, node: _Node, name: str) -> int | None:
    if name not in node.properties:
        return None
    start, end = node.properties[name]
    return int.from_bytes(contents.data[start:end], "big") if end - start <= 8 else None


def _decode(data: Buffer) -> str:
    return bytes(data).decode("ascii", "replace")
