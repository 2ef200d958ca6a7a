"""Policies of IAM and AWS Organizations: what they say, and what they decide of a request."""
