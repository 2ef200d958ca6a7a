"""Which accounts and regions are audited, and what is said of those that can't be."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from scanner.model import SmguardError
from tests.audit.fast import ACCOUNT, at, surveyed
from tests.fake_aws import Fake

OTHERS = ("222233334444", "333344445555")
FOUR = ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    with Fake() as fake, at(fake, monkeypatch):
        yield fake


def scopes(found: object) -> list[tuple[str, str]]:
    return [(it.scope.account, it.scope.region) for it in found.places]


def test_one_account(fake: Fake) -> None:
    found = surveyed()
    assert found.by == f"arn:aws:iam::{ACCOUNT}:user/auditor"
    assert (scopes(found), found.gaps, found.notes) == ([(ACCOUNT, "us-east-1")], (), ())
    assert dict(fake.calls) == {"GetCallerIdentity": 1}
    assert scopes(surveyed(regions=("eu-west-1", "us-west-2", "eu-west-1"))) == [
        (ACCOUNT, "eu-west-1"),
        (ACCOUNT, "us-west-2"),
    ]


def test_all_regions_are_the_enabled_ones_where_sagemaker_is(fake: Fake) -> None:
    fake.services.regions |= {"us-nowhere-9": "opted-in", "me-south-1": "opted-in"}
    found = surveyed(regions=("all",))
    # A region that is newer than botocore is tried; the installed one knows SageMaker in me-south-1.
    assert scopes(found) == [(ACCOUNT, name) for name in sorted([*FOUR, "me-south-1", "us-nowhere-9"])]
    assert (found.gaps, found.notes) == ((), ())


def test_regions_without_sagemaker_are_no_gap(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    import botocore.session

    known = botocore.session.Session.get_available_regions

    def fewer(self: object, service: str, **rest: object) -> list[str]:
        return [
            name for name in known(self, service, **rest) if (service, name) != ("sagemaker", "us-west-2")
        ]

    monkeypatch.setattr(botocore.session.Session, "get_available_regions", fewer)
    for asked in (("all",), tuple(FOUR)):
        found = surveyed(regions=asked)
        assert scopes(found) == [(ACCOUNT, name) for name in FOUR[:3]]
        assert found.gaps == ()
        assert [note.where for note in found.notes] == ["us-west-2"]


def test_the_list_of_regions_is_denied(fake: Fake) -> None:
    fake.fail("DescribeRegions", "UnauthorizedOperation")
    found = surveyed(regions=("all",))
    assert (ACCOUNT, "eu-west-1") in scopes(found)
    assert (ACCOUNT, "af-south-1") not in scopes(found)
    assert len(found.places) > 20
    (gap,) = found.gaps
    assert "ec2:DescribeRegions is denied" in gap.what
    assert "allow ec2:DescribeRegions" in gap.hint
    (note,) = (note for note in found.notes if "af-south-1" in note.where)
    assert "not enabled" in note.what


def test_accounts(fake: Fake) -> None:
    found = surveyed(
        account_role="audit/Reader", accounts=(ACCOUNT, *OTHERS), external_id="x1", regions=("eu-west-1",)
    )
    assert scopes(found) == [(account, "eu-west-1") for account in (ACCOUNT, *OTHERS)]
    assumed = [call.parameters for call in fake.log if call.operation == "AssumeRole"]
    assert sorted(each["RoleArn"] for each in assumed) == [
        f"arn:aws:iam::{account}:role/audit/Reader" for account in OTHERS
    ]
    assert {(each["ExternalId"], each["RoleSessionName"]) for each in assumed} == {("x1", "smguard")}
    assert {call.region for call in fake.log} == {"eu-west-1"}


def test_roles_are_assumed_one_after_the_other(fake: Fake) -> None:
    found = surveyed(role_arn="arn:aws:iam::444455556666:role/hub", account_role="Reader", accounts=OTHERS)
    assert found.by == "arn:aws:sts::444455556666:assumed-role/auditor/session"
    assert [place.scope.account for place in found.places] == list(OTHERS)
    made = [(call.account, call.parameters["RoleArn"]) for call in fake.log if call.operation == "AssumeRole"]
    assert made[0] == (ACCOUNT, "arn:aws:iam::444455556666:role/hub")
    assert sorted(made[1:]) == [("444455556666", f"arn:aws:iam::{account}:role/Reader") for account in OTHERS]


def test_an_account_that_cannot_be_entered_is_one_gap(fake: Fake) -> None:
    fake.fail("AssumeRole", "AccessDenied", when=lambda call: OTHERS[0] in call.parameters["RoleArn"])
    found = surveyed(account_role="Reader", accounts=OTHERS, regions=("all",))
    assert {place.scope.account for place in found.places} == {OTHERS[1]}
    (gap,) = found.gaps
    assert gap.where.startswith(OTHERS[0])
    assert "sts:AssumeRole is denied" in gap.what
    assert "vpc-config" in gap.what
    assert "trust the caller; allow sts:AssumeRole" in gap.hint


def test_organization(fake: Fake) -> None:
    organization = fake.services.organize(ACCOUNT)
    organization.page_size = 2
    for number in range(5):
        organization.account(f"{number}" * 12, status="SUSPENDED" if number == 3 else "ACTIVE")
    found = surveyed(account_role="Reader", organization=True)
    assert [place.scope.account for place in found.places] == [
        ACCOUNT,
        *(str(it) * 12 for it in (0, 1, 2, 4)),
    ]
    assert found.gaps == ()
    (note,) = found.notes
    assert note.what.startswith("1 of its accounts")


@pytest.mark.parametrize("code", ["AccessDeniedException", "AWSOrganizationsNotInUseException"])
def test_an_organization_that_cannot_be_listed_is_a_gap(fake: Fake, code: str) -> None:
    fake.services.organize(ACCOUNT)
    fake.fail("ListAccounts", code)
    found = surveyed(account_role="Reader", organization=True)
    assert scopes(found) == [(ACCOUNT, "us-east-1")]
    (gap,) = found.gaps
    assert "organizations:ListAccounts" in gap.what
    assert code in gap.what


@pytest.mark.parametrize(
    ("where", "word"),
    [
        ({"regions": ("Ireland",)}, "no region"),
        ({"regions": ("eu-west-1/../..",)}, "no region"),
        ({"accounts": ("1234",), "account_role": "R"}, "no account"),
        ({"accounts": OTHERS}, "need a role"),
        ({"organization": True}, "need a role"),
        ({"account_role": "R"}, "needs accounts"),
        ({"account_role": "a role", "organization": True}, "role's name"),
        ({"role_arn": "auditor"}, "role's ARN"),
        ({"profile": "nobody"}, "ProfileNotFound"),
    ],
)
def test_requests_that_make_no_sense(fake: Fake, where: dict[str, object], word: str) -> None:
    with pytest.raises(SmguardError, match=word) as met:
        surveyed(**where)
    assert met.value.hint
    assert not fake.calls


def test_no_region(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(SmguardError, match="no region is given"):
        surveyed()
    assert len(surveyed(regions=("all",)).places) == 4


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("ExpiredToken", "have expired"),
        ("InvalidClientTokenId", "not accepted in us-east-1"),
        ("AccessDenied", "GetCallerIdentity is denied"),
        ("garbage", "can't be read"),
        ("empty", "can't be read"),
    ],
)
def test_credentials_that_do_not_work(fake: Fake, code: str, word: str) -> None:
    fake.fail("GetCallerIdentity", code)
    with pytest.raises(SmguardError, match=word) as met:
        surveyed()
    assert "canary" not in met.value.what + met.value.hint


def test_an_identity_that_is_none(fake: Fake) -> None:
    fake.answer("sts", "GetCallerIdentity", {"Account": "me", "Arn": "me", "UserId": "me"})
    with pytest.raises(SmguardError, match="tells no account"):
        surveyed()


def test_regions_that_cannot_be_listed_are_a_gap(fake: Fake) -> None:
    fake.fail("DescribeRegions", "InternalFailure")
    found = surveyed(regions=("all",))
    assert found.places == ()
    (gap,) = found.gaps
    assert "ec2:DescribeRegions failed" in gap.what


def test_no_credentials(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(SmguardError, match=r"found no credentials in .* \(NoCredentialsError\)"):
        surveyed()
    assert not fake.calls
    assert "AWS_ENDPOINT_URL" in os.environ


@pytest.mark.parametrize(("partition", "region"), [("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")])
def test_other_partitions(fake: Fake, partition: str, region: str) -> None:
    answer = {"Account": ACCOUNT, "Arn": f"arn:{partition}:iam::{ACCOUNT}:user/me", "UserId": "x"}
    fake.answer("sts", "GetCallerIdentity", lambda call: {**answer, "Account": call.account})
    fake.services.regions = {region: "opt-in-not-required", "us-east-1": "not-opted-in"}
    found = surveyed(regions=(region,), account_role="Reader", accounts=OTHERS[:1])
    assert [place.scope for place in found.places] == [(OTHERS[0], region, partition)]
    (assumed,) = (call.parameters["RoleArn"] for call in fake.log if call.operation == "AssumeRole")
    assert assumed.startswith(f"arn:{partition}:iam::")
    assert [place.scope.region for place in surveyed(regions=(region, "all")).places] == [region]
