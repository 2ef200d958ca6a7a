"""Options as data, and words that are read by them.

click reads the words of every command, but to import it takes longer than to scan a small template. So what
is plainly right of `smguard scan` is read here; whatever is not, click reads, and complains of it if it must.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from scanner.model import Severity
from scanner.report import FORMATS, SCAN_FORMATS


class Option(NamedTuple):
    """An option: a yes or no, unless it has a `metavar` or `choices`.

    A flag `--it/--no-it` says both; `least` makes of the value a whole number.
    """

    flags: tuple[str, ...]
    name: str
    about: str | None
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    repeats: bool = False
    least: int | None = None
    default: Any = None

    @property
    def takes_value(self) -> bool:
        """Is there a value behind it?"""
        return self.metavar is not None or bool(self.choices)

    def takes(self, value: str) -> bool:
        """Is this surely a value of it?"""
        if self.choices:
            return value in self.choices
        number = value.isascii() and value.isdecimal() and len(value) < 20
        return self.least is None or (number and int(value) >= self.least)

    @property
    def unset(self) -> Any:
        """What it is where nobody gives it."""
        if self.default is not None:
            return self.default
        if self.repeats:
            return ()
        return None if self.takes_value or "/" in self.flags[-1] else False


def read(words: Sequence[str], options: Iterable[Option]) -> dict[str, Any] | None:
    """The value of each option and the `paths` that these words give; None if click has to look at them."""
    values: dict[str, Any] = {}
    known: dict[str, tuple[Option, bool]] = {}
    for option in options:
        values[option.name] = option.unset
        for flag in option.flags:
            yes, *no = flag.split("/")
            known |= {yes: (option, True), **dict.fromkeys(no, (option, False))}
    given: dict[str, tuple[str, ...]] = {}
    paths: list[str] = []
    rest = iter(words)
    for word in rest:
        if word[:1] != "-" or word == "-":
            paths.append(word)
            continue
        flag, equals, value = word.partition("=")
        if flag not in known or (equals and flag[:2] != "--"):
            return None
        option, meant = known[flag]
        if not option.takes_value:
            if equals:
                return None
            values[option.name] = meant
            continue
        if not equals:
            value = next(rest, "-")
        if value[:1] == "-" or not option.takes(value):
            return None
        if option.repeats:
            given[option.name] = values[option.name] = (*given.get(option.name, ()), value)
        else:
            values[option.name] = value if option.least is None else int(value)
    return {**values, "paths": tuple(paths)} if paths else None


def _format(names: Iterable[str]) -> Option:
    about = "The form of the report; repeatable, each with its own -o behind it."
    return Option(
        ("-f", "--format"), "formats", about, choices=tuple(names), repeats=True, default=("table",)
    )


_FILE, _OUTPUT = "Write the report there instead of standard output.", ("-o", "--output")
_SHARED = (
    Option(_OUTPUT, "files", _FILE, "FILE", repeats=True),
    Option(_OUTPUT, "output", _FILE, "FILE"),
    Option(("--region",), "regions", "Where to look (repeatable), or all.", "NAME", repeats=True),
    Option(("--profile",), "profile", "A profile of the AWS configuration.", "NAME"),
    Option(("--role-arn",), "role_arn", "Assume this role first.", "ARN"),
    Option(("--select",), "select", "Only this control (repeatable).", "ID", repeats=True),
    Option(("--ignore",), "ignore", "All controls but this one (repeatable).", "ID", repeats=True),
    Option(("--area",), "area", "Only the controls of this area (repeatable).", "AREA", repeats=True),
    Option(
        ("--framework",), "framework", "Only controls that this framework asks for.", "NAME", repeats=True
    ),
    Option(("--rules",), "rules", "Add the controls of your own folder (repeatable).", "DIR", repeats=True),
    Option(
        ("--parameters",),
        "parameters",
        "Parameter values; all others keep their default.",
        "FILE",
        repeats=True,
    ),
    Option(("--waivers",), "waivers", "A central file of waivers.", "FILE"),
    Option(("--baseline",), "baseline", "Findings that are known; `smguard baseline` writes it.", "FILE"),
    Option(
        ("--fail-on",),
        "fail_on",
        "The least severity that counts for the exit code. [default: low]",
        choices=tuple(severity.label for severity in Severity),
    ),
    Option(("--strict/--no-strict",), "strict", "What can't be known counts as well."),
    Option(
        ("--environment",),
        "environment",
        "What is looked at is a whole ML environment: judge other services' resources too.",
    ),
    Option(("--all",), "show_passed", "Also report what passes."),
    Option(("--exit-zero",), "exit_zero", "Exit with 0 whatever is found."),
    Option(
        ("--allow-incomplete",),
        "allow_incomplete",
        "Exit with 0 if only something could not be looked at.",
    ),
    Option(("--config",), "config", "The configuration. [default: .smguard.yaml at the git root]", "FILE"),
    Option(("--no-config",), "no_config", "Pay no heed to .smguard.yaml."),
)
SHARED = {option.name: option for option in _SHARED} | {
    "format": Option(("-f", "--format"), "form", None, choices=("table", "json"), default="table"),
    "formats": _format(FORMATS),
    "scan_formats": _format(SCAN_FORMATS),
}
"""Options of several commands, by the names that they are asked for by."""


def shared(*names: str) -> list[Option]:
    """The shared options of these names, in this order."""
    return [SHARED[name] for name in names]
