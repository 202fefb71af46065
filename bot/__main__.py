"""`python -m bot` is the command `frontdesk`."""

from bot.cli import main

main()
