"""`python -m scanner` is `smguard`."""

from scanner.cli import main

main()
