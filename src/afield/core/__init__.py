"""What every layer needs and nothing else: errors, findings, events, the registry. Standard library only."""
