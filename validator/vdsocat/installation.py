"""Where this installation of vdsocat has its data."""

from __future__ import annotations

import os

from vdsocat.errors import InputError


def data_path(kind: str) -> str:
    """The path of the directory `catalog`, `schemas` or `qemu-images`: in an installed package, or of a checkout.

    InputError when neither has it.
    """
    package = os.path.dirname(os.path.abspath(__file__))
    for root in (os.path.join(package, "data"), os.path.dirname(os.path.dirname(package))):
        path = os.path.join(root, kind)
        if os.path.isdir(path):
            return path
    raise InputError(f"The directory {kind}/ is missing from this installation of vdsocat; install it again.")
