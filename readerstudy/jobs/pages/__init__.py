"""The pages: how far a job is, and cancelling it. May not live here: rules, which the app's other modules hold."""
