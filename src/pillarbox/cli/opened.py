"""A command's way to the data: the configuration found, the store opened, the work done, closed."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from pillarbox.cli.options import find_config
from pillarbox.config.loading import load
from pillarbox.config.settings import Settings
from pillarbox.errors import ConfigurationError
from pillarbox.node.administration import Opened, opened
from pillarbox.node.privileges import become_owner_of

__all__ = ["Opened", "run_opened", "run_with"]

T = TypeVar("T")


def run_opened(options: argparse.Namespace, work: Callable[[Opened], Awaitable[T]]) -> T:
    """Open what `--config` names, do the work, close. The server may run beside it."""
    settings = load(find_config(options.config))
    folder = Path(settings.store.data_dir)
    if not folder.is_dir():
        raise ConfigurationError(
            f"There is no data folder {folder} yet. 'pillarbox setup' or the first start makes it."
        )
    become_owner_of(folder)
    return run_with(settings, work)


def run_with(settings: Settings, work: Callable[[Opened], Awaitable[T]]) -> T:
    """The same with settings in hand; makes the data folder if need be."""

    async def main() -> T:
        async with opened(settings) as open_:
            return await work(open_)

    return asyncio.run(main())
