"""Run by a Python that has the SageMaker SDK: runs a file of jobs under the guard, and prints what that says.

Its words are the file and the guard's mode. It prints {"warned": [text], "stopped": text, or null}.
"""

import json
import runpy
import sys
import warnings

from scanner.guard import GuardWarning, NonCompliant, guard

stopped = None
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("ignore")
    warnings.simplefilter("always", GuardWarning)
    guard(mode=sys.argv[2])
    try:
        runpy.run_path(sys.argv[1])
    except NonCompliant as error:
        stopped = str(error)
told = [(str(it.message), it.filename) for it in caught if issubclass(it.category, GuardWarning)]
print(json.dumps({"warned": told, "stopped": stopped}))
