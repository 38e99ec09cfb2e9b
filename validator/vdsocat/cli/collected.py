"""Options that belong together, handed to a command as one value."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

Command = Callable[..., Any]


def collected(
    name: str, kind: type[Any], options: Sequence[Callable[[Command], Command]]
) -> Callable[[Command], Command]:
    """Add options to a command, which gets them as `name`, a dataclass whose fields are called as the options are."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_value(*arguments: Any, **values: Any) -> Any:
            value = kind(**{field.name: values.pop(field.name) for field in fields(kind)})
            return command(*arguments, **values, **{name: value})

        decorated: Command = with_value
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate
