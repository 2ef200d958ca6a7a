"""Split the project's CSV files (no header, the label first) into rows to train on and rows to test with."""

import csv
import pathlib
import zlib

BASE = pathlib.Path("/opt/ml/processing")

with (BASE / "train/train.csv").open("w") as train, (BASE / "test/test.csv").open("w") as test:
    to_train, to_test = csv.writer(train), csv.writer(test)
    for path in sorted((BASE / "data").glob("*.csv")):
        with path.open() as rows:
            for row in csv.reader(rows):
                # By the row itself, so that every run of a commit makes the same split.
                kept = zlib.crc32(",".join(row).encode()) % 5
                (to_train if kept else to_test).writerow(row)
