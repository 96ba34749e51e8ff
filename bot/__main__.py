"""`python -m bot <verb>` is `nightjar <verb>`."""

from bot.cli.app import main

main()
