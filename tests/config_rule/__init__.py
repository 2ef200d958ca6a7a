"""The rules of AWS Config, tested through the handler."""
