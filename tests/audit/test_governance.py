"""The controls on an organisation, in an audit: when they are judged, and what is said where they can't."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audit.running import audit, found
from tests.audit.test_organization import OPT_OUT, OUT, PACK
from tests.door import Ran
from tests.fake_aws import Fake
from tests.fake_aws.organization import Organization

OWN, MEMBER = "111122223333", "444455556666"
VALUES = Path(__file__).resolve().parents[2] / "policies/parameters.yaml"
OPTED_OUT, ATTACHED = CONTROLS = ("ai-services-opt-out", "guardrail-policies-attached")
ASKED = ("--select", OPTED_OUT, "--select", ATTACHED, "--policy-parameters", VALUES, "-f", "json")
EVERYWHERE = ("--org", "--account-role", "Reader")


@pytest.fixture(scope="module")
def fake() -> Iterator[Fake]:
    with Fake() as fake:
        yield fake


@pytest.fixture
def organization(fake: Fake) -> Iterator[Organization]:
    organization = fake.services.organize(OWN)
    organization.account(MEMBER)
    organization.effective[OPT_OUT, "r-fake"] = OUT
    for each in PACK:
        organization.policy(each.name, each.text, each.source.type, "r-fake")
    fake.log.clear()
    yield organization
    fake.heal()


def test_a_crash_of_a_control_is_a_gap(
    fake: Fake, organization: Organization, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scanner.engine.Engine.judge", lambda *given: 1 / 0)
    ran = audit(fake, tmp_path, "--select", OPTED_OUT, "-f", "json", "--region", "us-east-1")
    said = f"{OPTED_OUT} crashed on AWS::Organizations::EffectivePolicy: ZeroDivisionError"
    assert (ran.code, [each["what"] for each in ran.report["gaps"]]) == (4, [said])


def test_every_account_is_judged_once(fake: Fake, organization: Organization, tmp_path: Path) -> None:
    organization.effective[OPT_OUT, MEMBER] = '{"services":{"default":{"opt_out_policy":"optIn"}}}'
    regions = ("--region", "us-east-1", "--region", "eu-west-1")
    ran = audit(fake, tmp_path, *ASKED, *EVERYWHERE, *regions, "--all")
    assert ran.code == 1
    verdicts = {
        (each["location"]["account"], each["resource"]["name"], each["verdict"])
        for each in ran.report["findings"]
    }
    paths = {each.source.path for each in PACK}
    opt_out = "ai-opt-out/organization.json"
    assert verdicts == {
        (OWN, "default", "pass"),
        *((OWN, path, "pass") for path in paths),
        (MEMBER, "default", "fail"),
        (MEMBER, opt_out, "fail"),
        *((MEMBER, path, "pass") for path in paths - {opt_out}),
    }
    assert len(ran.report["findings"]) == len(verdicts)
    assert {each["location"]["region"] for each in ran.report["findings"]} == {"global"}
    arns = {each["location"]["arn"] for each in ran.report["findings"]}
    assert arns == {f"arn:aws:iam::{account}:root" for account in (OWN, MEMBER)}
    about = ran.report["audit"]
    assert about["regions"] == ["eu-west-1", "us-east-1"]
    assert about["parameters"][ATTACHED]
    assert about["calls"]["operations"]["organizations:ListRoots"] == 1
    looked = [each for each in about["looked_at"] if each["region"] == "global"]
    assert [(each["account"], each["resources"], each["complete"]) for each in looked] == [
        (OWN, 1, True),
        (OWN, len(paths), True),
        (MEMBER, 1, True),
        (MEMBER, len(paths), True),
    ]
    assert {each.region for each in fake.log if each.service == "organizations"} == {"us-east-1"}


@pytest.mark.no_cover  # one audit covers as much
@pytest.mark.parametrize(
    ("words", "judged"),
    [
        ((), ()),
        (("--area", "access"), ()),
        (EVERYWHERE, (OPTED_OUT,)),
        (("--policy-parameters", VALUES), (ATTACHED,)),
    ],
)
def test_who_does_not_ask_about_an_organisation_is_not_told_of_gaps(
    fake: Fake,
    organization: Organization,
    tmp_path: Path,
    words: tuple[str | Path, ...],
    judged: tuple[str, ...],
) -> None:
    ran = audit(fake, tmp_path, "-f", "json", "--all", *words)
    assert {each["control"] for each in ran.report["findings"]} & set(CONTROLS) == set(judged)
    listed = [control for control in CONTROLS if control in ran.report["audit"]["controls"]]
    assert listed == list(judged)
    assert {note["where"] for note in ran.report["notes"]} & set(CONTROLS) == set(CONTROLS) - set(judged)
    assert (ran.code, ran.report["gaps"]) == (0, [])
    if not words:
        assert not any(call.service == "organizations" for call in fake.log)


def test_a_member_account_is_told_whom_to_ask(fake: Fake, organization: Organization, tmp_path: Path) -> None:
    """It may ask what is in effect in itself; what is attached only the management account knows."""
    there = fake.services.organize(MEMBER)
    there.account(OWN)
    there.effective[OPT_OUT, "r-fake"] = OUT
    ran = audit(fake, tmp_path, *ASKED, "--all")
    assert {(each["control"], each["verdict"]) for each in ran.report["findings"]} == {(OPTED_OUT, "pass")}
    _told_whom_to_ask(ran, ATTACHED, "ListParents")
    fake.fail("DescribeEffectivePolicy", code="AccessDeniedException")
    ran = audit(fake, tmp_path, *ASKED, "--all")
    assert found(ran.report) == set()
    _told_whom_to_ask(ran, OPTED_OUT, "DescribeEffectivePolicy")
    looked = [each for each in ran.report["audit"]["looked_at"] if each["region"] == "global"]
    assert [each["complete"] for each in looked] == [False, False]


def _told_whom_to_ask(ran: Ran, control: str, operation: str) -> None:
    action = f"organizations:{operation}"
    said = f"{action} is denied in us-east-1 (AccessDeniedException); not judged by {control}"
    [gap] = [each for each in ran.report["gaps"] if said in each["what"]]
    assert gap["where"] == f"{OWN}/global"
    assert gap["hint"] == f"allow {action}; only the management account and delegated ones may know"
    assert ran.code == 3


def test_an_account_of_another_organisation_is_a_gap(
    fake: Fake, organization: Organization, tmp_path: Path
) -> None:
    ran = audit(fake, tmp_path, *ASKED, "--account", "777788889999", "--account-role", "Reader")
    assert ran.code == 3
    assert {gap["where"] for gap in ran.report["gaps"]} == {"777788889999/global"}
    for control in CONTROLS:
        assert any(control in gap["what"] for gap in ran.report["gaps"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--select", ATTACHED), "guardrail-policies-attached is judged with --policy-parameters FILE"),
        (("--policy-parameters", "none.yaml"), "none.yaml"),
        (("--select", OPTED_OUT, "--demo"), "the account of --demo is in no organisation"),
    ],
)
def test_what_can_not_be_asked(fake: Fake, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    ran = audit(fake, tmp_path, *words)
    assert ran.code == 2
    assert said in ran.err


@pytest.mark.parametrize("name", ["table", "html", "asff", "sarif"])
def test_every_format_takes_what_is_of_no_region(
    fake: Fake, organization: Organization, tmp_path: Path, name: str
) -> None:
    organization.effective.clear()
    ran = audit(fake, tmp_path, "--select", OPTED_OUT, "-f", name)
    assert ran.code == 1
    assert OPTED_OUT in ran.out
    if name == "asff":
        [[sent], *records] = [json.loads(line)["Findings"] for line in ran.out.splitlines()]
        assert {record["Id"] for [record] in records} == {
            f"smguard/{region}/{OWN}/audit" for region in ("us-east-1", "global")
        }
        [resource] = sent["Resources"]
        assert (resource["Id"], resource["Region"]) == (f"arn:aws:iam::{OWN}:root", "us-east-1")
