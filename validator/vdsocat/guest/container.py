"""QEMU in a container of Docker or Podman: what is in an image, and the command that runs a program of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vdsocat.cache import Cache
from vdsocat.errors import InputError, RunError

ENGINES = ("docker", "podman")

_ASKING_SECONDS = 60
# Seventy programs start in some seconds.
_LISTING_SECONDS = 300
# Debian has a target under other names too, as links (qemu-amd64 is qemu-x86_64): those are no further targets.
_LIST_PROGRAMS = (
    'cd /usr/bin && for one in qemu-*; do real=$(readlink -f "$one"); real=${real##*/}; '
    '[ "${real%-static}" != "${one%-static}" ] || echo "$one $($one --version 2>/dev/null | head -n 1)"; done'
)
_VERSION = re.compile(r"version (\d+(?:\.\d+)+)")
_ADVICE = re.compile(r"(?:Run|See) '\w+ .*--help'")
# Nothing of the host but the files that are mounted, and nothing that an emulator has no need of.
_CONFINED = ("--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")


@dataclass(frozen=True, slots=True)
class ContainerImage:
    """An image that an engine ("docker", "podman") has: `identity` is its id, `programs` QEMU's with their versions."""

    engine: str
    identity: str
    programs: Mapping[str, str | None]

    def run(self, command: Sequence[str], files: Sequence[Path], name: str) -> tuple[str, ...]:
        """The engine's command that runs `command` in a container called `name`, as the user who calls.

        `files` are mounted read-only under their own paths; words of the command that are such a path, and relative,
        become absolute. The program is no process 1 there, which would not die of its own signals.
        """
        places = {str(file): str(file.absolute()) for file in files}
        program, *words = command
        return (
            self.engine, "run", "--rm", "--init", "--name", name, *_CONFINED, *_user(self.engine),
            *(word for place in dict.fromkeys(places.values()) for word in ("--mount", _read_only(place))),
            "--entrypoint", program, self.identity,
            *(places.get(word, word) for word in words),
        )  # fmt: skip

    def end(self, name: str) -> tuple[str, ...]:
        """The command after which no container of this name is left."""
        return (self.engine, "rm", "--force", "--volumes", name)


def container_name() -> str:
    """A name for one container, which nobody else has."""
    return f"vdsocat-{uuid.uuid4().hex[:16]}"


def open_image(engine: str, name: str, cache: Cache | None) -> ContainerImage:
    """The image of this name, as the engine has it now; nothing is pulled.

    InputError for what is no name of an image, RunError when the engine cannot be used or has no such image, or no
    container of it can be started. What is in an image is asked for once, and kept in the cache under its id.
    """
    if not re.match(r"[A-Za-z0-9]", name):
        raise InputError(f"--qemu {engine}:{name}: {name!r} is no name of an image, such as vdsocat-qemu.")
    asked = _engine([engine, "image", "inspect", "--format", "{{.Id}}", name], _ASKING_SECONDS)
    if asked.returncode:
        # Docker has no client that works without its daemon; `version` asks for the daemon's, too.
        answered = _engine([engine, "version"], _ASKING_SECONDS)
        if answered.returncode:
            raise RunError(f"{engine} cannot be used: {_reason_as_sentence(answered.stderr)}")
        raise RunError(
            f"{engine} has no image {name} ({_reason(asked.stderr)}); `make image` builds vdsocat-qemu, and vdsocat "
            "pulls none by itself."
        )
    identity = asked.stdout.strip()

    def make(path: Path) -> None:
        path.write_text(json.dumps(_programs(engine, identity, name)), encoding="utf-8")

    if cache is None:
        return ContainerImage(engine, identity, _programs(engine, identity, name))
    listed = cache.file("qemu", "images", f"{identity.removeprefix('sha256:')}.json", make=make)
    return ContainerImage(engine, identity, json.loads(listed.read_bytes()))


def _programs(engine: str, identity: str, name: str) -> dict[str, str | None]:
    """The programs of QEMU in an image, with their versions; RunError when there are none."""
    image = ContainerImage(engine, identity, {})
    container = container_name()
    try:
        listed = _engine(image.run(["sh", "-c", _LIST_PROGRAMS], (), container), _LISTING_SECONDS)
    except BaseException:
        _engine(image.end(container), _ASKING_SECONDS)
        raise
    found = {}
    for line in listed.stdout.splitlines():
        program, _, said = line.partition(" ")
        if program != "qemu-*":
            version = _VERSION.search(said)
            found[program] = version.group(1) if version else None
    if listed.returncode:
        raise RunError(f"{engine} cannot run the image {name}: {_reason_as_sentence(listed.stderr)}")
    if not found:
        raise RunError(f"The image {name} has no QEMU in /usr/bin.")
    return found


def _engine(command: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, text=True, errors="replace", timeout=seconds,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise RunError(f"{command[0]} did not answer within {seconds:.0f} s.") from None
    except OSError as error:
        raise RunError(f"{command[0]} cannot be run ({error.strerror}); install docker.io or podman.") from None


def _user(engine: str) -> tuple[str, ...]:
    """The options by which the container's user is the one who calls: rootless Podman has users of its own."""
    if engine == "podman" and os.getuid() != 0:
        return ("--userns", "keep-id")
    return ("--user", f"{os.getuid()}:{os.getgid()}")


def _read_only(place: str) -> str:
    """A --mount of a file; the engines read its value as a line of CSV."""
    quoted = [f'"{one}"' if "," in one or '"' in one else one for one in (_csv("source", place), _csv("target", place))]
    return f"type=bind,{quoted[0]},{quoted[1]},readonly"


def _csv(key: str, place: str) -> str:
    return f"{key}={place}".replace('"', '""')


def _reason(text: str) -> str:
    """The last line of what an engine said, without its end; below it, Docker may tell of its --help."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not _ADVICE.match(line)]
    return (lines or ["it does not say why"])[-1].rstrip(".")


def _reason_as_sentence(text: str) -> str:
    reason = _reason(text)
    return reason if reason.endswith("?") else f"{reason}."
