"""What each subcommand does: its words become a request to the engine, the engine's answer becomes an Outcome.

One module a subcommand, of the same name as in `dlmath.cli`; the modules here print nothing and declare no options, so
that an experiment file runs a command through the same function as the command line.
"""
