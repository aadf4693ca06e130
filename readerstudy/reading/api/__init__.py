"""The reading room's JSON API (docs/reading-api.md): endpoints, serializers, logging in again in place."""
