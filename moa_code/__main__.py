"""`python -m moa_code`: the command line."""

from moa_code.cli.main import main

main()
