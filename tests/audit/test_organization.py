"""What an audit makes of an organisation's policies, and what the controls say of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from scanner import catalog
from scanner.audit.access import Access, forget
from scanner.audit.client import Client
from scanner.audit.item import Item, Scope
from scanner.audit.organization import Organization, items
from scanner.audit.pace import Clock
from scanner.example import judge_example
from scanner.model import Gap, Note
from scanner.policy import pack, render
from tests.fake_aws import Fake
from tests.fake_aws.organization import Organization as FakeOrganization

SCP, OPT_OUT = "SERVICE_CONTROL_POLICY", "AISERVICES_OPT_OUT_POLICY"
ACCOUNT = "111122223333"
VALUES = pack.example_values()
PACK = [it for it in render.render(pack.entries(), VALUES, "") if it.source.type in (SCP, OPT_OUT)]
CATALOG = catalog.load()
CONTROLS = ("ai-services-opt-out", "guardrail-policies-attached")
OUT = '{"services":{"default":{"opt_out_policy":"optOut"}}}'


@pytest.fixture
def organization(aws: Fake, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOrganization]:
    monkeypatch.setattr(Clock, "wait_until", lambda clock, moment: None)
    forget()
    yield aws.services.organize(ACCOUNT)
    forget()


def told(with_pack: bool = True) -> tuple[dict[str, str], list[Gap], list[Note]]:
    """Verdicts of the controls on what there is, gaps and notes."""
    api = Client(Access(), Scope(ACCOUNT, "us-east-1"))
    events = list(items(Organization(api), PACK if with_pack else (), VALUES, ACCOUNT))
    verdicts: dict[str, str] = {}
    for control in CONTROLS:
        for item in (it for it in events if isinstance(it, Item)):
            if item.type in CATALOG.by_id[control].resources:
                example = {"resource": {"Type": item.type, "Properties": item.properties}}
                verdict = judge_example(CATALOG, CATALOG.by_id[control], example)
                assert verdict in ("pass", "fail")
                verdicts[control] = min(verdict, verdicts.get(control, "pass"))
    gaps = [it for it in events if isinstance(it, Gap)]
    return verdicts, gaps, [it for it in events if isinstance(it, Note)]


def deploy(organization: FakeOrganization, *left_out: str) -> None:
    for each in PACK:
        if each.name not in left_out:
            organization.policy(each.name, each.text, each.source.type, "r-fake")


def test_all_is_as_it_should_be(organization: FakeOrganization) -> None:
    deploy(organization)
    organization.effective[OPT_OUT, "r-fake"] = OUT
    assert told()[:2] == (dict.fromkeys(CONTROLS, "pass"), [])
    assert told(with_pack=False)[:2] == ({"ai-services-opt-out": "pass"}, [])


@pytest.mark.parametrize(
    "content",
    [
        None,
        '{"services":{"default":{"opt_out_policy":"optIn"}}}',
        '{"services":{"default":{"opt_out_policy":"optOut"},"lex":{"opt_out_policy":"optIn"}}}',
        '{"services":{"lex":{"opt_out_policy":"optOut"}}}',
    ],
)
def test_not_opted_out(organization: FakeOrganization, content: str | None) -> None:
    if content is not None:
        organization.effective[OPT_OUT, ACCOUNT] = content
    assert told(with_pack=False)[0] == {"ai-services-opt-out": "fail"}


def test_every_service_by_its_name(organization: FakeOrganization) -> None:
    """As AWS may spell out a default: then nothing but all of them will do."""
    known = [name for name, _ in _undone() if name != "default"]
    listed = {name: {"opt_out_policy": "optOut"} for name in known}
    organization.effective[OPT_OUT, ACCOUNT] = json.dumps({"services": listed})
    assert told(with_pack=False)[0] == {"ai-services-opt-out": "pass"}


def _undone() -> list[tuple[str, str | None]]:
    from scanner.audit.opt_out import services

    return services({"services": {}})


def test_a_policy_is_missing(organization: FakeOrganization) -> None:
    deploy(organization, "smguard-network")
    organization.effective[OPT_OUT, "r-fake"] = OUT
    assert told()[0] == {"ai-services-opt-out": "pass", "guardrail-policies-attached": "fail"}


@pytest.mark.parametrize(
    ("operation", "silent"),
    [
        ("DescribeEffectivePolicy", CONTROLS),
        ("ListPoliciesForTarget", CONTROLS[1:]),
        ("ListRoots", CONTROLS[1:]),
        ("DescribeOrganization", CONTROLS[1:]),
    ],
)
def test_what_can_not_be_read(
    organization: FakeOrganization, aws: Fake, operation: str, silent: tuple[str, ...]
) -> None:
    deploy(organization)
    organization.effective[OPT_OUT, "r-fake"] = OUT
    aws.fail(operation, code="AccessDeniedException")
    verdicts, gaps, _ = told()
    assert verdicts == {control: "pass" for control in CONTROLS if control not in silent}
    assert gaps
    for control in silent:
        assert any(f"organizations:{operation}" in gap.what and control in gap.what for gap in gaps)


def test_an_account_of_no_organisation(organization: FakeOrganization, aws: Fake) -> None:
    aws.fail("DescribeEffectivePolicy", code="AWSOrganizationsNotInUseException")
    verdicts, gaps, notes = told()
    assert (verdicts, gaps) == ({}, [])
    assert [note.what for note in notes] == ["is in no organisation, whose policies could be looked at"]
