"""The command line: arguments in, exit codes out. The composition root lives here."""
