"""The controls as rules of AWS Config: what runs in Lambda. Standard library, scanner and boto3 only."""
