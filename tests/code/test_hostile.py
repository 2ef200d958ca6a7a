"""Code that does something else than it seems to: no verdict is better than what Python would send."""

# ruff: noqa: E501 - code in a table is easier to read on one line

from __future__ import annotations

import pytest

from tests.code.test_laws import judged_file

START = """
import contextlib, copy, os, boto3, sagemaker
from sagemaker.estimator import Estimator
sm = boto3.client("sagemaker")
role = "arn:aws:iam::111122223333:role/r"
"""
JOB = "e = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)\n"
REQUEST = (
    "r = {'TrainingJobName': 'j', 'ResourceConfig': {'InstanceType': 'ml.m5.large', 'VolumeKmsKeyId': 'k'}}\n"
)
SEND = "sm.create_training_job(**r)\n"
LONG = "x" * 400

# what happens -> (code, the verdicts of volume-kms-key that are right for what Python would send)
CASES = {
    "setdefault by a branch": (
        "c = {}\nif x:\n    c['k'] = None\nkey = c.setdefault('k', 'd')\n" + JOB,
        "unknown",
    ),
    "break": ("key='k'\nfor x in xs:\n    key=None\n    if x: break\n    key='k'\n" + JOB, "unknown"),
    "continue": ("key='k'\nfor x in xs:\n    key=None\n    if x: continue\n    key='k'\n" + JOB, "unknown"),
    "break box": (
        REQUEST
        + "for x in xs:\n    r['ResourceConfig']['VolumeKmsKeyId']=None\n    if x: break\n    r['ResourceConfig']={'InstanceType':'ml.m5.large','VolumeKmsKeyId':'k'}\n"
        + SEND,
        "unknown",
    ),
    "while break": ("key='k'\nwhile True:\n    key=None\n    if go(): break\n    key='l'\n" + JOB, "unknown"),
    "for else": ("key=None\nfor x in xs:\n    if x: break\nelse:\n    key='k'\n" + JOB, "unknown"),
    "return in loop": (
        "def f():\n    for x in xs:\n        if x: return None\n    return 'k'\nkey=f()\n" + JOB,
        "unknown",
    ),
    "return in try": (
        "def f():\n    try:\n        return g()\n    except Exception:\n        return None\nkey=f()\n" + JOB,
        "unknown",
    ),
    "try mid": (
        "key='k'\ntry:\n    key=None\n    go()\n    key='l'\nexcept Exception:\n    pass\n" + JOB,
        "unknown",
    ),
    "try box": (
        REQUEST
        + "try:\n    r['ResourceConfig']['VolumeKmsKeyId']=None\n    go()\n    r['ResourceConfig']['VolumeKmsKeyId']='l'\nexcept Exception:\n    pass\n"
        + SEND,
        "unknown",
    ),
    "finally": ("key='k'\ntry:\n    key=None\n    go()\n    key='l'\nfinally:\n    " + JOB, "unknown"),
    "suppress": (
        "import contextlib\nkey='k'\nwith contextlib.suppress(OSError):\n    key=None\n    go()\n    key='l'\n"
        + JOB,
        "unknown",
    ),
    "except name": ("key='k'\ntry:\n    go()\nexcept Exception as key:\n    pass\n" + JOB, "unknown"),
    "deepcopy": (
        "base={'TrainingJobName':'j','ResourceConfig':{'InstanceType':'ml.m5.large'}}\nd=copy.deepcopy(base)\nd['ResourceConfig']['VolumeKmsKeyId']='k'\nsm.create_training_job(**base)\n",
        "fail",
    ),
    "copy obj": (
        "key=None\ne = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)\nf=copy.copy(e)\nf.volume_kms_key='k'\ne.fit()\n",
        "fail|pass",
    ),
    "alias": (REQUEST + "s=r['ResourceConfig']\ndel s['VolumeKmsKeyId']\n" + SEND, "fail"),
    "alias attr": (
        "key='k'\ne = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)\nf=e\nf.volume_kms_key=None\ne.fit()\n",
        "fail",
    ),
    "choice update": (
        "a={'TrainingJobName':'j','ResourceConfig':{'InstanceType':'ml.m5.large'}}\nb={}\n(a if x else b).update(ResourceConfig={'InstanceType':'ml.m5.large','VolumeKmsKeyId':'k'})\nsm.create_training_job(**a)\n",
        "unknown",
    ),
    "ifexp effect": (
        "r={'InstanceType':'ml.m5.large'}\nr.update(VolumeKmsKeyId='k') if x else None\nsm.create_training_job(TrainingJobName='j',ResourceConfig=r)\n",
        "unknown",
    ),
    "and effect": (
        "r={'InstanceType':'ml.m5.large'}\nx and r.update(VolumeKmsKeyId='k')\nsm.create_training_job(TrainingJobName='j',ResourceConfig=r)\n",
        "unknown",
    ),
    "short circuit": (
        "r={'InstanceType':'ml.m5.large'}\nTrue or r.update(VolumeKmsKeyId='k')\nsm.create_training_job(TrainingJobName='j',ResourceConfig=r)\n",
        "fail",
    ),
    "walrus and": ("key=None\nx and (key:='k')\n" + JOB, "unknown"),
    "comp effect": (
        "r={'InstanceType':'ml.m5.large'}\n[r.update(VolumeKmsKeyId='k') for x in xs]\nsm.create_training_job(TrainingJobName='j',ResourceConfig=r)\n",
        "unknown",
    ),
    "comp leak": ("key=None\nnames=[key for key in xs]\n" + JOB, "fail"),
    "comp walrus": ("key='k'\nnames=[(key:=x) for x in xs]\n" + JOB, "unknown"),
    "getattr": ("key=getattr(cfg,'key',None)\n" + JOB, "unknown"),
    "setattr": (
        "key='k'\ne = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)\nsetattr(e,'volume_kms_key',None)\ne.fit()\n",
        "fail",
    ),
    "delattr dict": (
        "key='k'\ne = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)\nvars(e)['volume_kms_key']=None\ne.fit()\n",
        "unknown",
    ),
    "__dict__": (
        "key='k'\ne = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)\ne.__dict__.update(volume_kms_key=None)\ne.fit()\n",
        "unknown",
    ),
    "exec": ("key='k'\nexec(code)\n" + JOB, "unknown"),
    "globals": ("key='k'\nglobals()['key']=None\n" + JOB, "fail"),
    "globals update": ("key='k'\nglobals().update(cfg)\n" + JOB, "unknown"),
    "global fn": ("key='k'\ndef f():\n    global key\n    key=None\nf()\n" + JOB, "fail"),
    "global long fn": (
        "C={'key':'k'}\ndef f():\n    print('LONG')\n    C['key']=None\nf()\nkey=C['key']\n".replace(
            "LONG", LONG
        )
        + JOB,
        "fail",
    ),
    "nonlocal": (
        "def g():\n    key='k'\n    def f():\n        nonlocal key\n        key=None\n    f()\n    return key\nkey=g()\n"
        + JOB,
        "fail",
    ),
    "recursion": (
        "C={'key':'k'}\ndef f(n):\n    if n==0:\n        C['key']=None\n        return\n    f(n-1)\nf(3)\nkey=C['key']\n"
        + JOB,
        "unknown",
    ),
    "long method": (
        "class J:\n    def __init__(self):\n        self.key='k'\n    def strip(self):\n        print('LONG')\n        self.key=None\nj=J()\nj.strip()\nkey=j.key\n".replace(
            "LONG", LONG
        )
        + JOB,
        "fail|unknown",
    ),
    "property": ("class C:\n    @property\n    def key(self): return None\nkey=C().key\n" + JOB, "unknown"),
    "decorated": ("@strip\ndef get(): return 'k'\nkey=get()\n" + JOB, "unknown"),
    "class decorator": ("@strip\nclass C: key='k'\nkey=C.key\n" + JOB, "unknown"),
    "class attr": ("class C: key='k'\nc=C()\nC.key=None\nkey=c.key\n" + JOB, "unknown|fail"),
    "class attr of a copy": (
        "class C: key='k'\nc=copy.copy(C())\nC.key=None\nkey=c.key\n" + JOB,
        "unknown|fail",
    ),
    "dataclass positional": (
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    key: str='k'\nkey=C(None).key\n" + JOB,
        "fail",
    ),
    "post_init": (
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    key: str='k'\n    def __post_init__(self): self.key=None\nkey=C().key\n"
        + JOB,
        "fail",
    ),
    "__getattribute__": (
        "class C:\n    key='k'\n    def __getattribute__(self, n): return None\nkey=C().key\n" + JOB,
        "unknown",
    ),
    "Base.__init__": (
        "class B:\n    def __init__(self,key): self.key=key\nclass C(B):\n    def __init__(self): B.__init__(self,None)\nkey=C().key\n"
        + JOB,
        "unknown|fail",
    ),
    "star": ("key='k'\nfrom cfg import *\n" + JOB, "unknown"),
    "monkey": ("sagemaker.estimator.Estimator.fit=strip\nkey='k'\n" + JOB, "unknown"),
    "monkey2": ("Estimator.__init__=strip\nkey='k'\n" + JOB, "unknown"),
    "attr of unknown": (
        "import cfg\nif not cfg.key: raise SystemExit\ncfg.key=None\nkey=cfg.key\n" + JOB,
        "fail",
    ),
    "star args": ("e=Estimator(*xs,'k')\n", "unknown"),
    "star args fn": ("def f(a,key='k'):\n    return key\nkey=f(*xs)\n" + JOB, "unknown"),
    "get none": ("c={'key':'v' if x else None}\nkey=c.get('key','d')\n" + JOB, "unknown"),
    "spread none": (
        "a={'volume_kms_key':'k'}\nb={'volume_kms_key':'v' if x else None}\ne=Estimator('i',role,1,'ml.m5.large',**{**a,**b})\n",
        "unknown",
    ),
    "setdefault rest": (
        "c={**cfg()}\nc.setdefault('volume_kms_key','k')\ne=Estimator('i',role,1,'ml.m5.large',**c)\n",
        "unknown",
    ),
    "enumerate": (
        "rs=[{'InstanceType':'ml.m5.large','VolumeKmsKeyId':'k'}]\nfor i,x in enumerate(rs):\n    x['VolumeKmsKeyId']=None\nsm.create_training_job(TrainingJobName='j',ResourceConfig=rs[0])\n",
        "unknown|fail",
    ),
    "values": (
        "rs={'a':{'InstanceType':'ml.m5.large','VolumeKmsKeyId':'k'}}\nfor x in rs.values():\n    x['VolumeKmsKeyId']=None\nsm.create_training_job(TrainingJobName='j',ResourceConfig=rs['a'])\n",
        "unknown|fail",
    ),
    "items": (
        "rs={'a':{'InstanceType':'ml.m5.large','VolumeKmsKeyId':'k'}}\nfor n,x in rs.items():\n    x['VolumeKmsKeyId']=None\nsm.create_training_job(TrainingJobName='j',ResourceConfig=rs['a'])\n",
        "unknown|fail",
    ),
    "index": (
        "rs=[{'InstanceType':'ml.m5.large','VolumeKmsKeyId':'k'}]\nrs[i]['VolumeKmsKeyId']=None\nsm.create_training_job(TrainingJobName='j',ResourceConfig=rs[0])\n",
        "unknown|fail",
    ),
    "five items": (
        "rs=[{'InstanceType':'ml.m5.large','VolumeKmsKeyId':'k'},{},{},{},{},{}]\nfor x in rs:\n    x['VolumeKmsKeyId']=None\nsm.create_training_job(TrainingJobName='j',ResourceConfig=rs[0])\n",
        "unknown|fail",
    ),
    "nested let go": (
        REQUEST
        + "rc=r['ResourceConfig']\nstrip(r)\nsm.create_training_job(TrainingJobName='j',ResourceConfig=rc)\n",
        "unknown",
    ),
    "object let go": (
        "key='k'\ne = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)\nstrip(e)\ne.fit()\n",
        "unknown",
    ),
    "closure late": (
        "fs=[]\nfor key in ['k',None]:\n    fs.append(lambda: Estimator('i',role,1,'ml.m5.large',volume_kms_key=key))\nkey=None\nfs[0]()\n",
        "fail|unknown",
    ),
    "lambda": (
        "key='k'\nmake=lambda: Estimator('i',role,1,'ml.m5.large',volume_kms_key=key)\nkey=None\nmake()\n",
        "fail",
    ),
    "function passed": (
        "key=None\ndef train():\n    Estimator('i',role,1,'ml.m5.large',volume_kms_key=key).fit()\nrun(train)\nkey='k'\n",
        "fail",
    ),
    "generator": (
        "C={'key':None}\ndef f():\n    C['key']='k'\n    yield 1\nf()\nkey=C['key']\n" + JOB,
        "unknown",
    ),
    "async": ("C={'key':None}\nasync def f():\n    C['key']='k'\nf()\nkey=C['key']\n" + JOB, "unknown"),
    "match guard": ("key='k'\nmatch x:\n    case 1 if (key:=None):\n        pass\n" + JOB, "fail|unknown"),
    "match capture": ("key='k'\nmatch x:\n    case key:\n        pass\n" + JOB, "unknown"),
    "with as": (
        "class C:\n    key='k'\n    def __enter__(self): return other\n    def __exit__(self,*a): pass\nwith C() as c:\n    key=c.key\n"
        + JOB,
        "unknown",
    ),
    "aug unknown": (
        "r={'InstanceType':'ml.m5.large','VolumeKmsKeyId':'k'}\nd=r\nd|=cfg()\nsm.create_training_job(TrainingJobName='j',ResourceConfig=r)\n",
        "unknown",
    ),
    "del choice": (
        "a={'InstanceType':'ml.m5.large','VolumeKmsKeyId':'k'}\nb={}\nr=a if x else b\ndel r['VolumeKmsKeyId']\nsm.create_training_job(TrainingJobName='j',ResourceConfig=a)\n",
        "unknown",
    ),
    "empty unknown dict": ("c={}\nfill(c)\nkey='k' if c else None\n" + JOB, "unknown"),
    "private": (
        "key='k'\ne = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)\ne._volume_kms_key=None\ne.volume_kms_key=None\ne.fit()\n",
        "fail",
    ),
    "bound": (
        "create=sm.create_training_job\ncreate(TrainingJobName='j',ResourceConfig={'InstanceType':'ml.m5.large'})\n",
        "fail",
    ),
    "bound passed": ("retry(sm.create_training_job,TrainingJobName='j')\n", "unknown"),
    "CR": (
        "key=None\rdef f():\r    e = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)\r    e.fit()\rf()\r",
        "fail",
    ),
    "tabs": (
        "def f(key):\n\te = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)\n\te.fit()\nf(None)\n",
        "fail",
    ),
    "del name": ("key='k'\ndel key\nfrom cfg import key\n" + JOB, "unknown"),
    "assert": ("key=os.getenv('K')\nassert key\n" + JOB, "pass"),
    "cond import": ("try:\n    from cfg import key\nexcept ImportError:\n    key=None\n" + JOB, "unknown"),
    "subclass": ("class My(Estimator):\n    pass\ne=My('i',role,1,'ml.m5.large')\n", "fail"),
    "subclass init": (
        "class My(Estimator):\n    def __init__(self,**kw):\n        super().__init__(**kw)\ne=My(image_uri='i',volume_kms_key='k')\n",
        "unknown",
    ),
    "nested choice none": (
        "key='a' if x else ('b' if y else None)\nkey2='k' if key is not None else None\ne = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key2)\n",
        "unknown",
    ),
    "partial": (
        "from functools import partial\nmake=partial(Estimator,role=role,instance_count=1,instance_type='ml.m5.large')\ne=make(image_uri='i')\n",
        "fail|unknown",
    ),
    "print": ("key=print('k')\n" + JOB, "unknown"),
    "a text that is put together": ("key='k' if f's3://{bucket}' else None\n" + JOB, "pass"),
    "a text that may be empty": ("key='k' if f'{bucket}' else None\n" + JOB, "unknown"),
    "format": ("key='k' if '{}{{{x}}}{}'.format('a', 1, x='b') == 'a{b}1' else None\n" + JOB, "pass"),
    "format of unknowns": ("key='k' if '{}{x.y:>3}{9}'.format(a) == 'a' else None\n" + JOB, "unknown"),
    "format that fails": ("key='k' if '{'.format(a) else None\n" + JOB, "unknown"),
    "next": ("key=next(iter(ks),None)\n" + JOB, "unknown"),
    "loop alias": (
        "key='k'\ne = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)\nfor x in [e]:\n    x.volume_kms_key=None\ne.fit()\n",
        "unknown|fail",
    ),
    "tuple alias": (
        "key='k'\ne = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)\na,b=e,1\na.volume_kms_key=None\ne.fit()\n",
        "fail",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_no_verdict_is_better_than_what_is_sent(case: str) -> None:
    code, expected = CASES[case]
    found = {
        verdict.name.lower() for at, verdict in judged_file(START + code).items() if at[1] == "volume-kms-key"
    }
    assert found
    assert found <= set(expected.split("|"))


@pytest.mark.parametrize(
    "code",
    [
        "x = [" + "1, " * 50_000 + "]",
        "e.f(" * 90 + ")" * 90,
        "f(1)\n" * 10_000,
        "x = " + "+".join("ab" * 900),
    ],
)
def test_what_is_large_takes_nothing_from_what_stands_beside_it(code: str) -> None:
    found = judged_file(START + "key = None\n" + JOB + code)
    assert {verdict.name for at, verdict in found.items() if at[1] == "volume-kms-key"} <= {"FAIL", "UNKNOWN"}
