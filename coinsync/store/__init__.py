"""The one room that knows the database: rows, reader, writer, migrations. Outside it there are only core values."""
