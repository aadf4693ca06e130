"""Loading a batch of cases: sources, manifest, checks, uploads, storing. May not live here: pages, commands."""
