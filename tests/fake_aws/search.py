"""SageMaker's Search: full records, filtered by expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.model import Shape

from tests.fake_aws.call import Call
from tests.fake_aws.kinds import Record, kinds
from tests.fake_aws.shelf import moment
from tests.fake_aws.wire import AwsError, model_of

if TYPE_CHECKING:
    from tests.fake_aws.sagemaker import SageMaker

_JOBS = ("TrainingJob", "ProcessingJob", "TransformJob")
_RESOURCES = {"ExperimentTrial": "Trial", "ExperimentTrialComponent": "TrialComponent"}


def search(sagemaker: SageMaker, call: Call) -> dict[str, Any]:
    """Answer one page of Search."""
    resource = call.parameters["Resource"]
    member = _RESOURCES.get(resource, resource)
    record_shape = model_of("sagemaker").shape_for("SearchRecord")
    if member not in record_shape.members or member not in kinds():
        return {"Results": []}
    if member == "TrialComponent":
        return _components(sagemaker, call, record_shape.members[member])
    shape = record_shape.members[member]
    shelf = sagemaker.shelf(call.account, call.region, member)
    newest = datetime.now(UTC) - sagemaker.search_lag
    expression = call.parameters.get("SearchExpression") or {}
    names = _named(expression) & shape.members.keys()

    def fetch(handle: int) -> Record | None:
        record = shelf.at(handle)
        if record.key in shelf.gone or record.created > newest or sagemaker.unsearchable(record):
            return None
        told = {name: value for name in names if (value := record.member(shape, name)) is not None}
        return record if not expression or _holds(expression, record, told) else None

    descending = call.parameters.get("SortOrder", "Descending") == "Descending"
    handles = shelf.ordered(call.parameters.get("SortBy", "CreationTime"), descending)
    page, token = sagemaker.page(call, handles, fetch)
    answer: dict[str, Any] = {"Results": [{member: record.seen(shape)} for record in page]} | token
    if not expression and not sagemaker.search_lag:
        answer["TotalHits"] = {"Value": len(shelf), "Relation": "EqualTo"}
    return answer


def _components(sagemaker: SageMaker, call: Call, shape: Shape) -> dict[str, Any]:
    """Trial components: created ones, and those of jobs that are traced."""
    shelves = {kind: sagemaker.shelf(call.account, call.region, kind) for kind in (*_JOBS, "TrialComponent")}
    handles = [(kind, handle) for kind, shelf in shelves.items() for handle in shelf.ordered()]
    expression = call.parameters.get("SearchExpression") or {}
    detail = shape.members["SourceDetail"]
    seen: dict[str, dict[str, Any]] = {}

    def fetch(number: int) -> Record | None:
        kind, handle = handles[number]
        record = shelves[kind].at(handle)
        if kind == "TrialComponent":
            seen[record.arn] = record.seen(shape)
        elif sagemaker.traced(record):
            job = record.seen(detail.members[kind])
            source = {"SourceArn": record.arn, "SourceType": f"SageMaker{kind}"}
            seen[record.arn] = {
                "TrialComponentName": f"{record.name}-aws-{kind.lower()}",
                "Source": source,
                "SourceDetail": {"SourceArn": record.arn, kind: job},
                "CreationTime": record.created,
            }
        if record.arn not in seen or (expression and not _holds(expression, record, seen[record.arn])):
            return None
        return record

    page, token = sagemaker.page(call, list(range(len(handles))), fetch)
    return {"Results": [{"TrialComponent": seen[record.arn]} for record in page]} | token


def _named(expression: Mapping[str, Any]) -> set[str]:
    """The members that an expression looks at: to make up all of each record takes most of a search."""
    names = {each["Name"] for each in expression.get("Filters", ())}
    names |= {each["NestedPropertyName"] for each in expression.get("NestedFilters", ())}
    return {name.partition(".")[0] for name in names}.union(
        *map(_named, expression.get("SubExpressions", ()))
    )


def _holds(expression: Mapping[str, Any], record: Record, seen: Mapping[str, Any]) -> bool:
    parts = [_filtered(each, record, seen) for each in expression.get("Filters", ())]
    parts += [_holds(each, record, seen) for each in expression.get("SubExpressions", ())]
    for nested in expression.get("NestedFilters", ()):
        prefix = f"{nested['NestedPropertyName']}."
        inner = [{**each, "Name": each["Name"].removeprefix(prefix)} for each in nested["Filters"]]
        items = _at(seen, nested["NestedPropertyName"].split("."))
        parts.append(any(all(_filtered(each, record, item) for each in inner) for item in items))
    return (any if expression.get("Operator") == "Or" else all)(parts)


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda have, want: have == want,
    "GreaterThan": lambda have, want: have > want,
    "GreaterThanOrEqualTo": lambda have, want: have >= want,
    "LessThan": lambda have, want: have < want,
    "LessThanOrEqualTo": lambda have, want: have <= want,
    "Contains": lambda have, want: str(want).lower() in str(have).lower(),
    "In": lambda have, want: str(have) in str(want).split(","),
}
_NEGATED = {"NotEquals": "Equals", "NotExists": "Exists"}


def _filtered(test: Mapping[str, Any], record: Record, seen: Mapping[str, Any]) -> bool:
    operator, name, want = test.get("Operator", "Equals"), test["Name"], test.get("Value")
    if operator in _NEGATED:
        return not _filtered({**test, "Operator": _NEGATED[operator]}, record, seen)
    if operator != "Exists" and operator not in _OPERATORS:
        raise AwsError("ValidationException", f"unknown operator {operator}")
    found = [record.tags[name[5:]]] if name.startswith("Tags.") and name[5:] in record.tags else []
    found = found or list(_at(seen, name.split(".")))
    if operator == "Exists":
        return bool(found)
    return any(_compared(_OPERATORS[operator], have, want) for have in found)


def _compared(operator: Callable[[Any, Any], bool], have: Any, want: Any) -> bool:
    if isinstance(have, datetime):
        return operator(have, moment(want))
    if isinstance(have, bool):
        return operator(str(have).lower(), str(want).lower())
    return (
        operator(have, type(have)(want)) if isinstance(have, (int, float)) else operator(str(have), str(want))
    )


def _at(value: Any, path: list[str]) -> list[Any]:
    """The values below a path, lists opened."""
    if isinstance(value, list):
        return [found for item in value for found in _at(item, path)]
    if not path:
        return [value]
    return _at(value[path[0]], path[1:]) if isinstance(value, Mapping) and path[0] in value else []
