"""Requests where they are written: pipeline definitions, state machines and the AWS CLI's JSON."""
