"""Template parameters: what each may be, and the values that a parameter file gives them."""

import re
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

from scanner.value import as_number, as_text

_UNBOUNDED = (float("-inf"), float("inf"))
_LONGEST_PATTERN = 500
_MOST_TRIALS = 50_000
PIECE = r"(?s:\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{\d*,?\d*\}|.)"
"""A character, class or count of a pattern."""
_PREFIX = r"(?<!\\)\((?:\?:|\?P<\w+>)"
_LOOKS_AGAIN = r"\(\?(?!:|P<)|\\[1-9]"


class Parameter(NamedTuple):
    """One declaration of the Parameters section.

    `default` is as written, as text; `candidates` are its AllowedValues; `from_store` marks an SSM parameter
    type, whose default is a name in Parameter Store and not a value.
    """

    name: str
    type: str
    default: str | None
    candidates: tuple[str, ...] | None
    bounds: tuple[float, float]
    min_length: int
    max_length: float
    pattern: re.Pattern[str] | None
    from_store: bool
    listed: bool
    secret: bool = False
    """True where no value of it may be shown."""
    ways: int = 0
    """How many times a match of `pattern` chooses how far to go on."""
    allowed: str | None = None
    """Its AllowedPattern as written, also where `pattern` is None since trying it might not end."""

    def allows(self, text: str) -> bool:
        """Would CloudFormation take this value?"""
        if self.type == "Number":
            number = as_number(text)
            return number is not None and self.bounds[0] <= number <= self.bounds[1]
        if not self.min_length <= len(text) <= self.max_length:
            return False
        if self.pattern is None or max(len(text), 2) ** self.ways > _MOST_TRIALS:
            return True
        return self.pattern.fullmatch(text) is not None

    def may_match(self, pattern: str) -> bool:
        """Would it take a value with a match of this pattern?"""
        if self.allowed is None:
            return True
        from scanner.template.overlap import can_match_both

        return can_match_both(self.allowed, pattern)


PSEUDO = {
    name: Parameter(name, "String", None, None, _UNBOUNDED, 1, float("inf"), None, False, False)
    for name in (
        "AWS::Region",
        "AWS::AccountId",
        "AWS::Partition",
        "AWS::StackName",
        "AWS::StackId",
        "AWS::URLSuffix",
    )
}
"""Pseudo parameters are free inputs too; AWS::NoValue and AWS::NotificationARNs are no texts."""


def declare(name: str, raw: Any) -> Parameter:
    """Read one declaration; whatever is malformed in it is taken as not said."""
    body: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
    kind = body.get("Type") if isinstance(body.get("Type"), str) else "String"
    assert isinstance(kind, str)  # noqa: S101 - for the type checker
    default = body.get("Default")
    allowed = body.get("AllowedValues")
    candidates: tuple[str, ...] | None = None
    if isinstance(allowed, list) and allowed and all(_is_scalar(value) for value in allowed):
        candidates = tuple(dict.fromkeys(as_text(value) for value in allowed))
    asked = body.get("AllowedPattern")
    pattern, ways = _compile(asked)
    return Parameter(
        name=name,
        type=kind,
        default=as_text(default) if _is_scalar(default) else None,
        candidates=candidates,
        bounds=(_number(body.get("MinValue"), _UNBOUNDED[0]), _number(body.get("MaxValue"), _UNBOUNDED[1])),
        min_length=int(max(_number(body.get("MinLength"), 0), 0)),
        max_length=_number(body.get("MaxLength"), float("inf")),
        pattern=pattern,
        from_store=kind.startswith("AWS::SSM::Parameter::Value<"),
        listed="List<" in kind or kind == "CommaDelimitedList",
        secret="NoEcho" in body and as_text(body["NoEcho"]).lower() != "false",
        ways=ways,
        allowed=asked if isinstance(asked, str) and len(asked) <= _LONGEST_PATTERN else None,
    )


def _is_scalar(value: object) -> bool:
    return isinstance(value, (str, int, float))


def _number(raw: Any, otherwise: float) -> float:
    number = as_number(as_text(raw)) if _is_scalar(raw) else None
    return otherwise if number is None else number


def _compile(raw: Any) -> tuple[re.Pattern[str] | None, int]:
    """A pattern with its ways. It only rules texts out, so one that can't be trusted rules nothing out."""
    if not isinstance(raw, str) or len(raw) > _LONGEST_PATTERN:
        return None, 0
    ways = _count_ways(raw)
    if ways is None:
        return None, 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(raw), ways
    except (re.error, RecursionError, OverflowError):
        return None, 0


def _count_ways(pattern: str) -> int | None:
    """How many times a match of `pattern` chooses how far to go on; None where it may explode.

    That is where a repeated group itself repeats or branches, or where a text may be looked at twice.
    """
    if re.search(_LOOKS_AGAIN, pattern):
        return None
    ways = 0
    groups = [False]
    """For each open group: does it repeat or branch?"""
    closed = False
    """Does the group that ended just now?"""
    for piece in re.findall(PIECE, re.sub(_PREFIX, "(", pattern)):
        if piece == "(":
            groups.append(False)
        elif piece == ")":
            if len(groups) == 1:
                return None
            closed = groups.pop()
            groups[-1] |= closed
            continue
        elif piece[0] in "*+?|{":
            if closed and piece[0] in "*+{":
                return None
            ways += not piece[1:-1].isdecimal()
            groups[-1] = True
        closed = False
    return ways


def read_values(raw: Any) -> dict[str, str | None] | None:
    """Take the values out of a parameter file's content.

    Forms: the AWS CLI's `[{"ParameterKey": …, "ParameterValue": …}]` and `["Name=Value"]`, CodePipeline's
    `{"Parameters": {…}}`, and a plain mapping. None when it is none of them. A value is None where it is not
    known (`UsePreviousValue`).
    """
    if isinstance(raw, list):
        values: dict[str, str | None] = {}
        for item in raw:
            if isinstance(item, str) and "=" in item:
                name, _, value = item.partition("=")
                values[name] = value
                continue
            if not isinstance(item, dict) or not isinstance(item.get("ParameterKey"), str):
                return None
            if _is_scalar(item.get("ParameterValue")):
                values[item["ParameterKey"]] = as_text(item["ParameterValue"])
            elif item.get("UsePreviousValue"):
                values[item["ParameterKey"]] = None
            else:
                return None
        return values
    if not isinstance(raw, dict):
        return None
    if isinstance(raw.get("Parameters"), dict):
        raw = raw["Parameters"]
    given: dict[str, str | None] = {}
    for name, value in raw.items():
        if isinstance(value, list) and all(_is_scalar(item) for item in value):
            value = ",".join(as_text(item) for item in value)
        if not isinstance(name, str) or not _is_scalar(value):
            return None
        given[name] = as_text(value)
    return given
