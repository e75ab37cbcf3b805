"""The schema's history as Alembic scripts."""
