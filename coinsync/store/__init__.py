"""The database: opening it, its schema, one reader, one writer, and what its engines need."""
