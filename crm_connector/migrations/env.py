"""What Alembic runs for each command, on the connection that `database.upgrade` hands it."""

from alembic import context

from crm_connector.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite cannot alter a column in place
    transactional_ddl=True,  # in one transaction on SQLite too, so that no store is left half upgraded
)
with context.begin_transaction():
    context.run_migrations()
