"""Scenarios for comparing evaluators of policies: a systematic set, and random ones from a fixed seed.

`scenarios()` yields (name, scenario); the name's first part is the family that it belongs to.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product
from typing import Any

Scenario = dict[str, Any]
ACCOUNT, OTHER = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/now"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
STRANGER = f"arn:aws:iam::{OTHER}:role/app"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
OBJECT = "arn:aws:s3:::bucket/key"
ONE, MANY, TAG = "aws:PrincipalTag/t", "aws:TagKeys", "aws:PrincipalTag/v"


def statement(effect: str = "Allow", **fields: Any) -> dict[str, Any]:
    found = {"Effect": effect, "Action": "*", "Resource": "*", **fields}
    return {name: value for name, value in found.items() if value is not None}


def policy(*statements: dict[str, Any], version: str | None = "2012-10-17") -> dict[str, Any]:
    return {**({"Version": version} if version else {}), "Statement": list(statements)}


ALL = policy(statement())


def scenario(
    principal: str = ROLE,
    action: str = "s3:GetObject",
    resource: str = OBJECT,
    context: dict[str, Any] | None = None,
    account: str = ACCOUNT,
    **layers: Any,
) -> Scenario:
    request = {
        "principal": principal, "action": action, "resource": resource,
        "account": account, "context": context or {},
    }  # fmt: skip
    return {"request": request, "identity": [ALL], **layers}


def on_condition(
    condition: dict[str, Any], context: dict[str, Any], **how: Any
) -> Iterator[tuple[str, Scenario]]:
    """The condition on an Allow and on a Deny."""
    version = how.pop("version", "2012-10-17")
    conditional = [policy(statement(Condition=condition), version=version)]
    yield "allow", scenario(context=context, identity=conditional, **how)
    denied = policy(statement("Deny", Condition=condition), version=version)
    yield "deny", scenario(context=context, identity=[ALL, denied], **how)


STRINGS = (
    ["x", "X", "", "xy", "a*", "*", "?", "x*y", "[x]", "x.y", "é"],
    [None, "x", "X", "", "xy", "axy", "x.y", "xay", "[x]", "é"],
)
NUMBERS = (["5", "5.0", "-1", "abc", "", "007"], [None, "5", "4", "6.5", "-1", "abc", "10.1.2.3", "7"])
DATES = (
    ["2026-01-01T00:00:00Z", "2026-01-01", "2026-01-01T01:00:00+01:00", "never"],
    [None, "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", "2026-06-01T00:00:00.5Z", "1767225600", "soon"],
)
BOOLS = (["true", "false", "True", "yes"], [None, "true", "false", "FALSE", "1"])
BINARIES = (["QUJD", "QUJDRA=="], [None, "QUJD", "qujd"])
ADDRESSES = (
    ["10.0.0.0/8", "10.1.2.3", "10.1.2.3/32", "0.0.0.0/0", "2001:db8::/32", "::/0", "10.0.0.0/33", "here"],
    [None, "10.1.2.3", "11.0.0.1", "2001:DB8::1", "2001:db9::1", "there"],
)
ARNS = (
    [
        "arn:aws:s3:::bucket",
        "arn:aws:s3:::b*",
        "arn:*:s3:::bucket",
        "arn:aws:s3:*:*:bucke?",
        "arn:aws:sns:*:*:a*",
        "*",
        "bucket",
    ],
    [None, "arn:aws:s3:::bucket", "arn:aws:s3:::other", "arn:aws:sns:eu-west-1:111122223333:a:b", "bucket"],
)
COMPARED = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
OPERATORS: dict[str, tuple[list[Any], list[Any]]] = {
    **{
        f"String{it}": STRINGS
        for it in ("Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike")
    },
    **{f"Numeric{it}": NUMBERS for it in COMPARED},
    **{f"Date{it}": DATES for it in COMPARED},
    "Bool": BOOLS,
    "BinaryEquals": BINARIES,
    **dict.fromkeys(("IpAddress", "NotIpAddress"), ADDRESSES),
    **{f"Arn{it}": ARNS for it in ("Equals", "NotEquals", "Like", "NotLike")},
}


def scenarios() -> Iterator[tuple[str, Scenario]]:
    """The systematic set."""
    seen: set[str] = set()
    for family in (_single, _lists, _null, _variables, _matching, _organisation, _principals, _limits):
        for part, each in family():
            name = f"{family.__name__.strip('_')}/{part}"
            if name not in seen:
                seen.add(name)
                yield name, each


def _single() -> Iterator[tuple[str, Scenario]]:
    for operator, (wanted, given) in OPERATORS.items():
        for value, had in product(wanted, given):
            context = {} if had is None else {ONE: had}
            name = f"{operator}/{value}/{had}"
            (_, allow), (_, deny) = on_condition({operator: {ONE: value}}, context)
            yield name, allow
            if had is None:
                yield f"{name}/deny", deny
                yield f"{name}/if-exists", on_condition_once({f"{operator}IfExists": {ONE: value}}, context)
        values = wanted[:2]
        for had in given:
            yield (
                f"{operator}/two/{had}",
                on_condition_once({operator: {ONE: values}}, {} if had is None else {ONE: had}),
            )
        yield f"{operator}/none", on_condition_once({operator: {ONE: []}}, {ONE: given[1]})


def on_condition_once(condition: dict[str, Any], context: dict[str, Any], **how: Any) -> Scenario:
    return next(on_condition(condition, context, **how))[1]


def _lists() -> Iterator[tuple[str, Scenario]]:
    for operator, (wanted, given) in OPERATORS.items():
        one, two = wanted[0], given[2]
        for quantifier, suffix in product(("", "ForAllValues:", "ForAnyValue:"), ("", "IfExists")):
            for had in (None, [], [one], [two], [one, two], [two, one], [given[-1], one]):
                name = f"{quantifier}{operator}{suffix}/{had}"
                condition = {f"{quantifier}{operator}{suffix}": {MANY: one}}
                yield name, on_condition_once(condition, {} if had is None else {MANY: had})


def _null() -> Iterator[tuple[str, Scenario]]:
    for operator in ("Null", "NullIfExists", "ForAllValues:Null", "ForAnyValue:Null", "null"):
        for value in ("true", "false", "True", True, "maybe", ["true", "false"]):
            for key, had in ((ONE, None), (ONE, "x"), (ONE, ""), (MANY, []), (MANY, ["x"]), (MANY, None)):
                for effect, each in on_condition({operator: {key: value}}, {} if had is None else {key: had}):
                    yield f"{operator}/{value!r}/{key}={had}/{effect}", each
    pairs = {"StringEquals": {ONE: "x"}, "Null": {TAG: "false"}}
    for had in ({}, {ONE: "x"}, {TAG: "y"}, {ONE: "x", TAG: "y"}, {ONE: "z", TAG: "y"}):
        for effect, each in on_condition(pairs, had):
            yield f"anded/{sorted(had)}/{effect}", each
        for effect, each in on_condition({"StringEquals": {ONE: "x", TAG: "y"}}, had):
            yield f"keys/{sorted(had)}/{effect}", each


def _variables() -> Iterator[tuple[str, Scenario]]:
    texts = (
        *(
            "${aws:PrincipalTag/v}",
            "${aws:PrincipalTag/v, 'd'}",
            "${aws:PrincipalTag/v,'d'}",
            "a${aws:PrincipalTag/v}b",
        ),
        *(
            "${AWS:principaltag/V}",
            "${aws:TagKeys}",
            "${aws:TagKeys, 'd'}",
            "a${*}b",
            "a${?}b",
            "a${$}b",
            "${",
            "$x",
            "${}",
        ),
    )
    contexts = ({ONE: "d"}, {ONE: "d", TAG: "d"}, {ONE: "ab", TAG: ""}, {ONE: "axb", TAG: "x"},
                {ONE: "axb", TAG: "*"}, {ONE: "a*b"},
                {ONE: "a?b"}, {ONE: "a$b"}, {ONE: "d", MANY: ["d"]}, {ONE: "$x"})  # fmt: skip
    for operator, text, context in product(
        ("StringEquals", "StringNotEquals", "StringLike"), texts, contexts
    ):
        yield (
            f"{operator}/{text}/{sorted(context.items())}",
            on_condition_once({operator: {ONE: text}}, context),
        )
    for operator in ("ArnLike", "ArnNotLike"):
        for had in ({}, {TAG: "b"}, {TAG: "*"}, {TAG: "c"}):
            condition = {operator: {ONE: "arn:aws:s3:::${aws:PrincipalTag/v}*"}}
            yield f"{operator}/{had}", on_condition_once(condition, {ONE: "arn:aws:s3:::bucket", **had})
    for operator, value in (
        ("NumericEquals", "5"),
        ("DateEquals", "2026-01-01"),
        ("Bool", "true"),
        ("IpAddress", "10.0.0.1"),
    ):
        condition = {operator: {ONE: "${aws:PrincipalTag/v}"}}
        yield f"{operator}/no-variables", on_condition_once(condition, {ONE: value, TAG: value})
    for values in (["${aws:PrincipalTag/v}", "y"], ["y", "${aws:PrincipalTag/v}"]):
        for operator, had in product(("StringEquals", "StringNotEquals"), ("x", "y")):
            yield f"{operator}/{values}/{had}", on_condition_once({operator: {ONE: values}}, {ONE: had})
    for version in ("2008-10-17", None):
        for had in ("x", "${aws:PrincipalTag/v}"):
            condition = {"StringEquals": {ONE: "${aws:PrincipalTag/v}"}}
            yield (
                f"version/{version}/{had}",
                on_condition_once(condition, {ONE: had, TAG: "x"}, version=version),
            )
    resources = (
        "arn:aws:s3:::${aws:PrincipalTag/v}/key",
        "arn:aws:s3:::bucket/${aws:PrincipalTag/v, 'key'}",
        "arn:aws:s3:::${aws:PrincipalTag/v}*",
    )
    for text, had in product(resources, ({}, {TAG: "bucket"}, {TAG: "*"}, {TAG: "key"})):
        for field, effect in product(("Resource", "NotResource"), ("Allow", "Deny")):
            fields = {"Resource": None, field: text}
            identity = [policy(statement(effect, **fields)), *([ALL] if effect == "Deny" else [])]
            yield f"{field}/{effect}/{text}/{had}", scenario(context=had, identity=identity)


def _matching() -> Iterator[tuple[str, Scenario]]:
    actions = (
        "*",
        "s3:*",
        "S3:getobject",
        "s3:Get*",
        "s3:*Object",
        "s3:Get?bject",
        "s3:G*t*b*j",
        "s3:GetObjec",
        "ec2:*",
        "s3:PutObject",
    )
    for text, field in product(actions, ("Action", "NotAction")):
        for effect in ("Allow", "Deny"):
            identity = [
                policy(statement(effect, **{"Action": None, field: text})),
                *([ALL] if effect == "Deny" else []),
            ]
            yield f"{field}/{effect}/{text}", scenario(identity=identity)
    patterns = (
        *(
            "*",
            OBJECT,
            "arn:aws:s3:::bucket/*",
            "arn:aws:s3:::*",
            "arn:aws:s3:::bucket",
            "arn:aws:s3:::bucket/ke?",
            "arn:aws:s3:::b*y",
        ),
        *(
            "arn:aws:s3:::B*",
            "arn:*:s3:::bucket/key",
            "arn:aws:s3:*:*:bucket/key",
            "arn:aws:s3:us-east-1::bucket/key",
            "arn:aws:s3:::bucket/key?",
        ),
        *("arn:aws:s3:::*/*/*", "arn:aws:s3:::**key", "arn:aws:s3:::?ucket/k*"),
    )
    for text, field, effect in product(patterns, ("Resource", "NotResource"), ("Allow", "Deny")):
        identity = [
            policy(statement(effect, **{"Resource": None, field: text})),
            *([ALL] if effect == "Deny" else []),
        ]
        yield f"{field}/{effect}/{text}", scenario(identity=identity)
    model = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model/demo"
    for text in (
        "*",
        model,
        f"arn:aws:sagemaker:*:{ACCOUNT}:model/*",
        "arn:aws:sagemaker:*:*:*/demo",
        "arn:aws:sagemaker:*:*:*/d?mo",
        "arn:aws:sagemaker:*:*:endpoint/*",
    ):
        identity = [policy(statement(Resource=text, Action="sagemaker:CreateModel"))]
        yield f"sagemaker/{text}", scenario(action="sagemaker:CreateModel", resource=model, identity=identity)
        yield (
            f"sagemaker-list/{text}",
            scenario(
                action="sagemaker:ListModels", resource="*", identity=[policy(statement(Resource=text))]
            ),
        )
    for operator, key in (
        ("stringequals", ONE),
        ("STRINGEQUALS", ONE.upper()),
        ("StringEquals", ONE.lower()),
        ("forallvalues:StringLike", ONE),
    ):
        yield f"case/{operator}/{key}", on_condition_once({operator: {key: "x"}}, {ONE: "x"})


def _organisation() -> Iterator[tuple[str, Scenario]]:
    only = policy(statement(Action="s3:*"))
    deny = policy(statement("Deny", Action="s3:Get*"))
    elsewhere = policy(statement(Action="ec2:*"))
    conditional = policy(statement("Deny", Condition={"StringNotEquals": {ONE: "x"}}))
    narrow = policy(statement(NotAction="s3:*", Action=None))
    levels: tuple[list[Any], ...] = (
        [],
        [ALL],
        [only],
        [elsewhere],
        [ALL, deny],
        [ALL, conditional],
        [narrow],
    )
    for root, unit, account in product(levels, repeat=3):
        name = "+".join(str(levels.index(each)) for each in (root, unit, account))
        yield f"scp/{name}", scenario(context={ONE: "x"}, scp=[root, unit, account])
    for identity, root in product(([], [ALL], [elsewhere], [ALL, deny]), levels):
        yield f"scp-identity/{identity and levels.index(root)}", scenario(identity=identity, scp=[root])
    yield "scp/none", scenario(scp=[])
    rcp = policy(
        statement("Deny", Action="s3:*", Principal="*", Condition={"StringNotEqualsIfExists": {ONE: "x"}})
    )
    for had, resource in product(({}, {ONE: "x"}, {ONE: "y"}), ([[rcp]], [[], [rcp]], [[]])):
        yield f"rcp/{had}/{len(resource)}{len(resource[0])}", scenario(context=had, rcp=resource)


NAMED = {
    "account": {"AWS": ACCOUNT},
    "root": {"AWS": ROOT},
    "role": {"AWS": ROLE},
    "session": {"AWS": SESSION},
    "user": {"AWS": USER},
    "anyone": "*",
    "aws-anyone": {"AWS": "*"},
    "service": {"Service": "sagemaker.amazonaws.com"},
    "stranger": {"AWS": STRANGER},
    "other": {"AWS": OTHER},
    "several": {"AWS": [USER, ROLE], "Service": "s3.amazonaws.com"},
}
ASKING = {"role": ROLE, "session": SESSION, "user": USER, "stranger": STRANGER}


def _principals() -> Iterator[tuple[str, Scenario]]:
    elsewhere = policy(statement(Action="ec2:*"))
    for (how, named), (who, principal) in product(NAMED.items(), ASKING.items()):
        for effect in ("Allow", "Deny"):
            resource = policy(statement(effect, Principal=named))
            for identity in ([], [ALL]):
                name = f"{effect}/{how}/{who}/{len(identity)}"
                yield name, scenario(principal, identity=identity, resource_policy=resource)
                yield (
                    f"{name}/boundary",
                    scenario(principal, identity=identity, resource_policy=resource, boundary=elsewhere),
                )
                if who != "user":
                    yield (
                        f"{name}/session",
                        scenario(principal, identity=identity, resource_policy=resource, session=elsewhere),
                    )
        excepted = policy(statement("Deny", NotPrincipal=named if isinstance(named, dict) else {"AWS": "*"}))
        yield f"NotPrincipal/{how}/{who}", scenario(principal, resource_policy=excepted)
    for (how, named), who in product(NAMED.items(), ("sagemaker.amazonaws.com", "*")):
        identity: list[Any] = []
        yield (
            f"Allow/{how}/{who}",
            scenario(who, identity=identity, resource_policy=policy(statement(Principal=named))),
        )


def _limits() -> Iterator[tuple[str, Scenario]]:
    """Boundary, session and endpoint, in every combination with an identity policy."""
    deny = policy(statement("Deny", Action="s3:GetObject"))
    some, other = policy(statement(Action="s3:Get*")), policy(statement(Action="ec2:*"))
    open_door, shut = policy(statement(Principal="*")), policy(statement(Action="ec2:*", Principal="*"))
    barred = policy(statement(Principal="*"), statement("Deny", Principal="*", Action="s3:Get*"))
    for identity, boundary, session, endpoint in product(
        ([], [ALL], [ALL, deny]),
        (None, some, other, deny),
        (None, some, other, deny),
        (None, open_door, shut, barred),
    ):
        layers = {"boundary": boundary, "session": session, "vpc_endpoint": endpoint}
        name = "".join(
            "-" if each is None else str([some, other, deny, open_door, shut, barred].index(each))
            for each in layers.values()
        )
        yield f"{len(identity)}{name}", scenario(SESSION, identity=identity, **layers)


OUT_OF_CHANCE = (None, "", "0.0.0.0/0", "10.1.2.3/32", "10.1.2.3", "1767225600")
"""What random scenarios leave to the systematic ones: values that evaluators are known to differ on."""


def random_scenarios(count: int, seed: int = 4) -> Iterator[Scenario]:
    """Random policies in every layer and requests that often come near them."""
    dice = random.Random(seed)

    def some(values: list[Any]) -> Any:
        return dice.choice(values)

    texts = [name for name in OPERATORS if name.startswith(("String", "Bool", "Binary", "Arn"))]
    # The oracle reads numbers out of dates and addresses: what is compared as one is not given as another.
    worlds = [
        texts,
        *([name for name in OPERATORS if kind in name] for kind in ("Numeric", "Date", "IpAddress")),
    ]
    world = texts

    def condition() -> dict[str, Any]:
        block: dict[str, Any] = {}
        for _ in range(dice.randint(0, 2)):
            operator = some(world)
            wanted, _ = OPERATORS[operator]
            quantifier = some(["", "", "ForAllValues:", "ForAnyValue:"])
            key = MANY if quantifier else some([ONE, ONE, TAG, MANY])
            values = [each for each in wanted if each not in OUT_OF_CHANCE]
            name = f"{quantifier}{operator}{some(['', '', 'IfExists'])}"
            block.setdefault(name, {})[key] = dice.sample(values, dice.randint(1, 2))
        if dice.random() < 0.2:
            block["Null"] = {some([ONE, TAG, MANY]): some(["true", "false"])}
        return block

    actions = ["*", "s3:*", "s3:Get*", "s3:GetObject", "s3:PutObject", "ec2:*", "s3:?etObject"]
    resources = ["*", OBJECT, "arn:aws:s3:::bucket/*", "arn:aws:s3:::*", "arn:aws:s3:::other/*"]

    def make(effects: list[str], *, named: bool = False, rcp: bool = False) -> dict[str, Any]:
        listed = []
        for _ in range(dice.randint(1, 3)):
            fields: dict[str, Any] = {"Action": None, "Resource": None}
            fields[some(["Action", "Action", "Action", "NotAction"]) if not rcp else "Action"] = some(
                actions[1:]
            )
            fields[some(["Resource", "Resource", "Resource", "NotResource"])] = some(resources)
            if rcp:
                fields.update(Action="s3:*", Principal="*")
            elif named:
                fields["Principal"] = some(list(NAMED.values()))
            block = condition()
            if block:
                fields["Condition"] = block
            listed.append(statement(some(effects), **fields))
        return policy(*listed)

    both = ["Allow", "Allow", "Deny"]
    for _ in range(count):
        world = some(worlds)
        context: dict[str, Any] = {}
        for key in (ONE, TAG):
            if dice.random() < 0.7:
                had = [each for name in world for each in OPERATORS[name][1] if each not in OUT_OF_CHANCE]
                context[key] = some(had)
        if dice.random() < 0.6:
            had = [each for name in world for each in OPERATORS[name][1] if each not in OUT_OF_CHANCE]
            context[MANY] = list(dict.fromkeys(some(had) for _ in range(dice.randint(0, 3))))
        principal = some([ROLE, SESSION, USER, ROLE, STRANGER])
        identity = [make(both) for _ in range(dice.randint(0, 2))]
        layers: dict[str, Any] = {"identity": [*identity, *([ALL] if dice.random() < 0.6 else [])]}
        if dice.random() < 0.4:
            layers["scp"] = [
                [ALL, make(["Deny"])] if dice.random() < 0.7 else [make(both)]
                for _ in range(dice.randint(1, 3))
            ]
        if dice.random() < 0.1:
            layers["rcp"] = [[make(["Deny"], rcp=True)]]
        if dice.random() < 0.2:
            layers["boundary"] = some([ALL, make(both)])
        if dice.random() < 0.4:
            layers["resource_policy"] = make(both, named=True)
        elif principal != USER and dice.random() < 0.2:
            layers["session"] = some([ALL, make(both)])
        yield scenario(principal, some(["s3:GetObject", "s3:PutObject"]), OBJECT, context, **layers)
