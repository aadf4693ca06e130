"""Training from the command line: `python -m explain.training --output FOLDER` trains the demo pair."""
