"""The bot's settings as validated models."""
