"""The command line: one module a subcommand, declarations and dispatch only."""
