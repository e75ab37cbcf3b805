"""The bot, its ports, its clock and its database."""
