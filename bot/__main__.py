"""`python -m bot` is the command `frontdesk`."""

from bot.cli.app import main

main()
