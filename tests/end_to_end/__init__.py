"""The example environment deployed, and the same resources judged wherever that is done."""
