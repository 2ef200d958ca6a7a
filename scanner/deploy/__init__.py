"""The controls deployed to AWS: functions and their zips, rules, hook, remedies, and what has drifted."""
