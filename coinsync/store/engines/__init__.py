"""What each engine needs of its own: SQLite, and MySQL or MariaDB."""
