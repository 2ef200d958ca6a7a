"""Options as click has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

from scanner.cli.option import Option, shared

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def options(*names: str) -> Decorator:
    """The shared options of these names, in this order."""
    return declare(shared(*names))


def forms(*names: str, about: str | None = None) -> Decorator:
    """The option for the form of what a command prints, the first one if it is not given."""
    return declare([Option(("-f", "--format"), "form", about, choices=names, default=names[0])])


def declare(declared: Iterable[Option]) -> Decorator:
    """These options, in this order."""
    backwards = list(declared)[::-1]

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in backwards:
            function = _decorator(option)(function)
        return function

    return decorate


def _decorator(option: Option) -> Decorator:
    settings: dict[str, Any] = {"help": option.about, "default": option.default}
    if not option.takes_value:
        settings |= {"is_flag": True, "default": option.unset}
    if option.choices:
        settings["type"] = click.Choice(option.choices)
    elif option.least is not None:
        settings["type"] = click.IntRange(min=option.least)
    if option.takes_value:
        settings |= {"multiple": option.repeats, "metavar": option.metavar}
        settings["show_default"] = option.default is not None
    return click.option(*option.flags, option.name, **settings)


class ReportingCommand(click.Command):
    """Keeps the words of a call: to which -f an -o belongs is a matter of order, which click doesn't tell."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["words"] = list(args)
        return super().parse_args(ctx, args)
