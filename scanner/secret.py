"""Credentials in scripts, as detect-secrets finds them, which the extra `secrets` brings."""

from __future__ import annotations

import os
import re
from base64 import b64decode
from importlib.util import find_spec

from scanner.safe_text import inert
from scanner.value import Opaque, Part, Partial, Variable

_LONGEST = 100_000
"""Characters of a script that are looked at; SageMaker takes 16,384."""
_HOW = "pip install 'sagemaker-guardrails[secrets]'"
_PLUGINS = (
    *("ArtifactoryDetector", "AWSKeyDetector", "AzureStorageKeyDetector", "BasicAuthDetector"),
    *("CloudantDetector", "DiscordBotTokenDetector", "GitHubTokenDetector", "GitLabTokenDetector"),
    *("IbmCloudIamDetector", "JwtTokenDetector", "KeywordDetector", "MailchimpDetector", "NpmDetector"),
    *("OpenAIDetector", "PrivateKeyDetector", "PypiTokenDetector", "SendGridDetector", "SlackDetector"),
    *("SoftlayerDetector", "SquareOAuthDetector", "StripeDetector", "TelegramBotTokenDetector"),
    "TwilioKeyDetector",
)
"""Those that know a form or a name; what only looks random is no credential for sure."""
_FILTERS = (
    *("is_indirect_reference", "is_likely_id_string", "is_not_alphanumeric_string"),
    *("is_potential_uuid", "is_prefixed_with_dollar_sign", "is_sequential_string", "is_templated_secret"),
)

_BARE = re.compile(
    r"(?i)((?:passwd|password|pwd|secret|token|api_?key|access_key|private_key)=)([^\s'\"$`;&|()<>]+)"
)
"""A value as a shell takes it; the detector wants it in quotes."""
_NOTHING, _STAND_IN = "${x}", "k3Vq9ZtL0wXr7Bn2"
"""What stands for an unknown part: no credential, or what is one after `password=`."""
_SECRETS = frozenset({"AWS::IAM::AccessKey"})
"""Types whose attributes are credentials."""


def can_look() -> bool:
    """Is the detector installed, and no fork in its place?

    The one that checkov brings has the same name, lacks detectors that are asked for and finds other things.
    """
    spec = find_spec("detect_secrets")
    folders = (spec.submodule_search_locations if spec else None) or ()
    there, foreign = "plugins/gitlab_token.py", "custom_types.py"
    return any(
        os.path.exists(f"{folder}/{there}") and not os.path.exists(f"{folder}/{foreign}")
        for folder in folders
    )


def judge_script(parts: tuple[Part, ...]) -> tuple[bool | None, str]:
    """Is a script, in Base64, without credentials? The words name kind and line, and never what was found."""
    text = parts[0] if len(parts) == 1 else None
    if isinstance(text, Opaque) and text.encoded:
        return _judge_assembled(text.encoded)
    if not isinstance(text, str):
        return None, _not_known(next(part for part in parts if not isinstance(part, str)))
    try:
        script = b64decode("".join(text.split()), validate=True).decode("utf-8", "replace")
    except ValueError:
        return None, "is no Base64, as SageMaker takes it"
    return _judge(script)


def _not_known(part: Part) -> str:
    return f"comes from {Partial((part,)).cause}, which is not known here"


def _judge(script: str) -> tuple[bool | None, str]:
    if len(script) > _LONGEST:
        return None, "is longer than a script that SageMaker takes"
    if not can_look():
        return (
            None,
            f"can't be searched for credentials without detect-secrets (not checkov's): {_HOW}",
        )
    found = _find(script)
    return (True, "") if found is None else (False, f"holds a credential ({found[1]}) in line {found[0]}")


def _judge_assembled(parts: tuple[Part, ...]) -> tuple[bool | None, str]:
    """Judge a script by what is known of it, and each other part by where it stands.

    A parameter that nobody may see is a credential; another one may be where the name before it says so.
    """
    answer, text = _judge("".join(part if isinstance(part, str) else _NOTHING for part in parts))
    if not answer:
        return answer, text
    for part in parts:
        if isinstance(part, Variable) and part.domain.secret:
            return False, f"holds the parameter {part.name}, which is not to be shown (NoEcho)"
    for number, part in enumerate(parts):
        if not isinstance(part, str) and not _is_harmless(part):
            filled = (
                each if isinstance(each, str) else _STAND_IN if at == number else _NOTHING
                for at, each in enumerate(parts)
            )
            if not _judge("".join(filled))[0]:
                return None, f"holds what may be a credential, and {_not_known(part)}"
    return True, ""


def _is_harmless(part: Part) -> bool:
    """A pseudo parameter, one whose values are listed, or the name of a resource."""
    if isinstance(part, Variable):
        return part.name.startswith("AWS::") or part.domain.candidates is not None
    return isinstance(part, Opaque) and part.refers is not None and part.refers[0] not in _SECRETS


def _find(script: str) -> tuple[int, str] | None:
    """The line and kind of the first credential. Nothing is verified: that would send it out."""
    from detect_secrets.core.scan import scan_line
    from detect_secrets.settings import transient_settings

    settings = {
        "plugins_used": [{"name": name} for name in _PLUGINS],
        "filters_used": [{"path": f"detect_secrets.filters.heuristic.{name}"} for name in _FILTERS],
    }
    with transient_settings(settings):
        for number, line in enumerate(script.split("\n"), 1):
            for secret in scan_line(_BARE.sub(r"\1'\2'", line)):
                return number, inert(str(secret.type))
    return None
