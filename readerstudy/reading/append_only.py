"""Database triggers that refuse to update, replace or delete a response, on SQLite and PostgreSQL.

`migrate` installs them (apps.py). They hold for raw SQL too: no mistake in code and no admin can rewrite an answer.
"""

from typing import Any

TABLE = "reading_response"
MESSAGE = "Responses are append-only: add a revision instead."

_POSTGRES_FUNCTION = f"""
CREATE OR REPLACE FUNCTION {TABLE}_refuse() RETURNS trigger AS $$
BEGIN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation'; END;
$$ LANGUAGE plpgsql;
"""


def install(connection: Any) -> None:
    """Create the triggers; harmless when they exist."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRES_FUNCTION)
            for event, each in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
                cursor.execute(
                    f"CREATE OR REPLACE TRIGGER {TABLE}_no_{event.lower()} BEFORE {event} ON {TABLE} "
                    f"FOR EACH {each} EXECUTE FUNCTION {TABLE}_refuse()"
                )
        elif connection.vendor == "sqlite":
            for event in ("UPDATE", "DELETE"):
                cursor.execute(
                    f"CREATE TRIGGER IF NOT EXISTS {TABLE}_no_{event.lower()} BEFORE {event} ON {TABLE} "
                    f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
                )
        else:
            raise RuntimeError(
                f"No append-only triggers are written for {connection.vendor}: use SQLite or PostgreSQL."
            )


def remove(connection: Any) -> None:
    """Drop the triggers. Only for emptying a test database."""
    with connection.cursor() as cursor:
        for event in ("update", "delete", "truncate"):
            on = f" ON {TABLE}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {TABLE}_no_{event}{on}")
