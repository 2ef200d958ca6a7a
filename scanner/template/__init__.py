"""CloudFormation templates as a source: reading, resolving, and what may vary in them."""
